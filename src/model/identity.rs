//! The unverified credential, and the facts that a token states of its user.

use std::{fmt, sync::Arc, time::SystemTime};

use serde::{Deserialize, Serialize};

use super::claims::KeptClaims;

/// How strongly the user proved who they are, weakest first.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum AuthLevel {
    /// Signed in at once, nothing asked.
    Instant,
    /// An anonymous guest.
    Guest,
    /// An identifier was given but not proved yet.
    Unverified,
    /// At least one identifier was proved.
    Verified,
}

impl AuthLevel {
    /// Every level, weakest first.
    pub const ALL: [Self; 4] = [Self::Instant, Self::Guest, Self::Unverified, Self::Verified];

    /// The word used in tokens, headers and configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Instant => "instant",
            Self::Guest => "guest",
            Self::Unverified => "unverified",
            Self::Verified => "verified",
        }
    }

    /// Reads the word; anything else is `None`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == word)
    }
}

/// Where a credential was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialSource {
    /// A request header such as `Authorization`.
    Header,
    /// A cookie, which a browser sends by itself: it needs a same-origin proof.
    Cookie,
    /// A parameter of the query.
    Query,
    /// An element of `Sec-WebSocket-Protocol`, which only the page's own code can write.
    WebsocketProtocol,
}

/// An unverified token and where it was found. `Debug` never shows the token.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    token: bytes::Bytes,
    source: CredentialSource,
}

impl Credential {
    /// A credential as received.
    #[must_use]
    pub const fn new(token: bytes::Bytes, source: CredentialSource) -> Self {
        Self { token, source }
    }

    /// The raw token. To be passed to the verifier only.
    #[must_use]
    pub const fn token(&self) -> &bytes::Bytes {
        &self.token
    }

    /// Where it was found.
    #[must_use]
    pub const fn source(&self) -> CredentialSource {
        self.source
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("token", &format_args!("<{} bytes>", self.token.len()))
            .field("source", &self.source)
            .finish()
    }
}

/// The facts that the claims of a token state, in the same shape for every issuer. By themselves
/// they prove nothing: `verify::Identity` holds those of a verified token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityFacts {
    /// The user id services should key on.
    pub user_id: String,
    /// The configured name of the issuer, not its URL.
    pub issuer: Arc<str>,
    /// How strongly the user proved who they are.
    pub auth_level: AuthLevel,
    /// The user is a guest without an identifier.
    pub anonymous: bool,
    /// The token is that of a machine, which cannot sign in (client credentials).
    pub machine: bool,
    /// The app the token was made for.
    pub app_id: Option<String>,
    /// The sub-brand the user signed in through.
    pub app_variant: Option<String>,
    /// The session, where the issuer names it.
    pub session_id: Option<String>,
    /// The token's own id (`jti`), where it has one.
    pub token_id: Option<String>,
    /// When the token was issued (`iat`), Unix seconds, where it says.
    pub issued_at: Option<u64>,
    /// Roles, where known.
    pub roles: Vec<String>,
    /// Groups, where known.
    pub groups: Vec<String>,
    /// Scopes of the token, where it has some.
    pub scopes: Vec<String>,
    /// The lists above of which the token does not have all.
    pub elsewhere: ListsElsewhere,
    /// The tenant, where the issuer groups its users by tenants.
    pub tenant: Option<String>,
    /// The proof, other than the same origin, that a cookie was not sent by another site.
    pub cookie_proof: CookieProof,
    /// The claims that the configuration asks for, as far as the token has them.
    pub claims: KeptClaims,
    /// End of the token; `None` only where the operator allows tokens without one.
    pub expires_at: Option<SystemTime>,
}

/// The lists of an identity whose values are, all or some, not in the token: what is not there says
/// nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ListsElsewhere {
    /// The roles.
    pub roles: bool,
    /// The groups.
    pub groups: bool,
    /// The scopes.
    pub scopes: bool,
}

/// The proof that a request with this identity's token in a cookie may have instead of a
/// same-origin header.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum CookieProof {
    /// No other proof is accepted: the request must come from the same origin.
    #[default]
    SameOrigin,
    /// A header that no other site can set: `rid`, or `anti-csrf` with this value, or with any
    /// where there is none (SuperTokens sessions).
    AntiCsrf(Option<Box<str>>),
}

impl IdentityFacts {
    /// The facts of a user of whom nothing else is known.
    #[must_use]
    pub fn new(user_id: String, issuer: Arc<str>, auth_level: AuthLevel) -> Self {
        Self {
            user_id,
            issuer,
            auth_level,
            anonymous: false,
            machine: false,
            app_id: None,
            app_variant: None,
            session_id: None,
            token_id: None,
            issued_at: None,
            roles: Vec::new(),
            groups: Vec::new(),
            scopes: Vec::new(),
            elsewhere: ListsElsewhere::default(),
            tenant: None,
            cookie_proof: CookieProof::SameOrigin,
            claims: KeptClaims::default(),
            expires_at: None,
        }
    }

    /// Only the auth level `verified` counts: Rownd calls guests verified too.
    #[must_use]
    pub fn verified(&self) -> bool {
        self.auth_level == AuthLevel::Verified && !self.anonymous
    }
}
