//! The command line of `rownd-emulator`.
//!
//! In: arguments and environment. Out: a server that runs until SIGTERM or Ctrl-C, or a token; and
//! an exit status: 0 for success, 2 for bad input.

mod mint;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use mint::{MintArgs, mint};
use serve::ServeArgs;

/// The exit status for bad input, a port in use among it.
const BAD_INPUT: u8 = 2;

const EXAMPLES: &str = "\
Examples:
  rownd-emulator                                    on 127.0.0.1:8787
  rownd-emulator --listen 127.0.0.1:0               on a free port, named by the first line
  rownd-emulator --seed seed.yaml                   with apps and users of your own
  rownd-emulator token --user guest                 a token from the emulator on 127.0.0.1:8787

In a container, with clients that call it by the name `emulator`:
  rownd-emulator --listen 0.0.0.0:8787 --allow-remote --base-url http://emulator:8787

Exit status: 0 success, 2 bad input or no connection.";

const TOKEN_EXAMPLES: &str = "\
Examples:
  # an access token of the verified user
  rownd-emulator token

  # a token of a guest, valid for five minutes
  rownd-emulator token --user guest --ttl 5m

  # tokens that have to be refused: forged, expired, for another app
  rownd-emulator token --forged
  rownd-emulator token --expired
  rownd-emulator token --app app_other

  # any claim as JSON (a string needs quotes of its own)
  rownd-emulator token --claim 'aud=[\"app:x\"]' --remove-claim exp";

/// A Rownd API for development and tests. It mints tokens for everybody who can reach it
#[derive(Debug, Parser)]
#[command(
    name = "rownd-emulator",
    version,
    after_help = EXAMPLES,
    args_conflicts_with_subcommands = true
)]
pub struct Cli {
    #[command(flatten)]
    serve: ServeArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Mint a token at a running emulator
    #[command(after_help = TOKEN_EXAMPLES)]
    Token(MintArgs),
}

impl Cli {
    /// Runs the command, and prints one line to standard error if it fails.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let outcome = match self.command {
            None => serve::run(self.serve),
            Some(Command::Token(args)) => print_token(args),
        };
        match outcome {
            Ok(()) => ExitCode::SUCCESS,
            Err(message) => {
                eprintln!("rownd-emulator: {message}");
                ExitCode::from(BAD_INPUT)
            }
        }
    }
}

fn print_token(args: MintArgs) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let token = runtime.block_on(mint(args)).map_err(|error| error.to_string())?;
    println!("{token}");
    Ok(())
}
