//! The strings behind the stage: what a test or a developer does to the emulator.
//!
//! In: orders, as Rust calls on [`Controls`] or as JSON under `/__emulator/`. Out:
//! minted tokens, rotated keys, injected faults and hit counts. The prefix cannot be
//! one of Rownd's own paths.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    extract::{
        FromRequest, Request, State as Shared,
        rejection::{BytesRejection, JsonRejection},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{
    documents,
    faults::{Endpoint, Fault},
    keys::{Rotated, Rotation},
    mint::{MintError, Minter, TokenOrder},
    state::State,
    users,
};

/// A handle on a running emulator, for tests in the same process.
#[derive(Clone)]
pub struct Controls {
    state: Arc<State>,
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

    /// Adds a fault; several at one endpoint take their turns.
    ///
    /// # Errors
    /// What is wrong with the fault itself.
    pub fn inject(&self, fault: Fault) -> Result<(), &'static str> {
        match fault.problem() {
            Some(problem) => Err(problem),
            None => {
                self.state.ledger.inject(fault);
                Ok(())
            }
        }
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
        .route("/__emulator/faults", get(list_faults).post(inject).delete(clear_faults))
        .route("/__emulator/hits", get(hits).delete(clear_hits))
        .with_state(Controls::new(Arc::clone(state)))
}

/// A JSON body whose faults are answered in Rownd's error shape, with the place of the
/// mistake. JSON must be labelled as such: that keeps web pages in the developer's
/// browser from posting orders here without a preflight.
struct Order<T>(T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Order<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let read: Result<Json<T>, JsonRejection> = Json::from_request(request, state).await;
        match read {
            Ok(Json(order)) => Ok(Self(order)),
            Err(rejection) => Err(bad_request(&rejection.body_text())),
        }
    }
}

async fn token(Shared(controls): Shared<Controls>, order: Order<TokenOrder>) -> Response {
    match Minter::new(controls.state).mint(&order.0) {
        Ok(token) => Json(json!({ "token": token })).into_response(),
        Err(error) => conflict(&error),
    }
}

/// The body may be missing: `curl -X POST` alone is a plain rotation.
async fn rotate(
    Shared(controls): Shared<Controls>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let how = match body {
        Ok(body) if body.is_empty() => Ok(Rotation::default()),
        Ok(body) => serde_json::from_slice(&body).map_err(|error| error.to_string()),
        Err(rejection) => Err(rejection.body_text()),
    };
    match how.map(|how| controls.rotate(how)) {
        Ok(Ok(rotated)) => Json(rotated).into_response(),
        Ok(Err(error)) => conflict(&error),
        Err(problem) => bad_request(&problem),
    }
}

async fn list_users() -> Response {
    Json(json!({ "users": users::SEEDED })).into_response()
}

async fn list_faults(Shared(controls): Shared<Controls>) -> Response {
    Json(json!({ "faults": controls.state.ledger.faults() })).into_response()
}

async fn inject(Shared(controls): Shared<Controls>, fault: Order<Fault>) -> Response {
    match controls.inject(fault.0) {
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
