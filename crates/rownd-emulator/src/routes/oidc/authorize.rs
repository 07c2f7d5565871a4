//! `/auth`: a client sends a browser, and the user chooses who they are and what they allow.
//!
//! In: the request of the client, then the form of the page. Out: a page, then a redirect with a
//! code or with an error.

use std::sync::Arc;

use axum::{
    extract::State as Shared,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{
    finish::{cookie_name, finish, redirect_to_client, too_old},
    interaction, page,
    protocol::{OAuthError, Parameters},
};
use crate::{
    data::{grants::PendingRequest, ids, oidc_clients::OidcClient},
    routes::{
        access,
        request::{ApiError, PathParams},
    },
    state::State,
};

/// The reason why a browser is not shown the page.
pub(crate) enum AuthorizeError {
    /// The address to return to is not known: the error is shown on a page.
    ShowPage(OAuthError),
    /// The browser returns to the client with the error.
    Redirect(Box<PendingRequest>, OAuthError),
}

impl From<OAuthError> for AuthorizeError {
    fn from(error: OAuthError) -> Self {
        Self::ShowPage(error)
    }
}

pub(crate) async fn begin(
    Shared(state): Shared<Arc<State>>,
    PathParams(app): PathParams<String>,
    parameters: Parameters,
) -> Response {
    match pending(&state, &app, &parameters) {
        Ok(pending) => {
            let hint = parameters.get("login_hint");
            match page_of_client(&state, &pending) {
                Some(page) => interaction::send_to_page(&state, pending, &page, hint),
                None => show(&state, &app, pending, hint),
            }
        }
        Err(AuthorizeError::ShowPage(error)) => {
            page::problem(StatusCode::BAD_REQUEST, &error.description).into_response()
        }
        Err(AuthorizeError::Redirect(pending, error)) => {
            let error = [("error", error.error), ("error_description", &error.description)];
            redirect_to_client(&state, &pending, &error)
        }
    }
}

/// The page of the app that takes the place of the provider's own.
fn page_of_client(state: &State, pending: &PendingRequest) -> Option<String> {
    let records = state.records();
    let client = records.app(&pending.app).ok()?.client(&pending.client)?;
    client.interaction_endpoint().map(str::to_owned)
}

fn show(state: &State, app: &str, pending: PendingRequest, hint: Option<&str>) -> Response {
    let id = ids::random_hex(16);
    let cookie = format!(
        "{}={}; Path=/oidc/{app}/auth; HttpOnly; SameSite=Strict; Max-Age=600",
        cookie_name(&id),
        pending.secret
    );
    let mut records = state.records_mut();
    let shown = match records.app(app) {
        Ok(app_records) => page::consent(app_records, &id, &pending, hint),
        Err(error) => return ApiError::from(error).into_response(),
    };
    records.grants.pending.insert(id, pending);
    ([(header::SET_COOKIE, cookie)], shown).into_response()
}

/// Reads the request of the client. An error before its address is checked is shown on a page, so
/// that no browser is sent to an address that is not registered.
fn pending(state: &State, app: &str, asked: &Parameters) -> Result<PendingRequest, AuthorizeError> {
    let records = state.records();
    let app = records.app(app).map_err(OAuthError::from)?;
    let named = asked.require("client_id")?;
    let client = app
        .client(named)
        .ok_or_else(|| OAuthError::new("invalid_client", "there is no such client"))?;
    let redirect_uri = asked.require("redirect_uri")?;
    if !client.may_redirect(redirect_uri) {
        let why = format!("`redirect_uri` is not registered for the client: {redirect_uri}");
        return Err(OAuthError::new("invalid_request", why).into());
    }
    let text = |name: &str| asked.get(name).map(str::to_owned);
    let asked_scopes = asked.get("scope").unwrap_or_default().split_whitespace();
    let pending = PendingRequest {
        app: app.app.id.clone(),
        client: client.id.clone(),
        client_name: named.to_owned(),
        redirect_uri: redirect_uri.to_owned(),
        scopes: asked_scopes.filter(|scope| client.may_ask_for(scope)).map(str::to_owned).collect(),
        state: text("state"),
        nonce: text("nonce"),
        challenge: text("code_challenge"),
        resource: text("resource"),
        secret: ids::random_hex(16),
        decision: None,
    };
    match check_request(asked, client, &pending) {
        None => Ok(pending),
        Some(error) => Err(AuthorizeError::Redirect(Box::new(pending), error)),
    }
}

/// The error of a request with a registered address, if there is one.
fn check_request(
    asked: &Parameters,
    client: &OidcClient,
    pending: &PendingRequest,
) -> Option<OAuthError> {
    let method = asked.get("code_challenge_method");
    let (error, why) = if asked.get("request").is_some() || asked.get("request_uri").is_some() {
        ("request_not_supported", "request objects are not supported")
    } else if asked.get("response_type") != Some("code") {
        ("unsupported_response_type", "`response_type` has to be `code`")
    } else if asked.get("response_mode").is_some_and(|mode| mode != "query") {
        ("invalid_request", "`response_mode` has to be `query`")
    } else if !pending.scopes.iter().any(|scope| scope == "openid") {
        ("invalid_scope", "`openid` is not among the scopes that the client asked for and has")
    } else if asked.get("prompt").is_some_and(|prompt| prompt.split(' ').any(|p| p == "none")) {
        ("login_required", "no user is signed in: the emulator keeps no sessions")
    } else if pending.challenge.is_some() && method != Some("S256") {
        ("invalid_request", "`code_challenge_method` has to be `S256`")
    } else if pending.challenge.is_none() && client.needs_pkce() {
        ("invalid_request", "the client has to send `code_challenge`")
    } else if pending.challenge.is_some() && !client.may_use_pkce() {
        ("invalid_request", "the client has `is_pkce_supported: false`")
    } else if pending.resource.as_ref().is_some_and(|r| *r != format!("app:{}", pending.app)) {
        ("invalid_target", "`resource` has to be `app:` and the id of the app")
    } else {
        return None;
    };
    Some(OAuthError::new(error, why))
}

/// Takes the form of the page.
pub(crate) async fn decide(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams(app): PathParams<String>,
    form: Parameters,
) -> Response {
    let id = form.get("request").unwrap_or_default();
    let known = state.records().grants.pending.get(id).cloned();
    let cookie = access::cookie(&headers, &cookie_name(id));
    // The form is not for a client whose own page signs users in.
    let Some(pending) = known.filter(|pending| {
        pending.app == app
            && cookie.is_some_and(|value| value == pending.secret)
            && page_of_client(&state, pending).is_none()
    }) else {
        return too_old();
    };
    // A request is decided once, also if it fails below.
    state.records_mut().grants.pending.remove(id);
    let allowed = form.get("decision") == Some("allow");
    finish(&state, &pending, allowed.then(|| form.get("user").unwrap_or_default()))
}
