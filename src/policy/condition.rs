//! One thing that a rule asks of a request, and the facts that it needs.
//!
//! In: the [`Evidence`] of a check. Out: a [`ConditionState`]: the condition is met, it is not, or the
//! user's profile has to be read first. To add a condition, add its variant here and follow the
//! compiler; then give it a setting in `config::Route`, which `rule.rs` has to read.

use std::collections::BTreeSet;

use super::variables::PathVariables;
use crate::{
    model::{AuthLevel, Denial, DenyReason, Profile, RequestContext},
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
    /// Any question, for tests of the evidence.
    #[cfg(test)]
    ForTest { needs: fn() -> Needs, ask: fn(&Evidence<'_>) -> ConditionState },
}

/// The facts that a condition may look at.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(test), expect(dead_code, reason = "no setting asks for all of it yet"))]
pub(super) struct Evidence<'a> {
    /// The request, as the proxy describes it.
    pub(super) request: &'a RequestContext,
    /// The variables of the path; none unless [`Needs::path_variables`] is set.
    pub(super) variables: &'a PathVariables,
    /// The verified identity; `None` if no credential was sent, or no rule reads one.
    pub(super) identity: Option<&'a Identity>,
    /// The profile of its user; `None` until it has been read.
    pub(super) profile: Option<&'a Profile>,
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

/// A condition that is not met. Of several, the client is told the greatest: a missing credential
/// before everything else, then the highest auth level.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unmet {
    /// The question of a test.
    #[cfg(test)]
    ForTest(&'static str),
    /// The auth level is below this one.
    AuthLevel(AuthLevel),
    /// There is no credential.
    Credential,
}

impl Condition {
    /// The facts that this condition needs. A condition that looks at an identity only if another
    /// setting of the rule reads one needs none.
    pub(super) fn needs(&self) -> Needs {
        match self {
            Self::Credential => Needs { identity: true, ..Needs::default() },
            Self::AuthLevel(_) => Needs::default(),
            Self::CurrentProfile => Needs { profile: true, ..Needs::default() },
            #[cfg(test)]
            Self::ForTest { needs, .. } => needs(),
        }
    }

    /// The condition is not met by any caller without a credential, whatever else is true.
    pub(super) fn requires_credential(&self) -> bool {
        match self {
            Self::Credential => true,
            Self::AuthLevel(_) | Self::CurrentProfile => false,
            #[cfg(test)]
            Self::ForTest { needs, .. } => needs().identity,
        }
    }

    /// Asks the condition about this evidence.
    pub(super) fn ask(&self, evidence: &Evidence<'_>) -> ConditionState {
        match self {
            Self::Credential => match evidence.identity {
                Some(_) => ConditionState::Met,
                None => ConditionState::Unmet(Unmet::Credential),
            },
            Self::AuthLevel(least) => match evidence.identity {
                Some(identity) if identity.auth_level < *least => {
                    ConditionState::Unmet(Unmet::AuthLevel(*least))
                }
                Some(_) | None => ConditionState::Met,
            },
            // The profile comes with the proof that it confirms the token.
            Self::CurrentProfile => match (evidence.identity, evidence.profile) {
                (Some(_), None) => ConditionState::NeedsProfile,
                (Some(_), Some(_)) | (None, _) => ConditionState::Met,
            },
            #[cfg(test)]
            Self::ForTest { ask, .. } => ask(evidence),
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
    /// The denial. `step_up`: the client is told to sign in again with the higher auth level.
    pub(super) fn denial(&self, step_up: bool) -> Denial {
        match self {
            #[cfg(test)]
            Self::ForTest(_) => DenyReason::AuthLevelTooLow.into(),
            Self::AuthLevel(least) => Denial::level_too_low(*least, step_up),
            Self::Credential => DenyReason::CredentialMissing.into(),
        }
    }
}
