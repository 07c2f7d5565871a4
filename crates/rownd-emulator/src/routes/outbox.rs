//! The messages that the emulator sends: webhooks after each change of a user, and signed events that
//! are pushed or polled.
//!
//! In: requests that change users, and orders below `/__emulator/`. Out: webhooks in Rownd's form,
//! security event tokens and logout tokens of the app's OpenID provider, and the fate of each.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Request, State as Shared},
    http::{Method, StatusCode},
    middleware::Next,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    oidc,
    request::{ApiError, ApiResult, JsonBody, PathParams, bad_request, ok},
};
use crate::{
    data::{
        ids::uuid_v4,
        outbox::{SentMessage, WebhookTarget},
        time::unix_now,
    },
    outbound::{Content, send_content},
    state::State,
};

const CAEP: &str = "https://schemas.openid.net/secevent/caep/event-type/";
const RISC: &str = "https://schemas.openid.net/secevent/risc/event-type/";
const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// The short names of events, each with the first part of its type.
const SHORT: [(&str, &str); 6] = [
    ("session-revoked", CAEP),
    ("credential-change", CAEP),
    ("token-claims-change", CAEP),
    ("account-disabled", RISC),
    ("account-purged", RISC),
    ("account-enabled", RISC),
];
/// The most events of one answer to a poll.
const MAX_EVENTS: usize = 100;

/// An event to sign and send.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct EventOrder {
    /// The app whose OpenID provider signs; the demo app when empty.
    pub(crate) app: String,
    /// The type, such as `session-revoked`, `account-disabled` or `logout`, or a whole URI.
    pub(crate) event: String,
    /// A seeded user's name, or any user id.
    pub(crate) user: String,
    /// The `aud` of the token.
    pub(crate) audience: String,
    /// Where the token is pushed, by plain HTTP. Without it, the event waits to be polled.
    pub(crate) push_to: Option<String>,
    /// The secret for the receiver, sent as `Authorization: Bearer`.
    pub(crate) bearer: Option<String>,
    /// Claims to set, over whatever would be there; `null` leaves one out.
    pub(crate) claims: Map<String, Value>,
}

pub(crate) fn controls(state: &Arc<State>) -> Router {
    Router::new()
        .route("/__emulator/webhooks", get(list).post(add).delete(clear))
        .route("/__emulator/events", get(list).post(order))
        .with_state(Arc::clone(state))
}

pub(crate) fn routes(on: &dyn Fn(super::Routes) -> super::Routes) -> Router<Arc<State>> {
    Router::new().route("/oidc/{app}/events/poll", on(post(poll)))
}

/// Sends the webhooks of the changes that a request has made, before its answer.
pub(super) async fn announce(state: Arc<State>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    if !state.outbox().has_targets() {
        return response;
    }
    let (changes, targets) = {
        let records = state.records();
        let mut outbox = state.outbox();
        (outbox.changes(&records), outbox.targets().to_vec())
    };
    for change in changes {
        for target in targets.iter().filter(|target| target.app == change.app) {
            let method = Method::from_bytes(target.method.as_bytes()).unwrap_or(Method::POST);
            let sent = send_content(method, &target.url, None, Some(Content::json(&change.body)));
            let outcome = match sent.await {
                Ok((status, _)) => status.to_string(),
                Err(error) => error.to_string(),
            };
            let what = change.body.pointer("/meta/operation").and_then(Value::as_str);
            state.outbox().note(SentMessage {
                what: what.unwrap_or_default().to_owned(),
                about: change.user.clone(),
                url: target.url.clone(),
                outcome,
            });
        }
    }
    response
}

/// The targets of webhooks, and the fate of every message so far.
async fn list(Shared(state): Shared<Arc<State>>) -> Response {
    let outbox = state.outbox();
    let sent: Vec<&SentMessage> = outbox.sent().collect();
    Json(json!({ "webhooks": outbox.targets(), "sent": sent })).into_response()
}

async fn add(Shared(state): Shared<Arc<State>>, body: JsonBody<WebhookTarget>) -> ApiResult {
    let target = body.read()?;
    if !matches!(target.method.as_str(), "POST" | "PUT" | "PATCH") {
        return Err(bad_request("`method` is POST, PUT or PATCH"));
    }
    let added = {
        let records = state.records();
        records.app(&target.app)?;
        state.outbox().add_target(target, &records)
    };
    if added { Ok(list(Shared(state)).await) } else { Err(bad_request("too many webhooks")) }
}

