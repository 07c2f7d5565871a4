//! Settings from the environment: any setting as `ROWND_AUTHZ__SECTION__KEY`, and the names
//! that the vendor's own libraries use. With `_FILE` behind the name, the value is a file's.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    IssuerKind, Problem, Secret,
    document::{WrittenAt, YamlDocument, readable},
    proxy::ProxyVariables,
    sections::{WrittenApp, WrittenConfig, WrittenIssuer},
};

/// Before any setting's name. Two underscores part the words, because a Kubernetes Service
/// named like a prefix with one would inject variables of its own.
const PREFIX: &str = "ROWND_AUTHZ__";

/// Lays every `ROWND_AUTHZ__...` variable over the document.
pub(super) fn apply(
    document: &mut YamlDocument,
    environment: &BTreeMap<String, String>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (name, value) in environment {
        let Some(rest) = name.strip_prefix(PREFIX) else { continue };
        let (rest, value) = match rest.strip_suffix("_FILE") {
            None => (rest, Ok(scalar(value))),
            Some(rest) => (rest, read_value(value).map(Value::String)),
        };
        let path: Vec<String> = rest.split("__").map(str::to_ascii_lowercase).collect();
        let place = WrittenAt::Variable(name.clone());
        let outcome = value.and_then(|value| document.set(&path, value, &place));
        if let Err(message) = outcome {
            problems.push(Problem {
                place: format!("environment {name}"),
                setting: readable(&format!("/{}", path.join("/"))),
                message,
            });
        }
    }
    problems
}

/// Numbers, truth values and flow collections by the rules of YAML, else text.
fn scalar(text: &str) -> Value {
    match YamlDocument::parse(text) {
        Ok(document) if !text.trim().is_empty() && !document.value.is_null() => document.value,
        _ => Value::String(text.to_owned()),
    }
}

/// The text of the file that a variable names, without line ends at its end.
fn read_value(path: &str) -> Result<String, String> {
    let text = super::file::read_text(path)?;
    let text = text.trim_end_matches(['\r', '\n']).to_owned();
    if text.is_empty() { Err(format!("the file {path} is empty")) } else { Ok(text) }
}

/// Fills in what the vendor's variables say and the file does not.
pub(super) fn complete(
    config: &mut WrittenConfig,
    environment: &BTreeMap<String, String>,
    problems: &mut Vec<Problem>,
) {
    let mut vendor = |name: &str| match environment.get(name).filter(|value| !value.is_empty()) {
        Some(value) => Some(value.clone()),
        None => environment.get(&format!("{name}_FILE")).and_then(|path| {
            read_value(path)
                .map_err(|message| {
                    problems.push(Problem {
                        place: format!("environment {name}_FILE"),
                        setting: String::new(),
                        message,
                    });
                })
                .ok()
        }),
    };
    config.network.variables = ProxyVariables::read(environment);
    let base_url = vendor("ROWND_BASE_URL");
    let app = WrittenApp {
        id: vendor("ROWND_APP_ID"),
        key: vendor("ROWND_APP_KEY").map(|key| Secret::new(&key)),
        secret: vendor("ROWND_APP_SECRET").map(|secret| Secret::new(&secret)),
        variants: Vec::new(),
    };
    if config.issuers.is_empty() {
        config.issuers.push(WrittenIssuer::new("rownd", IssuerKind::Rownd));
    }
    let named = app.id.is_some() || app.key.is_some();
    for issuer in config.issuers.iter_mut().filter(|issuer| issuer.kind == IssuerKind::Rownd) {
        if issuer.base_url.is_none() {
            issuer.base_url.clone_from(&base_url);
        }
        if issuer.apps.is_empty() && named {
            issuer.apps.push(app.clone());
        }
    }
}
