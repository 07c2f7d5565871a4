//! One security event token: verified, read, and obeyed once.
//!
//! In: a raw token and the source that it came from. Out: revocations at the issuer of the source; or
//! the error of RFC 8935 section 2.4, or that it cannot be decided now.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::{
    event::{self, EventEffect},
    replays::Replays,
    subject::{self, Subject, SubjectProblem},
};
use crate::{
    config::EventSource,
    http::inbound::{
        answer::{Refusal, is_undecided},
        effect::{Effects, Revoked},
    },
    model::{Denial, DenyReason, visible},
    verify::{EventToken, EventTokenKind, ExpectedEvent},
};

/// The longest time that one token may take.
const TIME: Duration = Duration::from_secs(8);
/// The most events of one token: all of them are about one subject.
const MAX_EVENTS: usize = 16;

/// How a token was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// It was obeyed.
    Obeyed,
    /// It has come before.
    Before,
    /// None of its events has an effect here.
    WithoutEffect,
}

/// Why a token is not taken.
#[derive(Debug)]
pub(super) enum SetRefusal {
    /// It never will be: an error code of RFC 8935, and a description.
    Never(&'static str, &'static str),
    /// It cannot be decided now.
    Now(Refusal),
}

/// An event of a token, as it is to be obeyed.
#[derive(Debug, PartialEq, Eq)]
struct Planned {
    name: &'static str,
    /// The type as the token names it, cut for the log.
    uri: String,
    effect: EventEffect,
    subjects: Vec<Subject>,
    /// Tokens issued before it are revoked, Unix seconds.
    not_before: u64,
}

/// The most characters of a text of the transmitter in the log.
const MAX_LOGGED: usize = 128;

/// Verifies the token and obeys its events.
///
/// # Errors
///
/// Fails where the token is refused, or cannot be judged or obeyed now.
pub(super) async fn take(
    effects: &Effects,
    source: &EventSource,
    replays: &Replays,
    raw: &Bytes,
) -> Result<Taken, SetRefusal> {
    let expected = ExpectedEvent {
        kind: EventTokenKind::SecurityEvent,
        issuer: source.issuer(),
        audiences: source.audiences(),
    };
    let (now, deadline) = (SystemTime::now(), Instant::now() + TIME);
    let snapshot = effects.authorizer.snapshot();
    let verified = snapshot.verifier().verify_event(raw, expected, now, deadline).await;
    let token = verified.map_err(|denial| of_denial(&denial))?;
    let planned = plan(&token)?;
    if replays.has(source.name(), &token.jti).await {
        return Ok(Taken::Before);
    }
    for event in &planned {
        obey(effects, source, &token, event).await.map_err(SetRefusal::Now)?;
    }
    replays.note(source.name(), &token.jti).await;
    let has_effect = planned.iter().any(|event| event.effect != EventEffect::None);
    Ok(if has_effect { Taken::Obeyed } else { Taken::WithoutEffect })
}

/// The events of the token, each with its effect. Nothing is done before all of it is understood.
fn plan(token: &EventToken) -> Result<Vec<Planned>, SetRefusal> {
    let malformed = |description| SetRefusal::Never("invalid_request", description);
    let events = token.claims.get("events").and_then(Value::as_object);
    let events = events.filter(|events| events.len() <= MAX_EVENTS);
    let events = events.ok_or_else(|| malformed("the token has too many events, or none"))?;
    let each = events.iter().map(|(uri, payload)| {
        let payload = payload.as_object().ok_or_else(|| malformed("an event is not an object"))?;
        let effect = event::effect(uri);
        let subjects = match effect {
            EventEffect::Revoke => subjects(token, payload).map_err(|problem| {
                malformed(match problem {
                    SubjectProblem::Missing => "an event has no subject",
                    SubjectProblem::Malformed => "the subject does not have the form of its format",
                    SubjectProblem::Contradiction => {
                        "`sub` and the subject name different users: leave `sub` out"
                    }
                    SubjectProblem::OtherIssuer => "the subject is that of another issuer",
                    SubjectProblem::Unknown => "tokens of the issuer do not name such a subject",
                })
            })?,
            EventEffect::Verification | EventEffect::None => Vec::new(),
        };
        let happened =
            happened_at(token, payload).ok_or_else(|| malformed("a time is no number"))?;
        let not_before = happened.saturating_add(1);
        let (name, uri) = (event::short_name(uri), for_log(uri));
        Ok(Planned { name, uri, effect, subjects, not_before })
    });
    each.collect()
}

