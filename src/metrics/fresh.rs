//! What is withdrawn before its time, and what is known of users beyond their tokens.

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

use super::Metrics;

/// What a revocation names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Withdrawn {
    /// A token by its `jti`.
    Token,
    /// A session.
    Session,
    /// A user, with a time.
    User,
}

impl Withdrawn {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Token, Self::Session, Self::User];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Session => "session",
            Self::User => "user",
        }
    }
}

/// How a look for a user's profile ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum ProfileResult {
    /// It was known.
    Cached,
    /// It was fetched, by this caller or by another.
    Fetched,
    /// It could not be fetched, and an older one was taken.
    Stale,
    /// There is no such user.
    NotFound,
    /// It could not be had.
    Unavailable,
    /// The issuer has no profiles.
    Unsupported,
}

impl ProfileResult {
    const ALL: [Self; 6] = [
        Self::Cached,
        Self::Fetched,
        Self::Stale,
        Self::NotFound,
        Self::Unavailable,
        Self::Unsupported,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Cached => "cached",
            Self::Fetched => "fetched",
            Self::Stale => "stale",
            Self::NotFound => "not_found",
            Self::Unavailable => "unavailable",
            Self::Unsupported => "unsupported",
        }
    }
}

/// A command of the control listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Command {
    /// Withdraw a token, a session or a user's tokens.
    Revoke,
    /// Take that back.
    Unrevoke,
    /// Count what is withdrawn.
    Revocations,
    /// End the trust in keys.
    ForgetKeys,
    /// Forget what is known of users.
    ForgetProfiles,
    /// Another level of the log.
    LogLevel,
    /// Read the configuration again.
    Reload,
    /// None of these, or one that was not read.
    Unknown,
}

impl Command {
    const ALL: [Self; 8] = [
        Self::Revoke,
        Self::Unrevoke,
        Self::Revocations,
        Self::ForgetKeys,
        Self::ForgetProfiles,
        Self::LogLevel,
        Self::Reload,
        Self::Unknown,
    ];

    /// The label value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revoke => "revoke",
            Self::Unrevoke => "unrevoke",
            Self::Revocations => "revocations",
            Self::ForgetKeys => "forget_keys",
            Self::ForgetProfiles => "forget_profiles",
            Self::LogLevel => "log_level",
            Self::Reload => "reload",
            Self::Unknown => "unknown",
        }
    }
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum CommandResult {
    /// Done.
    Ok,
    /// It makes no sense.
    Invalid,
    /// There is no room.
    Full,
    /// The peer may not give commands.
    Denied,
    /// A fault of ours.
    Failed,
}

impl CommandResult {
    const ALL: [Self; 5] = [Self::Ok, Self::Invalid, Self::Full, Self::Denied, Self::Failed];

    /// The label value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Invalid => "invalid",
            Self::Full => "full",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }
}

/// The handles of this file.
pub(super) struct Handles {
    withdrawn: [Gauge; Withdrawn::ALL.len()],
    lookups: [Counter; ProfileResult::ALL.len()],
    profile_bytes: Gauge,
    commands: [[Counter; CommandResult::ALL.len()]; Command::ALL.len()],
}

impl Handles {
    pub(super) fn register() -> Self {
        describe_gauge!("rownd_authz_revocations", "Entries of the list of revocations, by kind.");
        describe_counter!(
            "rownd_authz_profile_lookups_total",
            "Looks for a user's profile, by result."
        );
        describe_gauge!("rownd_authz_profile_cache_bytes", "Memory of the profiles that are kept.");
        describe_counter!(
            "rownd_authz_control_commands_total",
            "Commands of the control listener, by command and result."
        );
        let command = |command: Command, result: CommandResult| {
            counter!("rownd_authz_control_commands_total",
                "command" => command.as_str(), "result" => result.as_str())
        };
        Self {
            commands: Command::ALL
                .map(|name| CommandResult::ALL.map(|result| command(name, result))),
            lookups: ProfileResult::ALL.map(
                |result| counter!("rownd_authz_profile_lookups_total", "result" => result.as_str()),
            ),
            profile_bytes: gauge!("rownd_authz_profile_cache_bytes"),
            withdrawn: Withdrawn::ALL
                .map(|kind| gauge!("rownd_authz_revocations", "kind" => kind.as_str())),
        }
    }
}

impl Metrics {
    /// Revocations of a kind that are in force now.
    pub fn withdrawn(&self, kind: Withdrawn, entries: usize) {
        if let Some(gauge) = self.fresh.withdrawn.get(kind as usize) {
            #[expect(clippy::cast_precision_loss, reason = "a bounded number of entries")]
            gauge.set(entries as f64);
        }
    }

    /// A command of the control listener ended.
    pub fn commanded(&self, command: Command, result: CommandResult) {
        let of = self.fresh.commands.get(command as usize);
        if let Some(counter) = of.and_then(|of| of.get(result as usize)) {
            counter.increment(1);
        }
    }

    /// A look for a profile ended.
    pub fn profile_looked_up(&self, result: ProfileResult) {
        if let Some(counter) = self.fresh.lookups.get(result as usize) {
            counter.increment(1);
        }
    }

    /// Memory of the profiles that are kept now.
    pub fn profiles_held(&self, bytes: u64) {
        #[expect(clippy::cast_precision_loss, reason = "a bounded number of bytes")]
        self.fresh.profile_bytes.set(bytes as f64);
    }
}
