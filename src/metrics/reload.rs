//! What is read again while the process runs, and how that ends.

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

use super::Metrics;

const CERTIFICATE_END: &str = "rownd_authz_certificate_not_after_timestamp_seconds";

/// What can be read again while the process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Reload {
    /// The configuration with its secrets.
    Config,
    /// The certificate of the gRPC listener, its key, and who signs those of clients.
    Certificate,
}

impl Reload {
    const ALL: [Self; 2] = [Self::Config, Self::Certificate];

    /// The label value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Certificate => "certificate",
        }
    }
}

/// How reading again ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum ReloadResult {
    /// What is new is in force.
    Ok,
    /// Nothing is new.
    Unchanged,
    /// It is no good, or needs a restart: the last good one stays in force.
    Refused,
}

impl ReloadResult {
    const ALL: [Self; 3] = [Self::Ok, Self::Unchanged, Self::Refused];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unchanged => "unchanged",
            Self::Refused => "refused",
        }
    }
}

/// The handles of one thing that is read again.
struct Reloading {
    results: Vec<Counter>,
    failed: Gauge,
}

/// The handles of this file.
pub(super) struct Handles {
    all: [Reloading; Reload::ALL.len()],
    epoch: Gauge,
    certificate_end: Gauge,
}

impl Handles {
    pub(super) fn register() -> Self {
        describe_counter!(
            "rownd_authz_reloads_total",
            "Readings of what may change while running, by result."
        );
        describe_gauge!(
            "rownd_authz_reload_failed",
            "1 where what was read last is not what is in force."
        );
        describe_gauge!("rownd_authz_config_epoch", "Configurations put in force since the start.");
        describe_gauge!(
            CERTIFICATE_END,
            "When the certificate of the gRPC listener expires, Unix time; 0 without TLS."
        );
        let reloading = |what: Reload| {
            let what = what.as_str();
            let counter = |result: &ReloadResult| counter!("rownd_authz_reloads_total", "what" => what, "result" => result.as_str());
            Reloading {
                results: ReloadResult::ALL.iter().map(counter).collect(),
                failed: gauge!("rownd_authz_reload_failed", "what" => what),
            }
        };
        Self {
            all: Reload::ALL.map(reloading),
            epoch: gauge!("rownd_authz_config_epoch"),
            certificate_end: gauge!(CERTIFICATE_END),
        }
    }
}

impl Metrics {
    /// Something was read again; whether it is what is in force now.
    pub fn reloaded(&self, what: Reload, result: ReloadResult) {
        if let Some(reloading) = self.reload.all.get(what as usize) {
            if let Some(counter) = reloading.results.get(result as usize) {
                counter.increment(1);
            }
            let failed = result == ReloadResult::Refused;
            reloading.failed.set(if failed { 1.0 } else { 0.0 });
        }
    }

    /// The certificate in use expires then (Unix seconds).
    pub fn certificate_ends(&self, at: u64) {
        #[expect(clippy::cast_precision_loss, reason = "exact for longer than certificates live")]
        self.reload.certificate_end.set(at as f64);
    }

    /// The configuration of this number is in force.
    pub fn epoch(&self, epoch: u64) {
        #[expect(clippy::cast_precision_loss, reason = "exact for longer than a process lives")]
        self.reload.epoch.set(epoch as f64);
    }
}
