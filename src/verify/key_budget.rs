//! How often an issuer is asked out of turn, and what is said of an unknown key until then.
//!
//! There are two budgets, each of one fetch in a cooldown: one for unknown `kid`s, and one for
//! signatures that do not fit a known key. A forged signature therefore takes nothing away from
//! a token that is signed with a new key.

use std::time::Duration;

use tokio::time::Instant;

/// How far the clocks of the issuer and of this machine may differ, and how long an issuer may
/// take to publish a key that it signs with already.
const SLACK: u64 = 60;

/// Why a fetch begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// Its time has come, or a command asks for it.
    Turn,
    /// A token names a key that is not known.
    UnknownKey,
    /// A signature does not fit the key of its name.
    BadSignature,
}

/// When fetches ended.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ends {
    last: Option<Instant>,
    /// Of those that no bad signature caused.
    regular: Option<Instant>,
}

impl Ends {
    pub(super) fn note(&mut self, cause: Cause) {
        let now = Some(Instant::now());
        self.last = now;
        if cause != Cause::BadSignature {
            self.regular = now;
        }
    }

    /// How long until a fetch for this cause is allowed; zero where it is.
    pub(super) fn rest(&self, cause: Cause, cooldown: Duration) -> Duration {
        let counted = match cause {
            Cause::Turn => None,
            Cause::UnknownKey => self.regular,
            Cause::BadSignature => self.last,
        };
        counted.map_or(Duration::ZERO, |ended| cooldown.saturating_sub(ended.elapsed()))
    }
}

/// When a token was issued, as it says itself: nothing of it is verified.
#[derive(Debug, Clone, Copy)]
pub(super) struct Issued {
    at: Option<u64>,
    now: u64,
    leeway: u64,
}

impl Issued {
    /// Nobody knows when.
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
