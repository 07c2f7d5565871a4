//! What yes and no consist of: denials and reasons.

use std::{sync::Arc, time::Duration};

use super::{AuthLevel, DenyReason};

/// The kind of a no. Only the doors know what it is in HTTP and gRPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DenialClass {
    /// No credential where one is required.
    Anonymous,
    /// A credential that is no good.
    BadCredential,
    /// More than one credential in one request.
    Conflict,
    /// A request that we refuse to judge.
    BadRequest,
    /// The identity is known and has not enough rights.
    Forbidden,
    /// The identity has to prove itself more strongly (RFC 9470).
    StepUp,
    /// Cannot decide yet: the answer to this credential may change within seconds. A client can
    /// bring it about, so it is no fault of ours and never holds for everybody.
    Pending,
    /// Cannot decide: our fault, or the issuer's.
    Unavailable,
}

impl DenialClass {
    /// Every class.
    pub const ALL: [Self; 8] = [
        Self::Anonymous,
        Self::BadCredential,
        Self::Conflict,
        Self::BadRequest,
        Self::Forbidden,
        Self::StepUp,
        Self::Pending,
        Self::Unavailable,
    ];
}

/// A no, with its stable reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    reason: DenyReason,
    required_level: Option<AuthLevel>,
    for_everybody: bool,
    retry_after: Option<Duration>,
    issuer: Option<Arc<str>>,
}

impl Denial {
    /// Denied for a cause that lies with us or the issuer and holds for every caller: nothing
    /// a client sends can bring it about. A reason of another class than
    /// [`DenialClass::Unavailable`] never holds for everybody.
    #[must_use]
    pub const fn for_everybody(reason: DenyReason) -> Self {
        let for_everybody = matches!(reason.class(), DenialClass::Unavailable);
        Self { reason, required_level: None, for_everybody, retry_after: None, issuer: None }
    }

    /// Denied for now: the same credential may be good after that time.
    #[must_use]
    pub const fn until(reason: DenyReason, retry_after: Duration) -> Self {
        Self {
            reason,
            required_level: None,
            for_everybody: false,
            retry_after: Some(retry_after),
            issuer: None,
        }
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

    /// Why.
    #[must_use]
    pub const fn reason(&self) -> DenyReason {
        self.reason
    }

    /// Denied because the auth level is below `required`.
    #[must_use]
    pub const fn level_too_low(required: AuthLevel, step_up: bool) -> Self {
        let reason = if step_up { DenyReason::StepUpRequired } else { DenyReason::AuthLevelTooLow };
        Self {
            reason,
            required_level: Some(required),
            for_everybody: false,
            retry_after: None,
            issuer: None,
        }
    }

    /// Denied by the rules of this issuer, by its configured name. Whoever says so first is right.
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
        Self { reason, required_level: None, for_everybody: false, retry_after: None, issuer: None }
    }
}

/// Why a check was allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum AllowReason {
    /// A verified identity satisfied the route.
    Authenticated,
    /// The route lets callers without a credential pass.
    Anonymous,
    /// The route asks for nothing (`auth: none`).
    Public,
    /// A CORS preflight on a route that lets those pass.
    CorsPreflight,
}

impl AllowReason {
    /// Every reason.
    pub const ALL: [Self; 4] =
        [Self::Authenticated, Self::Anonymous, Self::Public, Self::CorsPreflight];

    /// The stable word, `snake_case`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Authenticated => "authenticated",
            Self::Anonymous => "anonymous",
            Self::Public => "public",
            Self::CorsPreflight => "cors_preflight",
        }
    }
}
