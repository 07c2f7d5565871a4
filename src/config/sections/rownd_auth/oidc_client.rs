//! An OpenID client: how it is written, and what holds after the check.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use url::Url;

use crate::config::{
    findings::Findings, secret::Secret, shown::without_queries, web_address::is_loopback,
};

/// How an OpenID client proves itself at the token endpoint (OpenID Connect Core section 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum ClientAuthMethod {
    /// Its secret in `Authorization: Basic`.
    Basic,
    /// Its secret in the body.
    Post,
    /// It has no secret, so that it needs PKCE.
    None,
}

/// An OpenID client as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct WrittenOidcClient {
    /// The name by which callers ask for it: lower case, digits, `-` and `_`, at most 63.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]{0,62}$"))]
    pub name: String,
    /// The name of its issuer among `issuers`, of kind `oidc`.
    pub issuer: String,
    /// The client id.
    pub client_id: String,
    /// The client secret, or `file:/path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<Secret>,
    /// How it proves itself. Default: `basic` with a secret, otherwise `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_method: Option<ClientAuthMethod>,
    /// The exact URIs that browsers may return to: https, or a scheme of your app; http on a loopback
    /// host only. The first one holds where a call names none.
    #[serde(serialize_with = "without_queries")]
    pub redirect_uris: Vec<String>,
    /// The exact URIs that browsers may return to after a logout, as `redirect_uris`. The first one
    /// holds where a call names none; without any, a browser stays at the provider.
    #[serde(default, skip_serializing_if = "Vec::is_empty", serialize_with = "without_queries")]
    pub post_logout_redirect_uris: Vec<String>,
    /// The scopes that are asked for where a call names none.
    #[serde(default = "openid")]
    pub scopes: Vec<String>,
    /// Whether codes are bound to a verifier (RFC 7636).
    #[serde(default = "yes")]
    pub pkce: bool,
}

/// An OpenID client as it holds after the check.
#[derive(Debug, Clone)]
pub struct OidcClient {
    /// The name by which callers ask for it.
    pub name: String,
    /// The name of its issuer, of kind `oidc`.
    pub issuer: String,
    /// The client id.
    pub client_id: String,
    /// How it proves itself, with its secret where it has one.
    pub auth: ClientAuth,
    /// The exact URIs that browsers may return to; never empty.
    pub redirect_uris: Vec<String>,
    /// The exact URIs that browsers may return to after a logout.
    pub post_logout_redirect_uris: Vec<String>,
    /// The scopes that are asked for where a call names none.
    pub scopes: Vec<String>,
    /// Whether codes are bound to a verifier (RFC 7636).
    pub pkce: bool,
    /// The written form with defaults filled in, for printing and comparing.
    written: WrittenOidcClient,
}

/// How an OpenID client proves itself, with what it needs for that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientAuth {
    /// With this secret in `Authorization: Basic`.
    Basic(Secret),
    /// With this secret in the body.
    Post(Secret),
    /// Not at all: it has no secret.
    None,
}

impl WrittenOidcClient {
    /// Reads the secret and checks the client at this JSON pointer.
    pub(super) fn check(mut self, at: &str, found: &mut Findings) -> Option<OidcClient> {
        if self.client_id.is_empty() {
            found.add(format!("{at}/client_id"), "is empty; write the client id");
        }
        self.check_uris_and_scopes(at, found);
        let auth = self.check_auth(at, found)?;
        Some(OidcClient {
            name: self.name.clone(),
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            auth,
            redirect_uris: self.redirect_uris.clone(),
            post_logout_redirect_uris: self.post_logout_redirect_uris.clone(),
            scopes: self.scopes.clone(),
            pkce: self.pkce,
            written: self,
        })
    }

