//! Every method on its happy path, from a new group to one that is gone.

#![allow(clippy::too_many_lines, reason = "a table is long, and simple")]

use prost_types::{FieldMask, Struct, Value, value::Kind};
use rownd_authz::grpc::pb::rownd::auth::v1::{
    AcceptGroupInviteRequest, AddGroupMemberRequest, AdmissionPolicy, CreateGroupInviteRequest,
    CreateGroupRequest, DeleteGroupInviteRequest, DeleteGroupRequest, GetGroupInviteRequest, Group,
    GroupInvite, GroupInviteState, GroupMember, ListGroupInvitesRequest, ListGroupMembersRequest,
    MembershipState, RemoveGroupMemberRequest, UpdateGroupInviteRequest, UpdateGroupMemberRequest,
    UpdateGroupRequest, add_group_member_request, create_group_invite_request,
    group_invite::Invited,
};
use tonic::Code;

use super::{add, start, texts};
use crate::it::rownd_auth::{assert_field, said};

fn meta(members: &[(&str, &str)]) -> Struct {
    let value = |text: &str| Value { kind: Some(Kind::StringValue(text.to_owned())) };
    Struct {
        fields: members.iter().map(|(name, text)| ((*name).to_owned(), value(text))).collect(),
    }
}

fn mask(paths: &[&str]) -> Option<FieldMask> {
    Some(FieldMask { paths: texts(paths) })
}

#[tokio::test]
async fn a_group_is_made_read_changed_and_deleted() {
    let rig = start().await;
    let name = "Größe 日本 \u{1f600} / ..";
    let group = Group {
        name: name.to_owned(),
        admission_policy: AdmissionPolicy::Open.into(),
        meta: Some(meta(&[("plan", "pro"), ("color", "red")])),
        ..Group::default()
    };
    let request = CreateGroupRequest { group: Some(group.clone()), ..Default::default() };
    let made = rig.groups().create_group(request).await.unwrap().into_inner().group.unwrap();
    assert_eq!((made.name.as_str(), made.meta.clone()), (name, group.meta.clone()));
    assert_eq!(made.admission_policy(), AdmissionPolicy::Open);
    assert_eq!(made.app_id, super::super::APP);
    assert!(made.create_time.is_some() && made.etag.starts_with("W/\""), "{made:?}");
    assert_eq!(rig.group_now(&made.id).await.unwrap(), made);

    let change = |group: Group, paths: Option<&[&str]>| UpdateGroupRequest {
        group: Some(Group { id: made.id.clone(), ..group }),
        update_mask: paths.and_then(mask),
        ..UpdateGroupRequest::default()
    };
    let renamed = Group { name: "New".to_owned(), ..Group::default() };
    let green = Group { meta: Some(meta(&[("color", "green")])), ..Group::default() };
    for (request, name, open, left) in [
        (change(renamed.clone(), None), "New", true, meta(&[("plan", "pro"), ("color", "red")])),
        (
            change(green.clone(), Some(&["meta.color"])),
            "New",
            true,
            meta(&[("plan", "pro"), ("color", "green")]),
        ),
        (change(renamed, Some(&["meta.plan"])), "New", true, meta(&[("color", "green")])),
        (change(Group::default(), Some(&["meta"])), "New", true, meta(&[])),
        (
            change(
                Group { admission_policy: AdmissionPolicy::InviteOnly.into(), ..green },
                Some(&["admission_policy"]),
            ),
            "New",
            false,
            meta(&[]),
        ),
    ] {
        let answer = rig.groups().update_group(request.clone()).await.unwrap().into_inner();
        let changed = answer.group.unwrap();
        assert_eq!(
            (changed.name.as_str(), changed.meta.clone()),
            (name, Some(left)),
            "{request:?}"
        );
        assert_eq!(changed.admission_policy() == AdmissionPolicy::Open, open, "{request:?}");
        assert_eq!(rig.group_now(&made.id).await.unwrap(), changed);
    }

    let request = DeleteGroupRequest { group_id: made.id.clone(), ..Default::default() };
    rig.groups().delete_group(request.clone()).await.unwrap();
    said(rig.group_now(&made.id).await).is(Code::NotFound, "GROUP_NOT_FOUND");
    said(rig.groups().delete_group(request).await).is(Code::NotFound, "GROUP_NOT_FOUND");
}

/// The answer to a get can be sent back as an update: fields of Rownd are left alone.
#[tokio::test]
async fn a_group_that_was_read_can_be_sent_back() {
    let rig = start().await;
    let read = rig.group("One").await;
    let sent = Group { name: "Two".to_owned(), ..read.clone() };
    let request = UpdateGroupRequest { group: Some(sent), ..UpdateGroupRequest::default() };
    let changed = rig.groups().update_group(request).await.unwrap().into_inner().group.unwrap();
    assert_eq!((changed.name.as_str(), changed.create_time), ("Two", read.create_time));
}

