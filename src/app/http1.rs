//! An HTTP/1 listener, over TCP or a Unix socket: few connections, each of them short, so that it
//! cannot use up the file descriptors that checks need. Any listener beside gRPC is one of these.
//!
//! In: a bound socket, its limits, and the routes for each peer. Out: responses, until the process
//! ends; then the requests that are under way are answered first.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};
use tower::ServiceExt as _;

use super::{
    connection_limit::{ConnectionLimit, ConnectionState},
    phase::Phase,
    socket::{BoundSocket, SocketPeer, Stream},
    tasks::spawn,
};

/// A younger connection is not evicted: in this time it has sent its request.
const MIN_AGE: Duration = Duration::from_millis(50);
/// How long the first byte of a connection may take.
const FIRST_BYTE: Duration = Duration::from_secs(1);
/// How long the headers of a request may take.
const HEADERS: Duration = Duration::from_secs(2);
/// The most bytes of a request's headers.
const MAX_HEADER_BYTES: usize = 32 << 10;
/// How long the requests that are under way may take when the process ends.
const LAST_REQUESTS: Duration = Duration::from_millis(300);

/// The limits of one listener.
#[derive(Debug, Clone, Copy)]
pub(super) struct Http1Limits {
    /// The listener's name in the log.
    pub(super) name: &'static str,
    /// Connections at a time.
    pub(super) max_connections: usize,
    /// Connections that may be closing while new ones are served.
    pub(super) max_closing: usize,
    /// The most time of one connection.
    pub(super) lifetime: Duration,
}

/// Serves until the process ends. `routes` makes the routes for the peer of a connection.
pub(super) async fn serve(
    socket: BoundSocket,
    limits: Http1Limits,
    routes: impl Fn(SocketPeer) -> Router,
    phase: watch::Receiver<Phase>,
) {
    let limit =
        ConnectionLimit::new(limits.name, limits.max_connections, limits.max_closing, MIN_AGE);
    let mut open = JoinSet::new();
    let accepting = async {
        loop {
            let (stream, peer) = socket.accept(limits.name, || {}).await;
            let slot = limit.acquire(peer.into()).await;
            let (routes, phase) = (routes(peer), phase.clone());
            while open.try_join_next().is_some() {}
            spawn(&mut open, async move {
                let state = slot.state().clone();
                tokio::select! {
                    () = serve_connection(stream, routes, state, phase) => {}
                    () = slot.state().evicted() => {}
                    () = sleep(limits.lifetime) => {}
                }
            });
        }
    };
    let ending = phase.clone();
    tokio::select! {
        () = accepting => {}
        () = until_ending(ending) => {}
    }
    let _ = timeout(LAST_REQUESTS, async { while open.join_next().await.is_some() {} }).await;
}

async fn until_ending(mut phase: watch::Receiver<Phase>) {
    // The end of the sender means the same.
    let _ = phase.wait_for(|phase| *phase >= Phase::Ending).await;
}

async fn serve_connection(
    stream: Stream,
    routes: Router,
    state: Arc<ConnectionState>,
    phase: watch::Receiver<Phase>,
) {
    // A connection on which nothing comes must not be kept until its headers are late.
    if !matches!(timeout(FIRST_BYTE, stream.readable()).await, Ok(Ok(()))) {
        return;
    }
    let served = match stream {
        Stream::Tcp(stream) => serve_http(stream, routes, state, phase).await,
        Stream::Unix(stream) => serve_http(stream, routes, state, phase).await,
    };
    if let Err(error) = served {
        tracing::debug!(%error, "an HTTP/1 connection ended");
    }
}

async fn serve_http(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    routes: Router,
    state: Arc<ConnectionState>,
    phase: watch::Receiver<Phase>,
) -> hyper::Result<()> {
    let service = service_fn(move |request: Request<Incoming>| {
        let (routes, state) = (routes.clone(), state.clone());
        async move {
            state.request_started();
            let response = routes.oneshot(request).await.unwrap_or_else(|never| match never {});
            state.request_finished();
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_buf_size(MAX_HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = until_ending(phase) => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use axum::{Router, routing::get};
    use tempfile::TempDir;
    use tokio::{
        io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
        net::{TcpStream, UnixStream},
        sync::{Notify, watch},
        time::timeout,
    };

    use super::{Http1Limits, MAX_HEADER_BYTES, serve};
    use crate::app::{phase::Phase, socket::BoundSocket};

    const PATIENCE: Duration = Duration::from_secs(10);
    const LIMITS: Http1Limits = Http1Limits {
        name: "test",
        max_connections: 4,
        max_closing: 1,
        lifetime: Duration::from_secs(10),
    };

    async fn send(stream: &mut (impl AsyncWrite + Unpin), path: &str, header: &str) {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\nx: {header}\r\n\r\n"
        );
        // The other end may close before all of it is read.
        let _ = stream.write_all(request.as_bytes()).await;
    }

    async fn response(stream: &mut (impl AsyncRead + Unpin)) -> String {
        let mut bytes = Vec::new();
        let _ = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("in time");
        String::from_utf8(bytes).unwrap()
    }

    #[tokio::test]
    async fn a_request_that_is_under_way_at_the_end_is_answered_and_no_other_comes_in() {
        let any = "127.0.0.1:0".parse().unwrap();
        let (socket, address) = BoundSocket::bind_tcp("test", any).await.unwrap();
        let (began, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (tell, wait) = (began.clone(), release.clone());
        let slow = move || async move {
            tell.notify_one();
            wait.notified().await;
            "done"
        };
        let routes = Router::new().route("/slow", get(slow));
        let (phase, follow) = watch::channel(Phase::Serving);
        let served = serve(socket, LIMITS, move |_| routes.clone(), follow);
        let asked = async {
            let mut stream = TcpStream::connect(address).await.unwrap();
            send(&mut stream, "/slow", "").await;
            began.notified().await;
            phase.send_replace(Phase::Ending);
            release.notify_one();
            response(&mut stream).await
        };
        let both = async { tokio::join!(served, asked).1 };
        let answer = timeout(PATIENCE, both).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("done"), "{answer}");
        assert!(TcpStream::connect(address).await.is_err(), "the listener is closed");
    }

    #[tokio::test]
    async fn a_unix_socket_is_served_with_the_same_limits_and_its_file_goes() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("http.sock");
        let mode = "600".parse().unwrap();
        let socket = BoundSocket::bind_unix("test", &path, mode).await.unwrap();
        let routes = Router::new().route("/", get(|| async { "here" }));
        let (phase, follow) = watch::channel(Phase::Serving);
        let served = serve(socket, LIMITS, move |_| routes.clone(), follow);
        let asked = async {
            for (header, expected) in [(1, "HTTP/1.1 200"), (2 * MAX_HEADER_BYTES, "HTTP/1.1 431")]
            {
                let mut stream = UnixStream::connect(&path).await.unwrap();
                send(&mut stream, "/", &"a".repeat(header)).await;
                let answer = response(&mut stream).await;
                assert!(answer.starts_with(expected), "{header} bytes: {answer}");
            }
            phase.send_replace(Phase::Ending);
        };
        timeout(PATIENCE, async { tokio::join!(served, asked) }).await.unwrap();
        assert!(!path.exists());
    }
}
