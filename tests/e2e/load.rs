//! A load that does not wait for answers: a thousand requests a second, whatever becomes of
//! those before. No request of it may fail, however slow the machine is.
//!
//! In: a gate of Envoy and a token. Out: how many requests were answered, and every failure.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    net::TcpStream,
    sync::Semaphore,
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use crate::support::{background, eventually};

/// A thousand a second; on a machine that cannot, as many, and later.
const EVERY: Duration = Duration::from_millis(1);
/// A load sends at least so many, and stops by itself after so many.
const LEAST: u64 = 4_000;
const MOST: u64 = 200_000;
/// In flight at once, over so many connections: less than what a proxy or a server refuses.
const IN_FLIGHT: u32 = 256;
const CONNECTIONS: usize = 4;

/// Requests that keep coming.
#[derive(Debug)]
pub(super) struct Load {
    shared: Arc<Shared>,
    sender: JoinHandle<u64>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    good: AtomicU64,
    bad: AtomicU64,
    /// The first of them.
    failures: Mutex<Vec<String>>,
}

impl Load {
    pub(super) fn start(to: SocketAddr, token: &str) -> Self {
        let shared = Arc::new(Shared::default());
        let sender = background().spawn(send(to, format!("Bearer {token}"), Arc::clone(&shared)));
        Self { shared, sender }
    }

    /// Waits until `more` further requests have been answered.
    pub(super) async fn go_on(&self, more: u64) {
        let answered =
            || self.shared.good.load(Ordering::SeqCst) + self.shared.bad.load(Ordering::SeqCst);
        let until = answered() + more;
        eventually("the load to go on", || std::future::ready((answered() >= until).then_some(())))
            .await;
    }

    /// Ends it, once enough was sent, and gives how many requests that were. None may have failed.
    pub(super) async fn end(self) -> u64 {
        self.shared.stop.store(true, Ordering::SeqCst);
        let sent = self.sender.await.expect("the load");
        let good = self.shared.good.load(Ordering::SeqCst);
        let failures = self.shared.failures.lock().expect("the failures");
        assert_eq!(good, sent, "{} of {sent} failed: {failures:?}", sent - good);
        assert!(sent >= LEAST, "{sent} requests are hardly a load");
        sent
    }
}

async fn connect(to: SocketAddr) -> SendRequest<Empty<Bytes>> {
    let stream = TcpStream::connect(to).await.expect("a connection to Envoy");
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .expect("HTTP/2");
    tokio::spawn(connection);
    sender
}

/// Gives how many were sent, all of them answered.
async fn send(to: SocketAddr, authorization: String, shared: Arc<Shared>) -> u64 {
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(connect(to).await);
    }
    let places = Arc::new(Semaphore::new(IN_FLIGHT as usize));
    let mut tick = interval(EVERY);
    // Requests that a busy machine delayed are still sent.
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut sent = 0;
    for connection in connections.iter().cycle() {
        let enough = shared.stop.load(Ordering::SeqCst) && sent >= LEAST;
        if enough || sent >= MOST {
            break;
        }
        tick.tick().await;
        let place = Arc::clone(&places).acquire_owned().await.expect("a place");
        sent += 1;
        let connection = connection.clone();
        let (authorization, shared) = (authorization.clone(), Arc::clone(&shared));
        tokio::spawn(async move {
            match ask(connection, &authorization).await {
                Ok(()) => {
                    shared.good.fetch_add(1, Ordering::SeqCst);
                }
                Err(failure) => {
                    shared.bad.fetch_add(1, Ordering::SeqCst);
                    let mut failures = shared.failures.lock().expect("the failures");
                    if failures.len() < 10 {
                        failures.push(failure);
                    }
                }
            }
            drop(place);
        });
    }
    let _all = places.acquire_many(IN_FLIGHT).await.expect("every place");
    sent
}

async fn ask(mut connection: SendRequest<Empty<Bytes>>, authorization: &str) -> Result<(), String> {
    let request = Request::get("http://api.example.com/orders")
        .header("authorization", authorization)
        .body(Empty::<Bytes>::new())
        .expect("a request");
    connection.ready().await.map_err(|error| error.to_string())?;
    let response = connection.send_request(request).await.map_err(|error| error.to_string())?;
    let status = response.status();
    let body = response.into_body().collect().await.map(http_body_util::Collected::to_bytes);
    match body {
        Ok(_) if status == StatusCode::OK => Ok(()),
        body => Err(format!("{status}: {body:?}")),
    }
}
