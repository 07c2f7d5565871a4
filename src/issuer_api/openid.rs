//! An OpenID provider as its client sees it: where to send a browser, and tokens for the code
//! that comes back (RFC 6749 section 4.1, RFC 7636, OpenID Connect Core section 3.1).
//!
//! In: a client's settings and a request. Out: a URL with what to keep until the browser is back;
//! or tokens. Where to go is learned from the provider's metadata, which are asked for again after
//! an hour. Addresses that metadata name on another host are reached only if they are public.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::rand;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::Method;
use serde::Deserialize;
use serde_json::Value;
use tokio::{sync::Mutex, time::Instant};
use url::{Url, form_urlencoded};

use super::{
    Error, Rejection,
    api::{Api, Call},
    breaker::Kind,
    tokens::{Granted, Tokens, some},
};
use crate::{
    config::Secret,
    digest::sha256,
    metrics::ApiEndpoint,
    upstream::{Answer, Error as UpstreamError, Origin},
};

/// OpenID Connect Discovery section 4.
const METADATA: &str = "/.well-known/openid-configuration";
const FORM: &str = "application/x-www-form-urlencoded";
/// Metadata are asked for again after this.
const FRESH: Duration = Duration::from_secs(3600);
/// Clock skew allowed on an ID token's end.
const LEEWAY: u64 = 30;

/// How a client proves that it is one.
#[derive(Debug, Clone)]
pub enum ClientAuth {
    /// It has no secret.
    None,
    /// Its secret in `Authorization: Basic`.
    Basic(Secret),
    /// Its secret in the body.
    Post(Secret),
}

/// What to ask a browser's user for.
#[derive(Debug, Clone)]
pub struct AuthorizationRequest<'a> {
    /// The client id.
    pub client_id: &'a str,
    /// Where the browser comes back to.
    pub redirect_uri: &'a str,
    /// Scopes.
    pub scopes: &'a [String],
    /// Whether the code is bound to a verifier.
    pub pkce: bool,
    /// More parameters, by name.
    pub more: &'a [(&'static str, &'a str)],
}

/// Where to send a browser, and what to keep until it is back.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorization {
    /// Where to.
    pub url: String,
    /// Must come back unchanged.
    pub state: String,
    /// Goes with the code.
    pub verifier: Option<Secret>,
    /// Must stand in the ID token.
    pub nonce: String,
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization").finish_non_exhaustive()
    }
}

/// A code, and what goes with it.
#[derive(Debug, Clone)]
pub struct CodeGrant {
    /// The code.
    pub code: Secret,
    /// Where the browser came back to.
    pub redirect_uri: String,
    /// What the code is bound to.
    pub verifier: Option<Secret>,
    /// What has to stand in the ID token.
    pub nonce: Option<String>,
}

/// Asks one provider.
#[derive(Debug, Clone)]
pub struct Provider {
    api: Api,
    iss: String,
    known: Arc<Mutex<Option<(Metadata, Instant)>>>,
}

#[derive(Debug, Clone, Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
}

impl Provider {
    pub(super) fn new(api: Api, iss: String) -> Self {
        Self { api, iss, known: Arc::default() }
    }

    /// The URL of an authorization request.
    pub async fn authorization(
        &self,
        asked: &AuthorizationRequest<'_>,
        timeout: Duration,
    ) -> Result<Authorization, Error> {
        let mut url = self.metadata(timeout).await?.authorization_endpoint;
        let (state, nonce) = (random()?, random()?);
        let verifier = asked.pkce.then(random).transpose()?;
        let challenge = verifier.as_deref().map(challenge);
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", asked.client_id)
            .append_pair("redirect_uri", asked.redirect_uri)
            .append_pair("scope", &asked.scopes.join(" "))
            .append_pair("state", &state)
            .append_pair("nonce", &nonce);
        if let Some(challenge) = &challenge {
            query
                .append_pair("code_challenge", challenge)
                .append_pair("code_challenge_method", "S256");
        }
        query.extend_pairs(asked.more);
        drop(query);
        let verifier = verifier.as_deref().map(Secret::new);
        Ok(Authorization { url: url.into(), state, verifier, nonce })
    }