    fn check_auth(&mut self, at: &str, found: &mut Findings) -> Option<ClientAuth> {
        if let Some(secret) = &mut self.client_secret {
            found.keep(format!("{at}/client_secret"), secret.resolve());
        }
        let default = if self.client_secret.is_some() {
            ClientAuthMethod::Basic
        } else {
            ClientAuthMethod::None
        };
        let method = *self.auth_method.get_or_insert(default);
        match (method, &self.client_secret) {
            (ClientAuthMethod::Basic, Some(secret)) => Some(ClientAuth::Basic(secret.clone())),
            (ClientAuthMethod::Post, Some(secret)) => Some(ClientAuth::Post(secret.clone())),
            (ClientAuthMethod::Basic | ClientAuthMethod::Post, None) => {
                let message = "is missing; write it, or auth_method: none";
                found.add(format!("{at}/client_secret"), message);
                None
            }
            (ClientAuthMethod::None, Some(_)) => {
                let message = "leaves the secret unused; write basic or post";
                found.add(format!("{at}/auth_method"), message);
                None
            }
            (ClientAuthMethod::None, None) => {
                if !self.pkce {
                    let message = "is needed without a secret, or a stolen code is enough to sign \
                                   in; write true";
                    found.add(format!("{at}/pkce"), message);
                }
                Some(ClientAuth::None)
            }
        }
    }

    fn check_uris_and_scopes(&self, at: &str, found: &mut Findings) {
        if self.redirect_uris.is_empty() {
            let message = "is empty; write [https://app.example.com/callback]";
            found.add(format!("{at}/redirect_uris"), message);
        }
        for (index, uri) in self.redirect_uris.iter().enumerate() {
            if let Err(message) = check_redirect_uri(uri) {
                found.add(format!("{at}/redirect_uris/{index}"), message);
            }
        }
        for (index, uri) in self.post_logout_redirect_uris.iter().enumerate() {
            if let Err(message) = check_redirect_uri(uri) {
                found.add(format!("{at}/post_logout_redirect_uris/{index}"), message);
            }
        }
        if !self.scopes.iter().any(|scope| scope == "openid") {
            let message =
                "`openid` is missing, without which this is not an OpenID request; add it";
            found.add(format!("{at}/scopes"), message);
        }
        for (index, scope) in self.scopes.iter().enumerate() {
            if scope.is_empty() || scope.contains(char::is_whitespace) {
                let message = "is not a scope; write one word without blanks";
                found.add(format!("{at}/scopes/{index}"), message);
            }
        }
    }
}

/// Checks a URI that browsers bring a code to. The URI may hold a secret, so no message repeats it.
///
/// # Errors
///
/// The problem, with what to write instead.
fn check_redirect_uri(uri: &str) -> Result<(), &'static str> {
    // They run as a page's own script, or show what the address itself holds.
    const SCRIPTS: [&str; 7] =
        ["about", "blob", "data", "file", "filesystem", "javascript", "vbscript"];
    // RFC 6749 section 3.1.2: absolute, without a fragment.
    let uri = Url::parse(uri).ok().filter(|uri| uri.fragment().is_none()).ok_or(
        "is not an absolute URI without a fragment; write https://app.example.com/callback",
    )?;
    if uri.host_str().is_some_and(|host| host.contains('*')) {
        return Err("has a `*` in its host, and it is compared byte for byte; write each address");
    }
    match uri.scheme() {
        // RFC 9700 section 2.6: anybody on the way could read the code.
        "http" if !is_loopback(&uri) => Err(
            "is plain http to another machine, where anybody on the way can read the code; write \
             https:// (http is for localhost, 127.0.0.1 and [::1] only)",
        ),
        "http" | "https" if !uri.username().is_empty() || uri.password().is_some() => {
            Err("has a user or a password, which browsers do not bring back; leave it out")
        }
        scheme if SCRIPTS.contains(&scheme) => {
            Err("has a scheme that no app can receive a code by; write \
                 https://app.example.com/callback, or a scheme of your app: com.example.app:/callback")
        }
        _ => Ok(()),
    }
}

/// Two clients are equal if the same was written for both.
impl PartialEq for OidcClient {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for OidcClient {}

impl Serialize for OidcClient {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.written.serialize(serializer)
    }
}

fn openid() -> Vec<String> {
    vec!["openid".to_owned()]
}

const fn yes() -> bool {
    true
}
