//! A credential from the query (RFC 6750 section 2.3): off unless configured, as addresses end
//! up in logs and histories.

use bytes::Bytes;
use percent_encoding::percent_decode;

use crate::model::{Credential, CredentialSource, DenyReason};

/// From the parameter of this name in a path with its query. Names and values are read as forms
/// write them; a repeated parameter is a second credential.
pub(super) fn find(path: &Bytes, name: &str) -> Result<Option<Credential>, DenyReason> {
    // A fragment is no part of a request (RFC 9110 section 4.1), even one with a `?` in it.
    let path = path.split(|&b| b == b'#').next().unwrap_or_default();
    let query = path.splitn(2, |&b| b == b'?').nth(1).unwrap_or_default();
    let mut found = None;
    for pair in query.split(|&b| b == b'&') {
        let mut halves = pair.splitn(2, |&b| b == b'=');
        if !halves.next().is_some_and(|key| percent_decode(key).eq(name.bytes())) {
            continue;
        }
        if found.is_some() {
            return Err(DenyReason::CredentialsAmbiguous);
        }
        let token: Vec<u8> = percent_decode(halves.next().unwrap_or_default()).collect();
        found = Some(Credential::new(token.into(), CredentialSource::Query));
    }
    Ok(found)
}
