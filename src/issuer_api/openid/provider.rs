//! The client of one OpenID provider: authorization requests, codes and refresh tokens.

use std::time::Duration;

use aws_lc_rs::rand;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    id_token::{Expected, Nonce, subject_of},
    metadata::{Endpoints, LearnedEndpoints},
    token_endpoint::{ProvenForm, read_tokens},
};
use crate::{
    config::Secret,
    digest::sha256,
    issuer_api::{
        api::{Api, ApiCall, Target},
        capabilities::{Asked, CodeFlow},
        error::ApiError,
        grants::{
            Authorization, AuthorizationRequest, CodeGrant, OpenIdClientProof, OpenIdRefresh,
        },
        operation::Operation,
        tokens::{Granted, Tokens},
    },
    upstream::UpstreamError,
};

/// Asks one provider.
#[derive(Debug)]
pub(super) struct OpenIdProvider {
    api: Api,
    iss: String,
    endpoints: LearnedEndpoints,
}

impl OpenIdProvider {
    pub(super) fn new(api: Api, iss: String) -> Self {
        Self { api, iss, endpoints: LearnedEndpoints::default() }
    }

    pub(super) const fn api(&self) -> &Api {
        &self.api
    }

    /// The endpoints of the provider.
    pub(super) async fn endpoints(&self, timeout: Duration) -> Result<Endpoints, ApiError> {
        self.endpoints.get(&self.api, &self.iss, timeout).await
    }

    async fn tokens(
        &self,
        operation: Operation,
        client: OpenIdClientProof<'_>,
        form: &[(&str, &str)],
        timeout: Duration,
    ) -> Result<Tokens, ApiError> {
        let url = self.endpoints(timeout).await?.token;
        let ProvenForm { body, authorization } = ProvenForm::new(client, form);
        let mut headers = vec![("accept", "application/json")];
        headers.extend(authorization.as_ref().map(|value| ("authorization", value.expose())));
        let call = ApiCall {
            operation,
            app: None,
            target: Target::Learned(&url),
            headers: &headers,
            body: body.into(),
            timeout,
        };
        self.api.call(call, read_tokens).await.map_err(token_error)
    }

    fn subject(&self, id: &Secret, client_id: &str, nonce: Nonce<'_>) -> Result<String, ApiError> {
        subject_of(id, Expected { iss: &self.iss, client_id, nonce })
    }

    async fn refreshed(
        &self,
        client: OpenIdClientProof<'_>,
        refresh: OpenIdRefresh<'_>,
        timeout: Duration,
    ) -> Result<Granted, ApiError> {
        let scope = refresh.scopes.join(" ");
        let mut form =
            vec![("grant_type", "refresh_token"), ("refresh_token", refresh.token.expose())];
        if !scope.is_empty() {
            form.push(("scope", &scope));
        }
        let mut tokens = self.tokens(Operation::OpenIdRefresh, client, &form, timeout).await?;
        if let Some(id) = tokens.id.take() {
            // The token that was sent is used up: a bad ID token must not cost its successor.
            match self.subject(&id, client.id, Nonce::Any) {
                Ok(subject) => (tokens.id, tokens.subject) = (Some(id), Some(subject)),
                Err(error) => {
                    tracing::warn!(%error, "an ID token that came with a refresh is left out");
                }
            }
        }
        Ok(Granted::Tokens(Box::new(tokens)))
    }
}

impl CodeFlow for OpenIdProvider {
    fn authorization<'a>(
        &'a self,
        request: AuthorizationRequest<'a>,
        timeout: Duration,
    ) -> Asked<'a, Authorization> {
        Box::pin(async move {
            let endpoints = self.endpoints(timeout).await?;
            let mut url = endpoints.authorization.url;
            let (state, nonce) = (random()?, random()?);
            let verifier = request.pkce.then(random).transpose()?;
            let mut query = url.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("client_id", request.client_id)
                .append_pair("redirect_uri", request.redirect_uri)
                .append_pair("scope", &request.scopes.join(" "))
                .append_pair("state", &state)
                .append_pair("nonce", &nonce);
            if let Some(verifier) = &verifier {
                query
                    .append_pair("code_challenge", &challenge(verifier))
                    .append_pair("code_challenge_method", "S256");
            }
            query.extend_pairs(request.parameters);
            drop(query);
            let verifier = verifier.as_deref().map(Secret::new);
            Ok(Authorization { url: url.into(), state, verifier, nonce })
        })
    }

    fn code<'a>(
        &'a self,
        client: OpenIdClientProof<'a>,
        grant: &'a CodeGrant,
        timeout: Duration,
    ) -> Asked<'a, Granted> {
        Box::pin(async move {
            let mut form = vec![
                ("grant_type", "authorization_code"),
                ("code", grant.code.expose()),
                ("redirect_uri", &grant.redirect_uri),
            ];
            form.extend(grant.verifier.iter().map(|value| ("code_verifier", value.expose())));
            let mut tokens = self.tokens(Operation::OpenIdCode, client, &form, timeout).await?;
            let id = tokens.id.as_ref();
            let id = id.ok_or(ApiError::IdToken("there is none, but the sign-in has a nonce"))?;
            tokens.subject = Some(self.subject(id, client.id, Nonce::Exactly(&grant.nonce))?);
            Ok(Granted::Tokens(Box::new(tokens)))
        })
    }

    fn refresh<'a>(
        &'a self,
        client: OpenIdClientProof<'a>,
        refresh: OpenIdRefresh<'a>,
        timeout: Duration,
    ) -> Asked<'a, Granted> {
        Box::pin(self.refreshed(client, refresh, timeout))
    }
}

/// The meaning of an error of a token endpoint.
pub(super) fn token_error(error: ApiError) -> ApiError {
    let ApiError::Rejected(rejection) = error else { return error };
    let status = rejection.status;
    if status == 401 || rejection.code.as_deref() == Some("invalid_client") {
        // RFC 6749 section 5.2: the client is refused, not the request.
        ApiError::KeyRefused(status)
    } else if status == 400 {
        ApiError::Rejected(rejection)
    } else {
        // A token endpoint refuses with 400 (RFC 6749 section 5.2). Any other status may be of a
        // proxy in between.
        UpstreamError::Status(status).into()
    }
}

/// A text of 256 random bits.
pub(super) fn random() -> Result<String, ApiError> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| ApiError::NoRandomness)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// RFC 7636 section 4.2.
fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()))
}
