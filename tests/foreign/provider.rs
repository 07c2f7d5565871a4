//! The OpenID provider library `oidc-provider` 8.8.1 as an issuer of kind `oidc`.
//!
//! In: its address, and the tokens of a sign-in by code flow for each algorithm. Out: its keys
//! are found by discovery, its JWT access tokens are taken where access tokens are, its ID tokens
//! where ID tokens are, and neither in the other's place.

use std::collections::BTreeMap;

use rownd_authz::model::DenyReason;
use serde::Deserialize;
use serde_json::json;

use super::talk::serving_on_node;
use crate::support::{Ask, Issuer, TestApp, config_with};

#[derive(Debug, Deserialize)]
struct Provider {
    version: String,
    issuer: String,
    resource: String,
    user: String,
    tokens: BTreeMap<String, Tokens>,
}

#[derive(Debug, Deserialize)]
struct Tokens {
    access: String,
    id: String,
    /// An access token for another service.
    elsewhere: String,
    /// One that is no JWT: for the provider's own user info.
    opaque: String,
    client: String,
}

/// A service that knows nothing of the provider but its `iss`.
async fn serve(provider: &Provider, accepts: &str, audiences: Vec<&str>) -> TestApp {
    let settings = config_with(&Issuer::closed(), |config| {
        config["issuers"] = json!([{
            "name": "provider", "kind": "oidc", "issuer": provider.issuer,
            "audiences": audiences, "accepts": accepts, "auth_level": "verified",
        }]);
    });
    TestApp::ready(&settings).await
}

#[tokio::test]
async fn a_foreign_providers_tokens_are_verified_by_discovery() {
    let (_serving, answer) = serving_on_node("tests/foreign/oidc/provider.cjs").await;
    let provider: Provider = serde_json::from_value(answer).unwrap();
    assert_eq!(provider.version, "8.8.1", "run `make tools` again");
    let algorithms: Vec<&str> = provider.tokens.keys().map(String::as_str).collect();
    assert_eq!(algorithms, ["ES256", "EdDSA", "RS256"]);
    let clients = provider.tokens.values().map(|tokens| tokens.client.as_str()).collect();
    let access = serve(&provider, "access", vec![&provider.resource]).await;
    let id = serve(&provider, "id", clients).await;
    for (algorithm, tokens) in &provider.tokens {
        for (what, app, token, expected) in [
            ("an access token", &access, &tokens.access, Ok(())),
            ("an ID token", &id, &tokens.id, Ok(())),
            (
                "an ID token as one for access",
                &access,
                &tokens.id,
                Err(DenyReason::TokenKindRefused),
            ),
            ("an access token as an ID", &id, &tokens.access, Err(DenyReason::TokenKindRefused)),
            ("for elsewhere", &access, &tokens.elsewhere, Err(DenyReason::AudienceMismatch)),
            ("no JWT", &access, &tokens.opaque, Err(DenyReason::TokenMalformed)),
        ] {
            let what = format!("{algorithm}: {what}");
            let answer = app.check(&Ask::with_token(token)).await;
            match expected {
                Ok(()) => {
                    answer.assert_allowed(&what, "authenticated");
                    assert_eq!(answer.set("x-rownd-user-id"), Some(provider.user.as_str()));
                    assert_eq!(answer.set("x-rownd-issuer"), Some("provider"), "{what}");
                }
                Err(reason) => answer.assert_denied(&what, reason),
            }
        }
        // The end of another good token of the same key.
        let (head, _) = tokens.access.rsplit_once('.').unwrap();
        let (_, tail) = tokens.elsewhere.rsplit_once('.').unwrap();
        let answer = access.check(&Ask::with_token(format!("{head}.{tail}"))).await;
        answer.assert_denied(algorithm, DenyReason::SignatureInvalid);
    }
}
