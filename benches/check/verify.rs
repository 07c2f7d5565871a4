//! What one bare signature check costs, with no server around it. Comes in: how
//! long to measure. Goes out: CPU-microseconds a verification, by `aws-lc-rs`
//! with the key parsed once (the measure of the ratio, as it is the stricter)
//! and by `jsonwebtoken`, which the product calls.
//!
//! It runs in a process of its own, pinned to the core of the servers, and says
//! its figures as one line of JSON.

use std::time::{Duration, Instant};

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, jwk::Jwk};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Result,
    mint::{Algorithm, Signer},
    process,
};

/// As many as keep the token itself from always being in the innermost cache.
const TOKENS: u64 = 256;

#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Cost {
    pub(crate) aws_lc_rs: f64,
    pub(crate) jsonwebtoken: f64,
}

struct Signed {
    input: Vec<u8>,
    signature: Vec<u8>,
    encoded: String,
}

/// The whole life of the child process: a cost for each algorithm, in their order.
pub(crate) fn run(window: Duration) -> Result<()> {
    let costs = Algorithm::ALL.map(|algorithm| measure(algorithm, window / 3));
    let costs = costs.into_iter().collect::<Result<Vec<Cost>>>()?;
    println!("{}", serde_json::to_string(&costs)?);
    Ok(())
}

fn measure(algorithm: Algorithm, window: Duration) -> Result<Cost> {
    let signer = Signer::generate(algorithm)?;
    let tokens = signer.mint(0..TOKENS)?;
    let signed = tokens.iter().map(split).collect::<Result<Vec<_>>>()?;
    let jwk = signer.jwk();
    let parsed = parsed(algorithm, &jwk)?;
    let decoding = DecodingKey::from_jwk(&serde_json::from_value::<Jwk>(jwk)?)?;
    let theirs = match algorithm {
        Algorithm::EdDSA => jsonwebtoken::Algorithm::EdDSA,
        Algorithm::ES256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::RS256 => jsonwebtoken::Algorithm::RS256,
    };
    let aws_lc_rs = |token: &Signed| parsed.verify_sig(&token.input, &token.signature).is_ok();
    let jsonwebtoken = |token: &Signed| {
        jsonwebtoken::crypto::verify(&token.encoded, &token.input, &decoding, theirs)
            .is_ok_and(|good| good)
    };
    time(&signed, window / 4, aws_lc_rs)?;
    Ok(Cost {
        aws_lc_rs: time(&signed, window / 2, aws_lc_rs)?,
        jsonwebtoken: time(&signed, window / 2, jsonwebtoken)?,
    })
}

fn parsed(algorithm: Algorithm, jwk: &Value) -> Result<ParsedPublicKey> {
    let member = |name: &str| -> Result<Vec<u8>> {
        Ok(URL_SAFE_NO_PAD.decode(jwk[name].as_str().ok_or("no such member")?)?)
    };
    Ok(match algorithm {
        Algorithm::EdDSA => ParsedPublicKey::new(&ED25519, member("x")?)?,
        Algorithm::ES256 => {
            let point = [vec![4], member("x")?, member("y")?].concat();
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)?
        }
        Algorithm::RS256 => RsaPublicKeyComponents { n: member("n")?, e: member("e")? }
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)?,
    })
}

fn split(token: &[u8]) -> Result<Signed> {
    let (input, encoded) =
        std::str::from_utf8(token)?.rsplit_once('.').ok_or("no signature in the token")?;
    Ok(Signed {
        input: input.as_bytes().to_vec(),
        signature: URL_SAFE_NO_PAD.decode(encoded)?,
        encoded: encoded.to_owned(),
    })
}

/// CPU-microseconds a call.
fn time(tokens: &[Signed], window: Duration, verify: impl Fn(&Signed) -> bool) -> Result<f64> {
    let own = std::process::id();
    let (start, before) = (Instant::now(), process::times(own)?);
    let mut done = 0_u32;
    while start.elapsed() < window {
        for token in tokens {
            if !verify(token) {
                return Err("a good signature was refused".into());
            }
            done += 1;
        }
    }
    let cpu = process::times(own)?.cpu.saturating_sub(before.cpu);
    Ok(cpu.as_secs_f64() * 1e6 / f64::from(done))
}
