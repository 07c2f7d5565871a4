//! Every metric: name, help, labels, and one typed recording function each.
//!
//! The only file that writes to the `metrics` crate. Handles are made once, so that a check
//! records by an index and formats nothing; every series exists from the start, so that a
//! rate is right from the first event on. No label ever holds what a client sent.
#![expect(clippy::disallowed_macros, reason = "the room where metrics are at home")]

mod caches;
mod calls;
mod fresh;
mod keys;
mod reload;
mod rownd;
mod rpcs;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram, with_local_recorder,
};
use metrics_exporter_prometheus::{
    Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};

pub use caches::CacheName;
pub use calls::{CallKind, CallRefusal};
pub use fresh::{Command, CommandResult, ProfileResult, Withdrawn};
pub use keys::{FetchResult, KEY_REFUSALS, SnapshotResult};
pub use reload::{Reload, ReloadResult};
pub use rownd::{Endpoint, RowndResult};
pub use rpcs::{CallerRefusal, RpcLabel};

/// Upper bounds of `check_duration_seconds`: 10 microseconds to 1 second.
const BUCKETS: [f64; 16] = [
    0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025,
    0.05, 0.1, 0.25, 0.5, 1.0,
];

/// Names of issuers that one process can count, from its start to its end: reloads bring new
/// ones, and a series once made stays.
const MAX_ISSUERS: usize = 128;

/// By which API a check came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Api {
    /// Envoy's external authorization.
    ExtAuthz,
    /// The service for backends: a token that was asked about.
    RowndAuth,
}

impl Api {
    const ALL: [Self; 2] = [Self::ExtAuthz, Self::RowndAuth];

    const fn as_str(self) -> &'static str {
        match self {
            Self::ExtAuthz => "ext_authz",
            Self::RowndAuth => "rownd_auth",
        }
    }
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Let through.
    Allow,
    /// Denied.
    Deny,
    /// Denied because it could not be decided.
    Unavailable,
}

impl Outcome {
    const ALL: [Self; 3] = [Self::Allow, Self::Deny, Self::Unavailable];

    /// The label value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Unavailable => "unavailable",
        }
    }
}

/// What became of a connection to a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum ConnectionResult {
    /// It speaks HTTP/2 and is served.
    Served,
    /// It did not send the HTTP/2 preface in time.
    NoPreface,
    /// The TLS handshake failed or took too long.
    TlsFailed,
    /// Accepting failed, for want of descriptors for example.
    AcceptFailed,
    /// It was served and did not read its answers, so it was ended.
    Unread,
    /// It did nothing and made room for another, all places being taken.
    Evicted,
}

impl ConnectionResult {
    const ALL: [Self; 6] = [
        Self::Served,
        Self::NoPreface,
        Self::TlsFailed,
        Self::AcceptFailed,
        Self::Unread,
        Self::Evicted,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::NoPreface => "no_preface",
            Self::TlsFailed => "tls_failed",
            Self::AcceptFailed => "accept_failed",
            Self::Unread => "unread",
            Self::Evicted => "evicted",
        }
    }
}