/// The subject of the token, or of the event as it was before there was one of the token; or `sub`.
fn subjects(
    token: &EventToken,
    payload: &Map<String, Value>,
) -> Result<Vec<Subject>, SubjectProblem> {
    let sub = match token.claims.get("sub") {
        None => None,
        Some(Value::String(sub)) if !sub.is_empty() => Some(sub),
        Some(_) => return Err(SubjectProblem::Malformed),
    };
    let Some(id) = token.claims.get("sub_id").or_else(|| payload.get("subject")) else {
        return sub
            .map_or(Err(SubjectProblem::Missing), |sub| Ok(vec![Subject::User(sub.clone())]));
    };
    let found = subject::read(id, &token.iss)?;
    // `sub` is the same subject, or the token contradicts itself.
    let contradicts = |subject: &Subject| match subject {
        Subject::User(id) | Subject::Session(_, Some(id)) => sub.is_some_and(|sub| sub != id),
        Subject::Session(_, None) | Subject::Token(_) | Subject::Opaque(_) => false,
    };
    if found.iter().any(contradicts) { Err(SubjectProblem::Contradiction) } else { Ok(found) }
}

/// When the event happened, in Unix seconds: never later than the token was issued, so that a token
/// that comes again revokes nothing that was issued since. `None`: the time is no number.
fn happened_at(token: &EventToken, payload: &Map<String, Value>) -> Option<u64> {
    let told = payload.get("event_timestamp").or_else(|| token.claims.get("toe"));
    let Some(told) = told else { return Some(token.issued_at) };
    let seconds = match told.as_u64() {
        Some(whole) => whole,
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        None => told.as_f64().filter(|float| *float >= 0.0)?.floor() as u64,
    };
    Some(seconds.min(token.issued_at))
}

async fn obey(
    effects: &Effects,
    source: &EventSource,
    token: &EventToken,
    event: &Planned,
) -> Result<(), Refusal> {
    for subject in &event.subjects {
        let of = Revoked {
            issuer: source.issuer(),
            tenant: token.tenant.as_deref(),
            not_before: event.not_before,
        };
        match subject {
            Subject::User(user) => effects.revoke_user(of, user).await?,
            Subject::Session(session, user) => {
                effects.revoke_session(of, session).await?;
                if let Some(user) = user.as_ref().filter(|_| source.session_is_user()) {
                    effects.revoke_user(of, user).await?;
                }
            }
            Subject::Token(token) => effects.revoke_token(of, token).await?,
            Subject::Opaque(id) => {
                effects.revoke_session(of, id).await?;
                effects.revoke_user(of, id).await?;
            }
        }
    }
    let what = match event.effect {
        EventEffect::Revoke => "an event was obeyed",
        EventEffect::Verification | EventEffect::None => "an event without effect was received",
    };
    tracing::info!(
        source = source.name(),
        issuer = source.issuer(),
        event = event.name,
        r#type = event.uri,
        jti = for_log(&token.jti),
        subjects = event.subjects.len(),
        not_before = event.not_before,
        "{what}"
    );
    Ok(())
}

/// A text of the transmitter, so that a line of the log stays short.
fn for_log(text: &str) -> String {
    visible(text).chars().take(MAX_LOGGED).collect()
}

/// The error code of RFC 8935 section 2.4 that a denial is.
fn of_denial(denial: &Denial) -> SetRefusal {
    let reason = denial.reason();
    if is_undecided(reason) {
        return SetRefusal::Now(Refusal::of_denial(denial));
    }
    let code = match reason {
        DenyReason::IssuerUntrusted => "invalid_issuer",
        DenyReason::AudienceMismatch => "invalid_audience",
        DenyReason::AlgorithmRefused
        | DenyReason::KidUnknown
        | DenyReason::KidMissing
        | DenyReason::SignatureInvalid => "invalid_key",
        _ => "invalid_request",
    };
    SetRefusal::Never(code, reason.message())
}
