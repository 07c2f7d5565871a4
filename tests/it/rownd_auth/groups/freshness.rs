//! A change of roles is seen by the next check: the cached profile of the user is dropped.

use rownd_authz::grpc::pb::rownd::auth::v1::{
    AcceptGroupInviteRequest, DeleteGroupRequest, GroupMember, MembershipState,
    RemoveGroupMemberRequest, UpdateGroupMemberRequest, VerifyRequest, verify_response::Outcome,
};
use rownd_emulator::Endpoint;

use super::{KEEPER, start, texts};
use crate::it::rownd_auth::Rig;

/// The roles of a user in this group, by the verification of a token; `None`: not an active member.
async fn roles(rig: &Rig, user: &str, group: &str) -> Option<Vec<String>> {
    let request = VerifyRequest {
        token: rig.token(user),
        include_memberships: true,
        ..VerifyRequest::default()
    };
    let answer = rig.known(KEEPER).verify(request).await.unwrap().into_inner();
    let Some(Outcome::Identity(who)) = answer.outcome else { panic!("{answer:?}") };
    let found = who.memberships.into_iter().find(|place| place.group_id == group)?;
    assert_eq!(found.state(), MembershipState::Active);
    Some(found.roles)
}

#[tokio::test]
async fn every_change_of_a_member_is_seen_at_once() {
    let rig = start().await;
    let group = rig.group("Crew").await.id;
    rig.member(&group, "ann", &[]).await;
    assert_eq!(roles(&rig, "greg", &group).await, None);
    let asked = rig.controls.hits(Endpoint::UserData);
    assert_eq!(roles(&rig, "greg", &group).await, None);
    assert_eq!(rig.controls.hits(Endpoint::UserData), asked, "the profile is cached");

    let greg = rig.member(&group, "greg", &["viewer"]).await;
    assert_eq!(roles(&rig, "greg", &group).await, Some(texts(&["viewer"])));
    let member = GroupMember { roles: texts(&["editor"]), ..greg.clone() };
    let update = UpdateGroupMemberRequest { member: Some(member), ..Default::default() };
    rig.groups().update_group_member(update).await.unwrap();
    assert_eq!(roles(&rig, "greg", &group).await, Some(texts(&["editor"])));
    let remove = RemoveGroupMemberRequest {
        group_id: group.clone(),
        member_id: greg.id,
        ..Default::default()
    };
    rig.groups().remove_group_member(remove).await.unwrap();
    assert_eq!(roles(&rig, "greg", &group).await, None);

    let invite = rig.invite(&group, "greg", &["guest"]).await.invite.unwrap();
    assert_eq!(roles(&rig, "greg", &group).await, None, "an invitation is no membership");
    let accept = AcceptGroupInviteRequest {
        token: rig.token("greg"),
        group_id: group.clone(),
        invite_id: invite.id,
    };
    rig.groups().accept_group_invite(accept).await.unwrap();
    assert_eq!(roles(&rig, "greg", &group).await, Some(texts(&["guest"])));
    assert_eq!(roles(&rig, "ann", &group).await, Some(texts(&["owner"])));

    // A group that is gone grants nothing to any of its members.
    let other = roles(&rig, "ann", "group_staff").await;
    let delete = DeleteGroupRequest { group_id: group.clone(), ..Default::default() };
    rig.groups().delete_group(delete).await.unwrap();
    for user in ["ann", "greg"] {
        assert_eq!(roles(&rig, user, &group).await, None, "{user}");
    }
    assert_eq!(roles(&rig, "ann", "group_staff").await, other);
}
