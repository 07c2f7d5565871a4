//! The controls of the emulator, for tests and developers.
//!
//! In: calls of [`Controls`] in Rust, or JSON below `/__emulator/`, which is not a path of Rownd's.
//! Out: minted tokens, rotated keys, injected faults and counts of requests.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    extract::{State as Shared, rejection::BytesRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::request::{ApiError, JsonBody, QueryParams};
use crate::{
    data::{clients::Signing, oidc_clients::OidcClient},
    keys::rotation::{Rotated, Rotation},
    mint::{MintError, Minter, TokenOrder},
    state::{Endpoint, Fault, State},
};

/// A handle on a running emulator, for tests in the same process.
#[derive(Clone)]
pub struct Controls {
    state: Arc<State>,
}

impl std::fmt::Debug for Controls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Controls").finish_non_exhaustive()
    }
}

impl Controls {
    pub(crate) fn new(state: Arc<State>) -> Self {
        Self { state }
    }

    /// Makes a new signing key for Rownd's own tokens.
    ///
    /// # Errors
    /// A key cannot be generated.
    pub fn rotate(&self, how: Rotation) -> Result<Rotated, MintError> {
        Ok(self.state.ring_mut().rotate(how)?)
    }

    /// Makes a new signing key for the OpenID providers with this algorithm.
    ///
    /// # Errors
    /// A key cannot be generated.
    pub fn rotate_provider(&self, signing: Signing, how: Rotation) -> Result<Rotated, MintError> {
        Ok(self.state.provider_keys.rotate(signing, how)?)
    }

    /// Makes a new dynamic key for the sessions of SuperTokens.
    ///
    /// # Errors
    /// A key cannot be generated.
    pub fn rotate_supertokens(&self, how: Rotation) -> Result<Rotated, MintError> {
        Ok(self.state.session_keys.dynamic.rotate(how)?)
    }

    /// Adds a fault. Several faults at one endpoint are used in their order.
    ///
    /// # Errors
    /// The problem of the fault, or of too many faults.
    pub fn inject(&self, fault: Fault) -> Result<(), &'static str> {
        match fault.problem() {
            Some(problem) => Err(problem),
            None if self.state.faults.inject(fault) => Ok(()),
            None => Err("too many faults wait already"),
        }
    }

    /// Puts apps, users, groups, links and tokens back to the seed. Keys, faults and counts stay.
    pub fn reset(&self) {
        self.state.reset();
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.state.faults.clear_faults();
    }

    /// The number of requests to an endpoint.
    #[must_use]
    pub fn hits(&self, endpoint: Endpoint) -> u64 {
        self.state.faults.hits(endpoint)
    }

    /// The number of requests to each endpoint.
    #[must_use]
    pub fn all_hits(&self) -> BTreeMap<Endpoint, u64> {
        self.state.faults.all_hits()
    }

    /// Sets all counts to 0.
    pub fn clear_hits(&self) {
        self.state.faults.clear_hits();
    }
}

pub(crate) fn router(state: &Arc<State>) -> Router {
    Router::new()
        .route("/__emulator/token", post(token))
        .route("/__emulator/rotate", post(rotate))
        .route("/__emulator/users", get(list_users))
        .route("/__emulator/apps", get(list_apps))
        .route("/__emulator/reset", post(reset))
        .route("/__emulator/faults", get(list_faults).post(inject).delete(clear_faults))
        .route("/__emulator/hits", get(hits).delete(clear_hits))
        .with_state(Controls::new(Arc::clone(state)))
}

async fn token(Shared(controls): Shared<Controls>, body: JsonBody<TokenOrder>) -> Response {
    let order = match body.read() {
        Ok(order) => order,
        Err(error) => return error.into_response(),
    };
    match Minter::new(controls.state).mint(&order) {
        Ok(token) => Json(json!({ "token": token })).into_response(),
        Err(error) => conflict(&error),
    }
}

