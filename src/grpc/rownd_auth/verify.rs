//! `Verify`: whether a token is genuine, valid now and meant for a configured app, and whose it is.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    call::ServiceCall,
    convert,
    fault::{Fault, is_undecided},
    reason::ErrorReason,
    structure::Structures,
};
use crate::{
    authz::CheckApi,
    authz::{Authorizer, TokenQuery, VerifiedToken},
    config::{Freshness, IssuerKind, MAX_NAME_BYTES, Right, permission_problem},
    grpc::pb::rownd::auth::v1::{
        Freshness as WireFreshness, VerifyRequest, VerifyResponse, verify_response::Outcome,
    },
    model::{Denial, DenyReason},
    verify::Issuer,
};

/// The most permissions that a call may ask for.
const MAX_PERMISSIONS: usize = 64;

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
        required_permissions,
    } = request;
    let token = required_token(token)?;
    check_permissions(&required_permissions)?;
    let app_id = call.app_of(&[Right::Verify], &token, app_id)?;
    let least = minimum_auth_level.map(|level| convert::asked_level("minimum_auth_level", level));
    let question = TokenQuery {
        token: &token,
        app_id: app_id.as_deref(),
        audience: audience.as_deref(),
        minimum_level: least.transpose()?,
        freshness: asked_freshness(freshness)?,
        memberships: include_memberships,
        permissions: &required_permissions,
        rights: true,
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
        Err(denial) if lacks_secret(call, &denial) => {
            let message = "the app has no key and secret in the configuration (issuers[].apps[]), and \
                           the user's profile has to be read";
            return Err(Fault::Unsupported(ErrorReason::ProfileUnsupported, message));
        }
        Err(denial) => Outcome::Denial(convert::wire_denial(&denial)),
    };
    Ok(VerifyResponse { outcome: Some(outcome), omitted: structures.omitted() })
}

/// The profile had to be read and the operator gave no secret for it: no user can help that. Where
/// the issuer has no profiles at all, its users are refused.
fn lacks_secret(call: &ServiceCall, denial: &Denial) -> bool {
    let Some(name) = denial.issuer() else { return false };
    let of_rownd = |issuer: &Arc<Issuer>| {
        issuer.name() == name.as_ref() && issuer.settings().kind() == IssuerKind::Rownd
    };
    denial.reason() == DenyReason::ProfileUnsupported
        && call.service.verifier().issuers().iter().any(of_rownd)
}

/// The token of a request. A request without one is a mistake of the caller, not a bad token.
pub(super) fn required_token(token: String) -> Result<Bytes, Fault> {
    if token.is_empty() { Err(Fault::field("token", "is empty")) } else { Ok(token.into()) }
}

/// Checks that these are permissions that can be asked for. The message does not repeat them.
fn check_permissions(permissions: &[String]) -> Result<(), Fault> {
    const FIELD: &str = "required_permissions";
    if permissions.len() > MAX_PERMISSIONS {
        let message = format!("has more than {MAX_PERMISSIONS} permissions; ask for fewer");
        return Err(Fault::field(FIELD, message));
    }
    match permissions.iter().position(|name| permission_problem(name).is_some()) {
        None => Ok(()),
        Some(index) => {
            let message = format!(
                "number {} is no permission; write 1 to {MAX_NAME_BYTES} letters, digits or \
                 `_ . / @ + -` with colons between segments, and no `*`: orders:write",
                index + 1
            );
            Err(Fault::field(FIELD, message))
        }
    }
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
