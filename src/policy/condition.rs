//! One thing that a rule asks of a request, and the facts that it needs.
//!
//! In: the [`Evidence`] of a check. Out: a [`ConditionState`]: the condition is met, it is not, or the
//! user's profile has to be read first. To add a condition, add its variant here and follow the
//! compiler; then give it a setting in `config::Route`, which `rule.rs` has to read.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::{
    requirement::{CompiledRequirement, FactSources},
    variables::PathVariables,
};
use crate::{
    expression::ExpressionWork,
    model::{
        AuthLevel, CredentialSource, Denial, DenyReason, Explanation, Profile, RequestContext,
    },
    verify::Identity,
};

/// One thing that a rule asks.
#[derive(Debug)]
pub(super) enum Condition {
    /// The caller sent a credential that was verified (`auth: required`).
    Credential,
    /// The identity, where there is one, has at least this auth level (`auth_level`).
    AuthLevel(AuthLevel),
    /// The profile of the user, where one is known, was read and confirms the token
    /// (`freshness: profile`).
    CurrentProfile,
    /// The requirement holds (`require`).
    Requirement(CompiledRequirement),
    /// The profile of the user was read, where its issuer has profiles: what the service behind is
    /// told needs it.
    ProfileToTell(Arc<FactSources>),
    /// Any question, for tests of the evidence.
    #[cfg(test)]
    ForTest { needs: fn() -> Needs, ask: fn(&Evidence<'_>) -> ConditionState },
}

/// The facts that a condition may look at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Evidence<'a> {
    /// The request, as the proxy describes it.
    pub(super) request: &'a RequestContext,
    /// The variables of the path; none unless [`Needs::path_variables`] is set.
    pub(super) variables: &'a PathVariables,
    /// The verified identity; `None` if no credential was sent, or no rule reads one.
    pub(super) identity: Option<&'a Identity>,
    /// The profile of its user; `None` until it has been read.
    pub(super) profile: Option<&'a Profile>,
    /// Where the credential was found, if there is one.
    pub(super) source: Option<CredentialSource>,
    /// The time of the check, Unix seconds.
    pub(super) now: u64,
    /// The work that is left for expressions.
    pub(super) work: &'a ExpressionWork,
}

/// The facts that rules need before they can be asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// A credential is looked for, and verified if there is one.
    pub identity: bool,
    /// The user's profile may have to be read.
    pub profile: bool,
    /// The variables of the path are read.
    pub path_variables: bool,
    /// The names of the claims that an identity keeps, as [`ClaimNames`](crate::model::ClaimNames)
    /// writes them.
    pub claims: BTreeSet<String>,
}

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

impl Condition {
    /// The facts that this condition needs. A condition that looks at an identity only if another
    /// setting of the rule reads one needs none.
    pub(super) fn needs(&self) -> Needs {
        match self {
            Self::Credential => Needs { identity: true, ..Needs::default() },
            Self::AuthLevel(_) => Needs::default(),
            Self::CurrentProfile | Self::ProfileToTell(_) => {
                Needs { profile: true, ..Needs::default() }
            }
            Self::Requirement(requirement) => requirement.needs().clone(),
            #[cfg(test)]
            Self::ForTest { needs, .. } => needs(),
        }
    }

    /// The condition is not met by any caller without a credential, whatever else is true.
    pub(super) fn requires_credential(&self) -> bool {
        match self {
            Self::Credential => true,
            Self::AuthLevel(_)
            | Self::CurrentProfile
            | Self::ProfileToTell(_)
            | Self::Requirement(_) => false,
            #[cfg(test)]
            Self::ForTest { needs, .. } => needs().identity,
        }
    }

    /// Asks the condition about this evidence.
    pub(super) fn ask(&self, evidence: &Evidence<'_>) -> ConditionState {
        match self {
            Self::Credential => match evidence.identity {
                Some(_) => ConditionState::Met,
                None => ConditionState::Unmet(Cause::Credential.into()),
            },
            Self::AuthLevel(least) => match evidence.identity {
                Some(identity) if identity.auth_level < *least => {
                    let asked = format!("auth_level: {}", least.as_str()).into();
                    ConditionState::Unmet(Unmet::new(Cause::AuthLevel(*least), asked))
                }
                Some(_) | None => ConditionState::Met,
            },
            // The profile comes with the proof that it confirms the token.
            Self::CurrentProfile => match (evidence.identity, evidence.profile) {
                (Some(_), None) => ConditionState::NeedsProfile,
                (Some(_), Some(_)) | (None, _) => ConditionState::Met,
            },
            Self::ProfileToTell(sources) => match (evidence.identity, evidence.profile) {
                (Some(who), None) if sources.has_profile(who) => ConditionState::NeedsProfile,
                (Some(_) | None, _) => ConditionState::Met,
            },
            Self::Requirement(requirement) => requirement.ask(evidence),
            #[cfg(test)]
            Self::ForTest { ask, .. } => ask(evidence),
        }
    }
}

impl ConditionState {
    /// The same, asked by this rule.
    pub(super) fn at(self, rule: &Arc<str>) -> Self {
        match self {
            Self::Unmet(unmet) => Self::Unmet(unmet.at(rule)),
            Self::Met | Self::NeedsProfile => self,
        }
    }
}

impl Needs {
    /// Adds the needs of another condition or rule.
    pub(super) fn extend(&mut self, other: Self) {
        let Self { identity, profile, path_variables, claims } = other;
        self.identity |= identity;
        self.profile |= profile;
        self.path_variables |= path_variables;
        self.claims.extend(claims);
    }
}

impl Unmet {
    /// For this cause, where the configuration asked this.
    pub(super) const fn new(cause: Cause, asked: Arc<str>) -> Self {
        Self { cause, asked: Some(asked), rule: None }
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
            Cause::AuthLevel(least) => Denial::level_too_low(*least, step_up),
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
        Self { cause, asked: None, rule: None }
    }
}
