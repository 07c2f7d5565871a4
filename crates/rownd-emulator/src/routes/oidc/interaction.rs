//! The page of an app in place of the provider's own (`interaction_endpoint`): the app signs the user
//! in and asks for consent.
//!
//! In: a pending request, then the decision with the user's access token. Out: the way to the page,
//! what the page has to show, and the way back. Rownd documents the setting alone; these are the
//! emulator's own steps:
//!
//! 1. `/auth` sends the browser to the page, with `interaction`, `app_id` and `interaction_url`.
//! 2. The page asks `interaction_url` what to show, and posts the decision there.
//! 3. The browser follows `redirect_to` of the answer, back to `/auth`, and returns to the client. It
//!    has to be the browser of step 1: a cookie says so.

use std::sync::Arc;

use axum::{
    Json,
    extract::State as Shared,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::finish::{cookie_name, finish, too_old};
use crate::{
    data::{
        grants::{Decision, PendingRequest},
        ids,
    },
    routes::{
        access,
        request::{ApiError, JsonBody, PathParams, bad_request},
    },
    state::State,
};

/// Sends the browser to the page of the app.
pub(super) fn send_to_page(
    state: &State,
    pending: PendingRequest,
    page: &str,
    hint: Option<&str>,
) -> Response {
    let Ok(mut to) = url::Url::parse(page) else {
        return bad_request("the `interaction_endpoint` of the client is not an address")
            .into_response();
    };
    let id = ids::random_hex(16);
    let app = pending.app.clone();
    to.query_pairs_mut()
        .append_pair("interaction", &id)
        .append_pair("app_id", &app)
        .append_pair("interaction_url", &interaction_url(state, &app, &id))
        .extend_pairs(hint.map(|hint| ("login_hint", hint)));
    // Lax: the browser comes back from the page of another site.
    let cookie = format!(
        "{}={}; Path=/oidc/{app}/auth; HttpOnly; SameSite=Lax; Max-Age=600",
        cookie_name(&id),
        pending.secret
    );
    state.records_mut().grants.pending.insert(id, pending);
    let headers = [(header::SET_COOKIE, cookie), (header::LOCATION, to.to_string())];
    (StatusCode::SEE_OTHER, headers).into_response()
}

fn interaction_url(state: &State, app: &str, id: &str) -> String {
    format!("{}/oidc/{app}/interaction/{id}", state.base_url)
}

/// A request that waits for a decision on the page of the app, and the page's origin.
struct Waiting {
    pending: PendingRequest,
    origin: String,
}

fn waiting(state: &State, app: &str, id: &str) -> Result<Waiting, ApiError> {
    let unknown = || ApiError::not_found("E_INTERACTION_NOT_FOUND", "there is no such interaction");
    let records = state.records();
    let pending = records.grants.pending.get(id).cloned();
    let pending = pending.filter(|pending| pending.app == app).ok_or_else(unknown)?;
    let client = records.app(app)?.client(&pending.client).ok_or_else(unknown)?;
    let page = client.interaction_endpoint().ok_or_else(unknown)?;
    let page = url::Url::parse(page).map_err(|_| unknown())?;
    Ok(Waiting { pending, origin: page.origin().ascii_serialization() })
}

/// The client and the scopes that it asks for: the page shows them.
pub(super) async fn describe(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams((app, id)): PathParams<(String, String)>,
) -> Result<Response, ApiError> {
    let waiting = waiting(&state, &app, &id)?;
    let name = {
        let records = state.records();
        let client = records.app(&app)?.client(&waiting.pending.client);
        client.map(|client| client.title().to_owned())
    };
    let body = json!({
        "client_id": waiting.pending.client_name,
        "client_name": name,
        "scopes": waiting.pending.scopes,
        "decided": waiting.pending.decision.is_some(),
    });
    Ok(for_page(&waiting, &headers, Json(body)))
}

/// The answer to a browser that asks whether the page may send the decision.
pub(super) async fn preflight(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams((app, id)): PathParams<(String, String)>,
) -> Result<Response, ApiError> {
    let waiting = waiting(&state, &app, &id)?;
    Ok(for_page(&waiting, &headers, StatusCode::NO_CONTENT))
}

#[derive(Deserialize)]
pub(super) struct PageDecision {
    decision: Verdict,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Allow,
    Deny,
}

/// Takes the decision of the user whose access token it is.
pub(super) async fn decide(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams((app, id)): PathParams<(String, String)>,
    body: JsonBody<PageDecision>,
) -> Result<Response, ApiError> {
    match waiting(&state, &app, &id) {
        // The page reads a refusal as well, to show it.
        Ok(waiting) => {
            Ok(for_page(&waiting, &headers, take_decision(&state, &headers, (&app, &id), body)))
        }
        Err(unknown) => {
            access::of_app(&state, &headers, &app)?;
            body.read()?;
            Err(unknown)
        }
    }
}

fn take_decision(
    state: &State,
    headers: &HeaderMap,
    (app, id): (&str, &str),
    body: JsonBody<PageDecision>,
) -> Result<Json<Value>, ApiError> {
    let caller = access::of_app(state, headers, app)?;
    let decision = match body.read()?.decision {
        Verdict::Allow => Decision::Allowed { user: caller.user },
        Verdict::Deny => Decision::Denied,
    };
    let mut records = state.records_mut();
    // A request is decided once.
    match records.grants.pending.get_mut(id) {
        Some(pending) if pending.decision.is_none() => pending.decision = Some(decision),
        _ => return Err(bad_request("the interaction has been decided already")),
    }
    Ok(Json(json!({ "redirect_to": format!("{}/oidc/{app}/auth/{id}", state.base_url) })))
}

/// Takes the browser back from the page of the app, and on to the client.
pub(super) async fn resume(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams((app, id)): PathParams<(String, String)>,
) -> Response {
    let known = state.records().grants.pending.get(&id).cloned();
    let cookie = access::cookie(&headers, &cookie_name(&id));
    let same_browser = |pending: &PendingRequest| {
        pending.app == app && cookie.is_some_and(|value| value == pending.secret)
    };
    match known.filter(same_browser) {
        Some(PendingRequest { decision: None, .. }) | None => too_old(),
        Some(pending) => {
            state.records_mut().grants.pending.remove(&id);
            let user = match &pending.decision {
                Some(Decision::Allowed { user }) => Some(user.as_str()),
                Some(Decision::Denied) | None => None,
            };
            finish(&state, &pending, user)
        }
    }
}

/// A response that the page may read, and no page of another origin.
fn for_page(waiting: &Waiting, headers: &HeaderMap, response: impl IntoResponse) -> Response {
    let mut response = response.into_response();
    let asked = access::header_text(headers, header::ORIGIN.as_str());
    let allowed: [(HeaderName, &str); 4] = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, &waiting.origin),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type"),
        (header::VARY, "origin"),
    ];
    if asked == Some(waiting.origin.as_str()) {
        for (name, value) in allowed {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.headers_mut().insert(name, value);
            }
        }
    }
    response
}
