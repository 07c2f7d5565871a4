//! The emulator as an HTTP client: it asks a validator about a token, fetches key sets, and asks
//! another emulator for a token.
//!
//! In: a plain HTTP URL, perhaps a token and a JSON body. Out: status and JSON, within bounds of
//! time and size. There is no TLS: these services run on the developer's machine.

use std::time::Duration;

use bytes::Bytes;
use http::{
    Method, Request, Uri,
    header::{ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST},
};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use thiserror::Error;
use tokio::net::TcpStream;

/// The longest time from the connection to the end of the answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The most bytes of an answer.
const MAX_ANSWER: usize = 256 * 1024;

/// Why there is no answer.
#[derive(Debug, Error)]
pub(crate) enum OutboundError {
    /// The URL is not plain HTTP, or has no host.
    #[error("`{0}` is not a URL such as http://127.0.0.1:8787")]
    Url(String),
    /// Nothing listens at the host and port.
    #[error("cannot connect to {authority}: {error}")]
    Connect { authority: String, error: std::io::Error },
    /// The answer did not arrive in time.
    #[error("{authority} did not answer within {TIMEOUT:?}")]
    Timeout { authority: String },
    /// The connection broke, or the answer was too large.
    #[error("the connection to {authority} failed: {error}")]
    Connection { authority: String, error: Box<dyn std::error::Error + Send + Sync> },
}

/// The body of a request, and its type.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    pub(crate) kind: &'static str,
    pub(crate) body: Bytes,
}

impl Content {
    /// A JSON document.
    pub(crate) fn json(body: &Value) -> Self {
        Self { kind: "application/json", body: Bytes::from(body.to_string()) }
    }
}

/// Sends a request, with the token as `Authorization: Bearer` and the JSON as body if they are
/// given. An answer without JSON is `null`.
///
/// # Errors
/// A URL that cannot be used, or no complete answer within five seconds and 256 KiB.
pub(crate) async fn send(
    method: Method,
    url: &str,
    bearer: Option<&str>,
    body: Option<&Value>,
) -> Result<(u16, Value), OutboundError> {
    send_content(method, url, bearer, body.map(Content::json)).await
}

/// The same, with a body of any type.
///
/// # Errors
/// Those of [`send`].
pub(crate) async fn send_content(
    method: Method,
    url: &str,
    bearer: Option<&str>,
    content: Option<Content>,
) -> Result<(u16, Value), OutboundError> {
    let wrong = || OutboundError::Url(url.to_owned());
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let host = uri.host().filter(|_| uri.scheme_str() == Some("http")).ok_or_else(wrong)?;
    let authority = format!("{host}:{}", uri.port_u16().unwrap_or(80));
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, &authority)
        .header(ACCEPT, "application/json")
        .header(CONNECTION, "close");
    if let Some(token) = bearer {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    if let Some(content) = &content {
        request = request.header(CONTENT_TYPE, content.kind);
    }
    let body = content.map_or_else(Bytes::new, |content| content.body);
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| OutboundError::Connection {
        authority: authority.clone(),
        error,
    };
    let request = request.body(Full::new(body)).map_err(|error| failed(error.into()))?;
    let answer = async {
        let stream = TcpStream::connect(&authority)
            .await
            .map_err(|error| OutboundError::Connect { authority: authority.clone(), error })?;
        exchange(stream, request).await.map_err(failed)
    };
    match tokio::time::timeout(TIMEOUT, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(OutboundError::Timeout { authority: authority.clone() }),
    }
}

async fn exchange(
    stream: TcpStream,
    request: Request<Full<Bytes>>,
) -> Result<(u16, Value), Box<dyn std::error::Error + Send + Sync>> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let answer = async move {
        let response = sender.send_request(request).await?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await?.to_bytes();
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    };
    // The connection is polled beside the exchange, which owns the sender: the connection ends
    // with it.
    let (answer, _) = tokio::join!(answer, connection);
    answer
}
