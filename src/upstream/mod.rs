//! The one outbound HTTP client: time limits, size limits, no redirects, guarded addresses; and the
//! reader of issuers' metadata.
//!
//! In: a request and who wrote its URL. Out: status, headers and body, or a typed error. Redirects
//! are never followed, proxies are never taken from the environment, compressed bodies are
//! not asked for, and link-local (cloud metadata) addresses are refused when connecting, so
//! that DNS cannot lead there either.

#![warn(clippy::wildcard_enum_match_arm, clippy::match_wildcard_for_single_variants)]

mod address;
mod caching;
mod call;
mod client;
pub mod discovery;
mod error;
#[cfg(test)]
mod tests;

pub use call::{BodyKind, CallSpec, Connection, HttpMethod, Repeat, Request, UrlOrigin};
pub use client::{Client, Document, HttpAnswer};
pub use error::UpstreamError;
