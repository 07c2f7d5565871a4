//! `token mint`: asks a running emulator for a token.
//!
//! In: the command line. Out: the token, or one sentence about what went wrong. The
//! keys are the emulator's and stay there; this is a client of its control endpoint.

use rownd_emulator::{SignedBy, TokenOrder};
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use http::{Request, Response, StatusCode, Uri, header};
use http_body_util::Full;
use serde_json::{Map, Value};

use super::http_client::{self, SendError};

/// The emulator is on this machine: what takes longer has gone wrong.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long ago `--expired` puts the end of the token: beyond any sensible leeway.
const EXPIRED_SINCE: i64 = 3_600;

const EXAMPLES: &str = "\
Examples:
  # an access token of the verified user
  rownd-authz token mint

  # of a guest, through the demo variant, for five minutes
  rownd-authz token mint --user guest --variant --ttl 5m

  # one that must be refused: forged, expired, of another app
  rownd-authz token mint --forged
  rownd-authz token mint --expired
  rownd-authz token mint --app app_other

  # any claim or header, as JSON (mind the shell: a string needs its own quotes)
  rownd-authz token mint --claim 'aud=[\"app:x\",5]' --remove-claim exp --header 'typ=\"JWT\"'

  # straight into a request
  curl -H \"authorization: Bearer $(rownd-authz token mint)\" http://127.0.0.1:10000/";

/// Mint a token at a running emulator
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct MintArgs {
    /// Base URL of the emulator
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8787")]
    pub emulator: String,

    /// The user of the token: verified, unverified, guest, instant, disabled, or any user id
    #[arg(long, value_name = "USER", default_value = "verified")]
    pub user: String,

    /// App id for the audience [default: the emulator's own]
    #[arg(long, value_name = "ID")]
    pub app: Option<String>,

    /// Sign in through an app variant; without an id, the emulator's own
    #[arg(long, value_name = "ID", num_args = 0..=1, default_missing_value = "demo")]
    pub variant: Option<String>,

    /// Lifetime, such as 90s, 5m or 1h [default: 1h, and 30days with --refresh]
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub ttl: Option<Duration>,

    /// Issue it so long ago that it ended an hour ago
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
                "the value is no JSON ({error}); a string needs quotes of its own, as in '{name}=\"text\"'"
            )
        })
}

/// Has the emulator mint the token.
///
/// # Errors
/// One sentence for people: no emulator there, or what the emulator had against the
/// order.
pub async fn run(args: MintArgs) -> Result<String, String> {
    let authority = authority(&args.emulator)?;
    let body = serde_json::to_vec(&order(args)).map_err(|error| error.to_string())?;
    let asking = ask(&authority, body);
    let response = tokio::time::timeout(PATIENCE, asking)
        .await
        .map_err(|_| format!("the emulator at {authority} did not answer within {PATIENCE:?}"))??;
    read_answer(&authority, response.status(), response.body())
}

fn order(args: MintArgs) -> TokenOrder {
    let ttl = args.ttl.map(|ttl| i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX));
    let mut order = TokenOrder {
        user: args.user,
        app: args.app,
        variant: args.variant,
        ttl_seconds: ttl,
        refresh: args.refresh,
        kid: args.kid,
        claims: args.claims.into_iter().collect::<Map<_, _>>(),
        remove_claims: args.remove_claims,
        headers: args.headers.into_iter().collect::<Map<_, _>>(),
        remove_headers: args.remove_headers,
        ..TokenOrder::default()
    };
    if args.expired {
        order.iat_offset_seconds = order.lifetime().saturating_add(EXPIRED_SINCE).saturating_neg();
    }
    if args.no_kid {
        order.remove_headers.push("kid".to_owned());
    }
    if args.forged {
        order.signed_by = SignedBy::Foreign;
    }
    order
}

/// Host and port of the emulator's URL.
fn authority(url: &str) -> Result<String, String> {
    let wrong = || format!("--emulator takes a URL such as http://127.0.0.1:8787, not `{url}`");
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http"), Some(host)) => Ok(format!("{host}:{}", uri.port_u16().unwrap_or(80))),
        _ => Err(wrong()),
    }
}

async fn ask(authority: &str, body: Vec<u8>) -> Result<Response<Bytes>, String> {
    let request = Request::post("/__emulator/token")
        .header(header::HOST, authority)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONNECTION, "close")
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| error.to_string())?;
    http_client::send(authority, request).await.map_err(|error| match error {
        SendError::Connect(error) => format!(
            "no emulator at {authority} ({error}); start one with `rownd-authz dev`, or name another with --emulator"
        ),
        error => format!("talking to {authority} failed: {error}"),
    })
}

fn read_answer(authority: &str, status: StatusCode, body: &[u8]) -> Result<String, String> {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    match (status, text("token"), text("message")) {
        (StatusCode::OK, Some(token), _) => Ok(token.to_owned()),
        (_, _, Some(message)) => Err(format!("the emulator refused: {message}")),
        _ => Err(format!("{authority} answered {status} without a token: is it the emulator?")),
    }
}

#[cfg(test)]
mod tests;
