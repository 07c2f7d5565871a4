//! Calls that were refused before anybody looked into them, by kind and reason.

use metrics::{Counter, counter, describe_counter};

use super::Metrics;

/// What kind of call it is, by how long it may last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum CallKind {
    /// Envoy's `Check`.
    Check,
    /// One that is answered once: of RowndAuth, or of health.
    Call,
    /// One that lasts: health's `Watch`, reflection.
    Lasting,
}

impl CallKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Check, Self::Call, Self::Lasting];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Call => "call",
            Self::Lasting => "lasting",
        }
    }
}

/// Why it was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum CallRefusal {
    /// Too many calls at a time, over all connections or on this one.
    Streams,
    /// Too many bytes of unfinished messages at a time.
    Memory,
    /// The message is larger than its method takes.
    TooLarge,
    /// The message did not come in time.
    Deadline,
}

impl CallRefusal {
    const ALL: [Self; 4] = [Self::Streams, Self::Memory, Self::TooLarge, Self::Deadline];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Streams => "streams",
            Self::Memory => "memory",
            Self::TooLarge => "too_large",
            Self::Deadline => "deadline",
        }
    }
}

const NAME: &str = "rownd_authz_calls_refused_total";

pub(super) struct Handles(Vec<Vec<Counter>>);

pub(super) fn describe() {
    describe_counter!(NAME, "gRPC calls refused before they were read, by kind and reason.");
}

impl Handles {
    pub(super) fn register() -> Self {
        let of = |kind: &CallKind, reason: &CallRefusal| counter!(NAME, "kind" => kind.as_str(), "reason" => reason.as_str());
        let each = |kind| CallRefusal::ALL.iter().map(|reason| of(kind, reason)).collect();
        Self(CallKind::ALL.iter().map(each).collect())
    }
}

impl Metrics {
    /// A call was refused.
    pub fn call_refused(&self, kind: CallKind, reason: CallRefusal) {
        let reasons = self.calls.0.get(kind as usize);
        if let Some(counter) = reasons.and_then(|reasons| reasons.get(reason as usize)) {
            counter.increment(1);
        }
    }
}
