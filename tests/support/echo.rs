//! The service behind Envoy: it answers with what reached it.
//!
//! In: any HTTP/1.1 or HTTP/2 (prior knowledge) request. Out: JSON with method, path
//! and headers (repeated ones apart, in order); the same inside a message for gRPC
//! callers. It counts its requests: "nothing got through" is its count.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use serde::Deserialize;
use tokio::net::TcpListener;

use super::background;

/// The header with which the echo answers a WebSocket handshake: JSON, as its body is.
pub(crate) const SEEN: &str = "x-echo-seen";

/// A running echo; lives as long as the test binary.
#[derive(Debug, Clone)]
pub(crate) struct Echo {
    address: SocketAddr,
    hits: Arc<AtomicU64>,
}

impl Echo {
    /// Starts one on a free port.
    pub(crate) async fn start() -> Self {
        let hits = Arc::new(AtomicU64::new(0));
        let listener = background()
            .spawn(TcpListener::bind("127.0.0.1:0"))
            .await
            .expect("the echo's bind task")
            .expect("a free port for the echo");
        let address = listener.local_addr().expect("the echo's address");
        background().spawn(serve(listener, Arc::clone(&hits)));
        Self { address, hits }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many requests have reached it.
    pub(crate) fn hits(&self) -> u64 {
        self.hits.load(Ordering::SeqCst)
    }
}

/// The request that reached the echo, as a test reads it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Echoed {
    /// The method of the request.
    pub(crate) method: String,
    /// Path and query.
    pub(crate) path: String,
    /// Headers in order; bytes that are not UTF-8 are replaced.
    pub(crate) headers: Vec<(String, String)>,
    /// Length of the body.
    pub(crate) body_length: usize,
}

impl Echoed {
    /// Every value of one header, in order.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// The names of the headers that a predicate picks.
    pub(crate) fn names(&self, pick: impl Fn(&str) -> bool) -> Vec<&str> {
        self.headers.iter().map(|(key, _)| key.as_str()).filter(|key| pick(key)).collect()
    }
}

async fn serve(listener: TcpListener, hits: Arc<AtomicU64>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let hits = Arc::clone(&hits);
        tokio::spawn(async move {
            let service = hyper::service::service_fn(move |request| {
                hits.fetch_add(1, Ordering::SeqCst);
                answer(request)
            });
            let mut builder = auto::Builder::new(TokioExecutor::new());
            builder.http2().enable_connect_protocol();
            let _ = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
) -> Result<Response<BoxBody<Bytes, Infallible>>, Infallible> {
    let (parts, body) = request.into_parts();
    // A tunnel has no body, and does not end.
    let is_tunnel = parts.method == Method::CONNECT;
    let body_length =
        if is_tunnel { 0 } else { body.collect().await.map_or(0, |body| body.to_bytes().len()) };
    let headers: Vec<_> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
        .collect();
    let json = serde_json::json!({
        "method": parts.method.as_str(),
        "path": parts.uri.path_and_query().map_or("", |path| path.as_str()),
        "headers": headers,
        "body_length": body_length,
    })
    .to_string();
    let grpc = parts
        .headers
        .get("content-type")
        .is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"));
    // The body of an answer to a handshake is not passed on.
    let is_handshake = is_tunnel || parts.headers.contains_key("upgrade");
    let seen = HeaderValue::from_str(&json).ok().filter(|_| is_handshake);
    let mut response = if grpc { grpc_message(&json) } else { plain(json) };
    if let Some(seen) = seen {
        response.headers_mut().insert(SEEN, seen);
    }
    // Lets a test see what becomes of the cookies of the service itself.
    for cookie in parts.headers.get_all("x-echo-cookie") {
        response.headers_mut().append("set-cookie", cookie.clone());
    }
    Ok(response)
}

fn plain(json: String) -> Response<BoxBody<Bytes, Infallible>> {
    let mut response = Response::new(Full::from(json).boxed());
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    response
}

fn grpc_message(json: &str) -> Response<BoxBody<Bytes, Infallible>> {
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(u32::try_from(json.len()).unwrap_or(u32::MAX));
    frame.put(json.as_bytes());
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let body = Full::from(frame.freeze()).with_trailers(std::future::ready(Some(Ok(trailers))));
    let mut response = Response::new(body.boxed());
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    response
}
