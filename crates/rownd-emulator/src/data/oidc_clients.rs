//! The clients of an app's OpenID provider as they are now: those of the seed, and those that a
//! backend makes.
//!
//! In: the configuration that a backend writes. Out: the client as Rownd shows it, and what the
//! provider asks of it. Members of the configuration that the emulator does not know are kept.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use bytes::Bytes;
use http::Uri;
use serde_json::{Map, Value, json};

use super::{
    clients::{Client, ClientPut, standard_scopes},
    error::DataError,
    ids, oidc_config,
    time::timestamp,
};

/// A client of an app's OpenID provider.
#[derive(Clone)]
pub(crate) struct OidcClient {
    /// The id of the configuration, `oc_...`. It works as `client_id` as well.
    pub(crate) id: String,
    app: String,
    name: String,
    description: Option<String>,
    config: Map<String, Value>,
    credentials: Vec<Credential>,
    /// Logos by shade.
    logos: BTreeMap<Shade, Logo>,
    created_at: String,
    updated_at: String,
}

/// A `client_id` with its secret.
#[derive(Clone)]
struct Credential {
    client_id: String,
    secret: String,
    created_at: String,
}

/// The background for which a logo is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shade {
    Light,
    Dark,
}

impl Shade {
    /// The word in paths.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The member of the configuration with the address of the logo.
    fn member(self) -> &'static str {
        match self {
            Self::Light => "logo_uri",
            Self::Dark => "logo_dark_mode_uri",
        }
    }
}

/// A logo that was uploaded.
#[derive(Clone)]
pub(crate) struct Logo {
    /// The content type.
    pub(crate) kind: &'static str,
    /// The name of the file.
    pub(crate) file: String,
    pub(crate) content: Bytes,
}

/// How a client shows that it is the one.
#[derive(Clone, Copy)]
pub(crate) enum Presented<'a> {
    /// A secret in Basic credentials.
    Basic(&'a str),
    /// A secret in the body.
    Body(&'a str),
    /// The name alone.
    Nothing,
}

/// How the client has to authenticate. Without the setting, a secret is taken in either form.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AuthMethod {
    Basic,
    Body,
    Either,
    Nothing,
}

/// Whether an answer shows the secret itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secrets {
    /// In the answer that creates the client.
    Shown,
    /// Later: a hash.
    Hashed,
}

/// A write of a backend. The other members of the body are ignored, so that a client
/// that was read can be written back.
#[derive(serde::Deserialize)]
pub(crate) struct ClientWrite {
    name: Option<String>,
    description: Option<String>,
    config: Option<Map<String, Value>>,
}

impl OidcClient {
    /// A client of the seed.
    pub(crate) fn of_seed(app: &str, seed: &Client) -> Self {
        let mut config = Map::new();
        let mut put = |name: &str, value: Value| config.insert(name.to_owned(), value);
        put("redirect_uris", json!(seed.redirect_uris));
        put("post_logout_uris", json!(seed.post_logout_uris));
        put("allowed_scopes", json!(seed.allowed_scopes));
        if let Some(page) = &seed.interaction_endpoint {
            put("interaction_endpoint", json!(page));
        }
        let credentials = match &seed.secret {
            None => {
                put("token_endpoint_auth_method", json!("none"));
                seed.client_id.iter().map(|id| Credential::new(id.clone())).collect()
            }
            Some(secret) => {
                let id = seed.client_id.as_ref().unwrap_or(&seed.id);
                vec![Credential { secret: secret.clone(), ..Credential::new(id.clone()) }]
            }
        };
        Self {
            id: seed.id.clone(),
            name: seed.name.clone().unwrap_or_else(|| seed.id.clone()),
            config,
            credentials,
            ..Self::blank(app)
        }
    }

