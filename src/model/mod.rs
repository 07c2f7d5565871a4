//! The nouns of the house: what every other room speaks about.
//!
//! Nothing comes in from other rooms and no I/O happens here; plain types go out.
//! A denial has no `Default`, and an identity is made of verified claims: `verify` makes it.

mod claim;
mod decision;
mod derived;
mod downstream;
mod headers;
mod identity;
mod peer;
mod profile;
mod query;
mod reason;
mod request;
mod text;

pub use claim::ClaimPath;
pub use decision::{AllowReason, Denial, DenialClass, VerdictFacts};
pub use derived::Derived;
pub use downstream::{Downstream, EncodedDownstream, Workload};
pub use headers::{Headers, Occurrence};
pub use identity::{AuthLevel, CookieProof, Credential, CredentialSource, Identity};
pub use peer::{Origin, Peer, PeerName};
pub use profile::{Cutoff, Group, Profile};
pub use query::Query;
pub use reason::DenyReason;
pub use request::{CallerProtocol, NamedRoute, RequestContext};
pub use text::{visible, visible_list};
