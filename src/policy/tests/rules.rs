//! Decisions of rules: order, names, levels, preflights, and several rules at once.

use super::{
    demands, identity, measured, policy, reason, request,
    requirements::{ask, compile},
    rule,
};
use crate::{
    config::Auth,
    model::{AllowReason, AuthLevel, Denial, DenyReason, NamedRoute, Step},
};

const ROUTES: &str = "
routes:
  - { id: health, match: { path: { exact: /admin/health } }, auth: none }
  - { id: admin, match: { path: { prefix: /admin } }, auth_level: verified, step_up: true }
  - { id: feed, match: { path: { prefix: /feed } }, auth: optional, expired_cookie: anonymous, cors_preflight: true }
  - { id: shadowed, match: { path: { prefix: /admin/users } }, auth: none }
";

#[test]
fn the_first_rule_that_matches_decides() {
    let policy = policy(ROUTES);
    for (path, expected) in [
        ("/admin/health", "health"),
        ("/admin/health/x", "admin"),
        ("/admin/users", "admin"),
        ("/feed", "feed"),
        ("/", "default"),
    ] {
        assert_eq!(rule(&policy, "GET", "a.com", path).as_deref(), Ok(expected), "{path}");
    }
}

#[test]
fn a_rule_that_does_not_hold_is_recorded_with_the_part_that_does_not_match() {
    let policy = policy(
        "
routes:
  - { id: named, by_name: true }
  - { id: write, match: { methods: [POST], path: { exact: /a } } }
  - { id: host, match: { hosts: [b.com], path: { exact: /a } } }
  - { id: path, match: { path: { exact: /b } } }
  - { id: any, match: any }
  - { id: later, match: any }
",
    );
    let request = request("GET", "a.com", b"/a");
    assert_eq!(&**policy.choose(measured(&request)).unwrap().name(), "any");
    let skipped = |rule: &str, because| Step::RuleSkipped { rule: rule.into(), because };
    assert_eq!(
        policy.skipped(measured(&request)),
        [
            skipped("named", "name"),
            skipped("write", "method"),
            skipped("host", "host"),
            skipped("path", "path"),
        ]
    );
}

#[test]
fn without_a_rule_a_credential_is_required() {
    let policy = policy("");
    let request = request("GET", "a.com", b"/");
    let rules = policy.choose(measured(&request)).unwrap();
    assert_eq!(reason(rules, None), Err(DenyReason::CredentialMissing.into()));
    let demands = demands(&policy, b"/").unwrap();
    assert_eq!(demands.auth, Auth::Required);
    assert!(!demands.cors_preflight && !demands.forgives_expired_cookie);
}

#[test]
fn the_operators_proxy_may_name_a_rule() {
    let policy = policy(ROUTES);
    let named = |name: &'static str, path: &[u8]| {
        let mut request = request("GET", "a.com", path);
        request.named_route = Some(NamedRoute::Id(name.into()));
        policy.choose(measured(&request)).map(|rules| rules.name().to_string())
    };
    for (name, path, expected) in [
        ("admin", &b"/anything"[..], Ok("admin")),
        ("shadowed", b"/admin/health", Ok("shadowed")),
        ("nonsense", b"/", Err(DenyReason::RouteUnknown)),
        ("Admin", b"/", Err(DenyReason::RouteUnknown)),
        ("default", b"/", Err(DenyReason::RouteUnknown)),
        ("", b"/", Err(DenyReason::RouteUnknown)),
        ("admin", b"/a/../b", Err(DenyReason::PathRefused)),
        ("admin", b"/a%00", Err(DenyReason::PathRefused)),
        ("admin", b"", Err(DenyReason::PathRefused)),
    ] {
        assert_eq!(named(name, path), expected.map(str::to_owned), "{name} {path:?}");
    }
    let mut unclear = request("GET", "a.com", b"/admin/health");
    unclear.named_route = Some(NamedRoute::Unclear);
    assert_eq!(policy.choose(measured(&unclear)).map(|_| ()), Err(DenyReason::RouteUnknown));
}

