//! What a backend does to an account: disable it, enable it, sign it out everywhere.
//!
//! In: key and secret. Out: the profile, or 204; later reads and refreshes see it.

use std::sync::Arc;

use axum::{extract::State as Shared, http::HeaderMap};
use serde::Deserialize;

use super::Standing;
use crate::{
    access,
    request::{Answer, At, Sent, done, ok},
    state::State,
};

#[derive(Deserialize)]
pub(crate) struct NewState {
    state: Standing,
}

/// Whom a sign-out is for: this device (nothing to do here) or all of them.
#[derive(Deserialize)]
pub(crate) struct SignOut {
    #[serde(default)]
    pub(crate) sign_out_all: bool,
}

pub(crate) async fn set_state(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    At((app, user)): At<(String, String)>,
    Sent(new): Sent<NewState>,
) -> Answer {
    access::for_app(&state, &headers, &app)?;
    let mut world = state.world_mut();
    let tenant = world.tenant_mut(&app)?;
    tenant.user_mut(&user)?.state = new.state;
    ok(tenant.profile(&user, None)?)
}

pub(crate) async fn sign_out(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    At((app, user)): At<(String, String)>,
    Sent(order): Sent<SignOut>,
) -> Answer {
    access::for_app(&state, &headers, &app)?;
    let mut world = state.world_mut();
    let user = world.tenant_mut(&app)?.user_mut(&user)?;
    if order.sign_out_all {
        user.sign_out_everywhere();
    }
    done()
}
