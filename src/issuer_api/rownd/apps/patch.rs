//! The body of a `PATCH` of an app.
//!
//! Rownd does not document whether a `PATCH` merges into the settings of an app at every depth, or
//! replaces them. This module alone knows the answer, by a setting of the issuer.

use serde_json::{Map, Value, json};

use crate::{
    config::PutEffect,
    issuer_api::administration::apps::{ClaimsChange, claims_of, places_to_write},
};

/// The body for this change of the claims.
pub(super) fn body(patch: PutEffect, change: ClaimsChange<'_>) -> Value {
    let ClaimsChange { known, changed } = change;
    let mut claims: Map<_, _> = claims_of(known).into_iter().chain(changed.clone()).collect();
    let mut config = match patch {
        // All claims as well: it is not documented either whether a map of claims is merged.
        PutEffect::Merges => Map::new(),
        PutEffect::Replaces => {
            claims.retain(|_, claim| !claim.is_null());
            known.clone()
        }
    };
    for place in places_to_write(known) {
        put(&mut config, place, Value::Object(claims.clone()));
    }
    json!({ "config": config })
}

/// Sets the value at this place. A node on the way that is not an object becomes one.
fn put(node: &mut Map<String, Value>, place: &[&str], value: Value) {
    let Some((first, rest)) = place.split_first() else { return };
    if rest.is_empty() {
        node.insert((*first).to_owned(), value);
        return;
    }
    let mut below = match node.remove(*first) {
        Some(Value::Object(below)) => below,
        Some(
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_),
        )
        | None => Map::new(),
    };
    put(&mut below, rest, value);
    node.insert((*first).to_owned(), Value::Object(below));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{ClaimsChange, PutEffect, body};

    #[test]
    fn the_body_changes_the_claims_and_nothing_else() {
        let known = json!({
            "hub": { "auth": { "audience": ["x"], "access_tokens": { "ttl": 1, "custom_claims": {
                "kept": { "value": 1 }, "gone": { "value": 2 } } } }, "color": "red" },
            "auth": { "access_tokens": { "custom_claims": { "old": { "value": 3 } } } },
            "gates": [],
        });
        let change = json!({ "gone": null, "new": { "value": 4 } });
        let claims =
            json!({ "kept": { "value": 1 }, "old": { "value": 3 }, "new": { "value": 4 } });
        let mut merged = claims.clone();
        merged["gone"] = json!(null);
        for (patch, expected) in [
            (
                PutEffect::Replaces,
                json!({ "config": {
                    "hub": { "auth": { "audience": ["x"],
                        "access_tokens": { "ttl": 1, "custom_claims": claims } }, "color": "red" },
                    "auth": { "access_tokens": { "custom_claims": claims } },
                    "gates": [],
                } }),
            ),
            (
                PutEffect::Merges,
                json!({ "config": {
                    "hub": { "auth": { "access_tokens": { "custom_claims": merged } } },
                    "auth": { "access_tokens": { "custom_claims": merged } },
                } }),
            ),
        ] {
            let change = ClaimsChange {
                known: known.as_object().unwrap(),
                changed: change.as_object().unwrap(),
            };
            assert_eq!(body(patch, change), expected, "{patch:?}");
        }
    }

    #[test]
    fn a_place_that_is_not_there_is_made() {
        let change = json!({ "a": { "value": 1 } });
        for known in [json!({}), json!({ "hub": null }), json!({ "hub": { "auth": 7 } })] {
            let change = ClaimsChange {
                known: known.as_object().unwrap(),
                changed: change.as_object().unwrap(),
            };
            let sent = body(PutEffect::Replaces, change);
            let claims = &sent["config"]["hub"]["auth"]["access_tokens"]["custom_claims"];
            assert_eq!(claims, &json!({ "a": { "value": 1 } }), "{known}");
        }
    }
}
