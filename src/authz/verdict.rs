//! The end of a check, ready to be encoded by a door. Only a permit makes it an allow.

use super::{edits::RequestEdits, facts::VerdictFacts};
use crate::{
    model::{AllowReason, Denial, Redirect, ResponseEdits},
    policy::Permit,
};

/// The end of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The request may pass.
    Allow(Allowance),
    /// The request may not pass.
    Deny {
        /// The reason, and what the client needs to do better.
        denial: Denial,
        /// The redirect that the client gets instead of the denial, if there is one.
        redirect: Option<Redirect>,
        /// The additions to the response that the client gets.
        response: ResponseEdits,
        /// The facts of the check.
        facts: VerdictFacts,
    },
}

/// A request that may pass, with what changes in it. Only this room makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    permit: Permit,
    request: RequestEdits,
    response: ResponseEdits,
    facts: VerdictFacts,
}

impl Allowance {
    pub(super) const fn new(
        permit: Permit,
        request: RequestEdits,
        response: ResponseEdits,
        facts: VerdictFacts,
    ) -> Self {
        Self { permit, request, response, facts }
    }

    /// An allowance without a decision, for tests of the doors.
    #[cfg(test)]
    pub(crate) fn for_test(
        reason: AllowReason,
        request: RequestEdits,
        response: ResponseEdits,
        facts: VerdictFacts,
    ) -> Self {
        let permit = Permit::for_test(reason, facts.identity.clone());
        Self { permit, request, response, facts }
    }

    /// Why the request may pass.
    #[must_use]
    pub const fn reason(&self) -> AllowReason {
        self.permit.reason()
    }

    /// The changes to the request on its way to the service behind.
    #[must_use]
    pub const fn request(&self) -> &RequestEdits {
        &self.request
    }

    /// The additions to the response of the service behind.
    #[must_use]
    pub const fn response(&self) -> &ResponseEdits {
        &self.response
    }
}

impl Verdict {
    /// A plain denial.
    #[must_use]
    pub fn denied(denial: Denial, facts: VerdictFacts) -> Self {
        Self::Deny { denial, redirect: None, response: ResponseEdits::default(), facts }
    }

    /// The reason of an allow.
    ///
    /// # Errors
    ///
    /// The denial, if the request may not pass.
    pub const fn result(&self) -> Result<AllowReason, &Denial> {
        match self {
            Self::Allow(allowance) => Ok(allowance.reason()),
            Self::Deny { denial, .. } => Err(denial),
        }
    }

    /// The word of the reason.
    #[must_use]
    pub const fn reason_code(&self) -> &'static str {
        match self.result() {
            Ok(reason) => reason.code(),
            Err(denial) => denial.reason().code(),
        }
    }

    /// The facts of the check.
    #[must_use]
    pub const fn facts(&self) -> &VerdictFacts {
        match self {
            Self::Allow(allowance) => &allowance.facts,
            Self::Deny { facts, .. } => facts,
        }
    }
}
