//! The section `listeners`: where the service listens, and what a connection may use.

mod check;
mod collide;
mod http;
mod http_check;
mod http_settings;
mod schema;
mod tls;

pub(in crate::config) use check::is_reached_from_elsewhere;
pub use http::{HttpCors, HttpGroup};
pub use http_settings::{HttpListenerName, HttpSettings};
pub use schema::{ControlListener, GrpcListener, Listeners, OpsListener};
pub use tls::{Tls, TlsVersion};
