//! Each documented error: unknown things, the last owner, members twice, invites of others, etags, and
//! an issuer that refuses or fails.

use std::time::Duration;

use rownd_authz::grpc::pb::rownd::auth::v1::{
    AcceptGroupInviteRequest, AddGroupMemberRequest, DeleteGroupInviteRequest, DeleteGroupRequest,
    GetGroupInviteRequest, Group, GroupInvite, GroupMember, ListGroupInvitesRequest,
    ListGroupMembersRequest, ListGroupsRequest, MembershipState, RemoveGroupMemberRequest,
    UpdateGroupInviteRequest, UpdateGroupMemberRequest, UpdateGroupRequest,
    add_group_member_request,
};
use rownd_emulator::{Endpoint, Fault, TokenOrder};
use serde_json::json;
use tonic::Code;

use super::{add, invite, start, texts};
use crate::it::rownd_auth::{Rig, said};

/// The error of every method that names a part of a group, where this is not there.
async fn missing(rig: &Rig, group: &str, reason_of_member: &str, reason_of_invite: &str) {
    let mut groups = rig.groups();
    let (group_id, id) = (group.to_owned(), "x_1".to_owned());
    let member = GroupMember {
        group_id: group_id.clone(),
        id: id.clone(),
        roles: texts(&["a"]),
        ..Default::default()
    };
    let update = UpdateGroupMemberRequest { member: Some(member), ..Default::default() };
    let remove = RemoveGroupMemberRequest {
        group_id: group_id.clone(),
        member_id: id.clone(),
        ..Default::default()
    };
    for answer in [
        rig.member_now(group, &id).await.map(drop),
        groups.update_group_member(update).await.map(drop),
        groups.remove_group_member(remove).await.map(drop),
    ] {
        said(answer).is(Code::NotFound, reason_of_member).tells("upstream_status", "404");
    }
    let invite = GroupInvite {
        group_id: group_id.clone(),
        id: id.clone(),
        roles: texts(&["a"]),
        ..Default::default()
    };
    let get = GetGroupInviteRequest {
        group_id: group_id.clone(),
        invite_id: id.clone(),
        ..Default::default()
    };
    let update = UpdateGroupInviteRequest { invite: Some(invite), ..Default::default() };
    let delete = DeleteGroupInviteRequest {
        group_id: group_id.clone(),
        invite_id: id.clone(),
        ..Default::default()
    };
    let accept = AcceptGroupInviteRequest { token: rig.token("greg"), group_id, invite_id: id };
    for answer in [
        groups.get_group_invite(get).await.map(drop),
        groups.update_group_invite(update).await.map(drop),
        groups.delete_group_invite(delete).await.map(drop),
        groups.accept_group_invite(accept).await.map(drop),
    ] {
        said(answer).is(Code::NotFound, reason_of_invite);
    }
}

#[tokio::test]
async fn a_missing_part_is_named() {
    let rig = start().await;
    missing(&rig, "group_staff", "GROUP_MEMBER_NOT_FOUND", "GROUP_INVITE_NOT_FOUND").await;
    missing(&rig, "group_none", "GROUP_NOT_FOUND", "GROUP_NOT_FOUND").await;
    let group_id = "group_none".to_owned();
    let mut groups = rig.groups();
    let group = Group { id: group_id.clone(), name: "N".to_owned(), ..Group::default() };
    let update = UpdateGroupRequest { group: Some(group), ..Default::default() };
    let delete = DeleteGroupRequest { group_id: group_id.clone(), ..Default::default() };
    let members = ListGroupMembersRequest { group_id: group_id.clone(), ..Default::default() };
    let invites = ListGroupInvitesRequest { group_id: group_id.clone(), ..Default::default() };
    for answer in [
        rig.group_now(&group_id).await.map(drop),
        groups.update_group(update).await.map(drop),
        groups.delete_group(delete).await.map(drop),
        groups.list_group_members(members).await.map(drop),
        groups.list_group_invites(invites).await.map(drop),
        groups.add_group_member(add(&group_id, "ann", &[])).await.map(drop),
        groups.create_group_invite(invite(&group_id, "ann", &[])).await.map(drop),
    ] {
        said(answer).is(Code::NotFound, "GROUP_NOT_FOUND");
    }
    for answer in [
        groups.add_group_member(add("group_staff", "nobody", &[])).await.map(drop),
        groups.add_group_member(add("group_staff", "no/such\\body", &[])).await.map(drop),
        groups.create_group_invite(invite("group_staff", "nobody", &[])).await.map(drop),
    ] {
        said(answer).is(Code::NotFound, "USER_NOT_FOUND");
    }
}

