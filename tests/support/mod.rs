//! What the tests share: the real Envoy, an upstream that echoes, clients that
//! can send any bytes, a scripted authorizer, a scripted issuer and the product
//! itself as a child process.

use std::{
    future::Future,
    net::SocketAddr,
    sync::{
        OnceLock,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use tokio::runtime::{Builder, Handle, Runtime};

pub(crate) mod child;
pub(crate) mod control;
pub(crate) mod echo;
pub(crate) mod envoy;
pub(crate) mod gate;
pub(crate) mod issuer;
pub(crate) mod product;
pub(crate) mod raw;
pub(crate) mod scripted;

/// How long anything may take before a test says so.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

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

/// Asks again and again until there is an answer; panics with `what` after
/// [`PATIENCE`].
pub(crate) async fn eventually<T, F>(what: &str, mut ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let poll = async {
        let mut tick = tokio::time::interval(Duration::from_millis(10));
        loop {
            tick.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    };
    match tokio::time::timeout(PATIENCE, poll).await {
        Ok(answer) => answer,
        Err(_) => panic!("waited {PATIENCE:?} in vain for {what}"),
    }
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
