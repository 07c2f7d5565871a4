//! The words in which the rules are written: a place in the schema, and what holds there.

use serde_json::{Value, json};

/// The JSON pointer of a place in the schema, and the keywords that are added there.
pub(super) type Rule = (String, Value);

/// The mark of a rule about what a variable of the environment may add, such as a secret. The schema
/// of the chart leaves these rules out: it judges values that variables have yet to complete.
const ADDED_LATER: &str = "a variable of the environment may add it";

/// The rules of the settings of one map, by their names.
pub(super) fn below<const N: usize>(at: &str, rules: [(&str, Value); N]) -> Vec<Rule> {
    rules.into_iter().map(|(name, rule)| (format!("{at}/{name}"), rule)).collect()
}

/// Conditions that all have to hold.
pub(super) fn all_of<const N: usize>(conditions: [Value; N]) -> Value {
    json!({ "allOf": Vec::from(conditions) })
}

/// Exactly one of these settings is written.
pub(super) fn one_of(names: &[&str]) -> Value {
    json!({ "oneOf": each_written(names) })
}

/// At least one of these settings is written.
pub(super) fn any_of(names: &[&str]) -> Value {
    json!({ "anyOf": each_written(names) })
}

fn each_written(names: &[&str]) -> Vec<Value> {
    names.iter().map(|name| json!({ "required": [name] })).collect()
}

/// The text has this form.
pub(super) fn pattern(form: impl AsRef<str>) -> Value {
    json!({ "pattern": form.as_ref() })
}

/// The text has the first form, and not the second.
pub(super) fn form(form: impl AsRef<str>, other: impl AsRef<str>) -> Value {
    json!({ "pattern": form.as_ref(), "not": pattern(other) })
}

/// The text does not have this form.
pub(super) fn no(form: impl AsRef<str>) -> Value {
    json!({ "not": pattern(form) })
}

/// Rules of the settings of a map.
pub(super) fn settings(rules: impl Into<Value>) -> Value {
    json!({ "properties": rules.into() })
}

/// Where a setting has this value, these rules hold.
pub(super) fn where_is(name: &str, value: impl Into<Value>, then: impl Into<Value>) -> Value {
    let (value, then): (Value, Value) = (value.into(), then.into());
    where_holds(json!({ "required": [name], "properties": { name: { "const": value } } }), then)
}

/// Where a setting is written, these rules hold.
pub(super) fn where_written(name: &str, then: impl Into<Value>) -> Value {
    where_holds(json!({ "required": [name] }), then)
}

/// Where a setting does not have this value, these rules hold.
pub(super) fn where_is_not(name: &str, value: impl Into<Value>, then: impl Into<Value>) -> Value {
    let value: Value = value.into();
    let has = json!({ "required": [name], "properties": { name: { "const": value } } });
    where_holds(json!({ "not": has }), then)
}

/// Where these rules hold, the others hold too.
pub(super) fn where_holds(condition: impl Into<Value>, then: impl Into<Value>) -> Value {
    let (condition, then): (Value, Value) = (condition.into(), then.into());
    json!({ "if": condition, "then": then })
}

/// The rule with the mark that a variable of the environment may add what it asks for.
pub(super) fn or_added_later(mut rule: Value) -> Value {
    if let Value::Object(rule) = &mut rule {
        rule.insert("$comment".to_owned(), ADDED_LATER.into());
    }
    rule
}

/// The pattern of a word in capitals and in small letters.
pub(super) fn any_case(word: &str) -> String {
    let sign = |c: char| match (c.to_ascii_uppercase(), c.to_ascii_lowercase()) {
        (upper, lower) if upper != lower => format!("[{upper}{lower}]"),
        (same, _) => same.to_string(),
    };
    word.chars().map(sign).collect()
}

/// Names of headers in capitals and in small letters.
pub(super) fn any_case_of(words: &[&str]) -> String {
    words.iter().map(|word| any_case(word)).collect::<Vec<_>>().join("|")
}
