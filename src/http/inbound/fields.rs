//! The answer about a token: a flat object, of the claims that the configuration names.

use serde_json::{Map, Value};

use crate::config::{ClaimPlace, TokenValidator, ValidatorUserId};

/// The answer; `None`: the token has no id where one is configured.
pub(super) fn answer(
    settings: &TokenValidator,
    claims: &Map<String, Value>,
) -> Option<Map<String, Value>> {
    let mut fields = Map::new();
    for (field, claim) in settings.claims() {
        let holds = |condition: &str| find(claims, condition) == Some(&Value::Bool(true));
        if claim.condition().is_none_or(holds)
            && let Some(value) = find(claims, claim.claim()).filter(|value| is_flat(value))
        {
            fields.insert(field.clone(), value.clone());
        }
    }
    if let Some(user) = settings.user_id() {
        fields.insert(user.field.clone(), user_id(user, claims)?.into());
    }
    Some(fields)
}

/// The id with its prefix. A value of another type would be another user on the other side.
fn user_id(user: &ValidatorUserId, claims: &Map<String, Value>) -> Option<String> {
    let id = match find(claims, &user.claim)? {
        Value::String(id) if !id.is_empty() => id.clone(),
        Value::Number(id) if id.is_u64() || id.is_i64() => id.to_string(),
        _ => return None,
    };
    Some(format!("{}{id}", user.prefix))
}

fn find<'a>(claims: &'a Map<String, Value>, place: &str) -> Option<&'a Value> {
    let steps = ClaimPlace::of_text(place).steps();
    let (first, rest) = steps.split_first()?;
    rest.iter().try_fold(claims.get(first)?, |value, step| match value {
        Value::Object(members) => members.get(step),
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    })
}

/// A value of a flat object. Absent and `null` are left out.
const fn is_flat(value: &Value) -> bool {
    matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_))
}
