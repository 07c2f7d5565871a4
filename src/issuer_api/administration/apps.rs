//! The configuration of an app, as the API of an issuer tells and changes it.
//!
//! In: an app with its key, or with the token of an operator of the issuer's platform. Out: the
//! configuration. A key reads it and cannot change it.

use std::{fmt, time::Duration};

use serde_json::{Map, Value};

use crate::{
    config::Secret,
    issuer_api::{ApiError, Asked},
};

/// An app, and its key.
#[derive(Debug, Clone, Copy)]
pub struct KeyOfApp<'a> {
    /// The id of the app.
    pub id: &'a str,
    /// The key, of the app or of one of its variants.
    pub key: &'a Secret,
}

/// An app, and the operator who may change it.
#[derive(Debug, Clone, Copy)]
pub struct OperatorOfApp<'a> {
    /// The id of the app.
    pub id: &'a str,
    /// The token of the operator.
    pub token: &'a Secret,
}

/// An app as its key shows it. A part that the issuer does not say is empty.
#[derive(Debug, Clone, PartialEq)]
pub struct AppDocument {
    /// The name for people.
    pub name: String,
    /// The address of its picture.
    pub icon: Option<String>,
    /// The fields of profiles, by name, as the issuer describes them.
    pub schema: Map<String, Value>,
    /// The fields that users can prove.
    pub verification_fields: Vec<String>,
    /// All settings.
    pub config: Map<String, Value>,
    /// The variant whose key it is.
    pub variant: Option<VariantDocument>,
}

/// A variant of an app.
#[derive(Debug, Clone, PartialEq)]
pub struct VariantDocument {
    /// The id.
    pub id: String,
    /// The name for people.
    pub name: String,
    /// The settings in which it differs from its app.
    pub config: Map<String, Value>,
}

/// The settings of an app as its operator sees them, and the claims among them.
#[derive(Debug, Clone, PartialEq)]
pub struct OperatedApp {
    /// All settings.
    pub config: Map<String, Value>,
}

/// A change of the claims.
#[derive(Debug, Clone, Copy)]
pub struct ClaimsChange<'a> {
    /// The settings as they were read.
    pub known: &'a Map<String, Value>,
    /// Those that change, with their new values; `null` removes one.
    pub changed: &'a Map<String, Value>,
}

/// Why nothing came of a request about an app.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppError {
    /// The API gave no usable answer, or refused the key.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The API refuses the token of the operator. The number is the HTTP status.
    #[error("the issuer refuses the token of the operator (HTTP {0})")]
    OperatorRefused(u16),
    /// There is no such app, for this operator.
    #[error("the operator has no such app")]
    NoApp,
    /// The API refused the change.
    #[error("the issuer refuses the change (HTTP {status})")]
    Refused {
        /// The HTTP status of the answer.
        status: u16,
        /// The API's own code, if it sent one.
        code: Option<String>,
    },
    /// The API took the change, and the claims are not what was asked for.
    #[error("the issuer has taken the change, and the claims are not those of the change")]
    NotApplied,
}

/// Reads the configuration of apps, and changes their claims.
pub trait AppAdministration: fmt::Debug + Send + Sync {
    /// The app of a key.
    fn app<'a>(&'a self, app: KeyOfApp<'a>, timeout: Duration) -> Asked<'a, AppDocument>;

    /// The settings of an app as its operator sees them.
    fn operated<'a>(
        &'a self,
        app: OperatorOfApp<'a>,
        timeout: Duration,
    ) -> Asked<'a, OperatedApp, AppError>;

    /// The settings after this change of the claims.
    fn change_claims<'a>(
        &'a self,
        app: OperatorOfApp<'a>,
        change: ClaimsChange<'a>,
        timeout: Duration,
    ) -> Asked<'a, OperatedApp, AppError>;
}

/// The places of the claims below the settings. The API's description has the first, and one of the
/// vendor's tools reads the second.
const PLACES: [&[&str]; 2] = [
    &["hub", "auth", "access_tokens", "custom_claims"],
    &["auth", "access_tokens", "custom_claims"],
];

/// The claims that these settings add to access tokens, as they are written. Where both places have
/// a claim, that of the first one counts.
#[must_use]
pub fn claims_of(config: &Map<String, Value>) -> Map<String, Value> {
    let found = PLACES.iter().rev().filter_map(|place| claims_at(config, place));
    let each = found.flatten().filter(|(_, claim)| !claim.is_null());
    each.map(|(name, claim)| (name.clone(), claim.clone())).collect()
}

/// The claims at one place, if it is there.
pub(in crate::issuer_api) fn claims_at<'a>(
    config: &'a Map<String, Value>,
    place: &[&str],
) -> Option<&'a Map<String, Value>> {
    let (first, rest) = place.split_first()?;
    let node = config.get(*first)?;
    rest.iter().try_fold(node, |node, name| node.get(*name))?.as_object()
}

/// The places that are to be written: the first one, and each other that is there.
pub(in crate::issuer_api) fn places_to_write(
    config: &Map<String, Value>,
) -> impl Iterator<Item = &'static [&'static str]> {
    let mut places = PLACES.into_iter();
    let first = places.next();
    first.into_iter().chain(places.filter(|place| claims_at(config, place).is_some()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{claims_of, places_to_write};

    #[test]
    fn claims_are_read_at_both_places_and_the_first_one_counts() {
        let claim = |value: &str| json!({ "source": "static_value", "value": value });
        let at =
            |claims: serde_json::Value| json!({ "access_tokens": { "custom_claims": claims } });
        for (config, expected, places) in [
            (json!({}), json!({}), 1),
            (json!({ "hub": [] }), json!({}), 1),
            (json!({ "hub": { "auth": at(json!({ "a": claim("1") })) } }), json!({ "a": "1" }), 1),
            (json!({ "auth": at(json!({ "a": claim("2") })) }), json!({ "a": "2" }), 2),
            (
                json!({ "hub": { "auth": at(json!({ "a": claim("1"), "gone": null })) },
                    "auth": at(json!({ "a": claim("2"), "b": claim("3") })) }),
                json!({ "a": "1", "b": "3" }),
                2,
            ),
            (json!({ "auth": { "access_tokens": { "custom_claims": 7 } } }), json!({}), 1),
        ] {
            let config = config.as_object().unwrap();
            let found = claims_of(config);
            let values: serde_json::Map<_, _> =
                found.into_iter().map(|(name, claim)| (name, claim["value"].clone())).collect();
            assert_eq!(serde_json::Value::Object(values), expected, "{config:?}");
            assert_eq!(places_to_write(config).count(), places, "{config:?}");
        }
    }
}
