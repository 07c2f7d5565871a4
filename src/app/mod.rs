//! The composition root: knows every room, builds them from the configuration, runs them.
//!
//! In: a [`Config`]. Out: [`Bound`], which says where it listens; then [`Bound::run`] until it
//! is told to stop. Only this room starts threads and tasks.

mod background;
mod compile;
mod connection;
mod control;
mod drain;
mod handoff;
mod inspect;
mod listen;
mod online;
mod ops;
mod places;
mod preface;
mod preflight;
pub mod process;
mod reload;
pub mod telemetry;
mod tls;
mod workers;

use std::{fmt, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use tokio::{
    net::TcpListener,
    sync::watch,
    task::{AbortHandle, JoinSet},
};

use crate::{
    authz::{self, Authorizer},
    config::{Config, Shutdown, Source},
    grpc::{
        Doors, HealthTask,
        ext_authz::CheckDoor,
        rownd_auth::{AuthDoor, RPCS},
    },
    health::Readiness,
    http::ops::{self as pages, Ops, Refusals},
    issuer_api::{self, RefreshRunner},
    metrics::{Labels, Metrics},
    upstream,
    verify::{self, Revocations, Verifier},
};
use compile::{Tools, Work};
use control::ControlSocket;
use drain::Phase;
pub use inspect::{Inspected, KeysAtHand, inspect};
pub use listen::ListenAddress;
use listen::Listener;
pub use online::{IssuerFindings, ask_issuers};
pub use preflight::{problems, problems_anywhere};
use reload::{Keeper, Shop};
pub use reload::{ReloadHandle, Reloaded};
pub use telemetry::LogGuard;
use tls::Tls;
use workers::Workers;

/// Metrics are folded this often.
const UPKEEP: Duration = Duration::from_secs(5);
/// Connecting to an upstream takes at most this long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Said where anybody on the network may ask in plain text.
const OPEN: &str = "the grpc listener is open to the network without TLS: tokens cross it in \
                    plain text unless a mesh encrypts them; set listeners.grpc.tls, or listen on \
                    a loopback address or a Unix socket";

/// Said where other machines may connect, and none of them is known.
const ONLY_CHECK: &str = "to other machines only Envoy's Check is served: RowndAuth asks who \
                          calls, and rownd_auth.callers names nobody";

/// Why the service cannot start.
#[derive(Debug)]
pub enum BuildError {
    /// A listener's address cannot be had.
    Listen {
        /// The setting, `listeners.grpc.address`.
        setting: &'static str,
        /// Its value.
        address: String,
        /// The reason.
        error: io::Error,
    },
    /// A part cannot be built.
    Part(String),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { setting, address, error } => {
                write!(f, "cannot listen on {address} (setting {setting}): {error}")
            }
            Self::Part(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for BuildError {}

/// Built and bound, not yet serving.
#[derive(Debug)]
pub struct Bound {
    grpc: Listener,
    ops: TcpListener,
    ops_address: SocketAddr,
    probes: Option<(TcpListener, SocketAddr)>,
    control: Option<ControlSocket>,
    doors: Doors,
    health: HealthTask,
    state: Ops,
    work: Work,
    refreshes: RefreshRunner,
    tls: Option<Arc<Tls>>,
    keeper: Keeper,
    reload: ReloadHandle,
    config: watch::Receiver<Arc<Config>>,
}

/// Builds everything and binds every listener. Nothing is fetched yet, so that an issuer that
/// is down cannot keep the process from starting.
pub async fn build(config: Config) -> Result<Bound, BuildError> {
    let part = |error: String| BuildError::Part(error);
    // A second call in one process finds it installed already, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    verify::self_test().map_err(part)?;
    let metrics = Metrics::build(&labels(&config)).map_err(|error| part(error.to_string()))?;
    let readiness = Readiness::new();
    let upstream =
        upstream::Client::build(CONNECT_TIMEOUT).map_err(|error| part(error.to_string()))?;
    let revocations = Revocations::new(&config.revocation, &metrics);
    let parts = Verifier::build(
        &config.issuers,
        compile::limits(&config),
        revocations,
        &upstream,
        &metrics,
        &readiness,
    )
    .map_err(part)?;
    let (refreshes, refresh_runner) = issuer_api::refreshes();
    let tools = Tools { upstream: &upstream, metrics: &metrics, refreshes: &refreshes };
    let (snapshot, work) = compile::compile(&config, 1, parts, None, tools).map_err(part)?;
    let authorizer = Authorizer::new(snapshot, metrics.clone(), config.log.denials_per_second);
    let grpc = &config.listeners.grpc;
    let check = CheckDoor::build(authorizer.clone(), grpc.max_message_bytes);
    let service = AuthDoor::build(authorizer.clone(), metrics.clone());
    let (doors, health) = Doors::build(check, service, grpc, metrics.clone()).map_err(part)?;
    let tls = grpc.tls.as_ref().map(|tls| Tls::build(tls, &metrics)).transpose().map_err(part)?;
    let listener = listen::bind(grpc).await?;
    let pages = &config.listeners.ops;
    let (ops, ops_address) = listen::bind_ops("listeners.ops.address", &pages.address).await?;
    let probes = match &pages.probe_address {
        Some(address) => Some(listen::bind_ops("listeners.ops.probe_address", address).await?),
        None => None,
    };
    let control = control::bind(config.listeners.control.as_ref()).await?;
    let refusals = Arc::new(Refusals::default());
    let exposed = listener.is_exposed();
    let warnings = warnings(&config, exposed);
    let state = Ops { metrics, readiness, authorizer, refusals, warnings, exposed };
    let (config, follow) = watch::channel(Arc::new(config));
    let (keeper, reload) = Keeper::new(Shop::of(&state, upstream, refreshes, config, tls.clone()));
    Ok(Bound {
        grpc: listener,
        ops,
        ops_address,
        probes,
        control,
        doors,
        health,
        state,
        work,
        refreshes: refresh_runner,
        tls,
        keeper,
        reload,
        config: follow,
    })
}

/// What is allowed, and still worth a word at each start.
fn warnings(config: &Config, exposed: bool) -> Vec<&'static str> {
    if exposed && config.rownd_auth.callers.is_empty() {
        tracing::info!("{ONLY_CHECK}");
    }
    let open = exposed && config.listeners.grpc.tls.is_none();
    open.then_some(OPEN).into_iter().inspect(|warning| tracing::warn!("{warning}")).collect()
}

fn labels(config: &Config) -> Labels {
    Labels {
        reasons: authz::end_labels(),
        verifications: verify::result_labels(),
        issuers: config.issuers.iter().map(|issuer| issuer.name.clone()).collect(),
        rpcs: RPCS.iter().map(|rpc| rpc.name).collect(),
    }
}

impl Bound {
    /// Where gRPC listens.
    #[must_use]
    pub const fn grpc_address(&self) -> &ListenAddress {
        self.grpc.address()
    }

    /// Where operators read.
    #[must_use]
    pub const fn ops_address(&self) -> SocketAddr {
        self.ops_address
    }

    /// Where probes are answered apart from everybody else.
    #[must_use]
    pub fn probe_address(&self) -> Option<SocketAddr> {
        self.probes.as_ref().map(|(_, address)| *address)
    }

    /// Whether it is ready, and what it waits for.
    #[must_use]
    pub const fn readiness(&self) -> &Readiness {
        &self.state.readiness
    }

    /// All metrics.
    #[must_use]
    pub const fn metrics(&self) -> &Arc<Metrics> {
        &self.state.metrics
    }

    /// From now on the configuration is read again from here whenever it changes.
    pub fn follow(&mut self, source: Source) {
        self.keeper.follow(source);
    }

    /// By which a reload can be asked for.
    #[must_use]
    pub fn reload_handle(&self) -> ReloadHandle {
        self.reload.clone()
    }

    /// How long a drain may take, by the configuration that is in force when it is asked.
    pub fn shutdown_times(&self) -> impl Fn() -> Shutdown + use<> {
        let config = self.config.clone();
        move || config.borrow().shutdown.clone()
    }

    /// Serves until `shutdown` ends, then drains: not ready but serving for a while, then
    /// GOAWAY, then the rest of the checks in flight, then the end, at the latest after the grace.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), BuildError> {
        let part = |error: io::Error| BuildError::Part(error.to_string());
        let (phase, follow) = watch::channel(Phase::Serving);
        let settings = self.config.borrow().listeners.grpc.clone();
        let workers =
            Workers::start(&settings, self.tls, &self.doors, &self.state.metrics, &follow)
                .map_err(part)?;
        let mut tasks = JoinSet::new();
        spawn(&mut tasks, self.keeper.run(self.work));
        spawn(&mut tasks, self.refreshes.run());
        spawn(&mut tasks, self.health.run(self.state.readiness.watch()));
        spawn(&mut tasks, background::upkeep(self.state.metrics.clone(), UPKEEP));
        let snapshot = self.state.authorizer.snapshot();
        let revocations = snapshot.verifier().revocations().clone();
        spawn(&mut tasks, background::forget_ended(revocations));
        spawn(&mut tasks, background::announce(self.state.readiness.clone()));
        let (readiness, metrics) = (self.state.readiness.clone(), self.state.metrics.clone());
        if let Some(socket) = self.control {
            let commands = control::commands(&self.state, self.reload);
            spawn(&mut tasks, control::serve(socket, commands));
        }
        let pages = pages::router(self.state);
        for listener in
            [Some(self.ops), self.probes.map(|(listener, _)| listener)].into_iter().flatten()
        {
            spawn(&mut tasks, ops::serve(listener, pages.clone()));
        }
        let mut accepting = JoinSet::new();
        spawn(&mut accepting, listen::accept(self.grpc, workers.handoff(), metrics));

        let outcome = supervise(&mut tasks, shutdown).await;
        let times = self.config.borrow().shutdown.clone();
        tracing::info!(drain_delay = %times.drain_delay, grace = %times.grace, "draining");
        readiness.drain();
        tokio::time::sleep(times.drain_delay.get()).await;
        accepting.shutdown().await;
        phase.send_replace(Phase::Closing);
        let all_finished = workers.finish(times.grace.get()).await;
        tracing::info!(all_finished, "stopped");
        tasks.shutdown().await;
        outcome
    }
}

/// Waits for the end, or for a task that failed: without it the process would go on half-blind,
/// so it drains and ends, to be started anew.
async fn supervise(
    tasks: &mut JoinSet<()>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), BuildError> {
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = shutdown.as_mut() => return Ok(()),
            Some(ended) = tasks.join_next() => if let Err(error) = ended {
                tracing::error!(%error, "a background task failed");
                return Err(BuildError::Part("a background task failed".to_owned()));
            },
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that starts tasks")]
fn spawn<T: Send + 'static>(
    tasks: &mut JoinSet<T>,
    task: impl Future<Output = T> + Send + 'static,
) -> AbortHandle {
    tasks.spawn(task)
}
