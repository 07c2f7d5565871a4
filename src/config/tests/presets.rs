//! The presets of providers, and the claim in the place of `aud`: what is filled in, what wins over
//! it, and what cannot be meant.

use serde_json::{Value, json};

use super::{bad, good};
use crate::config::{Accepts, AudienceClaim, Issuer};

fn issuer(settings: &str) -> Issuer {
    good(&format!("issuers: [{{ name: a, {settings} }}]"), &[]).issuers.remove(0)
}

/// An issuer as `config print` shows it.
fn printed(settings: &str) -> Value {
    serde_json::to_value(issuer(settings)).unwrap()
}

/// (an issuer's settings, the setting complained of, what the message has to say)
#[rustfmt::skip] // one case a line
const AUDIENCES: &[(&str, &str, &str)] = &[
    ("audiences: ['*']", "issuers[0].audiences[0]", "audience: { claim: client_id, values: [my-client] }"),
    ("audiences: ['**']", "issuers[0].audiences[0]", "audience: {"),
    ("audiences: [a, 'https://*.example.com']", "issuers[0].audiences[1]", "audience: {"),
    ("audiences: ['.*']", "issuers[0].audiences[0]", "audience: {"),
    ("audiences: ['.+']", "issuers[0].audiences[0]", "audience: {"),
    ("audiences: ['^my-api$']", "issuers[0].audiences[0]", "audience: {"),
    ("audiences: ['?']", "issuers[0].audiences[0]", "audience: {"),
    ("audiences: [' *']", "issuers[0].audiences[0]", "blank"),
    ("audiences: ['']", "issuers[0].audiences[0]", "audience: {"),
    ("audiences: [' ']", "issuers[0].audiences[0]", "empty"),
    ("audiences: ['my-api ']", "issuers[0].audiences[0]", "blank"),
    ("audiences: [a, a]", "issuers[0].audiences[1]", "twice"),
    ("auth_level: guest", "issuers[0].audiences", "audiences: [my-api]"),
    ("preset: cognito", "issuers[0].audiences", "audience: { claim: client_id"),
    ("preset: clerk", "issuers[0].audiences", "audience: { claim: azp"),
    ("audience: {}", "issuers[0].audience.claim", "client_id"),
    ("audience: { claim: client_id }", "issuers[0].audience.values", "values: [my-client]"),
    ("audience: { claim: client_id, values: [] }", "issuers[0].audience.values", "values: [my-client]"),
    ("audience: { claim: client_id, values: ['*'] }", "issuers[0].audience.values[0]", "each client"),
    ("audience: { claim: client_id, values: ['a*b'] }", "issuers[0].audience.values[0]", "each client"),
    ("audience: { claim: client_id, values: [''] }", "issuers[0].audience.values[0]", "each client"),
    ("audience: { claim: client_id, values: [a, a] }", "issuers[0].audience.values[1]", "twice"),
    ("audience: { claim: '', values: [a] }", "issuers[0].audience.claim", "empty"),
    ("audience: { claim: /, values: [a] }", "issuers[0].audience.claim", "empty"),
    ("audience: { claim: /a//b, values: [a] }", "issuers[0].audience.claim", "empty"),
    ("audience: { claim: /aud/0, values: [a] }", "issuers[0].audience.claim", "audiences: [my-api]"),
    ("audience: { claim: /sub, values: [a] }", "issuers[0].audience.claim", "client_id"),
    ("audience: { claim: aud, values: [a] }", "issuers[0].audience.claim", "audiences: [my-api]"),
    ("audience: { claim: iss, values: [a] }", "issuers[0].audience.claim", "client_id"),
    ("audience: { claim: sub, values: [a] }", "issuers[0].audience.claim", "client_id"),
    ("audience: { claim: jti, values: [a] }", "issuers[0].audience.claim", "client_id"),
    ("audience: { claim: azp, values: [a] }, accepts: id", "issuers[0].audiences", "my-client"),
    ("audiences: [a], audience: { claim: client_id, values: [a] }, accepts: id", "issuers[0].audience.claim", "write azp"),
    ("audiences: [a], audience: { claim: scope, values: [a] }, accepts: id", "issuers[0].audience.claim", "write azp"),
];

