//! Which claims of an issuer's tokens become the identity.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::findings::Findings;

/// Claims that mean the same in every token (RFC 7519 section 4.1), so that no setting may name
/// them.
pub(super) const REGISTERED: [&str; 6] = ["iss", "aud", "exp", "nbf", "iat", "jti"];

/// Which claims become the identity. Each setting is the name of a claim, or the JSON pointer of a
/// claim inside another (`/realm_access/roles`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClaimMap {
    /// The claim with the user id. Default: `sub`. Not for `rownd` and `supertokens`, whose claims
    /// have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The claim with the auth level, one of its four words. Not for `rownd` and `supertokens`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_level: Option<String>,
    /// The claim with the app id. Not for `rownd` and `supertokens`, whose audience has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// The claim with the app variant. Not for `rownd` and `supertokens`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_variant: Option<String>,
    /// The claim with the session id. Default: `sid`; `supertokens` always has `sessionHandle`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The claim with the tenant. `supertokens` always has `tId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The claim with the roles: a list of texts, or one text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<String>,
    /// The claim with the groups: a list of texts, or one text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<String>,
    /// The claim with the scopes: a list of texts, or one text with blanks between the scopes.
    /// Default: `scope`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<String>,
}

impl ClaimMap {
    /// Each part of the identity, and the claim that is configured for it.
    #[must_use]
    pub fn entries(&self) -> [(&'static str, Option<&str>); 9] {
        [
            ("user_id", self.user_id.as_deref()),
            ("auth_level", self.auth_level.as_deref()),
            ("app_id", self.app_id.as_deref()),
            ("app_variant", self.app_variant.as_deref()),
            ("session_id", self.session_id.as_deref()),
            ("tenant", self.tenant.as_deref()),
            ("roles", self.roles.as_deref()),
            ("groups", self.groups.as_deref()),
            ("scopes", self.scopes.as_deref()),
        ]
    }

    /// Adds the problems of the claim map at this JSON pointer.
    pub(super) fn check(&self, at: &str, found: &mut Findings) {
        for (target, claim) in self.entries() {
            let Some(claim) = claim else { continue };
            let at = format!("{at}/{target}");
            if claim.is_empty() || claim == "/" {
                found.add(at, "is empty; write a claim's name, or a pointer such as /realm/roles");
            } else if REGISTERED.contains(&claim) {
                found.add(at, format!("`{claim}` has another meaning in every token (RFC 7519)"));
            }
        }
    }
}
