//! The validators of an app, as the seed file writes them: they say which tokens of other issuers
//! are genuine.

use http::Uri;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

/// A validator: it says whether a token of another issuer is genuine, and whose it is.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Validator {
    /// `jwks`, `firebase` or `rest`.
    pub(crate) kind: ValidatorKind,
    /// `jwks`: the `iss` of its tokens.
    #[serde(default)]
    pub(crate) issuer: Option<String>,
    /// `jwks`: the value that has to be in `aud`; `aud` is not checked when left out.
    #[serde(default)]
    pub(crate) audience: Option<String>,
    /// `firebase`: the id of the project; issuer and audience follow from it.
    #[serde(default)]
    pub(crate) project: Option<String>,
    /// `jwks` and `firebase`: the key set itself.
    #[serde(default)]
    pub(crate) jwks: Option<Map<String, Value>>,
    /// `jwks` and `firebase`: the address of the key set, with plain HTTP.
    #[serde(default)]
    pub(crate) jwks_url: Option<String>,
    /// `rest`: the address of the service. The token goes as `Authorization: Bearer`, and with POST
    /// also as `token` of a JSON body.
    #[serde(default)]
    pub(crate) url: Option<String>,
    /// `rest`: the method of the request.
    #[serde(default)]
    pub(crate) method: ValidatorMethod,
    /// The member of the answer, or the claim, that is the user id to adopt. For `jwks`
    /// and `firebase` it is `sub` when left out; for `rest` an id is then generated.
    #[serde(default)]
    pub(crate) user_id_field: Option<String>,
    /// The member of the answer, or the claim, whose value is proved.
    #[serde(default = "email")]
    pub(crate) verified_field: String,
    /// The field of the profile that it proves.
    #[serde(default = "email")]
    pub(crate) verification_type: String,
}

fn email() -> String {
    "email".to_owned()
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ValidatorKind {
    /// A JWT that the issuer's key set verifies.
    Jwks,
    /// An ID token of Firebase; its uid becomes the user id.
    Firebase,
    /// Any token, which a service checks.
    Rest,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum ValidatorMethod {
    /// The token goes as `Authorization: Bearer`.
    #[default]
    Get,
    /// The token also goes as `token` of a JSON body.
    Post,
}

impl Validator {
    /// The problems of the validator: member and message of each.
    pub(crate) fn problems(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let mut needs = |name: &'static str, given: bool, used: bool| match (given, used) {
            (false, true) => found.push((name, "is missing for this kind".to_owned())),
            (true, false) => found.push((name, "has no meaning for this kind".to_owned())),
            _ => {}
        };
        needs("issuer", self.issuer.is_some(), self.kind == ValidatorKind::Jwks);
        needs("project", self.project.is_some(), self.kind == ValidatorKind::Firebase);
        needs("url", self.url.is_some(), self.kind == ValidatorKind::Rest);
        let keys = self.jwks.is_some() || self.jwks_url.is_some();
        needs("jwks", keys, self.kind != ValidatorKind::Rest);
        for (name, url) in [("url", &self.url), ("jwks_url", &self.jwks_url)] {
            if let Some(problem) = url.as_deref().and_then(address_problem) {
                found.push((name, problem.to_owned()));
            }
        }
        found
    }

    /// The `iss` of the tokens that this validator checks; `None` for `rest`, which takes any.
    pub(crate) fn issuer(&self) -> Option<String> {
        let project = || Some(format!("https://securetoken.google.com/{}", self.project.as_ref()?));
        match self.kind {
            ValidatorKind::Jwks => self.issuer.clone(),
            ValidatorKind::Firebase => project(),
            ValidatorKind::Rest => None,
        }
    }

    /// The value that has to stand in `aud`, if one has to.
    pub(crate) fn audience(&self) -> Option<&str> {
        match self.kind {
            ValidatorKind::Firebase => self.project.as_deref(),
            ValidatorKind::Jwks | ValidatorKind::Rest => self.audience.as_deref(),
        }
    }
}

/// The problem of an address that the emulator is to call, if it has one.
fn address_problem(url: &str) -> Option<&'static str> {
    let wrong = "is not an address such as http://127.0.0.1:9000/check";
    match url.parse::<Uri>() {
        Ok(uri) if uri.host().is_none() => Some(wrong),
        Ok(uri) => match uri.scheme_str() {
            Some("http") => None,
            Some("https") => Some(
                "is https, which the emulator does not speak; serve it on http for \
                 development, or write the key set under `jwks`",
            ),
            _ => Some(wrong),
        },
        Err(_) => Some(wrong),
    }
}
