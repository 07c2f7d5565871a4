//! An HTTP/1 listener, over TCP or a Unix socket: few connections, each of them short, so that it
//! cannot use up the file descriptors that checks need. Any listener beside gRPC is one of these.
//!
//! In: a bound socket, its limits, and the routes for each peer. Out: responses, until the process
//! ends; then the requests that are under way are answered first.

use std::{convert::Infallible, io, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use http::{HeaderValue, header};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::server::TlsStream;
use tower::ServiceExt as _;

use super::{
    body_end::NotingBody,
    connection_limit::{ConnectionLimit, ConnectionState},
    handoff::{Accepted, DetachedStream, Handoff},
    phase::Phase,
    socket::{BoundSocket, SocketPeer, Stream},
    tasks::spawn,
    tls::ListenerTls,
};
use crate::model::PeerName;

/// A younger connection is not evicted: in this time it has sent its request.
const MIN_AGE: Duration = Duration::from_millis(50);
/// How long the first byte of a connection may take, and the handshake where there is one.
const FIRST_BYTE: Duration = Duration::from_secs(1);
const HANDSHAKE: Duration = Duration::from_secs(5);
/// The most bytes of a request's headers.
const MAX_HEADER_BYTES: usize = 32 << 10;

/// The limits of one listener.
#[derive(Debug, Clone, Copy)]
pub(super) struct Http1Limits {
    /// The listener's name in the log.
    pub(super) name: &'static str,
    /// Connections at a time.
    pub(super) max_connections: usize,
    /// Connections that may be closing while new ones are served.
    pub(super) max_closing: usize,
    /// The age at which a connection ends.
    pub(super) lifetime: Duration,
    /// How long the headers of a request may take, the time before them included: an idle connection
    /// is closed after it.
    pub(super) headers: Duration,
    /// How long the request that is under way may still take where its connection ends: at its age,
    /// by eviction, with the process.
    pub(super) last_request: Duration,
    /// The phase of the process in which the listener ends.
    pub(super) ends: Phase,
}

/// The other end of a connection.
#[derive(Debug, Clone)]
pub(super) struct Http1Peer {
    pub(super) socket: SocketPeer,
    /// The names of its certificate; none where none was asked for.
    pub(super) names: Vec<PeerName>,
}

/// Where the connections of a listener are served.
#[derive(Debug)]
pub(super) enum ServedBy {
    /// In tasks beside the listener.
    Tasks,
    /// By the workers, which answer checks: where there may be as much to do.
    Workers(Handoff),
}

/// Serves until the process ends. `routes` makes the routes for the peer of a connection.
pub(super) async fn serve(
    socket: BoundSocket,
    tls: Option<Arc<ListenerTls>>,
    limits: Http1Limits,
    served_by: ServedBy,
    routes: impl Fn(Http1Peer) -> Router + Send + Sync + 'static,
    phase: watch::Receiver<Phase>,
) {
    let limit =
        ConnectionLimit::new(limits.name, limits.max_connections, limits.max_closing, MIN_AGE);
    let routes = Arc::new(routes);
    let mut open = JoinSet::new();
    let accepting = async {
        loop {
            let (stream, peer) = socket.accept(limits.name, || {}).await;
            let slot = limit.acquire(peer.into()).await;
            let (tls, state, phase) = (tls.clone(), slot.state().clone(), phase.clone());
            let connection = Connection { limits, tls, state, phase };
            let routes = routes.clone();
            while open.try_join_next().is_some() {}
            match &served_by {
                ServedBy::Tasks => {
                    spawn(&mut open, async move {
                        connection.serve(stream, peer, &*routes).await;
                        drop(slot);
                    });
                }
                ServedBy::Workers(handoff) => {
                    let Ok(stream) = DetachedStream::new(stream) else { continue };
                    handoff.send(Accepted::Http1(Box::new(move || {
                        Box::pin(async move {
                            if let Ok(stream) = stream.attach() {
                                connection.serve(stream, peer, &*routes).await;
                            }
                            drop(slot);
                        })
                    })));
                }
            }
        }
    };
    let ending = phase.clone();
    tokio::select! {
        () = accepting => {}
        () = until(limits.ends, ending) => {}
    }
    drop((socket, served_by));
    let last = async { while open.join_next().await.is_some() {} };
    let _ = timeout(limits.last_request, last).await;
}

async fn until(end: Phase, mut phase: watch::Receiver<Phase>) {
    // The end of the sender means the same.
    let _ = phase.wait_for(|phase| *phase >= end).await;
}

/// One connection.
struct Connection {
    limits: Http1Limits,
    tls: Option<Arc<ListenerTls>>,
    state: Arc<ConnectionState>,
    phase: watch::Receiver<Phase>,
}

impl Connection {
    async fn serve(
        self,
        stream: Stream,
        peer: SocketPeer,
        routes: &(impl Fn(Http1Peer) -> Router + Sync),
    ) {
        let peer = Http1Peer { socket: peer, names: Vec::new() };
        // A connection on which nothing comes must not be kept until its headers are late.
        let began = tokio::select! {
            began = timeout(FIRST_BYTE, stream.readable()) => matches!(began, Ok(Ok(()))),
            () = self.state.evicted() => false,
        };
        if !began {
            return;
        }
        let served = match stream {
            Stream::Tcp(stream) => self.accept(stream, peer, routes).await,
            Stream::Unix(stream) => self.accept(stream, peer, routes).await,
        };
        if let Err(error) = served {
            tracing::debug!(%error, "an HTTP/1 connection ended");
        }
    }

    /// The handshake, where there is one.
    async fn accept(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        mut peer: Http1Peer,
        routes: &(impl Fn(Http1Peer) -> Router + Sync),
    ) -> io::Result<()> {
        let opened = async {
            let Some(tls) = &self.tls else { return Ok((Opened::Plain(stream), Vec::new())) };
            let accepted = timeout(HANDSHAKE, Box::pin(tls.accept(stream))).await?;
            let (stream, names) = accepted.inspect_err(|error| tls.log_failure(error))?;
            Ok::<_, io::Error>((Opened::Tls(Box::new(stream)), names))
        };
        let opened = tokio::select! {
            opened = opened => opened?,
            () = self.state.evicted() => return Ok(()),
            () = until(self.limits.ends, self.phase.clone()) => return Ok(()),
        };
        match opened {
            (Opened::Plain(stream), _) => self.serve_http(stream, routes(peer)).await,
            (Opened::Tls(stream), names) => {
                peer.names = names;
                self.serve_http(stream, routes(peer)).await
            }
        }
        .map_err(io::Error::other)
    }

    async fn serve_http(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        routes: Router,
    ) -> hyper::Result<()> {
        let Self { limits, tls: _, state, phase } = self;
        let counted = state.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let (routes, state) = (routes.clone(), counted.clone());
            async move {
                state.request_started();
                let (head, body) = request.into_parts();
                let waits = head.headers.contains_key(header::EXPECT);
                let (body, end) = NotingBody::new(body);
                let answer = routes.oneshot(Request::from_parts(head, body)).await;
                let mut response = answer.unwrap_or_else(|never| match never {});
                // A client that waits for leave to send its body has sent none of it.
                if waits || !end.reached_soon().await {
                    let close = HeaderValue::from_static("close");
                    response.headers_mut().insert(header::CONNECTION, close);
                }
                state.request_finished();
                Ok::<_, Infallible>(response)
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.headers)
            .max_buf_size(MAX_HEADER_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        tokio::select! {
            ended = connection.as_mut() => return ended,
            () = sleep(limits.lifetime) => {}
            () = until(limits.ends, phase) => {}
            () = state.evicted() => {
                if !state.is_busy() {
                    return Ok(());
                }
            }
        }
        connection.as_mut().graceful_shutdown();
        timeout(limits.last_request, connection).await.unwrap_or(Ok(()))
    }
}

/// The byte stream of a connection, after its handshake.
enum Opened<S> {
    Plain(S),
    Tls(Box<TlsStream<S>>),
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

    use super::{Http1Limits, MAX_HEADER_BYTES, ServedBy, serve};
    use crate::app::{phase::Phase, socket::BoundSocket};

    const PATIENCE: Duration = Duration::from_secs(10);
    const LIMITS: Http1Limits = Http1Limits {
        name: "test",
        max_connections: 4,
        max_closing: 1,
        lifetime: Duration::from_secs(10),
        headers: Duration::from_secs(2),
        last_request: Duration::from_millis(300),
        ends: Phase::Ending,
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
        let served = serve(socket, None, LIMITS, ServedBy::Tasks, move |_| routes.clone(), follow);
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
        let served = serve(socket, None, LIMITS, ServedBy::Tasks, move |_| routes.clone(), follow);
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
