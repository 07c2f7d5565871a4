//! `rownd.auth.v1.OidcClientService`: the OpenID clients of an app.
//!
//! In: a call and its message. Out: clients as the issuer has them. The secret of a client is in the
//! answer that makes it, and in no other.

mod change;
mod check;
mod logo;
mod read;
mod settings;
mod table;
mod upload;
mod wire;

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::call::ServiceCall;
use crate::{
    blocking::BlockingRunner,
    grpc::pb::rownd::auth::v1::{
        CreateOidcClientRequest, CreateOidcClientResponse, DeleteOidcClientRequest,
        DeleteOidcClientResponse, GetOidcClientRequest, GetOidcClientResponse,
        ListOidcClientsRequest, ListOidcClientsResponse, UpdateOidcClientRequest,
        UpdateOidcClientResponse, UploadOidcClientLogoRequest, UploadOidcClientLogoResponse,
        oidc_client_service_server::OidcClientService,
    },
};
pub(super) use table::OIDC_CLIENTS;
use upload::LogoJudge;

/// The methods. They are called through the door only: without it they know no caller and refuse.
#[derive(Debug, Clone)]
pub(super) struct OidcClientMethods {
    judge: Arc<LogoJudge>,
}

impl OidcClientMethods {
    /// With what judges logos.
    pub(super) fn new(blocking: BlockingRunner) -> Self {
        Self { judge: Arc::new(LogoJudge::new(blocking)) }
    }
}

#[tonic::async_trait]
impl OidcClientService for OidcClientMethods {
    async fn list_oidc_clients(
        &self,
        request: Request<ListOidcClientsRequest>,
    ) -> Result<Response<ListOidcClientsResponse>, Status> {
        let call = ServiceCall::of(request.extensions())?;
        Ok(read::list(&call, request.into_inner()).await?.into())
    }

    async fn get_oidc_client(
        &self,
        request: Request<GetOidcClientRequest>,
    ) -> Result<Response<GetOidcClientResponse>, Status> {
        let call = ServiceCall::of(request.extensions())?;
        Ok(read::get(&call, &request.into_inner()).await?.into())
    }

    async fn create_oidc_client(
        &self,
        request: Request<CreateOidcClientRequest>,
    ) -> Result<Response<CreateOidcClientResponse>, Status> {
        let call = ServiceCall::of(request.extensions())?;
        Ok(change::create(&call, request.into_inner()).await?.into())
    }

    async fn update_oidc_client(
        &self,
        request: Request<UpdateOidcClientRequest>,
    ) -> Result<Response<UpdateOidcClientResponse>, Status> {
        let call = ServiceCall::of(request.extensions())?;
        Ok(change::update(&call, request.into_inner()).await?.into())
    }

    async fn delete_oidc_client(
        &self,
        request: Request<DeleteOidcClientRequest>,
    ) -> Result<Response<DeleteOidcClientResponse>, Status> {
        let call = ServiceCall::of(request.extensions())?;
        Ok(change::delete(&call, request.into_inner()).await?.into())
    }

    async fn upload_oidc_client_logo(
        &self,
        request: Request<UploadOidcClientLogoRequest>,
    ) -> Result<Response<UploadOidcClientLogoResponse>, Status> {
        let call = ServiceCall::of(request.extensions())?;
        Ok(upload::upload(&self.judge, &call, request.into_inner()).await?.into())
    }
}
