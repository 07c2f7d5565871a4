//! Finds the credential: ordered sources, and no guess where there are several.
//!
//! In: a request's headers. Out: at most one [`Credential`], or a denial. A repeated or
//! joined `Authorization`, a cookie that stands twice, or two sources that differ are denials:
//! which of them a service behind would read is not ours to guess.

mod cookie;
mod header;
#[cfg(test)]
mod tests;

pub use cookie::same_site;

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
        let source = |source: &TokenSource| match (&source.header, &source.cookie) {
            (Some(name), _) if name.eq_ignore_ascii_case("authorization") => {
                Some(Source::Authorization)
            }
            (Some(name), _) => Some(Source::Header(name.to_ascii_lowercase())),
            (None, Some(name)) => Some(Source::Cookie(name.clone())),
            (None, None) => None,
        };
        Self { sources: sources.iter().filter_map(source).collect() }
    }

    /// The one credential of the request.
    pub fn find(&self, headers: &Headers) -> Result<Option<Credential>, DenyReason> {
        let mut found: Option<Credential> = None;
        for source in &self.sources {
            let next = match source {
                Source::Authorization => header::bearer(headers)?,
                Source::Header(name) => header::bare(headers, name)?,
                Source::Cookie(name) => cookie::find(headers, name)?,
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
    pub fn any(&self, headers: &Headers) -> bool {
        headers.all("authorization").next().is_some() || !matches!(self.find(headers), Ok(None))
    }
}
