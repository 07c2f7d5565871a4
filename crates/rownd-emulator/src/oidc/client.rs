//! The clients of an app's provider, and how they prove themselves.
//!
//! In: the seed, and the credentials of a request. Out: the client, or `invalid_client`.

use axum::http::{HeaderMap, Uri, header};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{OAuthError, Parameters};
use crate::{access, apps::App};

/// The scopes that mean something of their own. Any field of the schema is a scope too.
pub(super) const STANDARD: [&str; 5] = ["openid", "profile", "email", "phone", "offline_access"];

/// A client of the provider.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Client {
    /// The id of the configuration, `oc_...`. Taken as `client_id` as well.
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
    /// Where a user may be sent with a code. On a loopback address any port will do.
    pub(crate) redirect_uris: Vec<String>,
    /// Where a user may be sent after the end of a session.
    #[serde(default)]
    pub(crate) post_logout_uris: Vec<String>,
    /// What the client may ask for.
    #[serde(default = "standard")]
    pub(crate) allowed_scopes: Vec<String>,
}

fn standard() -> Vec<String> {
    STANDARD.map(str::to_owned).to_vec()
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
            allowed_scopes: standard(),
        };
        vec![client("oc_demo", Some(secret.to_owned())), client("oc_demo_public", None)]
    }

    fn answers_to(&self, id: &str) -> bool {
        self.id == id || self.client_id.as_deref() == Some(id)
    }

    pub(super) fn title(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }

    /// Exactly one of the registered addresses, but for the port on loopback (RFC 8252
    /// section 7.3).
    pub(super) fn may_redirect(&self, uri: &str) -> bool {
        self.redirect_uris.iter().any(|known| same_place(known, uri))
    }

    pub(super) fn may_log_out_to(&self, uri: &str) -> bool {
        self.post_logout_uris.iter().any(|known| same_place(known, uri))
    }
}

fn same_place(known: &str, uri: &str) -> bool {
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

/// Finds a client by either of its names.
pub(super) fn find<'a>(app: &'a App, id: &str) -> Option<&'a Client> {
    app.oidc_clients.iter().find(|client| client.answers_to(id))
}

/// Who is at the token endpoint: by Basic, by the body, or, without a secret, by name.
pub(super) fn authenticate<'a>(
    app: &'a App,
    headers: &HeaderMap,
    form: &Parameters,
) -> Result<&'a Client, OAuthError> {
    let wrong = || OAuthError::unauthorized("invalid_client", "the client is not who it says");
    let (id, secret) = match (basic(headers)?, form.get("client_id"), form.get("client_secret")) {
        (Some(_), _, Some(_)) => {
            let why = "credentials in the header and in the body";
            return Err(OAuthError::new("invalid_request", why));
        }
        (Some((id, _)), Some(named), None) if id != named => return Err(wrong()),
        (Some((id, secret)), _, None) => (id, Some(secret)),
        (None, Some(id), secret) => (id.to_owned(), secret.map(str::to_owned)),
        (None, None, _) => return Err(wrong()),
    };
    let client = find(app, &id).ok_or_else(wrong)?;
    if client.secret == secret { Ok(client) } else { Err(wrong()) }
}

/// Name and secret, which are form-encoded inside (RFC 6749 section 2.3.1).
fn basic(headers: &HeaderMap) -> Result<Option<(String, String)>, OAuthError> {
    let wrong = || OAuthError::unauthorized("invalid_client", "the Basic credentials are broken");
    let Some(text) = access::text(headers, header::AUTHORIZATION.as_str()) else {
        return Ok(None);
    };
    let (scheme, code) = text.split_once(' ').ok_or_else(wrong)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(wrong());
    }
    let bytes = BASE64.decode(code.trim()).map_err(|_| wrong())?;
    let pair = String::from_utf8(bytes).map_err(|_| wrong())?;
    let (id, secret) = pair.split_once(':').ok_or_else(wrong)?;
    let plain = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced)
            .decode_utf8()
            .map(std::borrow::Cow::into_owned)
            .map_err(|_| wrong())
    };
    Ok(Some((plain(id)?, plain(secret)?)))
}

/// What is wrong with an app's clients: path below the app and message.
pub(crate) fn seed_problems(app: &App) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    for (index, client) in app.oidc_clients.iter().enumerate() {
        let at = format!("/oidc_clients/{index}");
        for name in std::iter::once(&client.id).chain(&client.client_id) {
            if names.contains(&name.as_str()) {
                found.push((format!("{at}/id"), format!("`{name}` is another client's name")));
            }
            names.push(name);
        }
        if client.redirect_uris.is_empty() {
            found.push((format!("{at}/redirect_uris"), "is empty".to_owned()));
        }
        for (list, uris) in [
            ("redirect_uris", &client.redirect_uris),
            ("post_logout_uris", &client.post_logout_uris),
        ] {
            for (index, uri) in uris.iter().enumerate() {
                let fits = url::Url::parse(uri).is_ok_and(|url| url.fragment().is_none());
                if !fits {
                    let why = format!("`{uri}` is no full address, or has a fragment");
                    found.push((format!("{at}/{list}/{index}"), why));
                }
            }
        }
        for (index, scope) in client.allowed_scopes.iter().enumerate() {
            if !STANDARD.contains(&scope.as_str()) && !app.schema.contains_key(scope) {
                let why = format!(
                    "`{scope}` is no scope; known: {}, and the fields of the schema",
                    STANDARD.join(", ")
                );
                found.push((format!("{at}/allowed_scopes/{index}"), why));
            }
        }
    }
    found
}
