//! The decision, and the types that stand between it and its effect. A request is let through by a
//! [`Permit`] alone, and only this file makes one: from a decision, and where a rule asks for the
//! user's profile, from its confirmation.
//!
//! ```text
//! ChosenRules::decide -> Allowed --permit()--> Permit
//!                           |                    ^
//!                           '--> Unconfirmed ----'  confirmed(proof): the rules are asked again,
//!                                                   now with the profile
//! ```

use std::sync::Arc;

use super::{
    chosen::ChosenRules,
    granted::GrantedRule,
    presented::Presented,
    rule::Concession,
    shadow::ShadowOutcome,
    unmet::{ConditionState, Unmet},
};
use crate::{
    model::{AllowReason, Denial, DenyReason, Profile},
    verify::Identity,
};

/// The rules allow the request, as far as they can say without the user's profile.
#[derive(Debug)]
#[must_use]
pub struct Allowed<'a>(Result<Permit, Unconfirmed<'a>>);

/// The rules allow the request if the profile of this identity's user says so too.
#[derive(Debug)]
#[must_use]
pub struct Unconfirmed<'a> {
    rules: ChosenRules<'a>,
    presented: Presented,
    identity: Arc<Identity>,
}

/// A value that exists only where a user's profile was read and found good. The room `profile` has
/// the one type that implements this.
pub trait ConfirmedByProfile {
    /// The profile.
    fn profile(&self) -> &Arc<Profile>;
}

/// A request may pass, and this identity is what the service behind is told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Permit {
    reason: AllowReason,
    identity: Option<Arc<Identity>>,
    profile: Option<Arc<Profile>>,
    granted: Vec<GrantedRule>,
    shadows: Vec<ShadowOutcome>,
}

impl<'a> ChosenRules<'a> {
    /// Asks each guard and each rule whether this caller may pass.
    ///
    /// # Errors
    ///
    /// The denial, if a condition of a guard or a rule is not met.
    pub fn decide(self, presented: impl Into<Presented>) -> Result<Allowed<'a>, Denial> {
        let reads_credential = self.reads_credential();
        let presented = presented.into().where_read(reads_credential);
        match self.ask(&presented, None) {
            ConditionState::Met => Ok(Allowed(Ok(match presented.identity {
                Some(identity) => self.permit_of(identity, None),
                None if reads_credential => self.permit_of_nobody(AllowReason::Anonymous),
                None => self.permit_of_nobody(AllowReason::Public),
            }))),
            ConditionState::NeedsProfile => match presented.identity.clone() {
                Some(identity) => {
                    Ok(Allowed(Err(Unconfirmed { rules: self, presented, identity })))
                }
                // There is no profile of nobody.
                None => Err(DenyReason::CredentialMissing.into()),
            },
            ConditionState::Unmet(unmet) => Err(self.denial(&unmet)),
        }
    }

    /// A strict CORS preflight may pass, if each rule lets those pass and no guard says no: `None`
    /// where a rule does not. The caller has found that the request is one.
    #[must_use]
    pub fn preflight(&self) -> Option<Result<Allowed<'a>, Denial>> {
        if !self.concedes(Concession::CorsPreflight) {
            return None;
        }
        let nobody = Presented::nobody();
        Some(match self.ask_guards(&nobody, None, false) {
            ConditionState::Met => {
                Ok(Allowed(Ok(self.permit_of_nobody(AllowReason::CorsPreflight))))
            }
            // There is no profile of nobody.
            ConditionState::NeedsProfile => Err(DenyReason::CredentialMissing.into()),
            ConditionState::Unmet(unmet) => Err(self.denial(&unmet)),
        })
    }

    fn permit_of(&self, identity: Arc<Identity>, profile: Option<Arc<Profile>>) -> Permit {
        Permit {
            reason: AllowReason::Authenticated,
            identity: Some(identity),
            profile,
            granted: self.granted(),
            shadows: Vec::new(),
        }
    }

    fn permit_of_nobody(&self, reason: AllowReason) -> Permit {
        Permit {
            reason,
            identity: None,
            profile: None,
            granted: self.granted(),
            shadows: Vec::new(),
        }
    }

    fn denial(&self, unmet: &Unmet) -> Denial {
        unmet.denial(self.concedes(Concession::StepUp))
    }
}

impl<'a> Allowed<'a> {
    /// Why it is allowed.
    #[must_use]
    pub const fn reason(&self) -> AllowReason {
        match &self.0 {
            Ok(permit) => permit.reason,
            Err(_unconfirmed) => AllowReason::Authenticated,
        }
    }

    /// The permit.
    ///
    /// # Errors
    ///
    /// [`Unconfirmed`], if a rule needs the user's profile: it has to be confirmed first.
    pub fn permit(self) -> Result<Permit, Unconfirmed<'a>> {
        self.0
    }
}

impl Unconfirmed<'_> {
    /// The identity whose user's profile has to be read.
    #[must_use]
    pub const fn identity(&self) -> &Arc<Identity> {
        &self.identity
    }

    /// Asks the rules again, with the profile that confirms the token.
    ///
    /// # Errors
    ///
    /// The denial, if a condition of a rule is not met by the profile.
    pub fn confirmed(self, proof: &impl ConfirmedByProfile) -> Result<Permit, Denial> {
        let profile = proof.profile();
        match self.rules.ask(&self.presented, Some(profile)) {
            ConditionState::Met => {
                let mut permit = self.rules.permit_of(self.identity, Some(profile.clone()));
                permit.shadows = self.rules.shadows(&self.presented, Some(profile));
                Ok(permit)
            }
            ConditionState::Unmet(unmet) => Err(self.rules.denial(&unmet)),
            // A condition that is not content with the profile it has is a fault of its code.
            ConditionState::NeedsProfile => Err(DenyReason::Internal.into()),
        }
    }
}

impl Permit {
    /// Why the request may pass.
    #[must_use]
    pub const fn reason(&self) -> AllowReason {
        self.reason
    }

    /// The caller's identity; `None` where there is none, or no rule reads one.
    #[must_use]
    pub const fn identity(&self) -> Option<&Arc<Identity>> {
        self.identity.as_ref()
    }

    /// The profile of the user, where a rule needed it.
    #[must_use]
    pub const fn profile(&self) -> Option<&Arc<Profile>> {
        self.profile.as_ref()
    }

    /// The rules that let the request pass and that have something to tell the service behind, each
    /// with its variables of the path. In the usual case it is one; there are several where servers
    /// read the request differently.
    #[must_use]
    pub fn granted(&self) -> &[GrantedRule] {
        &self.granted
    }

    /// The decisions of rules and guards in shadow, now that the profile is known; none where it was not
    /// read.
    #[must_use]
    pub fn shadows(&self) -> &[ShadowOutcome] {
        &self.shadows
    }

    /// A permit out of nothing, for tests of the rooms above.
    #[cfg(test)]
    pub(crate) const fn for_test(reason: AllowReason, identity: Option<Arc<Identity>>) -> Self {
        Self { reason, identity, profile: None, granted: Vec::new(), shadows: Vec::new() }
    }
}
