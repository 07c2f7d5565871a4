//! Writes that fail half way: each is sent once, its outcome is told, and a create with a request id is
//! made once.

use std::time::Duration;

use rownd_authz::grpc::pb::rownd::auth::v1::{
    AddGroupMemberRequest, CreateGroupInviteRequest, CreateGroupRequest, DeleteGroupInviteRequest,
    DeleteGroupRequest, Group, GroupMember, ListGroupMembersRequest, ListGroupsRequest,
    RemoveGroupMemberRequest, UpdateGroupMemberRequest, UpdateGroupRequest,
};
use rownd_emulator::{Endpoint, Fault};
use serde_json::json;
use tonic::Code;

use super::{KEEPER, add, invite, start, texts, with_keeper};
use crate::{
    it::rownd_auth::{Rig, assert_field, said},
    support::eventually,
};

fn create(name: &str, request_id: &str) -> CreateGroupRequest {
    CreateGroupRequest {
        group: Some(Group { name: name.to_owned(), ..Group::default() }),
        request_id: request_id.to_owned(),
        ..CreateGroupRequest::default()
    }
}

async fn count(rig: &Rig, name: &str) -> usize {
    let request = ListGroupsRequest { lookup_filter: texts(&[name]), ..Default::default() };
    rig.groups().list_groups(request).await.unwrap().into_inner().groups.len()
}

#[tokio::test]
async fn a_create_with_a_request_id_is_made_once() {
    let rig = start().await;
    let mut groups = rig.groups();
    let first = groups.create_group(create("Once", "id-1")).await.unwrap().into_inner();
    for _ in 0..3 {
        let again = groups.create_group(create("Once", "id-1")).await.unwrap().into_inner();
        assert_eq!(again, first);
    }
    assert_eq!(count(&rig, "Once").await, 1);
    assert_field(groups.create_group(create("Twice", "id-1")).await, "request_id");
    groups.create_group(create("Once", "id-2")).await.unwrap();
    groups.create_group(create("Once", "")).await.unwrap();
    groups.create_group(create("Once", "")).await.unwrap();
    assert_eq!(count(&rig, "Once").await, 4);

    let group = first.group.unwrap().id;
    let adding = AddGroupMemberRequest { request_id: "id-1".to_owned(), ..add(&group, "ann", &[]) };
    let added = groups.add_group_member(adding.clone()).await.unwrap().into_inner();
    assert_eq!(groups.add_group_member(adding).await.unwrap().into_inner(), added);
    let inviting =
        CreateGroupInviteRequest { request_id: "id-1".to_owned(), ..invite(&group, "greg", &[]) };
    let invited = groups.create_group_invite(inviting.clone()).await.unwrap().into_inner();
    let again = groups.create_group_invite(inviting).await.unwrap().into_inner();
    assert!(again == invited && !again.link.is_empty(), "the same link");
}

/// Calls with one request id at the same time are one.
#[tokio::test]
async fn calls_at_the_same_time_with_one_request_id_are_one() {
    let rig = start().await;
    rig.controls
        .inject(Fault::delay(Endpoint::Groups, Duration::from_millis(300)).times(1))
        .unwrap();
    let call = || {
        let mut groups = rig.groups();
        async move { groups.create_group(create("Once", "id-1")).await.unwrap().into_inner() }
    };
    let (one, two, three) = tokio::join!(call(), call(), call());
    assert!(one == two && two == three);
    assert_eq!(rig.controls.hits(Endpoint::Groups), 1);
}

/// A write is sent once, whatever comes of it.
#[tokio::test]
async fn a_write_whose_answer_is_lost_is_not_sent_again() {
    let rig = start().await;
    let mut groups = rig.groups();
    for (number, fault) in [
        Fault::status(Endpoint::Groups, 500),
        Fault::status(Endpoint::Groups, 503),
        Fault::status(Endpoint::Groups, 500).after(),
        Fault::garbage(Endpoint::Groups).after(),
        Fault::body(Endpoint::Groups, "{}").after(),
    ]
    .into_iter()
    .enumerate()
    {
        // Five failures in a row would stop requests of this kind for a while.
        rig.group("Between").await;
        rig.controls.clear_hits();
        let (name, id) = (format!("Lost {number}"), format!("lost-{number}"));
        rig.controls.inject(fault.clone().times(1)).unwrap();
        let answer = groups.create_group(create(&name, &id)).await;
        said(answer).is(Code::Unavailable, "WRITE_OUTCOME_UNKNOWN");
        assert_eq!(rig.controls.hits(Endpoint::Groups), 1, "{fault:?}");
        // A second call could make a second group.
        let again = groups.create_group(create(&name, &id)).await;
        said(again).is(Code::Unavailable, "WRITE_OUTCOME_UNKNOWN");
        assert_eq!(rig.controls.hits(Endpoint::Groups), 1, "{fault:?}");
        assert_eq!(count(&rig, &name).await, usize::from(fault.after), "{fault:?}");
    }
}

