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
    drain::Phase,
    handoff::{Accepted, Stream},
    places::Guest,
    preface::{self, AfterPreface},
    tls::Tls,
};
use crate::{
    config::GrpcListener,
    grpc::{Doors, Facing, Link},
    metrics::{ConnectionResult, Metrics},
    model::Peer,
};

/// Bytes a stream may send before we read them: more than nearly every check has.
const STREAM_WINDOW: u32 = 65_535;
/// Frames of responses kept for a peer that does not read, per stream.
const MAX_SEND_BUFFER: usize = 64 * 1024;
/// Streams of one connection that may end in a reset: by the peer before we looked at them, or
/// by us because of an error. The library closes a connection after 20 of the former at a time
/// and 1024 of the latter; but one connection of a proxy carries the checks of many clients, and
/// a client who cancels a burst of requests would end the checks of all others as RPC errors,
/// which Envoy may be told to let through. What streams cost is bounded by `max_in_flight`.
const MAX_RESETS: usize = 65_536;

/// How long a connection that makes room for another may take to finish: one that never asked
/// anything, and one that did. Calls that are under way then are answered first.
const MAKING_ROOM: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// What a connection may use.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    tls: Option<Arc<Tls>>,
    streams: u32,
    header_list: u32,
    first_byte: Duration,
    ping_every: Duration,
    ping_timeout: Duration,
    age: Duration,
    age_grace: Duration,
}

impl Limits {
    pub(super) const fn of(settings: &GrpcListener, tls: Option<Arc<Tls>>) -> Self {
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
struct Open(Arc<Metrics>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.connection_closed();
    }
}

/// Serves one connection to its end.
pub(super) async fn serve(
    accepted: Accepted,
    limits: Arc<Limits>,
    doors: Doors,
    metrics: Arc<Metrics>,
    phase: watch::Receiver<Phase>,
) {
    metrics.connection_opened();
    let _open = Open(metrics.clone());
    let guest = accepted.place.guest().clone();
    let peer = Peer { origin: accepted.origin, names: Vec::new() };
    let visit = Visit { limits: &limits, doors, metrics: &metrics, phase, guest };
    let outcome = match accepted.stream {
        Stream::Tcp(stream) => match TcpStream::from_std(stream) {
            Ok(stream) => visit.begin(stream, peer).await,
            Err(error) => Err(error),
        },
        Stream::Unix(stream) => match UnixStream::from_std(stream) {
            Ok(stream) => visit.begin(stream, peer).await,
            Err(error) => Err(error),
        },
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection ended");
    }
    drop(accepted.place);
}

/// What one connection meets.
struct Visit<'a> {
    limits: &'a Limits,
    doors: Doors,
    metrics: &'a Metrics,
    phase: watch::Receiver<Phase>,
    guest: Arc<Guest>,
}

impl Visit<'_> {
    /// The handshake, where there is one, and the preface have one time together.
    async fn begin<S>(mut self, stream: S, mut peer: Peer) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let deadline = Instant::now() + self.limits.first_byte;
        // Each in a box of its own: without TLS nothing is set aside for it.
        let Some(tls) = &self.limits.tls else {
            return Box::pin(self.talk(stream, peer, deadline)).await;
        };
        let accepted = tokio::select! {
            accepted = Box::pin(timeout_at(deadline, tls.accept(stream))) => accepted,
            // Nothing was asked on it yet, so a drain need not wait for it.
            _ = self.phase.wait_for(|phase| *phase == Phase::Closing) => return Ok(()),
            () = self.guest.told_to_leave() => {
                self.metrics.connection(ConnectionResult::Evicted);
                return Ok(());
            }
        };
        match accepted.unwrap_or_else(|_elapsed| Err(io::ErrorKind::TimedOut.into())) {
            Ok((stream, names)) => {
                peer.names = names;
                Box::pin(self.talk(stream, peer, deadline)).await
            }
            Err(error) => {
                self.metrics.connection(ConnectionResult::TlsFailed);
                tls.failed(&error);
                Err(error)
            }
        }
    }

    async fn talk<S>(self, stream: S, peer: Peer, deadline: Instant) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { limits, doors, metrics, mut phase, guest } = self;
        let mut closing = pin!(async {
            // The sender's end means the same as its word.
            let _ = phase.wait_for(|phase| *phase == Phase::Closing).await;
        });
        let opened = tokio::select! {
            opened = timeout_at(deadline, preface::read(stream)) => opened,
            // Nothing was asked on it yet, so a drain need not wait for it.
            () = closing.as_mut() => return Ok(()),
            () = guest.told_to_leave() => {
                metrics.connection(ConnectionResult::Evicted);
                return Ok(());
            }
        };
        let Ok(Ok(stream)) = opened else {
            metrics.connection(ConnectionResult::NoPreface);
            return Err(io::Error::other("no HTTP/2 preface in time"));
        };
        metrics.connection(ConnectionResult::Served);
        let facing = doors.facing(peer);
        let link = facing.link().clone();
        guest.speaks(link.clone());
        let mut connection = Turns {
            http: Box::pin(http(stream.heeding(link.clone()), limits, facing)),
            link: link.clone(),
        };
        let mut unread = pin!(unread(&link));
        tokio::select! {
            ended = &mut connection => return ended.map_err(io::Error::other),
            () = closing => {
                connection.graceful_shutdown();
                // The process itself ends at the grace of the whole drain.
                return connection.await.map_err(io::Error::other);
            }
            () = unread.as_mut() => {
                metrics.connection(ConnectionResult::Unread);
                return Err(io::Error::other("the peer does not read its answers"));
            }
            () = guest.told_to_leave() => {
                metrics.connection(ConnectionResult::Evicted);
                return make_room(connection, &link, limits.age_grace).await;
            }
            () = sleep_until(limits.end_of_life()) => connection.graceful_shutdown(),
        }
        match timeout(limits.age_grace, connection).await {
            Ok(ended) => ended.map_err(io::Error::other),
            Err(_elapsed) => Err(io::Error::other("an aged connection did not finish in time")),
        }
    }
}

/// Ends a connection in whose place another comes. What it asks before it hears of that is answered
/// all the same, and what is under way for at most this long.
async fn make_room<S>(mut connection: Turns<S>, link: &Link, patience: Duration) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    connection.graceful_shutdown();
    let mut ended = timeout(MAKING_ROOM.0, &mut connection).await;
    if ended.is_err() && link.has_asked() {
        ended = timeout(MAKING_ROOM.1, &mut connection).await;
    }
    if ended.is_err() && link.is_answering() {
        ended = timeout(patience, &mut connection).await;
    }
    ended.map_or(Ok(()), |ended| ended.map_err(io::Error::other))
}

type Http<S> = http2::Connection<TokioIo<AfterPreface<S>>, Facing, TokioExecutor>;

/// A connection that knows when it has its turn: what it reads in one is bounded.
struct Turns<S: AsyncRead + AsyncWrite + Unpin> {
    http: Pin<Box<Http<S>>>,
    link: Arc<Link>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Turns<S> {
    fn graceful_shutdown(&mut self) {
        self.http.as_mut().graceful_shutdown();
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Future for Turns<S> {
    type Output = hyper::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.link.begin_turn();
        self.http.as_mut().poll(cx)
    }
}

/// Ends when an answer has waited for the peer too long.
async fn unread(link: &Link) {
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        seconds.tick().await;
        if link.tick() {
            return;
        }
    }
}

fn http<S>(stream: AfterPreface<S>, limits: &Limits, facing: Facing) -> Http<S>
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
        .serve_connection(TokioIo::new(stream), facing)
}
