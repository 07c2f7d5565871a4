//! Who vouches for somebody else's token: an issuer by its keys, Firebase by its keys,
//! or a REST service that answers in flat JSON.
//!
//! In: the app's validators and a foreign token. Out: what it proves, or a refusal. A
//! validator that answers 400 or 404 ends the exchange.

use axum::http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::identity::Proof;
use crate::{
    jws, outbound,
    request::Refusal,
    state::{State, unix_now},
    users::ids,
};

/// One validator of an app.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Validator {
    /// `jwks`, `firebase` or `rest`.
    kind: Kind,
    /// `jwks`: the `iss` of its tokens.
    #[serde(default)]
    issuer: Option<String>,
    /// `jwks`: what has to be in `aud`; not looked at when left out.
    #[serde(default)]
    audience: Option<String>,
    /// `firebase`: the id of the project, which says issuer and audience.
    #[serde(default)]
    project: Option<String>,
    /// `jwks` and `firebase`: the key set itself.
    #[serde(default)]
    jwks: Option<Map<String, Value>>,
    /// `jwks` and `firebase`: where the key set is, by plain HTTP.
    #[serde(default)]
    jwks_url: Option<String>,
    /// `rest`: where to ask. The token goes as `Authorization: Bearer`, and with POST
    /// also as `token` of a JSON body.
    #[serde(default)]
    url: Option<String>,
    /// `rest`: how to ask.
    #[serde(default)]
    method: Verb,
    /// The member of the answer, or the claim, that is the user id to adopt. For `jwks`
    /// and `firebase` it is `sub` when left out; for `rest` an id is then generated.
    #[serde(default)]
    user_id_field: Option<String>,
    /// The member of the answer, or the claim, that is proved.
    #[serde(default = "email")]
    verified_field: String,
    /// The field of the profile that it proves.
    #[serde(default = "email")]
    verification_type: String,
}

