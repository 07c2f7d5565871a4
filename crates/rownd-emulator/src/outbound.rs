//! The emulator as a client: it asks a validator about a token, and for key sets.
//!
//! In: a plain HTTP address and perhaps a token. Out: status and JSON, within bounds of
//! time and size. No TLS: what is asked runs on the developer's machine.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Method, Request, Uri,
    client::conn::http1,
    header::{ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST},
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::request::MAX_BODY;

const PATIENCE: Duration = Duration::from_secs(5);

/// Why there is no answer.
pub(super) type Unreachable = String;

/// Says what is wrong with an address, for the seed file.
pub(super) fn problem(url: &str) -> Option<&'static str> {
    let wrong = "is no address such as http://127.0.0.1:9000/check";
    match url.parse::<Uri>() {
        Ok(uri) if uri.host().is_none() => Some(wrong),
        Ok(uri) => match uri.scheme_str() {
            Some("http") => None,
            Some("https") => Some(
                "is https, which the emulator does not speak; serve it on http for \
                 development, or write the key set down under `jwks`",
            ),
            _ => Some(wrong),
        },
        Err(_) => Some(wrong),
    }
}

/// Asks with the token as bearer, and in the body of a POST.
pub(super) async fn ask(
    method: Method,
    url: &str,
    token: Option<&str>,
) -> Result<(u16, Value), Unreachable> {
    let asking = exchange(method, url, token);
    tokio::time::timeout(PATIENCE, asking)
        .await
        .map_err(|_| format!("{url} did not answer within {PATIENCE:?}"))?
        .map_err(|error| format!("{url} cannot be asked: {error}"))
}

async fn exchange(
    method: Method,
    url: &str,
    token: Option<&str>,
) -> Result<(u16, Value), Box<dyn std::error::Error + Send + Sync>> {
    let uri: Uri = url.parse()?;
    let host = uri.host().ok_or("no host")?;
    let authority = format!("{host}:{}", uri.port_u16().unwrap_or(80));
    let stream = TcpStream::connect(&authority).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::builder()
        .uri(path)
        .header(HOST, &authority)
        .header(ACCEPT, "application/json")
        .header(CONNECTION, "close");
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    let body = match token.filter(|_| method == Method::POST) {
        Some(token) => {
            request = request.header(CONTENT_TYPE, "application/json");
            Bytes::from(json!({ "token": token }).to_string())
        }
        None => Bytes::new(),
    };
    let request = request.method(method).body(Full::new(body))?;
    let asking = async move {
        let response = sender.send_request(request).await?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), MAX_BODY).collect().await?.to_bytes();
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    };
    // The connection has to be polled beside the exchange, which owns the sender: the
    // connection ends with it.
    let (answer, _) = tokio::join!(asking, connection);
    answer
}
