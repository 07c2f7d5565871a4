//! The nouns of the house: what every other room speaks about.
//!
//! Nothing comes in from other rooms and no I/O happens here; plain types go out.
//! A denial has no `Default`, and an identity is made of verified claims: `verify` makes it.

mod class;
mod denial;
mod derived;
mod edits;
mod facts;
mod identity;
mod peer;
mod profile;
mod reason;
mod request;
mod steps;
mod text;

pub use class::DenialClass;
pub use denial::Denial;
pub use derived::Derived;
pub use edits::{NameValue, QueryEdits, Redirect, RedirectKind, ResponseEdits};
pub use facts::{CheckRecord, VerdictFacts};
pub use identity::{AuthLevel, CookieProof, Credential, CredentialSource, Identity};
pub use peer::{Origin, Peer, PeerName};
pub use profile::{Cutoff, Group, Profile};
pub use reason::{AllowReason, DenyReason};
pub use request::{CallerProtocol, Headers, NamedRoute, RequestContext};
pub use steps::{Step, StepRecorder};
pub use text::{visible, visible_list};
