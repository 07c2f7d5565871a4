//! The finding at one place of a request, and how the findings at several places agree.

use crate::model::{Credential, DenyReason};

/// The finding at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finding {
    /// There is no credential.
    Absent,
    /// There is one credential, good or bad.
    One(Credential),
    /// There is something that stands for a credential and cannot be used, for this reason. It agrees
    /// with no other finding.
    Refused(DenyReason),
}

impl Finding {
    /// The finding at both places: the first of two credentials that agree. Two that differ are a
    /// denial, whichever of them is good: the service behind may read the other one.
    pub(super) fn beside(self, next: Self) -> Self {
        match (self, next) {
            (Self::Absent, only) | (only, Self::Absent) => only,
            (Self::One(first), Self::One(next)) if first.token() == next.token() => {
                Self::One(first)
            }
            (Self::One(_) | Self::Refused(_), Self::One(_) | Self::Refused(_)) => {
                Self::Refused(DenyReason::CredentialsAmbiguous)
            }
        }
    }

    /// The one credential, if there is one.
    ///
    /// # Errors
    ///
    /// The denial, if it cannot be used.
    pub(super) fn credential(self) -> Result<Option<Credential>, DenyReason> {
        match self {
            Self::Absent => Ok(None),
            Self::One(credential) => Ok(Some(credential)),
            Self::Refused(reason) => Err(reason),
        }
    }
}