/// A field that no update can change is refused where it would change, and not dropped in silence.
#[tokio::test]
async fn what_no_update_can_change_is_refused() {
    let rig = start().await;
    let group = rig.group("Crew").await;
    let ann = rig.member(&group.id, "ann", &["editor"]).await;
    let invite = rig.invite(&group.id, "greg", &["viewer"]).await.invite.unwrap();
    let mut groups = rig.groups();
    let moved = Group { app_id: "app_other".to_owned(), ..group.clone() };
    let request = UpdateGroupRequest { group: Some(moved), ..Default::default() };
    assert_field(groups.update_group(request).await, "group.app_id");
    let other = GroupMember { user_id: "greg".to_owned(), ..ann.clone() };
    let request = UpdateGroupMemberRequest { member: Some(other), ..Default::default() };
    assert_field(groups.update_group_member(request).await, "member.user_id");
    for (field, changed) in [
        (
            "invite.invited",
            GroupInvite { invited: Some(Invited::Email("a@b.test".to_owned())), ..invite.clone() },
        ),
        (
            "invite.state",
            GroupInvite { state: GroupInviteState::Accepted.into(), ..invite.clone() },
        ),
        (
            "invite.app_variant_id",
            GroupInvite { app_variant_id: Some("variant_kids".to_owned()), ..invite.clone() },
        ),
    ] {
        let request = UpdateGroupInviteRequest { invite: Some(changed), ..Default::default() };
        assert_field(groups.update_group_invite(request).await, field);
    }
    // They can be sent back as they were read.
    let request = UpdateGroupMemberRequest { member: Some(ann), ..Default::default() };
    groups.update_group_member(request).await.unwrap();
    let request = UpdateGroupInviteRequest { invite: Some(invite), ..Default::default() };
    groups.update_group_invite(request).await.unwrap();
}

#[tokio::test]
async fn members_are_added_in_every_way_and_changed_and_removed() {
    let rig = start().await;
    let group = rig.group("Crew").await.id;
    // The first one becomes an owner.
    let ann = rig.member(&group, "ann", &["editor"]).await;
    assert_eq!((ann.user_id.as_str(), ann.roles.clone()), ("ann", texts(&["editor", "owner"])));
    assert_eq!(ann.state(), MembershipState::Active);
    assert_eq!(ann.group_id, group);
    assert!(ann.profile.as_ref().unwrap().fields.contains_key("email"), "{ann:?}");
    use add_group_member_request::User;
    for (user, state) in [
        (User::Email("new@example.com".to_owned()), MembershipState::InvitePending),
        (User::Phone("+1 919 555 0100".to_owned()), MembershipState::InviteRejected),
        (User::UserId("greg".to_owned()), MembershipState::Unspecified),
    ] {
        let request = AddGroupMemberRequest {
            user: Some(user.clone()),
            state: state.into(),
            ..add(&group, "", &["viewer", "日本"])
        };
        let added = rig.groups().add_group_member(request).await.unwrap().into_inner();
        let added = added.member.unwrap();
        let expected =
            if state == MembershipState::Unspecified { MembershipState::Active } else { state };
        assert_eq!(
            (added.state(), added.roles),
            (expected, texts(&["viewer", "日本"])),
            "{user:?}"
        );
        assert!(!added.user_id.is_empty() && !added.id.is_empty(), "{user:?}");
    }
    let list = ListGroupMembersRequest { group_id: group.clone(), ..Default::default() };
    let all = rig.groups().list_group_members(list).await.unwrap().into_inner();
    assert_eq!((all.members.len(), all.total_size), (4, Some(4)));

    let greg = all.members.iter().find(|member| member.user_id == "greg").unwrap().clone();
    let change = |member: GroupMember, paths: Option<&[&str]>| UpdateGroupMemberRequest {
        member: Some(GroupMember { group_id: group.clone(), id: greg.id.clone(), ..member }),
        update_mask: paths.and_then(mask),
        ..UpdateGroupMemberRequest::default()
    };
    let roles = |roles: &[&str]| GroupMember { roles: texts(roles), ..GroupMember::default() };
    let pending =
        GroupMember { state: MembershipState::InvitePending.into(), ..GroupMember::default() };
    for (request, left, state) in [
        (change(roles(&["a", "b"]), None), &["a", "b"][..], MembershipState::Active),
        (change(pending.clone(), None), &["a", "b"], MembershipState::InvitePending),
        (change(pending, Some(&["roles"])), &[], MembershipState::InvitePending),
    ] {
        let answer = rig.groups().update_group_member(request.clone()).await.unwrap().into_inner();
        let changed = answer.member.unwrap();
        assert_eq!((changed.roles.clone(), changed.state()), (texts(left), state), "{request:?}");
        assert_eq!(rig.member_now(&group, &greg.id).await.unwrap(), changed);
    }
    let request = RemoveGroupMemberRequest {
        group_id: group.clone(),
        member_id: greg.id.clone(),
        ..Default::default()
    };
    rig.groups().remove_group_member(request).await.unwrap();
    said(rig.member_now(&group, &greg.id).await).is(Code::NotFound, "GROUP_MEMBER_NOT_FOUND");
}