fn email() -> String {
    "email".to_owned()
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// A JWT, checked by the issuer's key set.
    Jwks,
    /// A Firebase ID token; the uid is kept as user id.
    Firebase,
    /// Any token, checked by a service.
    Rest,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum Verb {
    #[default]
    Get,
    Post,
}

impl Validator {
    /// What is wrong with it: member and message.
    pub(crate) fn problems(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let mut needs = |name: &'static str, given: bool, used: bool| match (given, used) {
            (false, true) => found.push((name, "is missing for this kind".to_owned())),
            (true, false) => found.push((name, "has no meaning for this kind".to_owned())),
            _ => {}
        };
        needs("issuer", self.issuer.is_some(), self.kind == Kind::Jwks);
        needs("project", self.project.is_some(), self.kind == Kind::Firebase);
        needs("url", self.url.is_some(), self.kind == Kind::Rest);
        let keys = self.jwks.is_some() || self.jwks_url.is_some();
        needs("jwks", keys, self.kind != Kind::Rest);
        for (name, url) in [("url", &self.url), ("jwks_url", &self.jwks_url)] {
            if let Some(problem) = url.as_deref().and_then(outbound::problem) {
                found.push((name, problem.to_owned()));
            }
        }
        found
    }

    fn issuer(&self) -> Option<String> {
        let project = || Some(format!("https://securetoken.google.com/{}", self.project.as_ref()?));
        match self.kind {
            Kind::Jwks => self.issuer.clone(),
            Kind::Firebase => project(),
            Kind::Rest => None,
        }
    }

    fn audience(&self) -> Option<&str> {
        match self.kind {
            Kind::Firebase => self.project.as_deref(),
            Kind::Jwks | Kind::Rest => self.audience.as_deref(),
        }
    }

    async fn key_set(&self) -> Result<Value, Refusal> {
        match (&self.jwks, &self.jwks_url) {
            (Some(set), _) => Ok(Value::Object(set.clone())),
            (None, Some(url)) => match outbound::ask(Method::GET, url, None).await {
                Ok((200, set)) => Ok(set),
                Ok((status, _)) => Err(unavailable(&format!("{url} answered {status}"))),
                Err(error) => Err(unavailable(&error)),
            },
            (None, None) => Err(unavailable("it has no keys")),
        }
    }

    async fn by_keys(&self, token: &str, issuer: &str) -> Result<Proof, Refusal> {
        let keys = self.key_set().await?;
        let claims =
            jws::verify(token, &keys, issuer).map_err(|flaw| refused(&flaw.to_string()))?;
        let Value::Object(claims) = claims else { return Err(refused("it has no claims")) };
        if claims.get("exp").and_then(Value::as_u64).is_none_or(|exp| exp <= unix_now()) {
            return Err(refused("it has expired"));
        }
        if let Some(audience) = self.audience() {
            let fits = match claims.get("aud") {
                Some(Value::Array(list)) => list.iter().any(|entry| entry == audience),
                Some(one) => one == audience,
                None => false,
            };
            if !fits {
                return Err(refused("it is for another audience"));
            }
        }
        self.proof(claims, Some("sub"))
    }

    async fn by_asking(&self, token: &str) -> Result<Proof, Refusal> {
        let url = self.url.as_deref().unwrap_or_default();
        let method = if self.method == Verb::Post { Method::POST } else { Method::GET };
        match outbound::ask(method, url, Some(token)).await {
            Ok((200, Value::Object(answer))) => self.proof(answer, None),
            Ok((200, _)) => Err(unavailable("it answered no JSON object")),
            Ok((status @ (400 | 404), _)) => Err(refused(&format!("it answered {status}"))),
            Ok((status, _)) => Err(unavailable(&format!("it answered {status}"))),
            Err(error) => Err(unavailable(&error)),
        }
    }

    /// What the members of an answer, or the claims of a token, prove.
    fn proof(&self, mut members: Map<String, Value>, id: Option<&str>) -> Result<Proof, Refusal> {
        let id_field = self.user_id_field.as_deref().or(id);
        let user_id = match id_field.and_then(|field| members.remove(field)) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.trim().is_empty() => None,
            Some(Value::String(text)) => Some(text),
            Some(Value::Number(number)) => Some(number.to_string()),
            Some(_) => return Err(refused("the user id is neither text nor a number")),
        };
        if user_id.as_deref().is_some_and(|id| !ids::writable(id)) {
            return Err(refused("that cannot be a user id"));
        }
        // Issuers say so when they have not proved the address they name.
        let unproved = members.get("email_verified") == Some(&json!(false))
            && self.verification_type == "email";
        let value = members.remove(&self.verified_field);
        let mut verified = Map::new();
        if let Some(Value::String(text)) = value.filter(|_| !unproved)
            && !text.is_empty()
        {
            verified.insert(self.verification_type.clone(), json!(text));
        }
        let method = if self.kind == Kind::Firebase { "firebase" } else { "token_exchange" };
        Ok(Proof { user_id, verified, data: members, method, anonymous_id: None })
    }
}

/// Finds the validator for a token and asks it: the issuer named in it, else whoever
/// takes tokens of any kind.
pub(super) async fn prove(state: &State, app: &str, token: &str) -> Result<Proof, Refusal> {
    let validators = state.world().tenant(app)?.app.token_validators.clone();
    let named = jws::issuer_of(token);
    for validator in &validators {
        match validator.issuer() {
            Some(issuer) if named.as_ref() == Some(&issuer) => {
                return validator.by_keys(token, &issuer).await;
            }
            Some(_) => {}
            None => return validator.by_asking(token).await,
        }
    }
    Err(refused("the app has no validator for it"))
}

fn refused(why: &str) -> Refusal {
    Refusal::bad_request("E_TOKEN_REFUSED", format!("the token is not good: {why}"))
}

fn unavailable(why: &str) -> Refusal {
    let message = format!("the token validator is of no help: {why}");
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "E_TOKEN_VALIDATOR", message)
}
