//! `GroupService`: the groups of an app, their members and invites.
//!
//! In: a call, and a message that is checked before anything is sent. Out: Rownd's documents as
//! messages. A change drops the cached profiles of the users whose roles it may change.

mod accept;
mod checks;
mod group;
mod invites;
mod listing;
mod members;
mod place;
mod refused;
mod table;
mod user;
mod wire;

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::call::ServiceCall;
use crate::{
    authz::Authorizer,
    grpc::pb::rownd::auth::v1::{
        AcceptGroupInviteRequest, AcceptGroupInviteResponse, AddGroupMemberRequest,
        AddGroupMemberResponse, CreateGroupInviteRequest, CreateGroupInviteResponse,
        CreateGroupRequest, CreateGroupResponse, DeleteGroupInviteRequest,
        DeleteGroupInviteResponse, DeleteGroupRequest, DeleteGroupResponse, GetGroupInviteRequest,
        GetGroupInviteResponse, GetGroupMemberRequest, GetGroupMemberResponse, GetGroupRequest,
        GetGroupResponse, ListGroupInvitesRequest, ListGroupInvitesResponse,
        ListGroupMembersRequest, ListGroupMembersResponse, ListGroupsRequest, ListGroupsResponse,
        RemoveGroupMemberRequest, RemoveGroupMemberResponse, UpdateGroupInviteRequest,
        UpdateGroupInviteResponse, UpdateGroupMemberRequest, UpdateGroupMemberResponse,
        UpdateGroupRequest, UpdateGroupResponse, group_service_server::GroupService,
    },
};
use place::GroupCall;
pub(super) use table::SERVICE;

/// The methods. They are called through the door only: without it they know no caller and refuse.
#[derive(Debug, Clone)]
pub(super) struct GroupMethods {
    pub(super) authorizer: Arc<Authorizer>,
}

impl GroupMethods {
    fn call<T>(&self, request: &Request<T>) -> Result<GroupCall, Status> {
        let call = ServiceCall::of(request.extensions())?;
        Ok(GroupCall { authorizer: self.authorizer.clone(), call })
    }
}

#[tonic::async_trait]
impl GroupService for GroupMethods {
    async fn list_groups(
        &self,
        request: Request<ListGroupsRequest>,
    ) -> Result<Response<ListGroupsResponse>, Status> {
        let call = self.call(&request)?;
        Ok(group::list(&call, request.into_inner()).await?.into())
    }

    async fn get_group(
        &self,
        request: Request<GetGroupRequest>,
    ) -> Result<Response<GetGroupResponse>, Status> {
        let call = self.call(&request)?;
        Ok(group::get(&call, request.into_inner()).await?.into())
    }

    async fn create_group(
        &self,
        request: Request<CreateGroupRequest>,
    ) -> Result<Response<CreateGroupResponse>, Status> {
        let call = self.call(&request)?;
        Ok(group::create(&call, request.into_inner()).await?.into())
    }

    async fn update_group(
        &self,
        request: Request<UpdateGroupRequest>,
    ) -> Result<Response<UpdateGroupResponse>, Status> {
        let call = self.call(&request)?;
        Ok(group::update(&call, request.into_inner()).await?.into())
    }

    async fn delete_group(
        &self,
        request: Request<DeleteGroupRequest>,
    ) -> Result<Response<DeleteGroupResponse>, Status> {
        let call = self.call(&request)?;
        Ok(group::delete(&call, request.into_inner()).await?.into())
    }

    async fn list_group_members(
        &self,
        request: Request<ListGroupMembersRequest>,
    ) -> Result<Response<ListGroupMembersResponse>, Status> {
        let call = self.call(&request)?;
        Ok(members::list(&call, request.into_inner()).await?.into())
    }

    async fn get_group_member(
        &self,
        request: Request<GetGroupMemberRequest>,
    ) -> Result<Response<GetGroupMemberResponse>, Status> {
        let call = self.call(&request)?;
        Ok(members::get(&call, request.into_inner()).await?.into())
    }

    async fn add_group_member(
        &self,
        request: Request<AddGroupMemberRequest>,
    ) -> Result<Response<AddGroupMemberResponse>, Status> {
        let call = self.call(&request)?;
        Ok(members::add(&call, request.into_inner()).await?.into())
    }

    async fn update_group_member(
        &self,
        request: Request<UpdateGroupMemberRequest>,
    ) -> Result<Response<UpdateGroupMemberResponse>, Status> {
        let call = self.call(&request)?;
        Ok(members::update(&call, request.into_inner()).await?.into())
    }

    async fn remove_group_member(
        &self,
        request: Request<RemoveGroupMemberRequest>,
    ) -> Result<Response<RemoveGroupMemberResponse>, Status> {
        let call = self.call(&request)?;
        Ok(members::remove(&call, request.into_inner()).await?.into())
    }

    async fn list_group_invites(
        &self,
        request: Request<ListGroupInvitesRequest>,
    ) -> Result<Response<ListGroupInvitesResponse>, Status> {
        let call = self.call(&request)?;
        Ok(invites::list(&call, request.into_inner()).await?.into())
    }

    async fn get_group_invite(
        &self,
        request: Request<GetGroupInviteRequest>,
    ) -> Result<Response<GetGroupInviteResponse>, Status> {
        let call = self.call(&request)?;
        Ok(invites::get(&call, request.into_inner()).await?.into())
    }

    async fn create_group_invite(
        &self,
        request: Request<CreateGroupInviteRequest>,
    ) -> Result<Response<CreateGroupInviteResponse>, Status> {
        let call = self.call(&request)?;
        Ok(invites::create(&call, request.into_inner()).await?.into())
    }

    async fn update_group_invite(
        &self,
        request: Request<UpdateGroupInviteRequest>,
    ) -> Result<Response<UpdateGroupInviteResponse>, Status> {
        let call = self.call(&request)?;
        Ok(invites::update(&call, request.into_inner()).await?.into())
    }

    async fn delete_group_invite(
        &self,
        request: Request<DeleteGroupInviteRequest>,
    ) -> Result<Response<DeleteGroupInviteResponse>, Status> {
        let call = self.call(&request)?;
        Ok(invites::delete(&call, request.into_inner()).await?.into())
    }

    async fn accept_group_invite(
        &self,
        request: Request<AcceptGroupInviteRequest>,
    ) -> Result<Response<AcceptGroupInviteResponse>, Status> {
        let call = self.call(&request)?;
        Ok(accept::accept(&call, request.into_inner()).await?.into())
    }
}
