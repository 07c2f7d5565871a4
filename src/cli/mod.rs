//! The command line: one file for each command.
//!
//! In: arguments and environment. Out: an exit status: 0 yes, 1 no, 2 undecided or bad input.

mod config;
mod control;
#[cfg(feature = "dev")]
mod demo;
#[cfg(feature = "dev")]
mod dev;
#[cfg(feature = "dev")]
mod dev_args;
mod events;
mod healthcheck;
mod http_client;
mod output;
#[cfg(feature = "dev")]
pub mod reference;
mod serve;
mod token_inspect;

use std::{io, path::PathBuf, process::ExitCode};

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

/// Exit status: the answer is no.
const NO: u8 = 1;
/// Exit status: the question cannot be answered.
const BAD_INPUT: u8 = 2;

/// Authentication sidecar: answers Envoy's external authorization checks.
#[derive(Debug, Parser)]
#[command(name = "rownd-authz", version = VERSION, propagate_version = true, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// The version, and the revision that it was built of.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("BUILD_REVISION"), ")");

const EXAMPLES: &str = "\
Examples:
  ROWND_APP_KEY=key_... rownd-authz serve              everything by default
  rownd-authz serve --config rownd-authz.yaml
  rownd-authz config check --config rownd-authz.yaml   every problem at once

Exit status: 0 yes, 1 no, 2 undecided or bad input.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until SIGTERM or Ctrl-C
    Serve(ConfigArgs),
    /// Check, print or describe the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Ask a running server whether it is ready; for container health checks
    Healthcheck(healthcheck::HealthcheckArgs),
    /// Give a running server a command over its control socket: revoke, forget keys, reload
    Control(control::ControlArgs),
    /// Emulator, server and echo in one process; with --envoy, Envoy in front
    #[cfg(feature = "dev")]
    Dev(dev_args::DevArgs),
    /// Try the sinks of events
    #[command(subcommand)]
    Events(EventsCommand),
    /// Examine a token
    #[command(subcommand)]
    Token(TokenCommand),
    /// Write the generated pages of the documentation
    #[cfg(feature = "dev")]
    #[command(hide = true)]
    Reference(reference::ReferenceArgs),
}

#[cfg(feature = "dev")]
const MINT_EXAMPLES: &str = "\
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

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Tell which issuer would accept a token, and why the others would not
    Inspect(token_inspect::InspectArgs),
    /// Mint a token at a running emulator
    #[cfg(feature = "dev")]
    #[command(after_help = MINT_EXAMPLES)]
    Mint(rownd_emulator::cli::MintArgs),
}

/// The configuration to use.
#[derive(Args, Clone, Debug)]
struct ConfigArgs {
    /// Configuration file; without one, defaults and environment
    #[arg(long, short, value_name = "FILE", env = "ROWND_AUTHZ_CONFIG", value_parser = config_path)]
    config: Option<PathBuf>,
}

/// The path of the configuration file. A shell makes an empty one of a variable that is not set.
fn config_path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() {
        let message = "it is empty; write the path of the configuration, or leave out the option and \
                       the variable ROWND_AUTHZ_CONFIG";
        return Err(message.to_owned());
    }
    Ok(PathBuf::from(text))
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Report every problem of the configuration, with file, line and what to write instead
    Check(config::CheckArgs),
    /// Print the configuration in force, defaults and environment included, secrets redacted
    Print(config::PrintArgs),
    /// Print the JSON Schema of the configuration file
    Schema,
}

#[derive(Debug, Subcommand)]
enum EventsCommand {
    /// Send a sample of each type of a sink to it, past its queue, and tell whether it was taken
    Send(events::SendArgs),
}

impl Cli {
    /// The arguments of this process.
    ///
    /// # Errors
    ///
    /// The exit status, where they ask for help or the version, or mean nothing: all is said then.
    pub fn from_arguments() -> Result<Self, ExitCode> {
        let matches = with_one_name(Self::command()).try_get_matches();
        matches.and_then(|matches| Self::from_arg_matches(&matches)).map_err(|said| {
            let (is_answer, printed) = (!said.use_stderr(), said.print());
            match printed {
                Err(error) if is_answer && error.kind() != io::ErrorKind::BrokenPipe => {
                    output::tell(&format_args!("rownd-authz: standard output: {error}"));
                    ExitCode::from(BAD_INPUT)
                }
                Ok(()) | Err(_) => ExitCode::from(if is_answer { 0 } else { BAD_INPUT }),
            }
        })
    }

    /// Runs the command.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let outcome = match self.command {
            Command::Serve(args) => serve::run(&args),
            Command::Config(ConfigCommand::Check(args)) => config::check(&args),
            Command::Config(ConfigCommand::Print(args)) => config::print(&args),
            Command::Config(ConfigCommand::Schema) => config::schema(),
            Command::Healthcheck(args) => healthcheck::run(&args),
            Command::Control(args) => control::run(&args),
            #[cfg(feature = "dev")]
            Command::Dev(args) => dev::run(&args),
            Command::Events(EventsCommand::Send(args)) => events::send(&args),
            Command::Token(TokenCommand::Inspect(args)) => token_inspect::run(&args),
            #[cfg(feature = "dev")]
            Command::Token(TokenCommand::Mint(args)) => mint(args),
            #[cfg(feature = "dev")]
            Command::Reference(args) => reference::run(&args),
        };
        outcome.unwrap_or_else(|failure| {
            // The problems of a configuration begin their lines themselves, for editors; the last line
            // counts them.
            let (lines, last) = match failure.message.rsplit_once('\n') {
                Some((lines, last)) => (Some(lines), last),
                None => (None, failure.message.as_str()),
            };
            lines.into_iter().for_each(output::tell);
            output::tell(&format_args!("rownd-authz: {last}"));
            ExitCode::from(failure.status)
        })
    }
}

/// The command whose subcommands tell the version of the program, not one of their own.
fn with_one_name(command: clap::Command) -> clap::Command {
    command.display_name("rownd-authz").mut_subcommands(with_one_name)
}

#[cfg(feature = "dev")]
fn mint(args: rownd_emulator::cli::MintArgs) -> ExitResult {
    let token = block_on(rownd_emulator::cli::mint(args))?.map_err(Failure::bad_input)?;
    output::answer(&token)?;
    Ok(ExitCode::SUCCESS)
}

type ExitResult = Result<ExitCode, Failure>;

/// Why a command failed, and its exit status.
#[derive(Debug)]
struct Failure {
    message: String,
    status: u8,
}

impl Failure {
    #[expect(clippy::needless_pass_by_value, reason = "`map_err` gives the error away")]
    fn bad_input(error: impl ToString) -> Self {
        Self { message: error.to_string(), status: BAD_INPUT }
    }

    #[expect(clippy::needless_pass_by_value, reason = "`map_err` gives the error away")]
    fn no(error: impl ToString) -> Self {
        Self { message: error.to_string(), status: NO }
    }
}

/// Runs one future on a runtime of its own.
fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::bad_input(crate::app::system_error(&error)))?;
    let outcome = runtime.block_on(future);
    // File work that hangs is not waited for: the process ends with it.
    runtime.shutdown_background();
    Ok(outcome)
}
