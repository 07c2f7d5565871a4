//! Audiences that no token of a provider has.

use super::good;

const COGNITO: &str = "preset: cognito, issuer: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI'";
const ENTRA: &str = "preset: entra, issuer: 'https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0'";
const AUTH0: &str = "preset: auth0, issuer: 'https://shop.eu.auth0.com/'";
const OKTA: &str = "preset: okta, issuer: 'https://shop.okta.com/oauth2/default'";
const CLIENT: &str = "1234567890abcdefghijklmnop";

/// (the issuer, what it accepts, the setting that is told, a part of the warning)
#[rustfmt::skip] // one case a line
const NEVER: &[(&str, &str, &str, &str)] = &[
    (COGNITO, "audiences: [1234567890abcdefghijklmnop]", "issuers[0].audiences[0]", "audience: { values: [...] }"),
    (COGNITO, "audience: { values: [eu-central-1_AbCdEfGhI] }", "issuers[0].audience.values[0]", "user pool"),
    (COGNITO, "accepts: id, audiences: [1234567890abcdefghijklmnop, us-east-1_Abc]", "issuers[0].audiences[1]", "user pool"),
    (ENTRA, "audiences: ['api://11111111-2222-3333-4444-555555555555']", "issuers[0].audiences[0]", "client id of the API"),
    (AUTH0, "accepts: id, audiences: ['https://api.shop.test']", "issuers[0].audiences[0]", "accepts: access"),
    (OKTA, "accepts: id, audiences: ['api://default']", "issuers[0].audiences[0]", "accepts: access"),
    (OKTA, "audiences: [0oa1b2c3d4e5f6g7h8i9]", "issuers[0].audiences[0]", "api://default"),
];

fn told(issuer: &str, rest: &str) -> Vec<String> {
    let config = good(&format!("issuers: [{{ name: a, kind: oidc, {issuer}, {rest} }}]"), &[]);
    let warnings = config.places.in_order(config.warnings.clone());
    let found = warnings.iter().filter(|warning| warning.code == "audience_never_met");
    found.map(ToString::to_string).collect()
}

#[test]
fn an_audience_that_no_token_has_is_told() {
    for (issuer, rest, setting, part) in NEVER {
        let found = told(issuer, rest);
        let [one] = found.as_slice() else { panic!("{issuer} {rest}: {found:#?}") };
        assert!(one.contains(setting) && one.contains(part), "{one}");
    }
}

#[test]
fn an_audience_that_tokens_have_is_not_told() {
    let client = format!("audience: {{ values: [{CLIENT}] }}");
    let both = format!("{client}, audiences: ['https://api.shop.test']");
    let id = format!("accepts: id, audiences: [{CLIENT}]");
    for (issuer, rest) in [
        (COGNITO, client.as_str()),
        (COGNITO, &both),
        (COGNITO, &id),
        (ENTRA, "audiences: [11111111-2222-3333-4444-555555555555]"),
        (AUTH0, "audiences: ['https://api.shop.test']"),
        (AUTH0, "accepts: id, audiences: [abcdefghijklmnopqrstuvwxyzABCDEF]"),
        (OKTA, "audiences: ['api://default']"),
        (OKTA, "accepts: id, audiences: [0oa1b2c3d4e5f6g7h8i9]"),
    ] {
        assert_eq!(told(issuer, rest), [] as [String; 0], "{issuer} {rest}");
    }
}
