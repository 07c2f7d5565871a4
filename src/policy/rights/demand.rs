//! Permissions that somebody asks for by name at run time: a backend, in a call of `Verify`.
//!
//! In: the permissions, an identity, and the profile where it has been read. Out: whether the user has
//! all of them.

use super::RightsBook;
use crate::{model::Profile, policy::truth::Truth, verify::Identity};

/// Whether a user has all permissions that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// The user has all of them.
    Met,
    /// The user's profile decides, and has to be read first.
    NeedsProfile,
    /// The user lacks one of them.
    Lacking,
    /// It cannot be known whether the user has one of them.
    Unknown,
}

impl RightsBook {
    /// Whether the user has all these permissions. `profile` is `None` if it has not been read.
    #[must_use]
    pub fn demand(
        &self,
        permissions: &[String],
        identity: &Identity,
        profile: Option<&Profile>,
    ) -> Demand {
        let has = |permission: &String| self.permission_question(permission).ask(identity, profile);
        match Truth::all(permissions.iter().map(has)) {
            Truth::True => Demand::Met,
            Truth::NeedsProfile => Demand::NeedsProfile,
            Truth::False => Demand::Lacking,
            Truth::Unknown => Demand::Unknown,
        }
    }
}
