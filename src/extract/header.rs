//! A credential from a header.
//!
//! In: the headers of a request. Out: at most one credential, or a denial.

use bytes::Bytes;
use memchr::memchr;

use super::{
    finding::Finding,
    jws_shape::{is_jws, is_token_byte},
};
use crate::model::{Credential, CredentialSource, DenyReason, Headers};

const BEARER: &[u8] = b"bearer";

/// From `Authorization: Bearer TOKEN` (RFC 6750 section 2.1). Any other scheme belongs to the service
/// behind and is no credential here. A token without a scheme is refused: it has no scheme that could
/// be another one.
pub(super) fn bearer(headers: &Headers) -> Finding {
    let mut lines = headers.all("authorization");
    let Some(line) = lines.next() else { return Finding::Absent };
    let is_alone = lines.next().is_none() && memchr(b',', line).is_none();
    if is_alone {
        return if is_bearer(line.trim_ascii()) {
            Finding::One(credential(line))
        } else if is_unannounced(line) {
            Finding::Refused(DenyReason::AuthorizationMalformed)
        } else {
            Finding::Absent
        };
    }
    // A proxy may have joined two lines with a comma. No bearer token holds one (RFC 6750
    // section 2.1), so a comma next to a bearer scheme is a second credential.
    let mut parts = headers.all("authorization").flat_map(|line| line.split(|&b| b == b','));
    if parts.any(|part| is_bearer(part.trim_ascii()) || is_unannounced(part)) {
        Finding::Refused(DenyReason::CredentialsAmbiguous)
    } else {
        Finding::Absent
    }
}

/// The credential behind the scheme.
fn credential(line: &Bytes) -> Credential {
    let line = trim(line);
    let token = line.slice(BEARER.len().min(line.len())..);
    Credential::new(trim(&token), CredentialSource::Header)
}

/// From a header whose whole value is the token. It may not stand there several times, nor hold a
/// comma.
pub(super) fn bare_token(headers: &Headers, name: &str) -> Finding {
    let mut lines = headers.all(name);
    let Some(line) = lines.next() else { return Finding::Absent };
    if lines.next().is_some() || memchr(b',', line).is_some() {
        return Finding::Refused(DenyReason::CredentialsAmbiguous);
    }
    Finding::One(Credential::new(trim(line), CredentialSource::Header))
}

/// The scheme is `Bearer`, in upper or lower case, alone or before white space.
fn is_bearer(value: &[u8]) -> bool {
    strip_word(value, BEARER)
        .is_some_and(|rest| rest.first().is_none_or(|next| *next == b' ' || *next == b'\t'))
}

/// The value is a signed token without a scheme, or with one that is almost `Bearer`: `Bearer:TOKEN`,
/// `"Bearer TOKEN"`, the name of the header again. Only quotes, punctuation and white space stand
/// between those words and the token.
fn is_unannounced(value: &[u8]) -> bool {
    let mut rest = value;
    for word in [&b"authorization"[..], BEARER] {
        rest = skip_punctuation(rest);
        rest = strip_word(rest, word).unwrap_or(rest);
    }
    let rest = skip_punctuation(rest);
    let end = rest.iter().position(|&byte| !is_token_byte(byte)).unwrap_or(rest.len());
    rest.get(..end).is_some_and(is_jws)
}

/// The value without what is neither a letter nor a digit in front; escaped blanks are skipped, too.
fn skip_punctuation(mut value: &[u8]) -> &[u8] {
    loop {
        value = match value {
            [b'%', b'2', b'0' | b'2', rest @ ..] => rest,
            [first, rest @ ..] if !first.is_ascii_alphanumeric() => rest,
            all => return all,
        };
    }
}

/// The value behind this word, which is in lower case.
fn strip_word<'a>(value: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let (first, rest) = value.split_at_checked(word.len())?;
    first.eq_ignore_ascii_case(word).then_some(rest)
}

fn trim(value: &Bytes) -> Bytes {
    value.slice_ref(value.trim_ascii())
}
