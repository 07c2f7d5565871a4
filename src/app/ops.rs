//! The ops listeners: few connections, each short and in time, so that whoever may scrape cannot
//! take the descriptors that checks need, nor keep a probe from its answer.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use axum::Router;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};
use tower::ServiceExt as _;

use super::places::{Guest, Place, Places, Whose};

/// Connections at a time, and those that may be leaving meanwhile.
const MAX_CONNECTIONS: usize = 64;
const LEAVING: usize = 8;
/// In this time a new connection has sent its request.
pub(super) const YOUNG: Duration = Duration::from_millis(50);
/// How long the first byte may take.
pub(super) const FIRST_BYTE: Duration = Duration::from_secs(1);
/// How long a request's headers may take.
pub(super) const HEADERS: Duration = Duration::from_secs(2);
/// How long a connection may last.
const LIFE: Duration = Duration::from_secs(60);
/// How long accepting pauses after a failure.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves the read-only pages until dropped.
pub(super) async fn serve(listener: TcpListener, pages: Router) {
    let places = Places::new("ops", MAX_CONNECTIONS, LEAVING, YOUNG);
    let mut open = JoinSet::new();
    loop {
        while open.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, from)) => {
                let place = places.take(Whose::Machine(from.ip().to_canonical())).await;
                let talk = talk(stream, pages.clone(), place.guest().clone());
                super::spawn(&mut open, visit(place, LIFE, talk));
            }
            Err(error) => {
                tracing::warn!(%error, "accepting on the ops listener failed");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Lets a connection have its place until it ends, its time is over or another needs it.
pub(super) async fn visit(place: Place, life: Duration, talk: impl Future<Output = ()>) {
    tokio::select! {
        () = talk => {}
        () = place.guest().told_to_leave() => {}
        () = tokio::time::sleep(life) => {}
    }
}

/// Waits for something to read, and not for long.
pub(super) async fn first_byte(readable: impl Future<Output = io::Result<()>>) -> bool {
    timeout(FIRST_BYTE, readable).await.is_ok_and(|readable| readable.is_ok())
}

async fn talk(stream: TcpStream, pages: Router, guest: Arc<Guest>) {
    if !first_byte(stream.readable()).await {
        return;
    }
    let answer = service_fn(move |request: Request<Incoming>| {
        let (pages, guest) = (pages.clone(), guest.clone());
        async move {
            guest.asks();
            let answer = pages.oneshot(request).await.unwrap_or_else(|e| match e {});
            guest.is_answered();
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .serve_connection(TokioIo::new(stream), answer);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "an ops connection ended");
    }
}
