//! Guards: no order of rules opens what a guard closes.

use proptest::prelude::*;

use super::{
    config, measured, request,
    requirements::{Caller, ISSUERS, ask, compile},
};
use crate::{
    model::{AuthLevel, DenyReason, Headers},
    policy::Policy,
};

/// `URLSearchParams` leaves a `?` at the beginning of a query out.
#[test]
fn a_guard_on_a_parameter_sees_it_behind_a_second_question_mark() {
    let policy = compile(
        "guards:
           - { id: beta, match: { query: [{ name: beta, exact: '1' }] }, require: never }
         routes:
           - { id: open, match: any, auth: none }",
    );
    for (target, refused) in [
        ("/p", false),
        ("/p?beta=1", true),
        ("/p??beta=1", true),
        ("/p??BETA=1&a=2", true),
        ("/p??beta=2", false),
        ("/p?a=?beta=1", false),
    ] {
        assert_eq!(ask(&policy, target, None).is_err(), refused, "{target}");
    }
}

#[test]
fn a_guard_says_no_whatever_the_rules_say() {
    let policy = compile(
        "guards:
           - { id: closed, match: { path: { prefix: /internal } }, require: never }
           - { id: ours, match: { hosts: [a.com] }, require: { issuer: rownd } }
           - id: known
             match: { path: { prefix: /known } }
             require: { issuer: rownd }
             applies_to: all
         routes:
           - { id: open, match: any, auth: none, cors_preflight: true }
           - { id: later, match: any, auth: none }",
    );
    let reason = |path: &str, caller: Option<&Caller>| {
        ask(&policy, path, caller).map_err(|denial| denial.reason())
    };
    assert_eq!(reason("/", None), Ok(false));
    assert_eq!(reason("/internal/x", None), Err(DenyReason::GuardRefused));
    // In one of its readings the path is below /internal.
    assert_eq!(reason("/%69nternal", None), Err(DenyReason::GuardRefused));
    // The rule reads no credential, so a better one cannot help.
    assert_eq!(reason("/known", None), Err(DenyReason::GuardRefused));
    assert_eq!(reason("/known", Some(&Caller::of("rownd"))), Err(DenyReason::GuardRefused));

    let policy = compile(
        "guards: [{ id: ours, match: any, require: { issuer: rownd } }]
         routes: [{ id: open, match: any, auth: optional }]",
    );
    assert_eq!(ask(&policy, "/", None), Ok(false));
    assert_eq!(ask(&policy, "/", Some(&Caller::of("rownd"))), Ok(false));
    let denial = ask(&policy, "/", Some(&Caller::of("partner"))).unwrap_err();
    assert_eq!(denial.reason(), DenyReason::GuardRefused);
    assert_eq!(denial.guard().map(|id| &**id), Some("ours"));
    assert_eq!(denial.explanation().map(|why| &*why.required), Some("issuer: rownd"));

    let policy = compile(
        "guards: [{ id: ours, match: any, require: { issuer: rownd }, applies_to: all }]
         routes: [{ id: open, match: any, auth: optional }]",
    );
    let reason = ask(&policy, "/", None).unwrap_err().reason();
    assert_eq!(reason, DenyReason::CredentialMissing);
}

#[test]
fn a_guard_judges_preflights_too() {
    let policy = compile(
        "guards: [{ id: closed, match: { path: { prefix: /internal } }, require: never }]
         routes: [{ id: open, match: any, cors_preflight: true }]",
    );
    for (path, passes) in [("/", true), ("/internal", false)] {
        let request = request("OPTIONS", "a.com", path.as_bytes());
        let rules = policy.choose(measured(&request)).unwrap();
        assert_eq!(rules.preflight().unwrap().is_ok(), passes, "{path}");
    }
    // No browser sends a credential with a preflight, so none is asked for.
    let policy = compile(
        "guards: [{ id: ours, match: any, require: { issuer: rownd }, applies_to: all }]
         routes: [{ id: open, match: any, cors_preflight: true }]",
    );
    let request = request("OPTIONS", "a.com", b"/");
    let denial = policy.choose(measured(&request)).unwrap().preflight().unwrap().unwrap_err();
    assert_eq!(denial.reason(), DenyReason::GuardRefused);
}

