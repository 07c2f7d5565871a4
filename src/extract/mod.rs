//! Finds the credential: ordered sources, and no guess where there are several.
//!
//! In: a request. Out: at most one [`Credential`], or a denial. A repeated or joined
//! `Authorization`, a cookie that stands twice, or two sources that differ are denials: nobody can
//! know which of them the service behind reads.

#![warn(clippy::wildcard_enum_match_arm, clippy::match_wildcard_for_single_variants)]

mod cookie;
mod header;
mod query;
mod site;
#[cfg(test)]
mod tests;

use crate::{
    config::TokenSource,
    model::{Credential, DenyReason, RequestContext},
};
pub use cookie::shows_anti_csrf;
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
    /// A cookie of this name.
    Cookie(String),
    /// A parameter of the query of this name.
    Query(String),
}

impl Extractor {
    /// From the setting `credentials`.
    #[must_use]
    pub fn build(sources: &[TokenSource]) -> Self {
        Self { places: sources.iter().map(CredentialPlace::of).collect() }
    }

    /// The one credential of a request; `None` if it has none. A bad credential is one, too.
    ///
    /// # Errors
    ///
    /// The denial, if there are several: in one place, or different ones in two places.
    pub fn find(&self, request: &RequestContext) -> Result<Option<Credential>, DenyReason> {
        let mut found: Option<Credential> = None;
        for place in &self.places {
            found = match (found, place.find(request)?) {
                (Some(first), Some(next)) if first.token() != next.token() => {
                    return Err(DenyReason::CredentialsAmbiguous);
                }
                (Some(first), Some(_) | None) => Some(first),
                (None, next) => next,
            };
        }
        Ok(found)
    }

    /// The request carries something that could be a credential, good or bad, of any scheme.
    #[must_use]
    pub fn finds_any(&self, request: &RequestContext) -> bool {
        request.headers.all("authorization").next().is_some()
            || !matches!(self.find(request), Ok(None))
    }
}

impl CredentialPlace {
    fn of(source: &TokenSource) -> Self {
        match source {
            TokenSource::Header(name) if name.eq_ignore_ascii_case("authorization") => {
                Self::Authorization
            }
            TokenSource::Header(name) => Self::Header(name.to_ascii_lowercase()),
            TokenSource::Cookie(name) => Self::Cookie(name.clone()),
            TokenSource::Query(name) => Self::Query(name.clone()),
        }
    }

    fn find(&self, request: &RequestContext) -> Result<Option<Credential>, DenyReason> {
        match self {
            Self::Authorization => header::bearer(&request.headers),
            Self::Header(name) => header::bare_token(&request.headers, name),
            Self::Cookie(name) => cookie::find(&request.headers, name),
            Self::Query(name) => query::find(request.query(), name),
        }
    }
}
