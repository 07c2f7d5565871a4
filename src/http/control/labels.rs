//! The labels of commands in metrics, which are their words in logs and answers too.

use strum::{IntoStaticStr, VariantArray};

/// A command of the control listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(in crate::http) enum ControlCommand {
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
pub(in crate::http) enum CommandResult {
    /// The command was carried out.
    Ok,
    /// The request is invalid.
    Invalid,
    /// The list of revocations is full.
    Full,
    /// The state that replicas share does not answer.
    NotShared,
    /// The peer may not give commands.
    Denied,
    /// The command failed inside this program.
    Failed,
}
