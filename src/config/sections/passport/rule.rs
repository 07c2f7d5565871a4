//! The passport of a rule: whom it is for, and what it states.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::VariantArray;

use crate::config::{document::escape, findings::Findings, span::Span};

/// The form of a passport.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PassportFormat {
    /// A JWT with the chosen claims beside the registered ones, in the header `x-rownd-passport`.
    #[default]
    Jwt,
    /// A transaction token (draft-ietf-oauth-transaction-tokens), in the header `txn-token`. The
    /// chosen claims stand in `tctx`.
    TxnToken,
}

/// The passport that the service behind gets with each request of a known user that the rule lets
/// pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RulePassport {
    /// The form of the passport.
    #[serde(default)]
    pub format: PassportFormat,
    /// The `aud`: the one service that the passport is for. A service has to deny passports for any
    /// other. Needed with `format: jwt`; the audience of a transaction token is
    /// `passport.trust_domain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub audience: Option<String>,
    /// The `scope` of a transaction token: what the request is for, as the services of the domain call
    /// it. Needed with `format: txn-token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub scope: Option<String>,
    /// How long the passport is good. Default: `passport.ttl`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-duration-range" = ["5s", "5m"]))]
    pub ttl: Option<Span>,
    /// The chosen claims: for each its name, and where its value comes from. A claim without a value
    /// is left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, ClaimSource>,
}

/// Where the value of a claim comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClaimSource {
    /// A claim of the caller's token, by its name or its JSON pointer (RFC 6901): `/realm/roles`.
    Claim(String),
    /// A field of the user's profile, which the user may have written. It may not be proved.
    Profile(String),
    /// A field of the user's profile that was proved.
    Verified(String),
    /// An attribute of the user's profile, which the app's backend wrote.
    Attribute(String),
    /// A part of the identity.
    Identity(IdentityPart),
    /// A variable of the path, decoded once.
    Path(String),
    /// The same text for every request.
    Constant(String),
}

/// A part of the identity that a claim may state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, VariantArray)]
#[serde(rename_all = "snake_case")]
pub enum IdentityPart {
    /// The user id.
    UserId,
    /// How strongly the user has proved who they are.
    AuthLevel,
    /// Whether the user is verified.
    Verified,
    /// Whether the user is a guest.
    Anonymous,
    /// The app that the token was made for.
    AppId,
    /// The sub-brand that the user signed in through.
    AppVariant,
    /// The configured name of the token's issuer.
    Issuer,
    /// The tenant.
    Tenant,
    /// The session.
    SessionId,
    /// The roles, those of `roles` and `role_sources`; without these sections, the token's.
    Roles,
    /// The permissions, by `roles` and `role_sources`.
    Permissions,
    /// The groups of the token.
    Groups,
    /// The scopes of the token.
    Scopes,
}

/// The most claims of one passport.
const MAX_CLAIMS: usize = 64;
/// The longest name of a claim, in bytes.
const MAX_NAME: usize = 128;
/// Claims that every passport has, or that would make it mean something else (RFC 7519 section 4.1,
/// RFC 7800, RFC 8693, the draft of transaction tokens).
const RESERVED: [&str; 16] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "act",
    "may_act",
    "cnf",
    "idp",
    "txn",
    "tctx",
    "rctx",
    "req_wl",
    "client_id",
];

impl RulePassport {
    /// Adds the problems of the passport at this JSON pointer.
    pub(in crate::config) fn check(&self, at: &str, found: &mut Findings) {
        let Self { format, audience, scope, ttl: _, claims } = self;
        match (format, audience, scope) {
            (PassportFormat::Jwt, None, _) => {
                found.add(
                    at,
                    "has no `audience`; name the service that it is for: audience: orders",
                );
            }
            (PassportFormat::Jwt, Some(_), Some(_)) => found.add(
                format!("{at}/scope"),
                "is for `format: txn-token` only; leave it out, or state a claim: claims: { scope: \
                 { constant: ... } }",
            ),
            (PassportFormat::TxnToken, Some(_), _) => found.add(
                format!("{at}/audience"),
                "a transaction token is for the whole of passport.trust_domain; leave it out",
            ),
            (PassportFormat::TxnToken, None, None) => {
                found.add(at, "has no `scope`; write what the request is for: scope: orders.read");
            }
            (PassportFormat::Jwt, Some(_), None) | (PassportFormat::TxnToken, None, Some(_)) => {}
        }
        let is_graphic = |text: &String| text.bytes().all(|byte| byte.is_ascii_graphic());
        if audience.as_ref().is_some_and(|audience| !is_graphic(audience)) {
            let message = "has blanks or characters other than visible ASCII; write orders";
            found.add(format!("{at}/audience"), message);
        }
        if let Some(scope) = scope
            && !scope.split(' ').all(is_scope)
        {
            // RFC 6749 section 3.3.
            let message = "is not a list of scopes with one blank between them; write orders.read";
            found.add(format!("{at}/scope"), message);
        }
        check_claims(claims, &format!("{at}/claims"), found);
    }

