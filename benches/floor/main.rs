//! The floor: what one check costs when the server does no work at all.
//!
//! Comes in: `tonic | bare_h2` and a listen address. Goes out: a server that
//! prints the address it bound on one line, then answers every check with the
//! same OK until it is killed. `tonic` is the yardstick of `make bench`: the
//! pruned `CheckRequest`, one current-thread runtime, the allocator of the
//! product. `bare_h2` shows what tonic itself adds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a bench may end on its first surprise, and runs its own tasks"
)]

mod bare_h2;
mod grpc;
mod walk;

use std::{error::Error, net::SocketAddr};

use envoy_types::pb::{
    envoy::service::auth::v3::{CheckResponse, OkHttpResponse, check_response::HttpResponse},
    google::rpc::Status,
};
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "usage: floor tonic|bare_h2 ADDRESS   (started by the `check` bench)";

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo bench` starts every bench with `--bench` and nothing else: no server then.
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [mode, address] = arguments.as_slice() else {
        println!("{USAGE}");
        return Ok(());
    };
    let address: SocketAddr = address.parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(address).await?;
        println!("{}", listener.local_addr()?);
        match mode.as_str() {
            "tonic" => grpc::serve(listener).await,
            "bare_h2" => bare_h2::serve(listener).await,
            other => Err(format!("{other}: no such mode. {USAGE}").into()),
        }
    })
}

/// The constant answer of both servers: allowed, nothing added.
fn ok() -> CheckResponse {
    CheckResponse {
        status: Some(Status::default()),
        dynamic_metadata: None,
        http_response: Some(HttpResponse::OkResponse(OkHttpResponse::default())),
    }
}
