//! The section `issuers`: whose tokens are trusted.
//!
//! In: the issuers as they are written. Out: the issuers as they hold, each with every setting that
//! its kind needs, or every problem.

mod api_answers;
mod app;
mod audience;
mod check;
mod claim;
mod claims;
mod issuer;
mod keys;
mod known_iss;
mod mixed_up;
mod outbound;
mod preset;
mod preset_iss;
mod supertokens_core;
mod tenant_place;
mod tenants;
mod words;
mod written;

pub use api_answers::{AfterBound, ApiAnswers, ClearingValue, LogoPath, PatchOfMissing, PutEffect};
pub(in crate::config) use app::WrittenApp;
pub use app::{App, AppKnownBy};
pub use audience::AudienceClaim;
pub(in crate::config) use check::NO_APP;
pub use claim::{Claim, ClaimPlace, ClaimSettings};
pub use claims::ClaimMap;
pub(in crate::config) use claims::REGISTERED;
pub use issuer::{
    AcceptedTokens, FirebaseIssuer, Issuer, IssuerDetails, OidcIssuer, RowndIssuer, StaticIssuer,
    SupertokensIssuer,
};
pub use keys::{KeyFetchHeader, KeyOrigin, KeyPlace, Keys};
pub use supertokens_core::SupertokensCore;
pub use words::{Accepts, IssuerKind, Preset, SigningAlgorithm};
pub(in crate::config) use written::{SETTINGS_OF_KINDS, WrittenIssuer};
