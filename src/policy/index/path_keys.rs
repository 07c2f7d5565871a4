//! The first segments of the paths that a rule matches, as far as they are known: the keys by which an
//! index finds the rule.
//!
//! In: an exact path, a prefix, a template or a regular expression. Out: keys, one of which leads to
//! each path that the rule matches. A key says less than its rule, never more: what is found by it
//! still has to be matched. Text is in lower case, because templates fit in any case possibly.

use regex_syntax::{
    ParserBuilder,
    hir::{Class, Hir, HirKind},
};

/// Segments of a key. More would tell no rules apart that people write.
const MAX_SEGMENTS: usize = 8;
/// Ways of an alternation that get a key each.
const MAX_WAYS: usize = 16;

/// The first segments of a path; `None` is any text without a slash.
pub(in crate::policy) type PathKey = Vec<Option<Vec<u8>>>;

/// The key of a path that is compared literally.
pub(in crate::policy) fn of_text(path: &[u8]) -> PathKey {
    let segments = path.split(|&b| b == b'/').skip(1);
    of_segments(segments.map(Some))
}

/// The key of these segments, of which `None` is any text without a slash.
pub(in crate::policy) fn of_segments<'a>(
    segments: impl Iterator<Item = Option<&'a [u8]>>,
) -> PathKey {
    let lower = segments.map(|segment| segment.map(<[u8]>::to_ascii_lowercase));
    let mut key: PathKey = lower.take(MAX_SEGMENTS).collect();
    if key.last().is_some_and(|last| last.as_deref() == Some(b"")) {
        key.pop();
    }
    key
}

/// The keys of a regular expression over whole paths.
pub(in crate::policy) fn of_regex(pattern: &str) -> Vec<PathKey> {
    let parsed = ParserBuilder::new().utf8(false).build().parse(pattern);
    // An expression without a key is found by every path.
    let Ok(parsed) = parsed else { return vec![PathKey::new()] };
    let rows = expand(in_a_row(&parsed), MAX_WAYS);
    rows.iter().map(|parts| of_parts(parts)).collect()
}

/// Each way of an alternation that has slashes as a row of its own, as long as there are no more than
/// `most`.
fn expand(parts: Vec<&Hir>, most: usize) -> Vec<Vec<&Hir>> {
    let ways = parts.iter().enumerate().find_map(|(at, part)| {
        let HirKind::Alternation(ways) = part.kind() else { return None };
        (!has_no_slash(part)).then_some((at, ways))
    });
    let Some((at, ways)) = ways.filter(|(_, ways)| ways.len() <= most) else { return vec![parts] };
    let (before, after) = parts.split_at(at);
    let rows = ways.iter().map(|way| {
        let rest = after.iter().skip(1).copied();
        before.iter().copied().chain(in_a_row(way)).chain(rest).collect()
    });
    rows.flat_map(|row| expand(row, most / ways.len())).collect()
}

/// The parts of an expression that match one after the other, without those that match no text.
fn in_a_row(expression: &Hir) -> Vec<&Hir> {
    match expression.kind() {
        HirKind::Empty | HirKind::Look(_) => Vec::new(),
        HirKind::Capture(group) => in_a_row(&group.sub),
        HirKind::Concat(parts) => parts.iter().flat_map(in_a_row).collect(),
        HirKind::Literal(_)
        | HirKind::Class(_)
        | HirKind::Repetition(_)
        | HirKind::Alternation(_) => vec![expression],
    }
}

/// The key of parts that match one after the other.
fn of_parts(parts: &[&Hir]) -> PathKey {
    // The whole segments, and the one that is not finished; nothing before the first slash.
    let mut whole: Vec<Option<Vec<u8>>> = Vec::new();
    let mut last: Option<Option<Vec<u8>>> = None;
    for (index, part) in parts.iter().enumerate() {
        if let HirKind::Literal(text) = part.kind() {
            for &byte in &text.0 {
                match (byte, &mut last) {
                    (b'/', last) => whole.extend(last.replace(Some(Vec::new()))),
                    (_, Some(Some(text))) => text.push(byte),
                    // The segment may have any text already.
                    (_, Some(None)) => {}
                    (_, None) => return PathKey::new(),
                }
            }
        } else if let (true, Some(segment)) = (has_no_slash(part), &mut last) {
            *segment = None;
        } else {
            let is_last = index + 1 == parts.len();
            if begins_with_slash(part) && (is_last || !may_be_empty(part)) {
                whole.extend(last.take());
            }
            last = None;
            break;
        }
    }
    whole.extend(last);
    of_segments(whole.iter().map(Option::as_deref))
}