    /// A new client of a backend.
    pub(crate) fn create(app: &str, written: ClientWrite) -> Result<Self, DataError> {
        let bad = || DataError::BadClient("`name` is missing or empty".to_owned());
        let name = written.name.filter(|name| !name.trim().is_empty()).ok_or_else(bad)?;
        let config = written.config.unwrap_or_default();
        oidc_config::check(&config)?;
        Ok(Self {
            name,
            description: written.description,
            config,
            credentials: vec![Credential::new(ids::rownd("key"))],
            ..Self::blank(app)
        })
    }

    fn blank(app: &str) -> Self {
        Self {
            id: ids::rownd("oc"),
            app: app.to_owned(),
            name: String::new(),
            description: None,
            config: Map::new(),
            credentials: Vec::new(),
            logos: BTreeMap::new(),
            created_at: timestamp(),
            updated_at: timestamp(),
        }
    }

    /// Writes a client again.
    pub(crate) fn update(
        &mut self,
        written: ClientWrite,
        rest: ClientPut,
    ) -> Result<(), DataError> {
        let bad = || DataError::BadClient("`name` is empty".to_owned());
        if written.name.as_ref().is_some_and(|name| name.trim().is_empty()) {
            return Err(bad());
        }
        if let Some(config) = &written.config {
            oidc_config::check(config)?;
        }
        match rest {
            ClientPut::Replace => {
                self.name = written
                    .name
                    .ok_or_else(|| DataError::BadClient("`name` is missing".to_owned()))?;
                self.description = written.description;
                self.config = written.config.unwrap_or_default();
            }
            ClientPut::Merge => {
                self.name = written.name.unwrap_or_else(|| std::mem::take(&mut self.name));
                self.description = written.description.or_else(|| self.description.take());
                self.config.extend(written.config.unwrap_or_default());
            }
        }
        self.updated_at = timestamp();
        Ok(())
    }

    /// Keeps a logo, whose address is `uri`.
    pub(crate) fn put_logo(&mut self, shade: Shade, logo: Logo, uri: &str) {
        self.logos.insert(shade, logo);
        self.config.insert(shade.member().to_owned(), json!(uri));
        self.updated_at = timestamp();
    }

    /// A logo that was uploaded.
    pub(crate) fn logo(&self, shade: Shade) -> Result<&Logo, DataError> {
        self.logos.get(&shade).ok_or(DataError::NoSuchLogo)
    }

    /// The bytes of all logos.
    pub(crate) fn logo_bytes(&self) -> usize {
        self.logos.values().map(|logo| logo.content.len()).sum()
    }

    /// The client as Rownd shows it.
    pub(crate) fn to_json(&self, secrets: Secrets) -> Value {
        let credentials =
            self.credentials.iter().map(|credential| credential.to_json(self, secrets));
        json!({
            "id": self.id,
            "app_id": self.app,
            "name": self.name,
            "description": self.description,
            "config": self.config,
            "credentials": credentials.collect::<Vec<_>>(),
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        })
    }

    /// The client with its secret, for the controls.
    pub(crate) fn secrets_json(&self) -> Value {
        let secret = self.credentials.first().map(|credential| &credential.secret);
        json!({
            "id": self.id,
            "client_id": self.client_id(),
            "secret": secret.filter(|_| !self.is_public()),
            "redirect_uris": self.list("redirect_uris"),
        })
    }

    /// The `client_id`: that of the credential, or the id of the configuration.
    fn client_id(&self) -> &str {
        self.credentials.first().map_or(&self.id, |credential| &credential.client_id)
    }

    /// Whether this is one of the client's names.
    pub(crate) fn answers_to(&self, name: &str) -> bool {
        self.id == name || self.credentials.iter().any(|known| known.client_id == name)
    }

    /// The name for people.
    pub(crate) fn title(&self) -> &str {
        &self.name
    }

