//! The words of an issuer's settings: its kind, its algorithms, the tokens it takes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The base URL of Rownd's API.
pub(super) const ROWND: &str = "https://api.rownd.io";

/// The kind of an issuer. It decides which settings, algorithms, claims and documents there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IssuerKind {
    /// Rownd's own tokens: EdDSA, audience `app:ID`.
    Rownd,
    /// SuperTokens sessions: RS256, rotating keys, Rownd's claims where a token has them.
    Supertokens,
    /// Any OpenID Connect issuer. Its keys are found by discovery.
    Oidc,
    /// Firebase Authentication: the ID tokens of one project.
    Firebase,
    /// Keys from a file or in place. Nothing is fetched.
    Static,
}

impl IssuerKind {
    /// The word in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rownd => "rownd",
            Self::Supertokens => "supertokens",
            Self::Oidc => "oidc",
            Self::Firebase => "firebase",
            Self::Static => "static",
        }
    }

    /// The algorithms that issuers of this kind can sign with.
    pub(super) const fn algorithms(self) -> &'static [SigningAlgorithm] {
        match self {
            Self::Rownd => &[SigningAlgorithm::EdDSA, SigningAlgorithm::Ed25519],
            Self::Supertokens | Self::Firebase => &[SigningAlgorithm::RS256],
            Self::Oidc | Self::Static => &SigningAlgorithm::ALL,
        }
    }

    /// The algorithms of an issuer whose settings name none.
    pub(super) const fn default_algorithms(self) -> &'static [SigningAlgorithm] {
        match self {
            Self::Rownd => &[SigningAlgorithm::EdDSA],
            Self::Supertokens | Self::Firebase => &[SigningAlgorithm::RS256],
            Self::Oidc | Self::Static => {
                &[SigningAlgorithm::RS256, SigningAlgorithm::ES256, SigningAlgorithm::EdDSA]
            }
        }
    }
}

/// A signature algorithm (RFC 7518, RFC 8037, RFC 9864). Others are not supported, symmetric ones
/// least of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum SigningAlgorithm {
    /// EdDSA with Ed25519 (RFC 8037). Tokens may name it `EdDSA` or `Ed25519` (RFC 9864): the
    /// signature is the same.
    EdDSA,
    /// Ed25519 by its own name (RFC 9864): tokens that name it `EdDSA` are refused.
    Ed25519,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// ECDSA on P-521 with SHA-512.
    ES512,
    /// RSASSA-PKCS1-v1_5 with SHA-256, keys of at least 2048 bits, as for all of RSA.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RS512,
    /// RSASSA-PSS with SHA-256, salt of the length of the hash.
    PS256,
    /// RSASSA-PSS with SHA-384, salt of the length of the hash.
    PS384,
    /// RSASSA-PSS with SHA-512, salt of the length of the hash.
    PS512,
}

impl SigningAlgorithm {
    /// All supported algorithms.
    pub const ALL: [Self; 11] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::ES512,
        Self::EdDSA,
        Self::Ed25519,
    ];

    /// The word in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDSA => "EdDSA",
            Self::Ed25519 => "Ed25519",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::ES512 => "ES512",
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
        }
    }
}

/// The kind of token that is taken. An ID token never stands in for an access token, nor the other
/// way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Accepts {
    /// Access tokens.
    Access,
    /// ID tokens (OpenID Connect Core section 2).
    Id,
}

impl Accepts {
    /// The word in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Id => "id",
        }
    }
}

/// A well-known provider, whose usual settings an issuer begins with (`oidc`, `static`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Keycloak, also before version 24: access tokens say `typ: Bearer` and may have a `nonce`.
    Keycloak,
    /// Microsoft Entra ID, tokens of version 1 and 2, and its national clouds.
    Entra,
    /// Amazon Cognito user pools: access tokens have `client_id` and usually no `aud`.
    Cognito,
    /// Auth0, both profiles of its access tokens.
    Auth0,
    /// Okta's custom authorization servers, and the ID tokens of its org server.
    Okta,
    /// Clerk's session tokens: `azp` and no `aud`.
    Clerk,
    /// Google's ID tokens; its access tokens are no JWTs.
    Google,
    /// Zitadel's JWT access tokens and ID tokens.
    Zitadel,
    /// Service account tokens of a Kubernetes cluster.
    Kubernetes,
}

impl Preset {
    /// The word in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keycloak => "keycloak",
            Self::Entra => "entra",
            Self::Cognito => "cognito",
            Self::Auth0 => "auth0",
            Self::Okta => "okta",
            Self::Clerk => "clerk",
            Self::Google => "google",
            Self::Zitadel => "zitadel",
            Self::Kubernetes => "kubernetes",
        }
    }
}
