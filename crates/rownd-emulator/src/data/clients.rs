//! The clients of an app's OpenID provider, as the seed file writes them.

use schemars::JsonSchema;
use serde::Deserialize;

/// The algorithm that an app's OpenID provider signs with. Rownd does not document its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Signing {
    /// RSA with SHA-256: every OpenID client accepts it.
    #[default]
    RS256,
    /// Ed25519, as Rownd's own tokens.
    EdDSA,
}

/// The form of the access tokens of an app's OpenID provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AccessTokens {
    /// Random text, except with `resource=app:ID`.
    #[default]
    Opaque,
    /// A JWT for the app.
    Jwt,
}

/// The treatment of the members of `config` that a `PUT` of an OpenID client does not name. Rownd does
/// not document its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClientPut {
    /// They are removed.
    #[default]
    Replace,
    /// They are kept.
    Merge,
}

impl Signing {
    /// The value of `alg`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::EdDSA => "EdDSA",
        }
    }
}

/// The scopes of OpenID Connect. Each field of the app's schema is a scope as well.
pub(crate) const STANDARD_SCOPES: [&str; 5] =
    ["openid", "profile", "email", "phone", "offline_access"];

/// A client of an app's OpenID provider.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Client {
    /// The id of the configuration, `oc_...`. It works as `client_id` as well.
    pub(crate) id: String,
    /// The `client_id`, `key_...`; the configuration's own id when left out.
    #[serde(default)]
    pub(crate) client_id: Option<String>,
    /// The secret. Without one the client is public and has to use PKCE.
    #[serde(default)]
    pub(crate) secret: Option<String>,
    /// The name for people.
    #[serde(default)]
    pub(crate) name: Option<String>,
    /// The addresses to which a code may be sent. On a loopback address any port fits.
    pub(crate) redirect_uris: Vec<String>,
    /// The addresses to which a user may be sent after the end of a session.
    #[serde(default)]
    pub(crate) post_logout_uris: Vec<String>,
    /// The page of the app that signs users in and asks for consent, in place of the provider's own.
    #[serde(default)]
    pub(crate) interaction_endpoint: Option<String>,
    /// The scopes that the client may ask for.
    #[serde(default = "standard_scopes")]
    pub(crate) allowed_scopes: Vec<String>,
}

pub(super) fn standard_scopes() -> Vec<String> {
    STANDARD_SCOPES.map(str::to_owned).to_vec()
}

impl Client {
    /// The demo app's clients: one with a secret, one without.
    pub(crate) fn demo(secret: &str) -> Vec<Self> {
        let client = |id: &str, secret: Option<String>| Self {
            id: id.to_owned(),
            client_id: secret.as_ref().map(|_| "key_demooidc000000000000000001".to_owned()),
            secret,
            name: Some("Demo client".to_owned()),
            redirect_uris: vec![
                "http://127.0.0.1/callback".to_owned(),
                "http://localhost/callback".to_owned(),
            ],
            post_logout_uris: vec!["http://127.0.0.1/".to_owned(), "http://localhost/".to_owned()],
            interaction_endpoint: None,
            allowed_scopes: standard_scopes(),
        };
        vec![client("oc_demo", Some(secret.to_owned())), client("oc_demo_public", None)]
    }
}
