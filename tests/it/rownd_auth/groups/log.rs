//! The log of changes, of the real binary: who changed what, and nothing of content, tokens or links.

use rownd_authz::grpc::pb::rownd::auth::v1::{
    AcceptGroupInviteRequest, AddGroupMemberRequest, CreateGroupInviteRequest, CreateGroupRequest,
    Group, add_group_member_request, create_group_invite_request,
    group_service_client::GroupServiceClient,
};
use serde_json::json;
use tonic::transport::Endpoint as Address;

use super::{KEEPER, add, invite, with_keeper};
use crate::{
    it::rownd_auth::{Bearer, Rig, settings},
    support::binary::Binary,
};

#[tokio::test]
async fn the_log_names_changes_and_shows_no_content() {
    let rig = Rig::start().await;
    let mut with = settings(&format!("http://{}", rig.emulator));
    with_keeper(&mut with);
    with["log"] = json!({ "level": "debug" });
    let binary = Binary::start(&with).await;
    binary.is_ready().await;
    let channel = Address::from_shared(format!("http://{}", binary.grpc)).unwrap().connect_lazy();
    let mut groups = GroupServiceClient::with_interceptor(channel, Bearer(KEEPER.into()));
    let group = Some(Group { name: "Zebra-Crew".to_owned(), ..Group::default() });
    let made = groups
        .create_group(CreateGroupRequest { group, ..CreateGroupRequest::default() })
        .await
        .unwrap()
        .into_inner();
    let group = made.group.unwrap().id;
    let by_email = AddGroupMemberRequest {
        user: Some(add_group_member_request::User::Email("zoe@secret.example".to_owned())),
        ..add(&group, "", &["zebra-role"])
    };
    groups.add_group_member(by_email).await.unwrap();
    let by_id = CreateGroupInviteRequest {
        user: Some(create_group_invite_request::User::UserId("greg".to_owned())),
        ..invite(&group, "", &[])
    };
    let invited = groups.create_group_invite(by_id).await.unwrap().into_inner();
    let token = rig.token("greg");
    let accept = AcceptGroupInviteRequest {
        token: token.clone(),
        group_id: group.clone(),
        invite_id: invited.invite.unwrap().id,
    };
    groups.accept_group_invite(accept).await.unwrap();
    for (method, subject) in [
        ("CreateGroup", "a new group".to_owned()),
        ("AddGroupMember", format!("group {group}: a user by e-mail address")),
        ("CreateGroupInvite", format!("group {group}: user greg")),
        ("AcceptGroupInvite", "as user greg".to_owned()),
    ] {
        let line = binary.logged(&["a change was asked for", method, &subject]).await.to_string();
        assert!(line.contains("keeper") && line.contains("Ok"), "{line}");
    }
    let path = invited.link.rsplit('/').next().unwrap().to_owned();
    for secret in [
        "zoe@secret.example",
        "zebra-role",
        "Zebra-Crew",
        &path,
        &token,
        KEEPER,
        super::super::APP_SECRET,
    ] {
        let shown = binary.log().into_iter().find(|line| line.contains(secret));
        assert_eq!(shown, None, "{secret}");
    }
}
