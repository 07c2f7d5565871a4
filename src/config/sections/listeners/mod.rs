//! The section `listeners`: where the service listens, and what a connection may use.

mod check;
mod schema;

pub(in crate::config) use check::is_reached_from_elsewhere;
pub use schema::{
    ControlListener, GrpcListener, HttpGroup, HttpListener, Listeners, OpsListener, Tls, TlsVersion,
};
