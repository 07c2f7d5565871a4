//! `AppService`: the configuration of an app, and a change of its custom claims.
//!
//! In: a call. Out: what the issuer says of the app, or its claims after a change. The key and secret
//! of an app read its configuration; a change needs the token of an operator.

mod claims;
mod config;
mod names;
mod refused;
mod table;
mod update;
mod wire;

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::call::ServiceCall;
use crate::grpc::pb::rownd::auth::v1::{
    GetAppConfigRequest, GetAppConfigResponse, UpdateCustomClaimsRequest,
    UpdateCustomClaimsResponse, app_service_server::AppService,
};
pub(super) use table::SERVICE;

/// The methods. They are called through the door only: without it they know no caller and refuse.
#[derive(Debug, Clone, Copy)]
pub(super) struct AppMethods;

#[tonic::async_trait]
impl AppService for AppMethods {
    async fn get_app_config(
        &self,
        request: Request<GetAppConfigRequest>,
    ) -> Result<Response<GetAppConfigResponse>, Status> {
        let call = ServiceCall::of(request.extensions())?;
        Ok(config::get(&call, &request.into_inner()).await?.into())
    }

    async fn update_custom_claims(
        &self,
        request: Request<UpdateCustomClaimsRequest>,
    ) -> Result<Response<UpdateCustomClaimsResponse>, Status> {
        let call: Arc<ServiceCall> = ServiceCall::of(request.extensions())?;
        Ok(update::update(&call, request.into_inner()).await?.into())
    }
}