/// A refusal has changed nothing, so the same call may be made again.
#[tokio::test]
async fn a_refused_create_can_be_made_again_with_its_request_id() {
    let rig = start().await;
    for (status, code, reason) in [
        (400, Code::FailedPrecondition, "REQUEST_REFUSED"),
        (429, Code::ResourceExhausted, "ROWND_RATE_LIMITED"),
    ] {
        let id = format!("id-{status}");
        rig.controls.inject(Fault::status(Endpoint::Groups, status).times(1)).unwrap();
        let answer = rig.groups().create_group(create("Again", &id)).await;
        said(answer).is(code, reason);
        rig.groups().create_group(create("Again", &id)).await.unwrap();
    }
    assert_eq!(count(&rig, "Again").await, 2);
}

/// The effect of an update is there, so its answer is read again where it cannot be used.
#[tokio::test]
async fn an_update_is_told_by_what_is_there_then() {
    let rig = start().await;
    let group = rig.group("Old").await;
    let update = |name: &str| UpdateGroupRequest {
        group: Some(Group { id: group.id.clone(), name: name.to_owned(), ..Group::default() }),
        ..UpdateGroupRequest::default()
    };
    for (name, body) in [("One", "{}"), ("Two", "not json"), ("Three", "")] {
        // The first request reads the group, the second one writes it.
        let whole = json!({ "id": group.id, "name": "x" }).to_string();
        rig.controls.inject(Fault::body(Endpoint::Groups, whole).times(1)).unwrap();
        rig.controls.inject(Fault::body(Endpoint::Groups, body).after().times(1)).unwrap();
        rig.controls.clear_hits();
        let answer = rig.groups().update_group(update(name)).await.unwrap().into_inner();
        assert_eq!(answer.group.unwrap().name, name);
        assert_eq!(rig.controls.hits(Endpoint::Groups), 3, "read, written, read");
    }
}

/// A page of a server in between, with status 200: nothing was done, so none of it is told as done.
#[tokio::test]
async fn an_answer_that_says_nothing_is_no_success() {
    let rig = start().await;
    let group = rig.group("Crew").await;
    let id = || group.id.clone();
    rig.member(&group.id, "ann", &[]).await;
    let member = rig.member(&group.id, "greg", &["viewer"]).await;
    // Of another group, because there are no more users.
    let other = rig.group("Other").await;
    rig.member(&other.id, "ann", &[]).await;
    let invite = rig.invite(&other.id, "greg", &[]).await.invite.unwrap();
    let pass = Duration::from_millis(1);
    let garbage = |reads: u32| {
        rig.controls.clear_faults();
        if reads > 0 {
            rig.controls.inject(Fault::delay(Endpoint::Groups, pass).times(reads)).unwrap();
        }
        rig.controls.inject(Fault::garbage(Endpoint::Groups).times(1)).unwrap();
    };
    let named = |name: &str| Group { id: id(), name: name.to_owned(), ..Group::default() };
    let renamed = UpdateGroupRequest { group: Some(named("New")), ..Default::default() };
    let roles = GroupMember {
        group_id: id(),
        id: member.id.clone(),
        roles: texts(&["editor"]),
        ..GroupMember::default()
    };
    let promoted = UpdateGroupMemberRequest { member: Some(roles), ..Default::default() };
    let remove = RemoveGroupMemberRequest {
        group_id: id(),
        member_id: member.id.clone(),
        ..Default::default()
    };
    let withdraw = DeleteGroupInviteRequest {
        group_id: other.id.clone(),
        invite_id: invite.id.clone(),
        ..Default::default()
    };
    let delete = DeleteGroupRequest { group_id: id(), ..Default::default() };
    let mut groups = rig.groups();
    let unknown = |answer: Result<(), tonic::Status>| {
        said(answer).is(Code::Unavailable, "WRITE_OUTCOME_UNKNOWN");
    };
    garbage(1);
    unknown(groups.update_group(renamed).await.map(drop));
    garbage(1);
    unknown(groups.update_group_member(promoted).await.map(drop));
    garbage(1);
    unknown(groups.remove_group_member(remove).await.map(drop));
    garbage(1);
    unknown(groups.delete_group_invite(withdraw).await.map(drop));
    garbage(0);
    unknown(groups.delete_group(delete).await.map(drop));
    assert_eq!(rig.group_now(&group.id).await.unwrap(), group, "all is as it was");
    assert_eq!(rig.member_now(&group.id, &member.id).await.unwrap(), member);
}

