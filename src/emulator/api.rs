//! The endpoints that Rownd has and a verifier asks.
//!
//! In: HTTP requests. Out: Rownd's documents, or errors in Rownd's shape for whatever
//! is wrong or unknown. Each endpoint passes its fault injection first.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, Query, Request, State as Shared, rejection::PathRejection},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{MethodRouter, any, get},
};
use serde::Deserialize;
use serde_json::json;

use super::{documents, faults::Endpoint, state::State, users};

pub(super) fn router(state: &Arc<State>) -> Router {
    let on = |endpoint: Endpoint, routes: MethodRouter<Arc<State>>| {
        let state = Arc::clone(state);
        routes.layer(middleware::from_fn(move |request, next| {
            pass_or_fail(Arc::clone(&state), endpoint, request, next)
        }))
    };
    Router::new()
        .route("/hub/app-config", on(Endpoint::AppConfig, get(app_config)))
        .route(
            "/hub/auth/.well-known/oauth-authorization-server",
            on(Endpoint::Metadata, get(metadata)),
        )
        .route("/hub/auth/keys", on(Endpoint::Keys, get(keys)))
        .route("/ready", on(Endpoint::Ready, get(healthy)))
        .route("/service_health", on(Endpoint::ServiceHealth, get(healthy)))
        .route("/applications/{app}/users/{user}/data", on(Endpoint::UserData, get(user_data)))
        .fallback_service(on(Endpoint::Unknown, any(unknown)).with_state(Arc::clone(state)))
        .with_state(Arc::clone(state))
}

async fn pass_or_fail(
    state: Arc<State>,
    endpoint: Endpoint,
    request: Request,
    next: Next,
) -> Response {
    let Some(fault) = state.ledger.arrive(endpoint) else {
        return next.run(request).await;
    };
    tokio::time::sleep(fault.wait()).await;
    match fault.answer() {
        Some(answer) => answer,
        None => next.run(request).await,
    }
}

#[derive(Deserialize)]
struct AppQuery {
    app_id: Option<String>,
}

async fn app_config(
    Shared(state): Shared<Arc<State>>,
    Query(query): Query<AppQuery>,
    headers: HeaderMap,
) -> Response {
    match (app_key(&headers), query.app_id) {
        (Some(key), _) if key == state.settings.app_key => {
            Json(documents::app_config(&state, false)).into_response()
        }
        (Some(key), _) if key == state.settings.variant.key => {
            Json(documents::app_config(&state, true)).into_response()
        }
        (Some(_), _) => unauthorized("the app key is not known"),
        (None, Some(id)) if id == state.settings.app_id => {
            Json(documents::app_config(&state, false)).into_response()
        }
        (None, Some(_)) => documents::error(
            StatusCode::NOT_FOUND,
            "E_APP_NOT_FOUND",
            "there is no app with that id",
        ),
        (None, None) => unauthorized("an app key or an app id is needed"),
    }
}

fn app_key(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-rownd-app-key")?.to_str().ok()
}

async fn metadata(Shared(state): Shared<Arc<State>>) -> Response {
    Json(documents::metadata(&state)).into_response()
}

async fn keys(Shared(state): Shared<Arc<State>>) -> Response {
    let max_age = state.settings.keys_max_age;
    let key_set = state.ring().key_set();
    ([(header::CACHE_CONTROL, format!("public, max-age={max_age}"))], Json(key_set)).into_response()
}

async fn healthy() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

#[derive(Deserialize)]
struct FieldsQuery {
    fields: Option<String>,
}

async fn user_data(
    Shared(state): Shared<Arc<State>>,
    path: Result<Path<(String, String)>, PathRejection>,
    Query(query): Query<FieldsQuery>,
    headers: HeaderMap,
) -> Response {
    let settings = &state.settings;
    let key_fits =
        app_key(&headers).is_some_and(|key| key == settings.app_key || key == settings.variant.key);
    let secret_fits = headers
        .get("x-rownd-app-secret")
        .is_some_and(|secret| secret.as_bytes() == settings.app_secret.as_bytes());
    if !(key_fits && secret_fits) {
        return unauthorized("the app key and secret do not fit");
    }
    let Ok(Path((app, user))) = path else {
        return not_found();
    };
    if app != settings.app_id {
        return documents::error(
            StatusCode::FORBIDDEN,
            "E_FORBIDDEN",
            "the credentials belong to another app",
        );
    }
    match users::SEEDED.iter().find(|seeded| seeded.id == user) {
        Some(seeded) => {
            Json(seeded.profile(&settings.app_id, query.fields.as_deref())).into_response()
        }
        None => documents::error(
            StatusCode::NOT_FOUND,
            "E_USER_NOT_FOUND",
            "there is no user with that id",
        ),
    }
}

async fn unknown() -> Response {
    not_found()
}

pub(super) async fn wrong_method() -> Response {
    documents::error(
        StatusCode::METHOD_NOT_ALLOWED,
        "E_METHOD_NOT_ALLOWED",
        "this path does not take that method",
    )
}

fn not_found() -> Response {
    documents::error(StatusCode::NOT_FOUND, "E_NOT_FOUND", "the emulator has nothing at this path")
}

fn unauthorized(message: &str) -> Response {
    documents::error(StatusCode::UNAUTHORIZED, "E_UNAUTHORIZED", message)
}
