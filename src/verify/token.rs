//! A token taken apart strictly, before any cryptography (RFC 7519, RFC 8725).
//!
//! JWT libraries are lenient where it matters (a claim of the wrong type counts as absent,
//! `crit` is read and not obeyed, the last of two members wins), so this is our own.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

use crate::model::DenyReason;

/// The longest decoded header and claims, and the longest `kid`, in bytes.
const MAX_HEADER: usize = 2048;
const MAX_CLAIMS: usize = 6144;
const MAX_KID: usize = 256;
/// The longest decoded signature: twice that of the largest RSA key in use.
const MAX_SIGNATURE: usize = 1024;
/// 9999-12-31T23:59:59Z: later times are a trick.
const MAX_TIME: u64 = 253_402_300_799;

/// Header members that ask for what is never done: critical extensions, unencoded or
/// compressed payloads, encryption, nested tokens.
const REFUSED_MEMBERS: [&str; 6] = ["crit", "b64", "zip", "enc", "cty", "epk"];
/// The kinds of token this is the door for (RFC 8725 section 3.11, RFC 9068).
const TYPES: [&str; 2] = ["jwt", "at+jwt"];

/// A token of good shape. Nothing in it is verified yet.
#[derive(Debug)]
pub(super) struct Token<'a> {
    pub(super) alg: String,
    pub(super) kid: Option<String>,
    pub(super) claims: Claims,
    /// What was signed: header, dot, claims.
    pub(super) signed: &'a [u8],
    /// The signature, still in base64url.
    pub(super) signature: &'a str,
}

/// Claims with the registered ones typed.
#[derive(Debug)]
pub(super) struct Claims {
    pub(super) iss: String,
    pub(super) sub: Option<String>,
    pub(super) jti: Option<String>,
    pub(super) aud: Vec<String>,
    pub(super) exp: Option<u64>,
    pub(super) nbf: Option<u64>,
    pub(super) iat: Option<u64>,
    /// Everything else.
    pub(super) other: Map<String, Value>,
}

/// Takes a compact JWS apart.
pub(super) fn parse(raw: &[u8]) -> Result<Token<'_>, DenyReason> {
    const BAD: DenyReason = DenyReason::TokenMalformed;
    let text = std::str::from_utf8(raw).map_err(|_| BAD)?;
    let (signed, signature) = text.rsplit_once('.').ok_or(BAD)?;
    let (header, claims) = signed.split_once('.').ok_or(BAD)?;
    if claims.contains('.') {
        return Err(BAD);
    }
    // A signature that is no base64url is a malformed token; the library would say "invalid".
    let mut bytes = [0; MAX_SIGNATURE];
    let length = URL_SAFE_NO_PAD.decode_slice(signature, &mut bytes).unwrap_or_default();
    if length == 0 {
        return Err(BAD);
    }
    let Strict(Value::Object(header)) = json(header, MAX_HEADER)? else { return Err(BAD) };
    let (alg, kid) = read_header(header)?;
    let claims = json::<RawClaims>(claims, MAX_CLAIMS)?.check()?;
    Ok(Token { alg, kid, claims, signed: signed.as_bytes(), signature })
}

/// One part of the token as strict JSON.
fn json<T: DeserializeOwned>(part: &str, limit: usize) -> Result<T, DenyReason> {
    URL_SAFE_NO_PAD
        .decode(part)
        .ok()
        .filter(|json| json.len() <= limit)
        .and_then(|json| serde_json::from_slice(&json).ok())
        .ok_or(DenyReason::TokenMalformed)
}

fn read_header(mut header: Map<String, Value>) -> Result<(String, Option<String>), DenyReason> {
    if REFUSED_MEMBERS.iter().any(|name| header.contains_key(*name)) {
        return Err(DenyReason::TokenHeaderRefused);
    }
    if let Some(kind) = optional_text(&mut header, "typ")? {
        let kind = kind.to_ascii_lowercase();
        if !TYPES.contains(&kind.strip_prefix("application/").unwrap_or(&kind)) {
            return Err(DenyReason::TokenHeaderRefused);
        }
    }
    let alg = optional_text(&mut header, "alg")?.ok_or(DenyReason::TokenMalformed)?;
    let kid = optional_text(&mut header, "kid")?;
    if kid.as_ref().is_some_and(|kid| kid.is_empty() || kid.len() > MAX_KID) {
        return Err(DenyReason::TokenMalformed);
    }
    Ok((alg, kid))
}