#[test]
fn an_audience_is_never_anybody() {
    for (settings, setting, said) in AUDIENCES {
        let yaml = format!(
            "issuers: [{{ name: a, kind: oidc, issuer: 'http://localhost:1', {settings} }}]"
        );
        let problems = bad(&yaml, &[]);
        let found = problems.iter().find(|problem| problem.setting == *setting);
        let found = found.unwrap_or_else(|| panic!("{settings}: {problems:#?}"));
        assert!(found.message.contains(said), "{settings}: {found}");
    }
    for yaml in [
        "{ name: a, kind: rownd, apps: [{ id: x }], audience: { claim: azp, values: [a] } }",
        "{ name: a, kind: firebase, project: p, audience: { claim: azp, values: [a] } }",
        "{ name: a, kind: firebase, project: p, preset: google }",
        "{ name: a, kind: rownd, apps: [{ id: x }], preset: keycloak }",
    ] {
        let problems = bad(&format!("issuers: [{yaml}]"), &[]);
        assert_eq!(problems.len(), 1, "{yaml}: {problems:#?}");
        assert!(problems[0].message.contains("oidc, static"), "{yaml}: {}", problems[0]);
    }
    let sessions = "{ name: a, kind: supertokens, base_url: 'https://st.test', audiences: ['*'] }";
    let problems = bad(&format!("issuers: [{sessions}]"), &[]);
    assert!(problems[0].message.contains("leave `audiences` out"), "{}", problems[0]);
}

