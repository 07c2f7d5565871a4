//! The life of an issuer's keys: absent, late, rotated, withdrawn, corrupt, unreachable.
//!
//! In: an issuer that does all of that. Out: the service stays alive, says what it waits
//! for, keeps the last good keys, fetches rarely, and never answers with an RPC error.

mod absent;
mod learned;
mod published;
mod rotation;
mod snapshot;
mod spoilt;

use std::sync::Arc;

use tokio::sync::Semaphore;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::support::{Answer, Ask, Claims, Issuer, Key, TestApp, eventually};

const FETCHES: &str = "rownd_authz_key_fetches_total";

async fn judge(app: &TestApp, issuer: &Issuer, key: &Key) -> Answer {
    app.check(&Ask::with_token(key.token(&Claims::of(&issuer.url())))).await
}

/// A token whose key nobody has: it makes the service ask, if it may.
async fn provoke(app: &TestApp, issuer: &Issuer) -> Answer {
    judge(app, issuer, &Key::new("sig-nobody")).await
}

/// Provokes until so many fetches have ended.
async fn fetched(app: &TestApp, issuer: &Issuer, total: f64) {
    eventually(&format!("{total} fetches"), async || {
        (app.metric(FETCHES, &[]) >= total || {
            provoke(app, issuer).await;
            false
        })
        .then_some(())
    })
    .await;
}

async fn health(app: &TestApp, service: &str) -> ServingStatus {
    let request = HealthCheckRequest { service: service.to_owned() };
    HealthClient::new(app.channel()).check(request).await.unwrap().into_inner().status()
}

fn gate() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(0))
}
