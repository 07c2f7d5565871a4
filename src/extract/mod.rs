//! Finds the credential: ordered sources, and no guess where there are several.
//!
//! In: a request. Out: at most one [`Credential`], or a denial. A repeated or joined
//! `Authorization`, a cookie that stands twice, or two sources that differ are denials: nobody can
//! know which of them the service behind reads.

#![warn(clippy::wildcard_enum_match_arm, clippy::match_wildcard_for_single_variants)]

mod cookie;
mod finding;
mod header;
mod jws_shape;
mod query;
mod removal;
mod rownd_cookie;
mod site;
#[cfg(test)]
mod tests;
mod websocket;

use crate::{
    config::{Config, CookieFormat, IssuerKind, TokenSource},
    model::{Credential, DenyReason, NameValue, RequestContext},
};
pub use cookie::shows_anti_csrf;
use cookie::{CookiePlace, SUPERTOKENS_COOKIE};
use finding::Finding;
pub use removal::CredentialRemoval;
pub use site::CookieSites;

/// The ordered places where a credential is looked for.
#[derive(Debug, Clone)]
pub struct Extractor {
    places: Vec<CredentialPlace>,
}

/// One place to look.
#[derive(Debug, Clone)]
enum CredentialPlace {
    /// `Authorization: Bearer TOKEN`.
    Authorization,
    /// A header of this lower-case name whose whole value is the token.
    Header(String),
    /// A cookie.
    Cookie(CookiePlace),
    /// A parameter of the query of this name.
    Query(String),
    /// The element after this name in the protocols of a WebSocket handshake.
    WebsocketProtocol(String),
}

impl Extractor {
    /// From the setting `credentials`, and the parts of the others that say what a cookie is.
    #[must_use]
    pub fn build(config: &Config) -> Self {
        let has_sessions =
            config.issuers.iter().any(|issuer| issuer.kind() == IssuerKind::Supertokens);
        Self::new(&config.credentials.0, has_sessions, config.check.max_token_bytes)
    }

    /// From the sources; `has_sessions` if an issuer of sessions is trusted (SuperTokens).
    fn new(sources: &[TokenSource], has_sessions: bool, max_token: usize) -> Self {
        let place = |source| CredentialPlace::of(source, has_sessions, max_token);
        Self { places: sources.iter().map(place).collect() }
    }

    /// The one credential of a request; `None` if it has none. A bad credential is one, too.
    ///
    /// # Errors
    ///
    /// The denial, if there are several: in one place, or different ones in two places; or if there
    /// is one that cannot be used.
    pub fn find(&self, request: &RequestContext) -> Result<Option<Credential>, DenyReason> {
        let findings = self.places.iter().map(|place| place.find(request));
        findings.fold(Finding::Absent, Finding::beside).credential()
    }

    /// The header to set so that the service behind does not see the token; `None` if the token stands
    /// in no header that others need as well.
    #[must_use]
    pub fn header_without_token(&self, request: &RequestContext) -> Option<NameValue> {
        self.places.iter().find_map(|place| match place {
            CredentialPlace::WebsocketProtocol(name) => {
                let rest = websocket::without_token(request, name)?;
                Some((websocket::PROTOCOLS.into(), rest.into()))
            }
            CredentialPlace::Authorization
            | CredentialPlace::Header(_)
            | CredentialPlace::Cookie(_)
            | CredentialPlace::Query(_) => None,
        })
    }

    /// The request carries something that could be a credential, good or bad, of any scheme.
    #[must_use]
    pub fn finds_any(&self, request: &RequestContext) -> bool {
        request.headers.all("authorization").next().is_some()
            || !matches!(self.find(request), Ok(None))
    }
}

impl CredentialPlace {
    fn of(source: &TokenSource, has_sessions: bool, max_token: usize) -> Self {
        match source {
            TokenSource::Header(name) if name.eq_ignore_ascii_case("authorization") => {
                Self::Authorization
            }
            TokenSource::Header(name) => Self::Header(name.to_ascii_lowercase()),
            TokenSource::Cookie { name, format } => {
                let is_session = match format {
                    CookieFormat::Rownd => true,
                    CookieFormat::Plain => has_sessions && name == SUPERTOKENS_COOKIE,
                };
                Self::Cookie(CookiePlace::new(name, *format, is_session, max_token))
            }
            TokenSource::Query(name) => Self::Query(name.clone()),
            TokenSource::WebsocketProtocol(name) => Self::WebsocketProtocol(name.clone()),
        }
    }

    fn find(&self, request: &RequestContext) -> Finding {
        match self {
            Self::Authorization => header::bearer(&request.headers),
            Self::Header(name) => header::bare_token(&request.headers, name),
            Self::Cookie(place) => place.find(&request.headers),
            Self::Query(name) => query::find(request.query(), name),
            Self::WebsocketProtocol(name) => websocket::find(request, name),
        }
    }
}
