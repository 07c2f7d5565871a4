//! Every metric: name, help, labels, and one typed recording function each.
//!
//! In: what happened, as values of enums of the rooms that it happens in ([`Label`]) or as indexes
//! of the words in [`Labels`]. Out: the text exposition of Prometheus. The values of every label are
//! known at the start, so that a check records by an index and formats nothing. Series that an alert
//! counts from zero are made at the start, the others by their first event. No label ever holds what a
//! client sent.
#![expect(clippy::disallowed_macros, reason = "the room where metrics are defined")]

mod caches;
mod call_refusals;
mod checks;
mod commands;
mod connections;
mod events;
mod exposition;
mod hooks;
mod inbound;
mod issuer_api;
mod issuer_label;
mod issuers;
mod keys;
mod label;
mod lazy;
mod passports;
mod process;
mod profiles;
mod reloads;
mod revocations;
mod rpcs;
mod rules;
mod shared;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use metrics::with_local_recorder;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

pub use checks::EndLabel;
pub use events::SinkLabel;
pub use issuer_label::IssuerLabel;
pub use label::{Label, LabelValues};
pub use rpcs::RpcLabel;

/// The values of every label: words of other rooms, each of which adds its own. All are known at the
/// start.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    /// Outcome and reason of every possible end of a check.
    pub reasons: Vec<EndLabel>,
    /// Words for every result of a verification.
    pub verifications: Vec<&'static str>,
    /// Words for every reason why a key is not used.
    pub key_refusals: Vec<&'static str>,
    /// The configured names of the issuers.
    pub issuers: Vec<String>,
    /// The names of the methods of the service for backends.
    pub rpcs: Vec<&'static str>,
    /// The APIs through which a check can come.
    pub check_apis: LabelValues,
    /// How a check can end.
    pub check_outcomes: LabelValues,
    /// How a rule can decide, or would.
    pub rule_outcomes: LabelValues,
    /// The identity headers that may be left out.
    pub omitted_headers: LabelValues,
    /// The kinds of calls, by how long they may last.
    pub call_kinds: LabelValues,
    /// Why a call can be refused.
    pub call_refusals: LabelValues,
    /// Why a caller of the service for backends can be refused.
    pub caller_refusals: LabelValues,
    /// The fates of a connection.
    pub connection_results: LabelValues,
    /// The commands of the control listener.
    pub commands: LabelValues,
    /// How a command can end.
    pub command_results: LabelValues,
    /// The kinds of requests of other servers.
    pub inbound_kinds: LabelValues,
    /// How a request of another server can end.
    pub inbound_results: LabelValues,
    /// The things that can be read again.
    pub reload_subjects: LabelValues,
    /// How a reload can end.
    pub reload_results: LabelValues,
    /// The endpoints of issuers' APIs.
    pub api_endpoints: LabelValues,
    /// How a request to an issuer's API can end.
    pub api_results: LabelValues,
    /// How a fetch of keys can end.
    pub key_fetches: LabelValues,
    /// The fates of a key set on disk.
    pub key_snapshots: LabelValues,
    /// The states of a tenant's keys.
    pub tenant_states: LabelValues,
    /// The caches of the verifier.
    pub caches: LabelValues,
    /// The kinds of revocations.
    pub revocation_kinds: LabelValues,
    /// How a lookup of a profile can end.
    pub profile_results: LabelValues,
    /// How a request can get a passport.
    pub passport_results: LabelValues,
    /// How a question to a hook can end.
    pub hook_results: LabelValues,
    /// The requests to the shared state.
    pub shared_operations: LabelValues,
    /// How a request to the shared state can end.
    pub shared_results: LabelValues,
    /// How a refresh by way of the shared state can end.
    pub shared_refreshes: LabelValues,
    /// The configured names of the sinks of events.
    pub event_sinks: Vec<String>,
    /// The types of events.
    pub event_types: LabelValues,
    /// The kinds of parts that work in the background.
    pub parts: LabelValues,
}

impl Labels {
    /// The values where these issuers are configured, before the rooms have added theirs.
    #[must_use]
    pub fn of_issuers(names: impl IntoIterator<Item = String>) -> Self {
        Self { issuers: names.into_iter().collect(), ..Self::default() }
    }
}

/// All recording functions.
pub struct Metrics {
    checks: checks::CheckSeries,
    rpcs: rpcs::RpcSeries,
    call_refusals: call_refusals::CallRefusalSeries,
    issuers: issuers::IssuerSeries,
    caches: caches::CacheSeries,
    connections: connections::ConnectionSeries,
    revocations: revocations::RevocationSeries,
    profiles: profiles::ProfileSeries,
    passports: passports::PassportSeries,
    commands: commands::CommandSeries,
    inbound: inbound::InboundSeries,
    reloads: reloads::ReloadSeries,
    rules: rules::RuleSeries,
    shared: shared::SharedSeries,
    events: events::EventSeries,
    hooks: hooks::HookSeries,
    process: process::ProcessSeries,
    recorder: lazy::Recorder,
    handle: PrometheusHandle,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Makes a recorder of its own and every series in it.
    ///
    /// # Errors
    ///
    /// Fails where a histogram has no buckets, which the constants here rule out.
    pub fn build(labels: &Labels) -> Result<Arc<Self>, metrics_exporter_prometheus::BuildError> {
        let named = |name: &str| Matcher::Full(name.to_owned());
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(named(checks::DURATION), &checks::BUCKETS)?
            .set_buckets_for_metric(named(issuer_api::DURATION), &issuer_api::BUCKETS)?
            .set_buckets_for_metric(named(rpcs::DURATION), &issuer_api::BUCKETS)?
            .set_buckets_for_metric(named(hooks::DURATION), &issuer_api::BUCKETS)?
            .build_recorder();
        let handle = recorder.handle();
        let metrics = with_local_recorder(&recorder, || Self::register(labels, handle));
        let _ = metrics.recorder.set(recorder);
        for name in &labels.issuers {
            let _ = metrics.issuer(name);
        }
        Ok(Arc::new(metrics))
    }

    fn register(labels: &Labels, handle: PrometheusHandle) -> Self {
        Self {
            checks: checks::CheckSeries::register(labels),
            rpcs: rpcs::RpcSeries::register(labels),
            call_refusals: call_refusals::CallRefusalSeries::register(labels),
            issuers: issuers::IssuerSeries::register(labels),
            caches: caches::CacheSeries::register(labels),
            connections: connections::ConnectionSeries::register(labels),
            revocations: revocations::RevocationSeries::register(labels),
            profiles: profiles::ProfileSeries::register(labels),
            passports: passports::PassportSeries::register(labels),
            commands: commands::CommandSeries::register(labels),
            inbound: inbound::InboundSeries::register(labels),
            reloads: reloads::ReloadSeries::register(labels),
            rules: rules::RuleSeries::register(labels),
            shared: shared::SharedSeries::register(labels),
            events: events::EventSeries::register(labels),
            hooks: hooks::HookSeries::register(labels),
            process: process::ProcessSeries::register(labels),
            recorder: OnceLock::new(),
            handle,
        }
    }

    /// The Prometheus text exposition, in a stable order.
    #[must_use]
    pub fn render(&self) -> String {
        exposition::sorted(&self.handle.render())
    }

    /// Folds recorded samples into buckets; without it they pile up until the next scrape.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}
