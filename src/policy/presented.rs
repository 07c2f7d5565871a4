//! The caller of a request as the rules see it: who it is, and how that is known.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{model::CredentialSource, verify::Identity};

/// The caller of a request, as far as it is known.
#[derive(Debug, Clone)]
pub struct Presented {
    pub(super) identity: Option<Arc<Identity>>,
    pub(super) source: Option<CredentialSource>,
    /// The time of the check, Unix seconds.
    pub(super) now: u64,
}

impl Presented {
    /// A caller with this identity, whose credential was found there, at this time.
    #[must_use]
    pub fn new(
        identity: Option<Arc<Identity>>,
        source: Option<CredentialSource>,
        now: SystemTime,
    ) -> Self {
        // A clock before 1970 makes every sign-in one of the future, which is never recent.
        let now = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self { identity, source, now }
    }

    /// A caller without a credential.
    pub(super) const fn nobody() -> Self {
        Self { identity: None, source: None, now: 0 }
    }

    /// The same where a rule reads a credential, else nobody.
    pub(super) fn where_read(self, reads_credential: bool) -> Self {
        if reads_credential { self } else { Self { identity: None, source: None, ..self } }
    }
}

#[cfg(test)]
impl From<Option<Arc<Identity>>> for Presented {
    fn from(identity: Option<Arc<Identity>>) -> Self {
        let source = identity.is_some().then_some(CredentialSource::Header);
        Self::new(identity, source, SystemTime::now())
    }
}
