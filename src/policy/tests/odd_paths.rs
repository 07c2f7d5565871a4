//! Paths that different servers read differently: a rule that protects one reading protects all.

use super::{demands, policy};
use crate::{
    config::Auth,
    model::{AuthLevel, DenyReason},
    policy::path,
};

/// `/admin` is protected and everything else is open, as unfriendly as it can be configured.
const OPEN_BUT_ADMIN: &str = "
routes:
  - { id: admin, match: { path: { prefix: /admin } }, auth_level: verified, odd_paths: judge }
  - { id: public, match: { path: { prefix: /public } }, auth: none, odd_paths: judge }
default: { auth: none, odd_paths: judge }
";

/// Each leads some server to something below `/admin`.
#[rustfmt::skip] // many on a line
const ADMIN: &[&str] = &[
    "/admin", "/admin/", "/admin?x", "/admin#x", "/admin/x",
    // Empty segments.
    "//admin", "///admin", "//admin//x", "/admin//", "/.//admin",
    // Percent encoding, once and more often.
    "/%61dmin", "/%61%64%6d%69%6e", "/%41dmin/../admin", "/admin%2fx", "/admin%2Fx", "/%2561dmin",
    "/%252561dmin", "/%25%36%31dmin", "/public%2f..%2fadmin", "/%2fadmin", "%2fadmin/../admin",
    // Dot segments, plain and hidden.
    "/./admin", "/public/../admin", "/public/x/../../admin", "/../admin", "/../../admin",
    "/public/%2e%2e/admin", "/public/%2E./admin", "/public/.%2e/admin", "/%2e/admin", "/public/..%2fadmin",
    "/public/%252e%252e/admin", "/public/%252e%252e%252fadmin", "/admin/.", "/admin/./x", "/public/./../admin",
    "/public/../%61dmin", "/public/..//admin", "/public//../admin", "/public/%2e%2e%2f%61dmin",
    // Parameters of segments.
    "/admin;x", "/admin;x/y", "/admin;x=y;z", "/;x/admin", "/admin/;x", "/admin;%2fx", "/%61dmin;x",
    "/public/..;/admin", "/public/..;x=y/admin", "/public/.;/../admin", "/public/..%3b/admin", "/public;x/../admin",
    "/public/%2e%2e;/admin", "/admin%3bx", "/admin;/../x/../../admin",
    // Backslashes.
    "/\\admin", "/public\\..\\admin", "/public/..\\admin", "/public%5c..%5cadmin", "/admin\\x", "/admin%5cx",
    "/%5cadmin", "/public\\%2e%2e\\admin",
    // A query or a fragment once the path is decoded.
    "/admin%3fx", "/admin%23x", "/admin%253fx", "/public%2f..%2fadmin%3fx", "/admin/..%3f/../x",
    // Each by itself is nothing; one after the other they lead there.
    "/admin//x/../", "/x//..//../admin", "/admin//..//", "/%2e%2e;//admin", "/x/..;%2f..%2f/admin",
    "/x%5c..;%5cadmin%3b", "/%252561dmin/%25zz", "/%2561dmin/%25zz",
];

/// The same for `/api/admin`: servers also remove text between two segments.
#[rustfmt::skip] // many on a line
const API_ADMIN: &[&str] = &[
    "/api/admin", "/api//admin", "/api//..//admin", "/api///..///../admin", "/api/x/..//admin", "/api/;x/../admin",
    "/api;x/admin;y", "/api/.;x/admin", "/api\\\\..\\\\admin", "/api%2f%2f..%2f%2fadmin", "/%61pi/%2e/%61dmin", "/x/..;//api//admin",
    "/api/%252e%252e%252f%252fapi/admin", "/api/x%3b/..//admin", "/api//%2e%2e//admin", "/api/.%2f/admin",
];

#[test]
fn text_between_two_segments_does_not_open_a_protected_path() {
    let policy = policy(
        "
routes: [{ id: admin, match: { path: { prefix: /api/admin } }, odd_paths: judge }]
default: { auth: none, odd_paths: judge }
",
    );
    for path in API_ADMIN {
        let found = demands(&policy, path.as_bytes()).map(|demands| demands.auth);
        assert!(
            matches!(found, Ok(Auth::Required) | Err(DenyReason::PathRefused)),
            "{path}: {found:?}"
        );
    }
}

/// These lead nowhere near it.
#[rustfmt::skip] // many on a line
const NOT_ADMIN: &[&str] = &[
    "/", "/public", "/public/x", "/administrator", "/admin.json", "/admin-x", "/admi%6ef", "/Admin",
    "/x/admin", "/public/admin", "/public?/admin", "/public#/admin", "/public?x=/../admin", "/x;admin", "/x;y=/x",
    "/%2561dminx", "/public//x", "/public/%20admin",
];

