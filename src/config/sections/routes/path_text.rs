//! Paths of rules that would match nothing that was meant: placeholders and wildcards of some
//! router where text is compared literally, and expressions that no path can satisfy.

use regex_syntax::hir::{Class, Hir, HirKind};

/// A path that some request can have: decoded, absolute, without query and without dot segments.
pub(super) fn check_plain(text: &str) -> Result<(), String> {
    if !text.starts_with('/') || text.contains(['?', '#', '%', '\\', ';']) {
        return Err(format!(
            "`{text}` is not a plain path; start with / and write it decoded, without query"
        ));
    }
    if text.chars().any(char::is_control) || text.trim() != text {
        return Err(format!(
            "{text:?} has blanks at its end or control characters, which no path has; leave them out"
        ));
    }
    if text.contains("//") {
        return Err(format!("`{text}` has an empty segment; write single slashes"));
    }
    if text.contains(", ") || text.contains(",/") {
        return Err(format!("`{text}` looks like several paths; write one route for each"));
    }
    if text.split('/').any(|segment| segment == "." || segment == "..") {
        return Err(format!("`{text}` has dot segments; write the path without them"));
    }
    Ok(())
}

/// A path that is compared literally. The error says what to write instead.
pub(super) fn check_literal(text: &str, prefix: bool) -> Result<(), String> {
    check_plain(text)?;
    match text.split('/').find(|segment| is_pattern(segment)) {
        Some(segment) => Err(format!(
            "`{segment}` is compared literally here and would match no request; {}",
            cure(text, prefix)
        )),
        None => Ok(()),
    }
}

/// A segment that is a placeholder or a wildcard in the language of some router, but literal here.
/// `[id]` is none: builds of Next.js have files of that name.
pub(super) fn is_pattern(segment: &str) -> bool {
    segment.starts_with([':', '*'])
        || segment.ends_with(['*', '$'])
        || segment.contains(['{', '}', '<', '>'])
        || ["[^", "]+", "]*", ".*", ".+", ")?"].iter().any(|sign| segment.contains(sign))
}

/// The same as a prefix, where only the end is a wildcard; else as an expression that also covers
/// what lies below, if the text was a prefix.
fn cure(text: &str, prefix: bool) -> String {
    let wild = ["/*", "/**", "/.*", "/(.*)", "*", "$"];
    let bare = wild.iter().find_map(|end| text.strip_suffix(end)).unwrap_or(text);
    let bare = if bare.is_empty() { "/" } else { bare };
    if bare != text && !bare.split('/').any(is_pattern) {
        return format!("write prefix: {bare}, which covers all below it");
    }
    let written = bare.split('/').map(|segment| match segment {
        "**" => ".*".to_owned(),
        segment if segment.contains("...") || segment.starts_with("**") => ".*".to_owned(),
        segment if is_pattern(segment) => "[^/]+".to_owned(),
        segment => regex::escape(segment),
    });
    let written = written.collect::<Vec<_>>().join("/");
    let below = if prefix || bare != text { "(/.*)?" } else { "" };
    format!("write it as regex: '{written}{below}'")
}

/// An expression over a whole path, which compiles. The error says what to write instead.
pub(super) fn check_regex(pattern: &str) -> Result<(), String> {
    if !can_begin_with_a_slash(pattern) {
        return Err(format!(
            "`{pattern}` matches no path: it is held against the whole path, which begins with /"
        ));
    }
    // After `/`, `*` means "any number of slashes", and hardly ever on purpose.
    if let Some(at) = pattern.find("/*") {
        let before = pattern.get(..at).unwrap_or_default();
        return Err(format!("`/*` matches slashes alone; write '{before}(/.*)?' for all below it"));
    }
    let query = pattern.split_once('?').map(|(_, rest)| rest);
    if query.is_some_and(|rest| {
        let name = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
        name > 0 && rest.as_bytes().get(name) == Some(&b'=')
    }) {
        return Err(format!("`{pattern}` asks for a query, which is no part of the path"));
    }
    Ok(())
}

