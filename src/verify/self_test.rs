//! Does the cryptography work at all? Asked once at start: a library without its backend
//! compiles well and fails at the first token.

use jsonwebtoken::{Algorithm, DecodingKey, crypto::verify};

/// The Ed25519 example of RFC 8037 appendix A.4: public key, signed text, signature.
const KEY: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const SIGNED: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
const SIGNATURE: &str =
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

/// Verifies a good signature and refuses a bad one, for each algorithm in use.
pub fn self_test() -> Result<(), String> {
    let key = DecodingKey::from_ed_components(KEY).map_err(|error| error.to_string())?;
    let judge = |signed: &str| verify(SIGNATURE, signed.as_bytes(), &key, Algorithm::EdDSA);
    match (judge(SIGNED), judge(&SIGNED.replace('R', "S"))) {
        (Ok(true), Ok(false)) => Ok(()),
        (good, bad) => Err(format!("EdDSA does not work: good {good:?}, bad {bad:?}")),
    }
}
