//! Variables that look like ours and set nothing.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{FILE, PREFIX, vendor::VENDOR_NAMES};
use crate::{
    config::{nearest::nearest, schema_path::step, structure::shape},
    model::Warning,
};

/// The variables that the command line reads. None has a twin with `_FILE`.
const COMMAND_LINE: [&str; 1] = ["ROWND_AUTHZ_CONFIG"];
/// The variables of the command `dev`, which have no twins either.
const DEV: [&str; 8] = [
    "ROWND_AUTHZ_DEV_CALLER_SECRET_FILE",
    "ROWND_AUTHZ_DEV_ECHO_PORT",
    "ROWND_AUTHZ_DEV_EMULATOR_PORT",
    "ROWND_AUTHZ_DEV_ENVOY_ADMIN_PORT",
    "ROWND_AUTHZ_DEV_ENVOY_PORT",
    "ROWND_AUTHZ_DEV_GRPC_PORT",
    "ROWND_AUTHZ_DEV_OPS_PORT",
    "ROWND_AUTHZ_DEV_SEED",
];
/// The most words of a name that is searched for a setting.
const MOST_WORDS: usize = 16;
/// The most warnings about unknown variables, so that a wrong prefix does not fill the log.
const MOST: usize = 16;

/// A warning for each variable that begins with `ROWND_` and that nothing reads.
pub(in crate::config) fn unknown_names(
    environment: &BTreeMap<String, String>,
) -> impl Iterator<Item = Warning> {
    let unknown = |(name, value): &(&String, &String)| {
        resembles_ours(name) && !is_known(name) && !is_of_a_kubernetes_service(name, value)
    };
    environment.iter().filter(unknown).take(MOST).map(|(name, _)| {
        let text = format!("environment {name} is not used: {}", advice(name));
        Warning::new("unknown_variable", text)
    })
}

/// A name of ours, or one that differs in the case of its letters or in its underscores alone.
fn resembles_ours(name: &str) -> bool {
    let name = upper(name);
    name.starts_with("ROWND_") || name.starts_with("ROWNDAUTHZ_")
}

fn upper(name: &str) -> String {
    name.to_ascii_uppercase().replace('-', "_")
}

/// The name of the variable of a setting that is written with other underscores or letters than it
/// has: `ROWND_AUTHZ_LOG_LEVEL`, `rownd_authz__log__level`.
pub(super) fn meant(name: &str, schema: &Value) -> Option<String> {
    let name = upper(name);
    let rest = name.strip_prefix("ROWND_AUTHZ_").or_else(|| name.strip_prefix("ROWNDAUTHZ_"))?;
    let (rest, end) = match rest.strip_suffix(FILE) {
        Some(rest) => (rest, FILE),
        None => (rest, ""),
    };
    let whole = format!("{rest}{end}").to_ascii_lowercase();
    let rest = rest.to_ascii_lowercase();
    let words = |text: &str| -> Vec<String> {
        text.split('_').filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    let path = |text: &str| setting_of(&words(text), schema, schema);
    let (path, end) = match path(&whole) {
        Some(path) => (path, ""),
        None => (path(&rest)?, end),
    };
    Some(format!("{PREFIX}{}{end}", path.join("__").to_ascii_uppercase()))
}

/// The path of the setting whose name has exactly these words.
fn setting_of(words: &[String], root: &Value, node: &Value) -> Option<Vec<String>> {
    if words.is_empty() || words.len() > MOST_WORDS {
        return None;
    }
    (1..=words.len()).rev().find_map(|count| {
        let (name, rest) = words.split_at_checked(count)?;
        let name = name.join("_");
        let below = step(root, node, &name)?;
        let mut path = vec![name];
        if !rest.is_empty() {
            path.extend(setting_of(rest, root, below)?);
        }
        Some(path)
    })
}

fn is_known(name: &str) -> bool {
    let without_file = name.strip_suffix(FILE).unwrap_or(name);
    name.starts_with(PREFIX)
        || VENDOR_NAMES.contains(&without_file)
        || COMMAND_LINE.contains(&name)
        || DEV.contains(&name)
}

/// The name to write instead, as far as it can be guessed.
fn advice(name: &str) -> String {
    let one_underscore =
        name.strip_prefix("ROWND_AUTHZ_").filter(|rest| !rest.is_empty()).is_some();
    let of_dev = DEV.iter().filter(|_| name.starts_with("ROWND_AUTHZ_DEV"));
    let known = VENDOR_NAMES.iter().chain(&COMMAND_LINE).chain(of_dev);
    let without_file = name.strip_suffix(FILE).unwrap_or_default();
    if COMMAND_LINE.contains(&without_file) {
        return format!("it is the path of a file already, so write {without_file}");
    }
    if let Some(meant) = meant(name, shape()) {
        return format!("no setting has this name; did you mean `{meant}`?");
    }
    match nearest(name, known.copied()) {
        Some(known) => format!("no setting has this name; did you mean `{known}`?"),
        None if one_underscore => format!(
            "no setting has this name; two underscores part the words of a setting, as in \
             {PREFIX}CHECK__TIMEOUT"
        ),
        None => format!(
            "no setting has this name; known names: {}, and {PREFIX}SECTION__KEY for any setting",
            VENDOR_NAMES.join(", ")
        ),
    }
}

/// Kubernetes makes variables of its own for each Service of the namespace, so for one that is
/// named `rownd` or `rownd-authz` too: `ROWND_AUTHZ_SERVICE_HOST`, `ROWND_AUTHZ_PORT_50051_TCP`.
fn is_of_a_kubernetes_service(name: &str, value: &str) -> bool {
    let has_port = |rest: &str| {
        let (port, rest) = rest.split_once('_').unwrap_or((rest, ""));
        let (protocol, rest) = rest.split_once('_').unwrap_or((rest, ""));
        port.parse::<u16>().is_ok()
            && matches!(protocol, "TCP" | "UDP" | "SCTP")
            && matches!(rest, "" | "ADDR" | "PORT" | "PROTO")
    };
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || name.ends_with("_PORT") && value.contains("://")
        || name
            .match_indices("_PORT_")
            .any(|(at, word)| name.get(at + word.len()..).is_some_and(has_port))
}
