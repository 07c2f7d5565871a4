//! Each command: what it takes, what it checks, what it does.

use std::time::{Duration, SystemTime};

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::{
    CommandError, CommandOutcome, CommandReply, ControlState, ReloadOutcome, read, seconds,
};
use crate::{
    authz::Snapshot,
    config::{LogLevel, Span},
    metrics::CommandResult,
    verify::{RevokeError, Subject},
};

/// The longest id that can stand in a token.
const MAX_ID: usize = 6144;
/// Ids are shown up to this in the log.
const MAX_SHOWN: usize = 256;
/// A cut-off may lie ahead by this much, for clocks that differ.
const MAX_AHEAD: u64 = 300;

/// What is revoked: exactly one of the three.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revoke {
    issuer: Option<String>,
    jti: Option<String>,
    session_id: Option<String>,
    user_id: Option<String>,
    not_before: Option<u64>,
    ttl: Option<Span>,
    expires_at: Option<u64>,
}

impl Revoke {
    fn subject(&self, now: u64) -> Result<Subject<'_>, CommandError> {
        if self.not_before.is_some() && self.user_id.is_none() {
            return Err(CommandError::invalid("`not_before` goes with `user_id` only"));
        }
        let subject = match (&self.jti, &self.session_id, &self.user_id) {
            (Some(id), None, None) => Subject::Token(id),
            (None, Some(id), None) => Subject::Session(id),
            (None, None, Some(id)) => {
                // Everything issued up to now, this second included.
                let not_before = self.not_before.unwrap_or(now.saturating_add(1));
                if not_before > now.saturating_add(MAX_AHEAD) {
                    return Err(CommandError::invalid("`not_before` is more than 300 s ahead"));
                }
                Subject::User { id, not_before }
            }
            _ => {
                return Err(CommandError::invalid(
                    "write exactly one of `jti`, `session_id`, `user_id`",
                ));
            }
        };
        let (Subject::Token(id) | Subject::Session(id) | Subject::User { id, .. }) = subject;
        if id.is_empty() || id.len() > MAX_ID {
            return Err(CommandError::invalid("the id is empty, or longer than any id of a token"));
        }
        Ok(subject)
    }

    /// How long it is kept from now on; `None`: for as long as a token can live.
    fn keep(&self, now: u64) -> Result<Option<Duration>, CommandError> {
        match (self.ttl, self.expires_at) {
            (Some(_), Some(_)) => Err(CommandError::invalid("write either `ttl` or `expires_at`")),
            (Some(ttl), None) => Ok(Some(ttl.get())),
            (None, Some(end)) if end <= now => {
                Err(CommandError::invalid("`expires_at` has passed: the token is dead already"))
            }
            (None, Some(end)) => Ok(Some(Duration::from_secs(end - now))),
            (None, None) => Ok(None),
        }
    }

    fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// For the log.
    fn about(&self, subject: Subject<'_>) -> String {
        let (kind, id) = match subject {
            Subject::Token(id) => ("jti", id),
            Subject::Session(id) => ("session", id),
            Subject::User { id, .. } => ("user", id),
        };
        let id: String = id.chars().take(MAX_SHOWN).collect();
        let issuer = self.issuer().unwrap_or("every issuer");
        match subject {
            Subject::User { not_before, .. } => {
                format!("{kind} {id} before {not_before} of {issuer}")
            }
            _ => format!("{kind} {id} of {issuer}"),
        }
    }
}

impl From<RevokeError> for CommandError {
    fn from(error: RevokeError) -> Self {
        match error {
            RevokeError::IssuerUnknown => {
                Self::new(StatusCode::NOT_FOUND, CommandResult::Invalid, error)
            }
            RevokeError::TooLong(_) => Self::invalid(error),
            RevokeError::Full(_) => {
                Self::new(StatusCode::INSUFFICIENT_STORAGE, CommandResult::Full, error)
            }
        }
    }
}

