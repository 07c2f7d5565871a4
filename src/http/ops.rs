//! What operators read: `/metrics`, `/livez`, `/readyz`, `/status`. Nothing here changes state
//! and nothing shows a secret, so that a scraper may be let in.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use serde::Serialize;

use crate::{
    authz::{Authorizer, Callers},
    health::Readiness,
    metrics::{Metrics, Reload},
    verify::KeyStatus,
};

/// What the pages are made from.
#[derive(Debug, Clone)]
pub struct Ops {
    /// All metrics.
    pub metrics: Arc<Metrics>,
    /// Whether the process is ready.
    pub readiness: Readiness,
    /// The configuration in force.
    pub authorizer: Arc<Authorizer>,
    /// What was read again and is not in force.
    pub refusals: Arc<Refusals>,
    /// What was warned of at the start.
    pub warnings: Vec<&'static str>,
    /// Whoever is on the network can reach the gRPC listener.
    pub exposed: bool,
}

/// What was read again last and refused, until something good is read.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<BTreeMap<&'static str, Refusal>>);

/// Why something is not in force.
#[derive(Debug, Clone, Serialize)]
struct Refusal {
    /// Unix time, seconds.
    at: u64,
    problems: Vec<String>,
}

impl Refusals {
    /// It was refused, for these reasons; `None`: it is good. Whether it had been refused before.
    pub fn set(&self, what: Reload, problems: Option<Vec<String>>) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        match problems {
            Some(problems) => all.insert(what.as_str(), Refusal { at, problems }),
            None => all.remove(what.as_str()),
        }
        .is_some()
    }

    fn get(&self) -> BTreeMap<&'static str, Refusal> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[derive(Serialize)]
struct Status {
    version: &'static str,
    ready: bool,
    waiting_for: Vec<String>,
    config_hash: Arc<str>,
    epoch: u64,
    refused: BTreeMap<&'static str, Refusal>,
    warnings: Vec<&'static str>,
    issuers: Vec<Issuer>,
    rownd_auth: Service,
}

/// Who may call the service for backends.
#[derive(Serialize)]
struct Service {
    /// The names of those who are known.
    callers: Vec<Arc<str>>,
    /// What everybody else may call.
    others: &'static [&'static str],
}

impl Service {
    fn of(callers: &Callers, exposed: bool) -> Self {
        let others: &[&str] = if exposed { &[] } else { &["verify", "get_own_user"] };
        Self { callers: callers.names(), others }
    }
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
    ops.authorizer.snapshot().verifier().measure_caches();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], ops.metrics.render())
}

async fn status(State(ops): State<Ops>) -> impl IntoResponse {
    let snapshot = ops.authorizer.snapshot();
    let issuers = snapshot.verifier().issuers().iter().map(|issuer| Issuer {
        name: issuer.name().to_owned(),
        apps: issuer.apps().iter().map(|app| app.id().map(str::to_owned)).collect(),
        keys: issuer.key_status(),
    });
    Json(Status {
        version: env!("CARGO_PKG_VERSION"),
        ready: ops.readiness.is_ready(),
        waiting_for: ops.readiness.waiting_for(),
        config_hash: snapshot.edition().hash.clone(),
        epoch: snapshot.edition().epoch,
        refused: ops.refusals.get(),
        warnings: ops.warnings.iter().copied().chain(ops.authorizer.warnings()).collect(),
        issuers: issuers.collect(),
        rownd_auth: Service::of(snapshot.service().callers(), ops.exposed),
    })
}