/// The keys to rotate.
#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KeysOf {
    /// Those of Rownd's own tokens.
    #[default]
    Rownd,
    /// Those of the OpenID providers that sign with RS256.
    Provider,
    /// Those of the OpenID providers that sign with `EdDSA`.
    #[serde(rename = "provider-eddsa")]
    ProviderEdDsa,
    /// The dynamic ones of SuperTokens.
    Supertokens,
}

#[derive(Deserialize)]
struct RotateQuery {
    #[serde(default)]
    keys: KeysOf,
}

/// Rotates keys. Without a body it is a plain rotation.
async fn rotate(
    Shared(controls): Shared<Controls>,
    query: QueryParams<RotateQuery>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let how = match body {
        Ok(body) if body.is_empty() => Ok(Rotation::default()),
        Ok(body) => serde_json::from_slice(&body).map_err(|error| error.to_string()),
        Err(rejection) => Err(rejection.body_text()),
    };
    let query = match query.read() {
        Ok(query) => query,
        Err(error) => return error.into_response(),
    };
    let rotate = |how| match query.keys {
        KeysOf::Rownd => controls.rotate(how),
        KeysOf::Provider => controls.rotate_provider(Signing::RS256, how),
        KeysOf::ProviderEdDsa => controls.rotate_provider(Signing::EdDSA, how),
        KeysOf::Supertokens => controls.rotate_supertokens(how),
    };
    match how.map(rotate) {
        Ok(Ok(rotated)) => Json(rotated).into_response(),
        Ok(Err(error)) => conflict(&error),
        Err(problem) => bad_request(&problem),
    }
}

/// The users by app: for people, not in Rownd's shape.
async fn list_users(Shared(controls): Shared<Controls>) -> Response {
    let records = controls.state.records();
    let users: Vec<Value> = records
        .apps
        .values()
        .flat_map(|app_records| {
            app_records
                .users
                .values()
                .map(|user| json!({ "app": app_records.app.id, "user": user }))
        })
        .collect();
    Json(json!({ "users": users })).into_response()
}

/// The apps with their keys and secrets, which no other endpoint shows.
async fn list_apps(Shared(controls): Shared<Controls>) -> Response {
    let records = controls.state.records();
    let apps: Vec<Value> = records
        .apps
        .values()
        .map(|app_records| {
            let app = &app_records.app;
            let clients = app_records.clients.values().map(OidcClient::secrets_json);
            json!({
                "id": app.id,
                "key": app.key,
                "secret": app.secret,
                "oidc_clients": clients.collect::<Vec<_>>(),
            })
        })
        .collect();
    Json(json!({ "apps": apps })).into_response()
}

async fn reset(Shared(controls): Shared<Controls>) -> Response {
    controls.reset();
    StatusCode::NO_CONTENT.into_response()
}

async fn list_faults(Shared(controls): Shared<Controls>) -> Response {
    Json(json!({ "faults": controls.state.faults.faults() })).into_response()
}

async fn inject(Shared(controls): Shared<Controls>, body: JsonBody<Fault>) -> Response {
    match body.read().map(|fault| controls.inject(fault)) {
        Ok(Ok(())) => list_faults(Shared(controls)).await,
        Ok(Err(problem)) => bad_request(problem),
        Err(error) => error.into_response(),
    }
}

async fn clear_faults(Shared(controls): Shared<Controls>) -> Response {
    controls.clear_faults();
    list_faults(Shared(controls)).await
}

async fn hits(Shared(controls): Shared<Controls>) -> Response {
    Json(controls.all_hits()).into_response()
}

async fn clear_hits(Shared(controls): Shared<Controls>) -> Response {
    controls.clear_hits();
    hits(Shared(controls)).await
}

fn bad_request(problem: &str) -> Response {
    ApiError::bad_request("E_BAD_ORDER", problem).into_response()
}

fn conflict(error: &MintError) -> Response {
    ApiError::new(StatusCode::CONFLICT, "E_NO_KEY", error.to_string()).into_response()
}
