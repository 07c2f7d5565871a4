//! `/auth`: a client sends a browser, a user says who they are and what they allow.
//!
//! In: the request of the client, then the form of the page. Out: a page, then a
//! redirect with a code or with why there is none.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{
    extract::State as Shared,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{Code, Grant, OAuthError, Parameters, client, issuer, page};
use crate::{
    access,
    request::At,
    state::{State, unix_now},
    users::{Standing, ids},
};

/// How long a code may take.
const CODE_TTL: Duration = Duration::from_secs(60);

/// A request that waits for the user.
#[derive(Clone)]
pub(super) struct Pending {
    app: String,
    pub(super) client: String,
    redirect_uri: String,
    pub(super) scopes: Vec<String>,
    state: Option<String>,
    nonce: Option<String>,
    challenge: Option<String>,
    resource: Option<String>,
    /// What the browser's cookie has to say: a form from another site has none.
    secret: String,
}

/// Why a browser is not shown the page.
pub(super) enum Stop {
    /// Nobody knows where it should go: it stays.
    Here(OAuthError),
    /// The client is told, at its own address.
    There(Box<Pending>, OAuthError),
}

impl From<OAuthError> for Stop {
    fn from(error: OAuthError) -> Self {
        Self::Here(error)
    }
}

pub(super) async fn begin(
    Shared(state): Shared<Arc<State>>,
    At(app): At<String>,
    parameters: Parameters,
) -> Response {
    match pending(&state, &app, &parameters) {
        Ok(pending) => show(&state, &app, pending, parameters.get("login_hint")),
        Err(Stop::Here(error)) => {
            page::problem(StatusCode::BAD_REQUEST, &error.description).into_response()
        }
        Err(Stop::There(pending, error)) => {
            let error = [("error", error.error), ("error_description", &error.description)];
            leave(&state, &pending, &error)
        }
    }
}

fn show(state: &State, app: &str, pending: Pending, hint: Option<&str>) -> Response {
    let id = ids::random_hex(16);
    let cookie = format!(
        "{}={}; Path=/oidc/{app}/auth; HttpOnly; SameSite=Strict; Max-Age=600",
        cookie_name(&id),
        pending.secret
    );
    let mut world = state.world_mut();
    let shown = match world.tenant(app) {
        Ok(tenant) => page::consent(tenant, &id, &pending, hint),
        Err(refusal) => return refusal.into_response(),
    };
    world.provider.pending.insert(id, pending);
    ([(header::SET_COOKIE, cookie)], shown).into_response()
}

fn cookie_name(id: &str) -> String {
    format!("rownd_emulator_{id}")
}

/// Reads the request of the client. What is wrong before its address is known stays
/// here, so that nobody is sent to an address that is not registered.
fn pending(state: &State, app: &str, asked: &Parameters) -> Result<Pending, Stop> {
    let world = state.world();
    let app = &world.tenant(app).map_err(OAuthError::from)?.app;
    let client = client::find(app, asked.need("client_id")?)
        .ok_or_else(|| OAuthError::new("invalid_client", "there is no such client"))?;
    let redirect_uri = asked.need("redirect_uri")?;
    if !client.may_redirect(redirect_uri) {
        let why = format!("`redirect_uri` is not registered for the client: {redirect_uri}");
        return Err(OAuthError::new("invalid_request", why).into());
    }
    let text = |name: &str| asked.get(name).map(str::to_owned);
    let asked_scopes = asked.get("scope").unwrap_or_default().split_whitespace();
    let pending = Pending {
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
    match objection(asked, client, &pending) {
        None => Ok(pending),
        Some(error) => Err(Stop::There(Box::new(pending), error)),
    }
}

/// What is wrong with a request whose address is good.
fn objection(asked: &Parameters, client: &client::Client, pending: &Pending) -> Option<OAuthError> {
    let method = asked.get("code_challenge_method");
    let (error, why) = if asked.get("request").is_some() || asked.get("request_uri").is_some() {
        ("request_not_supported", "request objects are not taken")
    } else if asked.get("response_type") != Some("code") {
        ("unsupported_response_type", "`response_type` has to be `code`")
    } else if asked.get("response_mode").is_some_and(|mode| mode != "query") {
        ("invalid_request", "`response_mode` has to be `query`")
    } else if !pending.scopes.iter().any(|scope| scope == "openid") {
        ("invalid_scope", "`openid` is not among the scopes that the client asked for and has")
    } else if asked.get("prompt").is_some_and(|prompt| prompt.split(' ').any(|p| p == "none")) {
        ("login_required", "nobody is signed in here: the emulator keeps no sessions")
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

/// The form of the page comes back.
pub(super) async fn decide(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    At(app): At<String>,
    form: Parameters,
) -> Response {
    let id = form.get("request").unwrap_or_default();
    let known = state.world().provider.pending.get(id).cloned();
    let cookie = access::cookie(&headers, &cookie_name(id));
    let Some(pending) = known.filter(|pending| {
        pending.app == app && cookie.is_some_and(|value| value == pending.secret)
    }) else {
        let why = "This page is too old, or was not opened in this browser. Go back to the app.";
        return page::problem(StatusCode::FORBIDDEN, why).into_response();
    };
    // Once only, whatever comes of it.
    state.world_mut().provider.pending.remove(id);
    if form.get("decision") != Some("allow") {
        let error = [("error", "access_denied"), ("error_description", "the user said no")];
        return leave(&state, &pending, &error);
    }
    match allow(&state, &pending, form.get("user").unwrap_or_default()) {
        Some(code) => leave(&state, &pending, &[("code", &code)]),
        None => {
            page::problem(StatusCode::BAD_REQUEST, "There is no such user, or they are disabled.")
                .into_response()
        }
    }
}

fn allow(state: &State, pending: &Pending, user: &str) -> Option<String> {
    let mut world = state.world_mut();
    let user = world.tenant_mut(&pending.app).ok()?.users.get_mut(user)?;
    if user.state == Standing::Disabled {
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
    world.provider.grants.insert(code.grant.clone(), grant);
    let text = ids::random_hex(32);
    world.provider.codes.insert(text.clone(), code);
    Some(text)
}

/// Back to the client, with `state` and `iss` (RFC 9207).
fn leave(state: &State, pending: &Pending, answer: &[(&str, &str)]) -> Response {
    let Ok(mut to) = url::Url::parse(&pending.redirect_uri) else {
        return page::problem(StatusCode::BAD_REQUEST, "That address is none.").into_response();
    };
    to.query_pairs_mut()
        .extend_pairs(answer)
        .extend_pairs(pending.state.iter().map(|value| ("state", value)))
        .append_pair("iss", &issuer(state, &pending.app));
    (StatusCode::SEE_OTHER, [(header::LOCATION, to.to_string())]).into_response()
}
