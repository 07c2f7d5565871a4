//! The issuers' keys: fetches, the copy on disk, how many are in use and how many are refused.

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

use super::{
    Labels, Metrics,
    issuer_label::IssuerLabel,
    label::{ByLabel, Label},
};

/// The series of one issuer.
pub(super) struct KeySeries {
    fetches: ByLabel<Counter>,
    snapshots: ByLabel<Counter>,
    usable: Gauge,
    stale: Gauge,
    /// By the index of the reason.
    refused: Vec<Gauge>,
    last_success: Gauge,
    tenants: ByLabel<Gauge>,
}

impl KeySeries {
    pub(super) fn describe() {
        describe_counter!(
            "rownd_authz_key_fetches_total",
            "Fetches of key sets, by issuer and result."
        );
        describe_counter!(
            "rownd_authz_key_snapshots_total",
            "Key sets on disk, by issuer and what became of them."
        );
        describe_gauge!("rownd_authz_keys", "Usable keys of an issuer.");
        describe_gauge!(
            "rownd_authz_keys_stale",
            "1 while an issuer's latest answer was invalid, or its keys were forgotten."
        );
        describe_gauge!(
            "rownd_authz_keys_refused",
            "Keys of an issuer's last set that were refused, by reason."
        );
        describe_gauge!(
            "rownd_authz_key_fetch_last_success_timestamp_seconds",
            "When an issuer's keys last came, Unix time; 0 before the first time."
        );
        describe_gauge!(
            "rownd_authz_tenants",
            "Tenants of an issuer, by the state of their keys; 0 for an issuer without tenants."
        );
    }

    pub(super) fn register(name: &str, labels: &Labels) -> Self {
        let gauge_of = |metric: &'static str| gauge!(metric, "issuer" => name.to_owned());
        let refused = |reason: &&'static str| gauge!("rownd_authz_keys_refused", "issuer" => name.to_owned(), "reason" => *reason);
        Self {
            fetches: ByLabel::new(&labels.key_fetches, |result| {
                counter!("rownd_authz_key_fetches_total",
                    "issuer" => name.to_owned(), "result" => result)
            }),
            snapshots: ByLabel::new(&labels.key_snapshots, |result| {
                counter!("rownd_authz_key_snapshots_total",
                    "issuer" => name.to_owned(), "result" => result)
            }),
            usable: gauge_of("rownd_authz_keys"),
            stale: gauge_of("rownd_authz_keys_stale"),
            refused: labels.key_refusals.iter().map(refused).collect(),
            last_success: gauge_of("rownd_authz_key_fetch_last_success_timestamp_seconds"),
            tenants: ByLabel::new(
                &labels.tenant_states,
                |state| gauge!("rownd_authz_tenants", "issuer" => name.to_owned(), "state" => state),
            ),
        }
    }

    /// The gauges show nothing any more: no comparison of an alert is true of "not a number".
    pub(super) fn retire(&self) {
        let gauges = [&self.usable, &self.stale, &self.last_success];
        let gauges = gauges.into_iter().chain(&self.refused).chain(self.tenants.all());
        gauges.for_each(|gauge| gauge.set(f64::NAN));
    }
}

impl Metrics {
    /// A fetch of an issuer's keys ended with this result ([`Labels::key_fetches`]).
    pub fn keys_fetched(&self, issuer: IssuerLabel, result: impl Label) {
        let issuer = self.issuers.at(issuer);
        if let Some(counter) = issuer.and_then(|issuer| issuer.keys.fetches.get(result)) {
            counter.increment(1);
        }
    }

    /// An issuer's key set on disk was read or written ([`Labels::key_snapshots`]).
    pub fn key_snapshot(&self, issuer: IssuerLabel, result: impl Label) {
        let issuer = self.issuers.at(issuer);
        if let Some(counter) = issuer.and_then(|issuer| issuer.keys.snapshots.get(result)) {
            counter.increment(1);
        }
    }

    /// So many keys of an issuer are in use; `stale`: they are not its latest good answer.
    pub fn keys_in_use(&self, issuer: IssuerLabel, usable: usize, stale: bool) {
        if let Some(issuer) = self.issuers.at(issuer) {
            #[expect(clippy::cast_precision_loss, reason = "at most 100 keys")]
            issuer.keys.usable.set(usable as f64);
            issuer.keys.stale.set(f64::from(u8::from(stale)));
        }
    }

    /// So many tenants of an issuer have keys in this state ([`Labels::tenant_states`]).
    pub fn tenants(&self, issuer: IssuerLabel, state: impl Label, tenants: usize) {
        let issuer = self.issuers.at(issuer);
        if let Some(gauge) = issuer.and_then(|issuer| issuer.keys.tenants.get(state)) {
            #[expect(clippy::cast_precision_loss, reason = "at most 256 tenants")]
            gauge.set(tenants as f64);
        }
    }

    /// An issuer's keys came at this time (Unix seconds).
    pub fn keys_came(&self, issuer: IssuerLabel, at: f64) {
        if let Some(issuer) = self.issuers.at(issuer) {
            issuer.keys.last_success.set(at);
        }
    }

    /// So many keys of an issuer's last set were refused for each reason, in the order of
    /// [`Labels::key_refusals`].
    pub fn keys_refused(&self, issuer: IssuerLabel, refused: &[usize]) {
        if let Some(issuer) = self.issuers.at(issuer) {
            for (gauge, count) in issuer.keys.refused.iter().zip(refused) {
                #[expect(clippy::cast_precision_loss, reason = "at most 100 keys")]
                gauge.set(*count as f64);
            }
        }
    }
}
