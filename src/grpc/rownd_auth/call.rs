//! The facts about one call that are known before its message is read.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tonic::Extensions;

use super::{fault::Fault, kept_writes::Writes, sharing::CallSharing};
use crate::{
    authz::{BackendService, Caller},
    config::Right,
    model::Denial,
};

/// A request to an issuer ends this much before a call that began with it.
const MARGIN: Duration = Duration::from_millis(50);

/// A call whose message is not read yet.
#[derive(Debug)]
pub(super) struct ServiceCall {
    pub(super) service: Arc<BackendService>,
    /// The changes at issuers.
    pub(super) writes: Arc<Writes>,
    pub(super) caller: Caller,
    pub(super) deadline: Instant,
    /// The deadline is the caller's own, which is shorter than the configured one.
    pub(super) hurried: bool,
}

impl ServiceCall {
    /// The call of a request that came through the door.
    ///
    /// # Errors
    ///
    /// Fails for any other request: nothing is known of its caller.
    pub(super) fn of(extensions: &Extensions) -> Result<Arc<Self>, Fault> {
        extensions.get::<Arc<Self>>().cloned().ok_or(Fault::Internal)
    }

    /// When to try again, where the cause of a failure names no time.
    pub(super) fn retry_after(&self) -> Duration {
        self.service.retry_after()
    }

    /// How long a request to an issuer may take, by the configuration, so that this service reports
    /// its end. The deadline of the caller does not shorten it, but cuts it off: an issuer that
    /// answers has not failed because a caller could not wait.
    pub(super) fn issuer_timeout(&self) -> Duration {
        let own = self.service.settings().timeout.get();
        own.saturating_sub(2 * MARGIN).max(own / 2)
    }

    /// The way of what this call revokes to the other replicas.
    pub(super) fn sharing(&self, method: &'static str) -> CallSharing {
        self.writes.sharing.for_call(method, self.deadline)
    }

    /// The fault of a call that cannot be decided now. Where the time of the caller is over, that is
    /// the reason.
    pub(super) fn undecided(&self, denial: Denial) -> Fault {
        if self.hurried && Instant::now() >= self.deadline {
            Fault::Late(self.retry_after())
        } else {
            Fault::undecided(denial, self.retry_after())
        }
    }

    /// Checks that the caller has one of these rights.
    ///
    /// # Errors
    ///
    /// Fails where it has none.
    pub(super) fn may(&self, rights: &[Right]) -> Result<(), Fault> {
        self.caller.may(rights).map_err(Fault::Caller)
    }
}
