//! Which claims of an issuer's tokens become the identity.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::claim::{Claim, ClaimPlace};
use crate::config::findings::Findings;

/// Claims that mean the same in every token (RFC 7519 section 4.1), so that no setting may name
/// them.
pub(in crate::config) const REGISTERED: [&str; 6] = ["iss", "aud", "exp", "nbf", "iat", "jti"];
/// The parts of the identity that are lists.
const LISTS: [&str; 3] = ["roles", "groups", "scopes"];

/// Which claims become the identity. Each setting is a text: the name of a claim, whatever
/// characters it holds, or the JSON pointer of a claim inside another, which begins with a slash
/// (`/realm_access/roles`). Or it is a map with one of `name`, `pointer` and `path`
/// (`{ path: realm_access.roles }`), and with `keys: true` where the names of an object's members
/// are the list, or `integer: true` where the value is a whole number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClaimMap {
    /// The claim with the user id. Default: `sub`. Not for `rownd` and `supertokens`, whose claims
    /// have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Claim>,
    /// The claim with the auth level, one of its four words. Not for `rownd` and `supertokens`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_level: Option<Claim>,
    /// The claim with the app id. Not for `rownd` and `supertokens`, whose audience has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_id: Option<Claim>,
    /// The claim with the app variant. Not for `rownd` and `supertokens`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_variant: Option<Claim>,
    /// The claim with the session id. Default: `sid`; `supertokens` always has `sessionHandle`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<Claim>,
    /// The claim with the tenant. `supertokens` always has `tId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Claim>,
    /// The claim with the roles: a list of texts, or one text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Claim>,
    /// The claim with the groups: a list of texts, or one text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Claim>,
    /// The claim with the scopes: a list of texts, or one text with blanks between the scopes.
    /// Default: `scope` (`oidc`, `static`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Claim>,
}

impl ClaimMap {
    /// Each part of the identity, and the claim that is configured for it.
    #[must_use]
    pub const fn entries(&self) -> [(&'static str, Option<&Claim>); 9] {
        [
            ("user_id", self.user_id.as_ref()),
            ("auth_level", self.auth_level.as_ref()),
            ("app_id", self.app_id.as_ref()),
            ("app_variant", self.app_variant.as_ref()),
            ("session_id", self.session_id.as_ref()),
            ("tenant", self.tenant.as_ref()),
            ("roles", self.roles.as_ref()),
            ("groups", self.groups.as_ref()),
            ("scopes", self.scopes.as_ref()),
        ]
    }

    /// Adds the problems of the claim map at this JSON pointer.
    pub(super) fn check(&self, at: &str, found: &mut Findings) {
        for (target, claim) in self.entries() {
            let Some(claim) = claim else { continue };
            let at = format!("{at}/{target}");
            if let Some(problem) = claim.problem() {
                found.add(at, problem);
                continue;
            }
            let steps = claim.place().map(ClaimPlace::steps).unwrap_or_default();
            let first = steps.first().map(String::as_str).unwrap_or_default();
            if REGISTERED.contains(&first) {
                found.add(
                    at.clone(),
                    format!("`{first}` has another meaning in every token (RFC 7519)"),
                );
            } else if first == "sub" && (target != "user_id" || steps.len() > 1) {
                found.add(at.clone(), "`sub` is the user id, a text; only `user_id` may name it");
            }
            check_reading(claim, target, first, &at, found);
        }
    }
}

/// Adds the problems of how the value is read.
fn check_reading(claim: &Claim, target: &str, first: &str, at: &str, found: &mut Findings) {
    if claim.keys() && !LISTS.contains(&target) {
        found.add(format!("{at}/keys"), "makes a list; only roles, groups and scopes are lists");
    }
    if claim.integer() && (target == "auth_level" || first == "sub") {
        found.add(format!("{at}/integer"), "this is always a text; leave it out");
    }
    if claim.integer() && claim.keys() {
        found.add(
            format!("{at}/integer"),
            "the names of an object's members are texts; leave it out",
        );
    }
}
