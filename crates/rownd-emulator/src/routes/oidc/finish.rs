//! The end of a request to `/auth`: a code for the client, or an error.
//!
//! In: the request and the user who allows it, if one does. Out: the way back to the client.

use std::time::{Duration, SystemTime};

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};

use super::{issuer, page};
use crate::{
    data::{
        grants::{Code, Grant, PendingRequest},
        ids,
        time::unix_now,
        users::AccountState,
    },
    state::State,
};

/// The life of a code.
const CODE_TTL: Duration = Duration::from_secs(60);

/// The name of the cookie that ties a request to the browser that began it.
pub(super) fn cookie_name(id: &str) -> String {
    format!("rownd_emulator_{id}")
}

/// The page for a request that is not known, or not in this browser.
pub(super) fn too_old() -> Response {
    let why = "This page is too old, or was not opened in this browser. Go back to the app.";
    page::problem(StatusCode::FORBIDDEN, why).into_response()
}

/// Sends the browser back to the client: with a code for the user, or with an error if no user
/// allowed it.
pub(super) fn finish(state: &State, pending: &PendingRequest, user: Option<&str>) -> Response {
    let Some(user) = user else {
        let error = [("error", "access_denied"), ("error_description", "the user denied it")];
        return redirect_to_client(state, pending, &error);
    };
    match allow(state, pending, user) {
        Some(code) => redirect_to_client(state, pending, &[("code", &code)]),
        None => {
            page::problem(StatusCode::BAD_REQUEST, "There is no such user, or they are disabled.")
                .into_response()
        }
    }
}

fn allow(state: &State, pending: &PendingRequest, user: &str) -> Option<String> {
    let mut records = state.records_mut();
    let user = records.app_mut(&pending.app).ok()?.users.get_mut(user)?;
    if user.state == AccountState::Disabled {
        return None;
    }
    user.signed_in("oidc");
    let grant = Grant {
        app: pending.app.clone(),
        client: pending.client.clone(),
        client_name: pending.client_name.clone(),
        user: user.id.clone(),
        scopes: pending.scopes.clone(),
        nonce: pending.nonce.clone(),
        resource: pending.resource.clone(),
        auth_time: unix_now(),
        revoked: false,
    };
    let code = Code {
        grant: ids::random_hex(16),
        redirect_uri: pending.redirect_uri.clone(),
        challenge: pending.challenge.clone(),
        expires: SystemTime::now() + CODE_TTL,
        used: false,
    };
    records.grants.grants.insert(code.grant.clone(), grant);
    let text = ids::random_hex(32);
    records.grants.codes.insert(text.clone(), code);
    Some(text)
}

/// Sends the browser back to the client, with `state` and `iss` (RFC 9207).
pub(super) fn redirect_to_client(
    state: &State,
    pending: &PendingRequest,
    answer: &[(&str, &str)],
) -> Response {
    let Ok(mut to) = url::Url::parse(&pending.redirect_uri) else {
        return page::problem(StatusCode::BAD_REQUEST, "The registered address cannot be parsed.")
            .into_response();
    };
    to.query_pairs_mut()
        .extend_pairs(answer)
        .extend_pairs(pending.state.iter().map(|value| ("state", value)))
        .append_pair("iss", &issuer(state, &pending.app));
    (StatusCode::SEE_OTHER, [(header::LOCATION, to.to_string())]).into_response()
}
