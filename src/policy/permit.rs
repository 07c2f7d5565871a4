//! The types that stand between a decision and its effect. A request is let through by a
//! [`Permit`] alone, and only this file makes one: from a decision, and where the rule asks for the
//! user's profile, from its confirmation.
//!
//! ```text
//! Requirement::decide -> Allowed --permit()--> Permit
//!                           |                    ^
//!                           '--> Unconfirmed ----'  confirmed(proof)
//! ```

use std::sync::Arc;

use crate::{model::AllowReason, verify::Identity};

/// Policy's yes to a request, which may still have to be confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Allowed {
    reason: AllowReason,
    identity: Option<Arc<Identity>>,
    needs_profile: bool,
}

impl Allowed {
    /// Without an identity there is nothing to confirm.
    pub(super) const fn nobody(reason: AllowReason) -> Self {
        Self { reason, identity: None, needs_profile: false }
    }

    pub(super) const fn identified(identity: Arc<Identity>, needs_profile: bool) -> Self {
        Self { reason: AllowReason::Authenticated, identity: Some(identity), needs_profile }
    }

    /// Why it is allowed.
    #[must_use]
    pub const fn reason(&self) -> AllowReason {
        self.reason
    }

    /// The permit.
    ///
    /// # Errors
    ///
    /// [`Unconfirmed`], if the rule asks for the user's profile: it has to be confirmed first.
    pub fn permit(self) -> Result<Permit, Unconfirmed> {
        let Self { reason, identity, needs_profile } = self;
        match identity {
            Some(identity) if needs_profile => Err(Unconfirmed { reason, identity }),
            identity => Ok(Permit { reason, identity }),
        }
    }
}

/// Policy's yes, to be confirmed by the profile of this identity.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Unconfirmed {
    reason: AllowReason,
    identity: Arc<Identity>,
}

impl Unconfirmed {
    /// Whose profile has to confirm it.
    #[must_use]
    pub const fn identity(&self) -> &Arc<Identity> {
        &self.identity
    }

    /// The permit, by the proof that the profile confirms it.
    pub fn confirmed(self, _proof: impl ConfirmedByProfile) -> Permit {
        Permit { reason: self.reason, identity: Some(self.identity) }
    }
}

/// A value that exists only where a user's profile was read and found good. The room `profile` has
/// the one type that implements this.
pub trait ConfirmedByProfile {}

/// A request may pass, and this identity is what the service behind is told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Permit {
    reason: AllowReason,
    identity: Option<Arc<Identity>>,
}

impl Permit {
    /// Why the request may pass.
    #[must_use]
    pub const fn reason(&self) -> AllowReason {
        self.reason
    }

    /// The caller's identity; `None` where there is none, or none is asked for.
    #[must_use]
    pub const fn identity(&self) -> Option<&Arc<Identity>> {
        self.identity.as_ref()
    }

    /// A permit out of nothing, for tests of what comes after policy.
    #[cfg(test)]
    pub(crate) fn for_test(reason: AllowReason, identity: Option<Arc<Identity>>) -> Self {
        Self { reason, identity }
    }
}