#[test]
fn no_spelling_of_a_protected_path_is_open() {
    let policy = policy(OPEN_BUT_ADMIN);
    assert!(ADMIN.len() > 60);
    for path in ADMIN {
        match demands(&policy, path.as_bytes()) {
            Ok(demands) => {
                assert_eq!((demands.auth, &*demands.rule), (Auth::Required, "admin"), "{path}");
                assert_eq!(demands.level, Some(AuthLevel::Verified), "{path}");
            }
            Err(reason) => assert_eq!(reason, DenyReason::PathRefused, "{path}"),
        }
    }
}

#[test]
fn other_paths_than_the_protected_one_stay_open() {
    let policy = policy(OPEN_BUT_ADMIN);
    for path in NOT_ADMIN {
        let found = demands(&policy, path.as_bytes()).map(|demands| demands.auth);
        assert_eq!(found, Ok(Auth::None), "{path}");
    }
}

/// Refused unless the rule says `odd_paths: judge`.
#[rustfmt::skip] // many on a line
const ODD: &[&str] = &[
    "/x/../y", "/x/./y", "/..", "/.", "/x/..", "/x/%2e%2e/y", "/x/%2e/y", "/x/%252e%252e/y", "/x/..;/y", "/x/.;a=b/y",
    "/x%2fy", "/x%2Fy", "/x%252fy", "/x%5cy", "/x\\y", "/x/..%3b/y", "/x/%2e%2e%3by/z",
];

#[test]
fn odd_paths_are_refused_unless_the_rule_judges_them() {
    let refuse = policy("default: { auth: none }");
    let judge = policy("default: { auth: none, odd_paths: judge }");
    for path in ODD {
        let refused = demands(&refuse, path.as_bytes()).map(|demands| demands.auth);
        assert_eq!(refused, Err(DenyReason::PathRefused), "{path}");
        let judged = demands(&judge, path.as_bytes()).map(|demands| demands.auth);
        assert_eq!(judged, Ok(Auth::None), "{path}");
    }
}

#[test]
fn one_rule_that_refuses_odd_paths_is_enough() {
    let policy = policy(
        "
routes:
  - { id: strict, match: { path: { prefix: /strict } } }
  - { id: loose, match: { path: { prefix: /loose } }, odd_paths: judge }
default: { auth: none, odd_paths: judge }
",
    );
    for (path, expected) in [
        ("/loose/a/../b", Ok("loose".to_owned())),
        ("/strict/a/../b", Err(DenyReason::PathRefused)),
        ("/loose/../strict", Err(DenyReason::PathRefused)),
        ("/loose/..%2f..%2fstrict", Err(DenyReason::PathRefused)),
    ] {
        let found = demands(&policy, path.as_bytes()).map(|demands| demands.rule);
        assert_eq!(found, expected, "{path}");
    }
}

#[test]
fn a_plain_path_has_one_reading_and_is_not_copied() {
    for raw in ["/", "/a/b", "/a/b/", "/a.b/c-d_e~", "/...", "/a?x=//../%2e"] {
        let readings = path::readings(raw.as_bytes()).unwrap();
        let all: Vec<&[u8]> = readings.iter().collect();
        let plain = raw.split('?').next().unwrap();
        assert_eq!(all, [plain.as_bytes()], "{raw}");
        assert!(!readings.odd(), "{raw}");
    }
}

#[test]
fn a_path_made_to_have_very_many_readings_is_refused() {
    for piece in ["/%2e%252e;%3f%2f%5c//..", "/x//..//;a/\\"] {
        let bomb = format!("/{}", piece.repeat(50));
        assert_eq!(path::readings(bomb.as_bytes()), None, "{piece}");
    }
    // Few bytes, and more readings than are looked at.
    for path in [
        "/a;%2f..%5cb;%23//..%3f",
        "/a%2f..;%252f..//b%3f%5c",
        "//a%2f..;b%5c..//c%3fd%23e",
        "/%2e%252e;%3f%2f%5c//..",
        "/x//..//;a/\\b%2f..;c%5c//%23",
    ] {
        assert_eq!(path::readings(path.as_bytes()), None, "{path}");
    }
    // The paths of these tables have few.
    for path in ADMIN.iter().chain(API_ADMIN).chain(ODD).chain(NOT_ADMIN) {
        let count = path::readings(path.as_bytes()).map_or(0, |readings| readings.iter().count());
        assert!(count <= 12, "{path} has {count} readings");
    }
}
