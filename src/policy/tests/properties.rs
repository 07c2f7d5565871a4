//! Properties of every path, rule and identity, not only of those in the tables.

use percent_encoding::percent_decode;
use proptest::prelude::*;

use super::{chosen, demands, identity, measured, policy, reason, request, rule_of};
use crate::{
    config::{Auth, DefaultRoute, ExpiredCookie, Freshness, OddPaths},
    model::{AuthLevel, DenyReason},
    policy::{
        path,
        rule::{Concession, Rule},
    },
};

pub(super) fn level() -> impl Strategy<Value = AuthLevel> {
    prop::sample::select(AuthLevel::ALL.to_vec())
}

prop_compose! {
    /// Any settings of a rule.
    pub(super) fn settings()(
        auth in prop::sample::select(vec![Auth::None, Auth::Optional, Auth::Required]),
        level in prop::option::of(level()),
        step_up: bool,
        cors_preflight: bool,
        anonymous: bool,
        judge: bool,
        fresh: bool,
    ) -> DefaultRoute {
        DefaultRoute {
            auth,
            cors_preflight,
            expired_cookie: if anonymous { ExpiredCookie::Anonymous } else { ExpiredCookie::Deny },
            freshness: if fresh { Freshness::Profile } else { Freshness::Token },
            auth_level: level,
            step_up,
            require: None,
            odd_paths: if judge { OddPaths::Judge } else { OddPaths::Refuse },
        }
    }
}

fn allows(rules: &[&Rule], level: Option<AuthLevel>) -> bool {
    let request = request("GET", "a.com", b"/");
    reason(chosen(&request, rules), level.map(identity)).is_ok()
}

/// `/api/admin` in disguise: odd things between its segments, odd spellings of them, and up to
/// two more layers of encoding over all of it.
fn odd_path() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "/",
        "/",
        "//",
        "/./",
        "/x/../",
        "//..//",
        "/x//..//../",
        "/;a/",
        "/.;a/",
        "/x/..;b/",
        "\\",
        "\\..\\",
        "/../",
        "%2f",
        "%2F..%2f",
        "%5c",
        "/%2e/",
        "/x/%2e%2e/",
        "/x",
        "/public",
        "?",
        "#",
        "//",
        "//x/",
        "/;/x",
        "%3f",
        "%23",
        ";",
        "%3b",
        "%ff",
        "%25zz",
    ]);
    let between = || prop::collection::vec(piece.clone(), 0..3).prop_map(|pieces| pieces.concat());
    let api = prop::sample::select(vec!["api", "api", "%61pi", "ap%69;x=y", "api;x"]);
    let admin = prop::sample::select(vec!["admin", "admin", "%61dmin", "admin;x", "admin%3b%2f"]);
    let parts = (between(), api, between(), admin, between(), 0..3);
    parts.prop_map(|(before, api, middle, admin, after, layers)| {
        let mut path = format!("{before}{api}{middle}{admin}{after}");
        for _ in 0..layers {
            path = path.replace('%', "%25");
        }
        format!("/{path}")
    })
}

/// A change that some servers make to a path, written without the code under test.
#[derive(Debug, Clone, Copy)]
enum Habit {
    Decode,
    DecodeUnreserved,
    CutQuery,
    CutFragment,
    CutParameters,
    CutAuthority,
    MergeSlashes,
    TurnBackslashes,
    ResolveDots,
}

fn habits() -> impl Strategy<Value = Vec<Habit>> {
    let habit = prop::sample::select(vec![
        Habit::Decode,
        Habit::DecodeUnreserved,
        Habit::CutQuery,
        Habit::CutFragment,
        Habit::CutParameters,
        Habit::CutAuthority,
        Habit::MergeSlashes,
        Habit::TurnBackslashes,
        Habit::ResolveDots,
    ]);
    prop::collection::vec(habit, 0..8)
}

