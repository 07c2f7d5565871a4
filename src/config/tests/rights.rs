//! The sections `roles` and `role_sources`: what can only be a mistake is refused, with its place.

use super::{bad, good};
use crate::config::{RoleNaming, RolePlace};

/// Issuers of several kinds.
const SEVERAL: &str = "issuers:
- { name: rownd, kind: rownd, apps: [{ id: x, key: k, secret: s }] }
- { name: keyless, kind: rownd, base_url: 'https://api.dev.rownd.io', apps: [{ id: x }] }
- { name: sessions, kind: supertokens, base_url: 'https://st.test/auth' }
- { name: company, kind: oidc, issuer: 'https://id.test', audiences: [a], claims: { roles: roles } }
- { name: kc, kind: oidc, preset: keycloak, issuer: 'https://kc.test/realms/a', audiences: [a] }
- { name: bare, kind: oidc, issuer: 'https://bare.test', audiences: [a] }
- { name: many, kind: oidc, issuer: 'https://id.many.test/{tenant}', tenants: [a, b], audiences: [a] }
";
const ONE: &str = "issuers: [{ name: a, kind: oidc, issuer: 'https://a.test', audiences: [x] }]\n";

#[test]
fn roles_that_can_only_be_a_mistake_are_refused() {
    #[rustfmt::skip] // one case a line
    let cases: &[(&str, &str, &str)] = &[
        ("{ a: { inherits: [b] } }", "roles.a.inherits[0]", "define it"),
        ("{ editor: {}, a: { inherits: [editors] } }", "roles.a.inherits[0]", "did you mean `editor`"),
        ("{ a: { inherits: [a] } }", "roles.a.inherits", "a -> a"),
        ("{ a: { inherits: [b] }, b: { inherits: [c] }, c: { inherits: [a] } }", "roles.a.inherits", "a -> b -> c -> a"),
        ("{ b: {}, a: { inherits: [b, b] } }", "roles.a.inherits[1]", "twice"),
        ("{ a: { permissions: ['o:r', 'o:r'] } }", "roles.a.permissions[1]", "twice"),
        ("{ a: { permissions: ['o*'] } }", "roles.a.permissions[0]", "orders:*"),
        ("{ a: { permissions: ['*:r'] } }", "roles.a.permissions[0]", "orders:*"),
        ("{ a: { permissions: ['o::r'] } }", "roles.a.permissions[0]", "segments"),
        ("{ a: { permissions: ['o r'] } }", "roles.a.permissions[0]", "segments"),
        ("{ a: { permissions: [''] } }", "roles.a.permissions[0]", "segments"),
        ("{ 'a*': {} }", "roles.a*", "no name of a role"),
        ("{ '': {} }", "roles.", "no name of a role"),
        ("{ 'b\u{fc}ro': {} }", "roles.b\u{fc}ro", "no name of a role"),
        ("{ a: { permission: [x] } }", "roles.a.permission", "permissions"),
        ("{ a: { permissions: x } }", "roles.a.permissions", "list"),
        ("{ a: [x] }", "roles.a", "map"),
        ("[a]", "roles", "map"),
    ];
    for (roles, setting, said) in cases {
        let problems = bad(&format!("{ONE}roles: {roles}"), &[]);
        assert_eq!(problems.len(), 1, "{roles}: {problems:#?}");
        assert_eq!(problems[0].setting, *setting, "{roles}");
        assert!(problems[0].message.contains(said), "{roles}: {}", problems[0]);
    }
}

