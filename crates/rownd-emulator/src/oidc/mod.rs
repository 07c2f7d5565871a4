//! Rownd as an OpenID provider, one per app: `/oidc/{app}/`.
//!
//! In: clients from the seed, browsers, codes and tokens. Out: discovery, a page for
//! sign-in and consent, tokens with keys of their own, user info, and the end of it all.

mod authorize;
mod client;
mod page;
mod session;
mod token;
mod userinfo;

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::SystemTime,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{FromRequest, Request, State as Shared},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) use client::{Client, seed_problems};

use super::{
    keys::{KeyError, KeyRing, Rotated, Rotation},
    mint,
    request::{Answer, At, Refusal, ok},
    rsa::RsaRing,
    state::State,
    world::Recent,
};

/// How a provider signs. Which it is at Rownd is not documented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Signing {
    /// With RSA, which every OpenID client takes.
    #[default]
    RS256,
    /// With Ed25519, as Rownd's own tokens.
    EdDSA,
}

impl Signing {
    fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::EdDSA => "EdDSA",
        }
    }
}

/// The keys of the providers, one set for each way to sign.
pub(super) struct ProviderKeys {
    pub(super) rsa: RsaRing,
    eddsa: RwLock<KeyRing>,
}

impl ProviderKeys {
    /// Their numbers are far from those of Rownd's own keys: no name is in both sets.
    pub(super) fn new() -> Result<Self, KeyError> {
        Ok(Self {
            rsa: RsaRing::new(|serial| format!("oidc-{serial}"), 1),
            eddsa: RwLock::new(KeyRing::generate(1)?),
        })
    }

    pub(super) fn rotate(&self, signing: Signing, how: Rotation) -> Result<Rotated, KeyError> {
        match signing {
            Signing::RS256 => self.rsa.rotate(how),
            Signing::EdDSA => {
                self.eddsa.write().unwrap_or_else(PoisonError::into_inner).rotate(how)
            }
        }
    }

    fn key_set(&self, signing: Signing) -> Result<Value, Refusal> {
        match signing {
            Signing::RS256 => {
                let keys = self.rsa.published().map_err(|error| Refusal::broken(&error))?;
                Ok(json!({ "keys": keys }))
            }
            Signing::EdDSA => {
                Ok(self.eddsa.read().unwrap_or_else(PoisonError::into_inner).key_set())
            }
        }
    }

    /// Signs claims under a header with `typ`.
    fn sign(&self, signing: Signing, kind: &str, claims: &Value) -> Result<String, KeyError> {
        match signing {
            Signing::RS256 => {
                self.rsa.sign(&[("typ".to_owned(), json!(kind))].into_iter().collect(), claims)
            }
            Signing::EdDSA => {
                let ring = self.eddsa.read().unwrap_or_else(PoisonError::into_inner);
                mint::with_type(&ring, kind, claims)
            }
        }
    }
}

/// How many of each thing are remembered.
const MOST: usize = 2_000;

/// Seconds that an access token is good for.
const ACCESS_TTL: u64 = 3_600;

/// What a user allowed a client.
#[derive(Clone)]
struct Grant {
    app: String,
    client: String,
    user: String,
    scopes: Vec<String>,
    nonce: Option<String>,
    resource: Option<String>,
    auth_time: u64,
    /// Taken back, or its code or refresh token was used twice.
    revoked: bool,
}

impl Grant {
    fn has(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }

    fn scope(&self) -> String {
        self.scopes.join(" ")
    }
}

/// A code on its way to the client.
#[derive(Clone)]
struct Code {
    grant: String,
    redirect_uri: String,
    challenge: Option<String>,
    expires: SystemTime,
    used: bool,
}

/// An access token, by its text.
#[derive(Clone)]
struct Access {
    grant: String,
    scopes: Vec<String>,
    expires: u64,
}

/// A refresh token, by its text.
#[derive(Clone)]
struct RefreshToken {
    grant: String,
    used: bool,
}

/// What the provider remembers. All of it is bounded.
pub(super) struct Memory {
    pending: Recent<authorize::Pending>,
    grants: Recent<Grant>,
    codes: Recent<Code>,
    access: Recent<Access>,
    refresh: Recent<RefreshToken>,
}

impl Memory {
    pub(super) fn new() -> Self {
        Self {
            pending: Recent::new(MOST),
            grants: Recent::new(MOST),
            codes: Recent::new(MOST),
            access: Recent::new(MOST),
            refresh: Recent::new(MOST),
        }
    }

    /// The grant behind an access token that is still good.
    fn granted(&self, token: &str, now: u64) -> Option<(&Access, &Grant)> {
        let access = self.access.get(token).filter(|access| access.expires > now)?;
        let grant = self.grants.get(&access.grant).filter(|grant| !grant.revoked)?;
        Some((access, grant))
    }

    fn revoke(&mut self, grant: &str) {
        if let Some(grant) = self.grants.get_mut(grant) {
            grant.revoked = true;
        }
    }
}

type Routes = MethodRouter<Arc<State>>;

