//! The warnings about roles.

use super::config;
use crate::policy::rights::warnings;

const ONE: &str = "issuers: [{ name: a, kind: oidc, issuer: 'https://id.test', audiences: [a] }]";

#[test]
fn a_role_that_no_user_can_have_is_a_warning() {
    #[rustfmt::skip] // one case a line
    let cases: [(&str, &[(&str, &str)]); 12] = [
        ("", &[]),
        ("roles: { owner: {} }", &[("role_sources_missing", "claims.roles")]),
        ("roles: { owner: {} }\nrole_sources: [{ claim: roles }]", &[]),
        ("roles: { owner: {} }\nrole_sources: [{ claim: roles, prefix: 'kc:' }]", &[("role_without_users", "roles.owner")]),
        ("roles: { kc:owner: {} }\nrole_sources: [{ claim: roles, prefix: 'kc:' }]", &[]),
        ("roles: { owner: {} }\nrole_sources: [{ claim: roles, map: { boss: ownr } }]", &[("role_without_users", "roles.owner")]),
        ("roles: { owner: {} }\nrole_sources: [{ users: { user_1: [ownr] } }]", &[("role_without_users", "roles.owner")]),
        ("roles: { owner: {} }\nrole_sources: [{ permission_claim: p }]", &[("role_without_users", "roles.owner")]),
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
            assert!(warning.text.contains(said), "{yaml}: {warning}");
        }
    }
}
