//! Mistakes in a call: each is named, and nothing is sent.

#![allow(clippy::too_many_lines, reason = "a table is long, and simple")]

use prost_types::{FieldMask, Struct, Value};
use rownd_authz::grpc::pb::rownd::auth::v1::{
    AcceptGroupInviteRequest, AddGroupMemberRequest, CreateGroupInviteRequest, CreateGroupRequest,
    DeleteGroupRequest, GetGroupInviteRequest, Group, GroupInvite, GroupMember,
    ListGroupInvitesRequest, RemoveGroupMemberRequest, UpdateGroupInviteRequest,
    UpdateGroupMemberRequest, UpdateGroupRequest, add_group_member_request,
};
use rownd_emulator::Endpoint;
use tonic::{Code, Status};

use super::{add, invite, start, texts};
use crate::it::rownd_auth::{assert_field, said};

/// Ids that are no segment of a path, or lead to another one.
const ODD: [&str; 20] = [
    "",
    ".",
    "..",
    "%2e%2e",
    "%252e.",
    "/",
    "a/b",
    "a%2Fb",
    "x/../y",
    "x\\y",
    "a%5cb",
    "__uuid__",
    "__SAMPLE__",
    "%5f_default__",
    " a",
    "a ",
    "a\n",
    "a\u{0}",
    "..;x",
    "\u{a0}a",
];

#[tokio::test]
async fn odd_ids_are_refused_before_anything_is_sent() {
    let rig = start().await;
    let mut groups = rig.groups();
    let long = "x".repeat(513);
    for odd in ODD.into_iter().chain([long.as_str()]) {
        let odd = || odd.to_owned();
        let good = || "group_staff".to_owned();
        assert_field(rig.group_now(&odd()).await, "group_id");
        let delete = DeleteGroupRequest { group_id: odd(), ..Default::default() };
        assert_field(groups.delete_group(delete).await, "group_id");
        let group = Group { id: odd(), name: "N".to_owned(), ..Group::default() };
        let update = UpdateGroupRequest { group: Some(group), ..Default::default() };
        assert_field(groups.update_group(update).await, "group.id");
        assert_field(rig.member_now(&odd(), "m").await, "group_id");
        assert_field(rig.member_now("g", &odd()).await, "member_id");
        let remove =
            RemoveGroupMemberRequest { group_id: good(), member_id: odd(), ..Default::default() };
        assert_field(groups.remove_group_member(remove).await, "member_id");
        let member =
            GroupMember { group_id: good(), id: odd(), state: 1, ..GroupMember::default() };
        let update = UpdateGroupMemberRequest { member: Some(member), ..Default::default() };
        assert_field(groups.update_group_member(update).await, "member.id");
        assert_field(groups.add_group_member(add(&odd(), "ann", &[])).await, "group_id");
        let invite_of = |id: String| GetGroupInviteRequest {
            group_id: good(),
            invite_id: id,
            ..Default::default()
        };
        assert_field(groups.get_group_invite(invite_of(odd())).await, "invite_id");
        let invited = GroupInvite { group_id: odd(), id: good(), ..GroupInvite::default() };
        let update = UpdateGroupInviteRequest { invite: Some(invited), ..Default::default() };
        assert_field(groups.update_group_invite(update).await, "invite.group_id");
        assert_field(groups.create_group_invite(invite(&odd(), "ann", &[])).await, "group_id");
        let accept = AcceptGroupInviteRequest {
            token: rig.token("greg"),
            group_id: good(),
            invite_id: odd(),
        };
        assert_field(groups.accept_group_invite(accept).await, "invite_id");
    }
    assert_eq!(rig.controls.hits(Endpoint::Groups), 0);
}

