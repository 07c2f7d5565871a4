//! The corridor: the only place that knows the order of a check.
//!
//! In: a request context and a deadline, from whichever door. Out: a verdict, always. Every
//! early exit, the deadline, an overload, a panic and a cancellation end as a denial with its
//! reason, a count and a log line.

mod callers;
mod denial_log;
mod edits;
mod inject;
mod question;
mod snapshot;
#[cfg(test)]
mod tests;
mod verdict;

use std::{
    borrow::Cow,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::SystemTime,
};

use arc_swap::ArcSwap;
use futures_util::FutureExt as _;
use tokio::time::{Instant, timeout_at};

use crate::{
    metrics::{CheckApi, CheckOutcome, Metrics},
    model::{AllowReason, Denial, DenialClass, DenyReason, RequestContext, Warning},
};
pub use callers::{Caller, Callers, NOBODY, Refusal, Scope, warnings};
use denial_log::DenialLog;
pub use edits::{EncodingDoor, IdentityHeaders, NameValue, QueryEdits, RequestEdits};
pub use inject::early_strip;
pub use question::{Answer, Question};
pub use snapshot::{Edition, Snapshot, SnapshotError};
pub use verdict::{Allowance, Verdict, VerdictFacts};

/// One connection finds room for one check in flight of so many that there may be.
const SURE: usize = 1024;

/// CheckOutcome and reason of every end a check can have, in the order of the metric's index.
#[must_use]
pub fn end_labels() -> Vec<(CheckOutcome, &'static str)> {
    let allowed = AllowReason::ALL.iter().map(|reason| (CheckOutcome::Allow, reason.code()));
    let denied = DenyReason::ALL.iter().map(|reason| (outcome(*reason), reason.code()));
    allowed.chain(denied).collect()
}

/// "Cannot decide" is counted apart from a plain no.
#[must_use]
pub const fn outcome(reason: DenyReason) -> CheckOutcome {
    match reason.class() {
        DenialClass::Unavailable => CheckOutcome::Unavailable,
        _ => CheckOutcome::Deny,
    }
}

const fn denial_label(reason: DenyReason) -> usize {
    AllowReason::ALL.len() + reason as usize
}

/// Answers checks.
#[derive(Debug)]
pub struct Authorizer {
    snapshot: ArcSwap<Snapshot>,
    metrics: Arc<Metrics>,
    in_flight: AtomicUsize,
    denials: DenialLog,
    /// A check was denied because the proxy holds `Sec-Fetch-Mode` back.
    fetch_mode_missing: AtomicBool,
}

/// Said on `/status` once a user's request came without a header that browsers send.
const FETCH_MODE_MISSING: &str = "since this configuration is in force, a user's request with a \
                                  cookie had Sec-Fetch-Site and no Sec-Fetch-Mode: a WebSocket \
                                  handshake cannot be told from a plain GET, so that such requests \
                                  from pages of other sites are denied (fetch_mode_missing); add \
                                  `upgrade` and `sec-fetch-mode` to allowed_headers of Envoy's \
                                  filter";

impl Authorizer {
    /// With this configuration in force.
    #[must_use]
    pub fn new(snapshot: Snapshot, metrics: Arc<Metrics>, denials_per_second: u32) -> Arc<Self> {
        metrics.epoch(snapshot.edition().epoch);
        Arc::new(Self {
            snapshot: ArcSwap::from_pointee(snapshot),
            denials: DenialLog::new(denials_per_second, metrics.clone()),
            metrics,
            in_flight: AtomicUsize::new(0),
            fetch_mode_missing: AtomicBool::new(false),
        })
    }

    /// The configuration in force.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// What the checks so far show to be wrong with the proxy's configuration.
    #[must_use]
    pub fn warnings(&self) -> Option<Warning> {
        self.fetch_mode_missing.load(Ordering::Relaxed).then_some(Warning {
            code: "fetch_mode_missing",
            text: Cow::Borrowed(FETCH_MODE_MISSING),
        })
    }

    /// Does it to the configuration in force, and to any that is put in force meanwhile: a command
    /// must not be lost between two of them.
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
        self.metrics.epoch(snapshot.edition().epoch);
        self.fetch_mode_missing.store(false, Ordering::Relaxed);
        self.snapshot.store(Arc::new(snapshot));
    }

    /// A check arrived. The ticket counts it in flight until it is dropped, and holds the
    /// configuration that is in force now.
    #[must_use]
    pub fn begin(self: &Arc<Self>, api: CheckApi) -> Ticket {
        self.begin_since(api, Instant::now(), usize::MAX)
    }

    /// As [`begin`](Self::begin), of a check that arrived a while ago and waited for its turn, on
    /// a connection with so many other checks in flight. A connection finds room for a few,
    /// whatever the others do, and beyond that for no more than it leaves to them.
    #[must_use]
    pub fn begin_since(
        self: &Arc<Self>,
        api: CheckApi,
        began: Instant,
        of_connection: usize,
    ) -> Ticket {
        self.metrics.check_started(api);
        let others = self.in_flight.fetch_add(1, Ordering::Relaxed);
        let snapshot = self.snapshot.load_full();
        let most = snapshot.max_in_flight;
        let overloaded = match of_connection {
            usize::MAX => others >= most,
            own if own < most / SURE => false,
            own => others >= most || own > most - others - 1,
        };
        let authorizer = self.clone();
        Ticket { authorizer, snapshot, api, began, overloaded, answered: AtomicBool::new(false) }
    }
}

