//! The inputs of issuers' APIs: apps with their keys, tokens, codes, and the words of an
//! authorization request.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::config::{ClientAuth, Secret};

/// An app, and its key if the configuration has one.
#[derive(Debug, Clone, Copy)]
pub struct AppAndKey<'a> {
    /// The app id.
    pub id: &'a str,
    /// The app key.
    pub key: Option<&'a Secret>,
}

/// An app, and what proves that a request comes from it.
#[derive(Debug, Clone, Copy)]
pub struct AppCredentials<'a> {
    /// The app id.
    pub id: &'a str,
    /// The app key.
    pub key: &'a Secret,
    /// The app secret.
    pub secret: &'a Secret,
}

/// Whether a user means to sign in or to sign up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// Sign in: the user must exist already.
    SignIn,
    /// Sign up: the user must not exist yet.
    SignUp,
}

/// The token of another issuer, and what goes with it. `Debug` shows none of it: it is about a person.
#[derive(Clone)]
pub struct ThirdPartyToken {
    /// The token itself.
    pub token: Secret,
    /// Whether the user means to sign in or to sign up; `None` is either.
    pub intent: Option<Intent>,
    /// Fields of the profile to write.
    pub user_data: Map<String, Value>,
    /// The id of an open group to join.
    pub group_to_join: Option<String>,
    /// The id of the instant user who becomes this user.
    pub instant_user_id: Option<String>,
}

/// How little is known of a new user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuestLevel {
    /// An instant user: only the device is known.
    Instant,
    /// A guest: the user chose to go on without signing in.
    Guest,
}

/// An OpenID client, and how it proves that it is this client.
#[derive(Debug, Clone, Copy)]
pub struct OpenIdClientProof<'a> {
    /// The client id.
    pub id: &'a str,
    /// The proof.
    pub auth: &'a ClientAuth,
}

/// A refresh token of an OpenID provider.
#[derive(Debug, Clone, Copy)]
pub struct OpenIdRefresh<'a> {
    /// The refresh token.
    pub token: &'a Secret,
    /// The scopes to ask for; empty means those that the token was issued with.
    pub scopes: &'a [String],
}

/// A request to the user of a browser, which becomes a URL of the issuer.
#[derive(Debug, Clone, Copy)]
pub struct AuthorizationRequest<'a> {
    /// The client id.
    pub client_id: &'a str,
    /// The URL that the browser comes back to.
    pub redirect_uri: &'a str,
    /// The scopes to ask for.
    pub scopes: &'a [String],
    /// Whether the code is bound to a verifier (RFC 7636).
    pub pkce: bool,
    /// More query parameters, by name.
    pub parameters: &'a [(&'static str, &'a str)],
}

/// The URL to send a browser to, and what to keep until it is back.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorization {
    /// The URL to send the browser to.
    pub url: String,
    /// Must come back unchanged with the code.
    pub state: String,
    /// Has to be sent with the code, if the code is bound to it.
    pub verifier: Option<Secret>,
    /// Must stand in the ID token.
    pub nonce: String,
}

/// A code, and what has to be sent with it.
#[derive(Debug, Clone)]
pub struct CodeGrant {
    /// The code itself.
    pub code: Secret,
    /// The URL that the browser came back to.
    pub redirect_uri: String,
    /// The verifier that the code is bound to.
    pub verifier: Option<Secret>,
    /// The nonce that must stand in the ID token.
    pub nonce: String,
}

impl fmt::Debug for ThirdPartyToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThirdPartyToken").finish_non_exhaustive()
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization").finish_non_exhaustive()
    }
}
