//! Ways to match a path that every server reads the same.

use super::{measured, policy, request, rule};
use crate::model::DenyReason;

const WAYS: &str = "
routes:
  - { id: exact, match: { path: { exact: /exact } } }
  - { id: prefix, match: { path: { prefix: /admin } } }
  - { id: slash, match: { path: { prefix: /files/ } } }
  - { id: regex, match: { path: { regex: '/v[0-9]+/(users|teams)' } } }
  - { id: literal, match: { path: { prefix: /a.b } } }
  - { id: anything, match: { path: { regex: '/items/[^/]+/secret' } } }
";

#[rustfmt::skip] // one case a line
const MATCHES: &[(&str, &str)] = &[
    ("/exact", "exact"),
    ("/exact?x=/admin", "exact"),
    ("/exact/", "default"),
    ("/exactly", "default"),
    ("/Exact", "default"),
    ("/admin", "prefix"),
    ("/admin/", "prefix"),
    ("/admin/x/y", "prefix"),
    ("/admin?x=1", "prefix"),
    ("/admin.json", "default"),
    ("/administrator", "default"),
    ("/ADMIN", "default"),
    ("/x/admin", "default"),
    ("/x?/admin", "default"),
    ("/files/", "slash"),
    ("/files/a", "slash"),
    ("/files", "default"),
    ("/v1/users", "regex"),
    ("/v12/teams", "regex"),
    ("/v1/users?x", "regex"),
    ("/v1/users/1", "default"),
    ("/x/v1/users", "default"),
    ("/v/users", "default"),
    ("/a.b", "literal"),
    ("/a.b/c", "literal"),
    ("/aXb", "default"),
    ("/items/1/secret", "anything"),
    ("/items/%C3%A9/secret", "anything"),
    ("/items//secret", "default"),
    ("/", "default"),
];

#[test]
fn a_path_matches_by_segments_and_regular_expressions_by_the_whole() {
    let policy = policy(WAYS);
    for (path, expected) in MATCHES {
        assert_eq!(rule(&policy, "GET", "a.com", path).as_deref(), Ok(*expected), "{path}");
    }
}

#[test]
fn a_prefix_of_one_slash_is_everything() {
    let policy = policy("routes: [{ id: all, match: { path: { prefix: / } } }]");
    for path in ["/", "/x", "/x/y?z"] {
        assert_eq!(rule(&policy, "GET", "a.com", path).as_deref(), Ok("all"), "{path}");
    }
}

#[test]
fn a_rule_meets_bytes_that_are_no_text() {
    let policy = policy(
        "{ routes: [{ id: item, match: { path: { regex: '/items/[^/]+/secret' } } }], default: { auth: none } }",
    );
    for path in [
        "/items/\u{fffd}/secret",
        "/items/%FF/secret",
        "/%69tems/%FF/secret",
        "/%69tems/%E9t%E9/secret",
    ] {
        assert_eq!(rule(&policy, "GET", "a.com", path).as_deref(), Ok("item"), "{path}");
    }
    let raw = request("GET", "a.com", b"/items/\xff/secret");
    assert_eq!(&**policy.choose(measured(&raw)).unwrap().name(), "item");
}

/// Refused whatever the routes say, because no two servers agree on them.
#[rustfmt::skip] // one case a line
const REFUSED: &[(&str, &[u8])] = &[
    ("empty", b""),
    ("no leading slash", b"admin"),
    ("a query alone", b"?x=/admin"),
    ("an asterisk", b"*"),
    ("a whole URL", b"http://a.com/admin"),
    ("an authority", b"a.com:443"),
    ("a backslash first", b"\\admin"),
    ("NUL", b"/a\0b"),
    ("a tab", b"/a\tb"),
    ("a line end", b"/a\r\nb"),
    ("DEL", b"/a\x7fb"),
    ("encoded NUL", b"/a%00b"),
    ("encoded line end", b"/a%0d%0ab"),
    ("encoded DEL", b"/a%7F"),
    ("NUL encoded twice", b"/a%2500b"),
    ("a lone percent sign", b"/100%"),
    ("half an escape", b"/a%2"),
    ("no hexadecimal escape", b"/a%zz"),
    ("an escape of another kind", b"/%u0061dmin"),
    ("an escape with a letter behind f", b"/a%4g"),
    ("an escape with a blank", b"/% 41"),
    ("an escape with a sign", b"/%+1"),
    ("four layers of encoding", b"/%2525252561dmin"),
    ("an overlong slash", b"/x%c0%afadmin"),
    ("an overlong dot", b"/x/%c0%ae%c0%ae/admin"),
    ("an overlong slash, three bytes", b"/x%e0%80%afadmin"),
    ("an overlong slash, four bytes", b"/x%f0%80%80%afadmin"),
    ("an overlong slash, raw", b"/x\xc0\xafadmin"),
    ("an overlong slash, encoded twice", b"/x%25c0%25afadmin"),
];

#[test]
fn a_path_that_no_two_servers_read_alike_is_refused_everywhere() {
    let open = policy("default: { auth: none, odd_paths: judge }");
    for (name, path) in REFUSED {
        let request = request("GET", "a.com", path);
        let found = open.choose(measured(&request)).map(|_| ());
        assert_eq!(found, Err(DenyReason::PathRefused), "{name}");
    }
}

#[test]
fn a_rare_but_safe_path_is_not_refused() {
    let open = policy("default: { auth: none }");
    for path in [
        "/caf%C3%A9",
        "/%F0%9F%92%A9",
        "/latin1/%E9t%E9",
        "/a%20b",
        "/100%25",
        "/a;v=1/b",
        "/a//b/",
        "/~user/(1)!$&'*+,=:@",
        "/.well-known/x",
        "/...",
        "/a..b",
        "/..a",
    ] {
        assert_eq!(rule(&open, "GET", "a.com", path).as_deref(), Ok("default"), "{path}");
    }
}