/// One check in flight. Dropped without an answer it is a cancellation, and counted as that.
#[derive(Debug)]
pub struct Ticket {
    authorizer: Arc<Authorizer>,
    snapshot: Arc<Snapshot>,
    api: CheckApi,
    began: Instant,
    overloaded: bool,
    answered: AtomicBool,
}

impl Ticket {
    /// When the check arrived.
    #[must_use]
    pub const fn began(&self) -> Instant {
        self.began
    }

    /// The configuration that this check is judged and answered by.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Too many checks are in flight already: deny this one at once.
    #[must_use]
    pub const fn overloaded(&self) -> bool {
        self.overloaded
    }

    /// Judges the request until `deadline` at the longest.
    pub async fn check(&self, request: &RequestContext, deadline: Instant) -> Verdict {
        let snapshot = &self.snapshot;
        let mut facts = snapshot.facts(request);
        let judged = if self.overloaded {
            Err(DenyReason::Overloaded.into())
        } else {
            protected(snapshot.judge(request, SystemTime::now(), deadline, &mut facts), deadline)
                .await
        };
        let verdict = match judged {
            Ok((permit, request)) => Verdict::Allow(Allowance::new(permit, request, facts)),
            Err(denial) => Verdict::Deny { denial: named(denial, &facts), facts },
        };
        self.record_verdict(&verdict);
        verdict
    }

    /// Denies without judging: what arrived is no request context, or may not be judged.
    #[must_use]
    pub fn deny(&self, reason: DenyReason) -> Verdict {
        let verdict = Verdict::Deny { denial: reason.into(), facts: VerdictFacts::unknown() };
        self.record_verdict(&verdict);
        verdict
    }

    fn record_verdict(&self, verdict: &Verdict) {
        match verdict {
            Verdict::Allow(allowance) => self.record(Ok(allowance.reason()), verdict.facts()),
            Verdict::Deny { denial, facts } => self.record(Err(denial), facts),
        }
    }

    fn record(&self, end: Result<AllowReason, &Denial>, facts: &VerdictFacts) {
        // The first answer counts: a later one is the same check denied once more on its way out.
        if self.answered.swap(true, Ordering::Relaxed) {
            return;
        }
        let index = match end {
            Ok(reason) => {
                tracing::debug!(
                    request_id = %denial_log::text(&facts.request_id),
                    rule = %facts.rule,
                    reason = reason.code(),
                    "allowed"
                );
                reason as usize
            }
            Err(denial) => {
                let index = denial_label(denial.reason());
                // Denied after its token was found good: a user's own browser.
                if denial.reason() == DenyReason::FetchModeMissing
                    && denial.issuer().is_some()
                    && !self.authorizer.fetch_mode_missing.swap(true, Ordering::Relaxed)
                {
                    tracing::warn!("{FETCH_MODE_MISSING}");
                }
                self.authorizer.denials.record(index, denial, facts);
                index
            }
        };
        self.authorizer.metrics.check_ended(self.api, index, self.began.elapsed());
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.answered.load(Ordering::Relaxed) {
            let _ = self.deny(DenyReason::Cancelled);
        }
        self.authorizer.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Once somebody is known, every denial is one of theirs: policy's, a stale profile's, a deadline's.
fn named(denial: Denial, facts: &VerdictFacts) -> Denial {
    match &facts.identity {
        Some(who) => denial.judged_by(&who.issuer),
        None => denial,
    }
}

/// Runs a judgement so that it always ends in one: in time, and whatever it does.
async fn protected<T>(
    judgement: impl Future<Output = Result<T, Denial>>,
    deadline: Instant,
) -> Result<T, Denial> {
    if Instant::now() >= deadline {
        return Err(DenyReason::DeadlineExceeded.into());
    }
    let judgement = AssertUnwindSafe(timeout_at(deadline, judgement)).catch_unwind();
    match judgement.await {
        Ok(Ok(judged)) => judged,
        Ok(Err(_elapsed)) => Err(DenyReason::DeadlineExceeded.into()),
        Err(_panic) => Err(DenyReason::Internal.into()),
    }
}
