//! The nouns of the house: what every other room speaks about.
//!
//! Nothing comes in from other rooms and no I/O happens here; plain types go out.
//! A denial has no `Default`. The identity of a verified token is no noun of this room: only
//! `verify` can make one, so the type is there.

mod app_of_key;
mod claims;
mod class;
mod denial;
mod denial_form;
mod derived;
mod document;
mod downstream;
mod edits;
mod event;
mod headers;
pub mod heap;
mod identity;
mod issuer_index;
mod parameter;
mod peer;
mod profile;
mod query;
mod reason;
mod request;
mod shared_text;
mod spelling;
mod steps;
mod text;
mod warning;

pub use app_of_key::AppOfKey;
pub use claims::{ClaimNames, KeptClaims, UnreadClaim};
pub use class::DenialClass;
pub use denial::{Denial, Explanation};
pub use denial_form::{AccentColor, DenialForm, DenialPage, SignInPage};
pub use derived::Derived;
pub use document::PublicDocument;
pub use downstream::{Downstream, EncodedDownstream, Workload};
pub use edits::{NameValue, QueryEdits, Redirect, RedirectKind, ResponseEdits};
pub use event::{Event, EventRecorder, EventType, EventValue, NoEvents};
pub use headers::{Headers, Occurrence};
pub use identity::{
    AuthLevel, CookieProof, Credential, CredentialSource, IdentityFacts, ListsElsewhere,
};
pub use issuer_index::IssuerIndex;
pub use parameter::{decode_layer, decoded_forms, escape_value, is_parameter};
pub use peer::{Origin, Peer, PeerName};
pub use profile::{Cutoff, Group, OddParts, Profile};
pub use query::Query;
pub use reason::{AllowReason, DenyReason};
pub use request::{CallerProtocol, NamedRoute, RequestContext};
pub use shared_text::SharedText;
pub use spelling::{is_spelling, spelled};
pub use steps::{Step, StepRecorder};
pub use text::{is_visible, visible, visible_list};
pub use warning::{SettingPlace, Warning};