#[tokio::test]
async fn an_invite_is_made_changed_and_accepted_once() {
    let rig = start().await;
    let group = rig.group("Crew").await.id;
    rig.member(&group, "ann", &[]).await;
    let request = CreateGroupInviteRequest {
        group_id: group.clone(),
        user: Some(create_group_invite_request::User::UserId("greg".to_owned())),
        roles: texts(&["editor"]),
        redirect_url: Some("/welcome".to_owned()),
        app_variant_id: Some("variant_kids".to_owned()),
        ..CreateGroupInviteRequest::default()
    };
    let made = rig.groups().create_group_invite(request).await.unwrap().into_inner();
    assert!(made.link.starts_with("http://"), "a link");
    let made = made.invite.unwrap();
    assert_eq!(made.invited, Some(Invited::UserId("greg".to_owned())));
    assert_eq!((made.state(), made.group_id.as_str()), (GroupInviteState::Pending, group.as_str()));
    assert_eq!(made.ensured_user_id.as_deref(), Some("greg"));
    assert_eq!(made.redirect_url.as_deref(), Some("/welcome"));
    assert_eq!(made.app_variant_id.as_deref(), Some("variant_kids"));
    let get = GetGroupInviteRequest {
        group_id: group.clone(),
        invite_id: made.id.clone(),
        ..Default::default()
    };
    let read = rig.groups().get_group_invite(get.clone()).await.unwrap().into_inner();
    assert_eq!(read.invite, Some(made.clone()));

    let sent = GroupInvite {
        group_id: group.clone(),
        id: made.id.clone(),
        roles: texts(&["viewer"]),
        redirect_url: Some("https://shop.example/in".to_owned()),
        etag: made.etag.clone(),
        ..GroupInvite::default()
    };
    let request = UpdateGroupInviteRequest { invite: Some(sent), ..Default::default() };
    let changed = rig.groups().update_group_invite(request.clone()).await.unwrap().into_inner();
    let changed = changed.invite.unwrap();
    assert_eq!(changed.roles, texts(&["viewer"]));
    assert_eq!(changed.redirect_url.as_deref(), Some("https://shop.example/in"));
    said(rig.groups().update_group_invite(request).await).is(Code::Aborted, "ETAG_MISMATCH");

    let accept = AcceptGroupInviteRequest {
        token: rig.token("greg"),
        group_id: group.clone(),
        invite_id: made.id.clone(),
    };
    let accepted = rig.groups().accept_group_invite(accept.clone()).await.unwrap().into_inner();
    assert_eq!(accepted.accepted_by, "greg");
    assert_eq!(accepted.group.unwrap().id, group);
    let list = ListGroupMembersRequest {
        group_id: group.clone(),
        lookup_filter: texts(&["greg"]),
        ..Default::default()
    };
    let found = rig.groups().list_group_members(list).await.unwrap().into_inner().members;
    assert_eq!(
        (found[0].state(), found[0].roles.clone()),
        (MembershipState::Active, texts(&["viewer"]))
    );
    said(rig.groups().accept_group_invite(accept).await)
        .is(Code::FailedPrecondition, "INVITE_USED");
    let used = rig.groups().get_group_invite(get).await.unwrap().into_inner().invite.unwrap();
    assert_eq!(
        (used.state(), used.accepted_by.as_deref()),
        (GroupInviteState::Accepted, Some("greg"))
    );
}

#[tokio::test]
async fn an_invite_is_found_by_its_user_and_withdrawn() {
    let rig = start().await;
    let group = rig.group("Crew").await.id;
    rig.member(&group, "ann", &[]).await;
    let mut made = Vec::new();
    use create_group_invite_request::User;
    for user in [
        User::Email("one@example.com".to_owned()),
        User::Phone("19195550100".to_owned()),
        User::UserId("greg".to_owned()),
    ] {
        let request = CreateGroupInviteRequest {
            user: Some(user.clone()),
            ..super::invite(&group, "", &["viewer"])
        };
        let invite = rig.groups().create_group_invite(request).await.unwrap().into_inner();
        made.push(invite.invite.unwrap());
    }
    assert!(
        matches!(&made[0].invited, Some(Invited::Email(address)) if address == "one@example.com")
    );
    assert!(matches!(&made[1].invited, Some(Invited::Phone(_))), "{:?}", made[1]);
    let list = ListGroupInvitesRequest {
        group_id: group.clone(),
        ensured_user_id: Some("greg".to_owned()),
        ..Default::default()
    };
    let found = rig.groups().list_group_invites(list.clone()).await.unwrap().into_inner();
    assert_eq!((found.invites, found.total_size), (vec![made[2].clone()], Some(1)));
    let delete = DeleteGroupInviteRequest {
        group_id: group.clone(),
        invite_id: made[2].id.clone(),
        ..Default::default()
    };
    rig.groups().delete_group_invite(delete.clone()).await.unwrap();
    said(rig.groups().delete_group_invite(delete).await)
        .is(Code::NotFound, "GROUP_INVITE_NOT_FOUND");
    let found = rig.groups().list_group_invites(list).await.unwrap().into_inner();
    assert_eq!(found.invites, []);
}
