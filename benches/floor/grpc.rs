//! The yardstick: tonic as the product uses it, with no work between question
//! and answer. Comes in: a bound listener. Goes out: answers, for ever.

use std::error::Error;

use envoy_types::pb::envoy::service::auth::v3::CheckResponse;
use rownd_authz::grpc::pb::{CheckRequest, authorization_server};
use tokio::net::TcpListener;
use tonic::{
    Request, Response, Status,
    transport::{Server, server::TcpIncoming},
};

struct Floor;

#[tonic::async_trait]
impl authorization_server::Authorization for Floor {
    async fn check(&self, _: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        Ok(Response::new(crate::ok()))
    }
}

pub(crate) async fn serve(listener: TcpListener) -> Result<(), Box<dyn Error>> {
    Server::builder()
        .add_service(authorization_server::AuthorizationServer::new(Floor))
        .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)))
        .await?;
    Ok(())
}
