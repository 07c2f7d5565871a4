//! The test of the cryptography at start, for each algorithm: a library without its backend compiles
//! well and fails at the first token.
//!
//! In: published examples, read through the same import as issuers' keys. Out: nothing, or the
//! algorithm that does not work. `jsonwebtoken` verifies each example too, as a second opinion.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, jwk::Jwk};

use super::jwks::{KeySet, algorithm_name};
use crate::config::SigningAlgorithm;

/// A public key, what was signed, and the signature.
type Example = (SigningAlgorithm, &'static str, &'static str, &'static str);

const EXAMPLES: [Example; 3] = [
    // RFC 8037 appendix A.4.
    (
        SigningAlgorithm::EdDSA,
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
    ),
    // RFC 7515 appendix A.3.
    (
        SigningAlgorithm::ES256,
        r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
    ),
    // RFC 7515 appendix A.2.
    (
        SigningAlgorithm::RS256,
        concat!(
            r#"{"kty":"RSA","e":"AQAB","n":"#,
            r#""ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddx"#,
            "HmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMs",
            "D1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSH",
            "SXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdV",
            "MTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8",
            r#"NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}"#,
        ),
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
        concat!(
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7",
            "AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4",
            "BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K",
            "0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqv",
            "hJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB",
            "p0igcN_IoypGlUPQGe77Rw",
        ),
    ),
];

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
/// The first algorithm for which one of the two failed.
pub fn self_test() -> Result<(), SelfTestError> {
    EXAMPLES.iter().try_for_each(|example| {
        works(example).ok_or_else(|| SelfTestError { algorithm: algorithm_name(example.0) })
    })
}

/// `Some` only if both libraries take the good signature and refuse the bad one.
fn works(&(algorithm, key, signed, signature): &Example) -> Option<()> {
    let document = format!(r#"{{"keys":[{key}]}}"#);
    let set = KeySet::parse(document.as_bytes(), &[algorithm], None).ok()?;
    let ours = set.find(None, algorithm)?;
    let bytes = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let jwk: Jwk = serde_json::from_str(key).ok()?;
    let theirs = DecodingKey::from_jwk(&jwk).ok()?;
    let library_name = match algorithm {
        SigningAlgorithm::EdDSA => Algorithm::EdDSA,
        SigningAlgorithm::ES256 => Algorithm::ES256,
        SigningAlgorithm::RS256 => Algorithm::RS256,
    };
    let both = |signed: &str| {
        let theirs =
            jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &theirs, library_name)
                .ok()?;
        let ours = ours.verifies(signed.as_bytes(), &bytes);
        (ours == theirs).then_some(ours)
    };
    let forged = signed.replacen('J', "K", 1);
    (forged != signed && both(signed)? && !both(&forged)?).then_some(())
}

#[cfg(test)]
mod tests {
    use super::{EXAMPLES, self_test, works};

    #[test]
    fn every_algorithm_works_here() {
        assert_eq!(self_test(), Ok(()));
    }

    #[test]
    fn an_example_that_does_not_verify_is_noticed() {
        for (index, (algorithm, key, signed, signature)) in EXAMPLES.into_iter().enumerate() {
            let (other_algorithm, other_key, other_signed, _) = EXAMPLES[(index + 1) % 3];
            assert!(works(&(algorithm, key, other_signed, signature)).is_none());
            assert!(works(&(algorithm, other_key, signed, signature)).is_none());
            assert!(works(&(other_algorithm, key, signed, signature)).is_none());
        }
    }
}
