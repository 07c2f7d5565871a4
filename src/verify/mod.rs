//! Is the token genuine, alive and meant for this service? From a raw token to an [`Identity`].
//!
//! In: a token, the time, a deadline. Out: the identity, or the reason of a denial. The order:
//! length, shape and header before any cryptography; the issuer by its exact `iss`; the issuer's
//! own key by `kid`; the signature; then the claims. Verified claims are cached under the SHA-256
//! of the whole token; on a hit, time, key and revocations are judged again. A refusal that cannot
//! change while the keys stay is cached for seconds.

#![warn(clippy::wildcard_enum_match_arm, clippy::match_wildcard_for_single_variants)]

mod app_id_snapshot;
mod app_slot;
mod choice;
mod claimed_target;
mod claims;
mod claims_cache;
mod commands;
mod event_token;
mod faults;
mod fetch_budget;
mod fetch_lanes;
mod first_keys;
mod identity;
mod inspect;
mod issuer;
mod issuer_build;
mod json;
mod jwks;
mod key_cache;
mod key_credential;
mod key_refresher;
mod key_ring;
mod key_snapshot;
mod key_source;
mod key_state;
mod key_turns;
mod kinds;
mod missing_key;
mod outcome_label;
mod refusal_cache;
mod revocation;
mod rules;
mod self_test;
mod signature;
mod tenant_status;
#[cfg(test)]
mod tests;
mod token;
mod unix_time;
mod verifier;
mod warnings;

pub use app_id_snapshot::AppIdSnapshot;
pub use app_slot::{AppFault, AppSlot};
pub use claimed_target::ClaimedTarget;
pub use commands::CommandTarget;
pub use event_token::{EventToken, EventTokenKind, ExpectedEvent};
pub use faults::UnreadableToken;
pub use identity::Identity;
pub use inspect::{
    Inspection, IssuerAnswer, IssuerFinding, KeysAsked, SignatureFinding, TokenFacts, read_facts,
};
pub use issuer::Issuer;
pub use issuer_build::problems;
pub use json::strict_object;
pub use jwks::{KeyRefusal, RefusedKey};
pub use key_refresher::KeyRefresher;
pub use key_ring::KeyStoreId;
pub use key_state::KeyStatus;
pub use outcome_label::add_labels;
pub use revocation::{
    MemoryRevocations, RevocationCounts, RevocationList, RevocationReplica, RevocationSync,
    RevokeError, RevokedSubject, RevokingIssuer, Spread, user_of_app,
};
pub use self_test::{SelfTestError, self_test};
pub use tenant_status::{TenantFault, TenantsStatus};
pub use token::verified_claims;
pub use verifier::{Verifier, VerifierLimits, VerifierParts};
pub use warnings::warnings;
