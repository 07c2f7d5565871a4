//! The methods of the service: each decodes, asks one room, and encodes.

use std::sync::Arc;

use tonic::Status;

use super::{call::ServiceCall, exchange, get_user, openid_client, tokens, verify};
use crate::{
    authz::Authorizer,
    grpc::pb::rownd::auth::v1::{
        BuildAuthorizationUrlRequest, BuildAuthorizationUrlResponse, BuildLogoutUrlRequest,
        BuildLogoutUrlResponse, ExchangeRequest, ExchangeResponse, GetUserInfoRequest,
        GetUserInfoResponse, GetUserRequest, GetUserResponse, IntrospectTokenRequest,
        IntrospectTokenResponse, RevokeTokenRequest, RevokeTokenResponse, VerifyRequest,
        VerifyResponse, rownd_auth_server::RowndAuth,
    },
};

/// The methods. They are called through the door only: without it they know no caller and refuse.
#[derive(Debug, Clone)]
pub(super) struct Methods {
    pub(super) authorizer: Arc<Authorizer>,
}

#[tonic::async_trait]
impl RowndAuth for Methods {
    async fn verify(
        &self,
        request: tonic::Request<VerifyRequest>,
    ) -> Result<tonic::Response<VerifyResponse>, Status> {
        let call = ServiceCall::of(request.extensions())?;
        Ok(verify::verify(&self.authorizer, &call, request.into_inner()).await?.into())
    }

    async fn exchange(
        &self,
        request: tonic::Request<ExchangeRequest>,
    ) -> Result<tonic::Response<ExchangeResponse>, Status> {
        let call = ServiceCall::of(request.extensions())?;
        Ok(exchange::exchange(&self.authorizer, &call, request.into_inner()).await?.into())
    }

    async fn build_authorization_url(
        &self,
        request: tonic::Request<BuildAuthorizationUrlRequest>,
    ) -> Result<tonic::Response<BuildAuthorizationUrlResponse>, Status> {
        let call = ServiceCall::of(request.extensions())?;
        Ok(openid_client::authorization_url(&call, request.into_inner()).await?.into())
    }

    async fn get_user(
        &self,
        request: tonic::Request<GetUserRequest>,
    ) -> Result<tonic::Response<GetUserResponse>, Status> {
        let call = ServiceCall::of(request.extensions())?;
        Ok(get_user::get_user(&self.authorizer, &call, request.into_inner()).await?.into())
    }

    async fn get_user_info(
        &self,
        request: tonic::Request<GetUserInfoRequest>,
    ) -> Result<tonic::Response<GetUserInfoResponse>, Status> {
        let call = ServiceCall::of(request.extensions())?;
        Ok(tokens::user_info(&self.authorizer, &call, request.into_inner()).await?.into())
    }

    async fn introspect_token(
        &self,
        request: tonic::Request<IntrospectTokenRequest>,
    ) -> Result<tonic::Response<IntrospectTokenResponse>, Status> {
        let call = ServiceCall::of(request.extensions())?;
        Ok(tokens::introspect(&self.authorizer, &call, request.into_inner()).await?.into())
    }

    async fn revoke_token(
        &self,
        request: tonic::Request<RevokeTokenRequest>,
    ) -> Result<tonic::Response<RevokeTokenResponse>, Status> {
        let call = ServiceCall::of(request.extensions())?;
        Ok(tokens::revoke(&self.authorizer, &call, request.into_inner()).await?.into())
    }

    async fn build_logout_url(
        &self,
        request: tonic::Request<BuildLogoutUrlRequest>,
    ) -> Result<tonic::Response<BuildLogoutUrlResponse>, Status> {
        let call = ServiceCall::of(request.extensions())?;
        Ok(tokens::logout_url(&call, request.into_inner()).await?.into())
    }
}