#[test]
fn a_claim_stands_in_for_the_audience_where_one_is_written() {
    let tokens = |settings: &str| {
        let settings = format!("kind: oidc, issuer: 'http://localhost:1', {settings}");
        issuer(&settings).accepted_tokens().unwrap().clone()
    };
    let azp = |values: &[&str]| AudienceClaim {
        claim: "azp".to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    let alone = tokens("audience: { claim: azp, values: [a, b] }");
    assert_eq!((alone.audiences.len(), alone.audience), (0, Some(azp(&["a", "b"]))));
    let both = tokens("audiences: [x], audience: { claim: azp, values: [a] }");
    assert_eq!((both.audiences, both.audience), (vec!["x".to_owned()], Some(azp(&["a"]))));
    let preset = tokens("preset: clerk, audience: { values: [a] }");
    assert_eq!(preset.audience, Some(azp(&["a"])));
    let written = tokens("preset: cognito, audience: { claim: azp, values: [a] }");
    assert_eq!(written.audience, Some(azp(&["a"])), "what is written wins");
}

#[test]
fn a_preset_fills_in_the_settings_of_its_provider() {
    let all = json!(["RS256", "ES256", "EdDSA"]);
    let rs256 = json!(["RS256"]);
    for (preset, iss, algorithms, claims) in [
        (
            "keycloak",
            "https://a.test/realms/main",
            &all,
            json!({"roles": "/realm_access/roles", "groups": "groups"}),
        ),
        (
            "entra",
            "https://login.microsoftonline.com/t/v2.0",
            &rs256,
            json!({"user_id": "oid", "tenant": "tid", "roles": "roles", "groups": "groups",
                "scopes": "scp"}),
        ),
        (
            "cognito",
            "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_x",
            &rs256,
            json!({"session_id": "origin_jti", "groups": "cognito:groups"}),
        ),
        ("auth0", "https://a.test/", &rs256, json!({"tenant": "org_id"})),
        (
            "okta",
            "https://a.test/oauth2/default",
            &rs256,
            json!({"user_id": "uid", "groups": "groups", "scopes": "scp"}),
        ),
        ("clerk", "https://a.test", &rs256, json!({"tenant": "/o/id", "roles": "/o/rol"})),
        ("google", "https://accounts.google.com", &rs256, json!({"tenant": "hd"})),
        (
            "zitadel",
            "https://a.test",
            &all,
            json!({"tenant": "urn:zitadel:iam:user:resourceowner:id",
                "roles": {"name": "urn:zitadel:iam:org:project:roles", "keys": true}}),
        ),
        (
            "kubernetes",
            "https://a.test",
            &json!(["RS256", "ES256"]),
            json!({"tenant": "/kubernetes.io/namespace"}),
        ),
    ] {
        let accepts = if preset == "google" { "id" } else { "access" };
        for rest in ["kind: oidc", "kind: static, key_set: '{}'"] {
            let settings = format!("{rest}, preset: {preset}, issuer: '{iss}', audiences: [x]");
            let shown = printed(&settings);
            assert_eq!(&shown["algorithms"], algorithms, "{settings}");
            assert_eq!(shown["claims"], claims, "{settings}");
            assert_eq!(shown["accepts"], accepts, "{settings}");
            // The printed settings are a configuration that says the same.
            let again = good(&json!({"issuers": [shown]}).to_string(), &[]).issuers.remove(0);
            assert_eq!(serde_json::to_value(again).unwrap(), shown, "{settings}");
        }
    }
    let without = printed("kind: oidc, issuer: 'https://a.test', audiences: [x]");
    assert_eq!((&without["algorithms"], &without["claims"]), (&all, &json!({})));
}

#[test]
fn what_is_written_wins_over_the_preset() {
    let shown = printed(
        "kind: oidc, preset: entra, issuer: 'https://login.microsoftonline.com/t/v2.0', \
         audiences: [x], algorithms: [ES256], accepts: id, \
         claims: { user_id: sub, roles: my_roles }",
    );
    let claims =
        json!({"user_id": "sub", "roles": "my_roles", "tenant": "tid", "groups": "groups"});
    assert_eq!(shown["claims"], claims, "ID tokens have no scopes");
    assert_eq!((&shown["algorithms"], &shown["accepts"]), (&json!(["ES256"]), &json!("id")));
    let okta =
        issuer("kind: oidc, preset: okta, issuer: 'https://a.test', audiences: [x], accepts: id");
    assert_eq!(
        (&okta.claims.user_id, okta.accepted_tokens().unwrap().accepts),
        (&None, Accepts::Id)
    );
}

#[test]
fn a_preset_knows_where_the_keys_are() {
    for (settings, base_url, jwks_url) in [
        ("preset: google", Value::Null, Value::Null),
        (
            "preset: google, issuer: accounts.google.com",
            Value::Null,
            json!("https://www.googleapis.com/oauth2/v3/certs"),
        ),
        (
            "preset: entra, issuer: 'https://login.microsoftonline.com/t/v2.0'",
            Value::Null,
            Value::Null,
        ),
        (
            "preset: entra, issuer: 'https://sts.windows.net/t/'",
            json!("https://login.microsoftonline.com/t"),
            Value::Null,
        ),
        (
            "preset: entra, issuer: 'https://sts.windows.net/t/', \
             base_url: 'https://login.microsoftonline.us/t'",
            json!("https://login.microsoftonline.us/t"),
            Value::Null,
        ),
        (
            "preset: clerk, issuer: 'https://clerk.a.test'",
            Value::Null,
            json!("https://clerk.a.test/.well-known/jwks.json"),
        ),
        (
            "preset: clerk, issuer: 'https://clerk.a.test', jwks_url: 'https://b.test/keys'",
            Value::Null,
            json!("https://b.test/keys"),
        ),
    ] {
        let shown = printed(&format!("kind: oidc, {settings}, audiences: [x]"));
        assert_eq!((&shown["base_url"], &shown["jwks_url"]), (&base_url, &jwks_url), "{settings}");
    }
    let google = issuer("kind: oidc, preset: google, audiences: [x]");
    assert_eq!(google.iss, "https://accounts.google.com");
}

/// (preset, an `iss` that is refused, what to write)
#[rustfmt::skip] // one case a line
const FOREIGN: &[(&str, &str, &str)] = &[
    ("keycloak", "https://a.test", "/realms/NAME"),
    ("keycloak", "https://a.test/realms", "/realms/NAME"),
    ("keycloak", "https://a.test/realms/", "/realms/NAME"),
    ("keycloak", "https://a.test/realms/main/", "/realms/NAME"),
    ("keycloak", "https://a.test/realms/main/protocol/openid-connect", "/realms/NAME"),
    ("entra", "https://a.test/t/v2.0", "TENANT_ID/v2.0"),
    ("entra", "https://login.microsoftonline.com.a.test/t/v2.0", "TENANT_ID/v2.0"),
    ("entra", "https://login.microsoftonline.com/t", "TENANT_ID/v2.0"),
    ("entra", "https://login.microsoftonline.com/t/v2.0/", "TENANT_ID/v2.0"),
    ("entra", "https://login.microsoftonline.com/common/v2.0", "TENANT_ID/v2.0"),
    ("entra", "https://login.microsoftonline.com/organizations/v2.0", "TENANT_ID/v2.0"),
    ("entra", "https://login.microsoftonline.com/acme.onmicrosoft.com/v2.0", "TENANT_ID/v2.0"),
    ("entra", "https://sts.windows.net/t", "TENANT_ID/"),
    ("entra", "https://sts.windows.net/t/v2.0", "TENANT_ID/"),
    ("entra", "http://login.microsoftonline.com/t/v2.0", "https"),
    ("entra", "https://evilciamlogin.com/t/v2.0", "TENANT_ID/v2.0"),
    ("cognito", "https://a.test/eu-west-1_x", "cognito-idp.REGION"),
    ("cognito", "https://cognito-idp.eu-west-1.amazonaws.com", "USER_POOL_ID"),
    ("cognito", "https://cognito-idp.eu-west-1.amazonaws.com/a/b", "USER_POOL_ID"),
    ("cognito", "https://cognito-idp.eu-west-1.amazonaws.com.a.test/x", "USER_POOL_ID"),
    ("cognito", "https://my.auth.eu-west-1.amazoncognito.com/x", "cognito-idp.REGION"),
    ("auth0", "https://a.test", "slash"),
    ("auth0", "https://a.test/x/", "slash"),
    ("okta", "https://a.test", "/oauth2/default"),
    ("okta", "https://a.test/", "/oauth2/default"),
    ("okta", "https://a.test/oauth2/default/", "slash at its end"),
    ("clerk", "https://clerk.a.test/", "slash at its end"),
    ("zitadel", "https://a.zitadel.cloud/", "slash at its end"),
    ("google", "https://a.test", "https://accounts.google.com"),
    ("google", "https://accounts.google.com/", "https://accounts.google.com"),
    ("kubernetes", "kubernetes/serviceaccount", "never expire"),
    ("clerk", "clerk.a.test", "https://"),
    ("zitadel", "a.test", "https://"),
];

#[test]
fn an_issuer_that_cannot_be_the_provider_is_refused() {
    for (preset, iss, said) in FOREIGN {
        for rest in ["kind: oidc", "kind: static, key_set: '{}'"] {
            let yaml = format!(
                "issuers: [{{ name: a, {rest}, preset: {preset}, issuer: '{iss}', audiences: [x] }}]"
            );
            let problems = bad(&yaml, &[]);
            let found = problems.iter().find(|problem| problem.message.contains(said));
            let found = found.unwrap_or_else(|| panic!("{yaml}: {problems:#?}"));
            assert_eq!(found.setting, "issuers[0].issuer", "{yaml}");
        }
    }
    for (preset, iss) in [
        ("keycloak", "https://a.test/auth/realms/main"),
        ("keycloak", "http://127.0.0.1:8080/"),
        ("entra", "https://login.microsoftonline.us/t/v2.0"),
        ("entra", "https://login.partner.microsoftonline.cn/t/v2.0"),
        ("entra", "https://t.ciamlogin.com/t/v2.0"),
        ("entra", "https://sts.chinacloudapi.cn/t/"),
        ("cognito", "https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_x"),
        ("cognito", "https://issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_x"),
        ("cognito", "http://localhost:9229/local_x"),
        ("auth0", "https://login.a.test/"),
        ("okta", "https://login.a.test/oauth2/aus1"),
        ("google", "http://[::1]:9999"),
        ("kubernetes", "https://oidc.eks.eu-west-1.amazonaws.com/id/A"),
    ] {
        issuer(&format!("kind: oidc, preset: {preset}, issuer: '{iss}', audiences: [x]"));
    }
}

#[test]
fn a_provider_without_such_tokens_is_refused() {
    for (settings, said) in [
        ("preset: google, accepts: access", "write id"),
        ("preset: clerk, issuer: 'https://a.test', accepts: id", "write access"),
        ("preset: kubernetes, issuer: 'https://a.test', accepts: id", "write access"),
    ] {
        let problems =
            bad(&format!("issuers: [{{ name: a, kind: oidc, {settings}, audiences: [x] }}]"), &[]);
        assert_eq!(problems.len(), 1, "{settings}: {problems:#?}");
        assert_eq!(problems[0].setting, "issuers[0].accepts", "{settings}");
        assert!(problems[0].message.contains(said), "{settings}: {}", problems[0]);
    }
    let problems = bad("issuers: [{ name: a, kind: oidc, preset: gitlab }]", &[]);
    let told = problems.iter().any(|problem| problem.message.contains("keycloak"));
    assert!(told, "{problems:#?}");
}

#[test]
fn the_tenant_of_the_address_comes_before_the_claim_of_the_preset() {
    for (preset, iss) in [
        ("entra", "https://login.microsoftonline.com/{tenant}/v2.0"),
        ("entra", "https://sts.windows.net/{tenant}/"),
        ("keycloak", "https://a.test/realms/{tenant}"),
        ("cognito", "https://cognito-idp.eu-west-1.amazonaws.com/{tenant}"),
        ("kubernetes", "https://oidc.eks.eu-west-1.amazonaws.com/id/{tenant}"),
    ] {
        let shown = printed(&format!(
            "kind: oidc, preset: {preset}, issuer: '{iss}', tenants: [a, b], audiences: [x]"
        ));
        assert_eq!(shown["claims"].get("tenant"), None, "{iss}");
        assert_eq!(shown["issuer"], iss);
    }
    let shown = printed(
        "kind: oidc, preset: entra, issuer: 'https://sts.windows.net/{tenant}/', tenants: [a], \
         audiences: [x], claims: { tenant: tid }",
    );
    assert_eq!(shown["claims"]["tenant"], "tid", "what is written wins");
    assert_eq!(shown["base_url"], "https://login.microsoftonline.com/{tenant}");
}