impl Habit {
    fn apply(self, path: &[u8]) -> Vec<u8> {
        match self {
            Self::Decode => percent_decode(path).collect(),
            Self::DecodeUnreserved => decode_unreserved(path),
            Self::CutQuery => {
                path[..path.iter().position(|b| *b == b'?').unwrap_or(path.len())].to_vec()
            }
            Self::CutFragment => {
                path[..path.iter().position(|b| *b == b'#').unwrap_or(path.len())].to_vec()
            }
            Self::CutAuthority => match path {
                [b'/', b'/', behind @ ..] => {
                    let host = behind.iter().skip_while(|b| **b == b'/');
                    let rest: Vec<u8> = host.skip_while(|b| **b != b'/').copied().collect();
                    if behind.iter().all(|b| *b == b'/') {
                        path.to_vec()
                    } else if rest.is_empty() {
                        b"/".to_vec()
                    } else {
                        rest
                    }
                }
                _ => path.to_vec(),
            },
            Self::CutParameters => {
                let mut inside = false;
                let kept = path.iter().copied().filter(|b| {
                    inside = *b != b'/' && (inside || *b == b';');
                    !inside
                });
                kept.collect()
            }
            Self::MergeSlashes => {
                let mut path = path.to_vec();
                path.dedup_by(|a, b| *a == b'/' && *b == b'/');
                path
            }
            Self::TurnBackslashes => {
                path.iter().map(|b| if *b == b'\\' { b'/' } else { *b }).collect()
            }
            Self::ResolveDots => resolve_dots(path),
        }
    }
}

/// Escapes of what never needed one, and no others (RFC 3986 section 6.2.2.2).
fn decode_unreserved(path: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        let escape = &rest[..rest.len().min(3)];
        let byte = percent_decode(escape).next().unwrap();
        if byte != rest[0] && (byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)) {
            decoded.push(byte);
            rest = &rest[3..];
        } else {
            decoded.push(rest[0]);
            rest = &rest[1..];
        }
    }
    decoded
}

/// The buffers of RFC 3986 section 5.2.4, word for word.
fn resolve_dots(path: &[u8]) -> Vec<u8> {
    let mut input = path.to_vec();
    let mut output: Vec<u8> = Vec::new();
    while !input.is_empty() {
        if input.starts_with(b"/./") {
            input.drain(..2);
        } else if input == b"/." {
            input.pop();
        } else if input.starts_with(b"/../") || input == b"/.." {
            input.drain(..3);
            if input.is_empty() {
                input.push(b'/');
            }
            output.truncate(output.iter().rposition(|b| *b == b'/').unwrap_or(0));
        } else {
            let next = input.iter().skip(1).position(|b| *b == b'/');
            output.extend(input.drain(..next.map_or(input.len(), |at| at + 1)));
        }
    }
    output
}