#[tokio::test]
async fn the_last_owner_is_kept() {
    let rig = start().await;
    let group = rig.group("Crew").await.id;
    let ann = rig.member(&group, "ann", &[]).await;
    let greg = rig.member(&group, "greg", &["viewer"]).await;
    let mut groups = rig.groups();
    let remove = RemoveGroupMemberRequest {
        group_id: group.clone(),
        member_id: ann.id.clone(),
        ..Default::default()
    };
    let demote = |member: &GroupMember, roles: &[&str]| UpdateGroupMemberRequest {
        member: Some(GroupMember { roles: texts(roles), ..member.clone() }),
        ..Default::default()
    };
    for answer in [
        groups.remove_group_member(remove.clone()).await.map(drop),
        groups.update_group_member(demote(&ann, &["viewer"])).await.map(drop),
    ] {
        said(answer)
            .is(Code::FailedPrecondition, "LAST_OWNER")
            .tells("upstream_code", "E_LAST_OWNER");
    }
    let rejected = GroupMember {
        roles: Vec::new(),
        state: MembershipState::InviteRejected.into(),
        ..ann.clone()
    };
    let request = UpdateGroupMemberRequest { member: Some(rejected), ..Default::default() };
    let answer = groups.update_group_member(request).await;
    said(answer).is(Code::FailedPrecondition, "LAST_OWNER");
    assert_eq!(rig.member_now(&group, &ann.id).await.unwrap().roles, texts(&["owner"]));
    // Another owner, and the first one may go.
    groups.update_group_member(demote(&greg, &["owner"])).await.unwrap();
    groups.remove_group_member(remove).await.unwrap();
}

#[tokio::test]
async fn a_member_is_one_once() {
    let rig = start().await;
    let group = rig.group("Crew").await.id;
    rig.member(&group, "ann", &[]).await;
    let by_email = AddGroupMemberRequest {
        user: Some(add_group_member_request::User::Email("ann@example.com".to_owned())),
        ..add(&group, "", &[])
    };
    let mut groups = rig.groups();
    for answer in [
        groups.add_group_member(add(&group, "ann", &["other"])).await.map(drop),
        groups.add_group_member(by_email).await.map(drop),
        groups.create_group_invite(invite(&group, "ann", &[])).await.map(drop),
    ] {
        said(answer).is(Code::AlreadyExists, "GROUP_MEMBER_EXISTS");
    }
}

#[tokio::test]
async fn an_invite_is_for_its_user_alone() {
    let rig = start().await;
    let group = rig.group("Crew").await.id;
    rig.member(&group, "ann", &[]).await;
    let invite = rig.invite(&group, "greg", &["viewer"]).await.invite.unwrap();
    let accept = |token: String| AcceptGroupInviteRequest {
        token,
        group_id: group.clone(),
        invite_id: invite.id.clone(),
    };
    let mut groups = rig.groups();
    let foreign = groups.accept_group_invite(accept(rig.token("ann"))).await;
    said(foreign).is(Code::FailedPrecondition, "INVITE_FOREIGN");
    let expired = TokenOrder { expired: true, ..Rig::order("greg") };
    let refresh = TokenOrder { refresh: true, ..Rig::order("greg") };
    for (order, reason) in [(expired, "TOKEN_EXPIRED"), (refresh, "TOKEN_KIND_REFUSED")] {
        let before = rig.controls.hits(Endpoint::Groups);
        let answer = groups.accept_group_invite(accept(rig.mint(&order))).await;
        said(answer).is(Code::Unauthenticated, reason);
        assert_eq!(rig.controls.hits(Endpoint::Groups), before, "nothing is sent");
    }
    // Rownd itself refuses the token of a disabled user.
    let disabled = groups.accept_group_invite(accept(rig.token("banned"))).await;
    said(disabled).is(Code::Unauthenticated, "TOKEN_REFUSED");
    groups.accept_group_invite(accept(rig.token("greg"))).await.unwrap();
}

/// Rownd's words decide where its code is not published.
#[tokio::test]
async fn refusals_are_read_by_their_words() {
    let rig = start().await;
    let mut groups = rig.groups();
    let body = |status: u16, message: &str| {
        json!({ "statusCode": status, "error": "Refused", "message": message }).to_string()
    };
    for (status, message, code, reason) in [
        (403, "This group is invite only", Code::FailedPrecondition, "GROUP_NOT_OPEN"),
        (400, "user is already a member", Code::AlreadyExists, "GROUP_MEMBER_EXISTS"),
        (409, "", Code::AlreadyExists, "GROUP_MEMBER_EXISTS"),
        (400, "needs at least one owner", Code::FailedPrecondition, "LAST_OWNER"),
        (400, "no", Code::FailedPrecondition, "REQUEST_REFUSED"),
        (422, "no", Code::FailedPrecondition, "REQUEST_REFUSED"),
        (401, "no", Code::FailedPrecondition, "APP_CREDENTIALS_REFUSED"),
        (403, "no", Code::FailedPrecondition, "APP_CREDENTIALS_REFUSED"),
    ] {
        let fault =
            Fault { body: Some(body(status, message)), ..Fault::status(Endpoint::Groups, status) };
        rig.controls.inject(fault.times(1)).unwrap();
        let answer = groups.add_group_member(add("group_staff", "greg", &[])).await;
        said(answer).is(code, reason).tells("upstream_status", &status.to_string());
    }
}

