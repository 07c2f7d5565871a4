//! Revocations that a call makes, on their way to the other replicas: where replicas share their
//! state, a caller is told of success only when the store has them.
//!
//! In: a revocation that is on the list of this replica. Out: that the store has it, or a fault that
//! says what is done and what is not. The list sends it in any case, as soon as the store answers: a
//! caller that leaves, or a store that is gone, loses nothing but the answer.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep, timeout_at};

use super::fault::Fault;
use crate::{
    digest::{Sha256, sha256_of_parts},
    log_throttle::LogThrottle,
    metrics::Metrics,
    shared::SharedError,
    verify::RevocationReplica,
};

/// The store is waited for until so much before the end of the call, which can be answered then.
const MARGIN: Duration = Duration::from_millis(50);
/// A store that fails is asked again for this long: a connection that broke is soon another one.
const TRY_FOR: Duration = Duration::from_secs(1);
/// The wait before it is asked again.
const PAUSE: Duration = Duration::from_millis(50);
/// A call whose time is over has this much for the store, and nobody waits for its answer.
const AFTERWARDS: Duration = Duration::from_secs(1);
/// The most deletions that are remembered because a caller was told to repeat them, and how long.
const MAX_OWED: usize = 10_000;
const OWED_FOR: Duration = Duration::from_secs(3600);

/// The way of this process's revocations to the other replicas.
#[derive(Debug)]
pub struct Sharing {
    replica: Option<Arc<RevocationReplica>>,
    metrics: Arc<Metrics>,
    throttle: LogThrottle,
    owed: Mutex<HashMap<Sha256, Instant>>,
}

/// The same for one call, which has so much time.
#[derive(Debug, Clone)]
pub(super) struct CallSharing {
    sharing: Arc<Sharing>,
    method: &'static str,
    deadline: Instant,
}

/// A revocation that is on the list of this replica, and may not be with the others yet.
#[derive(Debug)]
#[must_use = "the caller must not be told of success before it is shared"]
pub(super) struct RevokedHere {
    /// Tokens that were issued before it are refused, Unix seconds.
    pub(super) not_before: u64,
}

impl Sharing {
    /// By way of this replica; `None`: replicas share nothing, and nothing is waited for.
    #[must_use]
    pub fn new(replica: Option<Arc<RevocationReplica>>, metrics: &Arc<Metrics>) -> Arc<Self> {
        let (metrics, throttle) = (metrics.clone(), LogThrottle::per_second(1));
        Arc::new(Self { replica, metrics, throttle, owed: Mutex::default() })
    }

    /// For a call of this method that ends at this time.
    pub(super) fn for_call(
        self: &Arc<Self>,
        method: &'static str,
        deadline: Instant,
    ) -> CallSharing {
        CallSharing { sharing: self.clone(), method, deadline }
    }

    fn owed(&self) -> MutexGuard<'_, HashMap<Sha256, Instant>> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CallSharing {
    /// Whether replicas share their state.
    pub(super) fn is_shared(&self) -> bool {
        self.sharing.replica.is_some()
    }

    /// Waits until the store has everything that is revoked here, for as long as the call has time, and
    /// for at most a second until the other replicas have it too.
    ///
    /// # Errors
    ///
    /// [`Fault::RevocationNotShared`]: it has not, or it is not known.
    pub(super) async fn share(&self) -> Result<(), Fault> {
        let Some(replica) = &self.sharing.replica else { return Ok(()) };
        let now = Instant::now();
        let end = self.deadline.checked_sub(MARGIN).filter(|end| *end > now);
        let end = end.unwrap_or_else(|| now + AFTERWARDS);
        let stored = timeout_at(end, stored(replica, now + TRY_FOR, end)).await;
        let Err(error) = stored.unwrap_or(Err(SharedError::Late)) else { return Ok(()) };
        self.sharing.metrics.revocation_not_shared(self.sharing.metrics.rpc(Some(self.method)));
        if let Some(dropped) = self.sharing.throttle.admit() {
            let method = self.method;
            let what = "a revocation is obeyed here, and the other replicas do not know it yet";
            tracing::error!(method, %error, dropped, "{what}");
        }
        Err(Fault::RevocationNotShared)
    }

    /// The caller is told to repeat the deletion of this user, who is gone by then.
    pub(super) fn owe(&self, issuer: &str, user: &str) {
        let (now, mut owed) = (Instant::now(), self.sharing.owed());
        if owed.len() >= MAX_OWED {
            owed.retain(|_, end| *end > now);
        }
        if owed.len() < MAX_OWED {
            owed.insert(key(issuer, user), now + OWED_FOR);
        }
    }

