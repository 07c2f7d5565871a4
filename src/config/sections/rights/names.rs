//! The names of roles and permissions: their characters, and the wildcard of a role's permissions.
//!
//! In: a name as somebody writes it. Out: nothing, or what is wrong with it. Tokens may hold other
//! names; those are no error, and nothing can ask for them except through `map`.

/// The most bytes of a name.
pub const MAX_NAME_BYTES: usize = 128;
/// Stands for every permission below it, at the end of a permission that a role has.
const WILDCARD: &str = "*";

/// The problem of the name of a role, if it is no such name.
#[must_use]
pub fn role_problem(name: &str) -> Option<String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_.:/@+-".contains(&b);
    let good = name.bytes().all(|b| plain(b) || b == b' ')
        && name.bytes().next().is_some_and(plain)
        && name.bytes().next_back().is_some_and(plain);
    if good && name.len() <= MAX_NAME_BYTES {
        return None;
    }
    Some(format!(
        "{} is no name of a role; write 1 to {MAX_NAME_BYTES} letters, digits, `_ . : / @ + -` or \
         blanks inside: editor, group_1/owner",
        shown(name)
    ))
}

/// The problem of a permission that is asked for, if it is no such name.
#[must_use]
pub fn permission_problem(name: &str) -> Option<String> {
    if name.contains(WILDCARD) {
        return Some(format!(
            "{} has a `*`, which only the permissions of `roles` may have; write orders:write",
            shown(name)
        ));
    }
    if is_permission(name) { None } else { Some(no_permission(name)) }
}

/// The problem of a permission that a role has, if it is neither a name, nor a name with `:*` behind it,
/// nor `*`.
pub(super) fn pattern_problem(pattern: &str) -> Option<String> {
    if pattern == WILDCARD {
        return None;
    }
    let name = pattern.strip_suffix(":*").unwrap_or(pattern);
    if name.contains(WILDCARD) {
        return Some(format!(
            "{} has a `*` where it has no meaning; it stands for whole segments at the end: \
             orders:*, or * for every permission",
            shown(pattern)
        ));
    }
    if is_permission(name) && pattern.len() <= MAX_NAME_BYTES {
        None
    } else {
        Some(no_permission(pattern))
    }
}

/// It stands for every permission below it, or for every permission.
#[must_use]
pub fn is_wildcard(pattern: &str) -> bool {
    pattern == WILDCARD || pattern.ends_with(":*")
}

/// Segments with colons between them, none of them empty.
fn is_permission(name: &str) -> bool {
    let segment = |segment: &str| {
        !segment.is_empty()
            && segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"_./@+-".contains(&b))
    };
    name.len() <= MAX_NAME_BYTES && name.split(':').all(segment)
}

fn no_permission(name: &str) -> String {
    format!(
        "{} is no permission; write 1 to {MAX_NAME_BYTES} letters, digits or `_ . / @ + -`, with \
         colons between segments that are not empty: orders:write",
        shown(name)
    )
}

/// The name for a message, cut if it is long.
fn shown(name: &str) -> String {
    let short: String = name.chars().take(40).collect();
    let dots = if short.len() < name.len() { "..." } else { "" };
    format!("`{}{dots}`", short.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::{MAX_NAME_BYTES, pattern_problem, permission_problem, role_problem};

    #[test]
    fn names_have_few_characters_and_wildcards_stand_at_the_end() {
        let long = "x".repeat(MAX_NAME_BYTES);
        let too_long = "x".repeat(MAX_NAME_BYTES + 1);
        // The name, and whether it is one of a role, of a permission, of a role's permission.
        #[rustfmt::skip] // one case a line
        let cases = [
            ("editor", true, true, true),
            ("group_1/owner", true, true, true),
            ("https://shop.example/roles/admin", true, true, true),
            ("/staff/admins", true, true, true),
            ("Shop Admin", true, false, false),
            ("orders:write", true, true, true),
            ("orders:items:write", true, true, true),
            (&long, true, true, true),
            (&too_long, false, false, false),
            ("", false, false, false),
            (" editor", false, false, false),
            ("editor ", false, false, false),
            ("editor\n", false, false, false),
            ("edit,or", false, false, false),
            ("ed\u{456}tor", false, false, false),
            ("*", false, false, true),
            ("orders:*", false, false, true),
            ("orders:items:*", false, false, true),
            ("orders*", false, false, false),
            ("*:write", false, false, false),
            ("orders:*:write", false, false, false),
            ("orders:**", false, false, false),
            ("orders:", true, false, false),
            (":orders", true, false, false),
            (":*", false, false, false),
            ("orders::write", true, false, false),
            ("orders::*", false, false, false),
        ];
        for (name, role, permission, pattern) in cases {
            assert_eq!(role_problem(name).is_none(), role, "role {name}");
            assert_eq!(permission_problem(name).is_none(), permission, "permission {name}");
            assert_eq!(pattern_problem(name).is_none(), pattern, "pattern {name}");
        }
    }
}
