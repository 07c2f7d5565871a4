//! The words in which keys are chosen and rotated, and why a key cannot sign.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The key that signs a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SignedBy {
    /// The key that signs now: the signature is valid.
    #[default]
    Current,
    /// The key before the current one, which is still published: the signature is valid.
    Previous,
    /// The key that was withdrawn last: the signature was valid before.
    Withdrawn,
    /// A key that was never published: a forgery.
    Foreign,
}

/// The kind of rotation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rotation {
    /// Take every former key out of the set at once, instead of leaving them beside
    /// the new one.
    pub withdraw: bool,
    /// The new key takes over the old one's `kid`, so the old one leaves the set.
    pub same_kid: bool,
}

/// The keys after a rotation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Rotated {
    /// The `kid` of the key that signs from now on.
    pub kid: String,
    /// The `kid`s of the published set, the signing key's first.
    pub published: Vec<String>,
    /// The `kid` of the key that was withdrawn last, if there is one.
    pub withdrawn: Option<String>,
}

/// Why a key cannot sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum KeyError {
    /// No key was replaced yet.
    #[error("there is no previous key: rotate first")]
    NoPrevious,
    /// No key was withdrawn yet.
    #[error("no key was withdrawn yet: rotate with `withdraw` or `same_kid` first")]
    NoWithdrawn,
    /// The crypto library could not generate a key.
    #[error("cannot generate a key")]
    Generate,
    /// The crypto library could not sign.
    #[error("cannot sign")]
    Sign,
}
