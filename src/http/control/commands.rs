//! Each command: its request, its checks and its effect.

use std::time::{Duration, SystemTime};

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    CommandError, CommandOutcome, CommandReply, ControlState, ReloadOutcome, labels::CommandResult,
    parse_body, unix_seconds,
};
use crate::{
    authz::Snapshot,
    config::{LogLevel, Span},
    shared::SharedError,
    verify::{CommandTarget, RevokeError, RevokedSubject},
};

/// The longest id that a token can hold, in bytes.
const MAX_ID_BYTES: usize = 6144;
/// The most characters of an id in the log.
const MAX_LOGGED: usize = 256;
/// A cut-off may lie in the future by so many seconds, for clocks that differ.
const MAX_AHEAD_SECONDS: u64 = 300;

/// A request to revoke: exactly one of the three ids.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RevokeRequest {
    issuer: Option<String>,
    tenant: Option<String>,
    jti: Option<String>,
    session_id: Option<String>,
    user_id: Option<String>,
    not_before: Option<u64>,
    ttl: Option<Span>,
    expires_at: Option<u64>,
}

impl RevokeRequest {
    fn subject(&self, now: u64) -> Result<RevokedSubject<'_>, CommandError> {
        if self.not_before.is_some() && self.user_id.is_none() {
            return Err(CommandError::invalid("`not_before` can only be given with `user_id`"));
        }
        let subject = match (&self.jti, &self.session_id, &self.user_id) {
            (Some(id), None, None) => RevokedSubject::Token(id),
            (None, Some(id), None) => RevokedSubject::Session(id),
            (None, None, Some(id)) => {
                // Everything issued up to now, this second included.
                let not_before = self.not_before.unwrap_or(now.saturating_add(1));
                if not_before > now.saturating_add(MAX_AHEAD_SECONDS) {
                    return Err(CommandError::invalid("`not_before` is more than 300 s ahead"));
                }
                RevokedSubject::User { id, not_before }
            }
            _ => {
                return Err(CommandError::invalid(
                    "write exactly one of `jti`, `session_id`, `user_id`",
                ));
            }
        };
        let (RevokedSubject::Token(id)
        | RevokedSubject::Session(id)
        | RevokedSubject::User { id, .. }) = subject;
        if id.is_empty() || id.len() > MAX_ID_BYTES {
            return Err(CommandError::invalid("the id is empty, or longer than a token can hold"));
        }
        Ok(subject)
    }

    /// How long the revocation is kept from now on; `None`: for as long as a token can be valid.
    fn lifetime(&self, now: u64) -> Result<Option<Duration>, CommandError> {
        match (self.ttl, self.expires_at) {
            (Some(_), Some(_)) => Err(CommandError::invalid("write either `ttl` or `expires_at`")),
            (Some(ttl), None) => Ok(Some(ttl.get())),
            (None, Some(end)) if end <= now => {
                Err(CommandError::invalid("`expires_at` has passed: the token has expired already"))
            }
            (None, Some(end)) => Ok(Some(Duration::from_secs(end - now))),
            (None, None) => Ok(None),
        }
    }

    fn target(&self) -> Result<CommandTarget<'_>, CommandError> {
        target(self.issuer.as_deref(), self.tenant.as_deref())
    }

    /// The revoked id, for the log.
    fn describe(&self, subject: RevokedSubject<'_>) -> String {
        let (kind, id) = match subject {
            RevokedSubject::Token(id) => ("jti", id),
            RevokedSubject::Session(id) => ("session", id),
            RevokedSubject::User { id, .. } => ("user", id),
        };
        let id: String = id.chars().take(MAX_LOGGED).collect();
        let issuer = about_issuer(self.issuer.as_deref(), self.tenant.as_deref());
        match subject {
            RevokedSubject::User { not_before, .. } => {
                format!("{kind} {id} before {not_before} of {issuer}")
            }
            _ => format!("{kind} {id} of {issuer}"),
        }
    }
}

/// The issuers that a request names.
fn target<'a>(
    issuer: Option<&'a str>,
    tenant: Option<&'a str>,
) -> Result<CommandTarget<'a>, CommandError> {
    if tenant.is_some() && issuer.is_none() {
        return Err(CommandError::invalid("`tenant` can only be given with `issuer`"));
    }
    Ok(CommandTarget { issuer, tenant })
}

/// The issuers that a request names, for the log.
fn about_issuer(issuer: Option<&str>, tenant: Option<&str>) -> String {
    let issuer = issuer.unwrap_or("every issuer");
    tenant.map_or_else(|| issuer.to_owned(), |tenant| format!("{issuer}, tenant {tenant}"))
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

/// The command is obeyed here, and the other replicas do not know it.
fn not_shared(error: &SharedError) -> CommandError {
    CommandError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        CommandResult::NotShared,
        format!(
            "{error}; this replica obeys the command, and sends it to the others when the shared \
             state answers: give the command again until it succeeds"
        ),
    )
}