/// No text that the expression matches holds a slash.
fn has_no_slash(expression: &Hir) -> bool {
    match expression.kind() {
        HirKind::Empty | HirKind::Look(_) => true,
        HirKind::Literal(text) => !text.0.contains(&b'/'),
        HirKind::Class(Class::Unicode(class)) => {
            !class.iter().any(|range| (range.start()..=range.end()).contains(&'/'))
        }
        HirKind::Class(Class::Bytes(class)) => {
            !class.iter().any(|range| (range.start()..=range.end()).contains(&b'/'))
        }
        HirKind::Repetition(again) => has_no_slash(&again.sub),
        HirKind::Capture(group) => has_no_slash(&group.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().all(has_no_slash),
    }
}

/// Each text that the expression matches, unless it is empty, begins with a slash.
fn begins_with_slash(expression: &Hir) -> bool {
    match expression.kind() {
        HirKind::Empty | HirKind::Look(_) => true,
        HirKind::Literal(text) => text.0.first() == Some(&b'/'),
        HirKind::Class(_) => false,
        HirKind::Repetition(again) => begins_with_slash(&again.sub),
        HirKind::Capture(group) => begins_with_slash(&group.sub),
        HirKind::Concat(parts) => {
            parts.first().is_some_and(|first| begins_with_slash(first) && !may_be_empty(first))
        }
        HirKind::Alternation(ways) => ways.iter().all(begins_with_slash),
    }
}

fn may_be_empty(expression: &Hir) -> bool {
    expression.properties().minimum_len().is_none_or(|least| least == 0)
}

#[cfg(test)]
mod tests {
    use super::{PathKey, of_regex, of_text};

    fn readable(keys: &[PathKey]) -> Vec<String> {
        let segment = |segment: &Option<Vec<u8>>| match segment {
            Some(text) => format!("/{}", String::from_utf8_lossy(text)),
            None => "/*".to_owned(),
        };
        keys.iter().map(|key| key.iter().map(segment).collect()).collect()
    }

    #[test]
    fn a_path_is_found_by_its_segments_in_lower_case() {
        for (path, key) in [
            ("/", ""),
            ("/Admin", "/admin"),
            ("/admin/", "/admin"),
            ("/a/b.c/d", "/a/b.c/d"),
            ("/1/2/3/4/5/6/7/8/9", "/1/2/3/4/5/6/7/8"),
        ] {
            assert_eq!(readable(&[of_text(path.as_bytes())]), [key], "{path}");
        }
    }

    #[test]
    fn an_expression_is_found_by_the_segments_that_it_fixes() {
        for (pattern, expected) in [
            ("/admin", &["/admin"][..]),
            ("/admin/", &["/admin"]),
            ("/admin(/.*)?", &["/admin"]),
            ("/admin(?:/.*)?x", &[""]),
            ("/admin(?:/.+)", &["/admin"]),
            ("/admin(?:/.+)+x", &["/admin"]),
            ("/admin(?:/b|)*", &["/admin"]),
            ("/admin(?:/b)+", &["/admin"]),
            // Its segment may go on.
            ("/admin(?:/b|c/d)*", &[""]),
            ("/admin(c/d)*", &[""]),
            ("/admin(?:c.*/d)*", &[""]),
            ("/admin(?:(?:/b)?c.*/)*", &[""]),
            ("/admin.*", &[""]),
            ("/a/admin.*", &["/a"]),
            ("/Users/(?P<id>[0-9]+)", &["/users/*"]),
            ("/users/[^/]+/orders", &["/users/*/orders"]),
            ("/users/[^x]+/orders", &["/users"]),
            ("/users/(a|b)/orders", &["/users/*/orders"]),
            ("/users/(a|b/c)/orders", &["/users/a/orders", "/users/b/c/orders"]),
            ("/users/(ab|cd)/orders", &["/users/*/orders"]),
            ("/users/(a|)/orders", &["/users/*/orders"]),
            ("/users/(?-u:[^/]+)/orders", &["/users/*/orders"]),
            ("/users/(?-u:[^x]+)/orders", &["/users"]),
            ("/v[0-9]+/users", &["/*/users"]),
            ("/v[0-9]+x/users", &["/*/users"]),
            ("/a|/b/.*", &["/a", "/b"]),
            ("(/a|/b)/c", &["/a/c", "/b/c"]),
            ("(/a|/b)?/c", &[""]),
            (r".*\.png", &[""]),
            (r"/.*\.png", &[""]),
            ("/(?i)x/y", &["/*/*"]),
            (r"/a/\w*/b", &["/a/*/b"]),
            ("/(a)?(/b)?", &["/*"]),
            ("(?s).+", &[""]),
            ("/a{3}/b", &["/*/b"]),
            ("/(a|b/(c|d/e))/f", &["/a/f", "/b/c/f", "/b/d/e/f"]),
            ("[/]x", &["/x"]),
        ] {
            let found = of_regex(&format!("^(?:{pattern})$"));
            assert_eq!(readable(&found), expected, "{pattern}");
        }
    }

    /// Else a few short expressions would make a key for each of very many paths.
    #[test]
    fn an_expression_has_no_more_keys_than_a_rule_needs() {
        let ways =
            |count: usize| (0..count).map(|n| format!("/w{n}")).collect::<Vec<_>>().join("|");
        for (pattern, count) in [
            (format!("({})", ways(16)), 16),
            (format!("({})", ways(17)), 1),
            ("(/a|/b)".repeat(4), 16),
            ("(/a|/b)".repeat(6), 16),
        ] {
            assert_eq!(of_regex(&format!("^(?:{pattern})$")).len(), count, "{pattern}");
        }
    }
}
