//! Authentication sidecar: answers Envoy's external authorization checks for Rownd tokens.
//!
//! The rooms, from the bottom up, are described in `ARCHITECTURE.md`; a lower room never
//! imports a higher one, which `tests/architecture` holds.

pub mod app;
pub mod authz;
pub mod blocking;
pub mod cli;
pub mod config;
pub mod digest;
pub mod events;
pub mod expression;
pub mod extract;
pub mod grpc;
pub mod health;
pub mod hooks;
pub mod http;
pub mod issuer_api;
pub mod log_throttle;
pub mod metrics;
pub mod model;
pub mod passport;
pub mod policy;
pub mod profile;
pub mod response;
pub mod shared;
pub mod signed_posts;
pub mod single_flight;
pub mod upstream;
pub mod verify;