/// Claims as they are read, each registered one of its JSON type (RFC 7519 section 4.1) and none
/// of them twice.
#[derive(Default)]
struct RawClaims {
    iss: Option<String>,
    sub: Option<String>,
    jti: Option<String>,
    aud: Option<Value>,
    exp: Option<Number>,
    nbf: Option<Number>,
    iat: Option<Number>,
    other: Map<String, Value>,
}

impl RawClaims {
    fn check(self) -> Result<Claims, DenyReason> {
        // A token bound to a key of the client (RFC 7800) proves nothing without that proof.
        if self.other.contains_key("cnf") {
            return Err(DenyReason::ClaimsInvalid);
        }
        let time = |time: Option<Number>| {
            time.map(|time| seconds(&time).ok_or(DenyReason::TokenMalformed)).transpose()
        };
        Ok(Claims {
            iss: self.iss.ok_or(DenyReason::IssuerUnknown)?,
            sub: self.sub,
            jti: self.jti,
            aud: audiences(self.aud)?,
            exp: time(self.exp)?,
            nbf: time(self.nbf)?,
            iat: time(self.iat)?,
            other: self.other,
        })
    }
}

impl<'de> Deserialize<'de> for RawClaims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RawClaimsVisitor)
    }
}

/// A claim's name, copied only where it is kept.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

struct RawClaimsVisitor;

impl<'de> Visitor<'de> for RawClaimsVisitor {
    type Value = RawClaims;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("claims")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<RawClaims, A::Error> {
        let mut claims = RawClaims::default();
        while let Some(Name(name)) = entries.next_key::<Name<'de>>()? {
            let twice = match name.as_ref() {
                "iss" => claims.iss.replace(entries.next_value()?).is_some(),
                "sub" => claims.sub.replace(entries.next_value()?).is_some(),
                "jti" => claims.jti.replace(entries.next_value()?).is_some(),
                "aud" => claims.aud.replace(entries.next_value::<Strict>()?.0).is_some(),
                "exp" => claims.exp.replace(entries.next_value()?).is_some(),
                "nbf" => claims.nbf.replace(entries.next_value()?).is_some(),
                "iat" => claims.iat.replace(entries.next_value()?).is_some(),
                _ => {
                    let value = entries.next_value::<Strict>()?.0;
                    claims.other.insert(name.into_owned(), value).is_some()
                }
            };
            if twice {
                return Err(A::Error::custom("a claim stands twice"));
            }
        }
        Ok(claims)
    }
}

/// Absent, or text; any other JSON type, `null` too, is malformed.
fn optional_text(map: &mut Map<String, Value>, name: &str) -> Result<Option<String>, DenyReason> {
    match map.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(DenyReason::TokenMalformed),
    }
}

/// One text or a list of texts (RFC 7519 section 4.1.3).
fn audiences(aud: Option<Value>) -> Result<Vec<String>, DenyReason> {
    let text = |value| match value {
        Value::String(text) => Ok(text),
        _ => Err(DenyReason::TokenMalformed),
    };
    match aud {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => items.into_iter().map(text).collect(),
        Some(value) => Ok(vec![text(value)?]),
    }
}

/// A NumericDate (RFC 7519 section 2) in whole seconds, rounded down.
fn seconds(number: &Number) -> Option<u64> {
    let whole = match number.as_u64() {
        Some(whole) => whole,
        None => {
            let float = number.as_f64().filter(|f| *f >= 0.0 && *f <= MAX_TIME as f64)?;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
            {
                float.floor() as u64
            }
        }
    };
    (whole <= MAX_TIME).then_some(whole)
}

/// JSON without duplicate members at any depth. Depth itself is bounded by `serde_json`.
pub(super) struct Strict(pub(super) Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

macro_rules! plain {
    ($($name:ident: $kind:ty),+) => {
        $(fn $name<E>(self, value: $kind) -> Result<Value, E> {
            Ok(Value::from(value))
        })+
    };
}

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON without duplicate members")
    }

    plain!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str, visit_string: String);

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((name, Strict(value))) = entries.next_entry::<String, Strict>()? {
            if map.insert(name, value).is_some() {
                return Err(A::Error::custom("a member stands twice"));
            }
        }
        Ok(Value::Object(map))
    }
}
