//! The load: `h2` clients that keep a fixed number of checks in flight. Comes
//! in: a server and the frames for it. Goes out: how many checks were allowed in
//! the window, what CPU the server used for them and how long each one took.
//!
//! Every answer is read to its trailers and judged; one that does not allow is
//! counted apart, so that a denial never passes for speed.

use std::{
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use bytes::{Buf as _, Bytes};
use envoy_types::pb::{envoy::service::auth::v3::CheckResponse, google::protobuf::value::Kind};
use h2::client::{Builder, SendRequest};
use hdrhistogram::Histogram;
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use prost::Message as _;
use tokio::{
    net::TcpStream,
    sync::Notify,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    Result,
    frame::Template,
    mint::Tokens,
    process::{self, Times},
};

pub(crate) const CONNECTIONS: usize = 2;
pub(crate) const STREAMS: usize = 64;
const WINDOW: u32 = 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(10);
/// Envoy's timeout of a check, as it sends it.
pub(crate) const ENVOYS_PATIENCE: &str = "200m";

/// The path that is called.
pub(crate) enum Source {
    /// The same frames over and over.
    Again(Vec<Bytes>),
    /// One frame so many times, of a server that may be slow.
    Times(Bytes, usize),
    /// Each token once.
    Once(Template, Tokens),
    /// Each frame once, of a server that may be busy with other work.
    EachOnce(Vec<Bytes>),
}

impl Source {
    fn frame(&self, number: usize) -> Option<Bytes> {
        match self {
            Self::Again(frames) => frames.get(number % frames.len()).cloned(),
            Self::Times(frame, times) => (number < *times).then(|| frame.clone()),
            Self::Once(template, tokens) => tokens.get(number).map(|token| template.frame(token)),
            Self::EachOnce(frames) => frames.get(number).cloned(),
        }
    }

    /// How long each answer may take: as Envoy says it by default, or ten times that.
    const fn patience(&self) -> &'static str {
        match self {
            Self::Times(..) | Self::EachOnce(_) => "2000m",
            Self::Again(_) | Self::Once(..) => ENVOYS_PATIENCE,
        }
    }
}

/// The results of one window, or of several together.
pub(crate) struct Sample {
    pub(crate) allowed: u64,
    pub(crate) refused: u64,
    /// Why the first was refused.
    pub(crate) refusal: Option<String>,
    pub(crate) wall: Duration,
    pub(crate) server: Times,
    pub(crate) latency: Histogram<u64>,
}

impl Sample {
    /// Nothing yet.
    pub(crate) fn empty() -> Result<Self> {
        Ok(Self {
            allowed: 0,
            refused: 0,
            refusal: None,
            wall: Duration::ZERO,
            server: Times::default(),
            latency: Histogram::new(3)?,
        })
    }

    /// Both together.
    pub(crate) fn add(&mut self, other: Self) -> Result<()> {
        self.allowed += other.allowed;
        self.refused += other.refused;
        self.refusal = self.refusal.take().or(other.refusal);
        self.wall += other.wall;
        self.server.cpu += other.server.cpu;
        self.server.waited += other.server.waited;
        self.latency.add(&other.latency)?;
        Ok(())
    }
}

/// The parts that all checks of one window share.
struct Window {
    source: Arc<Source>,
    call: Call,
    next: AtomicUsize,
    allowed: AtomicU64,
    refused: AtomicU64,
    measuring: AtomicBool,
    stop: AtomicBool,
    /// The frames have run out, or a check has failed.
    over: Notify,
    failure: OnceLock<String>,
    refusal: OnceLock<String>,
}

pub(crate) async fn drive(
    address: SocketAddr,
    pid: u32,
    source: Arc<Source>,
    warm: Duration,
    length: Duration,
) -> Result<Sample> {
    let window = Arc::new(Window {
        call: Call::new(address, source.patience())?,
        source,
        next: AtomicUsize::new(0),
        allowed: AtomicU64::new(0),
        refused: AtomicU64::new(0),
        measuring: AtomicBool::new(false),
        stop: AtomicBool::new(false),
        over: Notify::new(),
        failure: OnceLock::new(),
        refusal: OnceLock::new(),
    });
    let mut slots = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let client = connect(address).await?;
        for _ in 0..STREAMS {
            slots.spawn(slot(client.clone(), Arc::clone(&window)));
        }
    }
    sleep(warm).await;
    let (before, start) = (process::times(pid)?, Instant::now());
    let (allowed, refused) = (window.allowed.load(Relaxed), window.refused.load(Relaxed));
    window.measuring.store(true, Relaxed);
    // Running out early shortens the window; it does not spoil it.
    timeout(length, window.over.notified()).await.ok();
    let (after, wall) = (process::times(pid)?, start.elapsed());
    let (allowed, refused) =
        (window.allowed.load(Relaxed) - allowed, window.refused.load(Relaxed) - refused);
    window.stop.store(true, Relaxed);

    let mut latency = Histogram::new(3)?;
    while let Some(slot) =
        timeout(PATIENCE, slots.join_next()).await.map_err(|_| "no answer any more")?
    {
        latency.add(slot?)?;
    }
    if let Some(failure) = window.failure.get() {
        return Err(failure.clone().into());
    }
    let server = Times { cpu: after.cpu - before.cpu, waited: after.waited - before.waited };
    Ok(Sample { allowed, refused, refusal: window.refusal.get().cloned(), wall, server, latency })
}

