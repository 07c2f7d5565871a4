//! The claims that the configuration asks for, read out of a token.
//!
//! In: their names; then the claims of a token. Out: the values that the token has. Nothing else
//! of the token is kept, and without names nothing at all.

use std::sync::Arc;

use serde_json::Value;

use super::{elsewhere::Elsewhere, path::ClaimPath};
use crate::{
    model::{ClaimNames, KeptClaims},
    verify::token::Claims,
};

/// The compiled names of the claims that are kept.
#[derive(Debug, Default)]
pub(in crate::verify) struct AskedClaims(Vec<(Arc<str>, ClaimPath)>);

impl AskedClaims {
    pub(in crate::verify) fn build(names: &ClaimNames) -> Self {
        Self(names.iter().map(|name| (name.into(), ClaimPath::of_text(name))).collect())
    }

    /// The values that the token has; a claim that is `null` counts as absent. One of which the token
    /// does not tell whether it is there is noted.
    pub(in crate::verify) fn of(&self, claims: &Claims<'_>) -> KeptClaims {
        let found = self.0.iter().filter_map(|(name, path)| {
            let value = match registered(claims, name) {
                Some(value) => value,
                None => path.find(&claims.other)?.into(),
            };
            Some((name.clone(), value))
        });
        let elsewhere = Elsewhere::of(&claims.other);
        let is_unread =
            |path: &ClaimPath| elsewhere.holds(path.first()) || path.is_blocked(&claims.other);
        let unread = self.0.iter().filter(|(_, path)| is_unread(path));
        found.collect::<KeptClaims>().without(unread.map(|(name, _)| name.clone()))
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