fn below_admin(path: &[u8]) -> bool {
    path.strip_prefix(b"/api/admin").is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

const OPEN_BUT_ADMIN: &str = "
routes:
  - { id: admin, match: { path: { prefix: /api/admin } }, odd_paths: judge }
  - { id: public, match: { path: { prefix: /public } }, auth: none, odd_paths: judge }
default: { auth: none, odd_paths: judge }
";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn a_path_that_any_row_of_servers_reads_as_protected_is_never_public(path in odd_path(), habits in habits()) {
        thread_local!(static POLICY: crate::policy::Policy = policy(OPEN_BUT_ADMIN));
        let found = POLICY.with(|policy| demands(policy, path.as_bytes())).map(|demands| demands.auth);
        let safe = matches!(found, Ok(Auth::Required) | Err(DenyReason::PathRefused));
        let mut read = Habit::CutQuery.apply(path.as_bytes());
        for habit in habits {
            prop_assert!(safe || !below_admin(&read), "{found:?}: {}", read.escape_ascii());
            read = habit.apply(&read);
        }
        prop_assert!(safe || !below_admin(&read), "{found:?}: {}", read.escape_ascii());
    }

    /// A host in front of the path, or a fragment behind it, is refused unless the rule judges odd
    /// paths.
    #[test]
    fn a_host_or_a_fragment_in_a_path_is_odd(
        lead in prop::sample::select(vec!["//", "///", "/\\", "\\/", "/;/", "/;a=b/", "/;;//", "/%2f", "/%5C", "/%3b/", "/./", "/%2e//", "#", "/#", "/x#"]),
        rest in "[a-z#?/.;]{0,12}",
    ) {
        let path = format!("{lead}{rest}");
        if let Some(readings) = path::readings(path.as_bytes()) {
            prop_assert!(readings.odd(), "{path}");
        }
    }

    #[test]
    fn readings_hold_the_path_as_it_was_sent_or_are_refused(
        tail in prop_oneof![
            odd_path().prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..40),
        ],
    ) {
        for raw in [tail.clone(), [b"/".as_slice(), tail.as_slice()].concat()] {
            let Some(readings) = path::readings(&raw) else { continue };
            let sent = raw.split(|b| *b == b'?').next().unwrap();
            let all: Vec<&[u8]> = readings.iter().collect();
            prop_assert_eq!(all.first().copied(), Some(sent));
            prop_assert!(all.iter().all(|reading| reading.starts_with(b"/")));
            let mut distinct = all.clone();
            distinct.sort_unstable();
            distinct.dedup();
            prop_assert_eq!(distinct.len(), all.len());
        }
    }

    #[test]
    fn no_request_makes_the_rules_panic(
        method in ".{0,4}",
        host in prop::collection::vec(any::<u8>(), 0..12),
        path in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        thread_local!(static POLICY: crate::policy::Policy = policy(OPEN_BUT_ADMIN));
        let mut request = request(&method, "a.com", &path);
        request.host = host.into();
        let found = POLICY.with(|policy| policy.choose(measured(&request)).map(|_| ()));
        if let Err(reason) = found {
            prop_assert!(matches!(
                reason,
                DenyReason::MethodMissing
                    | DenyReason::MethodRefused
                    | DenyReason::HostRefused
                    | DenyReason::PathRefused
            ));
        }
    }

    #[test]
    fn a_higher_level_is_never_worse(settings in settings(), one in level(), other in level()) {
        let rule = rule_of(&settings);
        let (low, high) = (one.min(other), one.max(other));
        prop_assert!(!allows(&[&rule], Some(low)) || allows(&[&rule], Some(high)));
    }

    #[test]
    fn several_rules_deny_if_one_of_them_denies(
        settings in prop::collection::vec(settings(), 1..4),
        who in prop::option::of(level()),
    ) {
        let rules: Vec<Rule> = settings.iter().map(rule_of).collect();
        let all: Vec<&Rule> = rules.iter().collect();
        if allows(&all, who) {
            prop_assert!(all.iter().all(|rule| allows(&[rule], who)));
        }
        let request = request("GET", "a.com", b"/");
        let together = chosen(&request, &all);
        for rule in &all {
            let alone = chosen(&request, &[rule]);
            prop_assert!(together.reads_credential() || !alone.reads_credential());
            prop_assert!(together.requires_credential() || !alone.requires_credential());
            prop_assert!(together.preflight().is_none() || alone.preflight().is_some());
            prop_assert!(!together.concedes(Concession::OddPath) || rule.concedes(Concession::OddPath));
            prop_assert!(!together.concedes(Concession::ExpiredCookie) || rule.concedes(Concession::ExpiredCookie));
        }
    }

    #[test]
    fn the_order_of_the_readings_changes_no_answer(
        one in settings(),
        other in settings(),
        who in prop::option::of(level()),
    ) {
        let (one, other) = (rule_of(&one), rule_of(&other));
        let request = request("GET", "a.com", b"/");
        let forth = reason(chosen(&request, &[&one, &other]), who.map(identity));
        let back = reason(chosen(&request, &[&other, &one]), who.map(identity));
        prop_assert_eq!(forth, back);
    }
}
