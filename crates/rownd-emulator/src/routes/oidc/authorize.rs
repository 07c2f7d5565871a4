//! `/auth`: a client sends a browser, and the user chooses who they are and what they allow.
//!
//! In: the request of the client, then the form of the page. Out: a page, then a redirect with a
//! code or with an error.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{
    extract::State as Shared,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{
    issuer, page,
    protocol::{OAuthError, Parameters},
};
use crate::{
    data::{
        clients::Client,
        grants::{Code, Grant, PendingRequest},
        ids,
        time::unix_now,
        users::AccountState,
    },
    routes::{
        access,
        request::{ApiError, PathParams},
    },
    state::State,
};

/// The life of a code.
const CODE_TTL: Duration = Duration::from_secs(60);

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
        Ok(pending) => show(&state, &app, pending, parameters.get("login_hint")),
        Err(AuthorizeError::ShowPage(error)) => {
            page::problem(StatusCode::BAD_REQUEST, &error.description).into_response()
        }
        Err(AuthorizeError::Redirect(pending, error)) => {
            let error = [("error", error.error), ("error_description", &error.description)];
            redirect_to_client(&state, &pending, &error)
        }
    }
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

fn cookie_name(id: &str) -> String {
    format!("rownd_emulator_{id}")
}

/// Reads the request of the client. An error before its address is checked is shown on a page, so
/// that no browser is sent to an address that is not registered.
fn pending(state: &State, app: &str, asked: &Parameters) -> Result<PendingRequest, AuthorizeError> {
    let records = state.records();
    let app = &records.app(app).map_err(OAuthError::from)?.app;
    let client = app
        .client(asked.require("client_id")?)
        .ok_or_else(|| OAuthError::new("invalid_client", "there is no such client"))?;
    let redirect_uri = asked.require("redirect_uri")?;
    if !client.may_redirect(redirect_uri) {
        let why = format!("`redirect_uri` is not registered for the client: {redirect_uri}");
        return Err(OAuthError::new("invalid_request", why).into());
    }
    let text = |name: &str| asked.get(name).map(str::to_owned);
    let asked_scopes = asked.get("scope").unwrap_or_default().split_whitespace();
    let pending = PendingRequest {
        app: app.id.clone(),
        client: client.id.clone(),
        redirect_uri: redirect_uri.to_owned(),
        scopes: asked_scopes
            .filter(|scope| client.allowed_scopes.iter().any(|allowed| allowed == scope))
            .map(str::to_owned)
            .collect(),
        state: text("state"),
        nonce: text("nonce"),
        challenge: text("code_challenge"),
        resource: text("resource"),
        secret: ids::random_hex(16),
    };
    match check_request(asked, client, &pending) {
        None => Ok(pending),
        Some(error) => Err(AuthorizeError::Redirect(Box::new(pending), error)),
    }
}

/// The error of a request with a registered address, if there is one.
fn check_request(
    asked: &Parameters,
    client: &Client,
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
    } else if pending.challenge.is_none() && client.secret.is_none() {
        ("invalid_request", "a client without a secret has to send `code_challenge`")
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
    let Some(pending) = known.filter(|pending| {
        pending.app == app && cookie.is_some_and(|value| value == pending.secret)
    }) else {
        let why = "This page is too old, or was not opened in this browser. Go back to the app.";
        return page::problem(StatusCode::FORBIDDEN, why).into_response();
    };
    // A request is decided once, also if it fails below.
    state.records_mut().grants.pending.remove(id);
    if form.get("decision") != Some("allow") {
        let error = [("error", "access_denied"), ("error_description", "the user denied it")];
        return redirect_to_client(&state, &pending, &error);
    }
    match allow(&state, &pending, form.get("user").unwrap_or_default()) {
        Some(code) => redirect_to_client(&state, &pending, &[("code", &code)]),
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
fn redirect_to_client(
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
