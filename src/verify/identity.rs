//! The identity of a verified token. A value of this type is the proof that a token was verified.
//!
//! In: the facts that a token's claims state, and the proof that its signature is good. Out: an
//! [`Identity`], which every room can read and no other room can make or change.

use std::ops::Deref;

use super::jwks::GoodSignature;
use crate::{
    digest::Sha256,
    model::{Derived, IdentityFacts},
};

/// The user, session and app of a verified token.
///
/// Its facts are read as fields: `identity.user_id`. They cannot be changed, and only `verify` can
/// make an identity: the constructor is private to that room, and there is no `Default`. A copy is
/// an identity too, as it states the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    facts: IdentityFacts,
    /// SHA-256 of the whole token.
    fingerprint: Sha256,
    /// A value that a higher room computed from these facts. Not a part of the identity.
    pub derived: Derived,
}

impl Identity {
    /// The identity that the claims of a token state. The proof is that of the same token.
    pub(super) fn new(facts: IdentityFacts, fingerprint: Sha256, _proof: GoodSignature) -> Self {
        Self { facts, fingerprint, derived: Derived::new() }
    }

    /// SHA-256 of the whole token: no other token has it.
    #[must_use]
    pub const fn fingerprint(&self) -> &Sha256 {
        &self.fingerprint
    }

    /// The same user at another app that the same verified token is made for.
    pub(super) fn at_app(&self, app_id: &str) -> Self {
        let mut facts = self.facts.clone();
        facts.app_id = Some(app_id.to_owned());
        Self { facts, fingerprint: self.fingerprint, derived: Derived::new() }
    }

    /// An identity that no token states, for unit tests of the rooms that read identities.
    #[cfg(test)]
    pub(crate) fn for_test(facts: IdentityFacts) -> Self {
        Self::of_token_for_test(facts, b"")
    }

    /// The same, of a token of this text.
    #[cfg(test)]
    pub(crate) fn of_token_for_test(facts: IdentityFacts, token: &[u8]) -> Self {
        Self { facts, fingerprint: crate::digest::sha256(token), derived: Derived::new() }
    }
}

/// Read access to the facts. There is no `DerefMut`.
impl Deref for Identity {
    type Target = IdentityFacts;

    fn deref(&self) -> &IdentityFacts {
        &self.facts
    }
}
