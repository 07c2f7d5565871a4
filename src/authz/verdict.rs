//! The end of a check, ready to be encoded by a door. A yes is made from a permit alone.

use std::sync::Arc;

use bytes::Bytes;

use super::edits::RequestEdits;
use crate::{
    model::{AllowReason, CallerProtocol, Denial},
    policy::Permit,
    verify::Identity,
};

/// What a verdict says of its rule before one was chosen.
pub(super) const NO_RULE: &str = "-";

/// What a verdict says about itself, in dynamic metadata, body and log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerdictFacts {
    /// The route that was judged by; `default` where none matched, `-` before one was chosen.
    pub rule: Arc<str>,
    /// Who asked, where that is known.
    pub identity: Option<Arc<Identity>>,
    /// The id by which the request is found in other logs; at most 64 visible ASCII characters.
    pub request_id: Bytes,
    /// The caller's trace id (W3C), where the request has one.
    pub trace_id: Option<Bytes>,
    /// The protocol the caller speaks: it decides the form of a denial.
    pub protocol: CallerProtocol,
}

impl VerdictFacts {
    /// Nothing is known of the request.
    pub(super) fn unknown() -> Self {
        Self {
            rule: NO_RULE.into(),
            identity: None,
            request_id: Bytes::new(),
            trace_id: None,
            protocol: CallerProtocol::Http,
        }
    }
}

/// The end of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The request may pass.
    Allow(Allowance),
    /// The request may not pass.
    Deny {
        /// Why.
        denial: Denial,
        /// About the check.
        facts: VerdictFacts,
    },
}

/// A request that may pass, with what changes in its headers. Only this room makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    permit: Permit,
    request: RequestEdits,
    facts: VerdictFacts,
}

impl Allowance {
    pub(super) fn new(permit: Permit, request: RequestEdits, facts: VerdictFacts) -> Self {
        Self { permit, request, facts }
    }

    /// An allowance out of nothing, for tests of the doors.
    #[cfg(test)]
    pub(crate) fn for_test(
        reason: AllowReason,
        request: RequestEdits,
        facts: VerdictFacts,
    ) -> Self {
        let permit = Permit::for_test(reason, facts.identity.clone());
        Self { permit, request, facts }
    }

    /// Why the request may pass.
    #[must_use]
    pub const fn reason(&self) -> AllowReason {
        self.permit.reason()
    }

    /// What changes in the request on its way to the service behind.
    #[must_use]
    pub const fn request(&self) -> &RequestEdits {
        &self.request
    }
}

impl Verdict {
    /// The word of the reason.
    #[must_use]
    pub const fn reason_code(&self) -> &'static str {
        match self {
            Self::Allow(allowance) => allowance.reason().code(),
            Self::Deny { denial, .. } => denial.reason().code(),
        }
    }

    /// About the check.
    #[must_use]
    pub const fn facts(&self) -> &VerdictFacts {
        match self {
            Self::Allow(allowance) => &allowance.facts,
            Self::Deny { facts, .. } => facts,
        }
    }
}
