//! The warnings about roles.

use super::config;
use crate::{
    config::Config,
    model::Warning,
    policy::rights::{
        AskedRight::{self, Permission, Role},
        RightsBook, warning_of_asked, warnings,
    },
};

const ONE: &str = "issuers: [{ name: a, kind: oidc, issuer: 'https://id.test', audiences: [a] }]";

/// The warning about a right that a rule for these issuers asks for; for all of them if there are none.
fn warned_of(config: &Config, asked: AskedRight<'_>, issuers: &[&'static str]) -> Option<Warning> {
    let all = config.issuers.iter().map(|issuer| issuer.name.as_str());
    let reaching =
        if issuers.is_empty() { all.collect() } else { issuers.iter().copied().collect() };
    warning_of_asked(&RightsBook::build(config), "/routes/0/require", asked, &reaching)
}

#[test]
fn a_role_that_no_user_can_have_is_a_warning() {
    #[rustfmt::skip] // one case a line
    let cases: [(&str, &[(&str, &str)]); 15] = [
        ("", &[]),
        ("roles: { owner: {} }", &[("role_sources_missing", "claims.roles")]),
        ("roles: { owner: {} }\nrole_sources: [{ claim: roles }]", &[]),
        ("roles: { owner: {} }\nrole_sources: [{ claim: roles, prefix: 'kc:' }]", &[("role_without_users", "/roles/owner")]),
        ("roles: { g/owner: {} }\nrole_sources: [{ claim: roles, prefix: 'kc:' }]", &[("role_without_users", "/roles/g~1owner")]),
        ("roles: { kc:owner: {} }\nrole_sources: [{ claim: roles, prefix: 'kc:' }]", &[]),
        ("roles: { owner: {} }\nrole_sources: [{ claim: roles, map: { boss: ownr } }]", &[("role_without_users", "/roles/owner")]),
        ("roles: { owner: {} }\nrole_sources: [{ users: { user_1: [ownr] } }]", &[("role_without_users", "/roles/owner")]),
        ("roles: { owner: {} }\nrole_sources: [{ users: { user_1: [owners], user_2: [owner] } }]", &[("role_unknown", "did you mean `owner`")]),
        ("roles: { owner: {} }\nrole_sources: [{ claim: roles, map: { admin: owners, boss: owner } }]", &[("role_unknown", "/role_sources/0/map")]),
        ("roles: { owner: {} }\nrole_sources: [{ permission_claim: p }]", &[("role_without_users", "/roles/owner")]),
        // A role that others inherit is had through them.
        ("roles: { base: {}, owner: { inherits: [base] } }\nrole_sources: [{ users: { user_1: [owner] } }]", &[]),
        ("role_sources: [{ claim: realm_access.roles }]", &[("claim_name_dotted", "/realm_access/roles")]),
        ("role_sources: [{ claim: 'https://a.test/roles' }]", &[]),
        ("role_sources: [{ users: { ann@example.com: [owner], user_1: [owner] } }]", &[("user_id_is_address", "ann@example.com")]),
    ];
    for (yaml, expected) in cases {
        let found = warnings(&config(&format!("{ONE}\n{yaml}")));
        assert_eq!(found.len(), expected.len(), "{yaml}: {found:?}");
        for (warning, (code, said)) in found.iter().zip(expected) {
            assert_eq!(warning.code, *code, "{yaml}");
            let told = warning.pointer == *said || warning.text.contains(said);
            assert!(told, "{yaml}: {warning:?}");
        }
    }
}

