//! Which settings of a new configuration cannot be put in force by a running process.

use serde_json::Value;

use super::{problem::Problem, sections::Config, structure::shape};

/// The mark of the schema: `true` where a change needs no restart. It holds for all below it.
const MARK: &str = "x-reload";

/// The settings that differ and need a restart, as people write them: `listeners.grpc.address`. A
/// default that differs only because of another setting is left out: nobody changed it.
#[must_use]
pub(super) fn needs_restart(old: &Config, new: &Config) -> Vec<String> {
    let value = |config| serde_json::to_value(config).unwrap_or_default();
    let mut differing = Vec::new();
    walk(shape(), Some((&value(old), &value(new))), ("", false), &mut |path, values| {
        if values.is_some_and(|(old, new)| old != new) {
            differing.push(path.to_owned());
        }
    });
    let is_written = |path: &String| {
        let pointer = format!("/{}", path.replace('.', "/"));
        old.places.is_written(&pointer) || new.places.is_written(&pointer)
    };
    let written: Vec<String> = differing.iter().filter(|path| is_written(path)).cloned().collect();
    let mut found = if written.is_empty() { differing } else { written };
    for (name, differs) in with_secrets(old, new) {
        let is_named = |path: &String| {
            path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if differs && !found.iter().any(is_named) {
            found.push(name.to_owned());
        }
    }
    found
}

/// A problem for each of these settings, at its place in the new file. Of a setting that is one value
/// and no secret, the message has both values.
#[must_use]
pub fn restart_problems(old: &Config, new: &Config) -> Vec<Problem> {
    let value = |config| serde_json::to_value(config).unwrap_or_default();
    let (old_value, new_value) = (value(old), value(new));
    let told = |path: String| {
        let pointer = format!("/{}", path.replace('.', "/"));
        let shown = |value: &Value| match value.pointer(&pointer)? {
            Value::String(text) => Some(text.clone()),
            single @ (Value::Bool(_) | Value::Number(_)) => Some(single.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        };
        let values = shown(&old_value).zip(shown(&new_value)).filter(|(old, new)| old != new);
        let message = match values {
            Some((old, new)) => format!(
                "needs a restart: `{old}` is in force, and `{new}` stands here; restart the process, or \
                 write what is in force"
            ),
            None => "needs a restart; restart the process, or write what is in force".to_owned(),
        };
        new.places.problem(&pointer, message)
    };
    needs_restart(old, new).into_iter().map(told).collect()
}

/// The settings that need a restart and hold secrets, and whether they differ. Secrets are not shown, so
/// only a comparison of the whole tells.
fn with_secrets(old: &Config, new: &Config) -> [(&'static str, bool); 4] {
    [
        ("shared", old.shared != new.shared),
        ("events.sinks", old.events.sinks != new.events.sinks),
        ("events.sources", old.events.sources != new.events.sources),
        ("token_validator", old.token_validator != new.token_validator),
    ]
}

/// Every setting that needs a restart.
#[cfg(any(test, feature = "dev"))]
#[must_use]
pub fn restart_settings() -> Vec<String> {
    let mut found = Vec::new();
    walk(shape(), None, ("", false), &mut |path, _| found.push(path.to_owned()));
    found
}

type Pair<'a> = Option<(&'a Value, &'a Value)>;

/// Visits the leaves that are not marked. A list is a leaf: its entries have no names.
fn walk(
    schema: &Value,
    values: Pair<'_>,
    (path, reloads): (&str, bool),
    visit: &mut impl FnMut(&str, Pair<'_>),
) {
    let reloads = schema.get(MARK).and_then(Value::as_bool).unwrap_or(reloads);
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        if !reloads {
            visit(path, values);
        }
        return;
    };
    for (name, below) in properties {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let below_of = |value: &'_ Value| value.get(name).cloned().unwrap_or_default();
        let pair = values.map(|(old, new)| (below_of(old), below_of(new)));
        let pair = pair.as_ref().map(|(old, new)| (old, new));
        walk(below, pair, (&path, reloads), visit);
    }
}