#[test]
fn a_guard_about_the_request_alone_judges_callers_without_a_credential() {
    let policy = compile(
        "guards:
           - { id: g, match: any, require: { cel: \"request.headers['x-a'] == 'b'\" } }
         routes: [{ id: open, match: any, auth: none }]",
    );
    for (value, expected) in [
        (Some("b"), None),
        (Some("c"), Some(DenyReason::GuardRefused)),
        (None, Some(DenyReason::GuardRefused)),
    ] {
        let mut request = request("GET", "a.com", b"/");
        let lines = value.map(|value| ("x-a".into(), value.into()));
        request.headers = Headers::new(lines.into_iter().collect(), false);
        let denied = policy.choose(measured(&request)).unwrap().decide(None).map(|_| ());
        assert_eq!(denied.err().map(|denial| denial.reason()), expected, "{value:?}");
    }
}

#[test]
fn a_guard_that_cannot_judge_says_no() {
    let policy = compile(
        "guards:
           - id: tenants
             match: any
             require: { any: [{ issuer: rownd }, { issuer: keycloak, tenant: acme }] }
         routes: [{ id: open, match: any, auth: optional }]",
    );
    let keycloak = Caller::of("keycloak");
    let denial = ask(&policy, "/", Some(&keycloak)).unwrap_err();
    assert_eq!(denial.reason(), DenyReason::GuardRefused);
    let acme = keycloak.with(|who| who.tenant = Some("acme".to_owned()));
    assert_eq!(ask(&policy, "/", Some(&acme)), Ok(false));
}

#[test]
fn a_guard_tells_only_a_caller_who_can_do_something_about_it_what_to_do() {
    let guest = |issuer: &str| Caller::of(issuer).with(|who| who.auth_level = AuthLevel::Guest);
    let refused = DenyReason::GuardRefused;
    for (require, caller, expected) in [
        ("{ auth_level: verified }", guest("rownd"), refused),
        ("{ issuer: partner, scope: a }", Caller::of("partner"), refused),
        ("{ issuer: keycloak, tenant: acme }", Caller::of("keycloak"), refused),
        ("{ issuer: partner, cel: \"claims.x == 'a'\" }", Caller::of("partner"), refused),
        ("{ token_max_age: 1m }", Caller::of("partner"), DenyReason::TokenTooOld),
        ("{ max_age: 1m }", Caller::of("partner"), DenyReason::AuthenticationTooOld),
        ("never", Caller::of("partner"), refused),
    ] {
        let policy = compile(&format!(
            "guards: [{{ id: g, match: any, require: {require} }}]
             routes: [{{ id: open, match: any, auth: optional }}]"
        ));
        let denial = ask(&policy, "/", Some(&caller)).unwrap_err();
        assert_eq!(denial.reason(), expected, "{require}");
        let guard = denial.guard().map(|id| &**id);
        assert_eq!(guard, (expected == refused).then_some("g"), "{require}");
        assert_eq!(denial.explanation().map(|why| &*why.rule), Some("g"), "{require}");
    }
}

#[test]
fn a_guard_can_ask_for_the_profile() {
    let policy = compile(
        "guards: [{ id: staff, match: { path: { prefix: /staff } },
                    require: { issuer: rownd, attribute: { name: staff, equals: true } } }]
         routes: [{ id: open, match: any, auth: optional }]",
    );
    let user = |staff: bool| {
        Caller::of("rownd").profile(|profile| {
            profile.attributes.insert("staff".to_owned(), staff.into());
        })
    };
    assert_eq!(ask(&policy, "/", Some(&user(false))), Ok(false));
    assert_eq!(ask(&policy, "/staff", Some(&user(true))), Ok(true));
    let reason = ask(&policy, "/staff", Some(&user(false))).unwrap_err().reason();
    assert_eq!(reason, DenyReason::GuardRefused);
}

prop_compose! {
    /// A rule that may ask for anything, also for nothing.
    fn rule()(
        auth in prop::sample::select(vec!["none", "optional", "required"]),
        path in prop::sample::select(vec!["any", "{ path: { prefix: /a } }", "{ path: { exact: /a/b } }"]),
        mode in prop::sample::select(vec!["enforce", "shadow"]),
    ) -> String {
        format!("match: {path}, auth: {auth}, mode: {mode}, cors_preflight: true")
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_rules_in_any_order_open_what_a_guard_closes(
        rules in prop::collection::vec(rule(), 0..4),
        path in prop::sample::select(vec!["/a", "/a/b", "/b", "/%61/b"]),
        identified: bool,
    ) {
        let routes: Vec<String> = rules
            .iter()
            .enumerate()
            .map(|(index, rule)| format!("{{ id: r{index}, {rule} }}"))
            .collect();
        let policy = |guard: &str| {
            let text = format!("{ISSUERS}guards: [{guard}]\nroutes: [{}]", routes.join(", "));
            Policy::build(&config(&text))
        };
        let caller = Caller::of("partner");
        let caller = identified.then_some(&caller);
        let closed = policy("{ id: closed, match: any, require: never }");
        prop_assert!(ask(&closed, path, caller).is_err());
        // A guard can only take away.
        let open = policy("");
        let guarded = policy("{ id: ours, match: { path: { prefix: /a } }, require: { issuer: rownd } }");
        if ask(&guarded, path, caller).is_ok() {
            prop_assert!(ask(&open, path, caller).is_ok());
        }
    }
}

#[test]
fn a_caller_without_a_credential_is_judged_by_what_no_identity_could_fulfil() {
    let policy = compile(
        "guards:
           - id: reads
             match: any
             require: { issuer: rownd, all: [{ cel: \"request.path != '/closed'\" }, { not: [{ user: evil }] }] }
         routes: [{ id: open, match: any, auth: optional }]",
    );
    assert_eq!(ask(&policy, "/", None), Ok(false));
    assert_eq!(ask(&policy, "/closed", None).unwrap_err().reason(), DenyReason::GuardRefused);
    let banned = compile(
        "guards: [{ id: g, match: any, applies_to: all,
                    require: { issuer: rownd, not: [{ cel: 'has(claims.banned)' }] } }]
         routes: [{ id: open, match: any, auth: optional }]",
    );
    assert_eq!(ask(&banned, "/", None).unwrap_err().reason(), DenyReason::CredentialMissing);
    // A guard that asks for a recent sign-in says so.
    let recent = compile(
        "guards: [{ id: g, match: any, require: { max_age: 5m } }]
         routes: [{ id: open, match: any, auth: optional }]",
    );
    let denial = ask(&recent, "/", Some(&Caller::of("rownd"))).unwrap_err();
    assert_eq!(denial.reason(), DenyReason::AuthenticationTooOld);
}
