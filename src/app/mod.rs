//! The composition root: knows every room, builds them from the configuration, runs them.
//!
//! In: a [`Config`]. Out: [`Bound`], which tells its addresses; then [`Bound::run`] until it is told
//! to stop. Only this room starts threads and tasks.

mod app_ids;
mod background;
mod body_end;
mod compile;
mod connection;
mod connection_limit;
mod control;
mod drain;
mod error;
mod events;
mod followed_files;
mod foundation;
mod handoff;
mod http1;
mod http1_sockets;
mod http2_preface;
mod labels;
mod listen;
mod low_priority;
mod online;
mod open_files;
mod ops;
mod phase;
mod preflight;
pub mod process;
mod public;
mod reload;
mod shared;
mod socket;
mod tasks;
pub mod telemetry;
mod tls;
mod token_inspection;
mod warnings;
mod workers;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{sync::watch, task::JoinSet};

use crate::{
    authz::{self, Authorizer, CheckApi},
    blocking::BlockingRunner,
    config::{Config, ConfigSource, GrpcListener, HttpListenerName, Shutdown},
    grpc::{
        Doors, HealthTask,
        ext_authz::CheckDoor,
        rownd_auth::{AuthDoor, Sharing, WriteRunner, Writes, writes},
    },
    health::Readiness,
    http::{
        inbound::{Inbound, InboundShared},
        ops::{OpsState, ReloadFailures},
    },
    issuer_api::{self, RefreshRunner},
    metrics::Metrics,
    upstream::Client,
};
use compile::{AllRefreshes, BackgroundWork, SharedParts};
use drain::{LastingTask, Serving, changes_lost, refreshes_lost};
pub use error::BuildError;
use events::ProcessEvents;
pub use events::send_samples;
use foundation::Foundation;
use http1_sockets::Http1Sockets;
pub use labels::labels;
use listen::GrpcSocket;
pub use online::{IssuerFindings, ask_issuers};
pub use open_files::told as system_error;
use phase::Phase;
pub use preflight::{problems, problems_anywhere};
pub use reload::ReloadHandle;
use reload::{ConfigReloader, ReloadTarget};
use shared::SharedState;
use tasks::spawn;
pub use telemetry::LogGuard;
use tls::{AllTls, ListenerTls};
pub use token_inspection::{InspectedKeys, InspectedToken, inspect_token, inspect_token_online};
pub use warnings::{warnings, warnings_anywhere};
use workers::Workers;

pub use crate::{config::ListenAddress, http::control::ReloadOutcome};

/// Metrics are folded this often.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Logged where other machines may connect, and none of them is known.
const ONLY_CHECK: &str = "other machines can only call Envoy's Check: RowndAuth serves known \
                          callers, and rownd_auth.callers is empty";

/// Built and bound, not yet serving.
#[derive(Debug)]
pub struct Bound {
    grpc: GrpcSocket,
    http1: Http1Sockets,
    doors: Doors,
    health: HealthTask,
    state: OpsState,
    work: BackgroundWork,
    shared: Option<SharedState>,
    refreshes: RefreshRunner,
    writes: WriteRunner,
    tls: Option<Arc<ListenerTls>>,
    reloader: ConfigReloader,
    reload: ReloadHandle,
    blocking: BlockingRunner,
    events: ProcessEvents,
    upstream: Client,
    config: watch::Receiver<Arc<Config>>,
}

/// The refreshes of this process, and of all replicas where they share their state.
fn all_refreshes(shared: Option<&SharedState>) -> (AllRefreshes, RefreshRunner) {
    let (own, runner) = issuer_api::refreshes();
    (AllRefreshes { own, shared: shared.map(|shared| shared.refreshes.clone()) }, runner)
}

/// The changes of this process, and of all replicas where they share their state.
fn all_writes(shared: Option<&SharedState>, metrics: &Arc<Metrics>) -> (Arc<Writes>, WriteRunner) {
    let replica = shared.map(|shared| shared.replica.clone());
    writes(shared.map(|shared| shared.writes.clone()), Sharing::new(replica, metrics))
}

