//! Rownd's documents of groups as messages. A part of another shape is left out: roles that cannot be
//! read grant nothing.

use prost_types::Timestamp;
use serde_json::{Map, Value as Json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    grpc::{
        pb::rownd::auth::v1::{
            AdmissionPolicy, Group, GroupInvite, GroupInviteState, GroupMember, MembershipState,
            group_invite::Invited,
        },
        rownd_auth::{etag, structure::Structures},
    },
    issuer_api::administration::groups::GroupDocument,
};

/// A group. `at` is the place of the message in its answer, with a point behind it: `groups[0].`.
pub(super) fn group(document: &GroupDocument, at: &str, structures: &mut Structures) -> Group {
    let members = &document.members;
    let policy = match word(members, "admission_policy") {
        Some("invite_only") => AdmissionPolicy::InviteOnly,
        Some("open") => AdmissionPolicy::Open,
        Some(_) | None => AdmissionPolicy::Unspecified,
    };
    Group {
        id: document.id.clone(),
        name: text(members, "name").unwrap_or_default(),
        admission_policy: policy.into(),
        meta: object(members, at, "meta", structures),
        app_id: text(members, "app_id").unwrap_or_default(),
        create_time: time(members, "created_at"),
        update_time: time(members, "updated_at"),
        etag: etag_of(document),
    }
}

/// A member. `at` as for [`group`].
pub(super) fn member(
    document: &GroupDocument,
    at: &str,
    structures: &mut Structures,
) -> GroupMember {
    let members = &document.members;
    let state = match word(members, "state") {
        Some("active") => MembershipState::Active,
        Some("invite_pending") => MembershipState::InvitePending,
        Some("invite_rejected") => MembershipState::InviteRejected,
        Some(_) | None => MembershipState::Unspecified,
    };
    GroupMember {
        id: document.id.clone(),
        group_id: text(members, "group_id").unwrap_or_default(),
        user_id: text(members, "user_id").unwrap_or_default(),
        roles: texts(members, "roles"),
        state: state.into(),
        profile: object(members, at, "profile", structures),
        invited_by: text(members, "invited_by"),
        added_by: text(members, "added_by"),
        etag: etag_of(document),
    }
}

/// An invite.
pub(super) fn invite(document: &GroupDocument) -> GroupInvite {
    let members = &document.members;
    let state = match word(members, "state") {
        Some("pending") => GroupInviteState::Pending,
        Some("accepted") => GroupInviteState::Accepted,
        Some("rejected") => GroupInviteState::Rejected,
        Some(_) | None => GroupInviteState::Unspecified,
    };
    // Rownd takes a phone number as a JSON number, and may show it as one.
    let number = members.get("phone").and_then(Json::as_u64).map(|number| number.to_string());
    let phone = || text(members, "phone").or(number).map(Invited::Phone);
    let invited = text(members, "email").map(Invited::Email).or_else(phone);
    GroupInvite {
        id: document.id.clone(),
        group_id: text(members, "group_id").unwrap_or_default(),
        roles: texts(members, "roles"),
        state: state.into(),
        invited: invited.or_else(|| text(members, "user_id").map(Invited::UserId)),
        user_lookup_value: text(members, "user_lookup_value"),
        ensured_user_id: text(members, "ensured_user_id"),
        redirect_url: text(members, "redirect_url"),
        app_variant_id: text(members, "app_variant_id"),
        accepted_by: text(members, "accepted_by"),
        created_by: text(members, "created_by"),
        create_time: time(members, "created_at"),
        etag: etag_of(document),
    }
}

/// The entity tag of a document.
pub(super) fn etag_of(document: &GroupDocument) -> String {
    etag::of_json(&Json::Object(document.members.clone()))
}

/// A text that is not empty.
pub(super) fn text(members: &Map<String, Json>, name: &str) -> Option<String> {
    word(members, name).map(str::to_owned)
}

fn word<'a>(members: &'a Map<String, Json>, name: &str) -> Option<&'a str> {
    members.get(name).and_then(Json::as_str).filter(|text| !text.is_empty())
}

