//! The steps of a check, as the rooms record them: one record for logs, `token inspect` and
//! explanations.
//!
//! In: a [`Step`] from the room that takes it. Out: whatever a [`StepRecorder`] keeps of it. A
//! recorder that keeps no details costs nothing for them: the call compiles away.

use std::sync::Arc;

use super::{
    identity::{AuthLevel, CredentialSource},
    reason::{AllowReason, DenyReason},
};

/// One step of a check. Nothing in it is a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// This rule does not apply to the request.
    RuleSkipped {
        /// Its id.
        rule: Arc<str>,
        /// The part of the request that it does not match: `method`, `host`, `path`, `principal`,
        /// `header` or `query`; `name` for a rule that holds only where the proxy names it.
        because: &'static str,
    },
    /// This rule applies: its id, or `default`.
    RuleChosen(Arc<str>),
    /// The request is a CORS preflight that the rule lets pass.
    Preflight,
    /// The rule asks for no credential, and none was looked for.
    CredentialNotWanted,
    /// None of the configured places holds a credential.
    CredentialAbsent,
    /// A credential was found there.
    CredentialFound(CredentialSource),
    /// An expired cookie counts as no credential on this rule.
    ExpiredCookieIgnored,
    /// The token was verified before; its times, its key and revocations are judged again.
    ClaimsCached,
    /// The token was refused before, and that still holds.
    RefusalCached(DenyReason),
    /// The token names this issuer, by its configured name.
    IssuerChosen(Arc<str>),
    /// The issuer's key of this name verifies the token's signature, or does not.
    SignatureChecked {
        /// The name of the key, where the token has one.
        key: Option<Box<str>>,
        /// The signature is good.
        good: bool,
    },
    /// The signature could not be checked: no key for it is known now.
    KeyAbsent {
        /// The name of the key, where the token has one.
        key: Option<Box<str>>,
        /// Other keys of the issuer are known.
        others_known: bool,
    },
    /// The claims were judged.
    ClaimsJudged(Result<(), DenyReason>),
    /// The caller is known.
    Identified {
        /// The configured name of its issuer.
        issuer: Arc<str>,
        /// Its user id at that issuer.
        user_id: Box<str>,
        /// How strongly the user proved who they are.
        auth_level: AuthLevel,
    },
    /// The rule was held against the identity, or against there being none.
    Decided(Result<AllowReason, DenyReason>),
    /// The user's profile was asked.
    ProfileAsked(Result<(), DenyReason>),
    /// The headers for the service behind are made.
    HeadersMade {
        /// How many are set.
        set: usize,
        /// How many are removed.
        removed: usize,
    },
}

/// Takes the steps of one check, in order.
pub trait StepRecorder {
    /// Details are kept. Where not, they are not even made.
    const DETAILED: bool;

    /// Takes a step that costs nothing to make.
    fn record(&mut self, step: Step);

    /// The signature of the token was checked now, and is good: its claims were not in the cache.
    fn verified_anew(&mut self) {}

    /// Takes steps that are made only for recorders that keep details.
    fn details(&mut self, steps: impl FnOnce() -> Vec<Step>)
    where
        Self: Sized,
    {
        if Self::DETAILED {
            steps().into_iter().for_each(|step| self.record(step));
        }
    }

    /// Takes a step that is made only for recorders that keep details.
    fn detail(&mut self, step: impl FnOnce() -> Step)
    where
        Self: Sized,
    {
        if Self::DETAILED {
            self.record(step());
        }
    }
}

/// Keeps nothing.
impl StepRecorder for () {
    const DETAILED: bool = false;

    fn record(&mut self, _: Step) {}
}

/// Keeps every step.
impl StepRecorder for Vec<Step> {
    const DETAILED: bool = true;

    fn record(&mut self, step: Step) {
        self.push(step);
    }
}
