//! A credential from a header.
//!
//! In: the headers of a request. Out: at most one credential, or a denial.

use bytes::Bytes;
use memchr::memchr;

use crate::model::{Credential, CredentialSource, DenyReason, Headers};

const BEARER: &[u8] = b"bearer";

/// From `Authorization: Bearer TOKEN` (RFC 6750 section 2.1). Any other scheme belongs to the service
/// behind and is no credential here.
///
/// # Errors
///
/// The denial, if one of several values has the scheme `Bearer`.
pub(super) fn bearer(headers: &Headers) -> Result<Option<Credential>, DenyReason> {
    let mut lines = headers.all("authorization");
    let Some(line) = lines.next() else { return Ok(None) };
    let is_alone = lines.next().is_none() && memchr(b',', line).is_none();
    if is_alone {
        return Ok(is_bearer(line.trim_ascii()).then(|| credential(line)));
    }
    // A proxy may have joined two lines with a comma. No bearer token holds one (RFC 6750
    // section 2.1), so a comma next to a bearer scheme is a second credential.
    let mut parts = headers.all("authorization").flat_map(|line| line.split(|&b| b == b','));
    if parts.any(|part| is_bearer(part.trim_ascii())) {
        Err(DenyReason::CredentialsAmbiguous)
    } else {
        Ok(None)
    }
}

/// The credential behind the scheme.
fn credential(line: &Bytes) -> Credential {
    let line = trim(line);
    let token = line.slice(BEARER.len().min(line.len())..);
    Credential::new(trim(&token), CredentialSource::Header)
}

/// From a header whose whole value is the token.
///
/// # Errors
///
/// The denial, if the header stands there several times, or holds a comma.
pub(super) fn bare_token(headers: &Headers, name: &str) -> Result<Option<Credential>, DenyReason> {
    let mut lines = headers.all(name);
    let Some(line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() || memchr(b',', line).is_some() {
        return Err(DenyReason::CredentialsAmbiguous);
    }
    Ok(Some(Credential::new(trim(line), CredentialSource::Header)))
}

/// The scheme is `Bearer`, in upper or lower case, alone or before white space.
fn is_bearer(value: &[u8]) -> bool {
    value.get(..BEARER.len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(BEARER))
        && value.get(BEARER.len()).is_none_or(|next| *next == b' ' || *next == b'\t')
}

fn trim(value: &Bytes) -> Bytes {
    value.slice_ref(value.trim_ascii())
}