/// Builds everything and binds every listener. Nothing is fetched yet, so that an issuer that
/// is down cannot keep the process from starting.
///
/// # Errors
///
/// Fails where a part cannot be built from the configuration, or an address cannot be bound.
pub async fn build(config: Config) -> Result<Bound, BuildError> {
    let Foundation { metrics, readiness, upstream, verifier, revocations } =
        Foundation::build(&config)?;
    let shared_state = SharedState::build(&config, &revocations, &metrics, &readiness)?;
    let events = ProcessEvents::build(&config, &upstream, &metrics)?;
    let (refreshes, refresh_runner) = all_refreshes(shared_state.as_ref());
    let told = (&events.recorder, readiness.parts());
    let shared = SharedParts::new(&upstream, &metrics, &refreshes, told);
    let (snapshot, work) =
        compile::compile(&config, 1, verifier, None, shared).map_err(BuildError::Part)?;
    let recorders = authz::recorders(&metrics, config.log.denials_per_second);
    let authorizer = Authorizer::with_events(snapshot, recorders, events.recorder.clone());
    let grpc = &config.listeners.grpc;
    let (writes, write_runner) = all_writes(shared_state.as_ref(), &metrics);
    let blocking = BlockingRunner::new();
    let service = AuthDoor::build(authorizer.clone(), writes, blocking.clone(), metrics.clone());
    let service = service.with_events(events.ring());
    let (doors, health) = grpc_doors(grpc, &authorizer, service, &metrics)?;
    let tls = grpc_tls(grpc)?;
    let grpc = GrpcSocket::bind(grpc, open_files::reserved(&config)).await?;
    let http1 = Http1Sockets::bind(&config.listeners, &doors, &blocking).await?;
    let all_tls = AllTls::of(tls.iter().chain(http1.http_tls()).cloned());
    all_tls.show(&metrics);
    warnings::log(&config);
    let exposed = !config.listeners.grpc.address.is_local();
    log_unknown_callers(&config, exposed);
    let (config, follow) = watch::channel(Arc::new(config));
    let state = OpsState {
        warnings: warnings::current(follow.clone(), authorizer.clone(), upstream.network().clone()),
        reload_failures: Arc::new(ReloadFailures::default()),
        metrics,
        readiness,
        authorizer,
        exposed,
        shared: shared_state.as_ref().map(|shared| shared.health.clone()),
    };
    let polling = upstream.clone();
    let target = ReloadTarget::new(&state, upstream, refreshes, config, blocking.clone(), all_tls);
    let (reloader, reload) = ConfigReloader::new(target);
    Ok(Bound {
        grpc,
        http1,
        doors,
        health,
        state,
        work,
        shared: shared_state,
        refreshes: refresh_runner,
        writes: write_runner,
        tls,
        reloader,
        reload,
        blocking,
        events,
        upstream: polling,
        config: follow,
    })
}

fn grpc_doors(
    settings: &GrpcListener,
    authorizer: &Arc<Authorizer>,
    service: AuthDoor,
    metrics: &Arc<Metrics>,
) -> Result<(Doors, HealthTask), BuildError> {
    metrics.check_api_opened(CheckApi::ExtAuthz);
    let check = CheckDoor::build(authorizer.clone(), settings.max_message_bytes);
    Doors::build(check, service, settings, metrics.clone()).map_err(BuildError::Part)
}

fn grpc_tls(settings: &GrpcListener) -> Result<Option<Arc<ListenerTls>>, BuildError> {
    let tls = settings.tls.as_ref().map(|tls| ListenerTls::build(tls::GRPC, tls));
    tls.transpose().map_err(BuildError::Part)
}

fn log_unknown_callers(config: &Config, exposed: bool) {
    if exposed && config.rownd_auth.callers.is_empty() {
        tracing::info!("{ONLY_CHECK}");
    }
}

impl Bound {
    /// The address of the gRPC listener.
    #[must_use]
    pub const fn grpc_address(&self) -> &ListenAddress {
        self.grpc.address()
    }

    /// The address of the ops pages.
    #[must_use]
    pub const fn ops_address(&self) -> SocketAddr {
        self.http1.ops_address()
    }

    /// The address of the pages for probes alone, where there is one.
    #[must_use]
    pub fn probe_address(&self) -> Option<SocketAddr> {
        self.http1.probe_address()
    }

    /// The address of the listener `http`, where there is one.
    #[must_use]
    pub fn http_address(&self) -> Option<&ListenAddress> {
        self.http1.http_address(HttpListenerName::Http)
    }

