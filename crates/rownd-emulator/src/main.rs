//! The program: parses the command line and runs it.

use std::process::ExitCode;

use clap::Parser as _;
use rownd_emulator::cli::Cli;

fn main() -> ExitCode {
    Cli::parse().run()
}
