//! `/me`: what a user may do to their own account, by their own token.
//!
//! In: a bearer token. Out: the same profiles a backend gets; of this user and app only.

use std::sync::Arc;

use axum::{extract::State as Shared, http::HeaderMap};

use super::{
    account::SignOut,
    data::{self, FieldWritten, FieldsQuery, Rest, Written},
};
use crate::{
    access,
    request::{Answer, Asked, At, Refusal, Sent, done, ok},
    state::State,
};

/// The app is the one in the token.
pub(crate) async fn me(Shared(state): Shared<Arc<State>>, headers: HeaderMap) -> Answer {
    let caller = access::by_bearer(&state, &headers)?;
    ok(state.world().tenant(&caller.app)?.profile(&caller.user, None)?)
}

pub(crate) async fn read(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    At(app): At<String>,
    Asked(query): Asked<FieldsQuery>,
) -> Answer {
    let caller = access::of_app(&state, &headers, &app)?;
    ok(state.world().tenant(&app)?.profile(&caller.user, query.fields.as_deref())?)
}

pub(crate) async fn put(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    At(app): At<String>,
    Sent(written): Sent<Written>,
) -> Answer {
    let caller = access::of_app(&state, &headers, &app)?;
    if !written.attributes.is_empty() {
        // Visible to the user, writable by the app alone: permissions may stand there.
        return Err(Refusal::forbidden("attributes are written with the app's credentials"));
    }
    let mut world = state.world_mut();
    let tenant = world.tenant_mut(&app)?;
    data::upsert(tenant, &caller.user, &written, Rest::Removed)?;
    ok(tenant.profile(&caller.user, None)?)
}

pub(crate) async fn delete(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    At(app): At<String>,
) -> Answer {
    let caller = access::of_app(&state, &headers, &app)?;
    state.world_mut().tenant_mut(&app)?.remove(&caller.user)?;
    done()
}

pub(crate) async fn read_field(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    At((app, field)): At<(String, String)>,
) -> Answer {
    let caller = access::of_app(&state, &headers, &app)?;
    ok(data::field_of(state.world().tenant(&app)?, &caller.user, &field)?)
}

pub(crate) async fn put_field(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    At((app, field)): At<(String, String)>,
    Sent(written): Sent<FieldWritten>,
) -> Answer {
    let caller = access::of_app(&state, &headers, &app)?;
    let mut world = state.world_mut();
    ok(data::write_field(world.tenant_mut(&app)?, &caller.user, &field, written.value)?)
}

pub(crate) async fn sign_out(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    At(app): At<String>,
    Sent(order): Sent<SignOut>,
) -> Answer {
    let caller = access::of_app(&state, &headers, &app)?;
    if order.sign_out_all {
        state.world_mut().tenant_mut(&app)?.user_mut(&caller.user)?.sign_out_everywhere();
    }
    done()
}
