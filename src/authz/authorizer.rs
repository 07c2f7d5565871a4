//! The configuration in force, and the way in for checks.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::time::Instant;

use super::{
    ends::{CheckApi, CheckRecorders},
    in_flight::{InFlight, PendingCheck},
    service::BackendService,
    snapshot::Snapshot,
};
use crate::model::Warning;

/// Answers checks by the configuration that is in force when they arrive.
#[derive(Debug)]
pub struct Authorizer {
    pub(super) snapshot: ArcSwap<Snapshot>,
    in_flight: Arc<InFlight>,
}

impl Authorizer {
    /// With this configuration in force. The recorders are told of every check.
    #[must_use]
    pub fn new(snapshot: Snapshot, recorders: CheckRecorders) -> Arc<Self> {
        let authorizer = Self {
            snapshot: ArcSwap::from_pointee(snapshot),
            in_flight: Arc::new(InFlight::new(recorders)),
        };
        authorizer.tell_epoch(&authorizer.snapshot.load());
        Arc::new(authorizer)
    }

    /// The configuration in force.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// The part of the configuration in force that the service for backends uses.
    #[must_use]
    pub fn service(&self) -> Arc<BackendService> {
        self.snapshot.load().service().clone()
    }

    /// Warnings about the proxy's configuration, found out from the checks so far.
    pub fn warnings(&self) -> impl Iterator<Item = Warning> {
        self.in_flight.recorders.iter().filter_map(|recorder| recorder.warning())
    }

    /// Does `act` to the configuration in force, and to any that is put in force meanwhile: a
    /// command must not be lost between two of them.
    pub fn command<T>(&self, act: impl Fn(&Snapshot) -> T) -> T {
        loop {
            let snapshot = self.snapshot();
            let done = act(&snapshot);
            if Arc::ptr_eq(&snapshot, &self.snapshot()) {
                return done;
            }
        }
    }

    /// Puts another configuration in force. Checks that have arrived finish with theirs.
    pub fn put_in_force(&self, snapshot: Snapshot) {
        self.tell_epoch(&snapshot);
        self.snapshot.store(Arc::new(snapshot));
    }

    fn tell_epoch(&self, snapshot: &Snapshot) {
        for recorder in &self.in_flight.recorders {
            recorder.configured(snapshot.edition().epoch);
        }
    }

    /// A check arrived. It counts as in flight until it is dropped, and holds the configuration
    /// that is in force now.
    #[must_use]
    pub fn begin(&self, api: CheckApi) -> PendingCheck {
        self.begin_since(api, Instant::now(), usize::MAX)
    }

    /// A check arrived a while ago and waited for its turn, on a connection with `of_connection`
    /// other checks in flight. A connection finds room for a few, whatever the others do, and
    /// beyond that for no more than it leaves to them.
    #[must_use]
    pub fn begin_since(&self, api: CheckApi, began: Instant, of_connection: usize) -> PendingCheck {
        self.in_flight.begin(self.snapshot(), api, began, of_connection)
    }
}
