//! The accounts of an issuer that has no apps with keys and secrets.
//!
//! In: a user. Out: the profile, or nothing; or why it was not done.

use std::{fmt, time::Duration};

use super::users::{UserReply, UserWrite};
use crate::model::Profile;

/// Administers accounts. A change is sent once, whatever its answer is.
pub trait AccountAdministration: fmt::Debug + Send + Sync {
    /// Why this member of `data` cannot be written; `None`: it can.
    fn why_not_writable(&self, field: &str) -> Option<&'static str>;

    /// The profile of a user, as it is now.
    fn user<'a>(&'a self, user: &'a str, timeout: Duration) -> UserReply<'a, Profile>;

    /// Writes and clears members of `data`, and keeps the others. The profile after it.
    fn update<'a>(
        &'a self,
        user: &'a str,
        write: &'a UserWrite,
        timeout: Duration,
    ) -> UserReply<'a, Profile>;

    /// Ends all sessions of a user.
    fn sign_out<'a>(&'a self, user: &'a str, timeout: Duration) -> UserReply<'a, ()>;

    /// Deletes a user.
    fn delete<'a>(&'a self, user: &'a str, timeout: Duration) -> UserReply<'a, ()>;
}
