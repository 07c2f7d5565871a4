//! The settings of a client: between the fields of the proto and the members of the document.
//!
//! Each setting has the same name in both. A member whose value does not fit its field stays among
//! the other ones, as it is.

use std::collections::BTreeMap;

use prost_types::Struct;
use serde_json::{Map, Value as Json, json};

use super::check;
use crate::grpc::{
    pb::rownd::auth::v1::{
        OidcApplicationType, OidcClientConfig, OidcHubDarkMode, OidcTokenEndpointAuthMethod,
    },
    rownd_auth::{convert::from_struct, fault::Fault, structure::Structures},
};

/// The field of the other members.
pub(super) const OTHER: &str = "other";

/// The paths of an update mask, of all settings.
pub(super) const PATHS: [&str; 15] = [
    "config.allowed_origins",
    "config.redirect_uris",
    "config.post_logout_uris",
    "config.logo_uri",
    "config.logo_dark_mode_uri",
    "config.allowed_scopes",
    "config.hub_title",
    "config.hub_dark_mode",
    "config.hub_show_logos",
    "config.is_pkce_supported",
    "config.is_pkce_required",
    "config.interaction_endpoint",
    "config.token_endpoint_auth_method",
    "config.application_type",
    "config.device_flow_enabled",
];

const DARK_MODES: [(OidcHubDarkMode, &str); 3] = [
    (OidcHubDarkMode::Enabled, "enabled"),
    (OidcHubDarkMode::Disabled, "disabled"),
    (OidcHubDarkMode::Auto, "auto"),
];
const AUTH_METHODS: [(OidcTokenEndpointAuthMethod, &str); 3] = [
    (OidcTokenEndpointAuthMethod::ClientSecretBasic, "client_secret_basic"),
    (OidcTokenEndpointAuthMethod::ClientSecretPost, "client_secret_post"),
    (OidcTokenEndpointAuthMethod::None, "none"),
];
const APPLICATION_TYPES: [(OidcApplicationType, &str); 2] =
    [(OidcApplicationType::Web, "web"), (OidcApplicationType::Native, "native")];

/// The settings of a request.
#[derive(Debug)]
pub(super) struct WrittenSettings {
    /// All settings by their names; `None`: the request has no value.
    pub(super) known: BTreeMap<&'static str, Option<Json>>,
    /// The other members.
    pub(super) other: Map<String, Json>,
}

/// The settings of a request, checked.
///
/// # Errors
///
/// Fails for an address, a text or a number that is no setting's, and for the name of a setting among
/// the other members.
pub(super) fn written(config: OidcClientConfig) -> Result<WrittenSettings, Fault> {
    check::config(&config)?;
    let OidcClientConfig {
        allowed_origins,
        redirect_uris,
        post_logout_uris,
        logo_uri,
        logo_dark_mode_uri,
        allowed_scopes,
        hub_title,
        hub_dark_mode,
        hub_show_logos,
        is_pkce_supported,
        is_pkce_required,
        interaction_endpoint,
        token_endpoint_auth_method,
        application_type,
        device_flow_enabled,
        other,
    } = config;
    let list = |texts: Vec<String>| (!texts.is_empty()).then(|| json!(texts));
    let text = |text: Option<String>| text.map(Json::String);
    let flag = |flag: Option<bool>| flag.map(Json::Bool);
    let known = BTreeMap::from([
        ("allowed_origins", list(allowed_origins)),
        ("redirect_uris", list(redirect_uris)),
        ("post_logout_uris", list(post_logout_uris)),
        ("logo_uri", text(logo_uri)),
        ("logo_dark_mode_uri", text(logo_dark_mode_uri)),
        ("allowed_scopes", list(allowed_scopes)),
        ("hub_title", text(hub_title)),
        ("hub_dark_mode", word("oidc_client.config.hub_dark_mode", &DARK_MODES, hub_dark_mode)?),
        ("hub_show_logos", flag(hub_show_logos)),
        ("is_pkce_supported", flag(is_pkce_supported)),
        ("is_pkce_required", flag(is_pkce_required)),
        ("interaction_endpoint", text(interaction_endpoint)),
        (
            "token_endpoint_auth_method",
            word(
                "oidc_client.config.token_endpoint_auth_method",
                &AUTH_METHODS,
                token_endpoint_auth_method,
            )?,
        ),
        (
            "application_type",
            word("oidc_client.config.application_type", &APPLICATION_TYPES, application_type)?,
        ),
        ("device_flow_enabled", flag(device_flow_enabled)),
    ]);
    let other = other_members(other, |name| known.contains_key(name))?;
    Ok(WrittenSettings { known, other })
}

/// The members that are no settings of this release.
fn other_members(
    other: Option<Struct>,
    is_setting: impl Fn(&str) -> bool,
) -> Result<Map<String, Json>, Fault> {
    const FIELD: &str = "oidc_client.config.other";
    let other = other.map(|other| from_struct(FIELD, other)).transpose()?.unwrap_or_default();
    if other.keys().any(|name| is_setting(name) || name.is_empty()) {
        return Err(Fault::field(
            FIELD,
            "has a setting that has a field of its own; use the field",
        ));
    }
    if other.keys().any(|name| is_hidden(name)) {
        return Err(Fault::field(FIELD, "has a secret, which is not to be written here"));
    }
    Ok(other)
}

