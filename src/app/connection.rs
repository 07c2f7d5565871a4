//! One connection's life: preface in time, HTTP/2 within limits, GOAWAY at its age or at the end.

use std::{
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rand::RngExt as _;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    sync::watch,
    time::{Instant, MissedTickBehavior, interval, sleep_until, timeout, timeout_at},
};

use super::{
    connection_limit::ConnectionState,
    handoff::{AcceptedConnection, DetachedStream},
    http2_preface::{PrefacedStream, read_preface},
    labels::ConnectionResult,
    phase::Phase,
    tls::ListenerTls,
};
use crate::{
    config::GrpcListener,
    grpc::{ConnectionBudget, ConnectionDoors, Doors},
    metrics::Metrics,
    model::Peer,
};

/// Bytes that a stream may send before they are read: more than nearly every check has.
const STREAM_WINDOW: u32 = 65_535;
/// The most bytes of responses that are kept for a peer that does not read, per stream.
const MAX_SEND_BUFFER: usize = 64 * 1024;
/// Streams of one connection that may end in a reset: by the peer before they were looked at, or
/// by this program because of an error. The library closes a connection after 20 of the former at a time
/// and 1024 of the latter; but one connection of a proxy carries the checks of many clients, and
/// a client who cancels a burst of requests would end the checks of all others as RPC errors,
/// which Envoy may be told to let through. The cost of streams is bounded by `max_in_flight`.
const MAX_RESETS: usize = 65_536;

/// How long a connection that is evicted may take to finish: one that never asked anything, and one
/// that did. Calls that are under way then are answered first.
const EVICTION: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// The limits of a connection.
#[derive(Debug, Clone)]
pub(super) struct GrpcLimits {
    tls: Option<Arc<ListenerTls>>,
    streams: u32,
    header_list: u32,
    first_byte: Duration,
    ping_every: Duration,
    ping_timeout: Duration,
    age: Duration,
    age_grace: Duration,
}

impl GrpcLimits {
    pub(super) const fn new(settings: &GrpcListener, tls: Option<Arc<ListenerTls>>) -> Self {
        Self {
            tls,
            streams: settings.max_concurrent_streams,
            header_list: settings.max_header_list_bytes,
            first_byte: settings.first_byte_timeout.get(),
            ping_every: settings.keepalive_interval.get(),
            ping_timeout: settings.keepalive_timeout.get(),
            age: settings.max_connection_age.get(),
            age_grace: settings.max_connection_age_grace.get(),
        }
    }

    /// The age at which this connection is closed: 10 % around the setting.
    fn end_of_life(&self) -> Instant {
        Instant::now() + self.age.mul_f64(rand::rng().random_range(0.9..=1.1))
    }
}

/// Counts a connection as open until it is dropped.
struct OpenConnection(Arc<Metrics>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.connection_closed();
    }
}

/// Serves one connection to its end.
pub(super) async fn serve(
    accepted: AcceptedConnection,
    limits: Arc<GrpcLimits>,
    doors: Doors,
    metrics: Arc<Metrics>,
    phase: watch::Receiver<Phase>,
) {
    metrics.connection_opened();
    let _open = OpenConnection(metrics.clone());
    let state = accepted.slot.state().clone();
    let peer = Peer { origin: accepted.origin, names: Vec::new() };
    let handler = ConnectionHandler { limits: &limits, doors, metrics: &metrics, phase, state };
    let outcome = match accepted.stream {
        DetachedStream::Tcp(stream) => match TcpStream::from_std(stream) {
            Ok(stream) => handler.accept(stream, peer).await,
            Err(error) => Err(error),
        },
        DetachedStream::Unix(stream) => match UnixStream::from_std(stream) {
            Ok(stream) => handler.accept(stream, peer).await,
            Err(error) => Err(error),
        },
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection ended");
    }
    drop(accepted.slot);
}

/// Serves one connection.
struct ConnectionHandler<'a> {
    limits: &'a GrpcLimits,
    doors: Doors,
    metrics: &'a Metrics,
    phase: watch::Receiver<Phase>,
    state: Arc<ConnectionState>,
}

