//! SuperTokens with the Rownd plugin, to which Rownd's users migrate: its routes below `/auth`, and
//! its copy of Rownd's key set; and SuperTokens' core below `/supertokens-core`.
//!
//! In: Rownd tokens to migrate, guests, sessions. Out: sessions as SuperTokens writes them, signed
//! with RS256 keys that rotate, and profiles as the plugin shows them; Rownd's key set, also while
//! Rownd's own endpoints fail.

mod answer;
mod core;
mod migrate;
mod session;
mod user;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State as Shared,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::json;

use super::{
    Routes, public,
    request::{ApiResult, QueryParams, ok},
};
use crate::state::State;
use answer::PluginError;

/// The base path of the plugin's routes.
const BASE_PATH: &str = "/auth";
/// The copy of Rownd's key set, which Rownd serves on a host of its own.
const ROWND_KEYS: &str = "/.well-known/rownd-jwks.json";

/// The routes of the plugin and of SuperTokens, and those of the core.
pub(crate) fn routes(
    on: &dyn Fn(Routes) -> Routes,
    on_core: &dyn Fn(Routes) -> Routes,
) -> Router<Arc<State>> {
    plugin_routes(on).nest("/supertokens-core", core::routes(on_core))
}

fn plugin_routes(on: &dyn Fn(Routes) -> Routes) -> Router<Arc<State>> {
    let migration = on(post(migrate::migrate));
    let routes = Router::new()
        .route("/jwt/jwks.json", on(get(jwks)))
        .route("/session/refresh", on(post(session::refresh)))
        .route("/plugin/rownd/app-config", on(get(app_config)))
        .route("/plugin/rownd/guest", on(post(migrate::guest)))
        .route("/plugin/rownd/migrate", migration.clone())
        .route("/plugin/migrate-session", migration)
        .route("/plugin/rownd/user", on(get(user::read).put(user::write).delete(user::delete)))
        .route("/plugin/rownd/user/meta", on(get(user::meta).put(user::write_meta)))
        .route("/plugin/rownd/user/field", on(get(user::field).put(user::write_field)))
        .route("/plugin/rownd/signout", on(post(session::sign_out)));
    Router::new().nest(BASE_PATH, routes).route(ROWND_KEYS, on(get(rownd_keys)))
}

/// The `iss` of its sessions: API domain and base path.
fn issuer(state: &State) -> String {
    format!("{}{BASE_PATH}", state.base_url)
}

async fn jwks(Shared(state): Shared<Arc<State>>) -> ApiResult {
    ok(state.session_keys.key_set()?)
}

async fn rownd_keys(Shared(state): Shared<Arc<State>>) -> Response {
    Json(state.ring().key_set()).into_response()
}

#[derive(serde::Deserialize)]
struct AppConfigQuery {
    app_variant_id: Option<String>,
}

/// The configuration of the plugin's app.
async fn app_config(
    Shared(state): Shared<Arc<State>>,
    query: QueryParams<AppConfigQuery>,
) -> Result<Response, PluginError> {
    let query = query.read()?;
    let records = state.records();
    let app = &records.app(state.settings.plugin_app())?.app;
    let variant = match query.app_variant_id {
        None => None,
        Some(id) => {
            let known = app.variants.iter().find(|variant| variant.id == id);
            Some(known.ok_or_else(|| {
                PluginError::new(
                    400,
                    "UNKNOWN_APP_VARIANT",
                    "the app has no such variant",
                    "request",
                )
            })?)
        }
    };
    let mut config = public::app_config_json(app, variant);
    if let Some(config) = config.as_object_mut() {
        config.insert("status".to_owned(), json!("OK"));
    }
    Ok(Json(config).into_response())
}
