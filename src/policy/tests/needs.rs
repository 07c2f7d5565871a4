//! The facts that have to be read before a condition can be asked, and conditions of several values of
//! which one is enough.

use serde_json::json;

use super::requirements::{Caller, ask, compile};
use crate::{
    model::{DenyReason, Group},
    policy::Policy,
};

/// A rule that asks this, where roles come from these sources.
fn asking(sources: &str, require: &str) -> Policy {
    compile(&format!(
        "{sources}
routes:
  - {{ id: it, match: {{ path: {{ template: '/users/{{id}}' }} }}, require: {require} }}"
    ))
}

#[test]
fn each_condition_names_the_facts_that_it_needs() {
    let groups = "role_sources: [{ issuers: [rownd], group_roles: true }]";
    let claim = "role_sources: [{ issuers: [rownd], claim: roles }]";
    #[rustfmt::skip] // one case a line
    let cases: [(&str, &str, bool, bool, &[&str]); 32] = [
        // The sources, the requirement, the profile, the variables of the path, the claims.
        ("", "{ auth_level: verified }", false, false, &[]),
        ("", "{ anonymous: false }", false, false, &[]),
        ("", "{ issuer: rownd }", false, false, &[]),
        ("", "{ issuer: rownd, app: a }", false, false, &[]),
        ("", "{ issuer: rownd, app_variant: a }", false, false, &[]),
        ("", "{ issuer: keycloak, tenant: a }", false, false, &[]),
        ("", "{ issuer: rownd, user: a }", false, false, &[]),
        ("", "{ issuer: keycloak, scope: a }", false, false, &[]),
        ("", "{ token_max_age: 1m }", false, false, &[]),
        ("", "{ source: header }", false, false, &[]),
        ("", "{ max_age: 1m }", false, false, &["auth_time"]),
        ("", "{ issuer: rownd, verified: [email, phone] }", true, false, &["email_verified", "phone_verified"]),
        ("", "{ issuer: rownd, group: a }", true, false, &[]),
        ("", "{ issuer: rownd, group_role: { group: a, role: b } }", true, false, &[]),
        ("", "{ issuer: rownd, attribute: { name: a, exists: true } }", true, false, &[]),
        ("", "{ issuer: rownd, claim: { name: plan, equals: a } }", false, false, &["plan"]),
        ("", "{ issuer: rownd, equals: { path: id, identity: user_id } }", false, true, &[]),
        ("", "{ issuer: rownd, equals: { path: id, claim: id } }", false, true, &["id"]),
        ("", "{ not: [{ any: [{ max_age: 1m }, { issuer: rownd, group: a }] }] }", true, false, &["auth_time"]),
        (groups, "{ role: a/b }", true, false, &[]),
        (groups, "{ role: [c, a/b] }", true, false, &[]),
        (groups, "{ role: c }", false, false, &[]),
        (claim, "{ role: a/b }", false, false, &[]),
        (claim, "{ permission: 'a:b' }", false, false, &[]),
        (groups, "{ issuer: rownd, cel: \"'a' in identity.roles\" }", true, false, &[]),
        (groups, "{ issuer: rownd, cel: \"identity.user_id == 'a'\" }", false, false, &[]),
        (claim, "{ issuer: rownd, cel: \"'a' in identity.roles\" }", false, false, &[]),
        ("", "{ issuer: rownd, cel: \"profile.data.a == 'a'\" }", true, false, &[]),
        ("", "{ issuer: rownd, cel: \"claims.a == claims.b\" }", false, false, &["a", "b"]),
        ("", "{ cel: \"path.id == 'a'\" }", false, true, &[]),
        ("", "{ cel: \"request.path == '/a'\" }", false, false, &[]),
        ("", "never", false, false, &[]),
    ];
    for (sources, require, profile, path_variables, claims) in cases {
        let policy = asking(sources, require);
        let needs = policy.needs();
        assert!(needs.identity, "{require}");
        assert_eq!((needs.profile, needs.path_variables), (profile, path_variables), "{require}");
        assert!(needs.claims.iter().eq(claims), "{require}: {:?}", needs.claims);
    }
    let fresh = compile("routes: [{ id: it, match: any, freshness: profile }]");
    assert!(fresh.needs().profile && fresh.needs().identity);
    let level = compile("routes: [{ id: it, match: any, auth_level: verified }]");
    assert!(!level.needs().profile && level.needs().identity);
    let open = compile("routes: [{ id: it, match: any, auth: none }]\ndefault: { auth: none }");
    assert!(!open.needs().profile && !open.needs().identity);
    let told = "headers: [{ name: x-a, from: { profile: /data/a } }]";
    let open = compile(&format!(
        "{told}\nroutes: [{{ id: it, match: any, auth: none }}]\ndefault: {{ auth: none }}"
    ));
    assert!(!open.needs().profile && !open.needs().identity);
    let guarded = compile("guards: [{ id: g, match: any, require: { max_age: 1m } }]");
    assert!(guarded.needs().claims.contains("auth_time"));
}

