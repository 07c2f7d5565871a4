//! Requests of other servers to the listener `http`: the question of Rownd's token validator, and
//! events.
//!
//! In: requests of every kind, with and without a proof of their caller. Out: a status and a body, and
//! what the next check knows.

mod browser;
mod doors;
#[cfg(feature = "dev")]
mod emulated;
mod signals;
mod token_validator;
mod webhooks;

use std::net::SocketAddr;

use rownd_authz::app::ListenAddress;

use crate::support::{
    TestApp,
    http::{self, Answer},
};

/// The secret of the caller.
const SECRET: &str = "5f1c8b0a9d3e47c2a6b8d0e1f2a3b4c5";

/// The address of the listener `http`.
fn http_address(app: &TestApp) -> SocketAddr {
    let Some(ListenAddress::Tcp(address)) = &app.http else { panic!("it listens") };
    *address
}

/// Sends a request to the listener `http`.
async fn send(app: &TestApp, line: &str, headers: &str, body: &str) -> Answer {
    http::request(http_address(app), line, headers, body).await
}
