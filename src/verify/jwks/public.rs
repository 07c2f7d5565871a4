//! A public key to the verifiers of its algorithms.
//!
//! In: the numbers or the point of a key, as a key set or PEM has them. Out: one verifier for each
//! algorithm; or why nobody should trust the key. The library that verifies takes what it is given
//! (a point of small order, a modulus that can be factored), so everything is looked at here.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
};

use super::{KeyRefusal, ed25519, key::SignatureVerifier, rsa};
use crate::config::SigningAlgorithm::{
    self, ES256, ES384, ES512, Ed25519, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512,
};

/// The type of a key, with its curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyType {
    Rsa,
    P256,
    P384,
    P521,
    Ed25519,
}

impl KeyType {
    /// The algorithms that a key of this type can serve.
    pub(super) const fn algorithms(self) -> &'static [SigningAlgorithm] {
        match self {
            Self::Rsa => &[RS256, RS384, RS512, PS256, PS384, PS512],
            Self::P256 => &[ES256],
            Self::P384 => &[ES384],
            Self::P521 => &[ES512],
            Self::Ed25519 => &[EdDSA, Ed25519],
        }
    }

    /// The bytes of a coordinate, or of the whole point of Ed25519; none of RSA.
    pub(super) const fn octets(self) -> usize {
        match self {
            Self::Rsa => 0,
            Self::P256 | Self::Ed25519 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// The curve of a point in its uncompressed form (SEC 1 section 2.3.3), by its length.
    pub(super) fn of_point(point: &[u8]) -> Option<Self> {
        let curves = [Self::P256, Self::P384, Self::P521];
        curves.into_iter().find(|curve| point.len() == 1 + 2 * curve.octets())
    }
}

/// A public key whose soundness is not known yet.
#[derive(Debug)]
pub(super) enum PublicKey {
    /// Modulus and exponent, big-endian.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// A point of a curve of NIST in its uncompressed form.
    Ec { curve: KeyType, point: Vec<u8> },
    /// A point of Ed25519.
    Ed25519(Vec<u8>),
}

impl PublicKey {
    pub(super) const fn key_type(&self) -> KeyType {
        match self {
            Self::Rsa { .. } => KeyType::Rsa,
            Self::Ec { curve, .. } => *curve,
            Self::Ed25519(_) => KeyType::Ed25519,
        }
    }

    /// A verifier for each of the algorithms, which must be of the key's type.
    pub(super) fn verifiers(
        &self,
        algorithms: &[SigningAlgorithm],
    ) -> Result<Vec<SignatureVerifier>, KeyRefusal> {
        self.check()?;
        let verifier = |algorithm: &SigningAlgorithm| {
            let public = self.parse(*algorithm)?;
            Ok(SignatureVerifier { algorithm: *algorithm, public })
        };
        algorithms.iter().map(verifier).collect()
    }

    /// Only the owner of the key can sign for it, as far as is known.
    fn check(&self) -> Result<(), KeyRefusal> {
        match self {
            Self::Rsa { n, e } => rsa::check(rsa::minimal(n), rsa::minimal(e)),
            // The library finds out whether the point is on the curve.
            Self::Ec { curve, point } if KeyType::of_point(point) == Some(*curve) => Ok(()),
            Self::Ec { .. } => Err(KeyRefusal::Length),
            Self::Ed25519(point) => {
                let point = point.as_slice().try_into().map_err(|_| KeyRefusal::Length)?;
                if ed25519::is_sound(point) { Ok(()) } else { Err(KeyRefusal::WeakPoint) }
            }
        }
    }

    fn parse(&self, algorithm: SigningAlgorithm) -> Result<ParsedPublicKey, KeyRefusal> {
        let parsed = match (self, scheme(algorithm)) {
            (Self::Rsa { n, e }, Scheme::Rsa(scheme)) => {
                let numbers = RsaPublicKeyComponents { n: rsa::minimal(n), e: rsa::minimal(e) };
                numbers.to_parsed_public_key(scheme)
            }
            (Self::Ec { point, .. } | Self::Ed25519(point), Scheme::Curve(scheme)) => {
                ParsedPublicKey::new(scheme, point)
            }
            (Self::Rsa { .. }, Scheme::Curve(_))
            | (Self::Ec { .. } | Self::Ed25519(_), Scheme::Rsa(_)) => {
                return Err(KeyRefusal::Algorithm);
            }
        };
        parsed.map_err(|_| KeyRefusal::Malformed)
    }
}

/// An algorithm as the library names it.
enum Scheme {
    Rsa(&'static RsaParameters),
    Curve(&'static dyn VerificationAlgorithm),
}

/// The scheme of an algorithm (RFC 7518 section 3, RFC 8037 section 3.1). A PSS signature has a salt
/// of the length of its hash (RFC 7518 section 3.5), which the library insists on.
fn scheme(algorithm: SigningAlgorithm) -> Scheme {
    match algorithm {
        RS256 => Scheme::Rsa(&RSA_PKCS1_2048_8192_SHA256),
        RS384 => Scheme::Rsa(&RSA_PKCS1_2048_8192_SHA384),
        RS512 => Scheme::Rsa(&RSA_PKCS1_2048_8192_SHA512),
        PS256 => Scheme::Rsa(&RSA_PSS_2048_8192_SHA256),
        PS384 => Scheme::Rsa(&RSA_PSS_2048_8192_SHA384),
        PS512 => Scheme::Rsa(&RSA_PSS_2048_8192_SHA512),
        ES256 => Scheme::Curve(&ECDSA_P256_SHA256_FIXED),
        ES384 => Scheme::Curve(&ECDSA_P384_SHA384_FIXED),
        ES512 => Scheme::Curve(&ECDSA_P521_SHA512_FIXED),
        EdDSA | Ed25519 => Scheme::Curve(&ED25519),
    }
}
