//! The budget of the listener: what all its connections have together.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Instant,
};

use super::pool::Pool;
use crate::{
    config::GrpcListener,
    grpc::call_label::{CallKind, CallRefusal},
    log_throttle::LogThrottle,
    metrics::{Label as _, Metrics},
};

/// The least bytes of unfinished messages over all connections; more where one message may be
/// larger than a quarter of it.
const MESSAGE_BYTES: usize = 64 << 20;
/// The most calls that stay open (health's `Watch`, reflection).
const LASTING_CALLS: usize = 128;
/// Each connection may have at least this much at a time: checks, other calls that are
/// answered once, calls that stay open (a client that watches its health has one), and bytes of
/// unfinished messages, of which an ordinary check takes 2 KiB.
const GUARANTEED_CHECKS: usize = 8;
const GUARANTEED_CALLS: usize = 1;
const GUARANTEED_LASTING: usize = 1;
const GUARANTEED_BYTES: usize = 16 << 10;
/// For so many milliseconds after a refusal, slots count as scarce.
const SCARCE_MS: u64 = 1_000;

/// The budget that all connections of the listener share.
#[derive(Debug)]
pub(crate) struct ListenerBudget {
    checks: Pool,
    calls: Pool,
    lasting: Pool,
    pub(super) bytes: Pool,
    began: Instant,
    /// Milliseconds from the beginning to the last call that found no slot; 0: none.
    refused_at: AtomicU64,
    /// Refusals that were decided and not yet written.
    pub(super) unwritten_refusals: AtomicUsize,
    log_throttle: LogThrottle,
    metrics: Arc<Metrics>,
}

impl ListenerBudget {
    pub(crate) fn new(settings: &GrpcListener, metrics: Arc<Metrics>) -> Arc<Self> {
        let max = settings.max_streams;
        let bytes = MESSAGE_BYTES.max(settings.max_message_bytes.saturating_mul(4));
        Arc::new(Self {
            checks: Pool::new(max, GUARANTEED_CHECKS),
            calls: Pool::new((max / 4).max(1), GUARANTEED_CALLS),
            lasting: Pool::new((max / 4).clamp(1, LASTING_CALLS), GUARANTEED_LASTING),
            bytes: Pool::new(bytes, GUARANTEED_BYTES),
            began: Instant::now(),
            refused_at: AtomicU64::new(0),
            unwritten_refusals: AtomicUsize::new(0),
            log_throttle: LogThrottle::per_second(1),
            metrics,
        })
    }

    pub(super) const fn pool(&self, kind: CallKind) -> &Pool {
        match kind {
            CallKind::Check => &self.checks,
            CallKind::Call => &self.calls,
            CallKind::Lasting => &self.lasting,
        }
    }

    /// Refusals of all connections that wait to be sent.
    pub(super) fn unsent_refusals(&self) -> usize {
        let refused = |pool: &Pool| pool.refused.load(Ordering::Relaxed);
        refused(&self.checks) + refused(&self.calls) + refused(&self.lasting)
    }

    /// Calls were refused within the last second because there was no slot.
    pub(super) fn is_scarce(&self) -> bool {
        let refused = self.refused_at.load(Ordering::Relaxed);
        refused > 0 && self.now().saturating_sub(refused) < SCARCE_MS
    }

    /// A call found no slot at this time.
    pub(super) fn found_no_slot(&self, now: u64) {
        self.refused_at.store(now.max(1), Ordering::Relaxed);
    }

    /// Milliseconds since the beginning.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Counts a refusal, and logs it now and then.
    pub(super) fn count_refusal(&self, kind: CallKind, why: CallRefusal) {
        self.metrics.call_refused(kind, why);
        if let Some(dropped) = self.log_throttle.admit() {
            let (kind, reason) = (kind.as_str(), why.as_str());
            tracing::warn!(kind, reason, dropped, "calls are refused before they are read");
        }
    }
}
