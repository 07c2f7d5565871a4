//! How passports are signed: the issuer that they name, and the keys.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{secret::Secret, span::Span, web_address::WebAddress};

/// How the signed tokens for the services behind are made. A rule with `passport` gets one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct WrittenPassport {
    /// The `iss` of passports: `https://authz.example.com`, without a slash at its end. Services that
    /// find keys by discovery ask below this address, so it has to lead to the listener that serves `passport_keys`.
    pub issuer: String,
    /// The private keys, at most 8. The first signs; the public keys of all are published. To
    /// rotate, add the next key at the end, wait until every service has read it, and then move it
    /// to the front. See docs/passports.md.
    #[schemars(length(min = 1, max = 8))]
    pub keys: Vec<WrittenPassportKey>,
    /// How long a passport is good, unless the rule says otherwise. It never outlives the token of
    /// its caller.
    #[serde(default = "ttl")]
    #[schemars(extend("x-duration-range" = ["5s", "5m"]))]
    pub ttl: Span,
    /// The `sub` of passports. Where several issuers are configured, write which: their users may have
    /// the same ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<PassportSubject>,
    /// The header that brings the service a passport with `format: jwt`: `x-rownd-passport`, or a name
    /// that begins with `x-rownd-passport-`.
    #[serde(default = "header")]
    #[schemars(regex(pattern = r"^x-rownd-passport(-[a-z0-9]{1,32}){0,2}$"))]
    pub header: String,
    /// The most bytes of a passport. A check that would need a larger one is denied.
    #[serde(default = "max_bytes")]
    #[schemars(range(min = 1_024, max = 32_768))]
    pub max_bytes: usize,
    /// The `aud` of transaction tokens: the name of the domain whose services trust each other.
    /// Needed where a rule says `format: txn-token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub trust_domain: Option<String>,
    /// Bytes of memory for passports that are used again for other requests of the same caller. With
    /// 0, none are kept and each request costs a signature.
    #[serde(default = "cache_bytes")]
    #[schemars(range(max = 4_294_967_296_u64))]
    pub cache_bytes: u64,
}

/// A private key, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct WrittenPassportKey {
    /// The file with the private key, PEM (PKCS #8, not encrypted): of the curve P-256 for ES256, or
    /// Ed25519 for EdDSA. It is read again when it changes.
    pub file: PathBuf,
    /// The name of the key in passports and in the key set. Default: its thumbprint (RFC 7638).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[A-Za-z0-9._~-]{1,64}$"))]
    pub kid: Option<String>,
}

/// How passports are signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Passport {
    /// The `iss` of passports.
    pub issuer: WebAddress,
    /// The private keys: the first signs, all are published.
    pub keys: Vec<PassportKey>,
    /// How long a passport is good, unless the rule says otherwise.
    pub ttl: Span,
    /// The `sub` of passports.
    pub subject: PassportSubject,
    /// The header that brings the service a passport with `format: jwt`.
    pub header: String,
    /// The most bytes of a passport.
    pub max_bytes: usize,
    /// The `aud` of transaction tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust_domain: Option<String>,
    /// Bytes of memory for passports that are used again.
    pub cache_bytes: u64,
}

/// A private key that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PassportKey {
    /// The file it was read from.
    pub file: PathBuf,
    /// Its configured name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// The text of the file.
    #[serde(skip)]
    pub pem: Secret,
    /// Every user of the machine may read the file.
    #[serde(skip)]
    pub readable_by_all: bool,
}

/// The `sub` of passports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PassportSubject {
    /// The user id alone. The claim `idp` says which issuer it is of.
    #[default]
    UserId,
    /// The configured name of the issuer, `|` and the user id.
    IssuerAndUserId,
}

fn header() -> String {
    "x-rownd-passport".to_owned()
}

const fn max_bytes() -> usize {
    8000
}

const fn ttl() -> Span {
    Span::from_secs(60)
}

const fn cache_bytes() -> u64 {
    8 << 20
}
