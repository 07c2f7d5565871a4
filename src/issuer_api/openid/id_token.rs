//! Whether an ID token is for this client and this sign-in (OpenID Connect Core section 3.1.3.7).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

use crate::{config::Secret, issuer_api::error::ApiError};

/// Clock skew allowed at the end of an ID token's life, in seconds.
const LEEWAY: u64 = 30;

/// Which nonce an ID token has to have.
#[derive(Clone, Copy)]
pub(in crate::issuer_api) enum Nonce<'a> {
    /// This one.
    Exactly(&'a str),
    /// Any: the token is no answer to an authorization request.
    Any,
}

/// The values that an ID token must have.
#[derive(Clone, Copy)]
pub(in crate::issuer_api) struct Expected<'a> {
    pub(in crate::issuer_api) iss: &'a str,
    pub(in crate::issuer_api) client_id: &'a str,
    pub(in crate::issuer_api) nonce: Nonce<'a>,
}

#[derive(Deserialize)]
struct IdTokenClaims {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: f64,
    nonce: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// The user whom the token is about. Its signature need not be checked: the token came from the
/// provider itself, over a connection that this process opened.
pub(in crate::issuer_api) fn subject_of(
    token: &Secret,
    expected: Expected<'_>,
) -> Result<String, ApiError> {
    let body = token.expose().split('.').nth(1).and_then(|body| URL_SAFE_NO_PAD.decode(body).ok());
    let claims: IdTokenClaims = body
        .and_then(|body| serde_json::from_slice(&body).ok())
        .ok_or(ApiError::IdToken("it is not a JWT with the required claims"))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let end = Duration::try_from_secs_f64(claims.exp).unwrap_or_default();
    let nonce = expected.nonce;
    if claims.iss != expected.iss {
        Err(ApiError::IdToken("another issuer issued it"))
    } else if !is_for(&claims, expected.client_id) {
        Err(ApiError::IdToken("it is for another client"))
    } else if now >= end.saturating_add(Duration::from_secs(LEEWAY)) {
        Err(ApiError::IdToken("it has expired"))
    } else if matches!(nonce, Nonce::Exactly(nonce) if claims.nonce.as_deref() != Some(nonce)) {
        Err(ApiError::IdToken("its nonce is not the one of this sign-in"))
    } else if claims.sub.is_empty() {
        Err(ApiError::IdToken("its subject is empty"))
    } else {
        Ok(claims.sub)
    }
}

/// Whether the client is in the audience; with others only if the token says which one it is for.
fn is_for(claims: &IdTokenClaims, client_id: &str) -> bool {
    let in_audience = match &claims.aud {
        Audience::One(aud) => aud == client_id,
        Audience::Many(all) => {
            all.iter().any(|aud| aud == client_id) && (all.len() == 1 || claims.azp.is_some())
        }
    };
    in_audience && claims.azp.as_deref().is_none_or(|azp| azp == client_id)
}