/// A list of texts; none where one of them is no text.
fn texts(members: &Map<String, Json>, name: &str) -> Vec<String> {
    let all = members.get(name).and_then(Json::as_array).into_iter().flatten();
    all.map(|one| one.as_str().map(str::to_owned)).collect::<Option<_>>().unwrap_or_default()
}

fn time(members: &Map<String, Json>, name: &str) -> Option<Timestamp> {
    let at = OffsetDateTime::parse(word(members, name)?, &Rfc3339).ok()?;
    let nanos = i32::try_from(at.nanosecond()).ok()?;
    Some(Timestamp { seconds: at.unix_timestamp(), nanos })
}

/// The members of an object; any other value than null is named as left out.
fn object(
    members: &Map<String, Json>,
    at: &str,
    name: &str,
    structures: &mut Structures,
) -> Option<prost_types::Struct> {
    let field = format!("{at}{name}");
    match members.get(name)? {
        Json::Null => None,
        Json::Object(inner) => Some(structures.make(&field, inner)),
        Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
            structures.leave_out(field);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::{group, invite, member};
    use crate::{
        grpc::{
            pb::rownd::auth::v1::{AdmissionPolicy, MembershipState, group_invite::Invited},
            rownd_auth::structure::Structures,
        },
        issuer_api::administration::groups::GroupDocument,
    };

    fn document(members: &Json) -> GroupDocument {
        GroupDocument { id: "x".to_owned(), members: members.as_object().unwrap().clone() }
    }

    #[test]
    fn a_group_of_another_shape_is_left_out_in_part() {
        for (members, policy, omitted) in [
            (json!({ "name": "A", "admission_policy": "open" }), AdmissionPolicy::Open, &[][..]),
            (json!({ "admission_policy": 7, "meta": null }), AdmissionPolicy::Unspecified, &[]),
            (
                json!({ "admission_policy": "closed", "meta": [1], "created_at": "yesterday" }),
                AdmissionPolicy::Unspecified,
                &["groups[3].meta"],
            ),
        ] {
            let mut structures = Structures::default();
            let shown = group(&document(&members), "groups[3].", &mut structures);
            assert_eq!((shown.admission_policy(), shown.create_time), (policy, None));
            assert_eq!(structures.omitted(), omitted, "{members}");
        }
    }

    #[test]
    fn roles_and_states_that_cannot_be_read_grant_nothing() {
        for (members, roles, state) in [
            (json!({ "roles": ["a", "b"], "state": "active" }), 2, MembershipState::Active),
            (json!({ "roles": ["a", 7], "state": "suspended" }), 0, MembershipState::Unspecified),
            (json!({ "roles": "owner", "state": true }), 0, MembershipState::Unspecified),
            (json!({}), 0, MembershipState::Unspecified),
        ] {
            let shown = member(&document(&members), "", &mut Structures::default());
            assert_eq!((shown.roles.len(), shown.state()), (roles, state), "{members}");
        }
    }

    #[test]
    fn an_invite_names_its_user_in_one_way() {
        for (members, invited) in [
            (json!({ "email": "a@b" }), Some(Invited::Email("a@b".to_owned()))),
            (json!({ "email": null, "phone": "+1" }), Some(Invited::Phone("+1".to_owned()))),
            (json!({ "phone": 19195550100_u64 }), Some(Invited::Phone("19195550100".to_owned()))),
            (json!({ "email": "", "user_id": "u" }), Some(Invited::UserId("u".to_owned()))),
            (json!({}), None),
        ] {
            assert_eq!(invite(&document(&members)).invited, invited, "{members}");
        }
    }

    #[test]
    fn a_time_is_read_with_its_fraction() {
        let members = json!({ "created_at": "2026-11-30T02:00:00.250Z" });
        let time = invite(&document(&members)).create_time.unwrap();
        assert_eq!((time.seconds, time.nanos), (1_796_004_000, 250_000_000));
    }
}
