//! The strict parser of tokens, before any cryptography (RFC 7519, RFC 8725).
//!
//! In: the bytes of a token. Out: header, claims and signature, or the reason of a denial.
//!
//! JWT libraries are lenient where it matters (a claim of the wrong type counts as absent,
//! `crit` is read and not obeyed, the last of two members wins), so this is our own.

use std::{borrow::Cow, fmt};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};

use super::json::{Json, Name, Object, duplicate_member};
use crate::model::DenyReason;

const BAD: DenyReason = DenyReason::TokenMalformed;

/// The longest `kid`, in bytes. Header and claims have no bound of their own: the length of the
/// whole token, `check.max_token_bytes`, bounds both.
pub(super) const MAX_KID: usize = 256;
/// The longest decoded signature: that of an RSA key of 8192 bits.
pub(super) const MAX_SIGNATURE: usize = 1024;
/// 9999-12-31T23:59:59Z: later times are a trick.
pub(super) const MAX_TIME: u64 = 253_402_300_799;

/// Header members that ask for what is never done: critical extensions, unencoded or
/// compressed payloads, encryption, nested tokens.
pub(super) const REFUSED_MEMBERS: [&str; 7] = ["crit", "b64", "zip", "enc", "cty", "epk", "cnf"];

/// The `typ` of a token's header (RFC 8725 section 3.11). Any other is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Typ {
    /// It is absent, or `JWT`.
    Plain,
    /// It is `at+jwt`: an access token by RFC 9068.
    Access,
    /// It is `secevent+jwt`: a security event token (RFC 8417). Only its own entrance reads it.
    SecurityEvent,
    /// It is `logout+jwt`: a logout token (OpenID Connect Back-Channel Logout). Only its own entrance
    /// reads it.
    Logout,
}

/// Reads the `typ` of a header.
pub(super) type TypReader = fn(&str) -> Result<Typ, DenyReason>;

/// A token of good shape. Nothing in it is verified yet.
#[derive(Debug)]
pub(super) struct Token<'a> {
    pub(super) alg: Cow<'a, str>,
    pub(super) kid: Option<Cow<'a, str>>,
    pub(super) typ: Typ,
    pub(super) claims: Claims<'a>,
    /// The signed part: header, dot, claims.
    pub(super) signed: &'a [u8],
    pub(super) signature: &'a [u8],
}

/// Claims with the registered ones typed.
#[derive(Debug)]
pub(super) struct Claims<'a> {
    pub(super) iss: Cow<'a, str>,
    pub(super) sub: Option<Cow<'a, str>>,
    pub(super) jti: Option<Cow<'a, str>>,
    pub(super) aud: Vec<Cow<'a, str>>,
    pub(super) exp: Option<u64>,
    pub(super) nbf: Option<u64>,
    pub(super) iat: Option<u64>,
    /// All claims that are not registered ones.
    pub(super) other: Object<'a>,
}

/// Every claim of a token that was verified. Nothing is checked here: for any other token the
/// result is worth nothing.
#[must_use]
pub fn verified_claims(verified: &[u8]) -> Option<serde_json::Map<String, serde_json::Value>> {
    let claims = verified.split(|byte| *byte == b'.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

/// Parses a compact JWS that may let somebody in. The decoded bytes are written to `scratch`.
pub(super) fn parse<'a>(raw: &'a [u8], scratch: &'a mut Vec<u8>) -> Result<Token<'a>, DenyReason> {
    parse_as(raw, scratch, typ)
}

/// Parses a compact JWS whose `typ` this reader takes. The decoded bytes are written to `scratch`.
pub(super) fn parse_as<'a>(
    raw: &'a [u8],
    scratch: &'a mut Vec<u8>,
    read_typ: TypReader,
) -> Result<Token<'a>, DenyReason> {
    let text = std::str::from_utf8(raw).map_err(|_| BAD)?;
    let (signed, signature) = text.rsplit_once('.').ok_or(BAD)?;
    let (header, claims) = signed.split_once('.').ok_or(BAD)?;
    if claims.contains('.') {
        return Err(BAD);
    }
    scratch.resize(raw.len(), 0);
    let (signature, rest) = decode(signature, scratch)?;
    if signature.len() > MAX_SIGNATURE {
        return Err(BAD);
    }
    let (header, rest) = decode(header, rest)?;
    let KeyHints { alg, kid, typ } = json::<Header<'_>>(header)?.check(read_typ)?;
    let (claims, _) = decode(claims, rest)?;
    let claims = json::<RawClaims<'_>>(claims)?.check()?;
    Ok(Token { alg, kid, typ, claims, signed: signed.as_bytes(), signature })
}

