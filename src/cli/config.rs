//! `config check`, `config print`, `config schema`.

use std::{fmt::Write as _, process::ExitCode};

use clap::Args;

use super::{
    ConfigArgs, ExitResult, Failure, block_on,
    output::{self, harmless},
};
use crate::{
    app::{self, IssuerFindings},
    authz,
    config::{self, Config, Judged},
};

/// Loads the configuration that the arguments name.
pub(super) fn load(args: &ConfigArgs) -> Result<Config, Failure> {
    config::load(args.config.as_deref(), &config::environment()).map_err(Failure::bad_input)
}

/// The options of `config check`.
#[derive(Args, Clone, Debug)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Also ask each issuer for its keys, and Rownd for the ids of the apps
    #[arg(long)]
    online: bool,
    /// Leave out the checks that are about the machine itself: directories of sockets, addresses,
    /// certificates of authorities. For a configuration that another machine will serve
    #[arg(long, conflicts_with = "online")]
    skip_host: bool,
    /// Fail (exit status 1) if there is a warning
    #[arg(long)]
    strict: bool,
}

pub(super) fn check(args: &CheckArgs) -> ExitResult {
    let file = args.config.config.as_deref();
    let find_problems = if args.skip_host { app::problems_anywhere } else { app::problems };
    let find_warnings = if args.skip_host { app::warnings_anywhere } else { app::warnings };
    let judged = config::judge(file, &config::environment(), find_problems, find_warnings);
    let count = judged.warnings.len();
    let config = self::judged(judged, TellWarnings::Always)?;
    if args.strict && count > 0 {
        return Err(Failure::no(format!("{count} warning(s), and --strict is set")));
    }
    output::answer(&summary(&config))?;
    if !args.online {
        return Ok(ExitCode::SUCCESS);
    }
    let found = block_on(app::ask_issuers(&config))?.map_err(Failure::bad_input)?;
    output::answer(found.iter().map(issuer_lines).collect::<Vec<_>>().concat().trim_end())?;
    if found.iter().all(IssuerFindings::is_good) {
        Ok(ExitCode::SUCCESS)
    } else {
        Err(Failure::no("not every issuer has keys, or not every app an id"))
    }
}

/// The sizes of a good configuration, and what a proxy must know of it.
fn summary(config: &Config) -> String {
    let (issuers, routes) = (config.issuers.len(), config.routes.len());
    let mut text = format!(
        "the configuration is good: {issuers} issuer(s), {routes} route(s)\n\
         headers that it reads; `allowed_headers.patterns` of Envoy's filter, if set, must hold:"
    );
    for header in config.read_headers() {
        let _ = write!(text, "\n  {header}");
    }
    text
}

/// When the warnings of a configuration are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TellWarnings {
    /// Of every configuration.
    Always,
    /// Only of one with problems: the log has those of a good one.
    OfBad,
}

/// The configuration, or its problems; its warnings are printed, one a line.
pub(super) fn judged(judged: Judged, tell: TellWarnings) -> Result<Config, Failure> {
    let Judged { outcome, warnings } = judged;
    if outcome.is_err() || tell == TellWarnings::Always {
        for warning in &warnings {
            let (lead, message) = (warning.lead(), warning.message());
            output::tell(&format_args!("{lead}warning: {message} ({})", warning.code));
        }
    }
    outcome.map_err(Failure::bad_input)
}

/// The answers of an issuer, one a line. Its texts are escaped, because they come from outside.
fn issuer_lines(issuer: &IssuerFindings) -> String {
    let keys = &issuer.keys;
    let tenant = issuer.tenant.as_ref().map(|tenant| format!(", tenant {tenant}"));
    let (name, tenant) = (&issuer.name, tenant.unwrap_or_default());
    let iss = harmless(&issuer.iss);
    let mut text = format!("{name}{tenant} ({iss}): {} usable key(s)\n", keys.usable);
    let mut add = |line: std::fmt::Arguments<'_>| {
        let _ = writeln!(text, "  {line}");
    };
    for key in &keys.keys {
        let kid = key.kid.as_deref().unwrap_or("(no kid)");
        add(format_args!("{:6} {}", key.algorithm, harmless(kid)));
    }
    if let Some(age) = keys.age_seconds {
        add(format_args!("fetched {age} s ago"));
    }
    for refusal in &keys.refused {
        add(format_args!("refused: {refusal}"));
    }
    if let Some(error) = &keys.last_error {
        add(format_args!("not fetched: {}", harmless(error)));
    }
    for (index, app) in issuer.apps.iter().enumerate() {
        match app {
            Ok(id) => add(format_args!("apps[{index}]: {}", harmless(id))),
            Err(error) => add(format_args!("apps[{index}]: no id: {}", harmless(error))),
        }
    }
    text
}

/// The options of `config print`.
#[derive(Args, Clone, Debug)]
pub(super) struct PrintArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Print instead the regular expressions (RE2), one per line, of the headers that a proxy should
    /// remove from every request before its filters run
    #[arg(long)]
    early_strip: bool,
}

pub(super) fn print(args: &PrintArgs) -> ExitResult {
    if args.early_strip {
        let file = args.config.config.as_deref();
        let environment = config::environment();
        let settings = config::identity_headers(file, &environment).map_err(Failure::bad_input)?;
        let names = config::output_header_names(file, &environment).map_err(Failure::bad_input)?;
        output::answer(&authz::early_strip(&settings, &names).join("\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let config = load(&args.config)?;
    let text = serde_saphyr::to_string(&config).map_err(Failure::bad_input)?;
    output::answer(text.trim_end())?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn schema() -> ExitResult {
    let text = serde_json::to_string_pretty(&config::json_schema()).map_err(Failure::bad_input)?;
    output::answer(&text)?;
    Ok(ExitCode::SUCCESS)
}