/// The word of an enum's number; `None` for 0, which is no value.
fn word<E>(field: &'static str, words: &[(E, &str)], number: i32) -> Result<Option<Json>, Fault>
where
    E: Copy + Into<i32>,
{
    if number == 0 {
        return Ok(None);
    }
    let found = words.iter().find(|(known, _)| (*known).into() == number);
    let (_, word) = found.ok_or_else(|| Fault::field(field, "is not a known value"))?;
    Ok(Some(json!(word)))
}

/// The settings of a document. `field` is the place of the other members in the answer.
pub(super) fn shown(
    config: &Map<String, Json>,
    field: &str,
    structures: &mut Structures,
) -> OidcClientConfig {
    let mut left: BTreeMap<&String, &Json> =
        config.iter().filter(|(name, value)| !value.is_null() && !is_hidden(name)).collect();
    let mut take = Taken(&mut left);
    let mut shown = OidcClientConfig {
        allowed_origins: take.list("allowed_origins"),
        redirect_uris: take.list("redirect_uris"),
        post_logout_uris: take.list("post_logout_uris"),
        logo_uri: take.text("logo_uri"),
        logo_dark_mode_uri: take.text("logo_dark_mode_uri"),
        allowed_scopes: take.list("allowed_scopes"),
        hub_title: take.text("hub_title"),
        hub_dark_mode: take.word("hub_dark_mode", &DARK_MODES),
        hub_show_logos: take.flag("hub_show_logos"),
        is_pkce_supported: take.flag("is_pkce_supported"),
        is_pkce_required: take.flag("is_pkce_required"),
        interaction_endpoint: take.text("interaction_endpoint"),
        token_endpoint_auth_method: take.word("token_endpoint_auth_method", &AUTH_METHODS),
        application_type: take.word("application_type", &APPLICATION_TYPES),
        device_flow_enabled: take.flag("device_flow_enabled"),
        other: None,
    };
    if !left.is_empty() {
        shown.other = Some(structures.make(field, left));
    }
    shown
}

/// Whether a member of this name may hold a secret.
fn is_hidden(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.contains("secret") || lower.contains("password")
}

/// Takes members out that fit their fields.
struct Taken<'a, 'b>(&'b mut BTreeMap<&'a String, &'a Json>);

impl Taken<'_, '_> {
    fn value<T>(&mut self, name: &str, read: impl Fn(&Json) -> Option<T>) -> Option<T> {
        let name = name.to_owned();
        let value = self.0.get(&name).and_then(|value| read(value))?;
        self.0.remove(&name);
        Some(value)
    }

    fn text(&mut self, name: &str) -> Option<String> {
        self.value(name, |value| value.as_str().map(str::to_owned))
    }

    fn flag(&mut self, name: &str) -> Option<bool> {
        self.value(name, Json::as_bool)
    }

    fn list(&mut self, name: &str) -> Vec<String> {
        let texts = |value: &Json| {
            value.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
        };
        self.value(name, texts).unwrap_or_default()
    }

    fn word<E: Copy + Into<i32>>(&mut self, name: &str, words: &[(E, &str)]) -> i32 {
        let number = |value: &Json| {
            let word = value.as_str()?;
            words.iter().find(|(_, known)| *known == word).map(|(number, _)| (*number).into())
        };
        self.value(name, number).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value as Json, json};

    use super::{OTHER, PATHS, shown, written};
    use crate::grpc::rownd_auth::structure::Structures;

    fn object(json: Json) -> Map<String, Json> {
        match json {
            Json::Object(members) => members,
            other => panic!("{other}"),
        }
    }

    /// Every setting, and some that no release knows.
    fn all() -> Map<String, Json> {
        object(json!({
            "allowed_origins": ["https://a.test"], "redirect_uris": ["https://a.test/cb"],
            "post_logout_uris": ["https://a.test/bye"], "logo_uri": "https://a.test/l.png",
            "logo_dark_mode_uri": "https://a.test/d.png", "allowed_scopes": ["openid"],
            "hub_title": "Shop", "hub_dark_mode": "auto", "hub_show_logos": false,
            "is_pkce_supported": true, "is_pkce_required": false,
            "interaction_endpoint": "https://a.test/in",
            "token_endpoint_auth_method": "client_secret_post", "application_type": "native",
            "device_flow_enabled": true, "a_setting_of_tomorrow": { "a": [1, null] },
        }))
    }

    #[test]
    fn every_setting_goes_there_and_back() {
        let config = shown(&all(), "config.other", &mut Structures::default());
        let settings = written(config).unwrap();
        let mut back: Map<String, Json> = settings.other;
        for (name, value) in settings.known {
            assert!(PATHS.contains(&format!("config.{name}").as_str()), "{name}");
            back.insert(name.to_owned(), value.unwrap());
        }
        assert_eq!(back, all());
        assert_eq!(back.len(), PATHS.len() + 1);
        assert!(!all().contains_key(OTHER));
    }

    /// A value that does not fit its field is shown as it is, and one of null not at all.
    #[test]
    fn a_value_of_another_form_stays_among_the_others() {
        let odd = object(json!({
            "redirect_uris": "https://a.test", "allowed_scopes": [1], "hub_dark_mode": "sepia",
            "hub_show_logos": "yes", "hub_title": null, "client_secret": "ras_1",
        }));
        let mut structures = Structures::default();
        let config = shown(&odd, "config.other", &mut structures);
        assert!(config.redirect_uris.is_empty() && config.hub_dark_mode == 0);
        let other = config.other.unwrap();
        let names: Vec<&str> = other.fields.keys().map(String::as_str).collect();
        let mut expected = ["redirect_uris", "allowed_scopes", "hub_dark_mode", "hub_show_logos"];
        expected.sort_unstable();
        assert_eq!(names, expected);
    }
}
