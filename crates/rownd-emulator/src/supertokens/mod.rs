//! SuperTokens with the Rownd plugin, where Rownd's users are moving: its routes below
//! `/auth`, and the copy of Rownd's keys that it hosts.
//!
//! In: Rownd tokens to migrate, guests, sessions. Out: sessions as SuperTokens writes
//! them, signed with RS256 keys that rotate, and profiles as the plugin shows them; Rownd's
//! key set, which stays when Rownd's own endpoints fail.

mod answer;
mod migrate;
mod session;
mod user;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State as Shared,
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use serde_json::{Value, json};

use super::{
    documents,
    request::{Answer, Asked, Refusal, ok},
    rsa::RsaRing,
    state::{State, unix_now},
    users::ids,
    world::Recent,
};
use answer::Failure;

/// Where the plugin's routes begin.
const BASE_PATH: &str = "/auth";
/// The copy of Rownd's key set, on a host of its own in the world.
const ROWND_KEYS: &str = "/.well-known/rownd-jwks.json";

/// How many sessions are remembered.
const MOST: usize = 5_000;

/// The keys of the core: the dynamic ones rotate, the static one stays.
pub(super) struct CoreKeys {
    pub(super) dynamic: RsaRing,
    fixed: RsaRing,
}

impl CoreKeys {
    /// Dynamic keys are named after the millisecond they were made in.
    pub(super) fn new() -> Self {
        let now = unix_now().saturating_mul(1_000);
        Self {
            dynamic: RsaRing::new(|serial| format!("d-{serial}"), now),
            fixed: RsaRing::new(|_| format!("s-{}", ids::uuid_v4()), 0),
        }
    }

    fn key_set(&self) -> Result<Value, Refusal> {
        let keys = |ring: &RsaRing| ring.published().map_err(|error| Refusal::broken(&error));
        let all = [keys(&self.fixed)?, keys(&self.dynamic)?].concat();
        Ok(json!({ "keys": all }))
    }
}

/// What the core remembers.
pub(super) struct Memory {
    sessions: Recent<session::Session>,
}

impl Memory {
    pub(super) fn new() -> Self {
        Self { sessions: Recent::new(MOST) }
    }
}

type Routes = MethodRouter<Arc<State>>;

pub(super) fn routes(on: &dyn Fn(Routes) -> Routes) -> Router<Arc<State>> {
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

async fn jwks(Shared(state): Shared<Arc<State>>) -> Answer {
    ok(state.core_keys.key_set()?)
}

async fn rownd_keys(Shared(state): Shared<Arc<State>>) -> Response {
    Json(state.ring().key_set()).into_response()
}

#[derive(serde::Deserialize)]
struct AppConfigQuery {
    app_variant_id: Option<String>,
}

/// The app the plugin is configured for: the emulator's first.
async fn app_config(
    Shared(state): Shared<Arc<State>>,
    Asked(query): Asked<AppConfigQuery>,
) -> Result<Response, Failure> {
    let world = state.world();
    let app = &world.tenant(&state.settings.app_id)?.app;
    let variant = match query.app_variant_id {
        None => None,
        Some(id) => {
            let known = app.variants.iter().find(|variant| variant.id == id);
            Some(known.ok_or_else(|| {
                Failure::new(400, "UNKNOWN_APP_VARIANT", "the app has no such variant", "request")
            })?)
        }
    };
    let mut config = documents::app_config(app, variant);
    if let Some(config) = config.as_object_mut() {
        config.insert("status".to_owned(), json!("OK"));
    }
    Ok(Json(config).into_response())
}
