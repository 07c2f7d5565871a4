//! Finds the credential: ordered sources, and no guess where there are several.
//!
//! In: a request's headers and path. Out: at most one [`Credential`], or a denial. A repeated or
//! joined `Authorization`, a cookie that stands twice, or two sources that differ are denials:
//! which of them a service behind would read is not ours to guess.

mod cookie;
mod header;
mod query;
mod site;
#[cfg(test)]
mod tests;

pub use cookie::anti_csrf;
pub use site::Sites;

use bytes::Bytes;

use crate::{
    config::TokenSource,
    model::{Credential, DenyReason, Headers},
};

/// One place to look.
#[derive(Debug, Clone)]
enum Source {
    /// `Authorization: Bearer TOKEN`.
    Authorization,
    /// A header with a bare token.
    Header(String),
    /// A cookie.
    Cookie(String),
    /// A parameter of the query.
    Query(String),
}

/// The ordered sources.
#[derive(Debug, Clone)]
pub struct Extractor {
    sources: Vec<Source>,
}

impl Extractor {
    /// From the configuration.
    #[must_use]
    pub fn build(sources: &[TokenSource]) -> Self {
        let source = |source: &TokenSource| match source {
            TokenSource::Header(name) if name.eq_ignore_ascii_case("authorization") => {
                Source::Authorization
            }
            TokenSource::Header(name) => Source::Header(name.to_ascii_lowercase()),
            TokenSource::Cookie(name) => Source::Cookie(name.clone()),
            TokenSource::Query(name) => Source::Query(name.clone()),
        };
        Self { sources: sources.iter().map(source).collect() }
    }

    /// The one credential of a request with these headers and this path and query.
    pub fn find(&self, headers: &Headers, path: &Bytes) -> Result<Option<Credential>, DenyReason> {
        let mut found: Option<Credential> = None;
        for source in &self.sources {
            let next = match source {
                Source::Authorization => header::bearer(headers)?,
                Source::Header(name) => header::bare(headers, name)?,
                Source::Cookie(name) => cookie::find(headers, name)?,
                Source::Query(name) => query::find(path, name)?,
            };
            match (&found, next) {
                (Some(first), Some(next)) if first.token() != next.token() => {
                    return Err(DenyReason::CredentialsAmbiguous);
                }
                (None, Some(next)) => found = Some(next),
                _ => {}
            }
        }
        Ok(found)
    }

    /// The request carries anything that could be a credential, good or not, of any scheme.
    #[must_use]
    pub fn any(&self, headers: &Headers, path: &Bytes) -> bool {
        headers.all("authorization").next().is_some()
            || !matches!(self.find(headers, path), Ok(None))
    }
}
