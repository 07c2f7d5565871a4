//! The service that a token must be made for: the audiences of an issuer, and the claim that names
//! the service where tokens have no `aud`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    claim::{Claim, ClaimPlace},
    claims::REGISTERED,
};
use crate::config::findings::Findings;

/// The claim that says for which client a token was made, as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct WrittenAudience {
    /// The name of the claim: `client_id` (Cognito, WorkOS, Hydra), `azp` (Clerk, Keycloak), or the
    /// JSON pointer of a claim inside another. Default: the usual claim of `preset`, where there is
    /// one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// The values, one of which the claim must have, byte for byte.
    pub values: Vec<String>,
}

/// The claim that says for which client a token was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudienceClaim {
    /// The name of the claim, or its JSON pointer.
    pub claim: String,
    /// The values, one of which the claim must have; never empty.
    pub values: Vec<String>,
}

impl WrittenAudience {
    /// Adds the problems of the setting at this JSON pointer.
    pub(super) fn check(&self, at: &str, found: &mut Findings) -> Option<AudienceClaim> {
        let claim = self.claim_name(&format!("{at}/claim"), found);
        if self.values.is_empty() {
            found.add(
                format!("{at}/values"),
                "is missing: without it, tokens for any client would be taken; write \
                 values: [my-client]",
            );
            return None;
        }
        check_values(&self.values, &format!("{at}/values"), VALUES_ADVICE, found);
        Some(AudienceClaim { claim: claim?, values: self.values.clone() })
    }

    fn claim_name(&self, at: &str, found: &mut Findings) -> Option<String> {
        let Some(claim) = self.claim.as_deref() else {
            found.add(at, "is missing; write the claim that names the client: client_id, or azp");
            return None;
        };
        if let Some(problem) = Claim::Text(claim.to_owned()).problem() {
            found.add(at, problem);
            return None;
        }
        match ClaimPlace::of_text(claim).steps().first().map(String::as_str) {
            Some("aud") => {
                found.add(at, "`aud` is what `audiences` is for; write audiences: [my-api]");
                None
            }
            // The user and the issuer are the same for every service.
            Some(first) if first == "sub" || REGISTERED.contains(&first) => {
                found.add(
                    at,
                    "does not say for which client a token was made; write client_id, or azp",
                );
                None
            }
            Some(_) | None => Some(claim.to_owned()),
        }
    }
}

/// The words for a pattern in `audiences` of a kind whose tokens may be without `aud`.
pub(super) const AUDIENCES_ADVICE: &str = "write the audiences of your services; for tokens without \
                                         `aud` write audience: { claim: client_id, values: \
                                         [my-client] }";
/// The words for a pattern in `audiences` of SuperTokens sessions.
pub(super) const SESSIONS_ADVICE: &str = "write the audience, or leave `audiences` out for sessions \
                                        without one";
/// The words for a pattern in the values of the claim.
const VALUES_ADVICE: &str = "write the id of each client";

/// Adds the problems of a list of names that are compared byte for byte.
pub(super) fn check_values(values: &[String], at: &str, advice: &str, found: &mut Findings) {
    for (index, value) in values.iter().enumerate() {
        let at = format!("{at}/{index}");
        if value.trim().is_empty() {
            found.add(at, format!("is empty; {advice}"));
        } else if value.trim() != value {
            found.add(at, "begins or ends with a blank; leave it out");
        } else if is_pattern(value) {
            found.add(at, format!("is a pattern, and names are compared byte for byte; {advice}"));
        } else if values.iter().take(index).any(|known| known == value) {
            found.add(at, "is there twice; leave one out");
        }
    }
}

/// A wildcard or a regular expression. An audience is the name of a service or a URI (RFC 7519
/// section 4.1.3), and none of them looks so.
fn is_pattern(value: &str) -> bool {
    value.contains('*')
        || value.contains(".+")
        || value.starts_with('^')
        || value.ends_with('$')
        || value == "?"
}