/// The label values that come from other rooms. All are known at start.
#[derive(Debug, Clone)]
pub struct Labels {
    /// Outcome and reason of every possible end of a check, in the order of the caller's index.
    pub reasons: Vec<(Outcome, &'static str)>,
    /// Result words of a verification, in the order of the caller's index.
    pub verifications: Vec<&'static str>,
    /// The configured names of the issuers.
    pub issuers: Vec<String>,
    /// The names of the methods of the service for backends.
    pub rpcs: Vec<&'static str>,
}

/// The handles of one API's checks.
struct Checks {
    ends: Vec<Counter>,
    durations: [Histogram; 3],
    in_flight: Gauge,
}

/// The series of one issuer. Only [`Metrics::issuer`] makes one. It keeps its number for as long as
/// the process runs, while the places of issuers change with the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssuerLabel(usize);

/// The handles of one issuer.
struct Issuer {
    verifications: Vec<Counter>,
    keys: keys::Handles,
    rownd: Vec<rownd::Calls>,
}

/// All recording functions.
pub struct Metrics {
    outcomes: Vec<Outcome>,
    checks: [Checks; 2],
    rpcs: rpcs::Handles,
    calls: calls::Handles,
    verifications: Vec<&'static str>,
    /// Filled from the front, as names become known; a place once taken stays.
    issuers: Vec<OnceLock<Issuer>>,
    issuer_names: Mutex<Vec<String>>,
    unknown_issuer: Vec<Counter>,
    caches: caches::Handles,
    dropped_logs: Vec<Counter>,
    lost_log_lines: Gauge,
    malformed_calls: Counter,
    connections: Gauge,
    connection_results: Vec<Counter>,
    dev_mode: Gauge,
    fresh: fresh::Handles,
    reload: reload::Handles,
    recorder: OnceLock<PrometheusRecorder>,
    handle: PrometheusHandle,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Makes a recorder of its own and every series in it.
    pub fn build(labels: &Labels) -> Result<Arc<Self>, metrics_exporter_prometheus::BuildError> {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(
                Matcher::Full("rownd_authz_check_duration_seconds".to_owned()),
                &BUCKETS,
            )?
            .set_buckets_for_metric(Matcher::Full(rownd::DURATION.to_owned()), &rownd::BUCKETS)?
            .set_buckets_for_metric(Matcher::Full(rpcs::DURATION.to_owned()), &rownd::BUCKETS)?
            .build_recorder();
        let handle = recorder.handle();
        let metrics = with_local_recorder(&recorder, || {
            describe();
            caches::describe();
            keys::describe();
            gauge!("rownd_authz_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
            Self::register(labels, handle)
        });
        let _ = metrics.recorder.set(recorder);
        for name in &labels.issuers {
            let _ = metrics.issuer(name);
        }
        Ok(Arc::new(metrics))
    }

    fn register(labels: &Labels, handle: PrometheusHandle) -> Self {
        Self {
            outcomes: labels.reasons.iter().map(|(outcome, _)| *outcome).collect(),
            checks: Api::ALL.map(|api| checks(api.as_str(), labels)),
            rpcs: rpcs::Handles::register(&labels.rpcs),
            calls: calls::Handles::register(),
            verifications: labels.verifications.clone(),
            issuers: (0..MAX_ISSUERS).map(|_| OnceLock::new()).collect(),
            issuer_names: Mutex::default(),
            unknown_issuer: verifications("unknown", &labels.verifications),
            caches: caches::Handles::register(),
            dropped_logs: labels
                .reasons
                .iter()
                .map(|(_, reason)| {
                    counter!("rownd_authz_denial_logs_dropped_total", "reason" => *reason)
                })
                .collect(),
            lost_log_lines: gauge!("rownd_authz_log_lines_lost"),
            malformed_calls: counter!("rownd_authz_malformed_calls_total"),
            connections: gauge!("rownd_authz_connections", "listener" => "grpc"),
            connection_results: ConnectionResult::ALL
                .iter()
                .map(|result| {
                    counter!("rownd_authz_connections_total",
                        "listener" => "grpc", "result" => result.as_str())
                })
                .collect(),
            dev_mode: gauge!("rownd_authz_dev_mode"),
            fresh: fresh::Handles::register(),
            reload: reload::Handles::register(),
            recorder: OnceLock::new(),
            handle,
        }
    }

    /// A check begins.
    pub fn check_started(&self, api: Api) {
        self.checks_of(api).in_flight.increment(1.0);
    }

    /// A check ended with the reason of this index, after this time.
    pub fn check_ended(&self, api: Api, reason: usize, took: Duration) {
        let checks = self.checks_of(api);
        checks.in_flight.decrement(1.0);
        if let Some(counter) = checks.ends.get(reason) {
            counter.increment(1);
        }
        if let Some(outcome) = self.outcomes.get(reason)
            && let Some(histogram) = checks.durations.get(*outcome as usize)
        {
            histogram.record(took.as_secs_f64());
        }
    }

    const fn checks_of(&self, api: Api) -> &Checks {
        let [ext_authz, rownd_auth] = &self.checks;
        match api {
            Api::ExtAuthz => ext_authz,
            Api::RowndAuth => rownd_auth,
        }
    }

    /// The label of an issuer's series, which are made if there are none yet. `None`: there have
    /// been too many names since the start.
    #[must_use]
    pub fn issuer(&self, name: &str) -> Option<IssuerLabel> {
        let mut names = self.issuer_names.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = names.iter().position(|known| known == name) {
            return Some(IssuerLabel(index));
        }
        let place = self.issuers.get(names.len())?;
        let made = with_local_recorder(self.recorder.get()?, || Issuer {
            verifications: verifications(name, &self.verifications),
            keys: keys::Handles::register(name),
            rownd: rownd::calls(name),
        });
        let _ = place.set(made);
        names.push(name.to_owned());
        Some(IssuerLabel(names.len() - 1))
    }

    /// An issuer is configured no more. What its gauges said holds no longer: no comparison of an
    /// alert is true of "not a number".
    pub fn issuer_removed(&self, issuer: IssuerLabel) {
        if let Some(issuer) = self.issuer_at(issuer) {
            issuer.keys.retire();
        }
    }

    fn issuer_at(&self, label: IssuerLabel) -> Option<&Issuer> {
        self.issuers.get(label.0)?.get()
    }

    /// A token was verified, or refused, by the issuer of this label; `None`: by none.
    pub fn verified(&self, issuer: Option<IssuerLabel>, result: usize) {
        let counters = match issuer {
            None => Some(&self.unknown_issuer),
            Some(label) => self.issuer_at(label).map(|issuer| &issuer.verifications),
        };
        if let Some(counter) = counters.and_then(|counters| counters.get(result)) {
            counter.increment(1);
        }
    }

    /// A denial of this reason was not logged, because there were too many.
    pub fn denial_log_dropped(&self, reason: usize) {
        if let Some(counter) = self.dropped_logs.get(reason) {
            counter.increment(1);
        }
    }

    /// Log lines lost so far because the sink does not keep up.
    pub fn log_lines_lost(&self, lines: usize) {
        #[expect(clippy::cast_precision_loss, reason = "a count for people")]
        self.lost_log_lines.set(lines as f64);
    }

    /// HTTP/2 calls that were refused since the start because their headers are malformed.
    pub fn calls_malformed(&self, calls: u64) {
        self.malformed_calls.absolute(calls);
    }

    /// A connection was taken or refused.
    pub fn connection(&self, result: ConnectionResult) {
        if let Some(counter) = self.connection_results.get(result as usize) {
            counter.increment(1);
        }
    }

    /// Connections open now: one more or one fewer.
    pub fn connection_opened(&self) {
        self.connections.increment(1.0);
    }

    /// See [`Self::connection_opened`].
    pub fn connection_closed(&self) {
        self.connections.decrement(1.0);
    }

    /// This build carries the emulator and runs with it.
    pub fn dev_mode(&self) {
        self.dev_mode.set(1.0);
    }

    /// The Prometheus text exposition.
    #[must_use]
    pub fn render(&self) -> String {
        self.handle.render()
    }

    /// Folds recorded samples into buckets; without it they pile up until the next scrape.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}

fn checks(name: &'static str, labels: &Labels) -> Checks {
    Checks {
        ends: labels
            .reasons
            .iter()
            .map(|(outcome, reason)| {
                counter!("rownd_authz_checks_total",
                    "api" => name, "outcome" => outcome.as_str(), "reason" => *reason)
            })
            .collect(),
        durations: Outcome::ALL.map(|outcome| {
            histogram!("rownd_authz_check_duration_seconds",
                "api" => name, "outcome" => outcome.as_str())
        }),
        in_flight: gauge!("rownd_authz_in_flight", "api" => name),
    }
}

fn verifications(issuer: &str, results: &[&'static str]) -> Vec<Counter> {
    let make = |result: &&'static str| {
        counter!("rownd_authz_verifications_total",
            "issuer" => issuer.to_owned(), "result" => *result)
    };
    results.iter().map(make).collect()
}

fn describe() {
    rownd::describe();
    rpcs::describe();
    calls::describe();
    let counters = [
        ("rownd_authz_checks_total", "Checks answered, by API, outcome and reason."),
        ("rownd_authz_verifications_total", "Tokens verified, by issuer and result."),
        ("rownd_authz_denial_logs_dropped_total", "Denials not logged, by reason: too many."),
        ("rownd_authz_malformed_calls_total", "Calls that HTTP/2 refused: malformed headers."),
        ("rownd_authz_connections_total", "Connections to a listener, by what became of them."),
    ];
    for (name, help) in counters {
        describe_counter!(name, help);
    }
    let gauges = [
        ("rownd_authz_in_flight", "Checks being answered now."),
        ("rownd_authz_build_info", "Always 1; the labels name the build."),
        ("rownd_authz_connections", "Connections open now."),
        ("rownd_authz_log_lines_lost", "Log lines lost since the start: the sink is too slow."),
        ("rownd_authz_dev_mode", "1 where the embedded emulator runs. Never in production."),
    ];
    for (name, help) in gauges {
        describe_gauge!(name, help);
    }
    describe_histogram!(
        "rownd_authz_check_duration_seconds",
        Unit::Seconds,
        "Time to answer a check, by API and outcome."
    );
}
