//! A token that waits for a key of its issuer waits as bytes.
//!
//! In: a parsed token and the keys in memory. Out: nothing, once the key has come or will not come.
//! A parsed token may take twenty times its own length, and clients decide how many wait, so the
//! caller drops it and parses it again afterwards.

use tokio::time::Instant;

use super::{fetch_budget::ClaimedIssueTime, issuer::Issuer, key_ring::KeyRing, token::Token};
use crate::config::SigningAlgorithm;

/// The key that a token needs and that is not in memory.
#[derive(Debug)]
pub(super) struct MissingKey {
    kid: Option<String>,
    algorithm: SigningAlgorithm,
    issued: ClaimedIssueTime,
}

impl MissingKey {
    /// `None` if nothing is waited for: the key is there, nothing is fetched now, or the algorithm is
    /// not one of the issuer's.
    pub(super) fn of(token: &Token<'_>, issuer: &Issuer, ring: &KeyRing, now: u64) -> Option<Self> {
        let algorithm = issuer.algorithm(token).ok()?;
        ring.keys.find_in_memory(token.kid.as_deref(), algorithm).err()?;
        ring.keys.would_wait().then(|| Self {
            kid: token.kid.as_deref().map(str::to_owned),
            algorithm,
            issued: ClaimedIssueTime::new(token.claims.iat, now, issuer.leeway),
        })
    }

    /// Waits for it, until `deadline` at the longest. Whether it came is asked again by
    /// [`Issuer::verify`], which does not wait a second time: the fetch has ended, or the time has.
    pub(super) async fn wait(&self, ring: &KeyRing, deadline: Instant) {
        let kid = self.kid.as_deref();
        // A denial is made where the token is judged, with everything that is recorded of it.
        drop(ring.keys.find(kid, self.algorithm, self.issued, deadline).await);
    }
}
