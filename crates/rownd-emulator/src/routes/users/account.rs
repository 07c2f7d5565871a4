//! Accounts: a backend disables, enables, or signs out a user.
//!
//! In: key and secret. Out: the profile, or status 204.

use std::sync::Arc;

use axum::{extract::State as Shared, http::HeaderMap};
use serde::Deserialize;

use crate::{
    data::users::AccountState,
    routes::access,
    routes::request::{ApiResult, JsonBody, PathParams, no_content, ok},
    state::State,
};

#[derive(Deserialize)]
pub(crate) struct NewState {
    state: AccountState,
}

/// A sign-out: of one device, which changes nothing here, or of all devices.
#[derive(Deserialize)]
pub(crate) struct SignOut {
    #[serde(default)]
    pub(crate) sign_out_all: bool,
}

pub(crate) async fn set_state(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams((app, user)): PathParams<(String, String)>,
    body: JsonBody<NewState>,
) -> ApiResult {
    access::for_app(&state, &headers, &app)?;
    let new = body.read()?;
    let mut records = state.records_mut();
    let app_records = records.app_mut(&app)?;
    app_records.user_mut(&user)?.state = new.state;
    ok(app_records.written_profile(&user)?)
}

pub(crate) async fn sign_out(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams((app, user)): PathParams<(String, String)>,
    body: JsonBody<SignOut>,
) -> ApiResult {
    access::for_app(&state, &headers, &app)?;
    let order = body.read()?;
    let mut records = state.records_mut();
    let user = records.app_mut(&app)?.user_mut(&user)?;
    if order.sign_out_all {
        user.sign_out_everywhere();
    }
    no_content()
}