#[tokio::test]
async fn an_etag_is_compared_before_anything_is_changed() {
    let rig = start().await;
    let group = rig.group("Crew").await;
    let ann = rig.member(&group.id, "ann", &[]).await;
    let invite = rig.invite(&group.id, "greg", &[]).await.invite.unwrap();
    let mut groups = rig.groups();
    let old = "W/\"AAAAAAAAAAAAAAAAAAAAAA\"".to_owned();
    let update = |etag: &str| UpdateGroupRequest {
        group: Some(Group { name: "New".to_owned(), etag: etag.to_owned(), ..group.clone() }),
        ..Default::default()
    };
    let change = |etag: &str| UpdateGroupMemberRequest {
        member: Some(GroupMember { etag: etag.to_owned(), ..ann.clone() }),
        ..Default::default()
    };
    let remove = RemoveGroupMemberRequest {
        group_id: group.id.clone(),
        member_id: ann.id.clone(),
        etag: old.clone(),
        ..Default::default()
    };
    let withdraw = |etag: &str| DeleteGroupInviteRequest {
        group_id: group.id.clone(),
        invite_id: invite.id.clone(),
        etag: etag.to_owned(),
        ..Default::default()
    };
    let delete = |etag: &str| DeleteGroupRequest {
        group_id: group.id.clone(),
        etag: etag.to_owned(),
        ..Default::default()
    };
    for answer in [
        groups.update_group(update(&old)).await.map(drop),
        groups.update_group(update("*")).await.map(drop),
        groups.update_group_member(change(&old)).await.map(drop),
        groups.remove_group_member(remove).await.map(drop),
        groups.delete_group_invite(withdraw(&old)).await.map(drop),
        groups.delete_group(delete(&old)).await.map(drop),
    ] {
        said(answer).is(Code::Aborted, "ETAG_MISMATCH");
    }
    assert_eq!(rig.group_now(&group.id).await.unwrap(), group);
    groups.update_group_member(change(&ann.etag)).await.unwrap();
    groups.delete_group_invite(withdraw(&invite.etag)).await.unwrap();
    groups.update_group(update(&group.etag)).await.unwrap();
    said(groups.delete_group(delete(&group.etag)).await).is(Code::Aborted, "ETAG_MISMATCH");
    let now = rig.group_now(&group.id).await.unwrap();
    groups.delete_group(delete(&now.etag)).await.unwrap();
}

/// An answer about another thing, from a cache on the way, must decide nothing.
#[tokio::test]
async fn answers_of_another_shape_or_about_another_group_are_none() {
    let rig = start().await;
    let group = |id: &str| json!({ "id": id, "name": "N" }).to_string();
    let of_app = json!({ "id": "group_staff", "name": "N", "app_id": "app_other" }).to_string();
    for (body, reason) in [
        (group("group_board"), "GROUP_MISMATCH"),
        (of_app, "GROUP_MISMATCH"),
        (group(""), "ROWND_ANSWER_INVALID"),
        ("{}".to_owned(), "ROWND_ANSWER_INVALID"),
        ("[]".to_owned(), "ROWND_ANSWER_INVALID"),
        ("7".to_owned(), "ROWND_ANSWER_INVALID"),
    ] {
        rig.controls.inject(Fault::body(Endpoint::Groups, &*body).times(1)).unwrap();
        said(rig.group_now("group_staff").await).is(Code::Internal, reason);
    }
    for body in ["{}", "[]", r#"{"results":{}}"#, r#"{"results":[{"name":"no id"}]}"#] {
        rig.controls.inject(Fault::body(Endpoint::Groups, body).times(1)).unwrap();
        let answer = rig.groups().list_groups(ListGroupsRequest::default()).await;
        said(answer).is(Code::Internal, "ROWND_ANSWER_INVALID");
    }
    let member = json!({ "id": "m_1", "group_id": "group_board" }).to_string();
    rig.controls.inject(Fault::body(Endpoint::Groups, member).times(1)).unwrap();
    said(rig.member_now("group_staff", "m_1").await).is(Code::Internal, "GROUP_MISMATCH");
    let member = json!({ "id": "m_1", "group_id": "group_zz", "roles": ["owner"] });
    let listed = json!({ "results": [member] }).to_string();
    rig.controls.inject(Fault::body(Endpoint::Groups, listed).times(1)).unwrap();
    let request =
        ListGroupMembersRequest { group_id: "group_staff".to_owned(), ..Default::default() };
    let answer = rig.groups().list_group_members(request).await;
    said(answer).is(Code::Internal, "GROUP_MISMATCH");
}

