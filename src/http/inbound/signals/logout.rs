//! Logout tokens of an OpenID provider (OpenID Connect Back-Channel Logout).
//!
//! In: a POST with the form member `logout_token`. Out: 200 where the session or the user is revoked,
//! 400 where the token is refused, 503 where it is to be sent again.

use std::time::{Duration, SystemTime};

use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::time::Instant;
use url::form_urlencoded;

use super::replays::Replays;
use crate::{
    config::EventSource,
    http::inbound::{
        answer::{Refusal, empty, plain_json},
        body::AdmittedRequest,
        effect::{Effects, Revoked},
        labels::InboundResult,
    },
    verify::{EventToken, EventTokenKind, ExpectedEvent},
};

/// The longest time that one token may take.
const TIME: Duration = Duration::from_secs(8);
const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";

/// Takes the logout token of a request.
pub(in crate::http::inbound) async fn answer(
    effects: &Effects,
    source: &EventSource,
    replays: &Replays,
    request: AdmittedRequest<'_>,
) -> (InboundResult, Response) {
    let (is_form, bytes) = match request.posted(MEDIA_TYPE).await {
        Ok(posted) => posted,
        Err(refusal) => return (refusal.result(), refusal.response()),
    };
    let Some(token) = is_form.then(|| the_token(&bytes)).flatten() else {
        return refused("the body has to be a form with one logout_token");
    };
    match take(effects, source, replays, &token).await {
        Ok(()) => (InboundResult::Ok, empty(StatusCode::OK)),
        Err(Refusal::Token(reason)) => refused(reason.message()),
        Err(Refusal::Malformed(StatusCode::BAD_REQUEST, message)) => refused(message),
        Err(refusal) => (refusal.result(), refusal.response()),
    }
}

/// The one logout token of the form.
fn the_token(body: &[u8]) -> Option<Bytes> {
    let mut tokens = form_urlencoded::parse(body).filter(|(name, _)| name == "logout_token");
    let (_, token) = tokens.next()?;
    tokens.next().is_none().then(|| Bytes::from(token.into_owned()))
}

async fn take(
    effects: &Effects,
    source: &EventSource,
    replays: &Replays,
    raw: &Bytes,
) -> Result<(), Refusal> {
    let expected = ExpectedEvent {
        kind: EventTokenKind::Logout { untyped: source.takes_untyped() },
        issuer: source.issuer(),
        audiences: source.audiences(),
    };
    let (now, deadline) = (SystemTime::now(), Instant::now() + TIME);
    let snapshot = effects.authorizer.snapshot();
    let verified = snapshot.verifier().verify_event(raw, expected, now, deadline).await;
    let token = verified.map_err(|denial| Refusal::of_denial(&denial))?;
    let (user, session) = (text(&token, "sub")?, text(&token, "sid")?);
    if user.is_none() && session.is_none() {
        return Err(Refusal::CLAIMS);
    }
    if replays.has(source.name(), &token.jti).await {
        // Its sender sends no token twice (section 2.6).
        let message = "this logout token was obeyed before";
        return Err(Refusal::Malformed(StatusCode::BAD_REQUEST, message));
    }
    obey(effects, source, &token, (user, session)).await?;
    replays.note(source.name(), &token.jti).await;
    tracing::info!(
        source = source.name(),
        issuer = source.issuer(),
        session = session.is_some(),
        "a logout was obeyed"
    );
    Ok(())
}

/// The session, where the token names one; else the user with all sessions.
async fn obey(
    effects: &Effects,
    source: &EventSource,
    token: &EventToken,
    (user, session): (Option<&str>, Option<&str>),
) -> Result<(), Refusal> {
    // A token that was issued later belongs to a later sign-in.
    let not_before = token.issued_at.saturating_add(1);
    let tenant = token.tenant.as_deref();
    let of = Revoked { issuer: source.issuer(), tenant, not_before };
    if let Some(session) = session {
        effects.revoke_session(of, session).await?;
    }
    match user {
        Some(user) if session.is_none() || source.session_is_user() => {
            effects.revoke_user(of, user).await
        }
        Some(_) | None => Ok(()),
    }
}

fn text<'a>(token: &'a EventToken, name: &str) -> Result<Option<&'a str>, Refusal> {
    match token.claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
        Some(_) => Err(Refusal::CLAIMS),
    }
}

fn refused(description: &str) -> (InboundResult, Response) {
    let body = json!({ "error": "invalid_request", "error_description": description });
    (InboundResult::TokenRefused, plain_json(StatusCode::BAD_REQUEST, &body))
}
