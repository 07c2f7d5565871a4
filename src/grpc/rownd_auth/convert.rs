//! Conversions between the types of the rooms and the messages of the service.

use std::time::{Duration, SystemTime};

use prost_types::{Struct, Timestamp, Value, value::Kind};
use serde_json::{Map, Value as Json};

use super::{fault::Fault, structure::Structures};
use crate::{
    authz::VerifiedToken,
    grpc::pb::rownd::auth::v1::{
        AuthLevel as WireLevel, Denial as WireDenial, DenialKind, Identity as WireIdentity,
        Membership, MembershipState,
    },
    model::{AuthLevel, Denial, DenialClass, Group},
};

/// A structure that a caller sent, as JSON.
///
/// # Errors
///
/// Fails for a value without a kind, and for a number that is not finite.
pub(super) fn from_struct(field: &'static str, fields: Struct) -> Result<Map<String, Json>, Fault> {
    fields.fields.into_iter().map(|(name, value)| Ok((name, from_value(field, value)?))).collect()
}

fn from_value(field: &'static str, value: Value) -> Result<Json, Fault> {
    Ok(match value.kind {
        None => return Err(Fault::field(field, "a value has no kind")),
        Some(Kind::NullValue(_)) => Json::Null,
        Some(Kind::BoolValue(flag)) => Json::Bool(flag),
        Some(Kind::NumberValue(number)) => from_number(field, number)?,
        Some(Kind::StringValue(text)) => Json::String(text),
        Some(Kind::ListValue(list)) => Json::Array(
            list.values
                .into_iter()
                .map(|value| from_value(field, value))
                .collect::<Result<_, _>>()?,
        ),
        Some(Kind::StructValue(map)) => Json::Object(from_struct(field, map)?),
    })
}

/// A whole number stays one: `3`, not `3.0`.
fn from_number(field: &'static str, number: f64) -> Result<Json, Fault> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
        return Ok(Json::from(number as i64));
    }
    let number = serde_json::Number::from_f64(number);
    number.map(Json::Number).ok_or_else(|| Fault::field(field, "a number is not finite"))
}

pub(super) const fn wire_level(level: AuthLevel) -> WireLevel {
    match level {
        AuthLevel::Instant => WireLevel::Instant,
        AuthLevel::Guest => WireLevel::Guest,
        AuthLevel::Unverified => WireLevel::Unverified,
        AuthLevel::Verified => WireLevel::Verified,
    }
}

/// The auth level that a caller asks for.
///
/// # Errors
///
/// Fails for a number that is not an auth level.
pub(super) fn asked_level(field: &'static str, number: i32) -> Result<AuthLevel, Fault> {
    match WireLevel::try_from(number) {
        Ok(WireLevel::Instant) => Ok(AuthLevel::Instant),
        Ok(WireLevel::Guest) => Ok(AuthLevel::Guest),
        Ok(WireLevel::Unverified) => Ok(AuthLevel::Unverified),
        Ok(WireLevel::Verified) => Ok(AuthLevel::Verified),
        Ok(WireLevel::Unspecified) | Err(_) => Err(Fault::field(field, "is not an auth level")),
    }
}

pub(super) fn wire_membership(group: &Group) -> Membership {
    let state = match group.member_state.as_deref() {
        Some("active") => MembershipState::Active,
        Some("invite_pending") => MembershipState::InvitePending,
        Some("invite_rejected") => MembershipState::InviteRejected,
        _ => MembershipState::Unspecified,
    };
    Membership {
        group_id: group.id.clone(),
        group_name: group.name.clone(),
        roles: group.roles.clone(),
        state: state.into(),
    }
}

/// The last second that a timestamp of protobuf can name, of the year 9999. A later one has no form in
/// JSON.
const LAST_SECOND: f64 = 253_402_300_799.0;

/// A claim in seconds, as a time; fractions are dropped, and a time after the year 9999 is its end.
pub(super) fn claim_time(claim: Option<&Json>) -> Option<Timestamp> {
    let seconds = claim?.as_f64()?.min(LAST_SECOND);
    let since = Duration::try_from_secs_f64(seconds.floor()).ok()?;
    Some(SystemTime::UNIX_EPOCH.checked_add(since)?.into())
}

pub(super) fn wire_identity(answer: &VerifiedToken, structures: &mut Structures) -> WireIdentity {
    let VerifiedToken { identity: who, claims, memberships, rights } = answer;
    let audiences = match claims.get("aud") {
        Some(Json::String(one)) => vec![one.clone()],
        Some(Json::Array(all)) => all.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    WireIdentity {
        user_id: who.user_id.clone(),
        issuer: who.issuer.to_string(),
        app_id: who.app_id.clone(),
        app_variant: who.app_variant.clone(),
        auth_level: wire_level(who.auth_level).into(),
        verified: who.verified(),
        anonymous: who.anonymous,
        issue_time: claim_time(claims.get("iat")),
        not_before_time: claim_time(claims.get("nbf")),
        expire_time: claim_time(claims.get("exp")),
        session_id: who.session_id.clone(),
        token_id: who.token_id.clone(),
        tenant: who.tenant.clone(),
        audiences,
        scopes: who.scopes.clone(),
        roles: structures.known("roles", rights.roles.as_ref()),
        groups: who.groups.clone(),
        // An invitation is no membership, whatever roles it holds out.
        memberships: memberships
            .iter()
            .map(wire_membership)
            .filter(|place| place.state() == MembershipState::Active)
            .collect(),
        claims: Some(structures.make("claims", claims)),
        permissions: structures.known("permissions", rights.permissions.as_ref()),
    }
}

pub(super) fn wire_denial(denial: &Denial) -> WireDenial {
    let reason = denial.reason();
    let kind = match reason.class() {
        DenialClass::Anonymous | DenialClass::BadCredential | DenialClass::StepUp => {
            DenialKind::Unauthenticated
        }
        DenialClass::Forbidden
        | DenialClass::Conflict
        | DenialClass::BadRequest
        | DenialClass::Pending
        | DenialClass::Unavailable => DenialKind::Forbidden,
    };
    WireDenial {
        kind: kind.into(),
        reason: reason.code().to_owned(),
        message: reason.message().to_owned(),
        issuer: denial.issuer().map(ToString::to_string),
        required_auth_level: denial.required_level().map(|least| wire_level(least).into()),
    }
}

/// The same duration; `None` where protobuf cannot hold it.
pub(super) fn wire_duration(span: Duration) -> Option<prost_types::Duration> {
    span.try_into().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::claim_time;

    #[test]
    fn a_time_that_protobuf_cannot_name_is_the_last_one_or_none() {
        for (claim, seconds) in [
            (json!(0), Some(0)),
            (json!(1_700_000_000.9), Some(1_700_000_000)),
            (json!(253_402_300_799_u64), Some(253_402_300_799)),
            (json!(253_402_300_800_u64), Some(253_402_300_799)),
            (json!(1e300), Some(253_402_300_799)),
            (json!(-1), None),
            (json!("soon"), None),
        ] {
            assert_eq!(claim_time(Some(&claim)).map(|time| time.seconds), seconds, "{claim}");
        }
        assert_eq!(claim_time(None), None);
    }
}
