//! The strings behind the stage: what a test or a developer does to the emulator.
//!
//! In: orders, as Rust calls on [`Controls`] or as JSON under `/__emulator/`. Out:
//! minted tokens, rotated keys, injected faults and hit counts. The prefix cannot be
//! one of Rownd's own paths.

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

use super::{
    documents,
    faults::{Endpoint, Fault},
    keys::{Rotated, Rotation},
    mint::{MintError, Minter, TokenOrder},
    oidc::Signing,
    request::{Asked, Sent},
    state::State,
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
    pub(super) fn new(state: Arc<State>) -> Self {
        Self { state }
    }

    /// Puts a new signing key in place.
    ///
    /// # Errors
    /// When no key can be generated.
    pub fn rotate(&self, how: Rotation) -> Result<Rotated, MintError> {
        Ok(self.state.ring_mut().rotate(how)?)
    }

    /// Puts a new signing key in place for the OpenID providers that sign so.
    ///
    /// # Errors
    /// When no key can be generated.
    pub fn rotate_provider(&self, signing: Signing, how: Rotation) -> Result<Rotated, MintError> {
        Ok(self.state.provider_keys.rotate(signing, how)?)
    }

    /// Puts a new dynamic key in place for SuperTokens' sessions.
    ///
    /// # Errors
    /// When no key can be generated.
    pub fn rotate_supertokens(&self, how: Rotation) -> Result<Rotated, MintError> {
        Ok(self.state.core_keys.dynamic.rotate(how)?)
    }

    /// Adds a fault; several at one endpoint take their turns.
    ///
    /// # Errors
    /// What is wrong with the fault itself.
    pub fn inject(&self, fault: Fault) -> Result<(), &'static str> {
        match fault.problem() {
            Some(problem) => Err(problem),
            None if self.state.ledger.inject(fault) => Ok(()),
            None => Err("too many faults wait already"),
        }
    }

    /// Back to the seed: users, groups, and what was used up. Keys, faults and counts stay.
    pub fn reset(&self) {
        self.state.reset();
    }

    /// Takes all faults back.
    pub fn clear_faults(&self) {
        self.state.ledger.clear_faults();
    }

    /// How often an endpoint was asked.
    #[must_use]
    pub fn hits(&self, endpoint: Endpoint) -> u64 {
        self.state.ledger.hits(endpoint)
    }

    /// How often each endpoint was asked.
    #[must_use]
    pub fn all_hits(&self) -> BTreeMap<Endpoint, u64> {
        self.state.ledger.all_hits()
    }

    /// Counts from zero again.
    pub fn clear_hits(&self) {
        self.state.ledger.clear_hits();
    }
}

pub(super) fn router(state: &Arc<State>) -> Router {
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

async fn token(Shared(controls): Shared<Controls>, Sent(order): Sent<TokenOrder>) -> Response {
    match Minter::new(controls.state).mint(&order) {
        Ok(token) => Json(json!({ "token": token })).into_response(),
        Err(error) => conflict(&error),
    }
}

/// Which keys to rotate.
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

/// The body may be missing: `curl -X POST` alone is a plain rotation.
async fn rotate(
    Shared(controls): Shared<Controls>,
    Asked(query): Asked<RotateQuery>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let how = match body {
        Ok(body) if body.is_empty() => Ok(Rotation::default()),
        Ok(body) => serde_json::from_slice(&body).map_err(|error| error.to_string()),
        Err(rejection) => Err(rejection.body_text()),
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

/// Who is there, app by app: for people, not in Rownd's shape.
async fn list_users(Shared(controls): Shared<Controls>) -> Response {
    let world = controls.state.world();
    let users: Vec<Value> = world
        .tenants
        .values()
        .flat_map(|tenant| {
            tenant.users.values().map(|user| json!({ "app": tenant.app.id, "user": user }))
        })
        .collect();
    Json(json!({ "users": users })).into_response()
}

/// The apps with their keys and secrets, which are otherwise nowhere to be seen.
async fn list_apps(Shared(controls): Shared<Controls>) -> Response {
    let world = controls.state.world();
    let apps: Vec<Value> = world
        .tenants
        .values()
        .map(|tenant| {
            let app = &tenant.app;
            let clients = app.oidc_clients.iter().map(|client| {
                json!({
                    "client_id": client.client_id.as_ref().unwrap_or(&client.id),
                    "secret": client.secret,
                    "redirect_uris": client.redirect_uris,
                })
            });
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
    Json(json!({ "faults": controls.state.ledger.faults() })).into_response()
}

async fn inject(Shared(controls): Shared<Controls>, Sent(fault): Sent<Fault>) -> Response {
    match controls.inject(fault) {
        Ok(()) => list_faults(Shared(controls)).await,
        Err(problem) => bad_request(problem),
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
    documents::error(StatusCode::BAD_REQUEST, "E_BAD_ORDER", problem)
}

fn conflict(error: &MintError) -> Response {
    documents::error(StatusCode::CONFLICT, "E_NO_KEY", &error.to_string())
}