#[test]
fn sources_that_can_only_be_a_mistake_are_refused() {
    #[rustfmt::skip] // one case a line
    let cases: &[(&str, &str, &str)] = &[
        ("claim: roles", "issuers", "rownd, keyless"),
        ("issuers: [], claim: roles", "issuers", "leave it out"),
        ("issuers: [other], claim: roles", "issuers[0]", "write one of: rownd"),
        ("issuers: [company, company], claim: roles", "issuers[1]", "twice"),
        ("issuers: [company]", "", "exactly one of `claim`"),
        ("issuers: [company], mapped: false", "", "exactly one of `claim`"),
        ("issuers: [company], claim: roles, mapped: true", "", "an entry for each"),
        ("issuers: [company], claim: ''", "claim", "empty"),
        ("issuers: [company], claim: '/a//b'", "claim", "empty name"),
        ("issuers: [company], claim: sub", "claim", "sub"),
        ("issuers: [company], permission_claim: aud", "permission_claim", "aud"),
        ("issuers: [company], claims: roles", "claims", "did you mean `claim`"),
        ("issuers: [bare], mapped: true", "mapped", "claims.roles"),
        ("issuers: [company], st_role: true", "st_role", "kind `supertokens`"),
        ("issuers: [rownd], st_perm: true", "st_perm", "kind `supertokens`"),
        ("issuers: [company], group_roles: true", "group_roles", "kind `rownd`"),
        ("issuers: [sessions], attribute: shop:roles", "attribute", "kind `rownd`"),
        ("issuers: [keyless], group_roles: true", "group_roles", "issuers[1].apps[0]"),
        ("issuers: [keyless], users: { '@example.com': [a] }", "users", "issuers[1].apps[0]"),
        ("issuers: [many], users: { user_1: [a] }", "users", "tenants"),
        ("issuers: [rownd], attribute: ''", "attribute", "shop:roles"),
        ("issuers: [company], users: {}", "users", "empty"),
        ("issuers: [company], users: { user_1: [] }", "users.user_1", "no roles"),
        ("issuers: [company], users: { user_1: owner }", "users.user_1", "list"),
        ("issuers: [company], users: { user_1: ['*'] }", "users.user_1[0]", "no name of a role"),
        ("issuers: [company], users: { user_1: [a, a] }", "users.user_1[1]", "twice"),
        ("issuers: [company], users: { ' user_1': [a] }", "users. user_1", "exact name"),
        ("issuers: [company], users: { '@': [a] }", "users.@", "no domain"),
        ("issuers: [company], users: { '@example': [a] }", "users.@example", "no domain"),
        ("issuers: [company], users: { '@example.com.': [a] }", "users.@example.com.", "no domain"),
        ("issuers: [company], users: { '@*.example.com': [a] }", "users.@*.example.com", "no domain"),
        ("issuers: [company], users: { '@a@example.com': [a] }", "users.@a@example.com", "no domain"),
        ("issuers: [company], users: { '@b\u{fc}ro.de': [a] }", "users.@b\u{fc}ro.de", "xn--"),
        ("issuers: [company], users: { '@Example.com': [a], '@example.com': [b] }", "users.@example.com", "twice"),
        ("issuers: [company], claim: roles, map: {}", "map", "empty"),
        ("issuers: [company], claim: roles, map: { a: '' }", "map.a", "no name of a role"),
        ("issuers: [company], claim: roles, map: { '': a }", "map.", "exact name"),
        ("issuers: [company], claim: roles, prefix: ''", "prefix", "empty"),
        ("issuers: [company], claim: roles, prefix: ' x'", "prefix", "no name of a role"),
        ("issuers: [company], claim: roles, prefix: p, map: { a: b }", "prefix", "beside `map`"),
        ("issuers: [company], permission_claim: p, map: { a: b }", "map", "leave it out"),
        ("issuers: [sessions], st_perm: true, prefix: p", "prefix", "leave it out"),
        ("issuers: [company], users: { user_1: [a] }, prefix: p", "prefix", "leave it out"),
    ];
    for (source, setting, said) in cases {
        let problems = bad(&format!("{SEVERAL}role_sources: [{{ {source} }}]"), &[]);
        assert_eq!(problems.len(), 1, "{source}: {problems:#?}");
        let dot = if setting.is_empty() { "" } else { "." };
        assert_eq!(problems[0].setting, format!("role_sources[0]{dot}{setting}"), "{source}");
        assert!(problems[0].message.contains(said), "{source}: {}", problems[0]);
        assert!(problems[0].place.starts_with("test.yaml:"), "{source}: {}", problems[0]);
    }
}

#[test]
fn numbers_of_roles_users_and_names_are_bounded() {
    let many = |count: usize, entry: &str| -> String {
        let entries: Vec<String> = (0..count).map(|n| entry.replace('N', &n.to_string())).collect();
        entries.join(", ")
    };
    let source = |entry: String| format!("role_sources: [{{ {entry} }}]");
    #[rustfmt::skip] // one case a line
    let cases = [
        (format!("roles: {{ {} }}", many(513, "rN: {}")), "512"),
        (format!("roles: {{ a: {{ permissions: [{}] }} }}", many(257, "pN")), "256"),
        (source(format!("users: {{ {} }}", many(10_001, "uN: [a]"))), "10000"),
        (source(format!("users: {{ u: [{}] }}", many(65, "rN"))), "64"),
        (source(format!("claim: c, map: {{ {} }}", many(1001, "rN: a"))), "1000"),
        (format!("role_sources: [{}]", many(65, "{ claim: cN }")), "64"),
    ];
    for (yaml, said) in cases {
        let problems = bad(&format!("{ONE}{yaml}"), &[]);
        assert!(
            problems.iter().any(|problem| problem.message.contains(said)),
            "{said}: {problems:?}"
        );
    }
}

#[test]
fn good_sections_are_printed_as_they_can_be_read_again() {
    let yaml = format!(
        "{SEVERAL}
roles:
  viewer: {{ permissions: ['orders:read'] }}
  kc:admin: {{ permissions: ['*'], inherits: [viewer] }}
role_sources:
  - {{ issuers: [company, kc], mapped: true }}
  - {{ issuers: [kc], claim: /realm_access/roles, prefix: 'kc:' }}
  - {{ issuers: [company], claim: roles, map: {{ 'B\u{fc}ro/~Leitung': viewer }} }}
  - {{ issuers: [company], permission_claim: permissions }}
  - {{ issuers: [sessions], st_role: true }}
  - {{ issuers: [sessions], st_perm: true }}
  - {{ issuers: [sessions], mapped: true }}
  - {{ issuers: [rownd], group_roles: true }}
  - {{ issuers: [rownd], attribute: shop:roles }}
  - {{ issuers: [rownd, company], users: {{ user_1: [viewer], '@Example.com': [viewer] }} }}
"
    );
    let config = good(&yaml, &[]);
    let printed = serde_json::to_value(&config).unwrap();
    // The secrets of the apps are not printed.
    let mut again = printed.clone();
    again["issuers"][0]["apps"][0] = serde_json::json!({ "id": "x", "key": "k", "secret": "s" });
    let again = good(&again.to_string(), &[]);
    assert_eq!(again.roles, config.roles);
    assert_eq!(again.role_sources, config.role_sources);
    let RolePlace::Users { ids, domains } = &config.role_sources[9].place else { panic!() };
    assert_eq!(ids.keys().collect::<Vec<_>>(), ["user_1"]);
    assert_eq!(domains.keys().collect::<Vec<_>>(), ["example.com"]);
    assert_eq!(config.role_sources[1].naming, RoleNaming::Prefixed("kc:".to_owned()));
    assert!(good(&format!("{ONE}role_sources: [{{ claim: roles }}]"), &[]).role_sources.len() == 1);
}
