//! The identity of a verified token. A value of this type is the proof that a token was verified.
//!
//! In: the facts that a token's claims state, and the proof that its signature is good. Out: an
//! [`Identity`], which every room can read and no other room can make or change.

use std::ops::Deref;

use super::jwks::GoodSignature;
use crate::model::{IdentityFacts, KeptHeaders};

/// The user, session and app of a verified token.
///
/// Its facts are read as fields: `identity.user_id`. They cannot be changed, and only `verify` can
/// make an identity: the constructor is private to that room, and there is no `Default`. A copy is
/// an identity too, as it states the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    facts: IdentityFacts,
    /// The headers that tell these facts to the service behind, as far as they are kept.
    pub headers: KeptHeaders,
}

impl Identity {
    /// The identity that the claims of a token state. The proof is that of the same token.
    pub(super) fn new(facts: IdentityFacts, _proof: GoodSignature) -> Self {
        Self { facts, headers: KeptHeaders::default() }
    }

    /// The same user at another app that the same verified token is made for.
    pub(super) fn at_app(&self, app_id: &str) -> Self {
        let mut facts = self.facts.clone();
        facts.app_id = Some(app_id.to_owned());
        Self { facts, headers: KeptHeaders::default() }
    }

    /// An identity that no token states, for unit tests of the rooms that read identities.
    #[cfg(test)]
    pub(crate) fn for_test(facts: IdentityFacts) -> Self {
        Self { facts, headers: KeptHeaders::default() }
    }
}

/// Read access to the facts. There is no `DerefMut`.
impl Deref for Identity {
    type Target = IdentityFacts;

    fn deref(&self) -> &IdentityFacts {
        &self.facts
    }
}
