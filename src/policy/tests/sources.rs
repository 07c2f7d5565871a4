//! The facts of each kind of issuer: where they come from, and what is said of a fact that is not there.

use std::{borrow::Cow, collections::BTreeSet};

use serde_json::{Value, json};

use super::{config, request, requirements::Caller};
use crate::{
    config::Config,
    expression::{Facts, FaultKind, IdentityPlace, Place, ProfilePlace},
    model::{Group, Profile},
    policy::{
        caller_facts::{CallerFacts, CallerProfile},
        requirement::FactSources,
        variables::PathVariables,
    },
    verify::Identity,
};

/// Rownd, whose tokens say more than usual.
const RICH: &str = r#"
issuers:
  - { name: rich, kind: rownd, apps: [{ id: app_1, key: key }], claims: { groups: g, roles: r, scopes: s } }
"#;
/// Issuers of each kind, with and without claims of their own.
const KINDS: &str = r#"
issuers:
  - { name: rownd, kind: rownd, apps: [{ id: app_1, key: key, secret: secret }] }
  - { name: sessions, kind: supertokens, base_url: "https://st.test/auth" }
  - { name: fire, kind: firebase, project: shop }
  - { name: fire-more, kind: firebase, project: shop-2, claims: { scopes: s } }
  - { name: plain, kind: oidc, issuer: "https://plain.test", audiences: [api] }
  - { name: mapped, kind: oidc, issuer: "https://mapped.test", audiences: [api], claims: { groups: g, roles: r } }
"#;

#[test]
fn each_kind_of_issuer_has_its_facts_in_the_token_or_in_the_profile() {
    let (kinds, rich) = (config(KINDS), config(RICH));
    let (kinds, rich) = (FactSources::build(&kinds), FactSources::build(&rich));
    for (issuer, profile, groups, roles, scopes) in [
        ("rownd", true, false, false, false),
        ("rich", true, true, true, true),
        ("sessions", false, false, true, true),
        ("fire", false, false, false, false),
        ("fire-more", false, false, false, true),
        ("plain", false, false, false, true),
        ("mapped", false, true, true, true),
        ("unknown", false, false, false, false),
    ] {
        let who = Identity::for_test(Caller::of(issuer).facts);
        let sources = if issuer == "rich" { &rich } else { &kinds };
        let found = (
            sources.has_profile(&who),
            sources.groups_in_token(&who),
            sources.roles_in_token(&who),
            sources.scopes_in_token(&who),
        );
        assert_eq!(found, (profile, groups, roles, scopes), "{issuer}");
    }
}

#[test]
fn the_profile_is_read_for_rights_only_where_a_source_of_some_issuer_is_in_it() {
    for (source, expected) in [
        ("", false),
        ("role_sources: [{ issuers: [rownd], claim: roles }]", false),
        ("role_sources: [{ issuers: [rownd], group_roles: true }]", true),
        ("role_sources: [{ issuers: [rownd], attribute: 'app:roles' }]", true),
        ("role_sources: [{ issuers: [rownd], users: { '@example.com': [a] } }]", true),
        ("role_sources: [{ issuers: [rownd], users: { user_1: [a] } }]", false),
        ("role_sources: [{ issuers: [plain], users: { '@example.com': [a] } }]", false),
        ("role_sources: [{ issuers: [plain], permission_claim: p }]", false),
    ] {
        let sources = FactSources::build(&config(&format!("{KINDS}{source}")));
        assert_eq!(sources.rights_read_profile(), expected, "{source}");
        assert_eq!(sources.rights().reads_any_profile(), expected, "{source}");
    }
}

#[test]
fn the_claims_that_sources_of_roles_read_are_kept() {
    for (source, expected) in [
        ("{ issuers: [plain], claim: /realm/roles }", &["/realm/roles"][..]),
        ("{ issuers: [plain], permission_claim: p }", &["p"]),
        ("{ issuers: [sessions], st_role: true }", &["/st-role/v"]),
        ("{ issuers: [sessions], st_perm: true }", &["/st-perm/v"]),
        ("{ issuers: [plain], users: { '@example.com': [a] } }", &["email", "email_verified"]),
        ("{ issuers: [plain], users: { user_1: [a] } }", &[]),
        ("{ issuers: [mapped], mapped: true }", &[]),
        ("{ issuers: [rownd], group_roles: true }", &[]),
        ("{ issuers: [rownd], attribute: 'app:roles' }", &[]),
    ] {
        let sources = FactSources::build(&config(&format!("{KINDS}role_sources: [{source}]")));
        let expected: BTreeSet<String> = expected.iter().map(ToString::to_string).collect();
        assert_eq!(sources.rights().claims(), expected, "{source}");
    }
}

type Found = Result<Option<Value>, FaultKind>;

/// The value of this place, as conditions and outputs read it.
fn value(config: &Config, who: Option<&Caller>, place: &Place) -> Found {
    let sources = FactSources::build(config);
    let identity = who.map(|caller| Identity::for_test(caller.facts.clone()));
    let has_profile = identity.as_ref().is_some_and(|who| sources.has_profile(who));
    let read = who.and_then(|caller| caller.profile.as_ref());
    let profile = match read {
        Some(profile) => CallerProfile::Read(profile),
        None if has_profile => CallerProfile::Unread,
        None => CallerProfile::None,
    };
    let facts = CallerFacts {
        request: &request("GET", "a.com", b"/"),
        variables: &PathVariables::default(),
        identity: identity.as_ref(),
        profile,
        sources: &sources,
    };
    facts.value(place).map(|value| value.map(Cow::into_owned)).map_err(|it| it.kind())
}