/// (settings, level of the identity, answer)
#[rustfmt::skip] // one case a line
const DECISIONS: &[(&str, Option<AuthLevel>, Result<AllowReason, Denial>)] = &[
    ("auth: none", None, Ok(AllowReason::Public)),
    ("auth: none", Some(AuthLevel::Instant), Ok(AllowReason::Public)),
    ("auth: optional", None, Ok(AllowReason::Anonymous)),
    ("auth: optional", Some(AuthLevel::Instant), Ok(AllowReason::Authenticated)),
    ("auth: required", Some(AuthLevel::Instant), Ok(AllowReason::Authenticated)),
    ("auth_level: guest", Some(AuthLevel::Instant), Err(Denial::level_too_low(AuthLevel::Guest, false))),
    ("auth_level: guest", Some(AuthLevel::Guest), Ok(AllowReason::Authenticated)),
    ("auth_level: guest", Some(AuthLevel::Verified), Ok(AllowReason::Authenticated)),
    ("auth_level: unverified", Some(AuthLevel::Guest), Err(Denial::level_too_low(AuthLevel::Unverified, false))),
    ("auth_level: verified", Some(AuthLevel::Guest), Err(Denial::level_too_low(AuthLevel::Verified, false))),
    ("auth_level: verified", Some(AuthLevel::Unverified), Err(Denial::level_too_low(AuthLevel::Verified, false))),
    ("auth_level: verified", Some(AuthLevel::Verified), Ok(AllowReason::Authenticated)),
    ("{auth_level: verified, step_up: true}", Some(AuthLevel::Guest), Err(Denial::level_too_low(AuthLevel::Verified, true))),
    ("{auth_level: verified, step_up: true}", Some(AuthLevel::Verified), Ok(AllowReason::Authenticated)),
];

#[test]
fn a_rule_answers_by_presence_and_level() {
    for (settings, level, expected) in DECISIONS {
        let settings = settings.trim_matches(['{', '}']);
        let policy = policy(&format!("default: {{ {settings} }}"));
        let request = request("GET", "a.com", b"/");
        let rules = policy.choose(measured(&request)).unwrap();
        assert_eq!(reason(rules, level.map(identity)), *expected, "{settings} {level:?}");
    }
}

#[test]
fn a_missing_credential_has_a_reason_of_its_own_whatever_the_level() {
    let policy = policy("default: { auth_level: verified, step_up: true }");
    let request = request("GET", "a.com", b"/");
    let rules = policy.choose(measured(&request)).unwrap();
    assert_eq!(reason(rules, None), Err(DenyReason::CredentialMissing.into()));
}

#[test]
fn several_readings_are_asked_by_all_of_their_rules() {
    let policy = policy(
        "
routes:
  - { id: open, match: { path: { prefix: /open } }, auth: none, cors_preflight: true, odd_paths: judge }
  - id: feed
    match: { path: { prefix: /feed } }
    auth: optional
    expired_cookie: anonymous
    cors_preflight: true
    odd_paths: judge
  - { id: guest, match: { path: { prefix: /guest } }, auth_level: guest, odd_paths: judge }
  - { id: admin, match: { path: { prefix: /admin } }, auth_level: verified, step_up: true, odd_paths: judge }
default: { auth: none, cors_preflight: true, odd_paths: judge }
",
    );
    let holds = |path: &str| demands(&policy, path.as_bytes()).unwrap();
    for (path, rule, auth, level, preflight) in [
        ("/open/../open", "open", Auth::None, None, true),
        ("/open/../feed", "feed", Auth::Optional, None, true),
        ("/feed/../open", "feed", Auth::Optional, None, true),
        ("/open/../admin", "admin", Auth::Required, Some(AuthLevel::Verified), false),
        ("/guest/../admin", "admin", Auth::Required, Some(AuthLevel::Verified), false),
        ("/admin/../guest", "admin", Auth::Required, Some(AuthLevel::Verified), false),
        ("/guest/../feed", "guest", Auth::Required, Some(AuthLevel::Guest), false),
    ] {
        let found = holds(path);
        let shown = (&*found.rule, found.auth, found.level, found.cors_preflight);
        assert_eq!(shown, (rule, auth, level, preflight), "{path}");
    }
    assert!(holds("/feed/../feed").forgives_expired_cookie);
    assert!(!holds("/feed/../guest").forgives_expired_cookie);
}

#[test]
fn a_preflight_passes_only_where_the_rule_says_so() {
    let policy = policy(ROUTES);
    for (path, expected) in [("/feed", true), ("/admin", false), ("/", false)] {
        let request = request("OPTIONS", "a.com", path.as_bytes());
        let rules = policy.choose(measured(&request)).unwrap();
        assert_eq!(rules.preflight().is_some(), expected, "{path}");
    }
}

/// A sign-in would not help, so nobody is asked for one.
#[test]
fn a_rule_that_is_closed_to_everybody_asks_nobody_to_sign_in() {
    for rule in [
        "default: { require: never }",
        "routes: [{ id: a, match: any, auth_level: verified, require: never }]",
    ] {
        let denied = ask(&compile(rule), "/", None).map_err(|denial| denial.reason());
        assert_eq!(denied, Err(DenyReason::RequirementUnmet), "{rule}");
    }
}
