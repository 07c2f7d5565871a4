//! The token in a request: a bearer token, or a member of the body. Never from the query, which is logged
//! on the way.

use bytes::Bytes;
use http::{HeaderMap, Method, header::AUTHORIZATION};
use serde_json::{Map, Value};

use super::{answer::Refusal, body::AdmittedRequest, gate::bearer};
use crate::model::DenyReason;

/// The one token of the request: a bearer token, or of a request that may have a body, one of these
/// members of its object.
///
/// # Errors
///
/// Fails where there is none, or two that differ, or the body cannot be read.
pub(super) async fn find(request: AdmittedRequest<'_>, members: &[&str]) -> Result<Bytes, Refusal> {
    let mut found = bearer_tokens(request.headers());
    if *request.method() != Method::GET {
        found.extend(in_body(&request.object().await?, members)?);
    }
    found.sort_unstable();
    found.dedup();
    match <[Bytes; 1]>::try_from(found) {
        Ok([one]) => Ok(one),
        Err(none) if none.is_empty() => Err(Refusal::Token(DenyReason::CredentialMissing)),
        Err(_several) => Err(Refusal::Token(DenyReason::CredentialsAmbiguous)),
    }
}

/// The bearer tokens of all `authorization` headers.
fn bearer_tokens(headers: &HeaderMap) -> Vec<Bytes> {
    let values = headers.get_all(AUTHORIZATION).iter();
    values.filter_map(|value| bearer(value.as_bytes())).map(Bytes::copy_from_slice).collect()
}

fn in_body(body: &Map<String, Value>, members: &[&str]) -> Result<Vec<Bytes>, Refusal> {
    let mut found = Vec::new();
    for name in members {
        match body.get(*name) {
            None | Some(Value::Null) => {}
            Some(Value::String(token)) if !token.is_empty() => found.push(token.clone().into()),
            Some(_) => return Err(Refusal::Token(DenyReason::TokenMalformed)),
        }
    }
    Ok(found)
}
