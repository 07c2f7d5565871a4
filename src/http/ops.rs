//! What operators read: `/metrics`, `/livez`, `/readyz`, `/status`. Nothing here changes state
//! and nothing shows a secret, so that a scraper may be let in.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use serde::Serialize;

use crate::{
    health::Readiness,
    metrics::Metrics,
    verify::{KeyStatus, Verifier},
};

/// What the pages are made from.
#[derive(Debug, Clone)]
pub struct Ops {
    /// All metrics.
    pub metrics: Arc<Metrics>,
    /// Whether the process is ready.
    pub readiness: Readiness,
    /// The issuers and their keys.
    pub verifier: Arc<Verifier>,
    /// A fingerprint of the configuration in force, without its secrets.
    pub config_hash: Arc<str>,
    /// How often the configuration has been put in force, from 1.
    pub epoch: u64,
}

#[derive(Serialize)]
struct Status {
    version: &'static str,
    ready: bool,
    waiting_for: Vec<String>,
    config_hash: Arc<str>,
    epoch: u64,
    issuers: Vec<Issuer>,
}

#[derive(Serialize)]
struct Issuer {
    name: String,
    apps: Vec<Option<String>>,
    keys: KeyStatus,
}

/// The pages.
pub fn router(ops: Ops) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/status", get(status))
        .with_state(ops)
}

async fn readyz(State(ops): State<Ops>) -> impl IntoResponse {
    if ops.readiness.is_ready() {
        return (StatusCode::OK, "ready\n".to_owned());
    }
    let waiting = ops.readiness.waiting_for().join("\n  ");
    (StatusCode::SERVICE_UNAVAILABLE, format!("not ready, waiting for:\n  {waiting}\n"))
}

async fn metrics(State(ops): State<Ops>) -> impl IntoResponse {
    ops.verifier.measure_caches();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], ops.metrics.render())
}

async fn status(State(ops): State<Ops>) -> impl IntoResponse {
    let issuers = ops.verifier.issuers().iter().map(|issuer| Issuer {
        name: issuer.name().to_owned(),
        apps: issuer.apps().iter().map(|app| app.id().map(str::to_owned)).collect(),
        keys: issuer.key_status(),
    });
    Json(Status {
        version: env!("CARGO_PKG_VERSION"),
        ready: ops.readiness.is_ready(),
        waiting_for: ops.readiness.waiting_for(),
        config_hash: ops.config_hash.clone(),
        epoch: ops.epoch,
        issuers: issuers.collect(),
    })
}
