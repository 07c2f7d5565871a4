//! The ops listener: few connections, each short and in time, so that whoever may scrape cannot
//! take the descriptors that checks need.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::Router;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
};
use tower::ServiceExt as _;

/// Connections at a time.
const MAX_CONNECTIONS: usize = 64;
/// How long a request's headers may take.
const HEADERS: Duration = Duration::from_secs(5);
/// How long a connection may last.
const LIFE: Duration = Duration::from_secs(60);
/// How long accepting pauses after a failure.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves the read-only pages until dropped.
pub(super) async fn serve(listener: TcpListener, pages: Router) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut open = JoinSet::new();
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        while open.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                let pages = pages.clone();
                super::spawn(&mut open, async move {
                    let _ = tokio::time::timeout(LIFE, talk(stream, pages)).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "accepting on the ops listener failed");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn talk(stream: TcpStream, pages: Router) {
    let answer = service_fn(move |request: Request<Incoming>| {
        let pages = pages.clone();
        async move { Ok::<_, Infallible>(pages.oneshot(request).await.unwrap_or_else(|e| match e {})) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .serve_connection(TokioIo::new(stream), answer);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "an ops connection ended");
    }
}
