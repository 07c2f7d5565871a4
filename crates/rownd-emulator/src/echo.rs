//! The small service behind the demo's proxy: it says back what reached it.
//!
//! In: any HTTP request. Out: 200 and pretty JSON of method, path, headers and the
//! number of body bytes, so that a user sees which headers the proxy set and removed.

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

use super::listen;

/// Where the echo listens unless told otherwise.
pub const DEFAULT_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8788);

/// A bound echo; it answers once [`run`](Self::run) is polled.
pub struct Echo {
    listener: TcpListener,
    address: SocketAddr,
}

impl std::fmt::Debug for Echo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Echo").finish_non_exhaustive()
    }
}

/// Takes the port.
///
/// # Errors
/// As [`super::bind`]: not loopback, taken, or what else the system says.
pub async fn bind(address: SocketAddr) -> io::Result<Echo> {
    let listener = listen::bind("echo", address).await?;
    let address = listener.local_addr()?;
    Ok(Echo { listener, address })
}

impl Echo {
    /// The address it listens on, with the real port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` is ready, then finishes within a bounded time.
    ///
    /// # Errors
    /// What the listener reports when it cannot go on.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        listen::serve(self.listener, router(), shutdown).await
    }
}

pub(super) fn router() -> Router {
    Router::new().fallback(echo)
}

#[derive(Serialize)]
struct Seen {
    method: String,
    path: String,
    headers: BTreeMap<String, Values>,
    body_bytes: u64,
}

/// One header line is a string, several of one name are a list: a user who looks for a
/// smuggled second value must not see the two joined.
#[derive(Serialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Many(Vec<String>),
}

async fn echo(request: Request<Body>) -> Response {
    let (parts, mut body) = request.into_parts();
    let mut body_bytes = 0_u64;
    // Counted as it comes and thrown away: the size of a body is no matter here.
    while let Some(Ok(frame)) = body.frame().await {
        let size = frame.data_ref().map_or(0, |data| data.len());
        body_bytes = body_bytes.saturating_add(u64::try_from(size).unwrap_or(u64::MAX));
    }
    let seen = Seen {
        method: parts.method.to_string(),
        path: parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        headers: describe(&parts.headers),
        body_bytes,
    };
    match serde_json::to_string_pretty(&seen) {
        Ok(json) => {
            ([(header::CONTENT_TYPE, "application/json")], format!("{json}\n")).into_response()
        }
        Err(error) => {
            (axum::http::StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response()
        }
    }
}

fn describe(headers: &HeaderMap) -> BTreeMap<String, Values> {
    headers
        .keys()
        .map(|name| {
            let mut values: Vec<String> = headers
                .get_all(name)
                .iter()
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
                .collect();
            let values = match (values.len(), values.pop()) {
                (1, Some(only)) => Values::One(only),
                (_, last) => {
                    values.extend(last);
                    Values::Many(values)
                }
            };
            (name.as_str().to_owned(), values)
        })
        .collect()
}
