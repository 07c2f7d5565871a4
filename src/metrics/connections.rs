//! Connections to the gRPC listener, and the calls on them that HTTP/2 itself refused.

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

use super::{
    Labels, Metrics,
    label::{ByLabel, Label},
};

/// The series of this file.
pub(super) struct ConnectionSeries {
    open: Gauge,
    results: ByLabel<Counter>,
    malformed_calls: Counter,
}

impl ConnectionSeries {
    pub(super) fn register(labels: &Labels) -> Self {
        describe_counter!(
            "rownd_authz_connections_total",
            "Connections to a listener, by what became of them."
        );
        describe_gauge!("rownd_authz_connections", "Connections open now.");
        describe_counter!(
            "rownd_authz_malformed_calls_total",
            "Calls that HTTP/2 refused: malformed headers."
        );
        Self {
            open: gauge!("rownd_authz_connections", "listener" => "grpc"),
            results: ByLabel::new(
                &labels.connection_results,
                |result| counter!("rownd_authz_connections_total", "listener" => "grpc", "result" => result),
            ),
            malformed_calls: counter!("rownd_authz_malformed_calls_total"),
        }
    }
}

impl Metrics {
    /// This became of a connection ([`Labels::connection_results`]).
    pub fn connection(&self, result: impl Label) {
        if let Some(counter) = self.connections.results.get(result) {
            counter.increment(1);
        }
    }

    /// One more connection is open.
    pub fn connection_opened(&self) {
        self.connections.open.increment(1.0);
    }

    /// One connection fewer is open.
    pub fn connection_closed(&self) {
        self.connections.open.decrement(1.0);
    }

    /// So many calls were refused since the start because their headers are malformed.
    pub fn calls_malformed(&self, calls: u64) {
        self.connections.malformed_calls.absolute(calls);
    }
}
