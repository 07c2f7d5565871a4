//! The support of all tests: the product in this process (`app`) or as the real binary (`binary`,
//! and `product` behind Envoy), a scripted Rownd (`rownd`), checks and their answers (`ask`),
//! clients that can send any bytes (`wire`, `raw`), and the real Envoy between a scripted
//! authorizer and an upstream that echoes (`envoy`, `gate`, `scripted`, `echo`).
//!
//! The package `test-support` has the parts that the benches use as well.

use std::{
    net::SocketAddr,
    sync::{
        OnceLock,
        atomic::{AtomicU16, Ordering},
    },
};

use tokio::runtime::{Builder, Handle, Runtime};

pub(crate) mod app;
pub(crate) mod ask;
pub(crate) mod binary;
pub(crate) mod certs;
pub(crate) mod child;
pub(crate) mod control;
pub(crate) mod echo;
pub(crate) mod envoy;
pub(crate) mod gate;
pub(crate) mod page;
pub(crate) mod passport;
pub(crate) mod product;
pub(crate) mod proxy;
pub(crate) mod raw;
pub(crate) mod redis;
pub(crate) mod redis_sets;
pub(crate) mod rownd;
pub(crate) mod scripted;
#[cfg(feature = "dev")]
pub(crate) mod shop;
#[cfg(feature = "dev")]
pub(crate) mod sign_in;
pub(crate) mod tls_front;
pub(crate) mod wire;

pub(crate) use app::{TestApp, config, config_with};
pub(crate) use ask::{Answer, Ask};
pub(crate) use test_support::{
    forge::{self, Claims, Key},
    http,
    issuer::{self, Issuer, Reply},
    wait::{TIME_LIMIT, eventually, in_time, until},
};

/// The runtime of the servers that several tests share. A test's own runtime ends
/// with the test; what hangs on it would end as well.
pub(crate) fn background() -> &'static Handle {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME
        .get_or_init(|| {
            Builder::new_multi_thread()
                .worker_threads(2)
                .thread_name("test-servers")
                .enable_all()
                .build()
                .expect("a runtime for the test servers")
        })
        .handle()
}

/// An address that nobody listens on at the moment. It lies below the range that the
/// kernel takes client ports from, so that no connection of a test takes it in between.
pub(crate) fn free_port() -> SocketAddr {
    const RANGE: std::ops::Range<u16> = 15_000..32_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test binaries that run side by side start at different places.
    let base = u16::try_from(std::process::id() * 97 % 17_000).unwrap_or_default();
    for _ in RANGE {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = RANGE.start + base.wrapping_add(step) % (RANGE.end - RANGE.start);
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        if std::net::TcpListener::bind(address).is_ok() {
            return address;
        }
    }
    panic!("no free port in {RANGE:?}")
}
