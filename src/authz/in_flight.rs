//! Checks in flight: how many there are, and that each ends exactly once.
//!
//! In: a check that arrived. Out: a [`PendingCheck`], which is judged or denied. The list of
//! recorders is told one end of each check; a check that is dropped without an end was cancelled.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::SystemTime,
};

use tokio::time::Instant;

use super::{
    ends::{CheckApi, CheckEnd, CheckRecorders},
    facts::{CheckRecord, FactsRecorder, VerdictFacts},
    protect::protect,
    snapshot::Snapshot,
    verdict::{Allowance, Verdict},
};
use crate::{
    config::{Check, DenialSettings},
    model::{AllowReason, Denial, DenyReason, RequestContext, Step},
};

/// A connection may have this part of the checks in flight, whatever the others do: 1/1024 of
/// `check.max_in_flight`.
const CONNECTION_SHARE: usize = 1024;

/// The checks in flight, and those that are told of their ends.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) recorders: CheckRecorders,
    count: AtomicUsize,
}

impl InFlight {
    pub(super) const fn new(recorders: CheckRecorders) -> Self {
        Self { recorders, count: AtomicUsize::new(0) }
    }

    /// A check arrived at `began`, on a connection with `of_connection` other checks in flight;
    /// `usize::MAX` where that is not known.
    pub(super) fn begin(
        self: &Arc<Self>,
        snapshot: Arc<Snapshot>,
        api: CheckApi,
        began: Instant,
        of_connection: usize,
    ) -> PendingCheck {
        for recorder in &self.recorders {
            recorder.began(api);
        }
        let others = self.count.fetch_add(1, Ordering::Relaxed);
        let most = snapshot.pipeline().settings().max_in_flight;
        let overloaded = match of_connection {
            usize::MAX => others >= most,
            own if own < most / CONNECTION_SHARE => false,
            own => others >= most || own > most - others - 1,
        };
        let in_flight = self.clone();
        let ended = AtomicBool::new(false);
        PendingCheck { in_flight, snapshot, api, began, overloaded, ended }
    }
}

/// One check in flight. Dropped without an end it was cancelled, and is counted as that.
#[derive(Debug)]
pub struct PendingCheck {
    in_flight: Arc<InFlight>,
    pub(super) snapshot: Arc<Snapshot>,
    api: CheckApi,
    began: Instant,
    overloaded: bool,
    ended: AtomicBool,
}

impl PendingCheck {
    /// When the check arrived.
    #[must_use]
    pub const fn began(&self) -> Instant {
        self.began
    }

    /// The settings that this check is judged and answered by, as far as they are the door's part.
    #[must_use]
    pub fn settings(&self) -> &Check {
        self.snapshot.pipeline().settings()
    }

    /// How a denial of this check is told.
    #[must_use]
    pub fn denials(&self) -> &DenialSettings {
        self.snapshot.pipeline().denials()
    }

    /// Too many checks are in flight already: deny this one at once.
    #[must_use]
    pub const fn overloaded(&self) -> bool {
        self.overloaded
    }

    /// Judges the request until `deadline` at the longest.
    pub async fn check(&self, request: &RequestContext, deadline: Instant) -> Verdict {
        let facts = self.snapshot.pipeline().facts(request);
        self.check_recorded(request, deadline, facts, |facts| facts).await
    }

    /// Judges the request as [`check`](Self::check) does, and says which steps it took.
    pub async fn explain(
        &self,
        request: &RequestContext,
        deadline: Instant,
    ) -> (Verdict, Vec<Step>) {
        let facts = self.snapshot.pipeline().facts(request);
        let record = CheckRecord { facts, steps: Vec::new() };
        let mut steps = Vec::new();
        let verdict = self
            .check_recorded(request, deadline, record, |record| {
                steps = record.steps;
                record.facts
            })
            .await;
        (verdict, steps)
    }

    async fn check_recorded<R: FactsRecorder>(
        &self,
        request: &RequestContext,
        deadline: Instant,
        mut record: R,
        facts_of: impl FnOnce(R) -> VerdictFacts,
    ) -> Verdict {
        let result = if self.overloaded {
            Err(DenyReason::Overloaded.into())
        } else {
            let pipeline = self.snapshot.pipeline();
            let judging = pipeline.judge(request, SystemTime::now(), deadline, &mut record);
            protect(pin!(judging), deadline).await
        };
        let facts = facts_of(record);
        let verdict = match result {
            Ok(permitted) => {
                let (permit, request, response) = permitted.into_parts();
                Verdict::Allow(Allowance::new(permit, request, response, facts))
            }
            Err(denial) => Verdict::denied(to_caller(denial, &facts), facts),
        };
        self.end(verdict.result(), verdict.facts());
        verdict
    }

    /// Denies without judging: what arrived is no request context, or may not be judged.
    #[must_use]
    pub fn deny(&self, reason: DenyReason) -> Verdict {
        let verdict = Verdict::denied(reason.into(), VerdictFacts::unknown());
        self.end(verdict.result(), verdict.facts());
        verdict
    }

    /// Tells the recorders how the check ended. The first end counts: a later one is the same check,
    /// denied again on its way out.
    pub(super) fn end(&self, result: Result<AllowReason, &Denial>, facts: &VerdictFacts) {
        if self.ended.swap(true, Ordering::Relaxed) {
            return;
        }
        let end = CheckEnd { api: self.api, result, facts, took: self.began.elapsed() };
        for recorder in &self.in_flight.recorders {
            recorder.ended(&end);
        }
    }
}

impl Drop for PendingCheck {
    fn drop(&mut self) {
        if !self.ended.load(Ordering::Relaxed) {
            let _ = self.deny(DenyReason::Cancelled);
        }
        self.in_flight.count.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A denial of this check, by whatever step of it. Once the rule is known, it has the rule's form. Once
/// the caller is known, it is one of the caller's issuer, and a machine is not told to sign in.
pub(super) fn to_caller(denial: Denial, facts: &VerdictFacts) -> Denial {
    let denial = match &facts.denial_form {
        Some(form) => denial.at_rule(form.clone()),
        None => denial,
    };
    match &facts.identity {
        Some(who) if who.machine => denial.judged_by(&who.issuer).for_machine(),
        Some(who) => denial.judged_by(&who.issuer),
        None => denial,
    }
}
