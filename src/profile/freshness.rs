//! Does a token still hold by what Rownd knows of its user now? The account may be disabled, or
//! its tokens dead from some moment on (a sign-out everywhere).

use std::sync::Arc;

use tokio::time::Instant;

use super::{ProfileError, Profiles};
use crate::{
    model::{Cutoff, Denial, DenyReason, Group, Profile},
    policy::{ConfirmedByProfile, Permit, Unconfirmed},
    verify::Identity,
};

const NANOSECONDS: i128 = 1_000_000_000;

/// The proof that a profile was read and speaks for its user. Made in this file only.
#[derive(Debug)]
struct ReadAndGood;

impl ConfirmedByProfile for ReadAndGood {}

impl Profiles {
    /// Policy's yes, confirmed by the profile of its user. Waits for that until `deadline` at the
    /// longest.
    ///
    /// # Errors
    ///
    /// The denial, if the profile speaks against it or could not be read in time.
    pub async fn confirm(&self, allowed: Unconfirmed, deadline: Instant) -> Result<Permit, Denial> {
        self.confirmed(allowed.identity(), deadline).await?;
        Ok(allowed.confirmed(ReadAndGood))
    }

    /// The identity is good by its user's profile. Waits for that until `deadline` at the longest.
    ///
    /// # Errors
    ///
    /// As [`confirm`](Self::confirm).
    pub async fn speaks_for(&self, who: &Identity, deadline: Instant) -> Result<(), Denial> {
        self.confirmed(who, deadline).await.map(|_| ())
    }

    /// The groups of the identity's user, by whose profile it is good.
    pub async fn groups(&self, who: &Identity, deadline: Instant) -> Result<Vec<Group>, Denial> {
        Ok(self.confirmed(who, deadline).await?.groups.clone())
    }

    async fn confirmed(&self, who: &Identity, deadline: Instant) -> Result<Arc<Profile>, Denial> {
        let judged = match self.get(who, None, deadline).await {
            Ok(known) => judge(&known.profile, who.issued_at).map(|()| known.profile),
            Err(error) => Err(error.reason()),
        };
        judged.map_err(|reason| Denial::from(reason).judged_by(&who.issuer))
    }
}

impl ProfileError {
    const fn reason(&self) -> DenyReason {
        match self {
            Self::Unsupported => DenyReason::ProfileUnsupported,
            Self::NotFound => DenyReason::UserNotFound,
            Self::Unavailable(_) | Self::Missed(_) | Self::TooOften(_) => {
                DenyReason::ProfileUnavailable
            }
        }
    }
}

/// A cut-off that cannot be read, and a token that does not say when it was issued where there
/// is one, are judged as dead: nothing shows that they are not.
pub(super) fn judge(profile: &Profile, issued_at: Option<u64>) -> Result<(), DenyReason> {
    if profile.enabled() { alive(profile, issued_at) } else { Err(DenyReason::UserDisabled) }
}

/// The half of it that is about the token: it was issued after the cut-off.
pub fn alive(profile: &Profile, issued_at: Option<u64>) -> Result<(), DenyReason> {
    let issued_at = issued_at.map(|at| i128::from(at) * NANOSECONDS);
    let dead = match profile.tokens_valid_since {
        Cutoff::None => false,
        Cutoff::At(since) => issued_at.is_none_or(|at| at < since),
        Cutoff::Unreadable => true,
    };
    if dead { Err(DenyReason::Revoked) } else { Ok(()) }
}
