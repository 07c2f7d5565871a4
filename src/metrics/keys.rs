//! The issuers' keys: fetches, the copy on disk, how many are in use and how many are refused.

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};
use strum::{IntoStaticStr, VariantArray};

use super::{Metrics, issuer_label::IssuerLabel, label::ByLabel};

/// How a fetch of keys ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum FetchResult {
    /// A usable key set came.
    Ok,
    /// No connection, or it broke.
    Network,
    /// It took longer than allowed.
    Timeout,
    /// An HTTP status other than 200.
    Status,
    /// The document is no key set, too large, or holds no usable key.
    Invalid,
}

/// The fate of an issuer's key set on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum SnapshotResult {
    /// The process started with it.
    Loaded,
    /// There was none at the start.
    Absent,
    /// There was one that cannot be trusted.
    Refused,
    /// It was written after a fetch.
    Written,
    /// It could not be written.
    WriteFailed,
}

/// The state of a tenant's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
enum TenantState {
    /// They are its latest good answer.
    Fresh,
    /// They are in use, and not its latest good answer.
    Stale,
    /// No token of it can be verified.
    WithoutKeys,
}

/// The numbers of tenants of one issuer, by the state of their keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TenantCounts {
    /// Their keys are the latest good answer.
    pub fresh: usize,
    /// Their keys are in use, and not the latest good answer.
    pub stale: usize,
    /// No token of theirs can be verified.
    pub without_keys: usize,
}

/// The series of one issuer.
pub(super) struct KeySeries {
    fetches: ByLabel<FetchResult, Counter>,
    snapshots: ByLabel<SnapshotResult, Counter>,
    usable: Gauge,
    stale: Gauge,
    /// By the index of the reason.
    refused: Vec<Gauge>,
    last_success: Gauge,
    tenants: ByLabel<TenantState, Gauge>,
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

    pub(super) fn register(name: &str, refusals: &[&'static str]) -> Self {
        let gauge_of = |metric: &'static str| gauge!(metric, "issuer" => name.to_owned());
        let refused = |reason: &&'static str| gauge!("rownd_authz_keys_refused", "issuer" => name.to_owned(), "reason" => *reason);
        Self {
            fetches: ByLabel::new(|result| {
                counter!("rownd_authz_key_fetches_total",
                    "issuer" => name.to_owned(), "result" => result)
            }),
            snapshots: ByLabel::new(|result| {
                counter!("rownd_authz_key_snapshots_total",
                    "issuer" => name.to_owned(), "result" => result)
            }),
            usable: gauge_of("rownd_authz_keys"),
            stale: gauge_of("rownd_authz_keys_stale"),
            refused: refusals.iter().map(refused).collect(),
            last_success: gauge_of("rownd_authz_key_fetch_last_success_timestamp_seconds"),
            tenants: ByLabel::new(
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
    /// A fetch of an issuer's keys ended.
    pub fn keys_fetched(&self, issuer: IssuerLabel, result: FetchResult) {
        let issuer = self.issuers.at(issuer);
        if let Some(counter) = issuer.and_then(|issuer| issuer.keys.fetches.get(result)) {
            counter.increment(1);
        }
    }

    /// An issuer's key set on disk was read or written.
    pub fn key_snapshot(&self, issuer: IssuerLabel, result: SnapshotResult) {
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

    /// The tenants of an issuer, by the state of their keys.
    pub fn tenants(&self, issuer: IssuerLabel, counts: TenantCounts) {
        let TenantCounts { fresh, stale, without_keys } = counts;
        let Some(issuer) = self.issuers.at(issuer) else { return };
        for (state, count) in [
            (TenantState::Fresh, fresh),
            (TenantState::Stale, stale),
            (TenantState::WithoutKeys, without_keys),
        ] {
            if let Some(gauge) = issuer.keys.tenants.get(state) {
                #[expect(clippy::cast_precision_loss, reason = "at most 256 tenants")]
                gauge.set(count as f64);
            }
        }
    }

    /// An issuer's keys came at this time (Unix seconds).
    pub fn keys_came(&self, issuer: IssuerLabel, at: f64) {
        if let Some(issuer) = self.issuers.at(issuer) {
            issuer.keys.last_success.set(at);
        }
    }

    /// So many keys of an issuer's last set were refused for each reason, in the order of
    /// [`super::Labels::key_refusals`].
    pub fn keys_refused(&self, issuer: IssuerLabel, refused: &[usize]) {
        if let Some(issuer) = self.issuers.at(issuer) {
            for (gauge, count) in issuer.keys.refused.iter().zip(refused) {
                #[expect(clippy::cast_precision_loss, reason = "at most 100 keys")]
                gauge.set(*count as f64);
            }
        }
    }
}
