//! The composition root: knows every room, builds them from the configuration, runs them.
//!
//! In: a [`Config`]. Out: [`Bound`], which says where it listens; then [`Bound::run`] until it
//! is told to stop. Only this room starts threads and tasks.

mod background;
mod connection;
mod control;
mod listen;
mod ops;
mod preface;
pub mod telemetry;
mod workers;

use std::{fmt, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use crate::{
    authz::{self, Authorizer, Snapshot},
    config::Config,
    grpc::{Doors, HealthTask, ext_authz::CheckDoor},
    health::Readiness,
    http::{
        control::{self as control_pages, Control},
        ops::{self as pages, Ops},
    },
    metrics::{Labels, Metrics},
    profile::{ProfileFetcher, Profiles},
    rownd, upstream,
    verify::{self, Limits, Revocations, Verifier},
};
use control::ControlSocket;
pub use listen::ListenAddress;
use listen::Listener;
pub use telemetry::LogGuard;
use workers::{Phase, Workers};

/// Metrics are folded this often.
const UPKEEP: Duration = Duration::from_secs(5);
/// Connecting to an upstream takes at most this long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

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
    control: Option<(ControlSocket, Arc<Control>)>,
    doors: Doors,
    health: HealthTask,
    state: Ops,
    refreshers: Vec<verify::KeyRefresher>,
    rownd: Vec<Option<rownd::Client>>,
    fetcher: ProfileFetcher,
    config: Arc<Config>,
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
    let limits = Limits {
        max_token_bytes: config.check.max_token_bytes,
        claims_cache_bytes: config.check.claims_cache_bytes,
        refusal_cache_bytes: config.check.refusal_cache_bytes,
    };
    let revocations = Revocations::new(&config.revocation, &metrics);
    let parts =
        Verifier::build(&config.issuers, limits, revocations, &upstream, &metrics, &readiness)
            .map_err(part)?
            .with_snapshots(config.key_snapshots.as_ref(), &config.issuers);
    let verifier = Arc::new(parts.verifier);
    let rownd = rownd::build(&config.issuers, &upstream, &metrics);
    let (profiles, fetcher) =
        Profiles::build(&config.profiles, verifier.issuers(), &rownd, &metrics);
    let snapshot = Snapshot::build(&config, verifier.clone(), profiles).map_err(part)?;
    let authorizer = Authorizer::new(snapshot, metrics.clone(), config.log.denials_per_second);
    let commands = Control::new(authorizer.clone(), metrics.clone(), telemetry::set_level);
    let grpc = &config.listeners.grpc;
    let door = CheckDoor::build(authorizer, &config.check, grpc.max_message_bytes);
    let (doors, health) = Doors::build(door, grpc.reflection).map_err(part)?;
    let listener = listen::bind(grpc).await?;
    let (ops, ops_address) = listen::bind_ops(&config.listeners.ops.address).await?;
    let control = control::bind(config.listeners.control.as_ref()).await?;
    let config_hash = hash(&config).into();
    let state = Ops { metrics, readiness, verifier, config_hash, epoch: 1 };
    Ok(Bound {
        grpc: listener,
        ops,
        ops_address,
        control: control.map(|socket| (socket, Arc::new(commands))),
        doors,
        health,
        state,
        refreshers: parts.refreshers,
        rownd,
        fetcher,
        config: Arc::new(config),
    })
}

fn labels(config: &Config) -> Labels {
    Labels {
        reasons: authz::end_labels(),
        verifications: verify::result_labels(),
        issuers: config.issuers.iter().map(|issuer| issuer.name.clone()).collect(),
    }
}

/// A short fingerprint of the effective configuration. Secrets are redacted in it.
fn hash(config: &Config) -> String {
    let text = serde_json::to_vec(config).unwrap_or_default();
    let digest = digest(&SHA256, &text);
    digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
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

    /// Serves until `shutdown` ends, then drains: not ready but serving for a while, then
    /// GOAWAY, then the rest of the checks in flight, then the end, at the latest after the grace.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), BuildError> {
        let part = |error: io::Error| BuildError::Part(error.to_string());
        let (phase, follow) = watch::channel(Phase::Serving);
        let settings = &self.config.listeners.grpc;
        let workers =
            Workers::start(settings, &self.doors, &self.state.metrics, &follow).map_err(part)?;
        let mut tasks = JoinSet::new();
        for refresher in self.refreshers {
            spawn(&mut tasks, refresher.run());
        }
        for (issuer, client) in self.config.issuers.iter().zip(self.rownd) {
            let slots = background::unknown_apps(issuer, &self.state.verifier);
            if let Some(client) = client {
                spawn(&mut tasks, background::learn_app_ids(issuer.clone(), slots, client));
            }
        }
        spawn(&mut tasks, self.fetcher.run());
        spawn(&mut tasks, self.health.run(self.state.readiness.watch()));
        spawn(&mut tasks, background::upkeep(self.state.metrics.clone(), UPKEEP));
        let revocations = self.state.verifier.revocations().clone();
        spawn(&mut tasks, background::forget_ended(revocations));
        spawn(&mut tasks, background::announce(self.state.readiness.clone()));
        let (readiness, metrics) = (self.state.readiness.clone(), self.state.metrics.clone());
        spawn(&mut tasks, ops::serve(self.ops, pages::router(self.state)));
        if let Some((socket, commands)) = self.control {
            spawn(&mut tasks, control::serve(socket, control_pages::router(commands)));
        }
        let mut accepting = JoinSet::new();
        spawn(&mut accepting, listen::accept(self.grpc, workers.handoff(), metrics));

        let outcome = supervise(&mut tasks, shutdown).await;
        let times = &self.config.shutdown;
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
) {
    tasks.spawn(task);
}
