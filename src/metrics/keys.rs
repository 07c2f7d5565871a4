//! The issuers' keys: fetches, the copy on disk, how many are in use and how many are refused.

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

use super::{
    Labels, Metrics,
    issuer_label::IssuerLabel,
    label::{ByLabel, Label, LabelValues},
    lazy::Lazy,
};

/// The series of one issuer.
pub(super) struct KeySeries {
    /// Made by the first fetch, with every result: keys in place are never fetched.
    fetches: Lazy<ByLabel<Counter>>,
    /// Made by the look at the start, with every result.
    snapshots: Lazy<ByLabel<Counter>>,
    usable: Gauge,
    stale: Gauge,
    /// By the index of the reason.
    refused: Vec<Lazy<Gauge>>,
    last_success: Gauge,
    tenants: Lazy<ByLabel<Gauge>>,
    app_keys_refused: Gauge,
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
        describe_gauge!("rownd_authz_tenants", "Tenants of an issuer, by the state of their keys.");
        describe_gauge!(
            "rownd_authz_app_keys_refused",
            "apps whose key or secret the issuer refuses."
        );
    }

    pub(super) fn register(name: &str, labels: &Labels) -> Self {
        let gauge_of = |metric: &'static str| gauge!(metric, "issuer" => name.to_owned());
        let refused = |reason: &'static str| {
            let issuer = name.to_owned();
            Lazy::new(
                move || gauge!("rownd_authz_keys_refused", "issuer" => issuer.clone(), "reason" => reason),
            )
        };
        let counters = |metric: &'static str, results: &LabelValues| {
            let (issuer, results) = (name.to_owned(), results.clone());
            Lazy::new(move || {
                ByLabel::new(
                    &results,
                    |result| counter!(metric, "issuer" => issuer.clone(), "result" => result),
                )
            })
        };
        let (issuer, states) = (name.to_owned(), labels.tenant_states.clone());
        Self {
            fetches: counters("rownd_authz_key_fetches_total", &labels.key_fetches),
            snapshots: counters("rownd_authz_key_snapshots_total", &labels.key_snapshots),
            usable: gauge_of("rownd_authz_keys"),
            stale: gauge_of("rownd_authz_keys_stale"),
            refused: labels.key_refusals.iter().copied().map(refused).collect(),
            last_success: gauge_of("rownd_authz_key_fetch_last_success_timestamp_seconds"),
            tenants: Lazy::new(move || {
                ByLabel::new(
                    &states,
                    |state| gauge!("rownd_authz_tenants", "issuer" => issuer.clone(), "state" => state),
                )
            }),
            app_keys_refused: gauge_of("rownd_authz_app_keys_refused"),
        }
    }

    /// The gauges show nothing any more: no comparison of an alert is true of "not a number".
    pub(super) fn retire(&self) {
        let gauges = [&self.usable, &self.stale, &self.last_success, &self.app_keys_refused];
        let tenants = self.tenants.made().into_iter().flat_map(ByLabel::all);
        let refused = self.refused.iter().filter_map(Lazy::made);
        gauges.into_iter().chain(refused).chain(tenants).for_each(|gauge| gauge.set(f64::NAN));
    }
}

impl Metrics {
    /// A fetch of an issuer's keys ended with this result ([`Labels::key_fetches`]).
    pub fn keys_fetched(&self, issuer: IssuerLabel, result: impl Label) {
        let series = self.issuers.at(issuer).and_then(|one| one.keys.fetches.get(&self.recorder));
        if let Some(counter) = series.and_then(|series| series.get(result)) {
            counter.increment(1);
        }
    }

    /// An issuer's key set on disk was read or written ([`Labels::key_snapshots`]).
    pub fn key_snapshot(&self, issuer: IssuerLabel, result: impl Label) {
        let series = self.issuers.at(issuer).and_then(|one| one.keys.snapshots.get(&self.recorder));
        if let Some(counter) = series.and_then(|series| series.get(result)) {
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
        let series = self.issuers.at(issuer).and_then(|one| one.keys.tenants.get(&self.recorder));
        if let Some(gauge) = series.and_then(|series| series.get(state)) {
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

    /// So many apps of an issuer have no id because the issuer refuses their key.
    pub fn app_keys_refused(&self, issuer: IssuerLabel, apps: usize) {
        if let Some(issuer) = self.issuers.at(issuer) {
            #[expect(clippy::cast_precision_loss, reason = "a few apps")]
            issuer.keys.app_keys_refused.set(apps as f64);
        }
    }

    /// So many keys of an issuer's last set were refused for each reason, in the order of
    /// [`Labels::key_refusals`].
    pub fn keys_refused(&self, issuer: IssuerLabel, refused: &[usize]) {
        if let Some(issuer) = self.issuers.at(issuer) {
            for (gauge, count) in issuer.keys.refused.iter().zip(refused) {
                // A reason that no key was refused for has no series.
                let gauge = if *count > 0 { gauge.get(&self.recorder) } else { gauge.made() };
                if let Some(gauge) = gauge {
                    #[expect(clippy::cast_precision_loss, reason = "at most 100 keys")]
                    gauge.set(*count as f64);
                }
            }
        }
    }
}
