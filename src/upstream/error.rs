//! Why an outbound request failed.

use std::time::Duration;

/// Why an outbound request failed. Holds no URL, no secret and nothing of the answer's body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// There was no connection, or it broke.
    #[error("no connection: {0}")]
    Network(String),
    /// The answer took longer than the time limit of the request.
    #[error("timed out")]
    Timeout,
    /// The answer has an HTTP status that is an error.
    #[error("HTTP status {0}")]
    Status(u16),
    /// The status is 429 or 503, and the answer says after how long to ask again (RFC 9110 section
    /// 10.2.3).
    #[error("HTTP status {0}")]
    RetryLater(u16, Duration),
    /// The answer has more bytes than allowed.
    #[error("the answer is too large")]
    TooLarge,
    /// The answer is packed in a way that is not unpacked, or is damaged.
    #[error("the answer cannot be unpacked: {0}")]
    Packed(&'static str),
    /// The address is refused, or the request cannot be sent: nothing was sent.
    #[error("the address is refused: {0}")]
    Refused(&'static str),
}
