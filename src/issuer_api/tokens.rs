//! The result of an exchange: tokens, or a yes without any.
//!
//! In: an answer's members. Out: [`Granted`]. `Debug` shows none of the tokens.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::config::Secret;

/// How a user relates to the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserType {
    /// The exchange made the user.
    #[serde(rename = "new_user")]
    New,
    /// The user existed before.
    #[serde(rename = "existing_user")]
    Existing,
    /// The user is an instant user.
    #[serde(rename = "instant_user")]
    Instant,
}

impl UserType {
    /// The type that this word names. `None` for an unknown word, which is no error.
    pub(super) fn of(word: Option<&serde_json::Value>) -> Option<Self> {
        word.and_then(|word| Self::deserialize(word).ok())
    }
}

/// The tokens of a user.
#[derive(Clone, PartialEq, Eq)]
pub struct Tokens {
    /// The access token, for `Authorization: Bearer`.
    pub access: Secret,
    /// The refresh token, which renews the access token.
    pub refresh: Option<Secret>,
    /// The ID token (OpenID Connect).
    pub id: Option<Secret>,
    /// The `front-token` of SuperTokens, which its frontend reads.
    pub front: Option<Secret>,
    /// The end of the access token's life, if it is known.
    pub expires_at: Option<SystemTime>,
    /// The user whom the ID token names (OpenID Connect).
    pub subject: Option<String>,
    /// How the user relates to the app.
    pub user_type: Option<UserType>,
    /// How the user relates to the app variant.
    pub variant_user_type: Option<UserType>,
    /// The scopes that were granted (OAuth 2.0).
    pub scopes: Vec<String>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// The result of an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Granted {
    /// Tokens of a user.
    Tokens(Box<Tokens>),
    /// A yes without tokens: the user's intent did not fit.
    Nothing(Option<UserType>),
}

/// The part of an unverified access token that is read here. Nobody is let in by it.
#[derive(Deserialize)]
struct UnverifiedClaims {
    exp: Option<f64>,
}

impl Tokens {
    /// Only an access token, with the end of life that it says.
    pub(super) fn new(access: &str) -> Self {
        Self {
            access: Secret::new(access),
            refresh: None,
            id: None,
            front: None,
            expires_at: expiry_of(access),
            subject: None,
            user_type: None,
            variant_user_type: None,
            scopes: Vec::new(),
        }
    }
}

fn expiry_of(token: &str) -> Option<SystemTime> {
    let body = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: UnverifiedClaims = serde_json::from_slice(&body).ok()?;
    UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(claims.exp?).ok()?)
}

/// The text, if it is not empty.
pub(super) fn not_empty(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}