    /// Tokens for a code, which is used up by it.
    pub async fn code(
        &self,
        client: (&str, &ClientAuth),
        grant: &CodeGrant,
        timeout: Duration,
    ) -> Result<Granted, Error> {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", grant.code.expose()),
            ("redirect_uri", &grant.redirect_uri),
        ];
        form.extend(grant.verifier.as_ref().map(|verifier| ("code_verifier", verifier.expose())));
        let mut tokens = self.token(ApiEndpoint::CodeToken.into(), client, &form, timeout).await?;
        if let Some(id) = &tokens.id {
            let nonce = Nonce::Exactly(grant.nonce.as_deref());
            tokens.subject = Some(self.judge(id, client.0, nonce)?);
        } else if grant.nonce.is_some() {
            return Err(Error::IdToken("there is none, and a nonce was to be found in it"));
        }
        Ok(Granted::Tokens(Box::new(tokens)))
    }

    /// Tokens for a refresh token, which may be used up by it.
    pub async fn refresh(
        &self,
        client: (&str, &ClientAuth),
        (token, scopes): (&Secret, &[String]),
        timeout: Duration,
    ) -> Result<Granted, Error> {
        let scope = scopes.join(" ");
        let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", token.expose())];
        form.extend(Some(("scope", scope.as_str())).filter(|(_, scope)| !scope.is_empty()));
        let mut tokens = self.token(Kind::OpenIdRefresh, client, &form, timeout).await?;
        if let Some(id) = tokens.id.take() {
            // The token that was sent is used up: a bad ID token must not cost its successor.
            match self.judge(&id, client.0, Nonce::Any) {
                Ok(subject) => (tokens.id, tokens.subject) = (Some(id), Some(subject)),
                Err(error) => {
                    tracing::warn!(%error, "an ID token that came with a refresh is left out")
                }
            }
        }
        Ok(Granted::Tokens(Box::new(tokens)))
    }

    async fn token(
        &self,
        kind: Kind,
        (id, auth): (&str, &ClientAuth),
        form: &[(&str, &str)],
        timeout: Duration,
    ) -> Result<Tokens, Error> {
        let url = self.metadata(timeout).await?.token_endpoint;
        let (body, basic) = proven(id, auth, form);
        let mut headers = vec![("accept", "application/json")];
        headers.extend(basic.as_ref().map(|basic| ("authorization", basic.expose())));
        let call = Call {
            endpoint: ApiEndpoint::CodeToken,
            lane: kind.into(),
            method: Method::POST,
            origin: self.origin(&url),
            url,
            headers: &headers,
            body: Some((FORM, body.into_bytes())),
            timeout,
        };
        // Codes work once, and refresh tokens may.
        let asked = self.api.on_new_connections().send_once(call, read).await;
        asked.map_err(|error| match error {
            // RFC 6749 section 5.2: who we are is refused, not what we ask.
            Error::Rejected(Rejection { status, code })
                if status == 401 || code.as_deref() == Some("invalid_client") =>
            {
                Error::KeyRefused(status)
            }
            // Any other status than that of a no (RFC 6749 section 5.2) may be of something in
            // between.
            Error::Rejected(Rejection { status, .. }) if status != 400 => {
                UpstreamError::Status(status).into()
            }
            error => error,
        })
    }

    /// The provider's own description. One caller asks, and the others wait for it.
    async fn metadata(&self, timeout: Duration) -> Result<Metadata, Error> {
        let mut known = self.known.lock().await;
        if let Some((metadata, at)) = known.as_ref()
            && at.elapsed() < FRESH
        {
            return Ok(metadata.clone());
        }
        let read = |body: &[u8]| {
            let found: Metadata = serde_json::from_slice(body).map_err(|_| Error::Shape)?;
            // Somebody else's description is no description (OpenID Connect Discovery 4.3), and
            // nobody is sent anywhere in plain text that the operator did not write.
            let safe = |url: &Url| url.scheme() == "https" || self.origin(url) == Origin::Operator;
            let good = found.issuer == self.iss
                && safe(&found.authorization_endpoint)
                && safe(&found.token_endpoint);
            if good { Ok(found) } else { Err(Error::Shape) }
        };
        let endpoint = (ApiEndpoint::Discovery, ApiEndpoint::Discovery.into());
        let fetched = self.api.get(endpoint, METADATA, &[], timeout, read).await;
        match (fetched, known.as_ref()) {
            (Ok(metadata), _) => {
                *known = Some((metadata.clone(), Instant::now()));
                Ok(metadata)
            }
            // Endpoints seldom move; what was true an hour ago may well be true now.
            (Err(error), Some((metadata, _)))
                if error.is_transient() || matches!(error, Error::Paused(_)) =>
            {
                Ok(metadata.clone())
            }
            (Err(error), _) => Err(error),
        }
    }

    fn origin(&self, url: &Url) -> Origin {
        let ours = Url::parse(&self.api.base_url).is_ok_and(|base| base.origin() == url.origin());
        if ours { Origin::Operator } else { Origin::Document }
    }

    /// OpenID Connect Core section 3.1.3.7. Its signature need not be checked: it came from the
    /// provider itself, over the connection that we opened.
    pub(super) fn judge(
        &self,
        token: &Secret,
        client: &str,
        nonce: Nonce<'_>,
    ) -> Result<String, Error> {
        #[derive(Deserialize)]
        struct Claims {
            iss: String,
            sub: String,
            aud: Audience,
            azp: Option<String>,
            exp: f64,
            nonce: Option<String>,
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Audience {
            One(String),
            Many(Vec<String>),
        }
        let body = token.expose().split('.').nth(1).and_then(|b| URL_SAFE_NO_PAD.decode(b).ok());
        let claims: Claims = body
            .and_then(|body| serde_json::from_slice(&body).ok())
            .ok_or(Error::IdToken("it is none"))?;
        let meant = match &claims.aud {
            Audience::One(aud) => aud == client,
            Audience::Many(all) => {
                all.iter().any(|aud| aud == client) && (all.len() == 1 || claims.azp.is_some())
            }
        } && claims.azp.as_deref().is_none_or(|azp| azp == client);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let end = Duration::try_from_secs_f64(claims.exp).unwrap_or_default();
        if claims.iss != self.iss {
            Err(Error::IdToken("it is another issuer's"))
        } else if !meant {
            Err(Error::IdToken("it is for another client"))
        } else if now >= end.saturating_add(Duration::from_secs(LEEWAY)) {
            Err(Error::IdToken("it has expired"))
        } else if matches!(nonce, Nonce::Exactly(nonce) if claims.nonce.as_deref() != nonce) {
            Err(Error::IdToken("its nonce is another than the call's"))
        } else if claims.sub.is_empty() {
            Err(Error::IdToken("it names nobody"))
        } else {
            Ok(claims.sub)
        }
    }
}