    /// The variables of the path that the claims state.
    pub fn path_variables(&self) -> impl Iterator<Item = &str> {
        self.claims.values().filter_map(|source| match source {
            ClaimSource::Path(name) => Some(name.as_str()),
            ClaimSource::Claim(_)
            | ClaimSource::Profile(_)
            | ClaimSource::Verified(_)
            | ClaimSource::Attribute(_)
            | ClaimSource::Identity(_)
            | ClaimSource::Constant(_) => None,
        })
    }

    /// The claims of the caller's token that it states, as they are asked for.
    pub fn token_claims(&self) -> impl Iterator<Item = &str> {
        self.claims.values().filter_map(|source| match source {
            ClaimSource::Claim(name) => Some(name.as_str()),
            ClaimSource::Path(_)
            | ClaimSource::Profile(_)
            | ClaimSource::Verified(_)
            | ClaimSource::Attribute(_)
            | ClaimSource::Identity(_)
            | ClaimSource::Constant(_) => None,
        })
    }

    /// Whether a claim is of the user's profile.
    #[must_use]
    pub fn reads_profile(&self) -> bool {
        self.claims.values().any(|source| match source {
            ClaimSource::Profile(_) | ClaimSource::Verified(_) | ClaimSource::Attribute(_) => true,
            ClaimSource::Claim(_)
            | ClaimSource::Path(_)
            | ClaimSource::Identity(_)
            | ClaimSource::Constant(_) => false,
        })
    }

    /// Whether a claim is the user's roles or permissions.
    #[must_use]
    pub fn states_rights(&self) -> bool {
        let rights = [IdentityPart::Roles, IdentityPart::Permissions];
        self.claims.values().any(|source| match source {
            ClaimSource::Identity(part) => rights.contains(part),
            ClaimSource::Claim(_)
            | ClaimSource::Path(_)
            | ClaimSource::Profile(_)
            | ClaimSource::Verified(_)
            | ClaimSource::Attribute(_)
            | ClaimSource::Constant(_) => false,
        })
    }
}

fn is_scope(scope: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    !scope.is_empty() && scope.bytes().all(good)
}

fn check_claims(claims: &BTreeMap<String, ClaimSource>, at: &str, found: &mut Findings) {
    if claims.len() > MAX_CLAIMS {
        found.add(at, format!("has more than {MAX_CLAIMS} claims; a header has to hold them"));
    }
    for (name, source) in claims {
        let at = format!("{at}/{}", escape(name));
        let is_name = (1..=MAX_NAME).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_name {
            found.add(
                at,
                format!("is not a name; write 1 to {MAX_NAME} characters of visible ASCII"),
            );
        } else if RESERVED.contains(&name.as_str()) {
            found.add(
                at,
                format!("`{name}` is a claim that rownd-authz itself states; write another name"),
            );
        } else if let Some(problem) = source.problem() {
            found.add(at, problem);
        }
    }
}

impl ClaimSource {
    fn problem(&self) -> Option<&'static str> {
        match self {
            Self::Claim(name)
            | Self::Profile(name)
            | Self::Verified(name)
            | Self::Attribute(name)
            | Self::Path(name)
                if name.is_empty() =>
            {
                Some("has an empty name; write the name of what it states: { profile: email }")
            }
            Self::Claim(_)
            | Self::Profile(_)
            | Self::Verified(_)
            | Self::Attribute(_)
            | Self::Path(_)
            | Self::Identity(_)
            | Self::Constant(_) => None,
        }
    }
}
