//! Asks the app's validators for a token of another issuer: by its keys, or by a request to a
//! service that answers in flat JSON.
//!
//! In: the app's validators and the token. Out: what the token proves, or an error. A service that
//! answers 400 or 404 ends the exchange.

use axum::http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::proof::Proof;
use crate::{
    data::{
        ids,
        time::unix_now,
        validators::{Validator, ValidatorKind, ValidatorMethod},
    },
    keys::jws,
    outbound,
    routes::request::ApiError,
    state::State,
};

impl Validator {
    async fn key_set(&self) -> Result<Value, ApiError> {
        match (&self.jwks, &self.jwks_url) {
            (Some(set), _) => Ok(Value::Object(set.clone())),
            (None, Some(url)) => match outbound::send(Method::GET, url, None, None).await {
                Ok((200, set)) => Ok(set),
                Ok((status, _)) => Err(unavailable(&format!("{url} answered {status}"))),
                Err(error) => Err(unavailable(&error.to_string())),
            },
            (None, None) => Err(unavailable("it has no keys")),
        }
    }

    async fn by_keys(&self, token: &str, issuer: &str) -> Result<Proof, ApiError> {
        let keys = self.key_set().await?;
        let claims =
            jws::verify(token, &keys, issuer).map_err(|error| refused(&error.to_string()))?;
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

    async fn by_asking(&self, token: &str) -> Result<Proof, ApiError> {
        let url = self.url.as_deref().unwrap_or_default();
        let answer = match self.method {
            ValidatorMethod::Get => outbound::send(Method::GET, url, Some(token), None).await,
            ValidatorMethod::Post => {
                let body = json!({ "token": token });
                outbound::send(Method::POST, url, Some(token), Some(&body)).await
            }
        };
        match answer {
            Ok((200, Value::Object(answer))) => self.proof(answer, None),
            Ok((200, _)) => Err(unavailable("it answered no JSON object")),
            Ok((status @ (400 | 404), _)) => Err(refused(&format!("it answered {status}"))),
            Ok((status, _)) => Err(unavailable(&format!("it answered {status}"))),
            Err(error) => Err(unavailable(&error.to_string())),
        }
    }

    /// The proof in the members of an answer, or in the claims of a token.
    fn proof(&self, mut members: Map<String, Value>, id: Option<&str>) -> Result<Proof, ApiError> {
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
        // The issuer says that it has not proved the address.
        let unproved = members.get("email_verified") == Some(&json!(false))
            && self.verification_type == "email";
        let value = members.remove(&self.verified_field);
        let mut verified = Map::new();
        if let Some(Value::String(text)) = value.filter(|_| !unproved)
            && !text.is_empty()
        {
            verified.insert(self.verification_type.clone(), json!(text));
        }
        let method =
            if self.kind == ValidatorKind::Firebase { "firebase" } else { "token_exchange" };
        Ok(Proof { user_id, verified, data: members, method, anonymous_id: None })
    }
}

/// Finds the validator for a token and asks it: the first whose issuer is the token's, or that takes
/// tokens of any issuer.
pub(crate) async fn prove(state: &State, app: &str, token: &str) -> Result<Proof, ApiError> {
    let validators = state.records().app(app)?.app.token_validators.clone();
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

fn refused(why: &str) -> ApiError {
    ApiError::bad_request("E_TOKEN_REFUSED", format!("the token is not accepted: {why}"))
}

fn unavailable(why: &str) -> ApiError {
    let message = format!("the token validator failed: {why}");
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "E_TOKEN_VALIDATOR", message)
}
