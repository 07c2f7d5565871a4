//! Firebase Authentication: the ID tokens of one project.

use super::{
    kind::{FactsOf, KeySetPlace, Kind},
    standard,
};
use crate::{
    config::Accepts,
    model::{AuthLevel, DenyReason},
    verify::{
        claims::{
            map::DefaultClaims,
            read::{flag, optional_text},
        },
        json::Object,
    },
};

/// The keys of all projects are at one place.
const KEY_SET: &str =
    "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com";
/// The longest user id of Firebase, in bytes.
const MAX_USER_ID: usize = 128;

pub(super) const KIND: Kind = Kind {
    metadata_path: None,
    key_set: KeySetPlace::At(KEY_SET),
    kid_optional: false,
    accepts: Accepts::Id,
    has_profile: standard::has_profile,
    default_claims: DefaultClaims { tenant: Some("/firebase/tenant"), ..DefaultClaims::NONE },
    facts: |of| standard::facts_with(of, level),
    needs_app: false,
};

/// By the way the user signed in: anonymously, or with an address or number that was proved.
fn level(of: &FactsOf<'_>) -> Result<AuthLevel, DenyReason> {
    if of.claims.sub.as_ref().is_some_and(|sub| sub.len() > MAX_USER_ID) {
        return Err(DenyReason::ClaimsInvalid);
    }
    let other = &of.claims.other;
    let nothing = Object::default();
    let sign_in = match other.get("firebase") {
        None => &nothing,
        Some(value) => value.object().ok_or(DenyReason::ClaimsInvalid)?,
    };
    if optional_text(sign_in, "sign_in_provider")? == Some("anonymous") {
        return Ok(AuthLevel::Guest);
    }
    let proved = flag(other, "email_verified")?
        || optional_text(other, "phone_number")?.is_some_and(is_phone_number);
    Ok(if proved { AuthLevel::Verified } else { AuthLevel::Unverified })
}

/// A number by E.164, as Firebase writes it: `+` and at most 15 digits. Any other text, an empty
/// one included, is no number that somebody has proved.
fn is_phone_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}