/// Of a change it is not known then whether it was made.
#[tokio::test]
async fn a_change_whose_answer_is_about_another_thing_is_no_success() {
    let rig = start().await;
    let mut groups = rig.groups();
    let answer = |user: &str, group: &str, role: &str| json!({ "id": "m_1", "user_id": user, "group_id": group, "roles": [role] });
    for (user, group, role) in [
        ("bob", "group_staff", "viewer"),
        ("greg", "group_zz", "viewer"),
        ("greg", "group_staff", "admin"),
    ] {
        let member = answer(user, group, role);
        rig.controls.inject(Fault::body(Endpoint::Groups, member.to_string()).times(1)).unwrap();
        let added = groups.add_group_member(add("group_staff", "greg", &["viewer"])).await;
        said(added).is(Code::Unavailable, "WRITE_OUTCOME_UNKNOWN");
        let made = json!({ "link": "https://app.rownd.link/x", "invitation": member }).to_string();
        rig.controls.inject(Fault::body(Endpoint::Groups, made).times(1)).unwrap();
        let invited = groups.create_group_invite(invite("group_staff", "greg", &["viewer"])).await;
        said(invited).is(Code::Unavailable, "WRITE_OUTCOME_UNKNOWN");
    }
}

/// A page of a server in between refuses nothing and misses nothing.
#[tokio::test]
async fn a_refusal_in_another_form_than_that_of_rownd_decides_nothing() {
    let rig = start().await;
    let mut groups = rig.groups();
    let group = rig.group("Crew").await.id;
    let ann = rig.member(&group, "ann", &[]).await;
    let other = rig.group("Other").await.id;
    let invite_id = rig.invite(&other, "greg", &[]).await.invite.unwrap().id;
    for status in [400, 401, 403, 404, 409] {
        for body in ["", "<h1>nginx", r#"{"message":"not a member"}"#] {
            let page = || Fault { status: Some(status), ..Fault::body(Endpoint::Groups, body) };
            rig.controls.inject(page()).unwrap();
            said(rig.group_now(&group).await).is(Code::Unavailable, "ROWND_UNAVAILABLE");
            said(rig.member_now(&group, &ann.id).await).is(Code::Unavailable, "ROWND_UNAVAILABLE");
            let added = groups.add_group_member(add(&group, "greg", &[])).await;
            said(added).is(Code::Unavailable, "WRITE_OUTCOME_UNKNOWN");
            let accept = AcceptGroupInviteRequest {
                token: rig.token("greg"),
                group_id: other.clone(),
                invite_id: invite_id.clone(),
            };
            let accepted = groups.accept_group_invite(accept).await;
            said(accepted).is(Code::Unavailable, "WRITE_OUTCOME_UNKNOWN");
            rig.controls.clear_faults();
        }
    }
    // Rownd has no such member, and then a page comes in place of the group.
    rig.controls.inject(Fault::delay(Endpoint::Groups, Duration::from_millis(1)).times(1)).unwrap();
    let page = Fault { status: Some(404), ..Fault::body(Endpoint::Groups, "<h1>404") };
    rig.controls.inject(page.times(1)).unwrap();
    said(rig.member_now(&group, "m_none").await).is(Code::Unavailable, "ROWND_UNAVAILABLE");
}

#[tokio::test]
async fn a_failing_issuer_is_told_as_such() {
    let rig = start().await;
    for (fault, code, reason) in [
        (Fault::status(Endpoint::Groups, 302), Code::Unavailable, "ISSUER_REDIRECTS"),
        (Fault::status(Endpoint::Groups, 429), Code::ResourceExhausted, "ROWND_RATE_LIMITED"),
        (Fault::garbage(Endpoint::Groups), Code::Internal, "ROWND_ANSWER_INVALID"),
        (Fault::status(Endpoint::Groups, 503), Code::Unavailable, "ROWND_UNAVAILABLE"),
    ] {
        rig.controls.inject(fault).unwrap();
        let answer = rig.groups().list_groups(ListGroupsRequest::default()).await;
        said(answer).is(code, reason);
        rig.controls.clear_faults();
    }
}