/// One part of a token, decoded to the front of `room`; and the room that is left.
fn decode<'a>(part: &str, room: &'a mut [u8]) -> Result<(&'a [u8], &'a mut [u8]), DenyReason> {
    let length = URL_SAFE_NO_PAD.decode_slice(part, room).map_err(|_| BAD)?;
    if length == 0 {
        return Err(BAD);
    }
    let (decoded, rest) = room.split_at_mut_checked(length).ok_or(BAD)?;
    Ok((decoded, rest))
}

fn json<'a, T: Deserialize<'a>>(part: &'a [u8]) -> Result<T, DenyReason> {
    serde_json::from_slice(part).map_err(|_| BAD)
}

/// The members of a header that are used.
struct KeyHints<'a> {
    alg: Cow<'a, str>,
    kid: Option<Cow<'a, str>>,
    typ: Typ,
}

/// The header as it is read, no member twice.
struct Header<'a>(Object<'a>);

impl<'a> Header<'a> {
    fn check(self, read_typ: TypReader) -> Result<KeyHints<'a>, DenyReason> {
        if REFUSED_MEMBERS.iter().any(|name| self.0.contains(name)) {
            return Err(DenyReason::TokenHeaderRefused);
        }
        let typ = self.text("typ")?.map_or(Ok(Typ::Plain), read_typ)?;
        let alg = self.take("alg")?.ok_or(BAD)?;
        let kid = self.take("kid")?;
        if kid.as_ref().is_some_and(|kid| kid.is_empty() || kid.len() > MAX_KID) {
            return Err(BAD);
        }
        Ok(KeyHints { alg, kid, typ })
    }

    /// Absent, or text; any other JSON type, `null` too, is malformed.
    fn text(&self, name: &str) -> Result<Option<&str>, DenyReason> {
        self.0.get(name).map(|value| value.text().ok_or(BAD)).transpose()
    }

    fn take(&self, name: &str) -> Result<Option<Cow<'a, str>>, DenyReason> {
        self.0.get(name).map(|value| value.clone().into_text().ok_or(BAD)).transpose()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Header<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Json::Object(object) = Json::deserialize(deserializer)? else {
            return Err(D::Error::custom("a header is an object"));
        };
        Ok(Self(object))
    }
}

/// The `typ` of a token that may let somebody in.
pub(super) fn typ(kind: &str) -> Result<Typ, DenyReason> {
    one_of(kind, &[("jwt", Typ::Plain), ("at+jwt", Typ::Access)])
}

/// The `typ` of a security event token.
pub(super) fn security_event_typ(kind: &str) -> Result<Typ, DenyReason> {
    one_of(kind, &[("secevent+jwt", Typ::SecurityEvent)])
}

/// The `typ` of a logout token; older providers write `JWT`.
pub(super) fn logout_typ(kind: &str) -> Result<Typ, DenyReason> {
    one_of(kind, &[("logout+jwt", Typ::Logout), ("jwt", Typ::Plain)])
}

