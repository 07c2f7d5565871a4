//! Public keys in PEM (RFC 7468), as partners hand them over: each as fit to be trusted as one
//! of a key set, and for tokens of any `kid`, as PEM has no names.

use aws_lc_rs::signature::ParsedPublicKey;
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use simple_asn1::ASN1Block;

use super::{Key, Refusal, algorithm_name, import};

const BEGIN: &str = "-----BEGIN ";

/// Every key of the text, which must all be usable: an operator wrote them.
pub(super) fn keys(text: &str, algorithms: &[Algorithm]) -> Result<Vec<Key>, String> {
    let mut keys = Vec::new();
    for (index, block) in text.split(BEGIN).skip(1).enumerate() {
        let place = format!("PEM block {}", index + 1);
        if block.starts_with("PRIVATE") || block.split("-----").next().is_some_and(is_private) {
            return Err(format!("{place} is a private key; write the public one"));
        }
        let (algorithm, public) = read(&format!("{BEGIN}{block}"))
            .ok_or_else(|| format!("{place} is no public key of type RSA, P-256 or Ed25519"))?;
        let public = public.map_err(|refusal| format!("{place}: {refusal}"))?;
        if !algorithms.contains(&algorithm) {
            let name = algorithm_name(algorithm);
            return Err(format!("{place} is for {name}, which is not among `algorithms`"));
        }
        keys.push(Key { kid: None, algorithm, nameless: true, public });
    }
    if keys.is_empty() { Err("is neither a JWKS nor PEM".to_owned()) } else { Ok(keys) }
}

fn is_private(label: &str) -> bool {
    label.contains("PRIVATE")
}

/// The library reads the forms there are; what is in them is judged as any other key.
fn read(pem: &str) -> Option<(Algorithm, Result<ParsedPublicKey, Refusal>)> {
    let pem = pem.as_bytes();
    let raw = |key: DecodingKey| match key.kind() {
        DecodingKeyKind::SecretOrDer(bytes) => Some(bytes.clone()),
        DecodingKeyKind::RsaModulusExponent { .. } => None,
    };
    if let Ok(key) = DecodingKey::from_ed_pem(pem) {
        let point: [u8; 32] = raw(key)?.try_into().ok()?;
        return Some((Algorithm::EdDSA, import::ed25519_point(point)));
    }
    if let Ok(key) = DecodingKey::from_ec_pem(pem) {
        return Some((Algorithm::ES256, import::p256_point(&raw(key)?)));
    }
    let (n, e) = rsa_components(&raw(DecodingKey::from_rsa_pem(pem).ok()?)?)?;
    Some((Algorithm::RS256, import::rsa_components(&n, &e)))
}

/// Modulus and exponent of an `RSAPublicKey` (RFC 8017 appendix A.1.1).
fn rsa_components(der: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let blocks = simple_asn1::from_der(der).ok()?;
    let [ASN1Block::Sequence(_, numbers)] = blocks.as_slice() else { return None };
    let [ASN1Block::Integer(_, n), ASN1Block::Integer(_, e)] = numbers.as_slice() else {
        return None;
    };
    Some((n.to_bytes_be().1, e.to_bytes_be().1))
}