/// One check after the other.
async fn slot(client: SendRequest<Bytes>, window: Arc<Window>) -> Histogram<u64> {
    let mut latency = Histogram::new(3).expect("three digits are a legal precision");
    while !window.stop.load(Relaxed) {
        let number = window.next.fetch_add(1, Relaxed);
        let Some(frame) = window.source.frame(number) else {
            window.over.notify_one();
            break;
        };
        let start = Instant::now();
        match window.call.ask(client.clone(), frame).await {
            Ok(answer) if answer.allows() => window.allowed.fetch_add(1, Relaxed),
            Ok(answer) => {
                window.refusal.get_or_init(|| answer.refusal());
                window.refused.fetch_add(1, Relaxed)
            }
            Err(failure) => {
                window.failure.set(failure.to_string()).ok();
                window.stop.store(true, Relaxed);
                window.over.notify_one();
                break;
            }
        };
        if window.measuring.load(Relaxed) {
            let nanos = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
            latency.record(nanos).expect("a histogram that grows takes any value");
        }
    }
    latency
}

pub(crate) async fn connect(address: SocketAddr) -> Result<SendRequest<Bytes>> {
    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let (client, connection) = Builder::new()
        .enable_push(false)
        .initial_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .handshake(socket)
        .await?;
    // It ends when the last handle on it goes; what breaks it, the checks report.
    tokio::spawn(async move { connection.await.ok() });
    Ok(client)
}

/// The parts of the request that never change, with the metadata Envoy sends.
pub(crate) struct Call {
    uri: Uri,
    metadata: HeaderMap,
}

/// The answer to one check.
pub(crate) struct Answer {
    /// `grpc-status`; 0 where there was an answer at all.
    pub(crate) grpc_status: Option<HeaderValue>,
    /// The encoded `CheckResponse`.
    pub(crate) message: Bytes,
}

impl Call {
    /// A check, with `patience` as a `grpc-timeout`.
    pub(crate) fn new(address: SocketAddr, patience: &'static str) -> Result<Self> {
        Self::to(address, "/envoy.service.auth.v3.Authorization/Check", patience)
    }

    /// The same for another method, by its path.
    pub(crate) fn to(address: SocketAddr, path: &str, patience: &'static str) -> Result<Self> {
        let mut metadata = HeaderMap::new();
        for (name, value) in [
            ("te", "trailers"),
            ("grpc-timeout", patience),
            ("content-type", "application/grpc"),
            ("x-envoy-internal", "true"),
            ("x-forwarded-for", "127.0.0.1"),
            ("x-envoy-expected-rq-timeout-ms", "200"),
        ] {
            metadata.insert(name, HeaderValue::from_static(value));
        }
        let uri = format!("http://{address}{path}").parse()?;
        Ok(Self { uri, metadata })
    }

    /// The same as a caller with this secret.
    pub(crate) fn with_secret(mut self, secret: &str) -> Result<Self> {
        let value = HeaderValue::from_str(&format!("Bearer {secret}"))?;
        self.metadata.insert(http::header::AUTHORIZATION, value);
        Ok(self)
    }

    pub(crate) async fn ask(&self, client: SendRequest<Bytes>, frame: Bytes) -> Result<Answer> {
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.metadata.clone();
        let (response, mut stream) = client.ready().await?.send_request(request, false)?;
        stream.send_data(frame, true)?;
        let (head, mut body) = response.await?.into_parts();
        let mut frame = Bytes::new();
        while let Some(chunk) = body.data().await {
            let chunk = chunk?;
            body.flow_control().release_capacity(chunk.len())?;
            frame = if frame.is_empty() { chunk } else { [frame, chunk].concat().into() };
        }
        // Refused before there was an answer, the status is in the head.
        let trailers = body.trailers().await?.unwrap_or(head.headers);
        let grpc_status = trailers.get("grpc-status").cloned();
        frame.advance(frame.len().min(5));
        Ok(Answer { grpc_status, message: frame })
    }
}

/// The part of `CheckResponse` that decides, decoded without copying the rest.
#[derive(Clone, PartialEq, prost::Message)]
struct Outcome {
    #[prost(message, optional, tag = "1")]
    status: Option<Code>,
    #[prost(bytes = "bytes", optional, tag = "3")]
    ok: Option<Bytes>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Code {
    #[prost(int32, tag = "1")]
    code: i32,
}

impl Answer {
    /// Whether Envoy would let the request through *and* the server meant it to:
    /// an outer status that is there and is 0, with an OK body.
    pub(crate) fn allows(&self) -> bool {
        self.grpc_status.as_ref().is_some_and(|status| status == "0")
            && Outcome::decode(self.message.clone()).is_ok_and(|outcome| {
                outcome.status.is_some_and(|status| status.code == 0) && outcome.ok.is_some()
            })
    }

    /// Why it does not allow: the reason in the dynamic metadata, else what there is.
    fn refusal(&self) -> String {
        let response = CheckResponse::decode(self.message.clone()).unwrap_or_default();
        let reason = response
            .dynamic_metadata
            .and_then(|mut metadata| metadata.fields.remove("reason"))
            .and_then(|reason| reason.kind);
        match (reason, response.status) {
            (Some(Kind::StringValue(reason)), _) => reason,
            (_, Some(status)) => format!("outer status {}", status.code),
            _ => format!("grpc-status {:?}", self.grpc_status),
        }
    }
}
