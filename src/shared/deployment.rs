//! The key of the deployment: digests that nobody can make without it, and ciphers of values.
//!
//! In: the key of the configuration. Out: the name of a secret in the store, and a value that only
//! the replicas can read.

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, RandomizedNonceKey},
    hmac,
};

use crate::{config::DeploymentKey, digest::hex};

/// Makes names and sealers of the key of the deployment.
pub struct Deployment {
    naming: hmac::Key,
    sealing: hmac::Key,
}

/// Seals and opens the values of one name. Each name has a key of its own, so a value cannot be
/// moved to another name.
pub struct Sealer {
    key: RandomizedNonceKey,
    name: String,
}

impl fmt::Debug for Deployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deployment").finish_non_exhaustive()
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").finish_non_exhaustive()
    }
}

impl Deployment {
    /// With the key of the configuration.
    #[must_use]
    pub fn new(key: &DeploymentKey) -> Self {
        let main = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
        let derived = |purpose: &[u8]| {
            let key = hmac::sign(&main, purpose);
            hmac::Key::new(hmac::HMAC_SHA256, key.as_ref())
        };
        Self { naming: derived(b"rownd-authz/names/1"), sealing: derived(b"rownd-authz/seals/1") }
    }

    /// The name of a secret: the same on every replica, and nothing of the secret is in it.
    #[must_use]
    pub fn name_of(&self, secret: &[u8]) -> String {
        hex(hmac::sign(&self.naming, secret).as_ref())
    }

    /// The sealer of this name. `None`: the library refuses the key, which its length rules out.
    #[must_use]
    pub fn sealer(&self, name: &str) -> Option<Sealer> {
        let key = hmac::sign(&self.sealing, name.as_bytes());
        let key = RandomizedNonceKey::new(&AES_256_GCM, key.as_ref()).ok()?;
        Some(Sealer { key, name: name.to_owned() })
    }
}

impl Sealer {
    /// The sealed value: nonce, cipher text, tag. `None`: the system gave no random bytes.
    #[must_use]
    pub fn seal(&self, value: &[u8]) -> Option<Vec<u8>> {
        let mut text = value.to_vec();
        let aad = Aad::from(self.name.as_bytes());
        let nonce = self.key.seal_in_place_append_tag(aad, &mut text).ok()?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.append(&mut text);
        Some(sealed)
    }

    /// The value that was sealed. `None`: it was sealed by another key or for another name, or was
    /// changed.
    #[must_use]
    pub fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = aws_lc_rs::aead::Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = text.to_vec();
        let aad = Aad::from(self.name.as_bytes());
        let opened = self.key.open_in_place(nonce, aad, &mut text).ok()?;
        Some(opened.to_vec())
    }
}
