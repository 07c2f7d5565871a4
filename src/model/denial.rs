//! A denial: its reason, and what a client needs to know to do better.

use std::{borrow::Cow, sync::Arc, time::Duration};

use super::{class::DenialClass, identity::AuthLevel, reason::DenyReason};

/// A denial, with its stable reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    reason: DenyReason,
    required_level: Option<AuthLevel>,
    for_everybody: bool,
    retry_after: Option<Duration>,
    issuer: Option<Arc<str>>,
    header: Option<&'static str>,
}

impl Denial {
    /// Denied for this reason, and nothing more is known.
    const fn of(reason: DenyReason) -> Self {
        Self {
            reason,
            required_level: None,
            for_everybody: false,
            retry_after: None,
            issuer: None,
            header: None,
        }
    }

    /// Denied for a cause that lies with us or the issuer and holds for every caller: nothing
    /// a client sends can bring it about. A reason of another class than
    /// [`DenialClass::Unavailable`] never holds for everybody.
    #[must_use]
    pub const fn for_everybody(reason: DenyReason) -> Self {
        let mut denial = Self::of(reason);
        denial.for_everybody = matches!(reason.class(), DenialClass::Unavailable);
        denial
    }

    /// Denied for now: the same credential may be good after that time.
    #[must_use]
    pub const fn until(reason: DenyReason, retry_after: Duration) -> Self {
        let mut denial = Self::of(reason);
        denial.retry_after = Some(retry_after);
        denial
    }

    /// Denied because the value of this identity header is above the limits.
    #[must_use]
    pub const fn identity_too_large(header: &'static str) -> Self {
        let mut denial = Self::of(DenyReason::IdentityTooLarge);
        denial.header = Some(header);
        denial
    }

    /// The identity header whose value is above the limits, where that was the matter.
    #[must_use]
    pub const fn header(&self) -> Option<&'static str> {
        self.header
    }

    /// The reason in words for the client, with the name of the header where one was the matter.
    #[must_use]
    pub fn message(&self) -> Cow<'static, str> {
        let message = self.reason.message();
        self.header.map_or(message.into(), |header| format!("{message}: {header}").into())
    }

    /// After what time to ask again, where this denial knows it better than the settings.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// See [`Self::for_everybody`].
    #[must_use]
    pub const fn is_for_everybody(&self) -> bool {
        self.for_everybody
    }

    /// The auth level that would have been enough, where that was the matter.
    #[must_use]
    pub const fn required_level(&self) -> Option<AuthLevel> {
        self.required_level
    }

    /// The reason of the refusal.
    #[must_use]
    pub const fn reason(&self) -> DenyReason {
        self.reason
    }

    /// Denied because the auth level is below `required`.
    #[must_use]
    pub const fn level_too_low(required: AuthLevel, step_up: bool) -> Self {
        let reason = if step_up { DenyReason::StepUpRequired } else { DenyReason::AuthLevelTooLow };
        let mut denial = Self::of(reason);
        denial.required_level = Some(required);
        denial
    }

    /// Denied by the rules of this issuer, by its configured name. The first call counts.
    #[must_use]
    pub fn judged_by(mut self, issuer: &Arc<str>) -> Self {
        self.issuer.get_or_insert_with(|| issuer.clone());
        self
    }

    /// The configured name of the issuer whose token was denied: the one that the token's `iss`
    /// picked. `None` where no credential was read that far. Never what a client sent.
    #[must_use]
    pub const fn issuer(&self) -> Option<&Arc<str>> {
        self.issuer.as_ref()
    }
}

impl From<DenyReason> for Denial {
    fn from(reason: DenyReason) -> Self {
        Self::of(reason)
    }
}