/// Some text that the expression matches begins with `/`, as far as its first signs tell.
fn can_begin_with_a_slash(pattern: &str) -> bool {
    regex_syntax::parse(pattern).is_ok_and(|parsed| first(&parsed).slash)
}

/// The characters that an expression can begin with.
#[derive(Clone, Copy)]
struct First {
    /// Nothing: what follows it may be the first sign.
    nothing: bool,
    slash: bool,
}

fn first(expression: &Hir) -> First {
    match expression.kind() {
        HirKind::Empty | HirKind::Look(_) => First { nothing: true, slash: false },
        HirKind::Literal(text) => First { nothing: false, slash: text.0.first() == Some(&b'/') },
        HirKind::Class(class) => First { nothing: false, slash: holds_slash(class) },
        HirKind::Repetition(again) => {
            let inner = first(&again.sub);
            First {
                nothing: again.min == 0 || inner.nothing,
                slash: inner.slash && again.max != Some(0),
            }
        }
        HirKind::Capture(group) => first(&group.sub),
        HirKind::Concat(parts) => {
            let mut all = First { nothing: true, slash: false };
            for part in parts.iter().map(first) {
                all.slash |= all.nothing && part.slash;
                all.nothing &= part.nothing;
            }
            all
        }
        HirKind::Alternation(ways) => {
            ways.iter().map(first).fold(First { nothing: false, slash: false }, |all, way| First {
                nothing: all.nothing || way.nothing,
                slash: all.slash || way.slash,
            })
        }
    }
}

fn holds_slash(class: &Class) -> bool {
    match class {
        Class::Unicode(class) => {
            class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&'/'))
        }
        Class::Bytes(class) => {
            class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&b'/'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::check_literal;

    #[test]
    fn a_path_that_would_match_nothing_is_refused_with_what_to_write() {
        for (text, prefix, expected) in [
            ("/admin/*", true, "write prefix: /admin,"),
            ("/admin*", true, "write prefix: /admin,"),
            ("/admin/**", true, "write prefix: /admin,"),
            ("/admin/(.*)", true, "write prefix: /admin,"),
            ("/admin$", false, "write prefix: /admin,"),
            ("/*", true, "write prefix: /,"),
            ("/users/:id", false, "write it as regex: '/users/[^/]+'"),
            ("/users/:id", true, "write it as regex: '/users/[^/]+(/.*)?'"),
            ("/users/:id/*", true, "write it as regex: '/users/[^/]+(/.*)?'"),
            ("/a.b/{id}", false, r"write it as regex: '/a\.b/[^/]+'"),
            ("/files/{path...}", false, "write it as regex: '/files/.*'"),
            ("/users/[0-9]+", true, "write it as regex: '/users/[^/]+(/.*)?'"),
            ("/admin\n", true, "control characters"),
            ("/admin ", true, "blanks at its end"),
            ("//admin", true, "single slashes"),
            ("/admin//", true, "single slashes"),
            ("/admin, /users", true, "one route for each"),
            ("/a/../b", true, "dot segments"),
            ("admin", true, "not a plain path"),
        ] {
            let error = check_literal(text, prefix).expect_err(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn what_people_really_call_their_paths_is_good() {
        for text in [
            "/",
            "/admin",
            "/admin/",
            "/v1/users:batchGet",
            "/Products(1)",
            "/$metadata",
            "/@scope/pkg",
            "/_next/static/chunks/app/[slug]/page.js",
            "/~user",
            "/a b/c",
            "/caf\u{e9}",
            "/a*b",
            "/x=1&y",
            "/a,b",
            "/.well-known/x",
            "/...",
            "/a+b",
        ] {
            assert_eq!(check_literal(text, true), Ok(()), "{text}");
        }
    }
}
