//! The questions about a token that is there already: whose it is, whether it is active, its end;
//! and the end of the user's session in a browser.
//!
//! In: a token, and the client that asks. Out: the members of the issuer's answer, or a URL.

use std::{fmt, time::Duration};

use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

use super::{error::ApiError, grants::OpenIdClientProof, tokens::Granted};
use crate::{config::Secret, model::Profile};

/// The answer to a question about a token, or why there is none.
pub(super) type TokenReply<'a, T> = BoxFuture<'a, Result<T, ApiError>>;

/// The claims of an issuer about the user of a token. `Debug` shows none of them.
#[derive(Clone)]
pub struct UserClaims {
    /// The user.
    pub subject: String,
    /// All members of the answer.
    pub members: Map<String, Value>,
    /// The profile, if the answer is one.
    pub profile: Option<Profile>,
}

/// Tells the claims about the user of an access token (OpenID Connect Core section 5.3).
pub trait UserInfo: fmt::Debug + Send + Sync {
    /// The claims. `user`: the user of the verified token, whom the answer has to be about; `None`:
    /// the token is opaque.
    fn user_info<'a>(
        &'a self,
        user: Option<&'a str>,
        token: &'a Secret,
        timeout: Duration,
    ) -> TokenReply<'a, UserClaims>;
}

/// The kind of a token, as a provider is told (RFC 7009 section 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenHint {
    /// An access token.
    AccessToken,
    /// A refresh token.
    RefreshToken,
}

/// A token of an OpenID provider.
#[derive(Debug, Clone, Copy)]
pub struct IssuedToken<'a> {
    /// The token itself.
    pub token: &'a Secret,
    /// Its kind, if it is known.
    pub hint: Option<TokenHint>,
}

/// The end of a session in a browser (OpenID Connect RP-Initiated Logout 1.0 section 2).
#[derive(Clone, Copy)]
pub struct LogoutRequest<'a> {
    /// The client id.
    pub client_id: &'a str,
    /// The URL that the browser comes back to, if it does.
    pub redirect_uri: Option<&'a str>,
    /// The ID token of the sign-in.
    pub id_token: Option<&'a Secret>,
    /// The text that comes back with the browser. `None`: a random one, if it comes back.
    pub state: Option<&'a str>,
    /// More query parameters, by name.
    pub parameters: &'a [(&'static str, &'a str)],
}

/// The URL to send a browser to. `Debug` shows none of it: the ID token may be in it.
#[derive(Clone)]
pub struct Logout {
    /// The URL.
    pub url: Secret,
    /// The text that must come back, if the browser does.
    pub state: Option<String>,
}

/// Looks after the tokens that an OpenID provider has issued.
pub trait TokenControl: fmt::Debug + Send + Sync {
    /// The members of the answer about a token (RFC 7662).
    fn introspect<'a>(
        &'a self,
        client: OpenIdClientProof<'a>,
        token: IssuedToken<'a>,
        timeout: Duration,
    ) -> TokenReply<'a, Map<String, Value>>;

    /// Revokes a token (RFC 7009).
    fn revoke<'a>(
        &'a self,
        client: OpenIdClientProof<'a>,
        token: IssuedToken<'a>,
        timeout: Duration,
    ) -> TokenReply<'a, ()>;

    /// The URL that ends a session.
    fn logout<'a>(
        &'a self,
        request: LogoutRequest<'a>,
        timeout: Duration,
    ) -> TokenReply<'a, Logout>;
}

/// Signs a user in by a magic link.
pub trait MagicLinks: fmt::Debug + Send + Sync {
    /// Tokens for the link with this id, which may be used up by that.
    fn redeem<'a>(&'a self, id: &'a Secret, timeout: Duration) -> TokenReply<'a, Granted>;

    /// The id in a link, if it is one of this issuer.
    fn id_of(&self, link: &str) -> Option<Secret>;
}

impl fmt::Debug for UserClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserClaims").finish_non_exhaustive()
    }
}

impl fmt::Debug for LogoutRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogoutRequest").finish_non_exhaustive()
    }
}

impl fmt::Debug for Logout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logout").finish_non_exhaustive()
    }
}
