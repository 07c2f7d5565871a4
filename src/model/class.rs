//! The kinds of denial: what a door needs to know to choose its status.

/// The kind of a no. Only the doors know what it is in HTTP and gRPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DenialClass {
    /// No credential where one is required.
    Anonymous,
    /// An invalid credential.
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
