//! The commands, which change state: revoke, forget keys or profiles, set the log level, reload. They
//! are served on the control listener only, a Unix socket whose peers are known by their credentials.
//!
//! In: small JSON bodies, and the peer. Out: JSON, and for each command, also for a refused one, a
//! line in the log and a count.

mod commands;
mod labels;
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
    metrics::{Label as _, Metrics},
};

pub(super) use labels::{CommandResult, ControlCommand};

/// The most bytes of the body of a command.
const MAX_BODY_BYTES: usize = 16 * 1024;

/// The process on the other end of the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControlPeer {
    /// Its user id.
    pub uid: u32,
    /// Its process id, where the system tells it.
    pub pid: Option<i32>,
    /// It may give commands.
    pub allowed: bool,
}

/// How a reload of the configuration ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReloadOutcome {
    /// The new configuration is in force, under this number.
    InForce(u64),
    /// Nothing has changed. The configuration in force has this number.
    Unchanged(u64),
    /// The new configuration is refused, for these problems. The last good one stays in force.
    Refused(Vec<String>),
    /// The process is ending.
    Ending,
}

/// The commands that act on the process rather than on its configuration.
pub struct ProcessCommands {
    /// Sets the least level that is logged.
    pub set_level: fn(LogLevel) -> Result<(), String>,
    /// Reads the configuration again.
    pub reload: Box<dyn Fn() -> BoxFuture<'static, ReloadOutcome> + Send + Sync>,
}

impl std::fmt::Debug for ProcessCommands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProcessCommands").finish_non_exhaustive()
    }
}

/// The parts that commands act on.
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
    /// A command acts on the configuration that is in force when it comes.
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
    #[expect(clippy::needless_pass_by_value, reason = "`map_err` gives the error away")]
    fn new(status: StatusCode, result: CommandResult, message: impl ToString) -> Self {
        Self { status, result, message: message.to_string() }
    }

    fn invalid(message: impl ToString) -> Self {
        Self::new(StatusCode::BAD_REQUEST, CommandResult::Invalid, message)
    }
}

/// The result of a command: what it was about, for the log, and the body of its response.
struct CommandReply {
    about: String,
    body: Value,
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
            control.respond(peer, command, outcome)
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
            let message = "this command needs another HTTP method";
            let status = StatusCode::METHOD_NOT_ALLOWED;
            Err(CommandError::new(status, CommandResult::Invalid, message))
        }))
        .layer(middleware::from_fn_with_state(control.clone(), only_allowed_peers))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(control)
}

async fn reload(
    State(control): State<Arc<ControlState>>,
    Extension(peer): Extension<ControlPeer>,
) -> Response {
    let outcome = commands::reloaded((control.process.reload)().await);
    control.respond(peer, ControlCommand::Reload, outcome)
}

/// Refuses a peer that may not give commands, before anything of its request is read.
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
        tracing::warn!(
            uid = peer.uid,
            pid = peer.pid,
            dropped,
            "a peer is not allowed to give commands"
        );
    }
    let message = "this user is not allowed to give commands; see listeners.control.allowed_uids";
    (StatusCode::FORBIDDEN, Json(json!({ "error": "denied", "message": message }))).into_response()
}

impl ControlState {
    /// Makes the response, counts the command, and logs who gave it.
    fn respond(
        &self,
        peer: ControlPeer,
        command: ControlCommand,
        outcome: CommandOutcome,
    ) -> Response {
        let name = command.as_str();
        match outcome {
            Ok(CommandReply { about, body }) => {
                self.metrics.command_ended(command, CommandResult::Ok);
                let about = about.as_str();
                tracing::info!(
                    uid = peer.uid,
                    pid = peer.pid,
                    command = name,
                    about,
                    "a command was carried out"
                );
                Json(body).into_response()
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

/// The request in a body. No body counts as an empty object.
fn parse_body<T: DeserializeOwned>(body: &[u8]) -> Result<T, CommandError> {
    let body = if body.trim_ascii().is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| {
        if error.is_syntax() || error.is_eof() {
            CommandError::invalid(
                "is no JSON; write the members as JSON: {\"user_id\": \"user_123\"}",
            )
        } else {
            CommandError::invalid(error)
        }
    })
}

/// Seconds since the Unix epoch.
fn unix_seconds(now: SystemTime) -> u64 {
    now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
