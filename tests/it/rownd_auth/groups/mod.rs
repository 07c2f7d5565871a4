//! `GroupService` before the emulator: groups, members and invites, and everything that refuses them.

mod errors;
mod fields;
mod freshness;
mod lifecycle;
mod lists;
mod log;
mod rights;
mod writes;

use rownd_authz::grpc::pb::rownd::auth::v1::{
    AddGroupMemberRequest, CreateGroupInviteRequest, CreateGroupInviteResponse, CreateGroupRequest,
    GetGroupMemberRequest, GetGroupRequest, Group, GroupMember, add_group_member_request,
    create_group_invite_request, group_service_client::GroupServiceClient,
};
use serde_json::{Value, json};
use tonic::{Status, service::interceptor::InterceptedService, transport::Channel};

use super::{Bearer, Rig};

/// May read and change groups.
const KEEPER: &str = "the-secret-of-the-keeper-of-groups";

type Groups = GroupServiceClient<InterceptedService<Channel, Bearer>>;

/// Adds the keeper of groups to a configuration.
fn with_keeper(settings: &mut Value) {
    let callers = settings["rownd_auth"]["callers"].as_array_mut().unwrap();
    callers.push(json!({
        "name": "keeper", "secret": KEEPER,
        "allow": ["read_groups", "write_groups", "get_own_user", "verify"],
    }));
}

async fn start() -> Rig {
    Rig::with(with_keeper).await
}

impl Rig {
    fn groups(&self) -> Groups {
        self.groups_as(KEEPER)
    }

    fn groups_as(&self, secret: &str) -> Groups {
        GroupServiceClient::with_interceptor(self.app.channel(), Bearer(secret.into()))
    }

    /// A new group.
    async fn group(&self, name: &str) -> Group {
        let group = Some(Group { name: name.to_owned(), ..Group::default() });
        let request = CreateGroupRequest { group, ..CreateGroupRequest::default() };
        let answer = self.groups().create_group(request).await;
        answer.unwrap_or_else(|status| panic!("{status:?}")).into_inner().group.unwrap()
    }

    /// The group as it is now.
    async fn group_now(&self, id: &str) -> Result<Group, Status> {
        let request = GetGroupRequest { group_id: id.to_owned(), ..GetGroupRequest::default() };
        Ok(self.groups().get_group(request).await?.into_inner().group.unwrap())
    }

    /// A new member of this group.
    async fn member(&self, group: &str, user: &str, roles: &[&str]) -> GroupMember {
        let answer = self.groups().add_group_member(add(group, user, roles)).await;
        answer.unwrap_or_else(|status| panic!("{status:?}")).into_inner().member.unwrap()
    }

    /// The member as it is now.
    async fn member_now(&self, group: &str, id: &str) -> Result<GroupMember, Status> {
        let request = GetGroupMemberRequest {
            group_id: group.to_owned(),
            member_id: id.to_owned(),
            ..GetGroupMemberRequest::default()
        };
        Ok(self.groups().get_group_member(request).await?.into_inner().member.unwrap())
    }

    /// A new invite to this group.
    async fn invite(&self, group: &str, user: &str, roles: &[&str]) -> CreateGroupInviteResponse {
        let answer = self.groups().create_group_invite(invite(group, user, roles)).await;
        answer.unwrap_or_else(|status| panic!("{status:?}")).into_inner()
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn add(group: &str, user: &str, roles: &[&str]) -> AddGroupMemberRequest {
    AddGroupMemberRequest {
        group_id: group.to_owned(),
        user: Some(add_group_member_request::User::UserId(user.to_owned())),
        roles: texts(roles),
        ..AddGroupMemberRequest::default()
    }
}

fn invite(group: &str, user: &str, roles: &[&str]) -> CreateGroupInviteRequest {
    CreateGroupInviteRequest {
        group_id: group.to_owned(),
        user: Some(create_group_invite_request::User::UserId(user.to_owned())),
        roles: texts(roles),
        ..CreateGroupInviteRequest::default()
    }
}
