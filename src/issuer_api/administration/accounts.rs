//! The accounts of an issuer that has no apps with keys and secrets.
//!
//! In: a user. Out: nothing, or why it was not done.

use std::{fmt, time::Duration};

use super::users::UserReply;

/// Administers accounts. A change is sent once, whatever its answer is.
pub trait AccountAdministration: fmt::Debug + Send + Sync {
    /// Ends all sessions of a user.
    fn sign_out<'a>(&'a self, user: &'a str, timeout: Duration) -> UserReply<'a, ()>;

    /// Deletes a user.
    fn delete<'a>(&'a self, user: &'a str, timeout: Duration) -> UserReply<'a, ()>;
}
