//! Why an outbound request failed.

use std::{borrow::Cow, sync::Arc, time::Duration};

/// Why an outbound request failed. Holds no URL, no secret and nothing of the answer's body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// There was no connection: nothing was sent.
    #[error("no connection: {0}")]
    Unreached(String),
    /// There was no connection within the time limit: nothing was sent.
    #[error("timed out")]
    UnreachedInTime,
    /// The connection broke: the request may have been received.
    #[error("no connection: {0}")]
    Network(String),
    /// The proxy does not lead to the host.
    #[error("the proxy (network.proxy) does not lead there: {0}")]
    Proxy(Cow<'static, str>),
    /// There is no authority to check the server's certificate by.
    #[error(
        "no certificate can be checked: {0}; install ca-certificates, set SSL_CERT_FILE, or write \
         network.tls.ca_file"
    )]
    NoAuthorities(Arc<str>),
    /// The answer took longer than the time limit of the request, which may have been received.
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

/// The error of a request that was sent, or could not be.
pub(super) fn convert(error: &reqwest::Error, through_proxy: bool) -> UpstreamError {
    if through_proxy && error.is_connect() {
        return through(error);
    }
    if error.is_timeout() && error.is_connect() {
        UpstreamError::UnreachedInTime
    } else if error.is_timeout() {
        UpstreamError::Timeout
    } else if error.is_connect() {
        UpstreamError::Unreached(root_cause(error))
    } else if error.is_builder() {
        // A fault of this program or of its caller: it says nothing about the host.
        UpstreamError::Refused("the request cannot be built")
    } else {
        UpstreamError::Network(root_cause(error))
    }
}

/// The error of a connection through a proxy: whose fault it is.
fn through(error: &reqwest::Error) -> UpstreamError {
    /// The texts of the library that asks the proxy, whose type is not public.
    const KNOWN: [(&str, &str); 5] = [
        ("authorization required", PROXY_REFUSES_US),
        ("unsuccessful", "it refuses to connect to the host, or it is no HTTP proxy"),
        ("unexpected end of file", "it closed the connection without an answer"),
        ("headers too long", "its answer is too large; is it an HTTP proxy?"),
        ("io error", "the connection to it broke"),
    ];
    if error.is_timeout() {
        return UpstreamError::Proxy(Cow::Borrowed(
            "no connection in time: the proxy, or the host behind it, does not answer",
        ));
    }
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(found) = cause {
        let text = found.to_string();
        if let Some(rest) = text.strip_prefix("tunnel error: ") {
            let known = KNOWN.iter().find(|(part, _)| rest.contains(part));
            return UpstreamError::Proxy(match known {
                Some((_, text)) => Cow::Borrowed(*text),
                None => return no_connection_to_proxy(error),
            });
        }
        cause = found.source();
    }
    UpstreamError::Unreached(root_cause(error))
}

/// The error of a proxy that cannot be reached.
pub(super) fn no_connection_to_proxy(error: &reqwest::Error) -> UpstreamError {
    UpstreamError::Proxy(Cow::Owned(format!("no connection to it: {}", root_cause(error))))
}

/// The text for HTTP 407.
pub(super) const PROXY_REFUSES_US: &str = "it asks for a user and a password, or refuses those in \
                                           its URL (HTTP 407)";

/// The innermost message: the outer ones repeat the URL.
pub(super) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
