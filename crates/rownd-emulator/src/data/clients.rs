//! The clients of an app's OpenID provider, as the seed file writes them.

use http::Uri;
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

fn standard_scopes() -> Vec<String> {
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

    /// Whether this is one of the client's two names.
    pub(crate) fn answers_to(&self, id: &str) -> bool {
        self.id == id || self.client_id.as_deref() == Some(id)
    }

    /// The name for people, or the id.
    pub(crate) fn title(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }

    /// Whether a code may be sent to this address: it is registered. On loopback any port fits
    /// (RFC 8252 section 7.3).
    pub(crate) fn may_redirect(&self, uri: &str) -> bool {
        self.redirect_uris.iter().any(|known| is_same_address(known, uri))
    }

    /// Whether the user may be sent to this address after the end of a session.
    pub(crate) fn may_log_out_to(&self, uri: &str) -> bool {
        self.post_logout_uris.iter().any(|known| is_same_address(known, uri))
    }
}

fn is_same_address(known: &str, uri: &str) -> bool {
    if known == uri {
        return true;
    }
    let (Ok(known), Ok(uri)) = (known.parse::<Uri>(), uri.parse::<Uri>()) else { return false };
    let loopback = |uri: &Uri| matches!(uri.host(), Some("127.0.0.1" | "[::1]" | "localhost"));
    loopback(&known)
        && known.scheme_str() == uri.scheme_str()
        && known.host() == uri.host()
        && known.path_and_query() == uri.path_and_query()
        && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
}