/// In any case, `application/` or not (RFC 7515 section 4.1.9).
fn one_of(kind: &str, known: &[(&str, Typ)]) -> Result<Typ, DenyReason> {
    const PREFIX: &str = "application/";
    let bare = match kind.get(..PREFIX.len()) {
        Some(prefix) if prefix.eq_ignore_ascii_case(PREFIX) => kind.get(PREFIX.len()..),
        _ => Some(kind),
    };
    let found = known.iter().find(|(word, _)| bare.is_some_and(|b| b.eq_ignore_ascii_case(word)));
    found.map(|(_, typ)| *typ).ok_or(DenyReason::TokenHeaderRefused)
}

/// Claims as they are read, each registered one of its JSON type (RFC 7519 section 4.1) and none
/// of them twice.
#[derive(Default)]
struct RawClaims<'a> {
    iss: Option<Cow<'a, str>>,
    sub: Option<Cow<'a, str>>,
    jti: Option<Cow<'a, str>>,
    aud: Option<Json<'a>>,
    exp: Option<Json<'a>>,
    nbf: Option<Json<'a>>,
    iat: Option<Json<'a>>,
    other: Object<'a>,
}

impl<'a> RawClaims<'a> {
    fn check(self) -> Result<Claims<'a>, DenyReason> {
        // A token bound to a key of the client (RFC 7800) proves nothing without that proof.
        if self.other.contains("cnf") {
            return Err(DenyReason::ClaimsInvalid);
        }
        let time = |time: Option<Json<'_>>| time.map(|time| seconds(&time).ok_or(BAD)).transpose();
        Ok(Claims {
            iss: self.iss.ok_or(DenyReason::IssuerUntrusted)?,
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

impl<'de: 'a, 'a> Deserialize<'de> for RawClaims<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RawClaimsVisitor)
    }
}

struct RawClaimsVisitor;

impl<'de> Visitor<'de> for RawClaimsVisitor {
    type Value = RawClaims<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("claims")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut claims = RawClaims { other: Object::with_usual_capacity(), ..RawClaims::default() };
        let mut twice = false;
        while let Some(Name(name)) = entries.next_key::<Name<'de>>()? {
            twice |= match name.as_ref() {
                "iss" => claims.iss.replace(entries.next_value::<Name<'de>>()?.0).is_some(),
                "sub" => claims.sub.replace(entries.next_value::<Name<'de>>()?.0).is_some(),
                "jti" => claims.jti.replace(entries.next_value::<Name<'de>>()?.0).is_some(),
                "aud" => claims.aud.replace(entries.next_value()?).is_some(),
                "exp" => claims.exp.replace(entries.next_value()?).is_some(),
                "nbf" => claims.nbf.replace(entries.next_value()?).is_some(),
                "iat" => claims.iat.replace(entries.next_value()?).is_some(),
                _ => {
                    claims.other.push(name, entries.next_value()?);
                    false
                }
            };
        }
        if twice {
            return Err(A::Error::custom("a registered claim stands twice"));
        }
        match claims.other.duplicate() {
            Some(name) => Err(A::Error::custom(duplicate_member(name))),
            None => Ok(claims),
        }
    }
}

/// One text or a list of texts (RFC 7519 section 4.1.3).
fn audiences(aud: Option<Json<'_>>) -> Result<Vec<Cow<'_, str>>, DenyReason> {
    match aud {
        None => Ok(Vec::new()),
        Some(Json::List(items)) => {
            items.into_iter().map(|item| item.into_text().ok_or(BAD)).collect()
        }
        Some(value) => Ok(vec![value.into_text().ok_or(BAD)?]),
    }
}

/// A NumericDate (RFC 7519 section 2) in whole seconds, rounded down.
fn seconds(number: &Json<'_>) -> Option<u64> {
    let whole = match number {
        Json::Unsigned(whole) => *whole,
        Json::Float(float) if *float >= 0.0 && *float <= MAX_TIME as f64 => {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
            {
                float.floor() as u64
            }
        }
        Json::Float(_)
        | Json::Null
        | Json::Bool(_)
        | Json::Negative(_)
        | Json::Text(_)
        | Json::List(_)
        | Json::Object(_) => return None,
    };
    (whole <= MAX_TIME).then_some(whole)
}