    /// The address of the listener `public_http`, where there is one.
    #[must_use]
    pub fn public_http_address(&self) -> Option<&ListenAddress> {
        self.http1.http_address(HttpListenerName::PublicHttp)
    }

    /// Whether the process is ready, and what it waits for.
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
    pub fn follow(&mut self, source: ConfigSource) {
        self.reloader.follow(source);
    }

    /// Requests reloads of this process.
    #[must_use]
    pub fn reload_handle(&self) -> ReloadHandle {
        self.reload.clone()
    }

    /// Tells how long a drain may take, by the configuration that is in force when it is called.
    pub fn shutdown_times(&self) -> impl Fn() -> Shutdown + use<> {
        let config = self.config.clone();
        move || config.borrow().shutdown.clone()
    }

    /// Serves until `shutdown` ends, then drains: first the process is not ready and serves on for
    /// a while, then connections get GOAWAY and finish their calls, then the refreshes whose callers
    /// have left come to their end, all at the latest when the grace is over; then the other
    /// listeners end, and the files that are being written.
    ///
    /// # Errors
    ///
    /// Fails where a thread cannot be started, or where a background task failed.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), BuildError> {
        let (phase, follow) = watch::channel(Phase::Serving);
        let settings = self.config.borrow().listeners.grpc.clone();
        let workers =
            Workers::start(&settings, self.tls, &self.doors, &self.state.metrics, &follow)
                .map_err(|error| BuildError::Part(open_files::told(&error)))?;
        let mut tasks = JoinSet::new();
        spawn(&mut tasks, self.reloader.run(self.work));
        spawn(&mut tasks, self.health.run(self.state.readiness.watch()));
        spawn_upkeep(&mut tasks, &self.state);
        let (readiness, metrics) = (self.state.readiness.clone(), self.state.metrics.clone());
        let replica = self.shared.as_ref().map(|shared| shared.replica.clone());
        let store = self.shared.as_ref().map(|shared| shared.store.clone());
        if let Some(shared) = self.shared {
            shared.spawn(&mut tasks);
        }
        let parts = readiness.parts().clone();
        let events = self.events.start(&self.blocking, &parts)?;
        let shared = InboundShared {
            replica: replica.clone(),
            store,
            upstream: &self.upstream,
            parts: &parts,
        };
        let inbound = spawn_inbound(&mut tasks, &self.config.borrow(), &self.state, shared);
        let commands = (self.reload, replica.clone());
        let http1 = self
            .http1
            .serve(self.state, commands, inbound.as_ref(), workers.handoff(), &follow)
            .map_err(|error| BuildError::Part(open_files::told(&error)))?;
        let mut accepting = JoinSet::new();
        spawn(&mut accepting, self.grpc.accept(workers.handoff(), metrics, parts));
        let mut serving = Serving {
            readiness,
            phase,
            accepting,
            workers,
            refreshes: LastingTask::start(self.refreshes, refreshes_lost),
            writes: LastingTask::start(self.writes, changes_lost),
            events,
            replica,
            http1,
            tasks,
            blocking: self.blocking,
        };
        let outcome = serving.supervise(shutdown).await;
        let times = self.config.borrow().shutdown.clone();
        serving.drain(&times).await;
        outcome
    }
}

/// The paths that other servers call, with the work that goes with them.
fn spawn_inbound(
    tasks: &mut JoinSet<()>,
    config: &Config,
    state: &OpsState,
    shared: InboundShared<'_>,
) -> Option<Arc<Inbound>> {
    let (authorizer, metrics) = (state.authorizer.clone(), state.metrics.clone());
    let (inbound, work) = Inbound::build(config, authorizer, metrics, shared)?;
    spawn(tasks, work.run());
    Some(inbound)
}

fn spawn_upkeep(tasks: &mut JoinSet<()>, state: &OpsState) {
    spawn(tasks, background::metrics_upkeep(state.metrics.clone(), UPKEEP_EVERY));
    let revocations = state.authorizer.snapshot().verifier().revocations().clone();
    spawn(tasks, background::sweep_revocations(revocations));
    spawn(tasks, events::watch_keys(state.authorizer.clone()));
    spawn(tasks, background::announce_readiness(state.readiness.clone()));
}
