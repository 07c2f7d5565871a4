//! Merges one JSON document into another.

use serde_json::Value;

/// Puts the members of one document into the other, at every depth. Lists are replaced whole, and
/// `null` is a value like any other.
pub(crate) fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                match into.get_mut(&name) {
                    Some(known) => merge(known, value),
                    None => {
                        into.insert(name, value);
                    }
                }
            }
        }
        (into, from) => *into = from,
    }
}