/// Ids that Rownd does not make, and that are still one segment.
#[tokio::test]
async fn unusual_ids_are_encoded() {
    let rig = start().await;
    for id in ["日本", "a b", "a?b", "a#b", "a&b=c", "100%", "%zz", "a,b", "google-oauth2|1", "~"]
    {
        said(rig.group_now(id).await).is(Code::NotFound, "GROUP_NOT_FOUND");
        said(rig.member_now("group_staff", id).await).is(Code::NotFound, "GROUP_MEMBER_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_group_has_a_name_and_nothing_of_rownd() {
    let rig = start().await;
    let mut groups = rig.groups();
    let named = || Group { name: "N".to_owned(), ..Group::default() };
    let no_kind = Struct { fields: [("a".to_owned(), Value { kind: None })].into() };
    for (group, field) in [
        (None, "group"),
        (Some(Group::default()), "group.name"),
        (Some(Group { name: "  ".to_owned(), ..Group::default() }), "group.name"),
        (Some(Group { name: "a\nb".to_owned(), ..Group::default() }), "group.name"),
        (Some(Group { name: "x".repeat(513), ..Group::default() }), "group.name"),
        (Some(Group { id: "group_1".to_owned(), ..named() }), "group.id"),
        (Some(Group { app_id: "app".to_owned(), ..named() }), "group.app_id"),
        (Some(Group { etag: "W/\"x\"".to_owned(), ..named() }), "group.etag"),
        (Some(Group { admission_policy: 9, ..named() }), "group.admission_policy"),
        (Some(Group { meta: Some(no_kind), ..named() }), "group.meta"),
    ] {
        let request = CreateGroupRequest { group, ..CreateGroupRequest::default() };
        assert_field(groups.create_group(request).await, field);
    }
    for id in ["a b", "ü", &"x".repeat(129), "a\n"] {
        let request = CreateGroupRequest {
            group: Some(named()),
            request_id: id.to_owned(),
            ..Default::default()
        };
        assert_field(groups.create_group(request).await, "request_id");
    }
    assert_eq!(rig.controls.hits(Endpoint::Groups), 0);
}

#[tokio::test]
async fn masks_name_what_can_be_changed() {
    let rig = start().await;
    let mut groups = rig.groups();
    let mask = |path: &str| Some(FieldMask { paths: texts(&[path]) });
    for path in
        ["*", "id", "etag", "app_id", "member_count", "meta.", "meta.*", "name.x", "", "Name"]
    {
        let group = Group { id: "group_staff".to_owned(), ..Group::default() };
        let request = UpdateGroupRequest {
            group: Some(group),
            update_mask: mask(path),
            ..Default::default()
        };
        assert_field(groups.update_group(request).await, "update_mask");
    }
    for path in ["*", "user_id", "profile", "roles.0", "group_id"] {
        let member =
            GroupMember { group_id: "g".to_owned(), id: "m".to_owned(), ..GroupMember::default() };
        let request = UpdateGroupMemberRequest {
            member: Some(member),
            update_mask: mask(path),
            ..Default::default()
        };
        assert_field(groups.update_group_member(request).await, "update_mask");
    }
    for path in ["*", "state", "email", "link"] {
        let invite =
            GroupInvite { group_id: "g".to_owned(), id: "i".to_owned(), ..GroupInvite::default() };
        let request = UpdateGroupInviteRequest {
            invite: Some(invite),
            update_mask: mask(path),
            ..Default::default()
        };
        assert_field(groups.update_group_invite(request).await, "update_mask");
    }
    // A field that always has a value cannot be cleared.
    for (path, field) in [("name", "group.name"), ("admission_policy", "group.admission_policy")] {
        let group = Group { id: "group_staff".to_owned(), ..Group::default() };
        let request = UpdateGroupRequest {
            group: Some(group),
            update_mask: mask(path),
            ..Default::default()
        };
        assert_field(groups.update_group(request).await, field);
    }
    let nothing = Group { id: "group_staff".to_owned(), ..Group::default() };
    let request = UpdateGroupRequest { group: Some(nothing), ..Default::default() };
    assert_field(groups.update_group(request).await, "group");
    assert_field(groups.update_group(UpdateGroupRequest::default()).await, "group");
    let member = UpdateGroupMemberRequest::default();
    assert_field(groups.update_group_member(member).await, "member");
    let invite = UpdateGroupInviteRequest::default();
    assert_field(groups.update_group_invite(invite).await, "invite");
    assert_eq!(rig.controls.hits(Endpoint::Groups), 0);
}

#[tokio::test]
async fn users_roles_states_and_targets_are_checked() {
    use add_group_member_request::User;
    let rig = start().await;
    let mut groups = rig.groups();
    let text = |text: &str| text.to_owned();
    for (user, field) in [
        (None, "user"),
        (Some(User::UserId(text(""))), "user_id"),
        (Some(User::UserId(text("__uuid__"))), "user_id"),
        (Some(User::UserId(text("__Default__"))), "user_id"),
        (Some(User::UserId("x".repeat(513))), "user_id"),
        (Some(User::Email(text("ann"))), "email"),
        (Some(User::Email(text("ann@"))), "email"),
        (Some(User::Email(text("a@b\r\nc: d"))), "email"),
        (Some(User::Phone(text("call me"))), "phone"),
        (Some(User::Phone(text("+"))), "phone"),
    ] {
        let request = AddGroupMemberRequest { user: user.clone(), ..add("group_staff", "", &[]) };
        assert_field(groups.add_group_member(request).await, field);
    }
    let role = |role: &str| add("group_staff", "greg", &[role]);
    for odd in ["", " ", "a\tb", &"x".repeat(257)] {
        assert_field(groups.add_group_member(role(odd)).await, "roles");
        assert_field(
            groups.create_group_invite(invite("group_staff", "greg", &[odd])).await,
            "roles",
        );
    }
    let many: Vec<&str> = vec!["a"; 65];
    assert_field(groups.add_group_member(add("group_staff", "greg", &many)).await, "roles");
    let odd_state = AddGroupMemberRequest { state: 9, ..add("group_staff", "greg", &[]) };
    assert_field(groups.add_group_member(odd_state).await, "state");
    for target in [
        "",
        "welcome",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "data:,x",
        "/a\n",
    ] {
        let request = CreateGroupInviteRequest {
            redirect_url: Some(target.to_owned()),
            ..invite("group_staff", "greg", &[])
        };
        assert_field(groups.create_group_invite(request).await, "redirect_url");
    }
    let variant = CreateGroupInviteRequest {
        app_variant_id: Some(String::new()),
        ..invite("group_staff", "greg", &[])
    };
    assert_field(groups.create_group_invite(variant).await, "app_variant_id");
    let list = ListGroupInvitesRequest {
        group_id: "group_staff".to_owned(),
        ensured_user_id: Some(String::new()),
        ..Default::default()
    };
    assert_field(groups.list_group_invites(list).await, "ensured_user_id");
    let no_token = AcceptGroupInviteRequest {
        token: String::new(),
        group_id: "g".to_owned(),
        invite_id: "i".to_owned(),
    };
    assert_field(groups.accept_group_invite(no_token).await, "token");
    assert_eq!(rig.controls.hits(Endpoint::Groups), 0);
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused() {
    let rig = start().await;
    let name = "x".repeat(2 << 20);
    let group = Some(Group { name, ..Group::default() });
    let request = CreateGroupRequest { group, ..CreateGroupRequest::default() };
    let status: Status = rig.groups().create_group(request).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(rig.controls.hits(Endpoint::Groups), 0);
}
