//! `UserService`: the users of an app, by the app's key and secret.
//!
//! In: a request and its caller. Out: users, pages, files, links, or a fault. Each method has a right
//! of its own; a change runs in a task of its own and leaves a line in the log.

mod account;
mod accounts;
mod batch;
mod change;
mod create;
mod expected;
mod files;
mod list;
mod redirect_url;
mod sign_in_link;
mod table;
mod target;
mod told;
mod update;
mod written;

use std::sync::Arc;

use tokio::sync::Semaphore;
use tonic::{Request, Response, Status};

use super::call::ServiceCall;
use crate::{
    authz::Authorizer,
    grpc::pb::rownd::auth::v1::{
        BatchDeleteUsersRequest, BatchDeleteUsersResponse, BatchUpsertUsersRequest,
        BatchUpsertUsersResponse, CreateSignInLinkRequest, CreateSignInLinkResponse,
        CreateUserRequest, CreateUserResponse, DeleteUserRequest, DeleteUserResponse,
        DisableUserRequest, DisableUserResponse, EnableUserRequest, EnableUserResponse,
        GetUserFileRequest, GetUserFileResponse, ListUsersRequest, ListUsersResponse,
        SignOutUserRequest, SignOutUserResponse, UpdateUserFileRequest, UpdateUserFileResponse,
        UpdateUserRequest, UpdateUserResponse, user_service_server::UserService,
    },
};
pub(super) use accounts::AccountsOfIssuer;
pub(super) use table::USER_SERVICE;

/// The calls at a time whose answers from the issuer may be large: pages and files. Further ones wait.
const LARGE_ANSWERS: usize = 8;

/// The methods. They are called through the door only: without it they know no caller and refuse.
#[derive(Debug)]
pub(super) struct UserMethods {
    authorizer: Arc<Authorizer>,
    /// Bounds the memory of large answers.
    large: Semaphore,
}

impl UserMethods {
    pub(super) fn new(authorizer: Arc<Authorizer>) -> Self {
        Self { authorizer, large: Semaphore::new(LARGE_ANSWERS) }
    }
}

#[tonic::async_trait]
impl UserService for UserMethods {
    async fn list_users(
        &self,
        request: Request<ListUsersRequest>,
    ) -> Result<Response<ListUsersResponse>, Status> {
        let call = ServiceCall::of(request.extensions())?;
        let _turn = self.large.acquire().await;
        Ok(list::list_users(&call, request.into_inner()).await?.into())
    }

    async fn create_user(
        &self,
        request: Request<CreateUserRequest>,
    ) -> Result<Response<CreateUserResponse>, Status> {
        let call = ServiceCall::of(request.extensions())?;
        Ok(create::create_user(&self.authorizer, &call, request.into_inner()).await?.into())
    }

    async fn update_user(
        &self,
        request: Request<UpdateUserRequest>,
    ) -> Result<Response<UpdateUserResponse>, Status> {
        let call = ServiceCall::of(request.extensions())?;
        Ok(update::update_user(&self.authorizer, &call, request.into_inner()).await?.into())
    }

    async fn delete_user(
        &self,
        request: Request<DeleteUserRequest>,
    ) -> Result<Response<DeleteUserResponse>, Status> {
        let call = ServiceCall::of(request.extensions())?;
        Ok(account::delete_user(&self.authorizer, &call, request.into_inner()).await?.into())
    }

    async fn enable_user(
        &self,
        request: Request<EnableUserRequest>,
    ) -> Result<Response<EnableUserResponse>, Status> {
        let call = ServiceCall::of(request.extensions())?;
        Ok(account::enable_user(&self.authorizer, &call, request.into_inner()).await?.into())
    }

    async fn disable_user(
        &self,
        request: Request<DisableUserRequest>,
    ) -> Result<Response<DisableUserResponse>, Status> {
        let call = ServiceCall::of(request.extensions())?;
        Ok(account::disable_user(&self.authorizer, &call, request.into_inner()).await?.into())
    }

    async fn sign_out_user(
        &self,
        request: Request<SignOutUserRequest>,
    ) -> Result<Response<SignOutUserResponse>, Status> {
        let call = ServiceCall::of(request.extensions())?;
        Ok(account::sign_out_user(&self.authorizer, &call, request.into_inner()).await?.into())
    }

    async fn batch_upsert_users(
        &self,
        request: Request<BatchUpsertUsersRequest>,
    ) -> Result<Response<BatchUpsertUsersResponse>, Status> {
        let call = ServiceCall::of(request.extensions())?;
        let _turn = self.large.acquire().await;
        Ok(batch::upsert_users(&self.authorizer, &call, request.into_inner()).await?.into())
    }

    async fn batch_delete_users(
        &self,
        request: Request<BatchDeleteUsersRequest>,
    ) -> Result<Response<BatchDeleteUsersResponse>, Status> {
        let call = ServiceCall::of(request.extensions())?;
        let _turn = self.large.acquire().await;
        Ok(batch::delete_users(&self.authorizer, &call, request.into_inner()).await?.into())
    }

    async fn get_user_file(
        &self,
        request: Request<GetUserFileRequest>,
    ) -> Result<Response<GetUserFileResponse>, Status> {
        let call = ServiceCall::of(request.extensions())?;
        let _turn = self.large.acquire().await;
        Ok(files::get_user_file(&call, request.into_inner()).await?.into())
    }

    async fn update_user_file(
        &self,
        request: Request<UpdateUserFileRequest>,
    ) -> Result<Response<UpdateUserFileResponse>, Status> {
        let call = ServiceCall::of(request.extensions())?;
        let _turn = self.large.acquire().await;
        Ok(files::update_user_file(&self.authorizer, &call, request.into_inner()).await?.into())
    }

    async fn create_sign_in_link(
        &self,
        request: Request<CreateSignInLinkRequest>,
    ) -> Result<Response<CreateSignInLinkResponse>, Status> {
        let call = ServiceCall::of(request.extensions())?;
        let request = request.into_inner();
        Ok(sign_in_link::create(&self.authorizer, &call, request).await?.into())
    }
}
