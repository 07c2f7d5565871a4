//! gRPC health (grpc.health.v1): each service serves while the process is ready.

use tokio::sync::watch;
use tonic_health::{
    ServingStatus,
    pb::health_server::{Health, HealthServer},
    server::{HealthReporter, health_reporter},
};

/// The services that health knows, `""` for the process as a whole.
pub const SERVICES: [&str; 3] =
    ["", "envoy.service.auth.v3.Authorization", "rownd.auth.v1.RowndAuth"];

/// Carries readiness over to gRPC health. To be run for as long as the doors are open.
#[derive(Debug)]
pub struct HealthTask {
    reporter: HealthReporter,
}

impl HealthTask {
    pub(super) fn build() -> (Self, HealthServer<impl Health>) {
        let (reporter, service) = health_reporter();
        (Self { reporter }, service)
    }

    /// Follows readiness; ends when nobody can change it any more.
    pub async fn run(self, mut ready: watch::Receiver<bool>) {
        loop {
            let status = if *ready.borrow_and_update() {
                ServingStatus::Serving
            } else {
                ServingStatus::NotServing
            };
            for service in SERVICES {
                self.reporter.set_service_status(service, status).await;
            }
            if ready.changed().await.is_err() {
                return;
            }
        }
    }
}