    /// Whether a caller was told to repeat the deletion of this user.
    pub(super) fn owes(&self, issuer: &str, user: &str) -> bool {
        let end = self.sharing.owed().get(&key(issuer, user)).copied();
        end.is_some_and(|end| end > Instant::now())
    }

    /// The deletion of this user has ended as it should.
    pub(super) fn owe_no_more(&self, issuer: &str, user: &str) {
        self.sharing.owed().remove(&key(issuer, user));
    }
}

/// Ends when the store has everything, and all replicas have it or a second is over, at the latest at
/// `end`. A store that fails is asked again until this time: a record
/// that is sent twice is one record.
async fn stored(
    replica: &RevocationReplica,
    until: Instant,
    end: Instant,
) -> Result<(), SharedError> {
    // The answer needs a moment.
    let seen_by = end.checked_sub(MARGIN).unwrap_or(end);
    loop {
        match replica.store(seen_by).await {
            Ok(()) => return Ok(()),
            Err(error) if Instant::now() >= until => return Err(error),
            Err(_) => sleep(PAUSE).await,
        }
    }
}

fn key(issuer: &str, user: &str) -> Sha256 {
    let length = (issuer.len() as u64).to_be_bytes();
    sha256_of_parts([&length[..], issuer.as_bytes(), user.as_bytes()])
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use tokio::{
        task::JoinSet,
        time::{Instant, advance},
    };

    use super::{MAX_OWED, OWED_FOR, Sharing};
    use crate::{
        config::{Revocation, Span},
        grpc::rownd_auth::fault::reason_of,
        health::Readiness,
        metrics::{Labels, Metrics},
        shared::{MemoryStore, SharedHealth, SharedStore, fakes::Gone},
        verify::{MemoryRevocations, RevocationReplica},
    };

    /// Until a replica has seen its own revocation in the store.
    const SEEN: Duration = Duration::from_millis(600);

    #[expect(clippy::disallowed_methods, reason = "the replica ends with its test")]
    fn sharing(store: Option<Arc<dyn SharedStore>>) -> (Arc<Sharing>, JoinSet<()>) {
        let metrics = Metrics::build(&Labels::default()).unwrap();
        let settings = Revocation { max_entries: 10, max_ttl: Span::from_secs(60) };
        let list = MemoryRevocations::replicated(&settings, &metrics);
        let health = SharedHealth::new(&Readiness::new(), &metrics, "a");
        let mut running = JoinSet::new();
        let replica = store.map(|store| {
            let (replica, sync) = RevocationReplica::new("a", &list, store, &health, None);
            running.spawn(sync.run());
            replica
        });
        (Sharing::new(replica, &metrics), running)
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_ends_within_its_time_and_says_whether_the_store_has_it() {
        let gone = || Some(Arc::new(Gone { mark: None }) as Arc<dyn SharedStore>);
        let memory = || Some(Arc::new(MemoryStore::new()) as Arc<dyn SharedStore>);
        let (long, short) = (Duration::from_secs(10), Duration::from_millis(300));
        for (name, store, time, fails, at_most) in [
            ("nothing is shared", None, long, false, Duration::ZERO),
            ("it is there", memory(), long, false, SEEN),
            ("it is there, and the call is over", memory(), Duration::ZERO, false, SEEN),
            ("it is gone", gone(), long, true, Duration::from_millis(1100)),
            ("it is gone, and the call is short", gone(), short, true, Duration::from_millis(250)),
        ] {
            let began = Instant::now();
            let (sharing, _running) = sharing(store);
            let call = sharing.for_call("SignOutUser", began + time);
            let answer = call.share().await;
            assert!(began.elapsed() <= at_most, "{name}: {:?}", began.elapsed());
            let told = answer.map_err(|fault| reason_of(&fault.status()));
            let expected = if fails { Err("REVOCATION_NOT_SHARED".to_owned()) } else { Ok(()) };
            assert_eq!(told, expected, "{name}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_deletion_that_is_to_be_repeated_is_remembered_in_bounds() {
        let (sharing, _running) = sharing(None);
        let call = sharing.for_call("DeleteUser", Instant::now());
        call.owe("rownd", "ann");
        assert!(call.owes("rownd", "ann"));
        for (issuer, user) in [("rownd", "bob"), ("rowndann", ""), ("other", "ann")] {
            assert!(!call.owes(issuer, user), "{issuer} {user}");
        }
        call.owe_no_more("rownd", "ann");
        assert!(!call.owes("rownd", "ann"));
        for number in 0..=MAX_OWED {
            call.owe("rownd", &number.to_string());
        }
        assert_eq!(call.sharing.owed().len(), MAX_OWED);
        advance(OWED_FOR).await;
        assert!(!call.owes("rownd", "0"));
        call.owe("rownd", "later");
        assert_eq!(call.sharing.owed().len(), 1, "those that have ended give way");
    }
}
