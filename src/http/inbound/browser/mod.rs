//! The callbacks of Rownd's snippet, which a page sends: after a sign-in and on each load of a page with a
//! session, after a sign-out, and after a change of the user's data.
//!
//! In: a request that anybody can write. Out: an answer in the form that the snippet reads. Nothing of it
//! is believed but the token, which is verified as that of a check is: a sign-out revokes the token that
//! it comes with, or its session, and nothing else; a change drops what is kept of its user, who is read
//! again when a check needs it. The data in the body are not looked at.

mod pages;

use std::time::Duration;

use axum::response::Response;
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    answer::{Refusal, plain_json},
    body::AdmittedRequest,
    effect::{Effects, Revoked},
    labels::InboundResult,
    tokens,
};
use crate::{
    authz::{CheckApi, TokenQuery},
    config::EventSource,
    model::DenyReason,
    verify::Identity,
};
pub(super) use pages::Pages;

/// The longest time that one token may take.
const TIME: Duration = Duration::from_secs(8);
/// The member of a body that holds the token.
const MEMBERS: [&str; 1] = ["access_token"];

/// A callback, by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Callback {
    /// `setPostAuthenticationApi`.
    SignIn,
    /// `setPostSignOutApi`.
    SignOut,
    /// `setPostUserDataUpdateApi`.
    DataUpdate,
}

impl Callback {
    /// The callback of the path behind that of its source.
    pub(super) fn of_path(path: &str) -> Option<Self> {
        match path {
            "post-authentication" => Some(Self::SignIn),
            "post-sign-out" => Some(Self::SignOut),
            "post-user-data-update" => Some(Self::DataUpdate),
            _ => None,
        }
    }

    /// The methods that the snippet can be told to use for it, and otherwise the message.
    fn check_method(self, method: &Method) -> Result<(), Refusal> {
        let (methods, message): (&[Method], _) = match self {
            Self::SignIn => (&[Method::GET, Method::POST, Method::PUT], "only GET, POST and PUT"),
            Self::SignOut => {
                (&[Method::POST, Method::PUT, Method::DELETE], "only POST, PUT and DELETE")
            }
            Self::DataUpdate => (&[Method::POST, Method::PUT], "only POST and PUT"),
        };
        if methods.contains(method) {
            return Ok(());
        }
        Err(Refusal::Malformed(StatusCode::METHOD_NOT_ALLOWED, message))
    }
}

/// The result of a callback, for the metric and for the page.
type Done = (InboundResult, Value);

/// Answers a callback.
pub(super) async fn answer(
    effects: &Effects,
    source: &EventSource,
    callback: Callback,
    request: AdmittedRequest<'_>,
) -> (InboundResult, Response) {
    let done = match obey(effects, source, callback, request).await {
        Ok((result, body)) => return (result, plain_json(StatusCode::OK, &body)),
        Err(refusal) => refusal,
    };
    let mut response = done.response();
    if matches!(done, Refusal::Token(_)) {
        // The snippet's own receivers answer so.
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        let challenge = HeaderValue::from_static("Bearer");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    (done.result(), response)
}

async fn obey(
    effects: &Effects,
    source: &EventSource,
    callback: Callback,
    request: AdmittedRequest<'_>,
) -> Result<Done, Refusal> {
    callback.check_method(request.method())?;
    let signs_out = callback == Callback::SignOut;
    let token = match tokens::find(request, &MEMBERS).await {
        // The session that the snippet tells of has ended, so it may have no token any more.
        Err(Refusal::Token(DenyReason::CredentialMissing)) if signs_out => {
            return Ok((InboundResult::WithoutEffect, signed_out(false)));
        }
        found => found?,
    };
    let claimed = effects.authorizer.snapshot().verifier().claimed_target(&token);
    // A token of another issuer is not looked at: neither its keys nor its user are asked for.
    if claimed.is_some_and(|about| *about.issuer != *source.issuer()) {
        return Err(Refusal::Token(DenyReason::IssuerUntrusted));
    }
    let check = effects.authorizer.begin(CheckApi::BrowserCallback);
    let query = TokenQuery { app_id: source.app_id(), ..TokenQuery::of(&token) };
    let identity = match check.verify_token(&query, Instant::now() + TIME).await {
        Ok(verified) => verified.identity,
        // Of a second tab, or again after the page had gone before the other replicas knew.
        Err(denial) if signs_out && denial.reason() == DenyReason::Revoked => {
            effects.share(source.issuer()).await?;
            return Ok((InboundResult::Duplicate, signed_out(true)));
        }
        Err(denial) => return Err(Refusal::of_denial(&denial)),
    };
    if *identity.issuer != *source.issuer() {
        return Err(Refusal::Token(DenyReason::IssuerUntrusted));
    }
    match callback {
        Callback::SignIn => Ok((InboundResult::Ok, said("the token is good"))),
        Callback::SignOut => sign_out(effects, source, &identity).await,
        Callback::DataUpdate => {
            effects.forget_profiles(source.issuer(), &identity.user_id);
            Ok((InboundResult::Ok, said("the user will be read again")))
        }
    }
}

/// Revokes the token, and the session that it is one of.
async fn sign_out(
    effects: &Effects,
    source: &EventSource,
    identity: &Identity,
) -> Result<Done, Refusal> {
    let snapshot = effects.authorizer.snapshot();
    let mut issuers = snapshot.verifier().issuers().iter();
    let has_tenants = issuers.any(|it| it.name() == source.issuer() && it.has_tenants());
    // Tokens of an issuer without tenants of its own may state one too, as those of SuperTokens do.
    let tenant = identity.tenant.as_deref().filter(|_| has_tenants);
    let of = Revoked { issuer: source.issuer(), tenant, not_before: 0 };
    if let Some(session) = &identity.session_id {
        effects.revoke_session(of, session).await?;
    }
    if let Some(id) = &identity.token_id {
        effects.revoke_token(of, id).await?;
    }
    if identity.session_id.is_none() && identity.token_id.is_none() {
        return Ok((InboundResult::WithoutEffect, signed_out(false)));
    }
    let (source, issuer) = (source.name(), source.issuer());
    tracing::info!(source, issuer, user = identity.user_id, "a token was signed out by its page");
    Ok((InboundResult::Ok, signed_out(true)))
}

/// An answer after which the page stays as it is.
fn said(message: &str) -> Value {
    json!({ "message": message, "should_refresh_page": false })
}

fn signed_out(revoked: bool) -> Value {
    json!({ "message": "signed out", "revoked": revoked })
}