/// Which nonce an ID token has to have.
#[derive(Clone, Copy)]
pub(super) enum Nonce<'a> {
    /// This one, or none where there is none.
    Exactly(Option<&'a str>),
    /// Any: it is no answer to a request.
    Any,
}

/// What nobody can guess: 256 bits.
fn random() -> Result<String, Error> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| Error::Shape)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// RFC 7636 section 4.2.
fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()))
}

/// The form with the proof of the client, or the header that is the proof.
fn proven(id: &str, auth: &ClientAuth, form: &[(&str, &str)]) -> (String, Option<Secret>) {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(form);
    let header = match auth {
        ClientAuth::Basic(secret) => Some(basic(id, secret)),
        ClientAuth::None => {
            body.append_pair("client_id", id);
            None
        }
        ClientAuth::Post(secret) => {
            body.append_pair("client_id", id).append_pair("client_secret", secret.expose());
            None
        }
    };
    (body.finish(), header)
}

/// Both halves are encoded first (RFC 6749 section 2.3.1).
fn basic(id: &str, secret: &Secret) -> Secret {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encode(id), encode(secret.expose()));
    Secret::new(&format!("Basic {}", STANDARD.encode(pair)))
}

/// RFC 6749 section 5.1.
#[derive(Deserialize)]
struct Document {
    access_token: String,
    refresh_token: Option<String>,
    id_token: Option<String>,
    /// A number; some write it as text.
    expires_in: Option<Value>,
    scope: Option<String>,
}

fn read(answer: &Answer) -> Result<Tokens, Error> {
    let found: Document = serde_json::from_slice(&answer.body).map_err(|_| Error::Shape)?;
    let said = Tokens::new(&found.access_token);
    let seconds = found.expires_in.and_then(|span| match span {
        Value::Number(seconds) => seconds.as_f64(),
        Value::String(seconds) => seconds.parse().ok(),
        _ => None,
    });
    let span = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let expires_at = span.and_then(|span| SystemTime::now().checked_add(span));
    Ok(Tokens {
        refresh: some(found.refresh_token).as_deref().map(Secret::new),
        id: some(found.id_token).as_deref().map(Secret::new),
        expires_at: expires_at.or(said.expires_at),
        scopes: found.scope.iter().flat_map(|s| s.split_whitespace()).map(str::to_owned).collect(),
        ..said
    })
}
