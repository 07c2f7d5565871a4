//! Commands of the control listener.

use metrics::{Counter, counter, describe_counter};
use strum::{IntoStaticStr, VariantArray};

use super::{Metrics, label::ByLabel};

/// A command of the control listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum ControlCommand {
    /// Revoke a token, a session or a user's tokens.
    Revoke,
    /// Remove a revocation.
    Unrevoke,
    /// Count the revocations.
    Revocations,
    /// Stop trusting the keys that are known.
    ForgetKeys,
    /// Empty the cache of profiles.
    ForgetProfiles,
    /// Set the log level.
    LogLevel,
    /// Read the configuration again.
    Reload,
    /// A command that does not exist, or whose request was refused before it was read.
    Unknown,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum CommandResult {
    /// The command was carried out.
    Ok,
    /// The request is invalid.
    Invalid,
    /// The list of revocations is full.
    Full,
    /// The peer may not give commands.
    Denied,
    /// The command failed inside this program.
    Failed,
}

const NAME: &str = "rownd_authz_control_commands_total";

/// The series of this file.
pub(super) struct CommandSeries(ByLabel<ControlCommand, ByLabel<CommandResult, Counter>>);

impl CommandSeries {
    pub(super) fn register() -> Self {
        describe_counter!(NAME, "Commands of the control listener, by command and result.");
        Self(ByLabel::new(|command| {
            ByLabel::new(|result| counter!(NAME, "command" => command, "result" => result))
        }))
    }
}

impl Metrics {
    /// A command ended.
    pub fn command_ended(&self, command: ControlCommand, result: CommandResult) {
        let results = self.commands.0.get(command);
        if let Some(counter) = results.and_then(|results| results.get(result)) {
            counter.increment(1);
        }
    }
}
