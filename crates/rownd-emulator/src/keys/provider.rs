//! The keys of the OpenID providers: one set for each algorithm.

use std::sync::{PoisonError, RwLock};

use serde_json::{Value, json};

use super::{
    ed25519::KeyRing,
    rotation::{KeyError, Rotated, Rotation},
    rsa::RsaRing,
};
use crate::data::clients::Signing;

/// The keys of the providers, one set for each algorithm.
pub(crate) struct ProviderKeys {
    pub(crate) rsa: RsaRing,
    eddsa: RwLock<KeyRing>,
}

impl ProviderKeys {
    /// Makes the keys. Their `kid`s begin at 1, far from those of Rownd's own keys, so that no `kid` is
    /// in both sets.
    pub(crate) fn new() -> Result<Self, KeyError> {
        Ok(Self {
            rsa: RsaRing::new(|serial| format!("oidc-{serial}"), 1),
            eddsa: RwLock::new(KeyRing::generate(1)?),
        })
    }

    /// Makes a new signing key for this algorithm.
    pub(crate) fn rotate(&self, signing: Signing, how: Rotation) -> Result<Rotated, KeyError> {
        match signing {
            Signing::RS256 => self.rsa.rotate(how),
            Signing::EdDSA => {
                self.eddsa.write().unwrap_or_else(PoisonError::into_inner).rotate(how)
            }
        }
    }

    /// The key set of the providers with this algorithm.
    pub(crate) fn key_set(&self, signing: Signing) -> Result<Value, KeyError> {
        match signing {
            Signing::RS256 => Ok(json!({ "keys": self.rsa.published()? })),
            Signing::EdDSA => {
                Ok(self.eddsa.read().unwrap_or_else(PoisonError::into_inner).key_set())
            }
        }
    }

    /// Signs claims under a header with `typ`.
    pub(crate) fn sign(
        &self,
        signing: Signing,
        kind: &str,
        claims: &Value,
    ) -> Result<String, KeyError> {
        match signing {
            Signing::RS256 => {
                self.rsa.sign(&[("typ".to_owned(), json!(kind))].into_iter().collect(), claims)
            }
            Signing::EdDSA => {
                let ring = self.eddsa.read().unwrap_or_else(PoisonError::into_inner);
                ring.sign_typed(kind, claims)
            }
        }
    }
}
