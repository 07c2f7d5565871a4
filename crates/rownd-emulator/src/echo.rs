//! The echo: a small service behind a proxy that answers with the request it received.
//!
//! In: any HTTP request. Out: 200 and readable JSON of the method, the path, the headers and the
//! number of bytes of the body: it shows which headers the proxy set and removed.

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, header},
    response::{IntoResponse, Response},
};
use http_body_util::BodyExt as _;
use serde::Serialize;
use tokio::net::TcpListener;

use crate::listen::{self, Reach};

/// The address on which the echo listens by default: 127.0.0.1:8788.
pub const DEFAULT_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8788);

/// An echo that has its port. It answers while [`run`](Self::run) is polled.
pub struct Echo {
    listener: TcpListener,
    address: SocketAddr,
}

impl std::fmt::Debug for Echo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Echo").finish_non_exhaustive()
    }
}

/// Listens on the port.
///
/// # Errors
/// `InvalidInput` for an address that is not loopback, `AddrInUse` for a port in use, or any other
/// error of the system.
pub async fn bind(address: SocketAddr) -> io::Result<Echo> {
    let listener = listen::bind("echo", address, Reach::Loopback).await?;
    let address = listener.local_addr()?;
    Ok(Echo { listener, address })
}

impl Echo {
    /// The address on which it listens, with the real port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` is ready, then finishes the requests in flight, for at most two seconds.
    ///
    /// # Errors
    /// The listener's error, if it cannot accept connections any more.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        listen::serve(self.listener, router(), shutdown).await
    }
}

pub(crate) fn router() -> Router {
    Router::new().fallback(echo)
}

#[derive(Serialize)]
struct EchoedRequest {
    method: String,
    path: String,
    headers: BTreeMap<String, HeaderValues>,
    body_bytes: u64,
}

/// The values of a header: one line is a string, several lines are a list, so that a second value
/// is never shown as a part of the first.
#[derive(Serialize)]
#[serde(untagged)]
enum HeaderValues {
    One(String),
    Many(Vec<String>),
}

async fn echo(request: Request<Body>) -> Response {
    let (parts, mut body) = request.into_parts();
    let mut body_bytes = 0_u64;
    // The body is counted and dropped frame by frame, so its size does not matter.
    while let Some(Ok(frame)) = body.frame().await {
        let size = frame.data_ref().map_or(0, |data| data.len());
        body_bytes = body_bytes.saturating_add(u64::try_from(size).unwrap_or(u64::MAX));
    }
    let echoed = EchoedRequest {
        method: parts.method.to_string(),
        path: parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        headers: describe(&parts.headers),
        body_bytes,
    };
    match serde_json::to_string_pretty(&echoed) {
        Ok(json) => {
            ([(header::CONTENT_TYPE, "application/json")], format!("{json}\n")).into_response()
        }
        Err(error) => {
            (axum::http::StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response()
        }
    }
}

fn describe(headers: &HeaderMap) -> BTreeMap<String, HeaderValues> {
    headers
        .keys()
        .map(|name| {
            let mut values: Vec<String> = headers
                .get_all(name)
                .iter()
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
                .collect();
            let values = match (values.len(), values.pop()) {
                (1, Some(only)) => HeaderValues::One(only),
                (_, last) => {
                    values.extend(last);
                    HeaderValues::Many(values)
                }
            };
            (name.as_str().to_owned(), values)
        })
        .collect()
}
