//! The one outbound HTTP client: time limits, size limits, no redirects, guarded addresses; and the
//! reader of issuers' metadata.
//!
//! In: a request and who wrote its URL. Out: status, headers and body, or a typed error. Redirects
//! are never followed, a proxy is used only where the configuration says so, compressed bodies are
//! not asked for (gzip is unpacked where it comes anyway), and link-local (cloud metadata) addresses
//! are refused when connecting, so that DNS cannot lead there either.

#![warn(clippy::wildcard_enum_match_arm, clippy::match_wildcard_for_single_variants)]

mod address;
mod caching;
mod call;
mod client;
mod coding;
mod connections;
pub mod discovery;
mod error;
mod grpc;
mod network;
mod proxies;
#[cfg(test)]
mod tests;
mod text;
mod trust;
mod warnings;

pub use call::{BodyKind, CallSpec, Connection, HttpMethod, Repeat, Request, UrlOrigin};
pub use client::{Client, Document, HttpAnswer};
pub use error::UpstreamError;
pub use grpc::GrpcTarget;
pub use network::{Network, NextNetwork};
pub use text::{OtherEncoding, json_text, without_mark};
pub use warnings::{authority_problem, authority_warnings, problems, proxy_warning};
