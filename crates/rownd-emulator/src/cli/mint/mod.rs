//! A token from a running emulator.
//!
//! In: arguments that describe the token. Out: the token, or why there is none. The keys stay in
//! the emulator: this is a client of its control endpoint.

use std::time::Duration;

use clap::Args;
use http::Method;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::{
    keys::rotation::SignedBy,
    mint::TokenOrder,
    outbound::{self, OutboundError},
};

/// The arguments that describe a token. `Debug` is safe: there is no secret in them.
#[derive(Args, Clone, Debug)]
pub struct MintArgs {
    /// Base URL of the emulator
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8787")]
    pub emulator: String,

    /// The user of the token: verified, unverified, guest, instant, disabled, or any user id
    #[arg(long, value_name = "USER", default_value = "verified")]
    pub user: String,

    /// App id; its audience, custom claims and lifetimes hold [default: the emulator's own]
    #[arg(long, value_name = "ID")]
    pub app: Option<String>,

    /// Sign in through an app variant; without an id, the emulator's own
    #[arg(long, value_name = "ID", num_args = 0..=1, default_missing_value = "demo")]
    pub variant: Option<String>,

    /// Lifetime, such as 90s, 5m or 1h [default: the app's own: 1h, and 30days with --refresh]
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub ttl: Option<Duration>,

    /// A token that expired an hour ago
    #[arg(long)]
    pub expired: bool,

    /// Set a claim to any JSON; repeatable
    #[arg(long = "claim", value_name = "NAME=JSON", value_parser = parse_member)]
    pub claims: Vec<(String, Value)>,

    /// Leave a claim out; repeatable
    #[arg(long = "remove-claim", value_name = "NAME")]
    pub remove_claims: Vec<String>,

    /// Set a header member to any JSON; repeatable
    #[arg(long = "header", value_name = "NAME=JSON", value_parser = parse_member)]
    pub headers: Vec<(String, Value)>,

    /// Leave a header member out; repeatable
    #[arg(long = "remove-header", value_name = "NAME")]
    pub remove_headers: Vec<String>,

    /// Name this key in the header, whichever key signs
    #[arg(long, value_name = "KID", conflicts_with = "no_kid")]
    pub kid: Option<String>,

    /// Name no key in the header
    #[arg(long)]
    pub no_kid: bool,

    /// A refresh token in place of an access token
    #[arg(long)]
    pub refresh: bool,

    /// Sign with a key that was never published, under the name of the current one
    #[arg(long)]
    pub forged: bool,
}

/// Why there is no token.
#[derive(Debug, Error)]
pub enum MintCommandError {
    /// `--emulator` is not a plain HTTP URL.
    #[error("--emulator takes a URL such as http://127.0.0.1:8787, not `{0}`")]
    Url(String),
    /// Nothing listens there.
    #[error(
        "no emulator at {authority} ({error}); start one with `rownd-emulator` or `rownd-authz dev`, \
         or name another one with --emulator"
    )]
    NoEmulator {
        /// Host and port.
        authority: String,
        /// The system's error.
        error: std::io::Error,
    },
    /// The answer is late, or the connection broke.
    #[error("{0}")]
    NoAnswer(String),
    /// The emulator did not accept the order.
    #[error("the emulator refused: {0}")]
    Refused(String),
    /// The answer is not the emulator's.
    #[error("{url} answered {status} without a token: is it the emulator?")]
    NotAnEmulator {
        /// The value of `--emulator`.
        url: String,
        /// The HTTP status of the answer.
        status: u16,
    },
}

/// Asks the emulator for the token.
///
/// # Errors
/// A URL that cannot be used, no complete answer within five seconds, or the emulator's error.
pub async fn mint(args: MintArgs) -> Result<String, MintCommandError> {
    let url = args.emulator.clone();
    let endpoint = endpoint(&url)?;
    let body = serde_json::to_value(order(args)).unwrap_or_default();
    let (status, answer) = outbound::send(Method::POST, &endpoint, None, Some(&body))
        .await
        .map_err(|error| match error {
            OutboundError::Url(_) => MintCommandError::Url(url.clone()),
            OutboundError::Connect { authority, error } => {
                MintCommandError::NoEmulator { authority, error }
            }
            other => MintCommandError::NoAnswer(other.to_string()),
        })?;
    let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
    match (status, text("token"), text("message")) {
        (200, Some(token), _) => Ok(token),
        (_, _, Some(message)) => Err(MintCommandError::Refused(message)),
        _ => Err(MintCommandError::NotAnEmulator { url, status }),
    }
}

/// The endpoint that mints, at the host and port of the emulator's URL.
fn endpoint(url: &str) -> Result<String, MintCommandError> {
    let wrong = || MintCommandError::Url(url.to_owned());
    let parsed = url::Url::parse(url).map_err(|_| wrong())?;
    if parsed.scheme() != "http" {
        return Err(wrong());
    }
    Ok(parsed.join("/__emulator/token").map_err(|_| wrong())?.into())
}

fn order(args: MintArgs) -> TokenOrder {
    let ttl = args.ttl.map(|ttl| i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX));
    let mut order = TokenOrder {
        user: args.user,
        app: args.app,
        variant: args.variant,
        ttl_seconds: ttl,
        expired: args.expired,
        refresh: args.refresh,
        kid: args.kid,
        claims: args.claims.into_iter().collect::<Map<_, _>>(),
        remove_claims: args.remove_claims,
        headers: args.headers.into_iter().collect::<Map<_, _>>(),
        remove_headers: args.remove_headers,
        ..TokenOrder::default()
    };
    if args.no_kid {
        order.remove_headers.push("kid".to_owned());
    }
    if args.forged {
        order.signed_by = SignedBy::Foreign;
    }
    order
}

fn parse_member(text: &str) -> Result<(String, Value), String> {
    let (name, json) =
        text.split_once('=').ok_or("write it as NAME=JSON, for example 'sub=\"user_1\"'")?;
    if name.is_empty() {
        return Err("the name before `=` is missing".to_owned());
    }
    serde_json::from_str(json)
        .map(|value| (name.to_owned(), value))
        .map_err(|error| {
            format!(
                "the value is not JSON ({error}); a string needs quotes of its own, as in '{name}=\"text\"'"
            )
        })
}

#[cfg(test)]
mod tests;