#[test]
fn a_role_or_permission_that_a_rule_asks_for_in_vain_is_a_warning() {
    const EDITOR: &str = "roles: { editor: { permissions: ['orders:*'] } }";
    #[rustfmt::skip] // one case a line
    let cases: [(&str, AskedRight<'_>, Option<&str>); 14] = [
        // Any role may come from a claim.
        ("role_sources: [{ claim: roles }]", Role("owner"), None),
        ("role_sources: [{ claim: roles }]", Role("editor"), None),
        ("role_sources: [{ claim: roles }]", Role("editors"), Some("did you mean `editor`")),
        ("role_sources: [{ claim: roles, map: { boss: editor } }]", Role("editor"), None),
        ("role_sources: [{ claim: roles, map: { boss: editor } }]", Role("boss"), Some("no entry")),
        ("role_sources: [{ users: { user_1: [editor, boss] } }]", Role("boss"), None),
        ("role_sources: [{ users: { user_1: [editor] } }]", Role("owner"), Some("no entry")),
        ("role_sources: [{ permission_claim: p }]", Role("owner"), Some("no entry")),
        ("", Role("owner"), Some("no entry")),
        ("role_sources: [{ claim: roles }]", Permission("orders:read"), None),
        ("role_sources: [{ claim: roles }]", Permission("users:read"), Some("no role")),
        ("role_sources: [{ permission_claim: p }]", Permission("users:read"), None),
        ("role_sources: [{ users: { user_1: [other] } }]", Permission("orders:read"), Some("no role")),
        ("", Permission("orders:read"), Some("no role")),
    ];
    for (sources, asked, expected) in cases {
        let config = config(&format!("{ONE}\n{EDITOR}\n{sources}"));
        let found = warned_of(&config, asked, &[]);
        assert!(found.iter().all(|warning| warning.pointer == "/routes/0/require"), "{found:?}");
        let text = found.as_ref().map(|warning| warning.text.as_ref());
        assert_eq!(text.is_some(), expected.is_some(), "{sources} {asked:?}: {text:?}");
        if let (Some(text), Some(said)) = (text, expected) {
            assert!(text.contains(said), "{text}");
        }
    }
}

#[test]
fn a_role_that_is_almost_a_defined_one_was_meant() {
    for (roles, asked, meant) in [
        ("reader: {}, editor: {}, zookeeper: {}", "editors", Some("editor")),
        ("owner: {}", "ownee", Some("owner")),
        ("owner: {}", "ownerxx", Some("owner")),
        ("owner: {}", "ownerxxx", None),
        ("owner: {}", "owner", None),
        // A short name is near to many others.
        ("owner: {}", "ownr", None),
        ("", "owner", None),
    ] {
        let text = format!("{ONE}\nroles: {{ {roles} }}\nrole_sources: [{{ claim: roles }}]");
        let found = warned_of(&config(&text), Role(asked), &[]);
        let said = meant.map(|meant| format!("did you mean `{meant}`?"));
        assert_eq!(found.is_some(), meant.is_some(), "{roles} {asked}: {found:?}");
        if let Some(warning) = &found {
            assert_eq!(warning.code, "role_unknown");
            assert!(warning.text.contains(said.as_deref().unwrap_or_default()), "{warning}");
        }
    }
    let found = warned_of(&config(ONE), Permission("orders:read"), &[]);
    assert_eq!(found.map(|warning| warning.code), Some("permission_unknown"));
}

#[test]
fn a_right_that_the_issuers_of_a_rule_never_give_is_a_warning() {
    let config = config(
        "issuers:
  - { name: company, kind: oidc, issuer: 'https://a.test', audiences: [a] }
  - { name: partner, kind: oidc, issuer: 'https://b.test', audiences: [a] }
  - { name: silent, kind: oidc, issuer: 'https://c.test', audiences: [a] }
roles: { owner: { permissions: ['a:b'] }, helper: {}, reader: {} }
role_sources:
  - { issuers: [company], users: { u1: [owner], u3: [reader] } }
  - { issuers: [partner], users: { u2: [helper] } }
  - { issuers: [partner], claim: roles, map: { r: reader } }",
    );
    for (issuers, asked, expected) in [
        (&["company"][..], Role("owner"), None),
        (&["company", "partner"], Role("owner"), None),
        (&["partner"], Role("owner"), Some("the issuers that can reach it (partner) can give it")),
        (&["partner", "silent"], Role("owner"), Some("(partner, silent)")),
        (&["silent"], Role("reader"), Some("(silent)")),
        (&["partner"], Role("reader"), None),
        (&["partner"], Permission("a:b"), Some("can give users of partner has it")),
        (&["company"], Permission("a:b"), None),
        (&["company"], Permission("x:y"), Some("`role_sources` can give has it")),
    ] {
        let found = warned_of(&config, asked, issuers);
        assert_eq!(found.is_some(), expected.is_some(), "{issuers:?} {asked:?}: {found:?}");
        let said = expected.unwrap_or_default();
        assert!(found.iter().all(|it| it.text.contains(said)), "{asked:?}: {found:?}");
    }
}

#[test]
fn roles_without_any_source_are_a_warning_that_says_why() {
    const TWO: &str = "issuers:
  - { name: a, kind: oidc, issuer: 'https://a.test', audiences: [a], claims: { roles: r } }
  - { name: b, kind: oidc, issuer: 'https://b.test', audiences: [a] }";
    for (issuers, rest, expected) in [
        (ONE, "roles: { owner: {} }", Some("the issuer has no `claims.roles`")),
        (TWO, "roles: { owner: {} }", Some("with several issuers no role counts")),
        (TWO, "roles: { owner: {} }\nrole_sources: [{ issuers: [a], claim: r }]", None),
        (TWO, "", None),
    ] {
        let found = warnings(&config(&format!("{issuers}\n{rest}")));
        assert_eq!(found.len(), usize::from(expected.is_some()), "{rest}: {found:?}");
        for warning in &found {
            assert_eq!(
                (warning.code, &*warning.pointer),
                ("role_sources_missing", "/roles"),
                "{rest}"
            );
            assert!(warning.text.contains(expected.unwrap_or_default()), "{warning}");
        }
    }
}

#[test]
fn an_address_is_no_user_id_unless_an_issuer_says_so() {
    const TWO: &str = "issuers:
  - { name: a, kind: oidc, issuer: 'https://a.test', audiences: [a], claims: { user_id: email } }
  - { name: b, kind: oidc, issuer: 'https://b.test', audiences: [a] }";
    const MAPPED: &str = "issuers:
  - { name: a, kind: oidc, issuer: 'https://a.test', audiences: [a], claims: { user_id: email } }";
    for (issuers, of, warned) in [
        (TWO, "issuers: [a], ", false),
        (TWO, "issuers: [b], ", true),
        (TWO, "issuers: [a, b], ", false),
        (MAPPED, "", false),
        (ONE, "", true),
    ] {
        let source =
            format!("role_sources: [{{ {of}users: {{ ann@example.com: [owner], u: [owner] }} }}]");
        let found = warnings(&config(&format!("{issuers}\n{source}")));
        let codes: Vec<&str> = found.iter().map(|warning| warning.code).collect();
        let expected: &[&str] = if warned { &["user_id_is_address"] } else { &[] };
        assert_eq!(codes, expected, "{of}");
    }
}
