//! An authorizer that answers whatever a test says, to prove what Envoy makes of it.
//!
//! In: checks; the host of the checked request names the script. Out: the scripted
//! answer, and the check itself for the test to look at. It frames gRPC by hand,
//! because some scripts are answers that no gRPC library would send.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use bytes::{BufMut as _, Bytes, BytesMut};
use envoy_types::pb::envoy::service::auth::v3::{CheckRequest, CheckResponse};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;
use tokio::net::TcpListener;

use super::background;

/// The answer to one check.
#[derive(Debug, Clone)]
pub(crate) enum Script {
    /// A proper answer.
    Answer(Box<CheckResponse>),
    /// A message of any bytes, decodable or not.
    Bytes(Vec<u8>),
    /// An RPC error with this gRPC code.
    Error(u32),
    /// No answer at all.
    Silence,
}

/// A check as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// The message.
    pub(crate) check: CheckRequest,
    /// The gRPC metadata around it.
    pub(crate) metadata: HeaderMap,
}

type Board = Arc<Mutex<HashMap<String, (Script, Vec<Seen>)>>>;

/// A running scripted authorizer.
#[derive(Debug, Clone)]
pub(crate) struct Scripted {
    address: SocketAddr,
    board: Board,
}

impl Scripted {
    /// Starts one on a free port.
    pub(crate) async fn start() -> Self {
        let board = Board::default();
        let listener = background()
            .spawn(TcpListener::bind("127.0.0.1:0"))
            .await
            .expect("the bind task")
            .expect("a free port for the scripted authorizer");
        let address = listener.local_addr().expect("its address");
        background().spawn(serve(listener, Arc::clone(&board)));
        Self { address, board }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the script for requests with this host.
    pub(crate) fn script(&self, host: &str, script: Script) {
        self.board.lock().expect("the board").insert(host.to_owned(), (script, Vec::new()));
    }

    /// The checks seen for this host.
    pub(crate) fn seen(&self, host: &str) -> Vec<Seen> {
        self.board
            .lock()
            .expect("the board")
            .get(host)
            .map(|(_, seen)| seen.clone())
            .unwrap_or_default()
    }
}

async fn serve(listener: TcpListener, board: Board) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let board = Arc::clone(&board);
        tokio::spawn(async move {
            let service =
                hyper::service::service_fn(move |request| answer(Arc::clone(&board), request));
            // Some rows are about how much of a client's headers comes along.
            let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .max_header_list_size(16 << 20)
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    board: Board,
    request: Request<Incoming>,
) -> Result<Response<BoxBody<Bytes, Infallible>>, Infallible> {
    let (parts, body) = request.into_parts();
    if parts.uri.path() != "/envoy.service.auth.v3.Authorization/Check" {
        // Such as a health check: UNIMPLEMENTED.
        return Ok(error(12));
    }
    let frame = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let check = CheckRequest::decode(frame.get(5..).unwrap_or_default())
        .expect("Envoy sends a decodable check");
    let host = check
        .attributes
        .as_ref()
        .and_then(|attributes| attributes.request.as_ref()?.http.as_ref())
        .map(|http| http.host.clone())
        .unwrap_or_default();
    let script = {
        let mut board = board.lock().expect("the board");
        board.get_mut(&host).map(|(script, seen)| {
            seen.push(Seen { check, metadata: parts.headers });
            script.clone()
        })
    };
    Ok(match script {
        Some(Script::Answer(answer)) => message(&answer.encode_to_vec()),
        Some(Script::Bytes(bytes)) => message(&bytes),
        Some(Script::Error(code)) => error(code),
        Some(Script::Silence) => std::future::pending().await,
        None => panic!("no script for the host {host:?}"),
    })
}

fn message(bytes: &[u8]) -> Response<BoxBody<Bytes, Infallible>> {
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(u32::try_from(bytes.len()).expect("a short message"));
    frame.put(bytes);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    grpc(Full::from(frame.freeze()).with_trailers(std::future::ready(Some(Ok(trailers)))).boxed())
}

fn error(code: u32) -> Response<BoxBody<Bytes, Infallible>> {
    let mut response = grpc(Full::default().boxed());
    response.headers_mut().insert("grpc-status", HeaderValue::from(code));
    response
}

fn grpc(body: BoxBody<Bytes, Infallible>) -> Response<BoxBody<Bytes, Infallible>> {
    let mut response = Response::new(body);
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    response
}
