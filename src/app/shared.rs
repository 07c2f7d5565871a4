//! The state that replicas share: built where it is configured, with its tasks.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{BuildError, tasks::spawn};
use crate::{
    config::{Config, OnOutage},
    grpc::rownd_auth::SharedWrites,
    health::Readiness,
    issuer_api::SharedRefreshes,
    metrics::Metrics,
    shared::{
        LaterWork, RedisListener, RedisStore, SharedHealth, SharedStore, later_writes, random_name,
    },
    verify::{MemoryRevocations, RevocationReplica, RevocationSync},
};

/// Until the list of revocations is that of the others, where that is asked for.
const LATCH: &str = "shared: the revocations of the other replicas";

/// The shared state, and the work that it needs.
#[derive(Debug)]
pub(super) struct SharedState {
    pub(super) replica: Arc<RevocationReplica>,
    pub(super) health: Arc<SharedHealth>,
    pub(super) store: Arc<dyn SharedStore>,
    pub(super) refreshes: Arc<SharedRefreshes>,
    pub(super) writes: Arc<SharedWrites>,
    work: SharedWork,
}

/// The background work of the shared state.
#[derive(Debug)]
struct SharedWork {
    listener: RedisListener,
    sync: RevocationSync,
    later: LaterWork,
}

impl SharedState {
    /// `None`: none is configured. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// Fails where the store cannot be built from its settings.
    pub(super) fn build(
        config: &Config,
        list: &Arc<MemoryRevocations>,
        metrics: &Arc<Metrics>,
        readiness: &Readiness,
    ) -> Result<Option<Self>, BuildError> {
        let Some(settings) = &config.shared else { return Ok(None) };
        let (store, listener) = RedisStore::build(settings, metrics).map_err(BuildError::Part)?;
        let name = random_name().map_err(BuildError::Part)?;
        let health = SharedHealth::new(readiness, metrics, &name);
        let latch = match settings.on_outage {
            OnOutage::Refuse => Some(readiness.latch(LATCH)),
            OnOutage::Local => None,
        };
        let (replica, sync) = RevocationReplica::new(&name, list, store.clone(), &health, latch);
        let own: Arc<dyn SharedStore> = store.clone();
        let (later, later_work) = later_writes(store.clone());
        let refreshes = SharedRefreshes::new(settings, store.clone(), later.clone(), metrics);
        let writes = SharedWrites::new(settings, store, later);
        let work = SharedWork { listener, sync, later: later_work };
        Ok(Some(Self { replica, health, store: own, refreshes, writes, work }))
    }

    /// Starts the work.
    pub(super) fn spawn(self, tasks: &mut JoinSet<()>) {
        let SharedWork { listener, sync, later } = self.work;
        spawn(tasks, listener.run());
        spawn(tasks, sync.run());
        spawn(tasks, later.run());
    }
}