pub(super) fn revoke(control: &ControlState, body: &[u8]) -> CommandOutcome {
    let order: Revoke = read(body)?;
    let now = SystemTime::now();
    let subject = order.subject(seconds(now))?;
    let keep = order.keep(seconds(now))?;
    let revoke = |snapshot: &Snapshot| {
        let verifier = snapshot.verifier();
        let new = verifier.revoke(order.issuer(), subject, keep, now)?;
        Ok::<_, RevokeError>((new, verifier.revocations().counts()))
    };
    let (new, entries) = control.authorizer.command(revoke)?;
    Ok(CommandReply {
        about: order.about(subject),
        answer: json!({ "revoked": true, "new": new, "entries": entries }),
    })
}

pub(super) fn unrevoke(control: &ControlState, body: &[u8]) -> CommandOutcome {
    let order: Revoke = read(body)?;
    if order.not_before.is_some() || order.ttl.is_some() || order.expires_at.is_some() {
        return Err(CommandError::invalid("a revocation is taken back whole: leave out the times"));
    }
    let subject = order.subject(seconds(SystemTime::now()))?;
    let snapshot = control.authorizer.snapshot();
    let taken = snapshot.verifier().restore(order.issuer(), subject)?;
    Ok(CommandReply { about: order.about(subject), answer: json!({ "taken_back": taken }) })
}

/// How many there are. Not which: they are kept as digests.
pub(super) fn revocations(control: &ControlState, _: &[u8]) -> CommandOutcome {
    let counts = control.authorizer.snapshot().verifier().revocations().counts();
    Ok(CommandReply { about: String::new(), answer: json!(counts) })
}

pub(super) fn forget_keys(control: &ControlState, body: &[u8]) -> CommandOutcome {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        issuer: Option<String>,
    }
    let order: Order = read(body)?;
    let issuer = order.issuer.as_deref();
    let forgotten = control.authorizer.command(|now| now.verifier().forget_keys(issuer));
    if forgotten == 0 {
        return Err(RevokeError::IssuerUnknown.into());
    }
    let about = order.issuer.unwrap_or_else(|| "every issuer".to_owned());
    Ok(CommandReply { about, answer: json!({ "issuers": forgotten }) })
}

pub(super) fn forget_profiles(control: &ControlState, body: &[u8]) -> CommandOutcome {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        user_id: Option<String>,
    }
    let order: Order = read(body)?;
    let user = order.user_id.as_deref();
    let forgotten = control.authorizer.command(|now| now.profiles().invalidate(user));
    let shown = user.map(|id| id.chars().take(MAX_SHOWN).collect());
    let about = shown.unwrap_or_else(|| "every user".to_owned());
    Ok(CommandReply { about, answer: json!({ "profiles": forgotten }) })
}

pub(super) fn log_level(control: &ControlState, body: &[u8]) -> CommandOutcome {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        level: LogLevel,
    }
    let Order { level } = read(body)?;
    (control.process.set_level)(level).map_err(|why| {
        CommandError::new(StatusCode::INTERNAL_SERVER_ERROR, CommandResult::Failed, why)
    })?;
    Ok(CommandReply { about: level.as_str().to_owned(), answer: json!({ "level": level }) })
}

/// What a reload came to.
pub(super) fn reloaded(outcome: ReloadOutcome) -> CommandOutcome {
    let done = |result: &str, epoch: u64| CommandReply {
        about: format!("{result}, epoch {epoch}"),
        answer: json!({ "result": result, "epoch": epoch }),
    };
    match outcome {
        ReloadOutcome::InForce(epoch) => Ok(done("in_force", epoch)),
        ReloadOutcome::Unchanged(epoch) => Ok(done("unchanged", epoch)),
        ReloadOutcome::Refused(problems) => Err(CommandError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            CommandResult::Invalid,
            problems.join("; "),
        )),
        ReloadOutcome::Ending => {
            let message = "the process is ending";
            Err(CommandError::new(StatusCode::SERVICE_UNAVAILABLE, CommandResult::Failed, message))
        }
    }
}
