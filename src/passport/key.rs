//! A private key that signs passports: read from PEM, named by its thumbprint, and its public half
//! as a JWK.
//!
//! In: the text of a PKCS #8 file. Out: signatures by ES256 or EdDSA, and public members only.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{
    config::{PassportFormat, PassportKey},
    digest::sha256,
};

/// The advice where a file holds another kind of key.
const MAKE_ONE: &str = "write a key of P-256 (openssl genpkey -algorithm EC -pkeyopt \
                        ec_paramgen_curve:P-256) or of Ed25519 (openssl genpkey -algorithm ed25519)";

/// The `typ` of a passport (RFC 8725 section 3.11), and of a transaction token.
pub(super) const JWT_TYP: &str = "rownd-passport+jwt";
pub(super) const TXN_TOKEN_TYP: &str = "txntoken+jwt";

/// A key that signs.
pub(super) struct PrivateKey {
    kid: String,
    pair: Pair,
    /// The header of each form of token, encoded.
    jwt_header: String,
    txn_token_header: String,
}

enum Pair {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PrivateKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl PrivateKey {
    /// Reads a key. No message quotes the file.
    pub(super) fn read(settings: &PassportKey) -> Result<Self, String> {
        let shown = settings.file.display();
        let pair = Pair::parse(settings.pem.expose())
            .map_err(|message| format!("the file {shown} {message}"))?;
        let kid = settings.kid.clone().unwrap_or_else(|| thumbprint(&pair.public()));
        let header = |typ: &str| {
            let header = json!({ "alg": pair.algorithm(), "kid": kid, "typ": typ });
            URL_SAFE_NO_PAD.encode(header.to_string())
        };
        let (jwt_header, txn_token_header) = (header(JWT_TYP), header(TXN_TOKEN_TYP));
        let key = Self { kid, pair, jwt_header, txn_token_header };
        // Found out here and not by the first request.
        key.sign(b"trial").map_err(|error| format!("the file {shown}: {error}"))?;
        Ok(key)
    }

    /// The name of the key.
    pub(super) fn kid(&self) -> &str {
        &self.kid
    }

    /// The name of its algorithm in tokens and key sets (RFC 7518, RFC 8037).
    pub(super) const fn algorithm(&self) -> &'static str {
        self.pair.algorithm()
    }

    /// The header of a token in this form, encoded (RFC 7515 section 7.1).
    pub(super) fn header(&self, format: PassportFormat) -> &str {
        match format {
            PassportFormat::Jwt => &self.jwt_header,
            PassportFormat::TxnToken => &self.txn_token_header,
        }
    }

    /// The public key is that of another.
    pub(super) fn same_public(&self, other: &Self) -> bool {
        self.pair.public() == other.pair.public()
    }

    /// The public key as a member of a key set (RFC 7517 section 4).
    pub(super) fn jwk(&self) -> Value {
        let mut jwk = self.pair.public().required();
        if let Value::Object(members) = &mut jwk {
            for (name, value) in [("kid", self.kid()), ("use", "sig"), ("alg", self.algorithm())] {
                members.insert(name.to_owned(), value.into());
            }
        }
        jwk
    }

    /// The signature over these bytes, as a JWS has it (RFC 7518 section 3.4, RFC 8037).
    ///
    /// # Errors
    ///
    /// The library cannot sign, for example because the system gives no random numbers.
    pub(super) fn sign(&self, signed: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        match &self.pair {
            Pair::P256(pair) => {
                let signature = pair.sign(&SystemRandom::new(), signed);
                signature.map(|signature| signature.as_ref().to_vec()).map_err(|_| SigningFailed)
            }
            Pair::Ed25519(pair) => Ok(pair.sign(signed).as_ref().to_vec()),
        }
    }
}

/// A passport could not be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the library that signs failed")]
pub(super) struct SigningFailed;

impl Pair {
    /// The one private key of a PEM text. Other blocks, such as a certificate, are mistakes.
    fn parse(text: &str) -> Result<Self, String> {
        // The parser's error could quote what it found.
        let blocks = pem::parse_many(text).map_err(|_| format!("is not PEM; {MAKE_ONE}"))?;
        let [block] = blocks.as_slice() else {
            let found = if blocks.is_empty() { "no PEM block" } else { "several PEM blocks" };
            return Err(format!("holds {found}; it has to hold one private key"));
        };
        match block.tag() {
            "PRIVATE KEY" => {}
            "ENCRYPTED PRIVATE KEY" => {
                return Err(
                    "holds an encrypted key; decrypt it: openssl pkcs8 -in OLD -out NEW".to_owned()
                );
            }
            "EC PRIVATE KEY" | "RSA PRIVATE KEY" => {
                return Err("holds a key of another form than PKCS #8; convert it: openssl pkcs8 \
                            -topk8 -nocrypt -in OLD -out NEW"
                    .to_owned());
            }
            "PUBLIC KEY" => return Err("holds a public key; write the private one".to_owned()),
            _ => return Err("holds no private key".to_owned()),
        }
        let der = block.contents();
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8(der) {
            return Ok(Self::Ed25519(pair));
        }
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
            .map(Self::P256)
            .map_err(|_| format!("holds a private key of another type; {MAKE_ONE}"))
    }

    const fn algorithm(&self) -> &'static str {
        match self {
            Self::P256(_) => "ES256",
            Self::Ed25519(_) => "EdDSA",
        }
    }

    fn public(&self) -> Public {
        match self {
            // An uncompressed point: one byte, then both coordinates (SEC 1 section 2.3.3).
            Self::P256(pair) => {
                let point = pair.public_key().as_ref().get(1..).unwrap_or_default();
                let (x, y) = point.split_at_checked(point.len() / 2).unwrap_or_default();
                Public::P256 { x: URL_SAFE_NO_PAD.encode(x), y: URL_SAFE_NO_PAD.encode(y) }
            }
            Self::Ed25519(pair) => {
                Public::Ed25519 { x: URL_SAFE_NO_PAD.encode(pair.public_key().as_ref()) }
            }
        }
    }
}

/// The public half of a key, its numbers in base64url.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Public {
    P256 { x: String, y: String },
    Ed25519 { x: String },
}

impl Public {
    /// The members that make the key (RFC 7518 section 6.2, RFC 8037 section 2), in the order of
    /// their names.
    fn required(&self) -> Value {
        match self {
            Self::P256 { x, y } => json!({ "crv": "P-256", "kty": "EC", "x": x, "y": y }),
            Self::Ed25519 { x } => json!({ "crv": "Ed25519", "kty": "OKP", "x": x }),
        }
    }
}

/// The thumbprint of a public key: the digest of its required members, in the order of their names
/// and without blanks (RFC 7638 section 3).
fn thumbprint(public: &Public) -> String {
    let text = match public {
        Public::P256 { x, y } => {
            format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)
        }
        Public::Ed25519 { x } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
    };
    URL_SAFE_NO_PAD.encode(sha256(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::{Public, thumbprint};

    #[test]
    fn the_thumbprint_is_that_of_the_published_example() {
        // RFC 8037 appendix A.3.
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".to_owned();
        let expected = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
        assert_eq!(thumbprint(&Public::Ed25519 { x }), expected);
    }
}
