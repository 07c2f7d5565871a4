//! `control`: gives a running server one command over its control socket, where nothing else in the
//! container could: the image has neither a shell nor curl.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use bytes::Bytes;
use clap::{Args, ValueEnum};
use http::{Method, Request, header::HOST};
use http_body_util::Full;

use super::{ConfigArgs, ExitResult, Failure, block_on, http_client};
use crate::config;

/// Give a running server a command.
#[derive(Args, Clone, Debug)]
pub(super) struct ControlArgs {
    /// The command
    #[arg(value_enum)]
    command: ControlCommand,
    /// The members that the command needs, as JSON: '{"user_id": "user_123"}'
    #[arg(value_name = "JSON")]
    body: Option<String>,
    #[command(flatten)]
    config: ConfigArgs,
    /// Path of the control socket [default: listeners.control.address as configured]
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// How long to wait for the response
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = humantime::parse_duration)]
    timeout: Duration,
}

/// A page of the control socket.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ControlCommand {
    /// End a token, a session, or every token of a user up to now
    Revoke,
    /// Take a revocation back
    Unrevoke,
    /// Count the revocations
    Revocations,
    /// Drop the keys of an issuer, and fetch them again
    ForgetKeys,
    /// Read profiles again
    InvalidateProfiles,
    /// Read the configuration again
    Reload,
    /// Change the log level until the next restart
    LogLevel,
}

impl ControlCommand {
    const fn path(self) -> &'static str {
        match self {
            Self::Revoke => "/revoke",
            Self::Unrevoke => "/unrevoke",
            Self::Revocations => "/revocations",
            Self::ForgetKeys => "/keys/forget",
            Self::InvalidateProfiles => "/profiles/invalidate",
            Self::Reload => "/reload",
            Self::LogLevel => "/log-level",
        }
    }

    const fn method(self) -> Method {
        match self {
            Self::Revocations => Method::GET,
            Self::Revoke
            | Self::Unrevoke
            | Self::ForgetKeys
            | Self::InvalidateProfiles
            | Self::Reload
            | Self::LogLevel => Method::POST,
        }
    }
}

pub(super) fn run(args: &ControlArgs) -> ExitResult {
    let socket = match &args.socket {
        Some(socket) => socket.clone(),
        None => config::control_socket(args.config.config.as_deref(), &config::environment())
            .map_err(Failure::bad_input)?
            .ok_or_else(|| {
                Failure::bad_input(
                    "the configuration has no control socket; write listeners.control: { address: \
                     unix:/run/rownd-authz/control.sock }, or name one with --socket",
                )
            })?,
    };
    let body = args.body.clone().unwrap_or_default();
    let request = Request::builder()
        .method(args.command.method())
        .uri(args.command.path())
        .header(HOST, "localhost")
        .body(Full::<Bytes>::from(body))
        .map_err(Failure::bad_input)?;
    let shown = socket.display();
    // The timer is the runtime's, so it is made there.
    let asked = block_on(async {
        tokio::time::timeout(args.timeout, http_client::send_unix(&socket, request)).await
    })?;
    match asked {
        Ok(Ok(response)) => {
            println!("{}", String::from_utf8_lossy(response.body()).trim_end());
            if response.status().is_success() {
                return Ok(ExitCode::SUCCESS);
            }
            Err(Failure::no(format!("{shown} answered {}", response.status())))
        }
        Ok(Err(error)) => Err(Failure::bad_input(format!("cannot ask {shown}: {error}"))),
        Err(_elapsed) => {
            Err(Failure::bad_input(format!("no response from {shown} within {:?}", args.timeout)))
        }
    }
}
