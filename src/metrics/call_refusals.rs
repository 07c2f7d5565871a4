//! gRPC calls that were refused before their message was read, by kind and reason.

use metrics::{Counter, counter, describe_counter};
use strum::{IntoStaticStr, VariantArray};

use super::{Metrics, label::ByLabel};

/// The kind of a call, by how long it may last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum CallKind {
    /// Envoy's `Check`.
    Check,
    /// A call that is answered once: of RowndAuth, or of health.
    Call,
    /// A call that stays open: health's `Watch`, reflection.
    Lasting,
}

/// Why a call was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum CallRefusal {
    /// Too many calls at a time, over all connections or on this one.
    Streams,
    /// Too many bytes of unfinished messages at a time.
    Memory,
    /// The message is larger than its method takes.
    TooLarge,
    /// The message did not arrive in time.
    Deadline,
}

const NAME: &str = "rownd_authz_calls_refused_total";

/// The series of this file.
pub(super) struct CallRefusalSeries(ByLabel<CallKind, ByLabel<CallRefusal, Counter>>);

impl CallRefusalSeries {
    pub(super) fn register() -> Self {
        describe_counter!(NAME, "gRPC calls refused before they were read, by kind and reason.");
        Self(ByLabel::new(|kind| {
            ByLabel::new(|reason| counter!(NAME, "kind" => kind, "reason" => reason))
        }))
    }
}

impl Metrics {
    /// A call was refused.
    pub fn call_refused(&self, kind: CallKind, reason: CallRefusal) {
        if let Some(counter) = self.call_refusals.0.get(kind).and_then(|kind| kind.get(reason)) {
            counter.increment(1);
        }
    }
}
