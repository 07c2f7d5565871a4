//! What changes state: revoke, forget keys or profiles, the log's level, reload. For the control
//! listener only, a Unix socket whose peers are known by their credentials.
//!
//! In: small JSON bodies, and who the peer is. Out: JSON, a line in the log and a count for each
//! command, refused ones included.

mod commands;
#[cfg(test)]
mod tests;

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    Extension, Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Request, State, rejection::BytesRejection},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{
    authz::Authorizer,
    config::LogLevel,
    log_throttle::LogThrottle,
    metrics::{CommandResult, ControlCommand, Label as _, Metrics},
};

/// The most bytes of a command.
const MAX_BODY: usize = 16 * 1024;

/// Who is on the other end of the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControlPeer {
    /// The user id of its process.
    pub uid: u32,
    /// The process id, where the system tells.
    pub pid: Option<i32>,
    /// May give commands.
    pub allowed: bool,
}

/// How reading the configuration again ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReloadOutcome {
    /// What is new is in force, under this number.
    InForce(u64),
    /// Nothing is new.
    Unchanged(u64),
    /// It is no good: every problem. The last good one stays in force.
    Refused(Vec<String>),
    /// The process is ending.
    Ending,
}

/// What belongs to the process rather than to its configuration.
pub struct ProcessCommands {
    /// Sets the least level that is logged.
    pub set_level: fn(LogLevel) -> Result<(), String>,
    /// Reads the configuration again.
    pub reload: Box<dyn Fn() -> BoxFuture<'static, ReloadOutcome> + Send + Sync>,
}

/// What commands act on.
pub struct ControlState {
    authorizer: Arc<Authorizer>,
    metrics: Arc<Metrics>,
    process: ProcessCommands,
    /// Of the line about a peer that may not give commands. The peer is told each time.
    log_throttle: LogThrottle,
}

impl std::fmt::Debug for ControlState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ControlState").finish_non_exhaustive()
    }
}

impl ControlState {
    /// Over the configuration in force, whichever that is when a command comes.
    #[must_use]
    pub fn new(
        authorizer: Arc<Authorizer>,
        metrics: Arc<Metrics>,
        process: ProcessCommands,
    ) -> Self {
        Self { authorizer, metrics, process, log_throttle: LogThrottle::per_second(1) }
    }
}

/// Why a command was not carried out.
#[derive(Debug)]
struct CommandError {
    status: StatusCode,
    result: CommandResult,
    message: String,
}

impl CommandError {
    fn new(status: StatusCode, result: CommandResult, message: impl ToString) -> Self {
        Self { status, result, message: message.to_string() }
    }

    fn invalid(message: impl ToString) -> Self {
        Self::new(StatusCode::BAD_REQUEST, CommandResult::Invalid, message)
    }
}

/// What a command was about, for the log; and what came of it.
struct CommandReply {
    about: String,
    answer: Value,
}

type CommandOutcome = Result<CommandReply, CommandError>;

/// The commands.
pub fn router(control: Arc<ControlState>) -> Router {
    let of = |command: ControlCommand, act: fn(&ControlState, &[u8]) -> CommandOutcome| {
        move |State(control): State<Arc<ControlState>>,
              Extension(peer): Extension<ControlPeer>,
              body: Result<Bytes, BytesRejection>| async move {
            let outcome = match body {
                Ok(body) => act(&control, &body),
                Err(rejection) => Err(CommandError::new(
                    rejection.status(),
                    CommandResult::Invalid,
                    rejection.body_text(),
                )),
            };
            control.answer(peer, command, outcome)
        }
    };
    let unknown = of(ControlCommand::Unknown, |_, _| {
        Err(CommandError::new(
            StatusCode::NOT_FOUND,
            CommandResult::Invalid,
            "there is no such command",
        ))
    });
    Router::new()
        .route("/revoke", post(of(ControlCommand::Revoke, commands::revoke)))
        .route("/unrevoke", post(of(ControlCommand::Unrevoke, commands::unrevoke)))
        .route("/revocations", get(of(ControlCommand::Revocations, commands::revocations)))
        .route("/keys/forget", post(of(ControlCommand::ForgetKeys, commands::forget_keys)))
        .route(
            "/profiles/invalidate",
            post(of(ControlCommand::ForgetProfiles, commands::forget_profiles)),
        )
        .route("/log-level", post(of(ControlCommand::LogLevel, commands::log_level)))
        .route("/reload", post(reload))
        .fallback(unknown)
        .method_not_allowed_fallback(of(ControlCommand::Unknown, |_, _| {
            let message = "this command is given by another method";
            let status = StatusCode::METHOD_NOT_ALLOWED;
            Err(CommandError::new(status, CommandResult::Invalid, message))
        }))
        .layer(middleware::from_fn_with_state(control.clone(), only_allowed_peers))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(control)
}

async fn reload(
    State(control): State<Arc<ControlState>>,
    Extension(peer): Extension<ControlPeer>,
) -> Response {
    let outcome = commands::reloaded((control.process.reload)().await);
    control.answer(peer, ControlCommand::Reload, outcome)
}

/// Nothing of a request is read before its peer may ask.
async fn only_allowed_peers(
    State(control): State<Arc<ControlState>>,
    Extension(peer): Extension<ControlPeer>,
    request: Request,
    next: Next,
) -> Response {
    if peer.allowed {
        return next.run(request).await;
    }
    control.metrics.command_ended(ControlCommand::Unknown, CommandResult::Denied);
    if let Some(dropped) = control.log_throttle.admit() {
        tracing::warn!(uid = peer.uid, pid = peer.pid, dropped, "a peer may not give commands");
    }
    let message = "this user may not give commands; see listeners.control.allowed_uids";
    (StatusCode::FORBIDDEN, Json(json!({ "error": "denied", "message": message }))).into_response()
}

impl ControlState {
    /// Answers, counts, and leaves a trace of who did what.
    fn answer(
        &self,
        peer: ControlPeer,
        command: ControlCommand,
        outcome: CommandOutcome,
    ) -> Response {
        let name = command.as_str();
        match outcome {
            Ok(CommandReply { about, answer }) => {
                self.metrics.command_ended(command, CommandResult::Ok);
                let about = about.as_str();
                tracing::info!(uid = peer.uid, pid = peer.pid, command = name, about, "commanded");
                Json(answer).into_response()
            }
            Err(CommandError { status, result, message }) => {
                self.metrics.command_ended(command, result);
                let (why, result) = (message.as_str(), result.as_str());
                tracing::warn!(
                    uid = peer.uid,
                    pid = peer.pid,
                    command = name,
                    result,
                    why,
                    "a command was refused"
                );
                (status, Json(json!({ "error": result, "message": message }))).into_response()
            }
        }
    }
}

/// A body as its command wants it; none is as good as an empty one.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, CommandError> {
    let body = if body.trim_ascii().is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(CommandError::invalid)
}

/// Unix seconds.
fn seconds(now: SystemTime) -> u64 {
    now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