pub(super) fn routes(on: &dyn Fn(Routes) -> Routes) -> Router<Arc<State>> {
    Router::new()
        .route("/oidc/{app}/.well-known/openid-configuration", on(get(discovery)))
        .route("/oidc/{app}/jwks", on(get(jwks)))
        .route("/oidc/{app}/auth", on(get(authorize::begin).post(authorize::begin)))
        .route("/oidc/{app}/auth/decision", on(post(authorize::decide)))
        .route("/oidc/{app}/token", on(post(token::token)))
        .route("/oidc/{app}/me", on(get(userinfo::me).post(userinfo::me)))
        .route("/oidc/{app}/token/introspection", on(post(session::introspect)))
        .route("/oidc/{app}/token/revocation", on(post(session::revoke)))
        .route("/oidc/{app}/session/end", on(get(session::end).post(session::end)))
}

/// The `iss` of an app's provider.
fn issuer(state: &State, app: &str) -> String {
    format!("{}/oidc/{app}", state.issuer)
}

async fn discovery(Shared(state): Shared<Arc<State>>, At(app): At<String>) -> Answer {
    let (fields, signing) = {
        let world = state.world();
        let app = &world.tenant(&app)?.app;
        (app.schema.keys().cloned().collect::<Vec<_>>(), app.oidc_signing)
    };
    let base = format!("{}/oidc/{app}", state.base_url);
    let methods = ["client_secret_basic", "client_secret_post", "none"];
    let mut scopes: Vec<String> = client::STANDARD.map(str::to_owned).to_vec();
    scopes.extend(fields.into_iter().filter(|field| field != "email"));
    ok(json!({
        "issuer": issuer(&state, &app),
        "authorization_endpoint": format!("{base}/auth"),
        "token_endpoint": format!("{base}/token"),
        "userinfo_endpoint": format!("{base}/me"),
        "jwks_uri": format!("{base}/jwks"),
        "introspection_endpoint": format!("{base}/token/introspection"),
        "revocation_endpoint": format!("{base}/token/revocation"),
        "end_session_endpoint": format!("{base}/session/end"),
        "scopes_supported": scopes,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [signing.name()],
        "token_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "claims_supported": [
            "sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "name", "given_name",
            "family_name", "email", "email_verified", "phone_number", "phone_number_verified",
        ],
    }))
}

async fn jwks(Shared(state): Shared<Arc<State>>, At(app): At<String>) -> Answer {
    let signing = state.world().tenant(&app)?.app.oidc_signing;
    ok(state.provider_keys.key_set(signing)?)
}

/// A no in OAuth's shape (RFC 6749 section 5.2).
#[derive(Debug)]
struct OAuthError {
    status: StatusCode,
    error: &'static str,
    description: String,
}

impl OAuthError {
    fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, description: description.into() }
    }

    /// The client, or the token, is not who it says.
    fn unauthorized(error: &'static str, description: impl Into<String>) -> Self {
        Self { status: StatusCode::UNAUTHORIZED, ..Self::new(error, description) }
    }
}

impl From<Refusal> for OAuthError {
    fn from(refusal: Refusal) -> Self {
        Self::new("invalid_request", refusal.message())
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let body = Json(json!({ "error": self.error, "error_description": self.description }));
        let mut answer = (self.status, [(header::CACHE_CONTROL, "no-store")], body).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = if self.error == "invalid_token" { "Bearer" } else { "Basic" };
            let challenge = format!("{scheme} realm=\"emulator\", error=\"{}\"", self.error);
            if let Ok(challenge) = HeaderValue::from_str(&challenge) {
                answer.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
            }
        }
        answer
    }
}

/// JSON that must not be kept.
fn fresh(body: Value) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// The parameters of a query or a form, each of them once (RFC 6749 section 3.1).
struct Parameters(BTreeMap<String, String>);

impl Parameters {
    fn read(text: &[u8]) -> Result<Self, OAuthError> {
        let mut parameters = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(text) {
            // A parameter without a value counts as left out.
            if value.is_empty() {
                continue;
            }
            if parameters.insert(name.to_string(), value.into_owned()).is_some() {
                return Err(OAuthError::new("invalid_request", format!("`{name}` stands twice")));
            }
        }
        Ok(Self(parameters))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn need(&self, name: &str) -> Result<&str, OAuthError> {
        self.get(name)
            .ok_or_else(|| OAuthError::new("invalid_request", format!("`{name}` is missing")))
    }
}

impl<S: Send + Sync> FromRequest<S> for Parameters {
    type Rejection = OAuthError;

    /// From the query of a GET, the form of a POST.
    async fn from_request(request: Request, state: &S) -> Result<Self, OAuthError> {
        if request.method() == axum::http::Method::GET {
            return Self::read(request.uri().query().unwrap_or_default().as_bytes());
        }
        let form = "application/x-www-form-urlencoded";
        let kind = request.headers().get(header::CONTENT_TYPE);
        let labelled = kind
            .and_then(|kind| kind.to_str().ok())
            .is_some_and(|kind| kind.split(';').next().is_some_and(|kind| kind.trim() == form));
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|error| OAuthError::new("invalid_request", error.body_text()))?;
        if !labelled && !bytes.is_empty() {
            return Err(OAuthError::new("invalid_request", format!("the body is not {form}")));
        }
        Self::read(&bytes)
    }
}
