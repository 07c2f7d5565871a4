//! A document that anybody may read, made once for each configuration.

use std::time::Duration;

use bytes::Bytes;

/// A document that the listener `http` serves as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicDocument {
    /// The path of its URL, exactly.
    pub path: String,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// The document.
    pub body: Bytes,
    /// How long a reader may keep it without asking again.
    pub max_age: Duration,
}
