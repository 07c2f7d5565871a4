//! `Verify`: whether a token is genuine, valid now and meant for a configured app, and whose it is.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    call::ServiceCall,
    convert,
    fault::{Fault, is_undecided},
    structure::Structures,
};
use crate::{
    authz::CheckApi,
    authz::{Authorizer, TokenQuery, VerifiedToken},
    config::{Freshness, Right},
    grpc::pb::rownd::auth::v1::{
        Freshness as WireFreshness, VerifyRequest, VerifyResponse, verify_response::Outcome,
    },
    model::Denial,
};

pub(super) async fn verify(
    authorizer: &Arc<Authorizer>,
    call: &ServiceCall,
    request: VerifyRequest,
) -> Result<VerifyResponse, Fault> {
    call.may(&[Right::Verify])?;
    let VerifyRequest {
        token,
        app_id,
        audience,
        minimum_auth_level,
        freshness,
        include_memberships,
    } = request;
    let token = required_token(token)?;
    let app_id = call.app_of(&[Right::Verify], &token, app_id)?;
    let least = minimum_auth_level.map(|level| convert::asked_level("minimum_auth_level", level));
    let question = TokenQuery {
        token: &token,
        app_id: app_id.as_deref(),
        audience: audience.as_deref(),
        minimum_level: least.transpose()?,
        freshness: asked_freshness(freshness)?,
        memberships: include_memberships,
    };
    let mut structures = Structures::default();
    let outcome = match ask(authorizer, call, &question).await {
        Ok(answer) => {
            let who = &answer.identity;
            call.may_for(&[Right::Verify], &who.issuer, who.app_id.as_deref())?;
            Outcome::Identity(convert::wire_identity(&answer, &mut structures))
        }
        Err(denial) if is_undecided(&denial) => {
            return Err(call.undecided(denial));
        }
        Err(denial) => Outcome::Denial(convert::wire_denial(&denial)),
    };
    Ok(VerifyResponse { outcome: Some(outcome), omitted: structures.omitted() })
}

/// The token of a request. A request without one is a mistake of the caller, not a bad token.
pub(super) fn required_token(token: String) -> Result<Bytes, Fault> {
    if token.is_empty() { Err(Fault::field("token", "is empty")) } else { Ok(token.into()) }
}

/// Has the token judged, as for a check.
pub(super) async fn ask(
    authorizer: &Arc<Authorizer>,
    call: &ServiceCall,
    question: &TokenQuery<'_>,
) -> Result<VerifiedToken, Denial> {
    authorizer.begin(CheckApi::RowndAuth).verify_token(question, call.deadline).await
}

fn asked_freshness(number: i32) -> Result<Freshness, Fault> {
    match WireFreshness::try_from(number) {
        Ok(WireFreshness::Unspecified | WireFreshness::Token) => Ok(Freshness::Token),
        Ok(WireFreshness::Profile) => Ok(Freshness::Profile),
        Err(_) => Err(Fault::field("freshness", "is not a known value")),
    }
}
