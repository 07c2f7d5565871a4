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
    condition::{ConditionState, Unmet},
    rule::Concession,
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
    identity: Arc<Identity>,
}

/// A value that exists only where a user's profile was read and found good. The room `profile` has
/// the one type that implements this.
pub trait ConfirmedByProfile {
    /// The profile.
    fn profile(&self) -> &Profile;
}

/// A request may pass, and this identity is what the service behind is told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Permit {
    reason: AllowReason,
    identity: Option<Arc<Identity>>,
}

impl<'a> ChosenRules<'a> {
    /// Asks each rule whether this identity may pass. `None` is a caller without a credential.
    ///
    /// # Errors
    ///
    /// The denial, if a condition of a rule is not met.
    pub fn decide(self, identity: Option<Arc<Identity>>) -> Result<Allowed<'a>, Denial> {
        let reads_credential = self.reads_credential();
        let identity = identity.filter(|_| reads_credential);
        match self.ask(identity.as_deref(), None) {
            ConditionState::Met => Ok(Allowed(Ok(match identity {
                Some(identity) => Permit::identified(identity),
                None if reads_credential => Permit::nobody(AllowReason::Anonymous),
                None => Permit::nobody(AllowReason::Public),
            }))),
            ConditionState::NeedsProfile => match identity {
                Some(identity) => Ok(Allowed(Err(Unconfirmed { rules: self, identity }))),
                // There is no profile of nobody.
                None => Err(DenyReason::CredentialMissing.into()),
            },
            ConditionState::Unmet(unmet) => Err(self.denial(&unmet)),
        }
    }

    /// A strict CORS preflight may pass, if each rule lets those pass. The caller has found that
    /// the request is one.
    #[must_use]
    pub fn preflight(&self) -> Option<Allowed<'a>> {
        self.concedes(Concession::CorsPreflight)
            .then(|| Allowed(Ok(Permit::nobody(AllowReason::CorsPreflight))))
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
        match self.rules.ask(Some(&self.identity), Some(proof.profile())) {
            ConditionState::Met => Ok(Permit::identified(self.identity)),
            ConditionState::Unmet(unmet) => Err(self.rules.denial(&unmet)),
            // A condition that is not content with the profile it has is a fault of its code.
            ConditionState::NeedsProfile => Err(DenyReason::Internal.into()),
        }
    }
}

impl Permit {
    const fn nobody(reason: AllowReason) -> Self {
        Self { reason, identity: None }
    }

    const fn identified(identity: Arc<Identity>) -> Self {
        Self { reason: AllowReason::Authenticated, identity: Some(identity) }
    }

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

    /// A permit out of nothing, for tests of the rooms above.
    #[cfg(test)]
    pub(crate) fn for_test(reason: AllowReason, identity: Option<Arc<Identity>>) -> Self {
        Self { reason, identity }
    }
}
