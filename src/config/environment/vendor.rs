//! The variables that the vendor's own libraries use.

use std::collections::BTreeMap;

use super::{FILE, NOT_UTF8, is_damaged, read_value, twins, typed::quotes_of_text, variable_of};
use crate::{
    config::{
        IssuerKind, Problem, Secret,
        file::without_line_end,
        proxy::ProxyVariables,
        sections::{WrittenApp, WrittenConfig, WrittenIssuer},
    },
    model::Warning,
};

/// The vendor's variables. Each may end in `_FILE`.
pub(super) const VENDOR_NAMES: [&str; 4] =
    ["ROWND_APP_ID", "ROWND_APP_KEY", "ROWND_APP_SECRET", "ROWND_BASE_URL"];

/// The variable that sets a setting of an app: `name` is `key` or `secret`, and the app is at this JSON
/// pointer.
pub(in crate::config) fn app_variable(app: &str, from_variables: bool, name: &str) -> String {
    if from_variables {
        return format!("ROWND_APP_{}", name.to_uppercase());
    }
    variable_of(&format!("{app}/{name}"))
}

/// Whether these problems are about a variable that names an app, so that there may be one.
pub(in crate::config) fn names_no_app(problems: &[Problem]) -> bool {
    ["ROWND_APP_ID", "ROWND_APP_KEY"].iter().any(|name| {
        let (place, twin) = (format!("environment {name}"), format!("environment {name}{FILE}"));
        problems.iter().any(|problem| problem.place == place || problem.place == twin)
    })
}

/// A value, and the variable that it is of.
struct Value {
    text: String,
    variable: String,
}

/// A setting that got its value from a variable: its JSON pointer, and the name of the variable.
pub(in crate::config) type SetBy = (String, String);

/// Reads the vendor's variables, and collects what is wrong with them.
struct Reader<'a> {
    environment: &'a BTreeMap<String, String>,
    problems: &'a mut Vec<Problem>,
    warnings: &'a mut Vec<Warning>,
}

impl Reader<'_> {
    /// The value of a variable, or of the file that its `_FILE` twin names. An empty one counts as
    /// not set.
    fn read(&mut self, name: &str) -> Option<Value> {
        let twin = format!("{name}{FILE}");
        let is_empty = |value: &String| without_line_end(value).is_empty();
        let set = |name: &str| self.environment.get(name).filter(|value| !is_empty(value));
        let empty = [name, &twin]
            .into_iter()
            .filter(|name| self.environment.get(*name).is_some_and(is_empty));
        self.warnings.extend(empty.map(|name| {
            let text = format!(
                "environment {name} is empty, and so sets nothing; write its value, or remove it"
            );
            Warning::new("variable_unused", text)
        }));
        if set(name).is_some_and(|value| is_damaged(value)) {
            let (place, message) = (format!("environment {name}"), NOT_UTF8.to_owned());
            self.problems.push(Problem { place, column: None, setting: String::new(), message });
            return None;
        }
        let value = match (set(name), set(&twin)) {
            (Some(value), path) => {
                self.warnings.extend(path.map(|_| twins(name, &twin)));
                Some(Value { text: without_line_end(value).to_owned(), variable: name.to_owned() })
            }
            (None, Some(path)) => read_value(path)
                .map_err(|message| {
                    let place = format!("environment {twin}");
                    let (column, setting) = (None, String::new());
                    self.problems.push(Problem { place, column, setting, message });
                })
                .ok()
                .map(|text| Value { text, variable: twin }),
            (None, None) => None,
        };
        let quotes = |value: &Value| quotes_of_text(&value.variable, &value.text);
        self.warnings.extend(value.as_ref().and_then(quotes));
        value
    }
}

/// Fills in what the vendor's variables say and the file does not. Returns the settings that they
/// set.
pub(in crate::config) fn complete(
    config: &mut WrittenConfig,
    environment: &BTreeMap<String, String>,
    problems: &mut Vec<Problem>,
    warnings: &mut Vec<Warning>,
) -> Vec<SetBy> {
    config.network.variables = ProxyVariables::read(environment);
    let mut reader = Reader { environment, problems, warnings };
    let [id, key, secret, base_url] = VENDOR_NAMES.map(|name| reader.read(name));
    let text = |value: &Option<Value>| value.as_ref().map(|value| value.text.clone());
    let app = WrittenApp {
        id: text(&id),
        key: text(&key).map(|key| Secret::new(&key)),
        secret: text(&secret).map(|secret| Secret::new(&secret)),
        from_variables: true,
        ..WrittenApp::default()
    };
    if config.issuers.is_empty() {
        config.issuers.push(WrittenIssuer::new("rownd", IssuerKind::Rownd));
    }
    let named = app.id.is_some() || app.key.is_some();
    reader.warnings.extend(unused(config, [&id, &key, &secret], &base_url));
    let mut set = Vec::new();
    let mut note = |pointer: String, value: &Option<Value>| {
        set.extend(value.as_ref().map(|value| (pointer, value.variable.clone())));
    };
    let issuers = config.issuers.iter_mut().enumerate();
    for (index, issuer) in issuers.filter(|(_, issuer)| issuer.kind == IssuerKind::Rownd) {
        if issuer.base_url.is_none() {
            issuer.base_url = text(&base_url);
            note(format!("/issuers/{index}/base_url"), &base_url);
        }
        if issuer.apps.is_empty() && named {
            issuer.apps.push(app.clone());
            for (name, value) in [("id", &id), ("key", &key), ("secret", &secret)] {
                note(format!("/issuers/{index}/apps/0/{name}"), value);
            }
        }
    }
    set
}

/// The warnings about values that set nothing, because the file says it all.
fn unused(
    config: &WrittenConfig,
    of_app: [&Option<Value>; 3],
    base_url: &Option<Value>,
) -> Vec<Warning> {
    let of_rownd = || config.issuers.iter().filter(|issuer| issuer.kind == IssuerKind::Rownd);
    let app_cause = if of_rownd().next().is_none() {
        Some("no issuer is of kind `rownd`")
    } else if of_rownd().all(|issuer| !issuer.apps.is_empty()) {
        Some(
            "each issuer of kind `rownd` has `apps` of its own, to which no variable adds anything",
        )
    } else {
        None
    };
    let base_cause = if of_rownd().next().is_none() {
        Some("no issuer is of kind `rownd`")
    } else if of_rownd().all(|issuer| issuer.base_url.is_some()) {
        Some("each issuer of kind `rownd` has a `base_url` of its own")
    } else {
        None
    };
    let of_app = of_app.into_iter().flatten().map(|value| (value, app_cause));
    let of_base = base_url.iter().map(|value| (value, base_cause));
    let told = |(value, cause): (&Value, Option<&str>)| {
        let name = &value.variable;
        let text = format!("environment {name} sets nothing: {}; remove it", cause?);
        Some(Warning::new("variable_unused", text))
    };
    of_app.chain(of_base).filter_map(told).collect()
}
