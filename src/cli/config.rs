//! `config check`, `config print`, `config schema`.

use std::process::ExitCode;

use super::{ConfigArgs, Failure, Outcome};
use crate::config::{self, Config};

/// Loads what the arguments name.
pub(super) fn load(args: &ConfigArgs) -> Result<Config, Failure> {
    config::load(args.config.as_deref(), &config::environment()).map_err(Failure::bad_input)
}

pub(super) fn check(args: &ConfigArgs) -> Outcome {
    let config = load(args)?;
    let (issuers, routes) = (config.issuers.len(), config.routes.len());
    println!("the configuration is good: {issuers} issuer(s), {routes} route(s)");
    Ok(ExitCode::SUCCESS)
}

pub(super) fn print(args: &ConfigArgs) -> Outcome {
    let text = serde_saphyr::to_string(&load(args)?).map_err(Failure::bad_input)?;
    println!("{}", text.trim_end());
    Ok(ExitCode::SUCCESS)
}

pub(super) fn schema() -> Outcome {
    let text = serde_json::to_string_pretty(&config::json_schema()).map_err(Failure::bad_input)?;
    println!("{text}");
    Ok(ExitCode::SUCCESS)
}
