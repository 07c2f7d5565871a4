//! The client of Rownd's API, and which app a key belongs to: `GET /hub/app-config`.

use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;

use crate::{
    config::Secret,
    issuer_api::{
        api::{Api, ApiCall, Target, from_json},
        capabilities::{AppIds, Asked},
        error::ApiError,
        operation::Operation,
    },
    upstream::HttpAnswer,
};

/// The vendor's API description says `x-rownd-hub-key`; every library sends this one.
pub(super) const APP_KEY: &str = "x-rownd-app-key";
pub(super) const APP_SECRET: &str = "x-rownd-app-secret";
const APP_CONFIG: &str = "/hub/app-config";

/// Calls the Rownd API of one issuer.
#[derive(Debug)]
pub(super) struct RowndClient {
    pub(super) api: Api,
}

#[derive(Deserialize)]
struct AppConfig {
    app: AppOfKey,
}

#[derive(Deserialize)]
struct AppOfKey {
    id: String,
}

impl RowndClient {
    pub(super) const fn new(api: Api) -> Self {
        Self { api }
    }
}

impl AppIds for RowndClient {
    fn app_id<'a>(&'a self, key: &'a Secret, timeout: Duration) -> Asked<'a, String> {
        Box::pin(async move {
            let call = ApiCall {
                operation: Operation::RowndAppConfig,
                app: None,
                target: Target::Path(APP_CONFIG),
                headers: &[(APP_KEY, key.expose())],
                body: Bytes::new(),
                timeout,
            };
            let id = self.api.call(call, read_app_id).await;
            id.map_err(|error| {
                let error = error.of_credentials();
                // Nothing but the key was sent.
                if error == ApiError::NotFound { ApiError::KeyRefused(404) } else { error }
            })
        })
    }
}

fn read_app_id(answer: &HttpAnswer) -> Result<String, ApiError> {
    let config: AppConfig = from_json(answer)?;
    if config.app.id.is_empty() { Err(ApiError::Shape) } else { Ok(config.app.id) }
}
