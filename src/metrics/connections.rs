//! Connections to the gRPC listener, and the calls on them that HTTP/2 itself refused.

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};
use strum::{IntoStaticStr, VariantArray};

use super::{Metrics, label::ByLabel};

/// The fate of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum ConnectionResult {
    /// It speaks HTTP/2 and is served.
    Served,
    /// It did not send the HTTP/2 preface in time.
    NoPreface,
    /// The TLS handshake failed or took too long.
    TlsFailed,
    /// It could not be accepted, for example because no file descriptor was free.
    AcceptFailed,
    /// It was served and did not read its responses, so it was closed.
    Unread,
    /// It was idle and was closed in favour of a new one, because the limit was reached.
    Evicted,
}

/// The series of this file.
pub(super) struct ConnectionSeries {
    open: Gauge,
    results: ByLabel<ConnectionResult, Counter>,
    malformed_calls: Counter,
}

impl ConnectionSeries {
    pub(super) fn register() -> Self {
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
                |result| counter!("rownd_authz_connections_total", "listener" => "grpc", "result" => result),
            ),
            malformed_calls: counter!("rownd_authz_malformed_calls_total"),
        }
    }
}

impl Metrics {
    /// This became of a connection.
    pub fn connection(&self, result: ConnectionResult) {
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
