//! `config check`, `config print`, `config schema`.

use std::process::ExitCode;

use clap::Args;

use super::{ConfigArgs, ExitResult, Failure, block_on};
use crate::{
    app::{self, IssuerFindings},
    authz,
    config::{self, Config},
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
    let config = config::load_and_check(file, &config::environment(), find_problems)
        .map_err(Failure::bad_input)?;
    let (issuers, routes) = (config.issuers.len(), config.routes.len());
    let warnings = find_warnings(&config);
    for warning in &warnings {
        eprintln!("warning: {warning} ({})", warning.code);
    }
    if args.strict && !warnings.is_empty() {
        return Err(Failure::no(format!("{} warning(s), and --strict is set", warnings.len())));
    }
    println!("the configuration is good: {issuers} issuer(s), {routes} route(s)");
    println!(
        "headers that it reads; `allowed_headers.patterns` of Envoy's filter, if set, must hold:"
    );
    for header in config.read_headers() {
        println!("  {header}");
    }
    if !args.online {
        return Ok(ExitCode::SUCCESS);
    }
    let found = block_on(app::ask_issuers(&config))?.map_err(Failure::bad_input)?;
    found.iter().for_each(print_issuer);
    if found.iter().all(IssuerFindings::is_good) {
        Ok(ExitCode::SUCCESS)
    } else {
        Err(Failure::no("not every issuer has keys, or not every app an id"))
    }
}

/// Prints the answers of an issuer. Its texts are escaped, because they come from outside.
fn print_issuer(issuer: &IssuerFindings) {
    let keys = &issuer.keys;
    let tenant = issuer.tenant.as_ref().map(|tenant| format!(", tenant {tenant}"));
    let (name, tenant) = (&issuer.name, tenant.unwrap_or_default());
    println!("{name}{tenant} ({}): {} usable key(s)", issuer.iss.escape_debug(), keys.usable);
    for key in &keys.keys {
        let kid = key.kid.as_deref().unwrap_or("(no kid)");
        println!("  {:6} {}", key.algorithm, kid.escape_debug());
    }
    if let Some(age) = keys.age_seconds {
        println!("  fetched {age} s ago");
    }
    for refusal in &keys.refused {
        println!("  refused: {refusal}");
    }
    if let Some(error) = &keys.last_error {
        println!("  not fetched: {}", error.escape_debug());
    }
    for (index, app) in issuer.apps.iter().enumerate() {
        match app {
            Ok(id) => println!("  apps[{index}]: {}", id.escape_debug()),
            Err(error) => println!("  apps[{index}]: no id: {}", error.escape_debug()),
        }
    }
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
        for pattern in authz::early_strip(&settings, &names) {
            println!("{pattern}");
        }
        return Ok(ExitCode::SUCCESS);
    }
    let config = load(&args.config)?;
    let text = serde_saphyr::to_string(&config).map_err(Failure::bad_input)?;
    println!("{}", text.trim_end());
    Ok(ExitCode::SUCCESS)
}

pub(super) fn schema() -> ExitResult {
    let text = serde_json::to_string_pretty(&config::json_schema()).map_err(Failure::bad_input)?;
    println!("{text}");
    Ok(ExitCode::SUCCESS)
}
