//! The test of the cryptography at start, for each algorithm: a library without its backend compiles
//! well and fails at the first token.
//!
//! In: published examples, read through the same import as issuers' keys. Out: nothing, or the
//! algorithm that does not work. `jsonwebtoken` verifies each example too, as a second opinion,
//! where it knows the algorithm.

mod examples;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, jwk::Jwk};

use super::jwks::{KeyRules, KeySet};
use crate::config::SigningAlgorithm;
use examples::{EXAMPLES, Example};

/// An algorithm does not work on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{algorithm} does not work on this machine")]
pub struct SelfTestError {
    algorithm: &'static str,
}

/// Verifies a good signature and refuses a bad one, for each algorithm.
///
/// # Errors
///
/// The first algorithm for which one of the two failed, or for which there is no example.
pub fn self_test() -> Result<(), SelfTestError> {
    SigningAlgorithm::ALL.into_iter().try_for_each(|algorithm| {
        // Of the two names of Ed25519, one has the example.
        let is_ed25519 = algorithm == SigningAlgorithm::Ed25519;
        let signature = if is_ed25519 { SigningAlgorithm::EdDSA } else { algorithm };
        let of_it = |example: &&Example| example.algorithm == signature;
        let example = EXAMPLES.iter().find(of_it);
        let works = example.and_then(|example| works(algorithm, example));
        works.ok_or_else(|| SelfTestError { algorithm: algorithm.as_str() })
    })
}

/// `Some` only if both libraries take the good signature and refuse the bad one.
fn works(algorithm: SigningAlgorithm, example: &Example) -> Option<()> {
    let document = format!(r#"{{"keys":[{}]}}"#, example.key);
    let rules = KeyRules { algorithms: &[algorithm], kid_optional: false };
    let set = KeySet::parse(document.as_bytes(), rules, None).ok()?;
    let ours = set.find(None, algorithm)?;
    let bytes = URL_SAFE_NO_PAD.decode(example.signature).ok()?;
    let both = |signed: &str| {
        let ours = ours.check(algorithm, signed.as_bytes(), &bytes).is_some();
        let theirs = second_opinion(algorithm, example, signed)?;
        (ours == theirs.unwrap_or(ours)).then_some(ours)
    };
    let forged = format!("{}.", example.signed);
    (both(example.signed)? && !both(&forged)?).then_some(())
}

/// The judgement of the other library; the inner `None` where it does not know the algorithm.
fn second_opinion(
    algorithm: SigningAlgorithm,
    example: &Example,
    signed: &str,
) -> Option<Option<bool>> {
    let name = match algorithm {
        SigningAlgorithm::EdDSA | SigningAlgorithm::Ed25519 => Algorithm::EdDSA,
        SigningAlgorithm::ES256 => Algorithm::ES256,
        SigningAlgorithm::ES384 => Algorithm::ES384,
        SigningAlgorithm::ES512 => return Some(None),
        SigningAlgorithm::RS256 => Algorithm::RS256,
        SigningAlgorithm::RS384 => Algorithm::RS384,
        SigningAlgorithm::RS512 => Algorithm::RS512,
        SigningAlgorithm::PS256 => Algorithm::PS256,
        SigningAlgorithm::PS384 => Algorithm::PS384,
        SigningAlgorithm::PS512 => Algorithm::PS512,
    };
    let jwk: Jwk = serde_json::from_str(example.key).ok()?;
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    let signature = example.signature;
    let good = jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &key, name).ok()?;
    Some(Some(good))
}

#[cfg(test)]
mod tests {
    use super::{EXAMPLES, Example, self_test, works};

    #[test]
    fn every_algorithm_works_here() {
        assert_eq!(self_test(), Ok(()));
    }

    #[test]
    fn an_example_that_does_not_verify_is_noticed() {
        for (index, example) in EXAMPLES.iter().enumerate() {
            let Example { algorithm, key, signed, signature } = *example;
            assert!(works(algorithm, example).is_some(), "{algorithm:?}");
            let other = &EXAMPLES[(index + 1) % EXAMPLES.len()];
            for broken in [
                Example { algorithm, key, signed: "another text", signature },
                Example { algorithm, key: other.key, signed, signature },
                Example { algorithm, key, signed, signature: other.signature },
            ] {
                assert!(works(algorithm, &broken).is_none(), "{algorithm:?}");
            }
            assert!(works(other.algorithm, example).is_none(), "{algorithm:?}");
        }
    }
}