async fn clear(Shared(state): Shared<Arc<State>>) -> Response {
    state.outbox().clear();
    StatusCode::NO_CONTENT.into_response()
}

async fn order(Shared(state): Shared<Arc<State>>, body: JsonBody<EventOrder>) -> ApiResult {
    let mut order = body.read()?;
    if order.app.is_empty() {
        order.app.clone_from(&state.settings.app_id);
    }
    let (claims, signing) = {
        let records = state.records();
        let of_app = records.app(&order.app)?;
        let user = of_app.find_user(&order.user).map(|user| user.id.clone());
        let user = user.unwrap_or_else(|| order.user.clone());
        (claims(&order, &oidc::issuer(&state, &order.app), &user), of_app.app.oidc_signing)
    };
    let is_logout = order.event == "logout";
    let typ = if is_logout { "logout+jwt" } else { "secevent+jwt" };
    let signed = state.provider_keys.sign(signing, typ, &Value::Object(claims.clone()));
    let token = signed.map_err(|error| ApiError::internal(&error))?;
    let jti = claims.get("jti").and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some(url) = &order.push_to else {
        state.outbox().wait(&order.app, &jti, &token);
        return ok(json!({ "jti": jti, "token": token }));
    };
    let content = if is_logout {
        Content {
            kind: "application/x-www-form-urlencoded",
            body: Bytes::from(format!("logout_token={token}")),
        }
    } else {
        Content { kind: "application/secevent+jwt", body: Bytes::from(token.clone()) }
    };
    let sent = send_content(Method::POST, url, order.bearer.as_deref(), Some(content)).await;
    let (outcome, answer) = match sent {
        Ok((status, answer)) => (status.to_string(), answer),
        Err(error) => (error.to_string(), Value::Null),
    };
    state.outbox().note(SentMessage {
        what: order.event.clone(),
        about: jti.clone(),
        url: url.clone(),
        outcome: outcome.clone(),
    });
    ok(json!({ "jti": jti, "token": token, "outcome": outcome, "answer": answer }))
}

fn claims(order: &EventOrder, iss: &str, user: &str) -> Map<String, Value> {
    let now = unix_now();
    let mut claims = Map::new();
    let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    set("iss", json!(iss));
    set("aud", json!(order.audience));
    set("iat", json!(now));
    set("jti", json!(uuid_v4()));
    if order.event == "logout" {
        set("sub", json!(user));
        set("exp", json!(now + 120));
        set("events", json!({ LOGOUT: {} }));
    } else {
        let short = SHORT.iter().find(|(name, _)| *name == order.event);
        let uri = short.map_or_else(|| order.event.clone(), |(name, of)| format!("{of}{name}"));
        set("sub_id", json!({ "format": "iss_sub", "iss": iss, "sub": user }));
        set("events", json!({ uri: { "event_timestamp": now } }));
    }
    for (name, value) in &order.claims {
        if value.is_null() {
            claims.remove(name);
        } else {
            claims.insert(name.clone(), value.clone());
        }
    }
    claims
}

/// A poll by RFC 8936: the fates of events that were given out, and a wish for more.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Poll {
    max_events: Option<usize>,
    ack: Vec<String>,
    set_errs: Map<String, Value>,
}

async fn poll(
    Shared(state): Shared<Arc<State>>,
    PathParams(app): PathParams<String>,
    body: JsonBody<Poll>,
) -> ApiResult {
    let poll = body.read()?;
    state.records().app(&app)?;
    let mut outbox = state.outbox();
    for jti in &poll.ack {
        outbox.ended(&app, jti, "acknowledged");
    }
    for (jti, error) in &poll.set_errs {
        let code = error.get("err").and_then(Value::as_str).unwrap_or("no code");
        outbox.ended(&app, jti, code);
    }
    let most = poll.max_events.unwrap_or(MAX_EVENTS).min(MAX_EVENTS);
    let (sets, more) = outbox.waiting(&app, most);
    ok(json!({ "sets": sets, "moreAvailable": more }))
}
