//! The signature of a token: by which of the keys that fit, if by any.
//!
//! In: a token, the keys of its `iss` that fit it, and the ring that they are of. Out: the proof of
//! the key that made the signature, or a denial; each step is recorded.

use tokio::time::Instant;

use super::{
    jwks::{FittingKeys, GoodSignature},
    key_ring::KeyRing,
    key_turns::SignedPart,
    token::Token,
};
use crate::{
    config::SigningAlgorithm,
    model::{Denial, DenyReason, Step, StepRecorder},
};

/// The proof of the key that made the token's signature. Where several keys fit, they are tried by
/// turns, until `deadline` at the longest.
pub(super) async fn check_by_turns(
    token: &Token<'_>,
    algorithm: SigningAlgorithm,
    keys: &FittingKeys,
    ring: &KeyRing,
    deadline: Instant,
    record: &mut impl StepRecorder,
) -> Result<GoodSignature, Denial> {
    let FittingKeys::Several(several) = keys else {
        return Ok(check_at_once(token, algorithm, keys, ring, record)?);
    };
    let (of, store) = (SignedPart::of(token, algorithm), &ring.keys);
    let proof = store.turns.find_signer(several, of, deadline, |key| store.holds(key)).await?;
    Ok(judge(token, proof, ring, record)?)
}

/// The proof of the key that made the token's signature. All that fit are tried now.
pub(super) fn check_at_once(
    token: &Token<'_>,
    algorithm: SigningAlgorithm,
    keys: &FittingKeys,
    ring: &KeyRing,
    record: &mut impl StepRecorder,
) -> Result<GoodSignature, DenyReason> {
    let of = SignedPart::of(token, algorithm);
    let proof = match keys {
        FittingKeys::One(key) => of.check(key),
        FittingKeys::Several(keys) => keys.iter().find_map(|key| of.check(key)),
        FittingKeys::TooMany => None,
    };
    judge(token, proof, ring, record)
}

fn judge(
    token: &Token<'_>,
    proof: Option<GoodSignature>,
    ring: &KeyRing,
    record: &mut impl StepRecorder,
) -> Result<GoodSignature, DenyReason> {
    record.detail(|| {
        let signer = proof.as_ref().and_then(|proof| proof.key().kid());
        Step::SignatureChecked {
            key: signer.or(token.kid.as_deref()).map(Into::into),
            good: proof.is_some(),
        }
    });
    proof.ok_or_else(|| {
        // The issuer may have replaced a key under its old name.
        ring.keys.suspect_replacement();
        DenyReason::SignatureInvalid
    })
}

/// Records that no key for this token is known now, where that is the cause of the denial.
pub(super) fn record_no_key(
    token: &Token<'_>,
    denial: &Denial,
    ring: &KeyRing,
    record: &mut impl StepRecorder,
) {
    if denial.reason() == DenyReason::KidMissing {
        // Keys are known, too many of them.
        return;
    }
    record.detail(|| Step::KeyAbsent {
        key: token.kid.as_deref().map(Into::into),
        // Where nothing is fetched, there are no other keys to wait for.
        others_known: !ring.keys.fetches || ring.keys.any_usable(),
    });
}