const GROUPS: Place = Place::Identity(IdentityPlace::Groups);
const SCOPES: Place = Place::Identity(IdentityPlace::Scopes);
const ROLES: Place = Place::Identity(IdentityPlace::Roles);
const PERMISSIONS: Place = Place::Identity(IdentityPlace::Permissions);
const TENANT: Place = Place::Identity(IdentityPlace::Tenant);
const DATA: Place = Place::Profile(ProfilePlace::Data);

#[test]
fn a_fact_that_is_not_there_is_missing() {
    let config = config(KINDS);
    let claim = Place::Claim("plan".into());
    let caller = |issuer: &str| Caller::of(issuer);
    let read = Caller::of("rownd").profile(|profile: &mut Profile| {
        profile.data.insert("a".to_owned(), json!(1));
    });
    let missing = || Err(FaultKind::Missing);
    let empty = || Ok(Some(json!([])));
    #[rustfmt::skip] // one case a line
    let cases: [(&str, Option<Caller>, &Place, Found); 19] = [
        // The caller, the place, its value.
        ("nobody", None, &TENANT, missing()),
        ("nobody", None, &GROUPS, missing()),
        ("nobody", None, &claim, missing()),
        ("nobody", None, &DATA, missing()),
        ("a user", Some(caller("plain")), &TENANT, Ok(None)),
        ("a user", Some(caller("plain")), &claim, Ok(None)),
        ("no groups in tokens", Some(caller("plain")), &GROUPS, missing()),
        ("groups in tokens", Some(caller("mapped")), &GROUPS, empty()),
        ("no scopes in tokens", Some(caller("rownd")), &SCOPES, missing()),
        ("scopes in tokens", Some(caller("plain")), &SCOPES, empty()),
        ("no roles in tokens", Some(caller("plain")), &ROLES, missing()),
        ("roles in tokens", Some(caller("mapped")), &ROLES, empty()),
        ("no permissions", Some(caller("mapped")), &PERMISSIONS, missing()),
        ("no profiles", Some(caller("plain")), &DATA, missing()),
        ("not read", Some(caller("rownd")), &DATA, Err(FaultKind::ProfileUnread)),
        ("read", Some(read), &DATA, Ok(Some(json!({ "a": 1 })))),
        ("an unknown issuer", Some(caller("unknown")), &GROUPS, missing()),
        ("an unknown issuer", Some(caller("unknown")), &SCOPES, missing()),
        ("an unknown issuer", Some(caller("unknown")), &ROLES, missing()),
    ];
    for (name, who, place, expected) in cases {
        assert_eq!(value(&config, who.as_ref(), place), expected, "{name} {place:?}");
    }
}

#[test]
fn roles_that_are_configured_are_those_of_the_sources_and_no_others() {
    let config = config(&format!(
        "{KINDS}roles: {{ editor: {{ permissions: ['orders:read'] }} }}
role_sources:
  - {{ issuers: [mapped], claim: roles }}
  - {{ issuers: [rownd], group_roles: true }}"
    ));
    let mapped = |claims: &Value| {
        Caller::of("mapped").with(|who| who.roles = vec!["other".to_owned()]).claims(claims)
    };
    let member = |odd: bool| {
        Caller::of("rownd").profile(|profile| {
            profile.odd.groups = odd;
            profile.groups = vec![Group {
                id: "g".to_owned(),
                name: None,
                roles: vec!["boss".to_owned()],
                member_state: Some("active".to_owned()),
            }];
        })
    };
    let list = |name: &str| Ok(Some(json!([name])));
    let missing = || Err(FaultKind::Missing);
    let unread = || Err(FaultKind::ProfileUnread);
    #[rustfmt::skip] // one case a line
    let cases: [(&str, Caller, Found, Found); 6] = [
        ("by a claim", mapped(&json!({ "roles": ["editor"] })), list("editor"), list("orders:read")),
        ("unreadable", mapped(&json!({ "roles": 7 })), missing(), missing()),
        ("by a group", member(false), list("g/boss"), Ok(Some(json!([])))),
        ("groups of another shape", member(true), missing(), missing()),
        ("a profile that was not read", Caller::of("rownd"), unread(), unread()),
        ("no source", Caller::of("plain"), missing(), missing()),
    ];
    for (name, who, roles, permissions) in cases {
        assert_eq!(value(&config, Some(&who), &ROLES), roles, "{name}");
        assert_eq!(value(&config, Some(&who), &PERMISSIONS), permissions, "{name}");
    }
}

/// No profile can help where the sources of an issuer are all in its tokens.
#[test]
fn rights_that_no_profile_can_tell_do_not_wait_for_it() {
    let config = config(&format!("{KINDS}role_sources: [{{ issuers: [rownd], claim: roles }}]"));
    let who = Caller::of("rownd").claims(&json!({ "roles": 7 }));
    for place in [&ROLES, &PERMISSIONS] {
        assert_eq!(value(&config, Some(&who), place), Err(FaultKind::Missing), "{place:?}");
    }
}
