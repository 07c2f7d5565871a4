//! The data of a user that the issuer has beyond the token.

use std::fmt;

use serde_json::{Map, Value};

use super::AuthLevel;

/// Since when a user's tokens are good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cutoff {
    /// There is no such time: all are.
    None,
    /// Those issued before this moment are dead, nanoseconds of Unix time.
    At(i128),
    /// There is one, and it cannot be read: none is.
    Unreadable,
}

/// A group that a user belongs to, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// The user's roles in it.
    pub roles: Vec<String>,
    /// The state of the membership: `active`, or an invitation's.
    pub member_state: Option<String>,
}

/// The parts of a user's data that came in another shape than documented. They are empty or lack
/// something, and so say nothing about the user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OddParts {
    /// Some groups could not be read.
    pub groups: bool,
    /// The attributes could not be read.
    pub attributes: bool,
    /// The fields that the user wrote could not be read.
    pub data: bool,
    /// The fields that were proved could not be read.
    pub verified_data: bool,
}

/// A user as the issuer has it now. `Debug` shows no personal data.
#[derive(Clone, PartialEq)]
pub struct Profile {
    /// The user's id, where the issuer says it.
    pub user_id: Option<String>,
    /// `enabled`, `disabled` or another word; absent means enabled.
    pub state: Option<String>,
    /// How strongly the user has proved who they are, where the issuer says it in a known word.
    pub auth_level: Option<AuthLevel>,
    /// The fields that the user wrote.
    pub data: Map<String, Value>,
    /// The fields that were proved.
    pub verified_data: Map<String, Value>,
    /// The attributes that the app's backend wrote.
    pub attributes: Map<String, Value>,
    /// The user's groups.
    pub groups: Vec<Group>,
    /// Times of the account, as the issuer writes them.
    pub meta: Map<String, Value>,
    /// The time in `meta` before which tokens are dead.
    pub tokens_valid_since: Cutoff,
    /// The parts that could not be read.
    pub odd: OddParts,
}

impl Profile {
    /// The account may be used. A state that is not known is none that may.
    #[must_use]
    pub fn enabled(&self) -> bool {
        self.state.as_deref().is_none_or(|state| state == "enabled")
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile")
            .field("state", &self.state)
            .field("tokens_valid_since", &self.tokens_valid_since)
            .finish_non_exhaustive()
    }
}
