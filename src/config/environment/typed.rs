//! The value of a variable, by the type that the schema gives its setting.
//!
//! Text is taken as it is, because a secret may hold any character that YAML gives a meaning to.
//! A list and a map are written in YAML (or JSON), because they need its structure.

use serde_json::Value;

use crate::{config::document::YamlDocument, model::Warning};

/// The types that the schema allows for a setting.
struct Types<'a>(Vec<&'a str>);

impl<'a> Types<'a> {
    fn of(setting: &'a Value) -> Self {
        let own = |node: &'a Value| match node.get("type") {
            Some(Value::String(one)) => vec![one.as_str()],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let found = own(setting);
        if !found.is_empty() {
            return Self(found);
        }
        let options = ["oneOf", "anyOf"].iter().filter_map(|name| setting.get(name)?.as_array());
        Self(options.flatten().flat_map(own).collect())
    }

    fn allow(&self, kind: &str) -> bool {
        self.0.contains(&kind)
    }

    fn have_structure(&self) -> bool {
        self.allow("array") || self.allow("object")
    }
}

/// The value that a text stands for. A text of another type than the setting's stays text, for the
/// check against the schema to report.
///
/// # Errors
///
/// The setting is a list or a map, and the text cannot be read as one. The message does not quote
/// the text, which may hold secrets.
pub(super) fn value(text: &str, setting: Option<&Value>) -> Result<Value, String> {
    let Some(types) = setting.map(Types::of) else { return Ok(text.into()) };
    if types.allow("boolean")
        && let Ok(truth) = text.parse::<bool>()
    {
        return Ok(truth.into());
    }
    if types.allow("integer")
        && let Some(number) = whole_number(text)
    {
        return Ok(number);
    }
    if types.allow("number")
        && let Ok(number) = text.parse::<f64>()
    {
        return Ok(number.into());
    }
    let looks_structured = text.trim_start().starts_with(['[', '{']);
    if types.have_structure() && (looks_structured || !types.allow("string")) {
        return structured(text, &types);
    }
    if is_quoted(text) && !types.allow("string") || is_quoted(text) && is_word(setting) {
        return Err(
            "the value of a variable is taken as it is, with its quotes; leave the quotes \
                    out"
            .to_owned(),
        );
    }
    Ok(text.into())
}

/// A decimal number without blanks, signs but `-`, or separators.
fn whole_number(text: &str) -> Option<Value> {
    if text.starts_with('+') {
        return None;
    }
    text.parse::<u64>().map(Value::from).or_else(|_| text.parse::<i64>().map(Value::from)).ok()
}

fn structured(text: &str, types: &Types<'_>) -> Result<Value, String> {
    let wanted = match (types.allow("array"), types.allow("object")) {
        (true, false) => "a list, such as [first, second]",
        (false, true) => "a map, such as {name: value}",
        _ => "a list or a map",
    };
    let read = YamlDocument::parse(text).ok().map(|document| document.value);
    let fits = |value: &Value| {
        value.is_array() && types.allow("array") || value.is_object() && types.allow("object")
    };
    // A text of comments alone reads as an empty map.
    let says_something =
        text.lines().any(|line| !matches!(line.trim_start().chars().next(), None | Some('#')));
    match read.filter(|value| fits(value) && says_something) {
        Some(value) => Ok(value),
        None => Err(format!("the value cannot be read; write {wanted}, in YAML or JSON")),
    }
}

/// The setting is one of a few words, or has a pattern: quotes can never be part of it.
fn is_word(setting: Option<&Value>) -> bool {
    setting.is_some_and(|setting| {
        ["enum", "oneOf", "pattern"].iter().any(|name| setting.get(name).is_some())
    })
}

fn is_quoted(text: &str) -> bool {
    ['"', '\'']
        .iter()
        .any(|quote| text.strip_prefix(*quote).and_then(|rest| rest.strip_suffix(*quote)).is_some())
}

/// The warning about quotes that are part of a free text.
pub(super) fn quotes(name: &str, text: &str, setting: Option<&Value>) -> Option<Warning> {
    let is_free_text =
        setting.is_some_and(|setting| Types::of(setting).allow("string")) && !is_word(setting);
    (is_free_text && is_quoted(text)).then(|| quoted(name))
}

/// The warning about a variable whose value stands in quotes.
pub(super) fn quoted(name: &str) -> Warning {
    Warning::new(
        "variable_in_quotes",
        format!(
            "the value of environment {name} is taken as it is, with its quotes; leave the quotes \
             out unless they are part of it"
        ),
    )
}

/// The warning, if the value of this variable, which is always text, stands in quotes.
pub(super) fn quotes_of_text(name: &str, text: &str) -> Option<Warning> {
    is_quoted(text).then(|| quoted(name))
}
