//! Open question: does JSON's null clear a field of a profile?
//!
//! In: the setting, the names of fields to clear, and the profile after the write. Out: the values
//! to send, and the fields that have still a value. An attribute is cleared by an empty list, since
//! attributes are lists.

use serde_json::{Map, Value};

use crate::config::ClearingValue;

/// The values that clear these fields.
pub(in crate::issuer_api::rownd) fn clearing(
    by: ClearingValue,
    fields: &[String],
) -> impl Iterator<Item = (String, Value)> {
    fields.iter().map(move |field| {
        let value = match by {
            ClearingValue::NullValue => Value::Null,
            ClearingValue::EmptyText => Value::String(String::new()),
        };
        (field.clone(), value)
    })
}

/// The values that clear these attributes.
pub(in crate::issuer_api::rownd) fn clearing_attributes(
    names: &[String],
) -> impl Iterator<Item = (String, Value)> {
    names.iter().map(|name| (name.clone(), Value::Array(Vec::new())))
}

/// Those of the fields that have still a value after they were cleared. An empty text, null and no
/// member at all are the same.
pub(in crate::issuer_api::rownd) fn not_cleared(
    fields: &[String],
    data: &Map<String, Value>,
) -> Vec<String> {
    let has_value = |field: &&String| match data.get(*field) {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => true,
    };
    fields.iter().filter(has_value).cloned().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{clearing, not_cleared};
    use crate::config::ClearingValue;

    #[test]
    fn the_setting_says_which_value_clears() {
        let fields = ["plan".to_owned()];
        for (by, value) in
            [(ClearingValue::NullValue, json!(null)), (ClearingValue::EmptyText, json!(""))]
        {
            let sent: Vec<_> = clearing(by, &fields).collect();
            assert_eq!(sent, [("plan".to_owned(), value)]);
        }
    }

    #[test]
    fn a_field_that_has_still_a_value_is_named() {
        for (value, named) in [
            (json!({}), false),
            (json!({ "plan": null }), false),
            (json!({ "plan": "" }), false),
            (json!({ "plan": "pro" }), true),
            (json!({ "plan": false }), true),
            (json!({ "plan": 0 }), true),
            (json!({ "plan": [] }), true),
        ] {
            let found = not_cleared(&["plan".to_owned()], value.as_object().unwrap());
            assert_eq!(!found.is_empty(), named, "{value}");
        }
    }
}