#[test]
fn one_of_several_values_is_enough() {
    let group = |id: &str, roles: &[&str]| Group {
        id: id.to_owned(),
        name: None,
        roles: roles.iter().map(ToString::to_string).collect(),
        member_state: Some("active".to_owned()),
    };
    let user = Caller::of("rownd").profile(|profile| {
        profile.groups = vec![group("g1", &["member", "owner"]), group("g2", &["guest"])];
        profile.verified_data.insert("email".to_owned(), json!("a@b.test"));
    });
    let staff = Caller::of("keycloak")
        .with(|who| who.groups = vec!["one".to_owned(), "two".to_owned()])
        .claims(&json!({ "email_verified": true, "phone_verified": false, "id": "user_7" }));
    let unmet = Err(DenyReason::RequirementUnmet);
    #[rustfmt::skip] // one case a line
    let cases = [
        ("{ issuer: rownd, group: g2 }", &user, Ok(true)),
        ("{ issuer: rownd, group_role: { group: g1, role: owner } }", &user, Ok(true)),
        ("{ issuer: rownd, group_role: { group: g1, role: guest } }", &user, unmet),
        ("{ issuer: rownd, group_role: { group: [g1, g2], role: guest } }", &user, Ok(true)),
        ("{ issuer: rownd, verified: [phone, email] }", &user, Ok(true)),
        ("{ issuer: rownd, not: [{ user: user_1 }, { user: user_2 }] }", &user, unmet),
        ("{ issuer: rownd, not: [{ user: user_2 }, { user: user_1 }] }", &user, unmet),
        ("{ issuer: rownd, not: [{ user: user_2 }, { user: user_3 }] }", &user, Ok(false)),
        ("{ issuer: rownd, any: [{ user: user_2 }, { user: user_1 }] }", &user, Ok(false)),
        ("{ issuer: rownd, all: [{ user: user_2 }, { user: user_1 }] }", &user, unmet),
        ("{ issuer: keycloak, group: two }", &staff, Ok(false)),
        ("{ issuer: keycloak, group: [three, one] }", &staff, Ok(false)),
        ("{ issuer: keycloak, group: three }", &staff, unmet),
        ("{ issuer: keycloak, verified: [phone, email] }", &staff, Ok(false)),
        ("{ issuer: keycloak, verified: phone }", &staff, unmet),
        ("{ issuer: keycloak, equals: { path: id, claim: id } }", &staff, Ok(false)),
        ("{ issuer: keycloak, equals: { path: id, identity: user_id } }", &staff, unmet),
        ("{ issuer: keycloak, equals: { path: id, claim: none } }", &staff, Err(DenyReason::RequirementUnknown)),
    ];
    for (require, caller, expected) in cases {
        let decision = ask(&asking("", require), "/users/user_7", Some(caller));
        assert_eq!(decision.map_err(|denial| denial.reason()), expected, "{require}");
    }
}

#[test]
fn each_part_of_an_identity_can_be_the_variable_of_a_path() {
    let known = Caller::of("rownd").with(|who| {
        who.user_id = "id_1".to_owned();
        who.app_id = Some("id_2".to_owned());
        who.app_variant = Some("id_3".to_owned());
        who.tenant = Some("id_4".to_owned());
        who.session_id = Some("id_5".to_owned());
    });
    let parts = ["user_id", "app", "app_variant", "tenant", "session_id"];
    for (at, part) in parts.into_iter().enumerate() {
        let policy =
            asking("", &format!("{{ issuer: rownd, equals: {{ path: id, identity: {part} }} }}"));
        for sent in 1..=parts.len() {
            let decision = ask(&policy, &format!("/users/id_{sent}"), Some(&known));
            assert_eq!(decision.is_ok(), sent == at + 1, "{part} {sent}");
        }
        if part != "user_id" {
            let reason = ask(&policy, "/users/id_1", Some(&Caller::of("rownd"))).unwrap_err();
            assert_eq!(reason.reason(), DenyReason::RequirementUnknown, "{part}");
        }
    }
}

