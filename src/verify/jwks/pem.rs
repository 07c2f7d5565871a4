//! Public keys in PEM (RFC 7468), as partners hand them over.
//!
//! In: the text of the setting. Out: keys, each as fit to be trusted as one of a key set, and for
//! tokens of any `kid`, as PEM has no names; or which block cannot be used, and why.

use jsonwebtoken::{DecodingKey, DecodingKeyKind};
use pem::Pem;
use simple_asn1::ASN1Block;

use super::{
    key::Key,
    public::{KeyType, PublicKey},
};
use crate::config::SigningAlgorithm;

/// Every key of the text, which must all be usable: an operator wrote them.
///
/// # Errors
///
/// Which block is not used, and why.
pub(super) fn keys(text: &str, algorithms: &[SigningAlgorithm]) -> Result<Vec<Key>, String> {
    let blocks = pem::parse_many(text).map_err(|error| format!("is no readable PEM: {error}"))?;
    // The library leaves out a block that is not complete.
    if blocks.len() != text.matches("-----BEGIN ").count() {
        return Err("a PEM block is not complete, or its two lines differ".to_owned());
    }
    if blocks.is_empty() {
        return Err(
            "is neither a JWKS nor PEM; write a JSON Web Key Set, PEM public keys, or file:PATH"
                .to_owned(),
        );
    }
    let keys = blocks.iter().enumerate();
    keys.map(|(index, block)| {
        key(block, algorithms).map_err(|why| format!("PEM block {} {why}", index + 1))
    })
    .collect()
}

fn key(block: &Pem, algorithms: &[SigningAlgorithm]) -> Result<Key, String> {
    if block.tag().contains("PRIVATE") {
        return Err("is a private key; write the public one".to_owned());
    }
    let public =
        public_key(block).ok_or("is no public key of type RSA, P-256, P-384, P-521 or Ed25519")?;
    let possible = public.key_type().algorithms();
    let served: Vec<SigningAlgorithm> =
        algorithms.iter().copied().filter(|it| possible.contains(it)).collect();
    // Sound or not is said before the algorithm is.
    let all = if served.is_empty() { possible } else { &served };
    let verifiers = public.verifiers(all).map_err(|refusal| format!("is refused: {refusal}"))?;
    if served.is_empty() {
        let names: Vec<&str> = possible.iter().map(|it| it.as_str()).collect();
        let names = names.join(", ");
        return Err(format!("is for {names}, which is not among `algorithms`"));
    }
    Ok(Key::new(None, true, verifiers))
}

/// The library reads the encodings that there are; the key in it is checked like any other.
fn public_key(block: &Pem) -> Option<PublicKey> {
    let block = pem::encode(block);
    let block = block.as_bytes();
    let raw = |key: DecodingKey| match key.kind() {
        DecodingKeyKind::SecretOrDer(bytes) => Some(bytes.clone()),
        DecodingKeyKind::RsaModulusExponent { .. } => None,
    };
    if let Ok(key) = DecodingKey::from_ed_pem(block) {
        return Some(PublicKey::Ed25519(raw(key)?));
    }
    if let Ok(key) = DecodingKey::from_ec_pem(block) {
        let point = raw(key)?;
        return Some(PublicKey::Ec { curve: KeyType::of_point(&point)?, point });
    }
    let (n, e) = rsa_components(&raw(DecodingKey::from_rsa_pem(block).ok()?)?)?;
    Some(PublicKey::Rsa { n, e })
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
