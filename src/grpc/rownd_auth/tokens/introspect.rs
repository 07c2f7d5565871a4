//! `IntrospectToken`: whether a token is active, as its OpenID provider and the list of revocations
//! say.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Map, Value as Json};

use super::{client, fault, hint, judged, refuse_foreign, sent_token};
use crate::{
    authz::Authorizer,
    config::Right,
    grpc::{
        pb::rownd::auth::v1::{IntrospectTokenRequest, IntrospectTokenResponse},
        rownd_auth::{
            call::ServiceCall, convert::claim_time, fault::Fault, refusal::Asked,
            structure::Structures,
        },
    },
    issuer_api::{ApiError, IssuedToken},
    model::{AuthLevel, DenyReason, IdentityFacts},
};

/// The claim of Rownd's tokens that names the user.
const APP_USER: &str = "https://auth.rownd.io/app_user_id";
/// When to ask again while the list of revocations is not known.
const LATER: Duration = Duration::from_secs(1);
/// The clock skew that is allowed, in seconds.
const LEEWAY: f64 = 30.0;

pub(in crate::grpc::rownd_auth) async fn introspect(
    authorizer: &Arc<Authorizer>,
    call: &ServiceCall,
    request: IntrospectTokenRequest,
) -> Result<IntrospectTokenResponse, Fault> {
    call.may(&[Right::Verify])?;
    let token = sent_token(authorizer, &request.token)?;
    let hint = hint(request.token_kind)?;
    let client = client(call, Right::Verify, request.oidc_client.as_deref())?;
    let issuer = client.issuer();
    refuse_foreign(call, &token, issuer)?;
    let inactive = || IntrospectTokenResponse { issuer: issuer.to_owned(), ..Default::default() };
    // A JWT that is revoked here need not be asked about.
    if let Err(denial) = judged(authorizer, call, &token, None).await
        && denial.reason() == DenyReason::Revoked
    {
        return Ok(inactive());
    }
    let asked = IssuedToken { token: &token, hint };
    let said = client.control().introspect(client.proof(), asked, call.issuer_timeout()).await;
    let said = said.map_err(|error| fault(Asked::TokenControl, issuer, error))?;
    let shape = || fault(Asked::TokenControl, issuer, ApiError::Shape);
    let active = said.get("active").and_then(Json::as_bool).ok_or_else(shape)?;
    if !active || is_over(&said) || is_revoked(call, issuer, &said)? {
        return Ok(inactive());
    }
    Ok(wire(issuer, &said))
}

/// Whether the time of the token is over, or has not come, whatever its provider says. A time that
/// is no number is over.
fn is_over(said: &Map<String, Json>) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let time = |name: &str| said.get(name).filter(|value| !value.is_null()).map(Json::as_f64);
    let ended = match time("exp") {
        None => false,
        Some(exp) => exp.is_none_or(|exp| exp + LEEWAY <= now),
    };
    let not_begun = match time("nbf") {
        None => false,
        Some(nbf) => nbf.is_none_or(|nbf| nbf - LEEWAY > now),
    };
    ended || not_begun
}

/// Whether the token, its session or its user is on the list of revocations.
///
/// # Errors
///
/// Fails where the answer is about a token of another issuer, and where the list is not known yet.
fn is_revoked(call: &ServiceCall, issuer: &str, said: &Map<String, Json>) -> Result<bool, Fault> {
    let verifier = call.service.verifier();
    let known = verifier.issuers().iter().find(|known| known.name() == issuer);
    let known = known.ok_or(Fault::Internal)?;
    let iss = known.settings().iss.as_str();
    let text = |name: &str| said.get(name).and_then(Json::as_str);
    if text("iss").is_some_and(|named| named != iss) {
        return Err(fault(Asked::TokenControl, issuer, ApiError::OtherUser));
    }
    let issued_at = said.get("iat").and_then(Json::as_f64);
    let issued_at = issued_at.and_then(|iat| Duration::try_from_secs_f64(iat).ok());
    let issued_at = issued_at.map(|since| since.as_secs());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    // A user is revoked by the id that the claim map reads, which may be one of these.
    let users = [text(APP_USER), text("sub")];
    let mut users = users.into_iter().flatten().peekable();
    let facts = |user: &str| IdentityFacts {
        session_id: text("sid").map(str::to_owned),
        token_id: text("jti").map(str::to_owned),
        issued_at,
        ..IdentityFacts::new(user.to_owned(), issuer.into(), AuthLevel::Instant)
    };
    if !verifier.revocations().is_known() {
        return Err(Fault::NotShared(LATER));
    }
    let hits = |user: &str| verifier.revocations().hits(iss, &facts(user), now);
    Ok(if users.peek().is_none() { hits("") } else { users.any(hits) })
}

fn wire(issuer: &str, said: &Map<String, Json>) -> IntrospectTokenResponse {
    let text = |name: &str| said.get(name).and_then(Json::as_str).map(str::to_owned);
    let time = |name: &str| claim_time(said.get(name));
    let scopes = text("scope").unwrap_or_default();
    let audiences = match said.get("aud") {
        Some(Json::String(one)) => vec![one.clone()],
        Some(Json::Array(all)) => all.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let mut structures = Structures::default();
    let claims = structures.make("claims", said);
    IntrospectTokenResponse {
        active: true,
        scopes: scopes.split_whitespace().map(str::to_owned).collect(),
        client_id: text("client_id"),
        subject: text("sub"),
        username: text("username"),
        token_type: text("token_type"),
        expire_time: time("exp"),
        issue_time: time("iat"),
        not_before_time: time("nbf"),
        audiences,
        token_id: text("jti"),
        issuer: issuer.to_owned(),
        claims: Some(claims),
        omitted: structures.omitted(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use serde_json::json;

    use super::is_over;

    #[test]
    fn a_token_whose_time_is_over_is_not_active_whatever_its_provider_says() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        for (said, over) in [
            (json!({}), false),
            (json!({ "exp": null, "nbf": null }), false),
            (json!({ "exp": now + 60 }), false),
            (json!({ "exp": now - 10 }), false),
            (json!({ "exp": now - 60 }), true),
            (json!({ "exp": 0 }), true),
            (json!({ "exp": "soon" }), true),
            (json!({ "exp": now + 60, "nbf": now + 120 }), true),
            (json!({ "exp": now + 60, "nbf": now + 10 }), false),
            (json!({ "nbf": [] }), true),
        ] {
            assert_eq!(is_over(said.as_object().unwrap()), over, "{said}");
        }
    }
}
