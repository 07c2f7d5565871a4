//! `Verify`: is this token genuine, alive and meant for us, and whose is it?

use std::sync::Arc;

use bytes::Bytes;

use super::{
    call::Call,
    convert,
    fault::{Fault, is_undecided},
    structure::Structures,
};
use crate::{
    authz::{Answer, Authorizer, Question},
    config::{Freshness, Right},
    grpc::pb::rownd::auth::v1::{
        Freshness as WireFreshness, VerifyRequest, VerifyResponse, verify_response::Outcome,
    },
    metrics::CheckApi,
    model::Denial,
};

pub(super) async fn verify(
    authorizer: &Arc<Authorizer>,
    call: &Call,
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
    let question = Question {
        token: &token,
        app_id: app_id.as_deref(),
        audience: audience.as_deref(),
        minimum_level: least.transpose()?,
        freshness: fresh(freshness)?,
        memberships: include_memberships,
    };
    let mut structures = Structures::default();
    let outcome = match ask(authorizer, call, &question).await {
        Ok(answer) => {
            let who = &answer.identity;
            call.may_for(&[Right::Verify], &who.issuer, who.app_id.as_deref())?;
            Outcome::Identity(convert::identity(&answer, &mut structures))
        }
        Err(denial) if is_undecided(&denial) => {
            return Err(call.undecided(denial));
        }
        Err(denial) => Outcome::Denial(convert::denial(&denial)),
    };
    Ok(VerifyResponse { outcome: Some(outcome), omitted: structures.omitted() })
}

/// A token that was sent. None at all is a mistake in the call, not a bad token.
pub(super) fn required_token(token: String) -> Result<Bytes, Fault> {
    if token.is_empty() { Err(Fault::field("token", "is empty")) } else { Ok(token.into()) }
}

/// Asks the corridor.
pub(super) async fn ask(
    authorizer: &Arc<Authorizer>,
    call: &Call,
    question: &Question<'_>,
) -> Result<Answer, Denial> {
    authorizer.begin(CheckApi::RowndAuth).answer(question, call.deadline).await
}

fn fresh(number: i32) -> Result<Freshness, Fault> {
    match WireFreshness::try_from(number) {
        Ok(WireFreshness::Unspecified | WireFreshness::Token) => Ok(Freshness::Token),
        Ok(WireFreshness::Profile) => Ok(Freshness::Profile),
        Err(_) => Err(Fault::field("freshness", "is not a known value")),
    }
}