    /// Whether the client is whom it says.
    pub(crate) fn admits(&self, presented: Presented<'_>) -> bool {
        let fits = |secret: &str| self.credentials.iter().any(|known| known.secret == secret);
        match (self.auth_method(), presented) {
            (AuthMethod::Nothing, Presented::Nothing) => true,
            (AuthMethod::Basic | AuthMethod::Either, Presented::Basic(secret))
            | (AuthMethod::Body | AuthMethod::Either, Presented::Body(secret)) => fits(secret),
            (AuthMethod::Nothing, Presented::Basic(_) | Presented::Body(_))
            | (AuthMethod::Basic, Presented::Body(_) | Presented::Nothing)
            | (AuthMethod::Body, Presented::Basic(_) | Presented::Nothing)
            | (AuthMethod::Either, Presented::Nothing) => false,
        }
    }

    fn auth_method(&self) -> AuthMethod {
        match self.text("token_endpoint_auth_method") {
            Some("none") => AuthMethod::Nothing,
            Some("client_secret_basic") => AuthMethod::Basic,
            Some("client_secret_post") => AuthMethod::Body,
            _ => AuthMethod::Either,
        }
    }

    /// Whether the client has no secret to keep.
    pub(crate) fn is_public(&self) -> bool {
        self.auth_method() == AuthMethod::Nothing
    }

    /// Whether the client has to send a `code_challenge`.
    pub(crate) fn needs_pkce(&self) -> bool {
        self.is_public() || self.flag("is_pkce_required") == Some(true)
    }

    /// Whether the client may send a `code_challenge`.
    pub(crate) fn may_use_pkce(&self) -> bool {
        self.needs_pkce() || self.flag("is_pkce_supported") != Some(false)
    }

    /// The page of the app that signs users in and asks for consent.
    pub(crate) fn interaction_endpoint(&self) -> Option<&str> {
        self.text("interaction_endpoint").filter(|page| !page.is_empty())
    }

    /// Whether the client may ask for a scope.
    pub(crate) fn may_ask_for(&self, scope: &str) -> bool {
        match self.config.get("allowed_scopes") {
            None | Some(Value::Null) => standard_scopes().iter().any(|known| known == scope),
            Some(_) => self.list("allowed_scopes").contains(&scope),
        }
    }

    /// Whether a code may be sent to this address: it is registered. On loopback any port fits
    /// (RFC 8252 section 7.3).
    pub(crate) fn may_redirect(&self, uri: &str) -> bool {
        self.list("redirect_uris").iter().any(|known| is_same_address(known, uri))
    }

    /// Whether the user may be sent to this address after the end of a session.
    pub(crate) fn may_log_out_to(&self, uri: &str) -> bool {
        self.list("post_logout_uris").iter().any(|known| is_same_address(known, uri))
    }

    fn text(&self, member: &str) -> Option<&str> {
        self.config.get(member)?.as_str()
    }

    fn flag(&self, member: &str) -> Option<bool> {
        self.config.get(member)?.as_bool()
    }

    fn list(&self, member: &str) -> Vec<&str> {
        let list = self.config.get(member).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).collect()
    }
}

impl Credential {
    fn new(client_id: String) -> Self {
        Self { client_id, secret: ids::rownd("ras"), created_at: timestamp() }
    }

    fn to_json(&self, of: &OidcClient, secrets: Secrets) -> Value {
        let secret = match secrets {
            Secrets::Shown => self.secret.clone(),
            Secrets::Hashed => self.hash(),
        };
        json!({
            "name": of.name,
            "client_id": self.client_id,
            "secret": secret,
            "expires": null,
            "application": of.app,
            "app_variant_id": null,
            "oidc_client_configuration_id": of.id,
            "created_at": self.created_at,
            "updated_at": self.created_at,
        })
    }

    /// The secret in the form in which Rownd shows it later, an argon2 hash. Nobody checks the value:
    /// it is made by SHA-256.
    fn hash(&self) -> String {
        let of = |text: String| digest::digest(&digest::SHA256, text.as_bytes());
        let salt = STANDARD_NO_PAD.encode(of(self.client_id.clone()));
        let hash = STANDARD_NO_PAD.encode(of(format!("{salt}{}", self.secret)));
        let salt: String = salt.chars().take(22).collect();
        format!("$argon2id$v=19$m=65536,t=3,p=4${salt}${hash}")
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
