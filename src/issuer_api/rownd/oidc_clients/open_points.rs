//! The points about OpenID clients that Rownd's documents leave open or contradict, each with its
//! setting: whether a `PUT` replaces, and the path of a logo. No other file decides them.

use serde_json::{Map, Value};

use crate::{
    config::{LogoPath, PutEffect},
    issuer_api::administration::oidc_clients::OidcClientChange,
};

/// The members that Rownd sets itself. They are not sent back.
const OF_ROWND: [&str; 9] = [
    "id",
    "app",
    "app_id",
    "application",
    "credentials",
    "created_at",
    "created_by",
    "updated_at",
    "updated_by",
];

/// The body of the `PUT` that makes this change: the whole client, so that nothing is lost if a `PUT`
/// replaces. A member that is cleared is left out; or, if a `PUT` merges, sent as empty: a list
/// without entries, a text without characters, and a setting as null.
pub(super) fn body_of_put(change: OidcClientChange<'_>, put: PutEffect) -> Map<String, Value> {
    let mut body = change.known.members.clone();
    body.retain(|name, _| !OF_ROWND.contains(&name.as_str()));
    let mut config = match body.remove("config") {
        Some(Value::Object(config)) => config,
        _ => Map::new(),
    };
    // Null could count as a member that is not named, which matters for the name and the description.
    let parts = [
        (&mut config, change.config, Value::Null),
        (&mut body, change.members, Value::String(String::new())),
    ];
    for (into, changed, empty) in parts {
        for (name, value) in changed {
            let empty = match into.get(name) {
                Some(Value::Array(_)) => Value::Array(Vec::new()),
                _ => empty.clone(),
            };
            let value = match put {
                PutEffect::Replaces => value.clone(),
                PutEffect::Merges => Some(value.clone().unwrap_or(empty)),
            };
            match value {
                Some(value) => into.insert(name.clone(), value),
                None => into.remove(name),
            };
        }
    }
    body.insert("config".to_owned(), Value::Object(config));
    body
}

/// The paths of a logo, in the order in which they are tried: the next one after a 404. The ids are
/// segments of a path already.
pub(super) fn logo_paths(path: LogoPath, app: &str, client: &str, background: &str) -> Vec<String> {
    let specification = || format!("/applications/{app}/oidc-clients/{client}/logo/{background}");
    let manual = || format!("/application/{app}/oidc_clients/{client}/logo/{background}");
    match path {
        LogoPath::Specification => vec![specification()],
        LogoPath::Manual => vec![manual()],
        LogoPath::SpecificationThenManual => vec![specification(), manual()],
    }
}
