//! The warnings about roles.

use super::config;
use crate::policy::rights::{
    AskedRight::{self, Permission, Role},
    warnings, warnings_of_asked,
};

const ONE: &str = "issuers: [{ name: a, kind: oidc, issuer: 'https://id.test', audiences: [a] }]";

#[test]
fn a_role_that_no_user_can_have_is_a_warning() {
    #[rustfmt::skip] // one case a line
    let cases: [(&str, &[(&str, &str)]); 13] = [
        ("", &[]),
        ("roles: { owner: {} }", &[("role_sources_missing", "claims.roles")]),
        ("roles: { owner: {} }\nrole_sources: [{ claim: roles }]", &[]),
        ("roles: { owner: {} }\nrole_sources: [{ claim: roles, prefix: 'kc:' }]", &[("role_without_users", "/roles/owner")]),
        ("roles: { g/owner: {} }\nrole_sources: [{ claim: roles, prefix: 'kc:' }]", &[("role_without_users", "/roles/g~1owner")]),
        ("roles: { kc:owner: {} }\nrole_sources: [{ claim: roles, prefix: 'kc:' }]", &[]),
        ("roles: { owner: {} }\nrole_sources: [{ claim: roles, map: { boss: ownr } }]", &[("role_without_users", "/roles/owner")]),
        ("roles: { owner: {} }\nrole_sources: [{ users: { user_1: [ownr] } }]", &[("role_without_users", "/roles/owner")]),
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
        let found = warnings_of_asked(&config, [("/routes/0/require".to_owned(), asked)]);
        assert!(found.iter().all(|warning| warning.pointer == "/routes/0/require"), "{found:?}");
        let text = found.first().map(|warning| warning.text.as_ref());
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
        let found =
            warnings_of_asked(&config(&text), [("routes[0].require".to_owned(), Role(asked))]);
        let said = meant.map(|meant| format!("did you mean `{meant}`?"));
        assert_eq!(found.len(), usize::from(meant.is_some()), "{roles} {asked}: {found:?}");
        for warning in &found {
            assert_eq!(warning.code, "role_unknown");
            assert!(warning.text.contains(said.as_deref().unwrap_or_default()), "{warning}");
        }
    }
    let asked = [("routes[0].require".to_owned(), Permission("orders:read"))];
    let found = warnings_of_asked(&config(ONE), asked);
    assert_eq!(
        found.iter().map(|warning| warning.code).collect::<Vec<_>>(),
        ["permission_unknown"]
    );
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
