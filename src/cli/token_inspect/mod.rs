//! `token inspect`: which issuer of the configuration would take a token, and why not.
//!
//! In: a token from stdin or a file, never from the command line. Out: a report, and the exit
//! status: 0 it would be taken, 1 it would be refused, 2 it cannot be decided offline or without a
//! configuration. The verifier's own code decides; this file reads the token, and [`report`] writes
//! the result.

mod identity;
mod report;
#[cfg(test)]
mod tests;

use std::{
    ffi::OsString,
    fs::File,
    io::{self, IsTerminal as _, Read as _},
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use clap::Args;

use super::{BAD_INPUT, ConfigArgs, ExitResult, Failure, NO, block_on, config, output};
use crate::{
    app,
    config::{Check, Config, environment},
    verify,
};
use report::{Report, TokenVerdict};

/// Bytes: far more than a token may have. The rest of a longer input is not read.
const MAX_INPUT: u64 = 1 << 20;
/// The variables that are settings begin so.
const SETTINGS: &str = "ROWND_";
/// 9999-12-31T23:59:59Z.
const MAX_TIME: u64 = 253_402_300_799;

const EXAMPLES: &str = "\
Examples:
  rownd-authz token inspect --config rownd-authz.yaml < token.txt
  rownd-authz token inspect --config rownd-authz.yaml --file token.txt --json
  # would it have been good then?
  rownd-authz token inspect --file token.txt --at 2026-01-31T12:00:00Z
  # with the issuers' keys, fetched now
  rownd-authz token inspect --config rownd-authz.yaml --online < token.txt
  # without any configuration: header, claims and faults of the form
  rownd-authz token inspect < token.txt

Without --online nothing is asked of any issuer. A signature is then checked with the keys of
`key_set` and of `key_snapshots`; without them the answer is at best \"if its signature is good\".
`Bearer ` before the token is ignored.

Exit status: 0 it would be taken, 1 it would be refused, 2 cannot be told, or bad input.";

/// Say which issuer would take a token, and why the others would not
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct InspectArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Where the token is [default: standard input]
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Judge it as of this time: RFC 3339, or seconds since 1970 [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    at: Option<SystemTime>,
    /// Ask each issuer for its keys first, and Rownd for the ids of the apps
    #[arg(long)]
    online: bool,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
    /// There is none: it is here so that a token is not repeated in an error.
    #[arg(hide = true)]
    refused: Vec<OsString>,
}

pub(super) fn run(args: &InspectArgs) -> ExitResult {
    if !args.refused.is_empty() {
        return Err(Failure::bad_input(
            "an argument stands in the list of processes for everybody to read: \
             give the token on standard input, or name its file with --file",
        ));
    }
    let at = args.at.unwrap_or_else(SystemTime::now);
    let report = if has_configuration(&args.config) {
        let config = config::load(&args.config)?;
        let token = read_token(args.file.as_deref()).map_err(Failure::bad_input)?;
        if args.online {
            inspect_online(&config, &token, at)?
        } else {
            inspect(&config, &token, at)?
        }
    } else if args.online {
        return Err(Failure::bad_input(
            "--online asks the issuers of a configuration: name its file with --config",
        ));
    } else {
        let token = read_token(args.file.as_deref()).map_err(Failure::bad_input)?;
        inspect_alone(&token, at)
    };
    output::answer(&if args.json { report.json() } else { report.text() })?;
    Ok(match report.verdict() {
        TokenVerdict::Taken => ExitCode::SUCCESS,
        TokenVerdict::Refused => ExitCode::from(NO),
        TokenVerdict::Undecided => ExitCode::from(BAD_INPUT),
    })
}

fn inspect(config: &Config, token: &str, at: SystemTime) -> Result<Report, Failure> {
    let inspected = app::inspect_token(config, token.as_bytes(), at).map_err(Failure::bad_input)?;
    Ok(Report::new(config, inspected, at))
}

fn inspect_online(config: &Config, token: &str, at: SystemTime) -> Result<Report, Failure> {
    let asking = app::inspect_token_online(config, token.as_bytes(), at);
    let inspected = block_on(asking)?.map_err(Failure::bad_input)?;
    Ok(Report::new(config, inspected, at))
}

/// Without any issuer to judge by.
fn inspect_alone(token: &str, at: SystemTime) -> Report {
    let facts = verify::read_facts(token.as_bytes(), Check::default().max_token_bytes);
    Report::without_configuration(facts, at)
}

/// A file is named, or the environment has a setting: then it has to be a good configuration.
fn has_configuration(args: &ConfigArgs) -> bool {
    args.config.is_some()
        || environment().iter().any(|(name, value)| name.starts_with(SETTINGS) && !value.is_empty())
}

/// The token without what surrounds it where it is copied from.
fn read_token(file: Option<&Path>) -> Result<String, String> {
    let mut bytes = Vec::new();
    let outcome = match file {
        Some(path) => File::open(path)
            .and_then(|file| file.take(MAX_INPUT).read_to_end(&mut bytes))
            // The path is not repeated: it may be a token that was put in the wrong place.
            .map_err(|error| format!("--file: {error}")),
        None => {
            if io::stdin().is_terminal() {
                output::tell("Paste the token, then press Enter and Ctrl-D.");
            }
            io::stdin()
                .take(MAX_INPUT)
                .read_to_end(&mut bytes)
                .map_err(|error| format!("standard input: {error}"))
        }
    };
    outcome?;
    let token = without_bearer(&String::from_utf8_lossy(&bytes));
    if token.is_empty() { Err("there is no token in the input".to_owned()) } else { Ok(token) }
}

/// The token without `Bearer` before it, which is no part of it in a header either.
fn without_bearer(text: &str) -> String {
    let text = text.trim();
    match text.split_once(char::is_whitespace) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => rest.trim().to_owned(),
        _ => text.to_owned(),
    }
}

fn parse_time(text: &str) -> Result<SystemTime, String> {
    const WANTED: &str = "write it as 2026-01-31T12:00:00Z, or as seconds since 1970";
    let time = match text.parse::<u64>() {
        Ok(seconds) => UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).ok_or(WANTED)?,
        Err(_) => humantime::parse_rfc3339(text).map_err(|_| WANTED)?,
    };
    let since = time.duration_since(UNIX_EPOCH).map_err(|_| WANTED)?;
    if since.as_secs() > MAX_TIME { Err(WANTED.to_owned()) } else { Ok(time) }
}
