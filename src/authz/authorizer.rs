//! The configuration in force, and the way in for checks.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::time::Instant;

use super::{
    ends::{CheckApi, CheckRecorders},
    event_recorder::CheckEvents,
    in_flight::{InFlight, PendingCheck},
    service::BackendService,
    snapshot::Snapshot,
};
use crate::model::{EventRecorder, NoEvents, Warning};

/// Answers checks by the configuration that is in force when they arrive.
#[derive(Debug)]
pub struct Authorizer {
    pub(super) snapshot: ArcSwap<Snapshot>,
    in_flight: Arc<InFlight>,
    events: Arc<dyn EventRecorder>,
}

impl Authorizer {
    /// With this configuration in force. The recorders are told of every check; nobody wants events.
    #[must_use]
    pub fn new(snapshot: Snapshot, recorders: CheckRecorders) -> Arc<Self> {
        Self::with_events(snapshot, recorders, Arc::new(NoEvents))
    }

    /// With this configuration in force. The recorders are told of every check, and events are told
    /// of what has happened, as far as somebody wants them.
    #[must_use]
    pub fn with_events(
        snapshot: Snapshot,
        mut recorders: CheckRecorders,
        events: Arc<dyn EventRecorder>,
    ) -> Arc<Self> {
        if let Some(wanted) = CheckEvents::wanted(&events) {
            recorders.push(Arc::new(wanted));
        }
        let authorizer = Self {
            snapshot: ArcSwap::from_pointee(snapshot),
            in_flight: Arc::new(InFlight::new(recorders)),
            events,
        };
        authorizer.tell_epoch(&authorizer.snapshot.load());
        Arc::new(authorizer)
    }

    /// The configuration in force.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Takes events about what has happened.
    #[must_use]
    pub const fn events(&self) -> &Arc<dyn EventRecorder> {
        &self.events
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
