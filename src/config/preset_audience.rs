//! Audiences that no token of a well-known provider has, by what its documents say of them: every token
//! would be refused.
//!
//! In: the issuers. Out: a warning for each such audience.

use super::sections::{AcceptedTokens, Accepts, Config, Issuer, IssuerDetails, Preset};
use crate::model::Warning;

/// The warnings about the audiences of issuers with a preset.
pub(super) fn warnings(config: &Config) -> Vec<Warning> {
    config.issuers.iter().flat_map(of_issuer).collect()
}

fn of_issuer(issuer: &Issuer) -> Vec<Warning> {
    let tokens = match &issuer.details {
        IssuerDetails::Oidc(oidc) => &oidc.tokens,
        IssuerDetails::Static(fixed) => &fixed.tokens,
        IssuerDetails::Rownd(_) | IssuerDetails::Supertokens(_) | IssuerDetails::Firebase(_) => {
            return Vec::new();
        }
    };
    let AcceptedTokens { preset: Some(preset), accepts, audiences, audience, .. } = tokens else {
        return Vec::new();
    };
    let at = issuer.pointer();
    let told = |place: String, cause: Option<&'static str>| {
        cause.map(|cause| Warning::of("audience_never_met", place, cause))
    };
    let of_aud = audiences.iter().enumerate().filter_map(|(index, value)| {
        told(format!("{at}/audiences/{index}"), of_audience(*preset, *accepts, &issuer.iss, value))
    });
    let clients = audience.iter().flat_map(|audience| audience.values.iter().enumerate());
    let of_clients = clients.filter_map(|(index, value)| {
        told(format!("{at}/audience/values/{index}"), of_client(*preset, value))
    });
    of_aud.chain(of_clients).collect()
}

/// Why no token of this provider has this `aud`.
fn of_audience(preset: Preset, accepts: Accepts, iss: &str, value: &str) -> Option<&'static str> {
    match (preset, accepts) {
        (Preset::Cognito, Accepts::Access) if is_cognito_client(value) => Some(
            "is the id of an app client, which access tokens of Cognito have in `client_id` and not \
             in `aud`: no token is taken; write it in audience: { values: [...] }",
        ),
        (Preset::Entra, Accepts::Access | Accepts::Id)
            if iss.ends_with("/v2.0") && value.contains("://") =>
        {
            Some(
                "is a URI, and tokens of Entra v2.0 have the client id of the API in `aud`: no token \
                 is taken; write the id, as in 11111111-2222-3333-4444-555555555555",
            )
        }
        (Preset::Auth0 | Preset::Okta, Accepts::Id) if value.contains("://") => Some(
            "is the identifier of an API, and ID tokens have the client id of the application in \
             `aud`: no token is taken; write that id, or accepts: access",
        ),
        (Preset::Okta, Accepts::Access) if is_okta_client(value) => Some(
            "is the id of a client, and access tokens have the audience of the authorization server \
             in `aud`: no token is taken; write that one, as in api://default",
        ),
        (
            Preset::Keycloak
            | Preset::Entra
            | Preset::Cognito
            | Preset::Auth0
            | Preset::Okta
            | Preset::Clerk
            | Preset::Google
            | Preset::Zitadel
            | Preset::Kubernetes,
            Accepts::Access | Accepts::Id,
        ) => of_client(preset, value),
    }
}

/// Why no token of this provider names this client.
fn of_client(preset: Preset, value: &str) -> Option<&'static str> {
    (preset == Preset::Cognito && is_user_pool(value)).then_some(
        "is the id of a user pool, which is in `iss` alone: no token is taken; write the id of an app \
         client, as in 1234567890abcdefghijklmnop",
    )
}

/// The id of an app client of Cognito: 26 small letters and digits.
fn is_cognito_client(value: &str) -> bool {
    value.len() == 26
        && value.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// The id of a user pool of Cognito: `eu-central-1_AbCdEfGhI`.
fn is_user_pool(value: &str) -> bool {
    value.split_once('_').is_some_and(|(region, name)| {
        let ends_in_digit = region.ends_with(|last: char| last.is_ascii_digit());
        region.matches('-').count() >= 2
            && ends_in_digit
            && !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// The id of a client of Okta: `0oa` and 17 letters and digits.
fn is_okta_client(value: &str) -> bool {
    value.len() == 20
        && value.starts_with("0oa")
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
