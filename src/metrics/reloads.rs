//! Reloads: how reading the configuration or the certificate again ended, and what is in force.

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

use super::{
    Labels, Metrics,
    label::{ByLabel, Label},
};

const CERTIFICATE_END: &str = "rownd_authz_certificate_not_after_timestamp_seconds";

/// The series of one subject.
struct OneSubject {
    results: ByLabel<Counter>,
    failed: Gauge,
}

/// The series of this file.
pub(super) struct ReloadSeries {
    subjects: ByLabel<OneSubject>,
    epoch: Gauge,
    certificate_end: Gauge,
}

impl ReloadSeries {
    pub(super) fn register(labels: &Labels) -> Self {
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
            "When the first certificate of a listener expires, Unix time; 0 without TLS."
        );
        let counter = |what: &'static str, result: &'static str| counter!("rownd_authz_reloads_total", "what" => what, "result" => result);
        Self {
            subjects: ByLabel::new(&labels.reload_subjects, |what| OneSubject {
                results: ByLabel::new(&labels.reload_results, |result| counter(what, result)),
                failed: gauge!("rownd_authz_reload_failed", "what" => what),
            }),
            epoch: gauge!("rownd_authz_config_epoch"),
            certificate_end: gauge!(CERTIFICATE_END),
        }
    }
}

impl Metrics {
    /// A reload of this subject ([`Labels::reload_subjects`]) ended with this result
    /// ([`Labels::reload_results`]). `failed`: the thing that was read last is not in force.
    pub fn reloaded(&self, what: impl Label, result: impl Label, failed: bool) {
        let Some(subject) = self.reloads.subjects.get(what) else { return };
        if let Some(counter) = subject.results.get(result) {
            counter.increment(1);
        }
        subject.failed.set(if failed { 1.0 } else { 0.0 });
    }

    /// The first of the certificates in use expires at this time (Unix seconds).
    pub fn certificate_ends(&self, at: u64) {
        #[expect(clippy::cast_precision_loss, reason = "exact for longer than certificates live")]
        self.reloads.certificate_end.set(at as f64);
    }

    /// The configuration of this number is in force.
    pub fn epoch(&self, epoch: u64) {
        #[expect(clippy::cast_precision_loss, reason = "exact for longer than a process lives")]
        self.reloads.epoch.set(epoch as f64);
    }
}
