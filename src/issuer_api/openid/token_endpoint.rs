//! The words of a token endpoint: the form with the proof of the client, and the answer (RFC 6749
//! sections 2.3.1 and 5.1).

use std::time::{Duration, SystemTime};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::Value;
use url::form_urlencoded;

use crate::{
    config::Secret,
    issuer_api::{
        api::from_json,
        error::ApiError,
        grants::{ClientAuth, OpenIdClientProof},
        tokens::{Tokens, not_empty},
    },
    upstream::HttpAnswer,
};

/// A form that proves its client, or the header that does.
pub(super) struct ProvenForm {
    pub(super) body: String,
    /// The value of `authorization`.
    pub(super) authorization: Option<Secret>,
}

#[derive(Deserialize)]
struct OpenIdTokens {
    access_token: String,
    refresh_token: Option<String>,
    id_token: Option<String>,
    /// A number; some providers write it as text.
    expires_in: Option<Value>,
    scope: Option<String>,
}

impl ProvenForm {
    /// This form, sent by this client.
    pub(super) fn new(client: OpenIdClientProof<'_>, form: &[(&str, &str)]) -> Self {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(form);
        let authorization = match client.auth {
            ClientAuth::Basic(secret) => Some(basic(client.id, secret)),
            ClientAuth::None => {
                body.append_pair("client_id", client.id);
                None
            }
            ClientAuth::Post(secret) => {
                body.append_pair("client_id", client.id)
                    .append_pair("client_secret", secret.expose());
                None
            }
        };
        Self { body: body.finish(), authorization }
    }
}

/// The tokens of an answer.
pub(super) fn read_tokens(answer: &HttpAnswer) -> Result<Tokens, ApiError> {
    let found: OpenIdTokens = from_json(answer)?;
    let tokens = Tokens::new(&found.access_token);
    let span = found.expires_in.as_ref().and_then(seconds);
    let expires_at = span.and_then(|span| SystemTime::now().checked_add(span));
    Ok(Tokens {
        refresh: not_empty(found.refresh_token).as_deref().map(Secret::new),
        id: not_empty(found.id_token).as_deref().map(Secret::new),
        expires_at: expires_at.or(tokens.expires_at),
        scopes: found.scope.iter().flat_map(|s| s.split_whitespace()).map(str::to_owned).collect(),
        ..tokens
    })
}

fn seconds(span: &Value) -> Option<Duration> {
    let seconds = match span {
        Value::Number(seconds) => seconds.as_f64(),
        Value::String(seconds) => seconds.parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    Duration::try_from_secs_f64(seconds?).ok()
}

/// Both halves are encoded first (RFC 6749 section 2.3.1).
fn basic(id: &str, secret: &Secret) -> Secret {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encode(id), encode(secret.expose()));
    Secret::new(&format!("Basic {}", STANDARD.encode(pair)))
}
