//! The endpoints that Rownd has and a verifier asks.
//!
//! In: HTTP requests. Out: Rownd's documents, or errors in Rownd's shape for whatever
//! is wrong or unknown. Each endpoint passes its fault injection first.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Request, State as Shared},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{MethodRouter, any, get, post},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    access, documents,
    faults::Endpoint,
    groups, links, oidc,
    request::{Answer, Asked, MAX_BODY, Refusal, ok},
    state::State,
    supertokens, tokens,
    users::{account, data, lists, me},
};

type Routes = MethodRouter<Arc<State>>;

pub(super) fn router(state: &Arc<State>) -> Router {
    let on = |endpoint: Endpoint, routes: Routes| {
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
        .route("/hub/auth/token", on(Endpoint::Token, post(tokens::token)))
        .route("/hub/auth/instant", on(Endpoint::Instant, post(tokens::instant)))
        .route("/hub/auth/magic", on(Endpoint::Magic, post(links::create)))
        .route("/hub/auth/magic/{id}", on(Endpoint::Magic, get(links::redeem)))
        .route("/me/auth/magic", on(Endpoint::Magic, post(links::create_own)))
        .merge(oidc::routes(&|routes| on(Endpoint::Oidc, routes)))
        .merge(groups::api::routes(&|routes| on(Endpoint::Groups, routes)))
        .merge(supertokens::routes(&|routes| on(Endpoint::Supertokens, routes)))
        .merge(user_routes(&on))
        .merge(me_routes(&on))
        .fallback_service(on(Endpoint::Unknown, any(unknown)).with_state(Arc::clone(state)))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(Arc::clone(state))
}

/// What a backend asks, by key and secret.
fn user_routes(on: &dyn Fn(Endpoint, Routes) -> Routes) -> Router<Arc<State>> {
    Router::new()
        .route(
            "/applications/{app}/users/{user}/data",
            on(
                Endpoint::UserData,
                get(data::read).put(data::put).patch(data::patch).delete(data::delete),
            ),
        )
        .route(
            "/applications/{app}/users/{user}/data/fields/{field}",
            on(Endpoint::UserData, get(data::read_field).put(data::put_field)),
        )
        .route(
            "/applications/{app}/users/data",
            on(Endpoint::UserList, get(lists::list).put(lists::put_many)),
        )
        .route("/applications/{app}/users/actions", on(Endpoint::UserList, post(lists::act)))
        .route(
            "/applications/{app}/users/{user}/state",
            on(Endpoint::UserState, post(account::set_state)),
        )
        .route(
            "/applications/{app}/users/{user}/signout",
            on(Endpoint::SignOut, post(account::sign_out)),
        )
}

/// What a user asks, by bearer token.
fn me_routes(on: &dyn Fn(Endpoint, Routes) -> Routes) -> Router<Arc<State>> {
    Router::new()
        .route("/me", on(Endpoint::Me, get(me::me)))
        .route(
            "/me/applications/{app}/data",
            on(Endpoint::Me, get(me::read).put(me::put).delete(me::delete)),
        )
        .route(
            "/me/applications/{app}/data/fields/{field}",
            on(Endpoint::Me, get(me::read_field).put(me::put_field)),
        )
        .route("/me/applications/{app}/signout", on(Endpoint::Me, post(me::sign_out)))
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
    if fault.after {
        let answer = next.run(request).await;
        tokio::time::sleep(fault.wait()).await;
        return fault.answer().unwrap_or(answer);
    }
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
    Asked(query): Asked<AppQuery>,
    headers: HeaderMap,
) -> Answer {
    let world = state.world();
    match (access::text(&headers, "x-rownd-app-key"), query.app_id) {
        (Some(key), _) => {
            let (tenant, variant) = world
                .by_key(key)
                .ok_or_else(|| Refusal::unauthorized("the app key is not known"))?;
            ok(documents::app_config(&tenant.app, variant))
        }
        (None, Some(id)) => ok(documents::app_config(&world.tenant(&id)?.app, None)),
        (None, None) => Err(Refusal::unauthorized("an app key or an app id is needed")),
    }
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

async fn unknown() -> Refusal {
    Refusal::nothing_here()
}

pub(super) async fn wrong_method() -> Refusal {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    Refusal::new(status, "E_METHOD_NOT_ALLOWED", "this path does not take that method")
}