pub(super) async fn revoke(control: &ControlState, body: &[u8]) -> CommandOutcome {
    let request: RevokeRequest = parse_body(body)?;
    let now = SystemTime::now();
    let subject = request.subject(unix_seconds(now))?;
    let lifetime = request.lifetime(unix_seconds(now))?;
    let target = request.target()?;
    let revoke = |snapshot: &Snapshot| {
        let verifier = snapshot.verifier();
        let new = verifier.revoke(target, subject, lifetime, now)?;
        Ok::<_, RevokeError>((new, verifier.revocations().counts()))
    };
    let (new, entries) = control.authorizer.command(revoke)?;
    let mut body = Map::new();
    body.insert("revoked".to_owned(), json!(true));
    body.insert("new".to_owned(), json!(new));
    body.insert("entries".to_owned(), json!(entries));
    if let Some(replica) = &control.replica {
        let spread = replica.share().await.map_err(|error| not_shared(&error))?;
        body.insert("replicas".to_owned(), json!(spread));
    }
    let body = Value::Object(body);
    Ok(CommandReply { about: request.describe(subject), body })
}

pub(super) async fn unrevoke(control: &ControlState, body: &[u8]) -> CommandOutcome {
    let request: RevokeRequest = parse_body(body)?;
    if request.not_before.is_some() || request.ttl.is_some() || request.expires_at.is_some() {
        return Err(CommandError::invalid(
            "a revocation is removed as a whole: leave out `not_before`, `ttl` and `expires_at`",
        ));
    }
    let subject = request.subject(unix_seconds(SystemTime::now()))?;
    let (snapshot, target) = (control.authorizer.snapshot(), request.target()?);
    let verifier = snapshot.verifier();
    let about = request.describe(subject);
    let Some(replica) = &control.replica else {
        let taken = verifier.restore(target, subject)?;
        return Ok(CommandReply { about, body: json!({ "taken_back": taken }) });
    };
    let issuers = verifier.revoking(target).ok_or(RevokeError::IssuerUnknown)?;
    let (taken, spread) = replica.take_back(&issuers, subject).await.map_err(|error| {
        let message = format!("{error}; a revocation is only taken back from all replicas at once");
        CommandError::new(StatusCode::SERVICE_UNAVAILABLE, CommandResult::NotShared, message)
    })?;
    Ok(CommandReply { about, body: json!({ "taken_back": taken, "replicas": spread }) })
}

/// The number of revocations. Which they are cannot be told: they are kept as digests.
pub(super) fn revocations(control: &ControlState, _: &[u8]) -> CommandOutcome {
    let counts = control.authorizer.snapshot().verifier().revocations().counts();
    Ok(CommandReply { about: String::new(), body: json!(counts) })
}

pub(super) fn forget_keys(control: &ControlState, body: &[u8]) -> CommandOutcome {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct ForgetKeysRequest {
        issuer: Option<String>,
        tenant: Option<String>,
    }
    let request: ForgetKeysRequest = parse_body(body)?;
    let (issuer, tenant) = (request.issuer.as_deref(), request.tenant.as_deref());
    let target = target(issuer, tenant)?;
    let forgotten = control.authorizer.command(|now| now.verifier().forget_keys(target));
    if forgotten == 0 {
        return Err(RevokeError::IssuerUnknown.into());
    }
    let about = about_issuer(issuer, tenant);
    Ok(CommandReply { about, body: json!({ "issuers": forgotten }) })
}

pub(super) fn forget_profiles(control: &ControlState, body: &[u8]) -> CommandOutcome {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct ForgetProfilesRequest {
        user_id: Option<String>,
    }
    let request: ForgetProfilesRequest = parse_body(body)?;
    let user = request.user_id.as_deref();
    let forgotten = control.authorizer.command(|now| now.service().profiles().invalidate(user));
    let shown = user.map(|id| id.chars().take(MAX_LOGGED).collect());
    let about = shown.unwrap_or_else(|| "every user".to_owned());
    Ok(CommandReply { about, body: json!({ "profiles": forgotten }) })
}

pub(super) fn log_level(control: &ControlState, body: &[u8]) -> CommandOutcome {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct LogLevelRequest {
        level: LogLevel,
    }
    let LogLevelRequest { level } = parse_body(body)?;
    (control.process.set_level)(level).map_err(|why| {
        CommandError::new(StatusCode::INTERNAL_SERVER_ERROR, CommandResult::Failed, why)
    })?;
    Ok(CommandReply { about: level.as_str().to_owned(), body: json!({ "level": level }) })
}

/// The reply to a reload.
pub(super) fn reloaded(outcome: ReloadOutcome) -> CommandOutcome {
    let done = |result: &str, epoch: u64| CommandReply {
        about: format!("{result}, epoch {epoch}"),
        body: json!({ "result": result, "epoch": epoch }),
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
