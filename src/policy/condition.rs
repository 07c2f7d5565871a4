//! One thing that a rule asks of a request, and the facts that it needs.
//!
//! In: the [`Evidence`] of a check. Out: a [`ConditionState`]: the condition is met, it is not, or the
//! user's profile has to be read first. To add a condition, add its variant here and follow the
//! compiler; then give it a setting in `config::Route`, which `rule.rs` has to read.

use std::sync::Arc;

use super::{
    evidence::{Evidence, Needs},
    requirement::{CompiledRequirement, FactSources},
    unmet::{Cause, ConditionState, Unmet},
};
use crate::model::AuthLevel;

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

impl Condition {
    /// The facts that this condition needs. A condition that looks at an identity only if another
    /// setting of the rule reads one needs none.
    pub(super) fn needs(&self) -> Needs {
        match self {
            Self::Credential | Self::AuthLevel(_) => Needs::default(),
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
