//! The configuration of an app: `GET /hub/app-config` by its key, `GET` and `PATCH
//! /applications/{app}` by the token of an operator of Rownd's platform.
//!
//! In: an app and what proves it. Out: its configuration. The key and the secret of an app cannot
//! write it.

mod patch;

use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    client::{APP_CONFIG, APP_KEY, RowndClient},
    user_id::segment,
};
use crate::{
    issuer_api::{
        administration::apps::{
            AppAdministration, AppDocument, AppError, ClaimsChange, KeyOfApp, OperatedApp,
            OperatorOfApp, VariantDocument, claims_of,
        },
        api::{ApiCall, Target, bearer, from_json, json},
        capabilities::Asked,
        error::ApiError,
        operation::Operation,
        rejection::Rejection,
    },
    upstream::HttpAnswer,
};

#[derive(Deserialize)]
struct AppConfig {
    app: Map<String, Value>,
    variant: Option<Value>,
}

impl RowndClient {
    async fn operate(
        &self,
        app: OperatorOfApp<'_>,
        (operation, body): (Operation, Bytes),
        timeout: Duration,
    ) -> Result<OperatedApp, AppError> {
        let path = format!("/applications/{}", segment(app.id)?);
        let bearer = bearer(app.token);
        let call = ApiCall {
            operation,
            app: Some(app.id),
            target: Target::Path(&path),
            headers: &[("authorization", bearer.expose())],
            body,
            timeout,
        };
        let answer = self.api.call(call, |answer| read_operated(app.id, answer)).await;
        answer.map_err(of_operator)
    }
}

impl AppAdministration for RowndClient {
    fn app<'a>(&'a self, app: KeyOfApp<'a>, timeout: Duration) -> Asked<'a, AppDocument> {
        Box::pin(async move {
            let call = ApiCall {
                operation: Operation::RowndAppDocument,
                app: Some(app.id),
                target: Target::Path(APP_CONFIG),
                headers: &[(APP_KEY, app.key.expose())],
                body: Bytes::new(),
                timeout,
            };
            let answer = self.api.call(call, |answer| read_app(app.id, answer)).await;
            // Nothing but the key was sent.
            self.api.apps.note_key(app.id, answer.map_err(ApiError::of_key))
        })
    }

    fn operated<'a>(
        &'a self,
        app: OperatorOfApp<'a>,
        timeout: Duration,
    ) -> Asked<'a, OperatedApp, AppError> {
        let request = (Operation::RowndOperatedApp, Bytes::new());
        Box::pin(self.operate(app, request, timeout))
    }

    fn change_claims<'a>(
        &'a self,
        app: OperatorOfApp<'a>,
        change: ClaimsChange<'a>,
        timeout: Duration,
    ) -> Asked<'a, OperatedApp, AppError> {
        Box::pin(async move {
            let body = json(&patch::body(self.answers.app_patch, change))?;
            let request = (Operation::RowndAppPatch, body);
            let changed = match self.operate(app, request, timeout).await {
                Ok(changed) => changed,
                // The write has taken effect, whatever its answer looks like.
                Err(AppError::Api(ApiError::Shape)) => self.operated(app, timeout).await?,
                Err(error) => return Err(error),
            };
            let known = claims_of(change.known).into_iter();
            let mut expected: Map<_, _> = known.chain(change.changed.clone()).collect();
            expected.retain(|_, claim| !claim.is_null());
            let applied = are_same(&claims_of(&changed.config), &expected);
            if applied { Ok(changed) } else { Err(AppError::NotApplied) }
        })
    }
}

fn of_operator(error: ApiError) -> AppError {
    match error {
        ApiError::Rejected(Rejection { status: status @ (401 | 403), .. }) => {
            AppError::OperatorRefused(status)
        }
        ApiError::Rejected(Rejection { status: 404, .. }) => AppError::NoApp,
        ApiError::Rejected(Rejection { status, code, .. }) => AppError::Refused { status, code },
        other @ (ApiError::Upstream(_)
        | ApiError::NotFound
        | ApiError::KeyRefused(_)
        | ApiError::NotOfIssuer(_)
        | ApiError::Redirected(_)
        | ApiError::Limited(_)
        | ApiError::Shape
        | ApiError::Metadata(_)
        | ApiError::IdToken(_)
        | ApiError::Id
        | ApiError::OtherUser
        | ApiError::OtherEntry
        | ApiError::Paused(_)
        | ApiError::BodyNotWritable
        | ApiError::NoRandomness) => AppError::Api(other),
    }
}

/// The app of a key, which has to be the one that was asked for.
fn read_app(asked: &str, answer: &HttpAnswer) -> Result<AppDocument, ApiError> {
    let AppConfig { app, variant } = from_json(answer)?;
    if text(&app, "id") != Some(asked) {
        return Err(ApiError::Shape);
    }
    let several = app.get("user_verification_fields").and_then(Value::as_array);
    let verification_fields = match several {
        Some(all) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        None => text(&app, "user_verification_field").map(str::to_owned).into_iter().collect(),
    };
    Ok(AppDocument {
        name: text(&app, "name").unwrap_or_default().to_owned(),
        icon: text(&app, "icon").map(str::to_owned),
        schema: object(&app, "schema"),
        verification_fields,
        config: object(&app, "config"),
        variant: variant.as_ref().and_then(read_variant),
    })
}

fn read_variant(variant: &Value) -> Option<VariantDocument> {
    let variant = variant.as_object()?;
    Some(VariantDocument {
        id: text(variant, "id")?.to_owned(),
        name: text(variant, "name").unwrap_or_default().to_owned(),
        config: object(variant, "config"),
    })
}

/// The app as its operator sees it. Settings of another form could not be sent back.
fn read_operated(asked: &str, answer: &HttpAnswer) -> Result<OperatedApp, ApiError> {
    let app: Map<String, Value> = from_json(answer)?;
    match (text(&app, "id"), app.get("config")) {
        (Some(id), Some(Value::Object(config))) if id == asked => {
            Ok(OperatedApp { config: config.clone() })
        }
        _ => Err(ApiError::Shape),
    }
}

fn are_same(there: &Map<String, Value>, asked: &Map<String, Value>) -> bool {
    let same = |(name, claim): (&String, &Value)| {
        there.get(name).is_some_and(|known| is_same(known, claim))
    };
    there.len() == asked.len() && asked.iter().all(same)
}

/// Whether two claims are the same, however their numbers are written: `3` is `3.0`.
fn is_same(there: &Value, asked: &Value) -> bool {
    let number = |claim: &Value| claim.get("value").and_then(Value::as_f64);
    let same_source = there.get("source") == asked.get("source");
    match (number(there), number(asked)) {
        (Some(there), Some(asked)) => same_source && there.to_bits() == asked.to_bits(),
        _ => same_source && there.get("value") == asked.get("value"),
    }
}

/// A text that is not empty.
fn text<'a>(document: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    document.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// The members of an object; any other value has none.
fn object(document: &Map<String, Value>, name: &str) -> Map<String, Value> {
    document.get(name).and_then(Value::as_object).cloned().unwrap_or_default()
}
