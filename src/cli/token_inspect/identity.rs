//! The identity of a token in the report of `token inspect`.
//!
//! In: the facts of the identity. Out: text for a terminal, in which every text of the token is
//! escaped, or a JSON value.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::{cli::output, model::IdentityFacts};

pub(super) fn identity_text(who: &IdentityFacts, text: &mut String) {
    let mut part = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<12} {value}");
    };
    part("user id", &escaped(&who.user_id));
    part("auth level", who.auth_level.as_str());
    part("anonymous", if who.anonymous { "yes" } else { "no" });
    for (name, value) in [
        ("app", &who.app_id),
        ("app variant", &who.app_variant),
        ("session", &who.session_id),
        ("tenant", &who.tenant),
    ] {
        if let Some(value) = value {
            part(name, &escaped(value));
        }
    }
    for (name, values) in [("roles", &who.roles), ("groups", &who.groups), ("scopes", &who.scopes)]
    {
        if !values.is_empty() {
            part(name, &joined(values));
        }
    }
}

pub(super) fn identity_json(who: &IdentityFacts) -> Value {
    json!({
        "user_id": who.user_id,
        "issuer": who.issuer,
        "auth_level": who.auth_level.as_str(),
        "anonymous": who.anonymous,
        "verified": who.verified(),
        "app_id": who.app_id,
        "app_variant": who.app_variant,
        "session_id": who.session_id,
        "token_id": who.token_id,
        "tenant": who.tenant,
        "roles": who.roles,
        "groups": who.groups,
        "scopes": who.scopes,
    })
}

/// A text of the token, escaped so that it controls no terminal.
pub(super) fn escaped(text: &str) -> String {
    output::harmless(text)
}

/// The texts in one line, or the word for an empty list.
pub(super) fn joined(texts: &[String]) -> String {
    if texts.is_empty() {
        return "none".to_owned();
    }
    texts.iter().map(|text| escaped(text)).collect::<Vec<_>>().join(", ")
}
