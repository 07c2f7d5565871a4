//! The clients of issuers' APIs: Rownd's, SuperTokens' with Rownd's plugin, OpenID providers'.
//!
//! In: an issuer's settings and a question, or something to trade. Out: a typed answer, or why
//! there is none. A client talks to its issuer and nobody else, so a key or secret goes nowhere
//! else. Reads are tried again within a budget, and nothing else is; a kind of request that fails
//! again and again is left alone for a while, at this host and for this app.

mod api;
mod breaker;
mod exchange;
mod flights;
mod openid;
mod supertokens;
#[cfg(test)]
mod tests;
mod token;
mod tokens;
mod user;

use std::{sync::Arc, time::Duration};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::{
    config::{Issuer, IssuerDetails, Secret},
    metrics::{ApiEndpoint, ApiResult, Metrics},
    upstream::{Client as Upstream, Error as UpstreamError},
};
use api::{Api, Hosts};
pub use breaker::{Cause, Pause};
pub use exchange::{AppKey, Exchange, ExchangeError, Registered};
pub use flights::{FlightTask, Flights, Miss};
pub use openid::{Authorization, AuthorizationRequest, ClientAuth, CodeGrant, Provider};
pub use supertokens::{GuestLevel, SuperTokens};
pub use token::{Intent, ThirdParty};
pub use tokens::{Granted, Tokens, UserType};
pub use user::App;

/// The vendor's API description says `x-rownd-hub-key`; every library sends this one.
const APP_KEY: &str = "x-rownd-app-key";
const APP_SECRET: &str = "x-rownd-app-secret";
/// Everything but what RFC 3986 section 2.3 reserves for nothing: an id may hold any character.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What was asked was understood and turned down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The HTTP status.
    pub status: u16,
    /// The API's own word for it, if it has one.
    pub code: Option<String>,
}

/// Why an API gave no usable answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The request failed.
    Upstream(UpstreamError),
    /// There is no such user (404).
    NotFound,
    /// The app key or secret is refused (401, 403; 404 where only a key was sent).
    KeyRefused(u16),
    /// What was asked was turned down; asking again will not help.
    Rejected(Rejection),
    /// Fewer requests are asked for (429), perhaps for so long.
    Limited(Option<Duration>),
    /// The answer has not the documented shape.
    Shape,
    /// The ID token is not one for us, and why.
    IdToken(&'static str),
    /// The id cannot stand in a path.
    Id,
    /// Not asked: requests of this kind have failed too often or are to be fewer, and are left out
    /// for so long.
    Paused(Pause),
}

impl Error {
    /// The next try may end otherwise.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Upstream(UpstreamError::Network(_) | UpstreamError::Timeout)
            | Self::Limited(_) => true,
            Self::Upstream(
                UpstreamError::Status(status) | UpstreamError::RetryLater(status, _),
            ) => {
                matches!(*status, 408 | 500..=599)
            }
            _ => false,
        }
    }

    /// When the API asked to be asked again, or will be.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Limited(wait) => *wait,
            Self::Upstream(UpstreamError::RetryLater(_, wait)) => Some(*wait),
            Self::Paused(pause) => Some(pause.wait),
            _ => None,
        }
    }

    /// The HTTP status behind it, where there was one.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Upstream(
                UpstreamError::Status(status) | UpstreamError::RetryLater(status, _),
            )
            | Self::KeyRefused(status)
            | Self::Rejected(Rejection { status, .. }) => Some(*status),
            Self::NotFound => Some(404),
            Self::Limited(_) => Some(429),
            _ => None,
        }
    }

    const fn label(&self) -> ApiResult {
        match self {
            Self::NotFound => ApiResult::NotFound,
            Self::KeyRefused(_) => ApiResult::Refused,
            Self::Rejected(Rejection { status, .. }) => match status {
                401 | 403 => ApiResult::Refused,
                404 => ApiResult::NotFound,
                _ => ApiResult::Rejected,
            },
            Self::Limited(_) => ApiResult::Limited,
            Self::Paused(_) => ApiResult::Paused,
            Self::Shape | Self::Id | Self::IdToken(_) | Self::Upstream(UpstreamError::TooLarge) => {
                ApiResult::Invalid
            }
            Self::Upstream(UpstreamError::Timeout) => ApiResult::Timeout,
            Self::Upstream(UpstreamError::Status(_) | UpstreamError::RetryLater(..)) => {
                ApiResult::Status
            }
            Self::Upstream(UpstreamError::Network(_) | UpstreamError::Refused(_)) => {
                ApiResult::Network
            }
        }
    }

    /// As an answer to app key and secret.
    fn of_credentials(self) -> Self {
        match self {
            Self::Rejected(Rejection { status: status @ (401 | 403), .. }) => {
                Self::KeyRefused(status)
            }
            Self::Rejected(Rejection { status: 404, .. }) => Self::NotFound,
            other => other,
        }
    }
}

