//! The token in a request of the token validator: a bearer token, or a member of the body. Never from
//! the query, which is logged on the way.

use axum::extract::Request;
use bytes::Bytes;
use http::{HeaderMap, Method, header::AUTHORIZATION};
use serde_json::{Map, Value};

use super::{answer::Refusal, body, gate::bearer};
use crate::model::DenyReason;

/// The members of a body that may hold the token.
const MEMBERS: [&str; 3] = ["token", "access_token", "id_token"];

/// The one token of the request.
///
/// # Errors
///
/// Fails where there is none, or two that differ, or the body cannot be read.
pub(super) async fn find(request: Request) -> Result<Bytes, Refusal> {
    let mut found = bearer_tokens(request.headers());
    if request.method() == Method::POST {
        found.extend(members(&body::object(request).await?)?);
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

fn members(body: &Map<String, Value>) -> Result<Vec<Bytes>, Refusal> {
    let mut found = Vec::new();
    for name in MEMBERS {
        match body.get(name) {
            None | Some(Value::Null) => {}
            Some(Value::String(token)) if !token.is_empty() => found.push(token.clone().into()),
            Some(_) => return Err(Refusal::Token(DenyReason::TokenMalformed)),
        }
    }
    Ok(found)
}
