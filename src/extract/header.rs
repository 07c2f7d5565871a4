//! A credential from a header.

use bytes::Bytes;

use crate::model::{Credential, CredentialSource, DenyReason, Headers};

const BEARER: &[u8] = b"bearer";

/// From `Authorization: Bearer TOKEN` (RFC 6750 section 2.1). Another scheme is no credential
/// of ours.
pub(super) fn bearer(headers: &Headers) -> Result<Option<Credential>, DenyReason> {
    let mut lines = headers.all("authorization");
    let Some(line) = lines.next() else { return Ok(None) };
    let alone = lines.next().is_none() && !line.contains(&b',');
    if alone {
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

/// What follows the scheme.
fn credential(line: &Bytes) -> Credential {
    let line = trim(line);
    let token = line.slice(BEARER.len().min(line.len())..);
    Credential::new(trim(&token), CredentialSource::Header)
}

/// From a header that holds nothing but the token.
pub(super) fn bare(headers: &Headers, name: &str) -> Result<Option<Credential>, DenyReason> {
    let mut lines = headers.all(name);
    let Some(line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() || line.contains(&b',') {
        return Err(DenyReason::CredentialsAmbiguous);
    }
    Ok(Some(Credential::new(trim(line), CredentialSource::Header)))
}

/// The scheme is `Bearer`, in any case, alone or before white space.
fn is_bearer(value: &[u8]) -> bool {
    value.get(..BEARER.len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(BEARER))
        && value.get(BEARER.len()).is_none_or(|next| *next == b' ' || *next == b'\t')
}

fn trim(value: &Bytes) -> Bytes {
    value.slice_ref(value.trim_ascii())
}
