//! The question of Rownd's token validator: is this token of a third party valid, and whose is it?

use std::sync::Arc;

use axum::extract::Request;
use http::{Method, StatusCode};
use serde_json::Value;
use tokio::time::Instant;

use super::{
    answer::Refusal,
    body::AdmittedRequest,
    fields,
    gate::{Gate, InboundPeer, Shown},
    tokens,
};
use crate::{
    authz::{Authorizer, CheckApi, TokenQuery},
    config::TokenValidator,
    model::DenyReason,
};

/// The members of a body that may hold the token.
const MEMBERS: [&str; 3] = ["token", "access_token", "id_token"];

/// The validator as it is configured.
#[derive(Debug)]
pub(super) struct Validator {
    settings: TokenValidator,
    gate: Gate,
}

impl Validator {
    pub(super) fn build(settings: &TokenValidator) -> Self {
        Self { gate: Gate::build(Some(&settings.caller)), settings: settings.clone() }
    }

    /// The fields of the answer. `path` is the rest of the path.
    ///
    /// # Errors
    ///
    /// Fails where the caller has not proved itself, the request has another form, or the token is
    /// refused or cannot be judged now.
    pub(super) async fn answer(
        &self,
        authorizer: &Arc<Authorizer>,
        path: &str,
        peer: &InboundPeer,
        request: Request,
    ) -> Result<Value, Refusal> {
        let mut under_way = self.gate.admit(Shown { path, headers: request.headers(), peer })?;
        if !matches!(*request.method(), Method::GET | Method::POST) {
            let message = "only GET and POST";
            return Err(Refusal::Malformed(StatusCode::METHOD_NOT_ALLOWED, message));
        }
        let request = AdmittedRequest { request, under_way: &mut under_way };
        let token = tokens::find(request, &MEMBERS).await;
        let deadline = Instant::now() + self.settings.timeout().get();
        // A request without a token is a check that is denied; one that cannot be read is none.
        let token = token.inspect_err(|refusal| {
            if let Refusal::Token(reason) = refusal {
                let _ = authorizer.begin(CheckApi::TokenValidator).deny(*reason);
            }
        })?;
        let check = authorizer.begin(CheckApi::TokenValidator);
        let claimed = authorizer.snapshot().verifier().claimed_target(&token);
        // A token of another issuer is not looked at: neither its keys nor its user are asked for.
        if claimed.is_some_and(|about| !self.answers_for(&about.issuer)) {
            let _ = check.deny(DenyReason::IssuerUntrusted);
            return Err(Refusal::Token(DenyReason::IssuerUntrusted));
        }
        let verified = check.verify_token(&TokenQuery::of(&token), deadline).await;
        let verified = verified.map_err(|denial| Refusal::of_denial(&denial))?;
        if !self.answers_for(&verified.identity.issuer) {
            return Err(Refusal::Token(DenyReason::IssuerUntrusted));
        }
        let fields = fields::answer(&self.settings, &verified.claims);
        fields.map(Value::Object).ok_or(Refusal::Token(DenyReason::ClaimsInvalid))
    }

    fn answers_for(&self, issuer: &str) -> bool {
        self.settings.issuers().iter().any(|name| name == issuer)
    }
}
