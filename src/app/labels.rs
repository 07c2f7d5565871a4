//! The labels of metrics: those of this room, and those that the other rooms add.

use strum::{IntoStaticStr, VariantArray};

use crate::{
    authz, events, grpc,
    health::Part,
    hooks, http, issuer_api,
    metrics::{LabelValues, Labels},
    passport, profile, shared, verify,
};

/// The fate of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(super) enum ConnectionResult {
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

/// How a reload ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(super) enum ReloadResult {
    /// The new version is in force.
    Ok,
    /// Nothing has changed.
    Unchanged,
    /// The new version is invalid or needs a restart: the last good one stays in force.
    Refused,
}

/// The values of every label. `issuers` are the configured names of the issuers.
#[must_use]
pub fn labels(issuers: impl IntoIterator<Item = String>) -> Labels {
    let mut labels = Labels::of_issuers(issuers);
    labels.connection_results = LabelValues::of::<ConnectionResult>();
    labels.reload_results = LabelValues::of::<ReloadResult>();
    labels.parts = LabelValues::of::<Part>();
    shared::add_labels(&mut labels);
    verify::add_labels(&mut labels);
    issuer_api::add_labels(&mut labels);
    profile::add_labels(&mut labels);
    passport::add_labels(&mut labels);
    events::add_labels(&mut labels);
    hooks::add_labels(&mut labels);
    authz::add_labels(&mut labels);
    grpc::add_labels(&mut labels);
    http::add_labels(&mut labels);
    labels
}
