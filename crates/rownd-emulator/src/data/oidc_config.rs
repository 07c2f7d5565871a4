//! The rules for the configuration of an OpenID client.
//!
//! In: `config` as a backend writes it. Out: every mistake of the members that the emulator knows.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::error::DataError;

/// The members of the configuration that hold addresses.
const ADDRESSES: [&str; 2] = ["redirect_uris", "post_logout_uris"];
/// The members that are lists of texts.
const LISTS: [&str; 4] = ["allowed_origins", "redirect_uris", "post_logout_uris", "allowed_scopes"];
/// The members that are true or false.
const FLAGS: [&str; 4] =
    ["hub_show_logos", "is_pkce_supported", "is_pkce_required", "device_flow_enabled"];
/// The members that are texts.
const TEXTS: [&str; 3] = ["logo_uri", "logo_dark_mode_uri", "hub_title"];
/// The members with one of these words.
const WORDS: [(&str, &[&str]); 3] = [
    ("hub_dark_mode", &["enabled", "disabled", "auto"]),
    ("token_endpoint_auth_method", &["client_secret_basic", "client_secret_post", "none"]),
    ("application_type", &["web", "native"]),
];

/// Checks the members that are known. `null` counts as left out.
pub(super) fn check(config: &Map<String, Value>) -> Result<(), DataError> {
    let mut wrong = String::new();
    let mut say = |member: &str, why: &str| {
        // Writing to a String cannot fail.
        let _ =
            write!(wrong, "{}`config.{member}` {why}", if wrong.is_empty() { "" } else { "; " });
    };
    let given = |member: &str| config.get(member).filter(|value| !value.is_null());
    for member in LISTS {
        let texts =
            |value: &Value| value.as_array().is_some_and(|list| list.iter().all(Value::is_string));
        if given(member).is_some_and(|value| !texts(value)) {
            say(member, "must be a list of strings");
        }
    }
    for member in ADDRESSES {
        let list = given(member).and_then(Value::as_array).into_iter().flatten();
        let address = |uri: &str| url::Url::parse(uri).is_ok_and(|url| url.fragment().is_none());
        if list.filter_map(Value::as_str).any(|uri| !address(uri)) {
            say(member, "has an entry that is not a full address, or has a fragment");
        }
    }
    for member in FLAGS {
        if given(member).is_some_and(|value| !value.is_boolean()) {
            say(member, "must be true or false");
        }
    }
    for member in TEXTS {
        if given(member).is_some_and(|value| !value.is_string()) {
            say(member, "must be a string");
        }
    }
    for (member, words) in WORDS {
        let known = |value: &Value| value.as_str().is_some_and(|word| words.contains(&word));
        if given(member).is_some_and(|value| !known(value)) {
            say(member, &format!("must be one of {}", words.join(", ")));
        }
    }
    let page = |page: &str| page.is_empty() || is_page(page);
    if given("interaction_endpoint").is_some_and(|value| !value.as_str().is_some_and(page)) {
        say("interaction_endpoint", "is not a full http or https address, or has a fragment");
    }
    if wrong.is_empty() { Ok(()) } else { Err(DataError::BadClient(wrong)) }
}

/// Whether a browser can be sent to this address with a query.
pub(crate) fn is_page(address: &str) -> bool {
    url::Url::parse(address).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.has_host() && url.fragment().is_none()
    })
}
