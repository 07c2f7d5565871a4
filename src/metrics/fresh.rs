//! What is withdrawn before its time.

use metrics::{Gauge, describe_gauge, gauge};

use super::Metrics;

/// What a revocation names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Withdrawn {
    /// A token by its `jti`.
    Token,
    /// A session.
    Session,
    /// A user, with a time.
    User,
}

impl Withdrawn {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Token, Self::Session, Self::User];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Session => "session",
            Self::User => "user",
        }
    }
}

/// The handles of this file.
pub(super) struct Handles {
    withdrawn: [Gauge; Withdrawn::ALL.len()],
}

impl Handles {
    pub(super) fn register() -> Self {
        describe_gauge!("rownd_authz_revocations", "Entries of the list of revocations, by kind.");
        Self {
            withdrawn: Withdrawn::ALL
                .map(|kind| gauge!("rownd_authz_revocations", "kind" => kind.as_str())),
        }
    }
}

impl Metrics {
    /// Revocations of a kind that are in force now.
    pub fn withdrawn(&self, kind: Withdrawn, entries: usize) {
        if let Some(gauge) = self.fresh.withdrawn.get(kind as usize) {
            #[expect(clippy::cast_precision_loss, reason = "a bounded number of entries")]
            gauge.set(entries as f64);
        }
    }
}