impl ConnectionHandler<'_> {
    /// The handshake, where there is one, and the preface have one time together.
    async fn accept<S>(mut self, stream: S, mut peer: Peer) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let deadline = Instant::now() + self.limits.first_byte;
        // Each in a box of its own: without TLS nothing is set aside for it.
        let Some(tls) = &self.limits.tls else {
            return Box::pin(self.serve_http2(stream, peer, deadline)).await;
        };
        let accepted = tokio::select! {
            accepted = Box::pin(timeout_at(deadline, tls.accept(stream))) => accepted,
            // No call has come on it yet, so the drain need not wait for it.
            _ = self.phase.wait_for(|phase| *phase >= Phase::Closing) => return Ok(()),
            () = self.state.evicted() => {
                self.metrics.connection(ConnectionResult::Evicted);
                return Ok(());
            }
        };
        match accepted.unwrap_or_else(|_elapsed| Err(io::ErrorKind::TimedOut.into())) {
            Ok((stream, names)) => {
                peer.names = names;
                Box::pin(self.serve_http2(stream, peer, deadline)).await
            }
            Err(error) => {
                self.metrics.connection(ConnectionResult::TlsFailed);
                tls.log_failure(&error);
                Err(error)
            }
        }
    }

    async fn serve_http2<S>(self, stream: S, peer: Peer, deadline: Instant) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { limits, doors, metrics, mut phase, state } = self;
        let mut closing = pin!(async {
            // The end of the sender means the same.
            let _ = phase.wait_for(|phase| *phase >= Phase::Closing).await;
        });
        let opened = tokio::select! {
            opened = timeout_at(deadline, read_preface(stream)) => opened,
            // No call has come on it yet, so the drain need not wait for it.
            () = closing.as_mut() => return Ok(()),
            () = state.evicted() => {
                metrics.connection(ConnectionResult::Evicted);
                return Ok(());
            }
        };
        let Ok(Ok(stream)) = opened else {
            metrics.connection(ConnectionResult::NoPreface);
            return Err(io::Error::other("no HTTP/2 preface in time"));
        };
        metrics.connection(ConnectionResult::Served);
        let doors = doors.for_connection(peer);
        let budget = doors.budget().clone();
        state.set_budget(budget.clone());
        let mut connection = TurnTaking {
            http: Box::pin(http2(stream.with_budget(budget.clone()), limits, doors)),
            budget: budget.clone(),
        };
        let mut unread = pin!(response_is_unread(&budget));
        tokio::select! {
            ended = &mut connection => return ended.map_err(io::Error::other),
            () = closing => {
                connection.graceful_shutdown();
                // The process itself ends at the grace of the whole drain.
                return connection.await.map_err(io::Error::other);
            }
            () = unread.as_mut() => {
                metrics.connection(ConnectionResult::Unread);
                return Err(io::Error::other("the peer does not read its responses"));
            }
            () = state.evicted() => {
                metrics.connection(ConnectionResult::Evicted);
                return finish_evicted(connection, &budget, limits.age_grace).await;
            }
            () = sleep_until(limits.end_of_life()) => connection.graceful_shutdown(),
        }
        match timeout(limits.age_grace, connection).await {
            Ok(ended) => ended.map_err(io::Error::other),
            Err(_elapsed) => Err(io::Error::other("an aged connection did not finish in time")),
        }
    }
}

/// Ends a connection that is evicted. Calls that it sends before it hears of that are still answered;
/// calls that are under way may take at most `grace`.
async fn finish_evicted<S>(
    mut connection: TurnTaking<S>,
    budget: &ConnectionBudget,
    grace: Duration,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    connection.graceful_shutdown();
    let mut ended = timeout(EVICTION.0, &mut connection).await;
    if ended.is_err() && budget.has_received_call() {
        ended = timeout(EVICTION.1, &mut connection).await;
    }
    if ended.is_err() && budget.has_finite_calls() {
        ended = timeout(grace, &mut connection).await;
    }
    ended.map_or(Ok(()), |ended| ended.map_err(io::Error::other))
}

type Http2<S> = http2::Connection<TokioIo<PrefacedStream<S>>, ConnectionDoors, TokioExecutor>;

/// A connection that tells its budget when its turn begins: what it reads in one turn is bounded.
struct TurnTaking<S: AsyncRead + AsyncWrite + Unpin> {
    http: Pin<Box<Http2<S>>>,
    budget: Arc<ConnectionBudget>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TurnTaking<S> {
    fn graceful_shutdown(&mut self) {
        self.http.as_mut().graceful_shutdown();
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Future for TurnTaking<S> {
    type Output = hyper::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.budget.begin_read_turn();
        self.http.as_mut().poll(cx)
    }
}

/// Ends when a response has waited too long for the peer to read it.
async fn response_is_unread(budget: &ConnectionBudget) {
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        seconds.tick().await;
        if budget.second_passed() {
            return;
        }
    }
}

fn http2<S>(stream: PrefacedStream<S>, limits: &GrpcLimits, doors: ConnectionDoors) -> Http2<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(limits.header_list)
        .initial_stream_window_size(STREAM_WINDOW)
        .max_send_buf_size(MAX_SEND_BUFFER)
        .max_pending_accept_reset_streams(MAX_RESETS)
        .max_local_error_reset_streams(MAX_RESETS)
        .keep_alive_interval(limits.ping_every)
        .keep_alive_timeout(limits.ping_timeout)
        .serve_connection(TokioIo::new(stream), doors)
}
