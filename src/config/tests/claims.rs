//! The settings of the claim map: each form of a claim, and what can only be a mistake.

use serde_json::json;

use super::{bad, good};

const OIDC: &str = "name: a, kind: oidc, issuer: 'https://a.test', audiences: [a]";

#[test]
fn every_form_of_a_claim_is_read_and_printed_as_it_was_written() {
    for claim in [
        json!("roles"),
        json!("https://example.com/roles"),
        json!("urn:zitadel:iam:org:project:roles"),
        json!("realm_access.roles"),
        json!("/realm_access/roles"),
        json!("/groups/0"),
        json!("/a~1b/c~0d"),
        json!({ "name": "a.b" }),
        json!({ "pointer": "/a/b" }),
        json!({ "path": "realm_access.roles" }),
        json!({ "path": "roles" }),
        json!({ "name": "x", "keys": true }),
        json!({ "path": "x.y", "integer": true }),
    ] {
        let config = good(&format!("issuers: [{{ {OIDC}, claims: {{ roles: {claim} }} }}]"), &[]);
        let printed = serde_json::to_value(&config).unwrap();
        assert_eq!(printed["issuers"][0]["claims"], json!({ "roles": claim }));
    }
}

/// (the claim map, the setting complained of, what the message has to say)
#[rustfmt::skip] // one case a line
const MISTAKES: &[(&str, &str, &str)] = &[
    ("roles: ''", "roles", "pointer"),
    ("roles: /", "roles", "empty"),
    ("roles: //", "roles", "empty"),
    ("roles: /a/", "roles", "empty"),
    ("roles: /a//b", "roles", "empty"),
    ("roles: /a~b", "roles", "~0"),
    ("roles: /a~2b", "roles", "~0"),
    ("roles: /a~", "roles", "~0"),
    ("roles: {}", "roles", "exactly one"),
    ("roles: { keys: true }", "roles", "exactly one"),
    ("roles: { name: a, path: b }", "roles", "exactly one"),
    ("roles: { name: a, pointer: /b, path: b }", "roles", "exactly one"),
    ("roles: { name: '' }", "roles", "empty"),
    ("roles: { name: /a/b }", "roles", "pointer: /a/b"),
    ("roles: { pointer: a/b }", "roles", "write /a/b"),
    ("roles: { pointer: '' }", "roles", "slash"),
    ("roles: { path: '' }", "roles", "empty"),
    ("roles: { path: a..b }", "roles", "empty"),
    ("roles: { path: .a }", "roles", "empty"),
    ("roles: { path: a. }", "roles", "empty"),
    ("roles: { path: /a/b }", "roles", "slash"),
    ("roles: { path: 'https://a.test/b' }", "roles", "slash"),
    ("roles: { name: a, key: true }", "roles.key", "keys"),
    ("roles: [a]", "roles", "realm_access"),
    ("roles: 5", "roles", "realm_access"),
    ("roles: { name: a, keys: 1 }", "roles.keys", "true"),
    // Claims that mean the same in every token.
    ("tenant: iss", "tenant", "RFC 7519"),
    ("tenant: /iss", "tenant", "RFC 7519"),
    ("groups: /aud/0", "groups", "RFC 7519"),
    ("groups: { path: aud.x }", "groups", "RFC 7519"),
    ("user_id: { name: jti }", "user_id", "RFC 7519"),
    ("tenant: sub", "tenant", "user_id"),
    ("tenant: /sub", "tenant", "user_id"),
    ("user_id: /sub/x", "user_id", "user_id"),
    // A value can be read in one way.
    ("user_id: { name: a, keys: true }", "user_id.keys", "lists"),
    ("tenant: { name: a, keys: true }", "tenant.keys", "lists"),
    ("auth_level: { name: a, integer: true }", "auth_level.integer", "text"),
    ("user_id: { name: sub, integer: true }", "user_id.integer", "text"),
    ("roles: { name: a, keys: true, integer: true }", "roles.integer", "texts"),
];

#[test]
fn what_can_only_be_a_mistake_is_refused_with_what_to_write() {
    for (map, setting, said) in MISTAKES {
        let problems = bad(&format!("issuers: [{{ {OIDC}, claims: {{ {map} }} }}]"), &[]);
        assert_eq!(problems.len(), 1, "{map}: {problems:#?}");
        assert_eq!(problems[0].setting, format!("issuers[0].claims.{setting}"), "{map}");
        assert!(problems[0].message.contains(said), "{map}: {}", problems[0]);
    }
}
