//! The methods of `AppService`.

use crate::{
    config::Right,
    grpc::rownd_auth::rpc::{Rpc, Service},
};

/// The service for the configuration of apps.
pub(in crate::grpc::rownd_auth) const SERVICE: Service = Service {
    name: "AppService",
    rpcs: &[
        Rpc {
            name: "GetAppConfig",
            rights: &[Right::ReadApps],
            max_request_bytes: 8 << 10,
            asks_issuer: true,
            repeatable: true,
        },
        Rpc {
            name: "UpdateCustomClaims",
            rights: &[Right::ManageApp],
            max_request_bytes: 256 << 10,
            asks_issuer: true,
            // The same claims are there the second time.
            repeatable: true,
        },
    ],
};
