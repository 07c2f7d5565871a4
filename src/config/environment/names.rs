//! Variables that look like ours and set nothing.

use std::collections::BTreeMap;

use super::{FILE, PREFIX, vendor::VENDOR_NAMES};
use crate::{config::nearest::nearest, model::Warning};

/// The variables that the command line reads.
const COMMAND_LINE: [&str; 1] = ["ROWND_AUTHZ_CONFIG"];
/// The variables of the command `dev` begin with this.
const DEV: &str = "ROWND_AUTHZ_DEV_";
/// The most warnings about unknown variables, so that a wrong prefix does not fill the log.
const MOST: usize = 16;

/// A warning for each variable that begins with `ROWND_` and that nothing reads.
pub(in crate::config) fn unknown_names(
    environment: &BTreeMap<String, String>,
) -> impl Iterator<Item = Warning> {
    let unknown = |(name, value): &(&String, &String)| {
        name.starts_with("ROWND_") && !is_known(name) && !is_of_a_kubernetes_service(name, value)
    };
    environment.iter().filter(unknown).take(MOST).map(|(name, _)| {
        let text = format!("environment {name} is not used: {}", advice(name));
        Warning::new("unknown_variable", text)
    })
}

fn is_known(name: &str) -> bool {
    let name = name.strip_suffix(FILE).unwrap_or(name);
    name.starts_with(PREFIX)
        || name.starts_with(DEV)
        || VENDOR_NAMES.contains(&name)
        || COMMAND_LINE.contains(&name)
}

/// The name to write instead, as far as it can be guessed.
fn advice(name: &str) -> String {
    let one_underscore =
        name.strip_prefix("ROWND_AUTHZ_").filter(|rest| !rest.is_empty()).is_some();
    let known = VENDOR_NAMES.iter().chain(&COMMAND_LINE);
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
