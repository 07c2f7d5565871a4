//! `RevokeToken`: the end of a token at its OpenID provider, and here.

use std::{sync::Arc, time::SystemTime};

use tonic::Status;

use super::{client, fault, hint, judged, refuse_foreign, sent_token};
use crate::{
    authz::Authorizer,
    config::{Right, Secret},
    grpc::{
        pb::rownd::auth::v1::{RevokeTokenRequest, RevokeTokenResponse},
        rownd_auth::{call::ServiceCall, refusal::Asked, writes::Write},
    },
    issuer_api::IssuedToken,
    model::DenyReason,
    verify::{CommandTarget, RevokedSubject},
};

/// The facts about a token before it is revoked.
enum Known {
    /// It is a JWT of this issuer with this id (`jti`).
    Verified { issuer: String, id: Option<String> },
    /// It is revoked here already.
    Revoked,
    /// It is opaque, or cannot be verified.
    Nothing,
}

pub(in crate::grpc::rownd_auth) async fn revoke(
    authorizer: &Arc<Authorizer>,
    call: &Arc<ServiceCall>,
    request: RevokeTokenRequest,
) -> Result<RevokeTokenResponse, Status> {
    call.may(&[Right::Exchange])?;
    let token = sent_token(authorizer, &request.token)?;
    let hint = hint(request.token_kind)?;
    let client_name = {
        let client = client(call, Right::Exchange, request.oidc_client.as_deref())?;
        refuse_foreign(call, &token, client.issuer())?;
        client.name().to_owned()
    };
    let write = Write {
        method: "RevokeToken",
        subject: format!("a token of the client {client_name}"),
        request_id: "",
        request: &request,
    };
    let (own, authorizer) = (call.clone(), authorizer.clone());
    let sharing = call.sharing("RevokeToken");
    let work = async move {
        let client = client(&own, Right::Exchange, Some(&client_name))?;
        // Before it is revoked: a provider may be asked by the verification.
        let known = known(&authorizer, &own, &token).await;
        let asked = IssuedToken { token: &token, hint };
        let ended = client.control().revoke(client.proof(), asked, own.issuer_timeout()).await;
        let may_have_ended = ended.as_ref().err().is_none_or(|error| error.may_have_changed());
        let revoked_here = may_have_ended && revoke_here(&authorizer, known);
        ended.map_err(|error| fault(Asked::TokenControl, client.issuer(), error))?;
        if revoked_here {
            // Also one that was revoked before: a call may be repeated because of the other replicas.
            sharing.share().await?;
        }
        Ok(RevokeTokenResponse { revoked_here })
    };
    call.write(write, work).await
}

async fn known(authorizer: &Arc<Authorizer>, call: &ServiceCall, token: &Secret) -> Known {
    match judged(authorizer, call, token, None).await {
        Ok(answer) => Known::Verified {
            issuer: answer.identity.issuer.to_string(),
            id: answer.identity.token_id.clone(),
        },
        Err(denial) if denial.reason() == DenyReason::Revoked => Known::Revoked,
        Err(_) => Known::Nothing,
    }
}

/// Puts a token on the list of revocations; whether it is there.
fn revoke_here(authorizer: &Authorizer, known: Known) -> bool {
    let (issuer, id) = match known {
        Known::Verified { issuer, id: Some(id) } => (issuer, id),
        Known::Revoked => return true,
        Known::Verified { id: None, .. } | Known::Nothing => return false,
    };
    let revoked = authorizer.command(|snapshot| {
        let target = CommandTarget::of(Some(&issuer));
        let subject = RevokedSubject::Token(&id);
        snapshot.verifier().revoke(target, subject, None, SystemTime::now())
    });
    if let Err(error) = &revoked {
        tracing::warn!(%error, issuer, "a token was revoked at its issuer and not here");
    }
    revoked.is_ok()
}
