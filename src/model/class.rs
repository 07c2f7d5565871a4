//! The kinds of denial: what a door needs to know to choose its status.

/// The kind of a denial. The room `response` has its form in HTTP and gRPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DenialClass {
    /// No credential where one is required.
    Anonymous,
    /// An invalid credential.
    BadCredential,
    /// More than one credential in one request.
    Conflict,
    /// A request that cannot be judged.
    BadRequest,
    /// The identity is known and has not enough rights.
    Forbidden,
    /// The identity has to prove itself more strongly (RFC 9470).
    StepUp,
    /// Cannot decide yet: the decision about this credential may change within seconds. A client can
    /// cause it, so it is no fault of the service and never holds for every caller.
    Pending,
    /// Cannot decide: a fault of this service or of the issuer.
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
