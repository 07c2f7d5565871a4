//! One JWK (RFC 7517) to a key that is parsed, bound to its algorithms, and fit to be trusted.
//!
//! The library that verifies takes what it is given (another `use`, a foreign `alg`), so
//! everything is looked at here. A member that is `null` counts as absent, as many issuers write
//! every member of their own type.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::value::RawValue;

use super::{
    KeyRefusal, RefusedKey,
    key::Key,
    public::{KeyType, PublicKey},
};
use crate::{
    config::SigningAlgorithm,
    verify::json::{Json, Object},
};

/// The members of which each makes a key a private or symmetric one (RFC 7518 section 6).
const SECRET_MEMBERS: [&str; 8] = ["d", "k", "p", "q", "dp", "dq", "qi", "oth"];

/// Reads one member of the document's `keys`.
pub(super) fn jwk(key: &RawValue, algorithms: &[SigningAlgorithm]) -> Result<Key, RefusedKey> {
    let Ok(Json::Object(key)) = serde_json::from_str(key.get()) else {
        return Err(RefusedKey::new(None, KeyRefusal::NotStrict));
    };
    let key = Jwk(key);
    key.import(algorithms).map_err(|reason| {
        let kid = key.text("kid").ok().flatten();
        RefusedKey::new(kid, reason)
    })
}

/// A key as its issuer publishes it.
struct Jwk<'a>(Object<'a>);

impl Jwk<'_> {
    fn import(&self, algorithms: &[SigningAlgorithm]) -> Result<Key, KeyRefusal> {
        if SECRET_MEMBERS.iter().any(|name| self.get(name).is_some())
            || self.text("kty")? == Some("oct")
        {
            return Err(KeyRefusal::Secret);
        }
        self.check_purpose()?;
        let key_type = self.key_type()?;
        let served = self.algorithms(key_type, algorithms)?;
        let verifiers = self.public(key_type)?.verifiers(&served)?;
        // An empty name is none: no token can have it.
        let kid = self.text("kid")?.filter(|kid| !kid.is_empty()).map(str::to_owned);
        Ok(Key::new(kid, false, verifiers))
    }

    /// It is for signatures, and for verifying them, as far as it says.
    fn check_purpose(&self) -> Result<(), KeyRefusal> {
        if !matches!(self.text("use")?, None | Some("sig")) {
            return Err(KeyRefusal::Use);
        }
        match self.get("key_ops").map(|uses| uses.list().ok_or(KeyRefusal::WrongType)) {
            // An empty list says as little as none.
            None | Some(Ok([])) => Ok(()),
            Some(Ok(uses)) if uses.iter().any(|word| word.text() == Some("verify")) => Ok(()),
            Some(Ok(_)) => Err(KeyRefusal::KeyOps),
            Some(Err(refusal)) => Err(refusal),
        }
    }

    fn key_type(&self) -> Result<KeyType, KeyRefusal> {
        let kty = self.text("kty")?.ok_or(KeyRefusal::Missing)?;
        match (kty, self.text("crv")?) {
            ("RSA", None) => Ok(KeyType::Rsa),
            ("EC", Some("P-256")) => Ok(KeyType::P256),
            ("EC", Some("P-384")) => Ok(KeyType::P384),
            ("EC", Some("P-521")) => Ok(KeyType::P521),
            ("OKP", Some("Ed25519")) => Ok(KeyType::Ed25519),
            ("EC" | "OKP", None) => Err(KeyRefusal::Missing),
            (_, _) => Err(KeyRefusal::UnsupportedType),
        }
    }

    /// Those of the issuer's algorithms that the key serves: the one that it names, or all of its
    /// type. `EdDSA` and `Ed25519` are two names of one algorithm on this curve (RFC 9864).
    fn algorithms(
        &self,
        key_type: KeyType,
        algorithms: &[SigningAlgorithm],
    ) -> Result<Vec<SigningAlgorithm>, KeyRefusal> {
        let possible = key_type.algorithms();
        let named = self.text("alg")?;
        if let Some(name) = named {
            let known = |among: &[SigningAlgorithm]| among.iter().any(|it| it.as_str() == name);
            if !known(&SigningAlgorithm::ALL) {
                return Err(KeyRefusal::UnsupportedAlgorithm);
            }
            if !known(possible) {
                return Err(KeyRefusal::Algorithm);
            }
        }
        let is_named = |algorithm: SigningAlgorithm| match key_type {
            KeyType::Ed25519 => true,
            KeyType::Rsa | KeyType::P256 | KeyType::P384 | KeyType::P521 => {
                named.is_none_or(|name| algorithm.as_str() == name)
            }
        };
        let fits = |it: &SigningAlgorithm| possible.contains(it) && is_named(*it);
        let served: Vec<SigningAlgorithm> = algorithms.iter().copied().filter(fits).collect();
        if !served.is_empty() {
            Ok(served)
        } else if algorithms.iter().any(|it| possible.contains(it)) {
            Err(KeyRefusal::OtherAlgorithm)
        } else {
            Err(KeyRefusal::OtherType)
        }
    }

    fn public(&self, key_type: KeyType) -> Result<PublicKey, KeyRefusal> {
        Ok(match key_type {
            KeyType::Rsa => PublicKey::Rsa { n: self.bytes("n")?, e: self.bytes("e")? },
            // RFC 7518 section 6.2.1: both coordinates in full length.
            KeyType::P256 | KeyType::P384 | KeyType::P521 => {
                let length = key_type.octets();
                let (x, y) = (self.octets("x", length)?, self.octets("y", length)?);
                PublicKey::Ec { curve: key_type, point: [&[4], &x[..], &y[..]].concat() }
            }
            KeyType::Ed25519 => PublicKey::Ed25519(self.octets("x", key_type.octets())?),
        })
    }

    /// The value of a member; `null` counts as absent.
    fn get(&self, name: &str) -> Option<&Json<'_>> {
        self.0.get(name).filter(|value| !matches!(value, Json::Null))
    }

    /// Absent, or text; another JSON type is refused.
    fn text(&self, name: &str) -> Result<Option<&str>, KeyRefusal> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => value.text().map(Some).ok_or(KeyRefusal::WrongType),
        }
    }

    /// Octets in base64url. Padding means nothing, so any number of `=` at the end is read.
    fn bytes(&self, name: &str) -> Result<Vec<u8>, KeyRefusal> {
        let text = self.text(name)?.ok_or(KeyRefusal::Missing)?.trim_end_matches('=');
        if text.is_empty() {
            return Err(KeyRefusal::Missing);
        }
        URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyRefusal::NotBase64url)
    }

    fn octets(&self, name: &str, length: usize) -> Result<Vec<u8>, KeyRefusal> {
        let bytes = self.bytes(name)?;
        if bytes.len() == length { Ok(bytes) } else { Err(KeyRefusal::Length) }
    }
}
