//! gRPC health (grpc.health.v1): each service serves while the process is ready.

use tokio::sync::watch;
use tonic_health::{
    ServingStatus,
    pb::health_server::{Health, HealthServer},
    server::{HealthReporter, health_reporter},
};

/// The services whose health can be asked for; `""` is the process as a whole.
pub const SERVICES: [&str; 3] =
    ["", "envoy.service.auth.v3.Authorization", "rownd.auth.v1.RowndAuth"];

/// Reports the readiness of the process as gRPC health. To be run for as long as the doors are open.
#[derive(Debug)]
pub struct HealthTask {
    reporter: HealthReporter,
}

impl HealthTask {
    pub(super) fn build() -> (Self, HealthServer<impl Health>) {
        let (reporter, service) = health_reporter();
        (Self { reporter }, service)
    }

    /// Follows the readiness; ends when it can no longer change.
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
