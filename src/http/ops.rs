//! The pages for operators: `/metrics`, `/livez`, `/readyz`, `/status`. They change no state and show
//! no secret, so that a scraper can be allowed to read them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use strum::{IntoStaticStr, VariantArray};

use super::gzip;
use crate::{
    authz::{Authorizer, Callers},
    health::{PartReport, Readiness},
    metrics::{Label as _, Metrics},
    model::Warning,
    shared::{SharedHealth, SharedPage},
    verify::{AppFault, Issuer, KeyStatus, TenantsStatus},
};

/// The parts that the pages show.
#[derive(Debug, Clone)]
pub struct OpsState {
    /// All metrics.
    pub metrics: Arc<Metrics>,
    /// Whether the process is ready.
    pub readiness: Readiness,
    /// The configuration in force.
    pub authorizer: Arc<Authorizer>,
    /// Reloads that failed.
    pub reload_failures: Arc<ReloadFailures>,
    /// The warnings that apply now.
    pub warnings: Warnings,
    /// Other machines can connect to the gRPC listener.
    pub exposed: bool,
    /// Whether the state that replicas share answers, where there is one.
    pub shared: Option<Arc<SharedHealth>>,
}

/// Tells the warnings that apply now. Cheap to clone.
#[derive(Clone)]
pub struct Warnings(Arc<dyn Fn() -> Vec<Warning> + Send + Sync>);

impl Warnings {
    /// From what tells them.
    pub fn new(tell: impl Fn() -> Vec<Warning> + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// The warnings that apply now.
    #[must_use]
    pub fn current(&self) -> Vec<Warning> {
        (self.0)()
    }
}

impl std::fmt::Debug for Warnings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Warnings").finish_non_exhaustive()
    }
}

/// The reloads that failed, each until one of the same subject succeeds.
#[derive(Debug, Default)]
pub struct ReloadFailures(Mutex<BTreeMap<&'static str, ReloadFailure>>);

/// A thing that can be read again while the process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum ReloadSubject {
    /// The configuration with its secrets.
    Config,
    /// The certificates of listeners, their keys, and the authorities of client certificates.
    Certificate,
    /// The certificates of the authorities that sign for the servers of issuers.
    Authorities,
}

/// Why the version that was read last is not in force.
#[derive(Debug, Clone, Serialize)]
struct ReloadFailure {
    /// Unix time, seconds.
    at: u64,
    problems: Vec<String>,
}

impl ReloadFailures {
    /// The last reload failed for these reasons; `None`: it succeeded. Tells whether the one before
    /// had failed.
    pub fn set(&self, what: ReloadSubject, problems: Option<Vec<String>>) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        match problems {
            Some(problems) => all.insert(what.as_str(), ReloadFailure { at, problems }),
            None => all.remove(what.as_str()),
        }
        .is_some()
    }

    fn get(&self) -> BTreeMap<&'static str, ReloadFailure> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[derive(Serialize)]
struct StatusPage {
    version: &'static str,
    revision: &'static str,
    ready: bool,
    waiting_for: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    degraded_by: Vec<String>,
    /// The parts in the background that are at fault. A check needs none of them.
    faults: Vec<PartReport>,
    config_hash: Arc<str>,
    epoch: u64,
    refused: BTreeMap<&'static str, ReloadFailure>,
    warnings: Vec<String>,
    issuers: Vec<IssuerStatus>,
    rownd_auth: CallerStatus,
    /// The state that replicas share, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    shared: Option<SharedPage>,
}

/// The callers of the service for backends.
#[derive(Serialize)]
struct CallerStatus {
    /// The names of the known callers.
    callers: Vec<Arc<str>>,
    /// The methods that any other caller may use.
    others: &'static [&'static str],
}

impl CallerStatus {
    fn of(callers: &Callers, exposed: bool) -> Self {
        let others: &[&str] = if exposed { &[] } else { &["verify", "get_own_user"] };
        Self { callers: callers.names(), others }
    }
}

#[derive(Serialize)]
struct IssuerStatus {
    name: String,
    apps: Vec<Option<String>>,
    /// The apps whose id could not be asked for, or whose key or secret is refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    app_errors: Vec<AppError>,
    keys: KeyStatus,
    /// Of an issuer with tenants: counts, and the tenants with a fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenants: Option<TenantsStatus>,
}

/// The reason why the id of an app is not known, or why its users cannot be read.
#[derive(Serialize)]
struct AppError {
    /// The place in the configuration.
    app: String,
    /// The issuer refuses the app key, or the secret with it.
    key_refused: bool,
    error: String,
}

fn app_errors(issuer: &Issuer) -> Vec<AppError> {
    let faults = issuer.apps().iter().enumerate().filter_map(|(index, app)| {
        let refused = |error| AppFault { error, key_refused: true };
        let AppFault { error, key_refused } = app.fault().or_else(|| app.refusal().map(refused))?;
        Some(AppError { app: format!("apps[{index}]"), key_refused, error })
    });
    faults.collect()
}

/// The pages.
pub fn router(ops: OpsState) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/status", get(status))
        .with_state(ops)
}

async fn readyz(State(ops): State<OpsState>) -> impl IntoResponse {
    if ops.readiness.is_ready() {
        let degraded = ops.readiness.degraded_by();
        let mut lines: String = degraded.iter().map(|why| format!("degraded: {why}\n")).collect();
        for PartReport { part, name, .. } in ops.readiness.parts().faults() {
            lines.push_str(&format!("fault: {} {name}, see /status\n", part.as_str()));
        }
        return (StatusCode::OK, format!("ready\n{lines}"));
    }
    let waiting = ops.readiness.waiting_for().join("\n  ");
    (StatusCode::SERVICE_UNAVAILABLE, format!("not ready, waiting for:\n  {waiting}\n"))
}

async fn metrics(State(ops): State<OpsState>, request: HeaderMap) -> Response {
    let snapshot = ops.authorizer.snapshot();
    snapshot.verifier().measure_caches();
    snapshot.verifier().measure_keys();
    ops.metrics.measure_process();
    ops.metrics.parts_at_fault(ops.readiness.parts().faults().iter().map(|fault| fault.part));
    ops.metrics.configuration_warnings(ops.warnings.current().len());
    gzip::respond(&request, "text/plain; version=0.0.4; charset=utf-8", ops.metrics.render())
}

async fn status(State(ops): State<OpsState>) -> impl IntoResponse {
    let snapshot = ops.authorizer.snapshot();
    let issuers = snapshot.verifier().issuers().iter().map(|issuer| IssuerStatus {
        name: issuer.name().to_owned(),
        apps: issuer.apps().iter().map(|app| app.id().map(str::to_owned)).collect(),
        app_errors: app_errors(issuer),
        keys: issuer.key_status(),
        tenants: issuer.tenants_status(),
    });
    Json(StatusPage {
        version: env!("CARGO_PKG_VERSION"),
        revision: env!("BUILD_REVISION"),
        ready: ops.readiness.is_ready(),
        waiting_for: ops.readiness.waiting_for(),
        degraded_by: ops.readiness.degraded_by(),
        faults: ops.readiness.parts().faults(),
        config_hash: snapshot.edition().hash.clone(),
        epoch: snapshot.edition().epoch,
        refused: ops.reload_failures.get(),
        warnings: ops.warnings.current().iter().map(ToString::to_string).collect(),
        issuers: issuers.collect(),
        rownd_auth: CallerStatus::of(snapshot.service().callers(), ops.exposed),
        shared: ops.shared.as_ref().map(|shared| shared.page()),
    })
}
