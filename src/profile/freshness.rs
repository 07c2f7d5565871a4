//! Whether a token is still valid by the profile of its user: the account may be disabled, or all
//! tokens that were issued before some time may be revoked (a sign-out everywhere).

use std::sync::Arc;

use tokio::time::Instant;

use super::{ProfileError, Profiles};
use crate::{
    model::{Cutoff, Denial, DenyReason, Profile},
    policy::{ConfirmedByProfile, Permit, Unconfirmed},
    single_flight::Missed,
    verify::Identity,
};

const NANOSECONDS: i128 = 1_000_000_000;

/// The proof that a profile was read and that the token is still valid by it. Made in this file
/// only.
#[derive(Debug)]
struct ReadAndGood(Arc<Profile>);

impl ConfirmedByProfile for ReadAndGood {
    fn profile(&self) -> &Arc<Profile> {
        &self.0
    }
}

impl Profiles {
    /// Policy's yes, confirmed by the profile of its user. Waits for that until `deadline` at the
    /// longest.
    ///
    /// # Errors
    ///
    /// The denial, if the token is not valid any more or the profile could not be read in time.
    pub async fn confirm(
        &self,
        allowed: Unconfirmed<'_>,
        deadline: Instant,
    ) -> Result<Permit, Denial> {
        let profile = self.confirmed(allowed.identity(), deadline).await?;
        allowed.confirmed(&ReadAndGood(profile))
    }

    /// The profile of the identity's user, if the identity is still valid by it. Waits for it until
    /// `deadline` at the longest.
    ///
    /// # Errors
    ///
    /// The same denials as [`confirm`](Self::confirm).
    pub async fn confirmed(
        &self,
        who: &Identity,
        deadline: Instant,
    ) -> Result<Arc<Profile>, Denial> {
        let confirmed = match self.get(who, None, deadline).await {
            Ok(known) => token_still_valid(&known.profile, who.issued_at).map(|()| known.profile),
            Err(error) => Err(error.reason()),
        };
        confirmed.map_err(|reason| Denial::from(reason).judged_by(&who.issuer))
    }
}

impl ProfileError {
    const fn reason(&self) -> DenyReason {
        match self {
            Self::Unsupported => DenyReason::ProfileUnsupported,
            Self::NotFound => DenyReason::UserNotFound,
            Self::Missed(Missed::Panicked) => DenyReason::Internal,
            Self::Unavailable(_)
            | Self::Missed(Missed::Late | Missed::Busy | Missed::Stopped)
            | Self::TooOften(_) => DenyReason::ProfileUnavailable,
        }
    }
}

/// Checks that the account is enabled and that the token was not issued before the cut-off.
pub(super) fn token_still_valid(
    profile: &Profile,
    issued_at: Option<u64>,
) -> Result<(), DenyReason> {
    if profile.enabled() {
        issued_after_cutoff(profile, issued_at)
    } else {
        Err(DenyReason::UserDisabled)
    }
}

/// Checks that the token was not issued before the cut-off of its user. Fails closed: if the cut-off
/// cannot be read, or the token does not say when it was issued, the token counts as revoked.
///
/// # Errors
///
/// [`DenyReason::Revoked`], if the token was issued before the cut-off or that cannot be told.
pub fn issued_after_cutoff(profile: &Profile, issued_at: Option<u64>) -> Result<(), DenyReason> {
    let issued_at = issued_at.map(|at| i128::from(at) * NANOSECONDS);
    let revoked = match profile.tokens_valid_since {
        Cutoff::None => false,
        Cutoff::At(since) => issued_at.is_none_or(|at| at < since),
        Cutoff::Unreadable => true,
    };
    if revoked { Err(DenyReason::Revoked) } else { Ok(()) }
}
