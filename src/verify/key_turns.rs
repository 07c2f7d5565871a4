//! Turns for tokens that several keys fit, as they name none: who may cost more than one signature.
//!
//! In: a token and the few keys that may have signed it. Out: the proof of the one that did. The two
//! keys that verified last are tried at once; before two have verified, the first one. Every other
//! try waits for a turn, of which an issuer has one at a time, and lets other checks run after it: a
//! flood of forged tokens takes no more than one worker's time beyond its first tries, and a genuine
//! caller's token is usually verified by one of them.

use std::{
    cmp::Reverse,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    sync::Semaphore,
    task::yield_now,
    time::{Instant, timeout_at},
};

use super::{
    jwks::{GoodSignature, Key},
    token::Token,
};
use crate::{
    config::SigningAlgorithm,
    model::{Denial, DenyReason},
};

/// Checks of one issuer that may wait for a turn: each holds a parsed token, which takes many times
/// its own length, and a flood must not fill the places of all checks in flight.
const MAX_WAITING: usize = 64;

/// The keys that verified last and are tried without a turn: while an issuer rotates, two are in use
/// at the same time, and a flood must not keep the callers of either waiting.
const MAX_AT_ONCE: usize = 2;

/// The part of a token that a signature is about, and the signature.
#[derive(Debug, Clone, Copy)]
pub(super) struct SignedPart<'a> {
    algorithm: SigningAlgorithm,
    signed: &'a [u8],
    signature: &'a [u8],
}

impl<'a> SignedPart<'a> {
    /// The signed part of a token, by one algorithm.
    pub(super) const fn of(token: &Token<'a>, algorithm: SigningAlgorithm) -> Self {
        Self { algorithm, signed: token.signed, signature: token.signature }
    }

    /// The proof that this key made the signature.
    pub(super) fn check(&self, key: &Arc<Key>) -> Option<GoodSignature> {
        key.check(self.algorithm, self.signed, self.signature)
    }
}

/// The turns of one issuer.
#[derive(Debug)]
pub(super) struct KeyTurns {
    /// One permit: a turn.
    turn: Semaphore,
    /// The places of those who wait for a turn or have it.
    places: Semaphore,
    /// The number of tokens that were verified here.
    matches: AtomicU64,
}

impl KeyTurns {
    /// All turns and places are free.
    pub(super) const fn new() -> Self {
        Self {
            turn: Semaphore::const_new(1),
            places: Semaphore::const_new(MAX_WAITING),
            matches: AtomicU64::new(0),
        }
    }

    /// The proof of the key that made the signature, where one of them did and is still in use, by
    /// `in_use`, when it is found.
    ///
    /// # Errors
    ///
    /// A denial where no turn is free until `deadline`, or the key went out of use meanwhile.
    pub(super) async fn find_signer(
        &self,
        keys: &[Arc<Key>],
        of: SignedPart<'_>,
        deadline: Instant,
        in_use: impl Fn(&Arc<Key>) -> bool,
    ) -> Result<Option<GoodSignature>, Denial> {
        let mut keys: Vec<&Arc<Key>> = keys.iter().collect();
        keys.sort_by_key(|key| Reverse(key.matched()));
        let pending = || Denial::from(DenyReason::KeyPending);
        let live = keys.iter().filter(|key| key.matched() > 0).count().clamp(1, MAX_AT_ONCE);
        let (first, others) = keys.split_at_checked(live).unwrap_or((&keys, &[]));
        for (index, key) in first.iter().enumerate() {
            if index > 0 {
                // Other checks of this worker come first.
                yield_now().await;
            }
            if let Some(proof) = of.check(key) {
                let in_use = index == 0 || in_use(proof.key());
                return if in_use { Ok(Some(self.noted(proof))) } else { Err(pending()) };
            }
        }
        if others.is_empty() {
            return Ok(None);
        }
        let _place = self.places.try_acquire().map_err(|_| pending())?;
        let turn = timeout_at(deadline, self.turn.acquire()).await;
        let _turn = turn.map_err(|_elapsed| pending())?.map_err(|_closed| pending())?;
        for key in others {
            if let Some(proof) = of.check(key) {
                let in_use = in_use(proof.key());
                return if in_use { Ok(Some(self.noted(proof))) } else { Err(pending()) };
            }
            // Other checks of this worker come first.
            yield_now().await;
        }
        Ok(None)
    }

    /// Takes the turn and keeps it until the result is dropped.
    #[cfg(test)]
    pub(super) fn hold_turn(&self) -> Option<tokio::sync::SemaphorePermit<'_>> {
        self.turn.try_acquire().ok()
    }

    /// The key of this proof is tried first from now on.
    fn noted(&self, proof: GoodSignature) -> GoodSignature {
        let number = self.matches.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        proof.key().note_match(number);
        proof
    }
}