/// A change that reads first is not made where that fails.
#[tokio::test]
async fn a_change_half_way_tells_which_half() {
    let rig = start().await;
    let group = rig.group("Crew").await.id;
    rig.member(&group, "ann", &[]).await;
    let greg = rig.member(&group, "greg", &["viewer"]).await;
    let remove = RemoveGroupMemberRequest {
        group_id: group.clone(),
        member_id: greg.id.clone(),
        ..Default::default()
    };
    rig.controls.inject(Fault::status(Endpoint::Groups, 503)).unwrap();
    let answer = rig.groups().remove_group_member(remove.clone()).await;
    said(answer).is(Code::Unavailable, "ROWND_UNAVAILABLE");
    rig.controls.clear_faults();
    assert_eq!(rig.member_now(&group, &greg.id).await.unwrap(), greg);
    // The read succeeds, and the answer to the deletion is lost.
    let document = json!({ "id": greg.id, "group_id": group, "user_id": "greg" }).to_string();
    rig.controls.inject(Fault::body(Endpoint::Groups, document).times(1)).unwrap();
    rig.controls.inject(Fault::status(Endpoint::Groups, 500).after().times(1)).unwrap();
    let answer = rig.groups().remove_group_member(remove.clone()).await;
    said(answer).is(Code::Unavailable, "WRITE_OUTCOME_UNKNOWN");
    said(rig.groups().remove_group_member(remove).await)
        .is(Code::NotFound, "GROUP_MEMBER_NOT_FOUND");
}

/// A caller that leaves has made its change anyway.
#[tokio::test]
async fn a_change_outlives_its_caller() {
    let rig = start().await;
    let wait = Duration::from_millis(300);
    rig.controls.inject(Fault::delay(Endpoint::Groups, wait).times(1)).unwrap();
    let mut request = tonic::Request::new(create("Left", ""));
    request.set_timeout(Duration::from_millis(50));
    let answer = rig.groups().create_group(request).await;
    assert!(answer.is_err(), "{answer:?}");
    let made = async || (count(&rig, "Left").await == 1).then_some(());
    eventually("the group of a caller that has left", made).await;
}

/// With `group_put: merges` only the change is sent; the emulator merges, so both end in the same.
#[tokio::test]
async fn both_forms_of_a_put_end_in_the_same() {
    for put in ["replaces", "merges"] {
        let rig = Rig::with(|settings| {
            with_keeper(settings);
            settings["issuers"][0]["api_answers"] = json!({ "group_put": put });
        })
        .await;
        let group = rig.group("Crew").await.id;
        rig.member(&group, "ann", &[]).await;
        let greg = rig.member(&group, "greg", &["viewer"]).await;
        let member = GroupMember { roles: texts(&["editor"]), ..greg.clone() };
        let update = UpdateGroupMemberRequest { member: Some(member), ..Default::default() };
        let changed = rig.groups().update_group_member(update).await.unwrap().into_inner();
        let changed = changed.member.unwrap();
        assert_eq!((changed.roles, changed.state), (texts(&["editor"]), greg.state), "{put}");
    }
}

/// Two callers cannot learn of each other's request ids.
#[tokio::test]
async fn a_request_id_belongs_to_its_caller() {
    const OTHER: &str = "the-secret-of-another-keeper";
    let rig = Rig::with(|settings| {
        with_keeper(settings);
        let callers = settings["rownd_auth"]["callers"].as_array_mut().unwrap();
        callers.push(json!({ "name": "other", "secret": OTHER, "allow": ["write_groups"] }));
    })
    .await;
    for secret in [KEEPER, OTHER] {
        rig.groups_as(secret).create_group(create("Each", "id-1")).await.unwrap();
    }
    assert_eq!(count(&rig, "Each").await, 2);
    let members =
        ListGroupMembersRequest { group_id: "group_staff".to_owned(), ..Default::default() };
    assert!(rig.groups_as(OTHER).list_group_members(members).await.is_err());
}