impl From<UpstreamError> for Error {
    fn from(error: UpstreamError) -> Self {
        match error {
            UpstreamError::Status(429) => Self::Limited(None),
            UpstreamError::RetryLater(429, wait) => Self::Limited(Some(wait)),
            other => Self::Upstream(other),
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Upstream(error) => error.fmt(f),
            Self::NotFound => f.write_str("there is no such user"),
            Self::KeyRefused(status) => {
                write!(f, "Rownd refuses the app key or secret (HTTP {status})")
            }
            Self::Rejected(Rejection { status, code: None }) => write!(f, "HTTP status {status}"),
            Self::Rejected(Rejection { status, code: Some(code) }) => {
                write!(f, "HTTP status {status}, {code}")
            }
            Self::Limited(_) => f.write_str("Rownd asks for fewer requests (HTTP 429)"),
            Self::Shape => f.write_str("the answer has not the documented shape"),
            Self::IdToken(why) => write!(f, "the ID token is refused: {why}"),
            Self::Id => f.write_str("the id cannot stand in a path"),
            Self::Paused(Pause { cause: Cause::Limit, .. }) => {
                f.write_str("not asked: the host asked for fewer requests just now (HTTP 429)")
            }
            Self::Paused(Pause { cause: Cause::Failures, .. }) => {
                f.write_str("not asked: the host failed too often just now")
            }
        }
    }
}

impl std::error::Error for Error {}

/// Calls the Rownd API of one issuer.
#[derive(Debug, Clone)]
pub struct Client {
    api: Api,
}

/// What is asked of one issuer beyond its keys.
#[derive(Debug, Clone)]
pub enum Remote {
    /// The Rownd API.
    Rownd(Client),
    /// SuperTokens with Rownd's plugin.
    SuperTokens(SuperTokens),
    /// An OpenID provider.
    OpenId(Provider),
}

impl Remote {
    /// The Rownd API, if it is one.
    #[must_use]
    pub const fn rownd(&self) -> Option<&Client> {
        match self {
            Self::Rownd(client) => Some(client),
            Self::SuperTokens(_) | Self::OpenId(_) => None,
        }
    }
}

/// A client for each issuer that has an API, in the order of the configuration.
#[must_use]
pub fn build(
    issuers: &[Issuer],
    upstream: &Upstream,
    metrics: &Arc<Metrics>,
) -> Vec<Option<Remote>> {
    let mut hosts = Hosts::default();
    let mut remote = |issuer: &Issuer| {
        let base_url = match &issuer.details {
            IssuerDetails::Rownd(rownd) => &rownd.base_url,
            IssuerDetails::Supertokens(supertokens) => &supertokens.base_url,
            // Where its metadata are (OpenID Connect Discovery section 4).
            IssuerDetails::Oidc(oidc) => oidc.base_url.as_ref()?,
            IssuerDetails::Firebase(_) | IssuerDetails::Static(_) => return None,
        };
        let base_url = base_url.as_str().to_owned();
        let host = hosts.of(&base_url)?;
        let index = metrics.issuer(&issuer.name)?;
        let (upstream, metrics) = (upstream.clone(), metrics.clone());
        let api = Api { index, upstream, base_url, host, metrics };
        Some(match &issuer.details {
            IssuerDetails::Rownd(_) => Remote::Rownd(Client { api }),
            IssuerDetails::Supertokens(_) => Remote::SuperTokens(SuperTokens::new(api)),
            IssuerDetails::Oidc(_) => Remote::OpenId(Provider::new(api, issuer.iss.clone())),
            IssuerDetails::Firebase(_) | IssuerDetails::Static(_) => return None,
        })
    };
    issuers.iter().map(&mut remote).collect()
}

impl Client {
    /// The id of the app that a key belongs to; of the base app, where the key is a variant's.
    pub async fn app_id(&self, key: &Secret, timeout: Duration) -> Result<String, Error> {
        #[derive(Deserialize)]
        struct AppConfig {
            app: Id,
        }
        #[derive(Deserialize)]
        struct Id {
            id: String,
        }
        let headers = [(APP_KEY, key.expose())];
        let read = |body: &[u8]| {
            let config: AppConfig = serde_json::from_slice(body).map_err(|_| Error::Shape)?;
            if config.app.id.is_empty() { Err(Error::Shape) } else { Ok(config.app.id) }
        };
        let asked =
            self.api.get_once(ApiEndpoint::AppConfig, "/hub/app-config", &headers, timeout, read);
        asked.await.map_err(|error| match error.of_credentials() {
            Error::NotFound => Error::KeyRefused(404),
            error => error,
        })
    }
}

/// An id as one segment of a path. The two that a path would take for directions are refused.
fn segment(id: &str) -> Result<String, Error> {
    match id {
        "" | "." | ".." => Err(Error::Id),
        id => Ok(utf8_percent_encode(id, SEGMENT).to_string()),
    }
}
