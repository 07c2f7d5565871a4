//! The nouns of the house: what every other room speaks about.
//!
//! Nothing comes in from other rooms and no I/O happens here; plain types go out.
//! An identity can only be built from verified claims, a verdict only from a
//! decision, and neither has a `Default`, so a wrong "yes" cannot be made by accident.

mod decision;
mod identity;
mod peer;
mod profile;
mod reason;
mod request;
mod text;

pub use decision::{
    AllowReason, Decision, Denial, DenialClass, HeaderMutations, IdentityHeaders, Verdict,
    VerdictFacts,
};
pub use identity::{AuthLevel, CookieProof, Credential, CredentialSource, Identity, KeptHeaders};
pub use peer::{Origin, Peer, PeerName};
pub use profile::{Cutoff, Group, Profile};
pub use reason::DenyReason;
pub use request::{CallerProtocol, Headers, NamedRoute, RequestContext};
pub use text::{visible, visible_list};
