//! The claims that the configuration asks for, read out of a token.
//!
//! In: their names; then the claims of a token. Out: the values that the token has. Nothing else
//! of the token is kept, and without names nothing at all.

use std::sync::Arc;

use serde_json::Value;

use super::{elsewhere::Elsewhere, path::ClaimPath};
use crate::{
    model::{ClaimNames, KeptClaims, UnreadClaim},
    verify::token::Claims,
};

/// The compiled names of the claims that are kept.
#[derive(Debug, Default)]
pub(in crate::verify) struct AskedClaims(Vec<(Arc<str>, ClaimPath)>);

impl AskedClaims {
    pub(in crate::verify) fn build(names: &ClaimNames) -> Self {
        Self(names.iter().map(|name| (name.into(), ClaimPath::of_text(name))).collect())
    }

    /// The values that the token has, `null` included. A claim whose value the token does not tell is
    /// noted, and so is one inside of it: a part of the value may stand in the token as well.
    pub(in crate::verify) fn of(&self, claims: &Claims<'_>) -> KeptClaims {
        let elsewhere = Elsewhere::of(&claims.other);
        let mut unread = Vec::new();
        let mut found = Vec::with_capacity(self.0.len());
        for (name, path) in &self.0 {
            if let Some(value) = registered(claims, name) {
                found.push((name.clone(), value));
            } else if let Some(why) = elsewhere.why_unread(path) {
                unread.push((name.clone(), why));
            } else if path.is_blocked(&claims.other) {
                unread.push((name.clone(), UnreadClaim::Blocked));
            } else if let Some(value) = path.stated(&claims.other) {
                found.push((name.clone(), value.into()));
            }
        }
        KeptClaims::from_iter(found).without(unread)
    }
}

/// The registered claims (RFC 7519 section 4.1) are not among the others.
fn registered(claims: &Claims<'_>, name: &str) -> Option<Value> {
    let text = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().map(Value::from);
    match name {
        "iss" => Some(claims.iss.as_ref().into()),
        "sub" => text(&claims.sub),
        "jti" => text(&claims.jti),
        "aud" if claims.aud.is_empty() => None,
        "aud" => Some(claims.aud.iter().map(|aud| Value::from(aud.as_ref())).collect()),
        "exp" => claims.exp.map(Value::from),
        "nbf" => claims.nbf.map(Value::from),
        "iat" => claims.iat.map(Value::from),
        _ => None,
    }
}
