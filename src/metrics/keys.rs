//! The issuers' keys: how fetching and keeping them goes, how many are in use, which are refused.

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

use super::{IssuerLabel, Metrics};

/// Why a key is not used, by the words of the verifier.
pub const KEY_REFUSALS: [&str; 11] = [
    "not_strict",
    "wrong_type",
    "secret",
    "use",
    "key_ops",
    "other_type",
    "algorithm",
    "malformed",
    "weak_point",
    "weak_rsa",
    "ambiguous",
];

/// How a fetch of keys ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
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

impl FetchResult {
    const ALL: [Self; 5] = [Self::Ok, Self::Network, Self::Timeout, Self::Status, Self::Invalid];

    /// The label value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Network => "network",
            Self::Timeout => "timeout",
            Self::Status => "status",
            Self::Invalid => "invalid",
        }
    }
}

/// What became of an issuer's key set on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum SnapshotResult {
    /// The process began with it.
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

impl SnapshotResult {
    const ALL: [Self; 5] =
        [Self::Loaded, Self::Absent, Self::Refused, Self::Written, Self::WriteFailed];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Loaded => "loaded",
            Self::Absent => "absent",
            Self::Refused => "refused",
            Self::Written => "written",
            Self::WriteFailed => "write_failed",
        }
    }
}

/// The handles of one issuer.
pub(super) struct Handles {
    fetches: [Counter; FetchResult::ALL.len()],
    snapshots: [Counter; SnapshotResult::ALL.len()],
    usable: Gauge,
    stale: Gauge,
    refused: [Gauge; KEY_REFUSALS.len()],
    last_success: Gauge,
}

impl Handles {
    pub(super) fn register(name: &str) -> Self {
        let gauge_of = |metric: &'static str| gauge!(metric, "issuer" => name.to_owned());
        Self {
            fetches: FetchResult::ALL.map(|result| {
                counter!("rownd_authz_key_fetches_total",
                    "issuer" => name.to_owned(), "result" => result.as_str())
            }),
            snapshots: SnapshotResult::ALL.map(|result| {
                counter!("rownd_authz_key_snapshots_total",
                    "issuer" => name.to_owned(), "result" => result.as_str())
            }),
            usable: gauge_of("rownd_authz_keys"),
            stale: gauge_of("rownd_authz_keys_stale"),
            refused: KEY_REFUSALS.map(|reason| {
                gauge!("rownd_authz_keys_refused", "issuer" => name.to_owned(), "reason" => reason)
            }),
            last_success: gauge_of("rownd_authz_key_fetch_last_success_timestamp_seconds"),
        }
    }
}

impl Handles {
    /// What was said holds no longer: no comparison of an alert is true of "not a number".
    pub(super) fn retire(&self) {
        let gauges = [&self.usable, &self.stale, &self.last_success];
        gauges.into_iter().chain(&self.refused).for_each(|gauge| gauge.set(f64::NAN));
    }
}

pub(super) fn describe() {
    describe_counter!(
        "rownd_authz_key_fetches_total",
        "Fetches of key sets, by issuer and result."
    );
    describe_counter!(
        "rownd_authz_key_snapshots_total",
        "Key sets on disk, by issuer and what became of them."
    );
    let gauges = [
        ("rownd_authz_keys", "Usable keys of an issuer."),
        (
            "rownd_authz_keys_stale",
            "1 while an issuer's latest answer was no good, or its keys were forgotten.",
        ),
        ("rownd_authz_keys_refused", "Keys of an issuer's last set that were refused, by reason."),
        (
            "rownd_authz_key_fetch_last_success_timestamp_seconds",
            "When an issuer's keys last came, Unix time; 0 before the first time.",
        ),
    ];
    for (name, help) in gauges {
        describe_gauge!(name, help);
    }
}

impl Metrics {
    /// A fetch of an issuer's keys ended.
    pub fn keys_fetched(&self, issuer: IssuerLabel, result: FetchResult) {
        if let Some(counter) =
            self.issuer_at(issuer).and_then(|issuer| issuer.keys.fetches.get(result as usize))
        {
            counter.increment(1);
        }
    }

    /// An issuer's key set on disk was read or written.
    pub fn key_snapshot(&self, issuer: IssuerLabel, result: SnapshotResult) {
        if let Some(counter) =
            self.issuer_at(issuer).and_then(|issuer| issuer.keys.snapshots.get(result as usize))
        {
            counter.increment(1);
        }
    }

    /// The keys of an issuer now in use, and whether they are not its latest good answer.
    pub fn keys_in_use(&self, issuer: IssuerLabel, usable: usize, stale: bool) {
        if let Some(issuer) = self.issuer_at(issuer) {
            #[expect(clippy::cast_precision_loss, reason = "at most 100 keys")]
            issuer.keys.usable.set(usable as f64);
            issuer.keys.stale.set(f64::from(u8::from(stale)));
        }
    }

    /// An issuer's keys came at this time (Unix seconds).
    pub fn keys_came(&self, issuer: IssuerLabel, at: f64) {
        if let Some(issuer) = self.issuer_at(issuer) {
            issuer.keys.last_success.set(at);
        }
    }

    /// Of an issuer's last set, so many keys were refused for each reason, in the order of
    /// [`KEY_REFUSALS`].
    pub fn keys_refused(&self, issuer: IssuerLabel, refused: [usize; KEY_REFUSALS.len()]) {
        if let Some(issuer) = self.issuer_at(issuer) {
            for (gauge, count) in issuer.keys.refused.iter().zip(refused) {
                #[expect(clippy::cast_precision_loss, reason = "at most 100 keys")]
                gauge.set(count as f64);
            }
        }
    }
}
