//! The budget of fetches that tokens cause, and the answer about an unknown key until the next one.
//!
//! In: the ends of fetches, and the cause of the next one. Out: whether it may begin now. There are
//! two budgets, each of one fetch in a cooldown: one for unknown `kid`s, and one for
//! signatures that do not fit a known key. A forged signature therefore takes nothing away from
//! a token that is signed with a new key.

use std::time::Duration;

use tokio::time::Instant;

/// How far the clocks of the issuer and of this machine may differ, and how long an issuer may
/// take to publish a key that it signs with already.
const SLACK: u64 = 60;

/// The cause of a fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FetchCause {
    /// Its time has come, or a command asks for it.
    Turn,
    /// A token names a key that is not known.
    UnknownKey,
    /// A signature does not fit the key of its name.
    BadSignature,
}

/// The times at which fetches ended.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FetchEnds {
    last: Option<Instant>,
    /// The last end of a fetch that no bad signature caused.
    regular: Option<Instant>,
}

impl FetchEnds {
    pub(super) fn note(&mut self, cause: FetchCause) {
        let now = Some(Instant::now());
        self.last = now;
        if cause != FetchCause::BadSignature {
            self.regular = now;
        }
    }

    /// The time until a fetch for this cause is allowed; zero where it is allowed now.
    pub(super) fn time_until_allowed(&self, cause: FetchCause, cooldown: Duration) -> Duration {
        let counted = match cause {
            FetchCause::Turn => None,
            FetchCause::UnknownKey => self.regular,
            FetchCause::BadSignature => self.last,
        };
        counted.map_or(Duration::ZERO, |ended| cooldown.saturating_sub(ended.elapsed()))
    }
}

/// The time at which a token was issued, as it states itself: nothing of it is verified.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClaimedIssueTime {
    at: Option<u64>,
    now: u64,
    leeway: u64,
}

impl ClaimedIssueTime {
    /// The token does not state it.
    pub(super) const UNKNOWN: Self = Self { at: None, now: 0, leeway: 0 };

    /// By its `iat`, at this time (Unix seconds).
    pub(super) const fn new(at: Option<u64>, now: u64, leeway: u64) -> Self {
        Self { at, now, leeway }
    }

    /// The key that signed it may be younger than the answer to a fetch that began then.
    pub(super) fn may_follow(self, fetch: Instant) -> bool {
        // Whole seconds, rounded in favour of the token.
        let ago = fetch.elapsed().as_secs().saturating_add(1);
        let earliest = self.now.saturating_sub(ago).saturating_sub(SLACK);
        self.at.is_some_and(|at| at > earliest && at <= self.now.saturating_add(self.leeway))
    }
}
