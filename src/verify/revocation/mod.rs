//! Revocations: of tokens by `jti`, of sessions, or of every token that a user was issued before a
//! moment.
//!
//! In: an operator's command. Out: for each verified identity, whether it is revoked. Checks and
//! commands know the list by [`RevocationList`] alone; each process keeps it in memory, and where
//! replicas share their state, [`RevocationReplica`] keeps the lists of all of them equal.

mod common_run;
mod entry;
mod journal;
mod memory;
mod replica;

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use strum::{EnumCount, IntoStaticStr, VariantArray};

use crate::model::IdentityFacts;
pub use memory::MemoryRevocations;
pub use replica::{RevocationReplica, RevocationSync, Spread};

/// The kind of thing that a revocation names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray, EnumCount)]
#[strum(serialize_all = "snake_case")]
pub(super) enum RevocationKind {
    /// A token by its `jti`.
    Token,
    /// A session.
    Session,
    /// A user, with a time.
    User,
}

/// The tokens that a command revokes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevokedSubject<'a> {
    /// The token with this `jti`.
    Token(&'a str),
    /// Every token of this session.
    Session(&'a str),
    /// Every token of this user that was issued before the time (Unix seconds), or does not say
    /// when.
    User {
        /// The user id.
        id: &'a str,
        /// The first second whose tokens are good again.
        not_before: u64,
    },
}

/// The id under which a user of one app is revoked, at an issuer whose apps may have users of one id.
#[must_use]
pub fn user_of_app(app: &str, user: &str) -> String {
    // No id of an app has such a character.
    format!("{app}\0{user}")
}

/// The app and the user of such an id; `None` if it is the id of a user alone.
#[must_use]
pub(super) fn app_of_user(id: &str) -> Option<(&str, &str)> {
    id.split_once('\0')
}

/// An issuer as the list of revocations knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevokingIssuer<'a> {
    /// The `iss` of its tokens.
    pub iss: &'a str,
    /// It takes tokens without an end, so that a revocation has no end either.
    pub takes_endless_tokens: bool,
}

/// The reason why a command did not revoke anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RevokeError {
    /// No issuer has this name, or it has no such tenant.
    #[error("no configured issuer has this name, or it has no such tenant")]
    IssuerUnknown,
    /// It is to be kept longer than `revocation.max_ttl`, which is this long.
    #[error(
        "longer than revocation.max_ttl ({}); raise that setting",
        humantime::format_duration(*.0)
    )]
    TooLong(Duration),
    /// The list holds `revocation.max_entries` already, which is this number.
    #[error("the list is full, nothing was revoked: revocation.max_entries is {0}")]
    Full(usize),
}

/// The number of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct RevocationCounts {
    /// The number of tokens, by `jti`.
    pub tokens: usize,
    /// The number of sessions.
    pub sessions: usize,
    /// The number of users with a time.
    pub users: usize,
    /// The most entries of all kinds together.
    pub max_entries: usize,
}

/// The list of revocations. It is state, not configuration: a reload keeps it.
pub trait RevocationList: fmt::Debug + Send + Sync {
    /// This identity of the issuer with this `iss` is revoked at this time (Unix seconds). Asked on
    /// every check, so it must neither block nor wait.
    fn hits(&self, iss: &str, identity: &IdentityFacts, now: u64) -> bool;

    /// The list has what other replicas have, as far as it has to: otherwise nobody knows whether a token
    /// is revoked. Asked on every check.
    fn is_known(&self) -> bool;

    /// Revokes the subject at each of these issuers, or at none of them if the list is full. `keep`
    /// is how long from now (Unix seconds); without it, for as long as a token of the issuer can
    /// live. Returns the number of new entries.
    ///
    /// # Errors
    ///
    /// [`RevokeError::TooLong`] or [`RevokeError::Full`]; nothing is revoked then.
    fn revoke(
        &self,
        issuers: &[RevokingIssuer<'_>],
        subject: RevokedSubject<'_>,
        keep: Option<Duration>,
        now: u64,
    ) -> Result<usize, RevokeError>;

    /// Takes a command back. Returns the number of entries that were removed.
    fn restore(&self, issuers: &[RevokingIssuer<'_>], subject: RevokedSubject<'_>) -> usize;

    /// Drops the entries that have outlived every token they could hit. Must be called regularly.
    fn sweep(&self, now: SystemTime);

    /// The number of entries.
    fn counts(&self) -> RevocationCounts;
}
