//! The client of Rownd's API, and which app a key belongs to: `GET /hub/app-config`.

use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    config::{ApiAnswers, Secret},
    issuer_api::{
        api::{Api, ApiCall, Target, from_json},
        capabilities::{AppIds, Asked},
        error::ApiError,
        operation::Operation,
    },
    model::AppOfKey,
    upstream::HttpAnswer,
};

/// The vendor's API description says `x-rownd-hub-key`; every library sends this one.
pub(super) const APP_KEY: &str = "x-rownd-app-key";
pub(super) const APP_SECRET: &str = "x-rownd-app-secret";
pub(super) const APP_CONFIG: &str = "/hub/app-config";

/// Calls the Rownd API of one issuer.
#[derive(Debug)]
pub(super) struct RowndClient {
    pub(super) api: Api,
    /// How the API behaves where its documents do not say.
    pub(super) answers: ApiAnswers,
}

#[derive(Deserialize)]
struct AppConfig {
    app: WithId,
    /// The variant that the key belongs to. Other shapes of it are none.
    variant: Option<Value>,
}

#[derive(Deserialize)]
struct WithId {
    id: String,
}

impl RowndClient {
    pub(super) const fn new(api: Api, answers: ApiAnswers) -> Self {
        Self { api, answers }
    }
}

impl AppIds for RowndClient {
    fn app_of_key<'a>(&'a self, key: &'a Secret, timeout: Duration) -> Asked<'a, AppOfKey> {
        Box::pin(async move {
            let call = ApiCall {
                operation: Operation::RowndAppConfig,
                app: None,
                target: Target::Path(APP_CONFIG),
                headers: &[(APP_KEY, key.expose())],
                body: Bytes::new(),
                timeout,
            };
            // Nothing but the key was sent.
            self.api.call(call, read_app).await.map_err(ApiError::of_key)
        })
    }
}

fn read_app(answer: &HttpAnswer) -> Result<AppOfKey, ApiError> {
    let AppConfig { app, variant } = from_json(answer)?;
    if app.id.is_empty() {
        return Err(ApiError::Shape);
    }
    let variant = variant.and_then(|variant| WithId::deserialize(variant).ok());
    Ok(AppOfKey {
        id: app.id,
        variant: variant.map(|variant| variant.id).filter(|id| !id.is_empty()),
    })
}
