//! The forms of values in the words of messages: of a pattern, of an enumeration, and a value as it is
//! written.

use serde_json::Value;

/// The pattern of permission bits.
pub(super) const MODE: &str = "^0?[0-7]{3}$";

/// The texts that a pattern takes, for people.
pub(super) fn form(pattern: &str) -> String {
    let words = match pattern {
        "^[a-z0-9][a-z0-9_-]{0,62}$" => {
            "lower case letters, digits, `-` and `_`, at most 63, as in shop-api"
        }
        "^[A-Za-z0-9 ._:/-]{1,64}$" => {
            "letters, digits, blanks and `._:/-`, at most 64, as in shop.example.com"
        }
        MODE => "the permission bits in quotes, as in \"0660\"",
        "^x-rownd-passport(-[a-z0-9]{1,32}){0,2}$" => {
            "x-rownd-passport, or with a name behind it, as in x-rownd-passport-shop"
        }
        "^[A-Za-z0-9._~-]{1,64}$" => "letters, digits and `._~-`, at most 64, as in key-2026",
        "^never$" => "the word never, or a map of conditions",
        "^any$" => "the word any, or a map such as { path: { prefix: /admin } }",
        other => return format!("a text that matches {other}"),
    };
    words.to_owned()
}

/// A value as it is written in YAML: a text without quotes.
pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The words of an enumeration whose variants stand as `oneOf: [{const: ...}]`.
pub(super) fn words(at: &Value) -> Option<String> {
    let options = at.get("oneOf").or_else(|| at.get("anyOf"))?.as_array()?;
    let words: Option<Vec<&str>> =
        options.iter().map(|option| option.get("const").and_then(Value::as_str)).collect();
    words.map(|words| words.join(", "))
}
