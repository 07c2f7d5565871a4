//! The caller's own profile, as the plugin shows it.
//!
//! In: a session. Out: the profile with `status: OK`; writes go where Rownd's own
//! endpoints read.

use std::sync::Arc;

use axum::{
    Json,
    extract::State as Shared,
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    answer::Failure,
    session::{self, Session},
};
use crate::{
    request::{Asked, Sent},
    state::State,
    users::data::{self, FieldWritten, Rest, Written},
    world::World,
};

/// The members of `meta` that are not the user's to write.
const OWN_META: [&str; 11] = [
    "created",
    "modified",
    "first_sign_in",
    "first_sign_in_method",
    "last_sign_in",
    "last_sign_in_method",
    "last_active",
    "last_token_refresh",
    "tokens_valid_since",
    "access_token_ttl",
    "app_variants",
];

/// As the plugin answers: without Rownd's connections, with what is redacted.
fn shown(world: &World, session: &Session) -> Result<Response, Failure> {
    let mut profile = world.tenant(&session.app)?.profile(&session.user, None)?;
    if let Some(profile) = profile.as_object_mut() {
        profile.remove("connection_map");
        profile.insert("redacted".to_owned(), json!([]));
        profile.insert("status".to_owned(), json!("OK"));
    }
    Ok(Json(profile).into_response())
}

pub(super) async fn read(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let session = session::of(&state, &headers)?;
    shown(&state.world(), &session)
}

#[derive(Deserialize)]
pub(super) struct UserWritten {
    data: Map<String, Value>,
}

pub(super) async fn write(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    Sent(UserWritten { data }): Sent<UserWritten>,
) -> Result<Response, Failure> {
    let session = session::of(&state, &headers)?;
    let mut world = state.world_mut();
    let written = Written { data, attributes: Map::new() };
    data::upsert(world.tenant_mut(&session.app)?, &session.user, &written, Rest::Removed)?;
    shown(&world, &session)
}

pub(super) async fn delete(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let session = session::of(&state, &headers)?;
    let mut world = state.world_mut();
    world.tenant_mut(&session.app)?.remove(&session.user)?;
    session::end_all(&mut world, &session);
    Ok(Json(json!({ "status": "OK" })).into_response())
}

pub(super) async fn meta(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let session = session::of(&state, &headers)?;
    meta_of(&state.world(), &session)
}

fn meta_of(world: &World, session: &Session) -> Result<Response, Failure> {
    let meta = &world.tenant(&session.app)?.user(&session.user)?.meta;
    Ok(Json(json!({ "status": "OK", "meta": meta })).into_response())
}

#[derive(Deserialize)]
pub(super) struct MetaWritten {
    meta: Map<String, Value>,
}

pub(super) async fn write_meta(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    Sent(MetaWritten { meta }): Sent<MetaWritten>,
) -> Result<Response, Failure> {
    let session = session::of(&state, &headers)?;
    let mut world = state.world_mut();
    let user = world.tenant_mut(&session.app)?.user_mut(&session.user)?;
    let written = meta.into_iter().filter(|(name, _)| !OWN_META.contains(&name.as_str()));
    user.meta.extend(written);
    meta_of(&world, &session)
}

#[derive(Deserialize)]
pub(super) struct FieldQuery {
    field: String,
}

pub(super) async fn field(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    Asked(query): Asked<FieldQuery>,
) -> Result<Response, Failure> {
    let session = session::of(&state, &headers)?;
    let world = state.world();
    let mut value = data::field_of(world.tenant(&session.app)?, &session.user, &query.field)?;
    if let Some(value) = value.as_object_mut() {
        value.insert("status".to_owned(), json!("OK"));
    }
    Ok(Json(value).into_response())
}

pub(super) async fn write_field(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    Asked(query): Asked<FieldQuery>,
    Sent(written): Sent<FieldWritten>,
) -> Result<Response, Failure> {
    let session = session::of(&state, &headers)?;
    let mut world = state.world_mut();
    let tenant = world.tenant_mut(&session.app)?;
    data::write_field(tenant, &session.user, &query.field, written.value)?;
    shown(&world, &session)
}
