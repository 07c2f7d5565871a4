//! Addresses that do not go together: a leave for plain HTTP that no address needs, and a server that gives
//! out tokens which no issuer takes.

use serde_json::Value;

use super::{Unused, Warning};
use crate::config::{
    document::YamlDocument,
    sections::{Config, IssuerDetails},
};

/// Adds each copy of a key set at its own address, and each `allow_insecure_http` of an issuer without an address that begins with `http://`.
pub(super) fn check(config: &Config, written: &YamlDocument, found: &mut Vec<Unused>) {
    const TEXT: &str = "has no effect: no address beside it begins with http://; leave it out";
    for index in 0..config.issuers.len() {
        if let Some(map) = written.value.pointer(&format!("/issuers/{index}")) {
            same_address(index, map, found);
        }
    }
    for (index, issuer) in config.issuers.iter().enumerate() {
        // An address that the provider of an OpenID issuer publishes may need it.
        if matches!(issuer.details, IssuerDetails::Oidc(_)) {
            continue;
        }
        let at = format!("/issuers/{index}");
        let Some(map) = written.value.pointer(&at) else { continue };
        let is_allowed = map.get("allow_insecure_http") == Some(&Value::Bool(true));
        if is_allowed && !has_plain_address(map) {
            found.push((format!("{at}/allow_insecure_http"), TEXT));
        }
    }
}

/// Adds each copy of a key set that is read from the address of the key set itself.
fn same_address(index: usize, map: &Value, found: &mut Vec<Unused>) {
    const TEXT: &str = "has no effect: it is `jwks_url` again, and so fails when that fails; write the address \
                        of a copy elsewhere, or leave it out";
    let address = |name: &str| map.get(name).and_then(Value::as_str);
    if let Some(copy) = address("jwks_fallback_url")
        && address("jwks_url") == Some(copy)
    {
        found.push((format!("/issuers/{index}/jwks_fallback_url"), TEXT));
    }
}

/// A text within the value is an address of plain HTTP, or it is not known what it is.
fn has_plain_address(value: &Value) -> bool {
    match value {
        Value::String(text) => text.starts_with("http://") || text.starts_with("file:"),
        Value::Array(items) => items.iter().any(has_plain_address),
        Value::Object(map) => map.values().any(has_plain_address),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The warnings about servers of `protected_resource` whose tokens no issuer takes.
pub(super) fn unknown_servers(config: &Config, written: &YamlDocument) -> Vec<Warning> {
    let Some(servers) = written.value.pointer("/protected_resource/authorization_servers") else {
        return Vec::new();
    };
    let known = |index: usize| -> Option<&str> {
        written.value.pointer(&format!("/issuers/{index}/issuer"))?.as_str()
    };
    // The `iss` of other kinds is not written.
    let Some(known) = (0..config.issuers.len()).map(known).collect::<Option<Vec<&str>>>() else {
        return Vec::new();
    };
    let bare = |text: &str| text.trim_end_matches('/').to_owned();
    let is_known = |server: &str| {
        known.iter().any(|iss| match iss.split_once('{') {
            Some((lead, _)) => server.starts_with(lead),
            None => bare(iss) == bare(server),
        })
    };
    let servers = servers.as_array().into_iter().flatten().enumerate();
    let unknown = servers.filter_map(|(index, server)| Some((index, server.as_str()?)));
    unknown
        .filter(|(_, server)| !known.is_empty() && !is_known(server))
        .map(|(index, _)| {
            Warning::of(
                "server_without_issuer",
                format!("/protected_resource/authorization_servers/{index}"),
                "no issuer has this `issuer`, so that clients get tokens there which are refused here; \
                 add the issuer, or correct the address",
            )
        })
        .collect()
}