#[test]
fn an_attribute_is_found_by_its_pointer() {
    let user = Caller::of("rownd").profile(|profile| {
        profile.attributes.insert("a/b".to_owned(), json!({ "~c": "x", "d": null }));
        profile.attributes.insert("list".to_owned(), json!(["v", "w"]));
        profile.attributes.insert("/list".to_owned(), json!("x"));
        profile.attributes.insert("text".to_owned(), json!("x"));
    });
    let unmet = Err(DenyReason::RequirementUnmet);
    let unknown = Err(DenyReason::RequirementUnknown);
    for (attribute, expected) in [
        ("pointer: /a~1b/~0c, equals: x", Ok(true)),
        ("pointer: /a~1b/~0c, equals: v", unmet),
        ("pointer: /a/b/~0c, equals: x", unknown),
        ("pointer: /a~1b/d, exists: false", Ok(true)),
        ("pointer: /list/1, equals: w", Ok(true)),
        ("pointer: /list/0, equals: w", unmet),
        ("pointer: /list/2, equals: w", unknown),
        ("pointer: /list/a, exists: false", Ok(true)),
        ("pointer: /text/0, exists: false", Ok(true)),
        ("name: list, contains: w", Ok(true)),
        ("name: /list, equals: x", Ok(true)),
    ] {
        let policy = asking("", &format!("{{ issuer: rownd, attribute: {{ {attribute} }} }}"));
        let decision = ask(&policy, "/users/a", Some(&user)).map_err(|denial| denial.reason());
        assert_eq!(decision, expected, "{attribute}");
    }
}

#[test]
fn a_field_is_proved_by_any_value_that_says_something() {
    for (value, is_proof) in [
        (json!("a@b.test"), true),
        (json!(true), true),
        (json!(7), true),
        (json!({ "at": 1 }), true),
        (json!(["a@b.test"]), true),
        (json!(""), false),
        (json!(false), false),
        (json!(null), false),
    ] {
        let user = Caller::of("rownd").profile(|profile| {
            profile.verified_data.insert("email".to_owned(), value.clone());
        });
        let policy = asking("", "{ issuer: rownd, verified: email }");
        assert_eq!(ask(&policy, "/users/a", Some(&user)).is_ok(), is_proof, "{value}");
    }
}

#[test]
fn an_empty_id_is_nobodys() {
    for text in ["", "user_7"] {
        let user = Caller::of("rownd").claims(&json!({ "id": text }));
        let others = asking("", "{ issuer: rownd, not: [{ equals: { path: id, claim: id } }] }");
        let decision = ask(&others, "/users/user_8", Some(&user)).map_err(|denial| denial.reason());
        let expected =
            if text.is_empty() { Err(DenyReason::RequirementUnknown) } else { Ok(false) };
        assert_eq!(decision, expected, "{text:?}");
    }
}

/// Each group stands for itself, so those that were read count beside one that was not.
#[test]
fn a_group_that_was_read_counts_beside_others_that_were_not() {
    let policy = asking("", "{ issuer: rownd, group: staff }");
    for odd in [false, true] {
        let caller = Caller::of("rownd").profile(|profile| {
            profile.odd.groups = odd;
            profile.groups = vec![Group {
                id: "staff".to_owned(),
                name: None,
                roles: Vec::new(),
                member_state: Some("active".to_owned()),
            }];
        });
        assert_eq!(ask(&policy, "/users/ann", Some(&caller)), Ok(true), "{odd}");
    }
}

/// A user is surely in none of these groups only where all groups could be read.
#[test]
fn a_group_is_surely_absent_only_where_all_groups_were_read() {
    let policy = asking("", "{ issuer: rownd, not: [{ group: banned }] }");
    for (odd, expected) in [(false, Ok(true)), (true, Err(DenyReason::RequirementUnknown))] {
        let caller = Caller::of("rownd").profile(|profile| profile.odd.groups = odd);
        let found = ask(&policy, "/users/ann", Some(&caller)).map_err(|denial| denial.reason());
        assert_eq!(found, expected, "{odd}");
    }
}
