//! What comes of an exchange: tokens, or a yes without any.
//!
//! In: an answer's members. Out: [`Granted`]. `Debug` shows none of the tokens.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

use crate::config::Secret;

/// How a user relates to the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum UserType {
    /// Made just now.
    #[serde(rename = "new_user")]
    New,
    /// Was there before.
    #[serde(rename = "existing_user")]
    Existing,
    /// An instant user.
    #[serde(rename = "instant_user")]
    Instant,
}

impl UserType {
    /// The word, if it is one that is known: an answer with another is as good.
    pub(super) fn of(word: Option<&serde_json::Value>) -> Option<Self> {
        word.and_then(|word| Self::deserialize(word).ok())
    }
}

/// Tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct Tokens {
    /// For `Authorization: Bearer`.
    pub access: Secret,
    /// What renews it.
    pub refresh: Option<Secret>,
    /// The ID token (OpenID Connect).
    pub id: Option<Secret>,
    /// SuperTokens' `front-token`.
    pub front: Option<Secret>,
    /// Until when the access token holds, as far as it says.
    pub expires_at: Option<SystemTime>,
    /// The user whom the ID token names (OpenID Connect).
    pub subject: Option<String>,
    /// How the user relates to the app.
    pub user_type: Option<UserType>,
    /// How the user relates to the app variant.
    pub variant_user_type: Option<UserType>,
    /// The scopes (OAuth 2.0).
    pub scopes: Vec<String>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// An exchange that went well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Granted {
    /// Tokens.
    Tokens(Box<Tokens>),
    /// None: the intent did not fit.
    Nothing(Option<UserType>),
}

/// What an access token says of its end. Nobody is let in by this; whose it is is verified.
#[derive(Deserialize)]
struct Peek {
    exp: Option<f64>,
}

impl Tokens {
    /// With what the access token says of its end.
    pub(super) fn new(access: &str) -> Self {
        Self {
            access: Secret::new(access),
            refresh: None,
            id: None,
            front: None,
            expires_at: peek(access).and_then(|said| moment(said.exp?)),
            subject: None,
            user_type: None,
            variant_user_type: None,
            scopes: Vec::new(),
        }
    }
}

fn peek(token: &str) -> Option<Peek> {
    let body = token.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()
}

fn moment(exp: f64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(exp).ok()?)
}

/// Text that holds something.
pub(super) fn some(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}
