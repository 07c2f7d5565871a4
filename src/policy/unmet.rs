//! The state of conditions, and the denial where they are not met.

use std::{sync::Arc, time::Duration};

use crate::model::{AuthLevel, Denial, DenyReason, Explanation};

/// The state of a condition, the mildest first: of several states the greatest counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ConditionState {
    /// The condition is met.
    Met,
    /// The user's profile has to be read first.
    NeedsProfile,
    /// The condition is not met.
    Unmet(Unmet),
}

/// A condition that is not met, and what the configuration asked. Of several, the client is told the
/// greatest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Unmet {
    cause: Cause,
    /// The requirement, in the words of the configuration.
    asked: Option<Arc<str>>,
    /// The rule or the guard that asks it.
    rule: Option<Arc<str>>,
    /// Beside a level that is too low: the user also signed in longer ago than this.
    max_age: Option<Duration>,
}

/// The cause of a denial. The order is from what a client can do most about to what it can do least about;
/// a missing credential is told before everything else but a guard's no.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    /// The question of a test.
    #[cfg(test)]
    ForTest(&'static str),
    /// The user signed in longer ago than this, or it is not known when.
    MaxAge(Duration),
    /// The auth level is below this one.
    AuthLevel(AuthLevel),
    /// The token was issued too long ago, or it is not known when.
    TokenAge,
    /// One of these scopes is missing.
    Scopes(Arc<[Box<str>]>),
    /// A requirement cannot be judged: a fact is absent or has another type.
    Unknown,
    /// An expression has no value.
    Expression,
    /// A requirement is not met.
    Refused,
    /// There is no credential.
    Credential,
    /// The guard of this name says no.
    Guard(Arc<str>),
}

impl ConditionState {
    /// The same, asked by this rule.
    pub(super) fn at(self, rule: &Arc<str>) -> Self {
        match self {
            Self::Unmet(unmet) => Self::Unmet(unmet.at(rule)),
            Self::Met | Self::NeedsProfile => self,
        }
    }

    /// The state of this and another condition that both have to be met.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unmet(one), Self::Unmet(other)) => Self::Unmet(one.and(other)),
            (one, other) => one.max(other),
        }
    }
}

impl Unmet {
    /// For this cause, where the configuration asked this.
    pub(super) const fn new(cause: Cause, asked: Arc<str>) -> Self {
        Self { cause, asked: Some(asked), rule: None, max_age: None }
    }

    /// The one to tell of two conditions that both have to be met: the greater. One sign-in can be
    /// enough for a level and an age, so that both are told; of two ages, the shorter.
    pub(super) fn and(self, other: Self) -> Self {
        let shorter = self.longest_age().into_iter().chain(other.longest_age()).min();
        let mut told = self.max(other);
        if let (Cause::MaxAge(longest), Some(shorter)) = (&mut told.cause, shorter) {
            *longest = shorter;
        }
        told.max_age = shorter;
        told
    }

    /// The longest time since the sign-in that it would accept, where it asks for a sign-in.
    const fn longest_age(&self) -> Option<Duration> {
        match &self.cause {
            Cause::MaxAge(longest) => Some(*longest),
            Cause::AuthLevel(_) => self.max_age,
            #[cfg(test)]
            Cause::ForTest(_) => None,
            Cause::TokenAge
            | Cause::Scopes(_)
            | Cause::Unknown
            | Cause::Expression
            | Cause::Refused
            | Cause::Credential
            | Cause::Guard(_) => None,
        }
    }

    /// The same, asked by this rule.
    pub(super) fn at(mut self, rule: &Arc<str>) -> Self {
        self.rule = Some(rule.clone());
        self
    }

    /// The same, asked by this guard. Its denial is one of its own, except that of a caller who can do
    /// something about it: bring a credential, or sign in again.
    pub(super) fn by_guard(mut self, guard: &Arc<str>) -> Self {
        let by_itself = match &self.cause {
            #[cfg(test)]
            Cause::ForTest(_) => true,
            Cause::Credential | Cause::MaxAge(_) | Cause::TokenAge => false,
            Cause::AuthLevel(_)
            | Cause::Scopes(_)
            | Cause::Unknown
            | Cause::Expression
            | Cause::Refused
            | Cause::Guard(_) => true,
        };
        if by_itself {
            self.cause = Cause::Guard(guard.clone());
        }
        self.at(guard)
    }

    /// The denial. `step_up`: the client is told to sign in again with the higher auth level.
    pub(super) fn denial(&self, step_up: bool) -> Denial {
        let denial = match &self.cause {
            #[cfg(test)]
            Cause::ForTest(_) => DenyReason::AuthLevelTooLow.into(),
            Cause::MaxAge(longest) => Denial::authentication_too_old(*longest),
            Cause::AuthLevel(least) => {
                let denial = Denial::level_too_low(*least, step_up);
                match self.max_age {
                    Some(max_age) if step_up => denial.and_max_age(max_age),
                    Some(_) | None => denial,
                }
            }
            Cause::TokenAge => Denial::token_too_old(),
            Cause::Scopes(scopes) => Denial::scopes_missing(scopes.clone()),
            Cause::Unknown => Denial::requirement_unknown(),
            Cause::Expression => Denial::expression_failed(),
            Cause::Refused => Denial::requirement_unmet(),
            Cause::Credential => DenyReason::CredentialMissing.into(),
            Cause::Guard(guard) => Denial::guard_refused(guard.clone()),
        };
        match (&self.rule, &self.asked) {
            (Some(rule), Some(asked)) => {
                denial.explained(Explanation { rule: rule.clone(), required: asked.clone() })
            }
            (None, _) | (_, None) => denial,
        }
    }
}

impl From<Cause> for Unmet {
    fn from(cause: Cause) -> Self {
        Self { cause, asked: None, rule: None, max_age: None }
    }
}
