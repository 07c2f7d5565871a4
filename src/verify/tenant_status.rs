//! The keys of all tenants of an issuer, in bounded form: counts, and the tenants with a fault.
//!
//! In: the rings of one issuer. Out: what `/status` and the metrics show of them.

use std::time::UNIX_EPOCH;

use serde::Serialize;
use strum::{IntoStaticStr, VariantArray};

use super::{jwks::KeyRefusal, key_ring::KeyRing, key_state::KeyStatus};
use crate::metrics::{IssuerLabel, Metrics};

/// The most tenants with a fault that are shown.
const MAX_SHOWN: usize = 20;
/// The most reasons of refused keys that are shown.
const MAX_REFUSED: usize = 20;

/// The state of a tenant's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(super) enum TenantState {
    /// They are its latest good answer.
    Fresh,
    /// They are in use, and not its latest good answer.
    Stale,
    /// No token of it can be verified.
    WithoutKeys,
}

/// The numbers of tenants of one issuer, by the state of their keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct TenantCounts {
    /// Their keys are the latest good answer.
    pub(super) fresh: usize,
    /// Their keys are in use, and not the latest good answer.
    pub(super) stale: usize,
    /// No token of theirs can be verified.
    pub(super) without_keys: usize,
}

/// The tenants of an issuer, for `/status`.
#[derive(Debug, Clone, Serialize)]
pub struct TenantsStatus {
    /// The number of tenants.
    pub total: usize,
    /// The number of tenants whose keys are the latest good answer.
    pub fresh: usize,
    /// The number of tenants whose keys are in use, and are not the latest good answer.
    pub stale: usize,
    /// The number of tenants of which no token can be verified now.
    pub without_keys: usize,
    /// The first tenants with a fault, those without keys before the others; at most 20.
    pub faults: Vec<TenantFault>,
}

/// A tenant whose keys are missing or not its latest good answer.
#[derive(Debug, Clone, Serialize)]
pub struct TenantFault {
    /// The tenant as it stands in the configuration.
    pub tenant: String,
    /// The number of keys in use.
    pub usable: usize,
    /// Seconds since the keys came; absent before the first time.
    pub age_seconds: Option<u64>,
    /// The reason why the last fetch failed, if it did.
    pub last_error: Option<String>,
}

/// How many of these tenants have keys, and which.
pub(super) fn counts(rings: &[KeyRing]) -> TenantCounts {
    let mut counts = TenantCounts::default();
    for ring in rings {
        let count = match (ring.keys.any_usable(), ring.keys.stale()) {
            (false, _) => &mut counts.without_keys,
            (true, true) => &mut counts.stale,
            (true, false) => &mut counts.fresh,
        };
        *count += 1;
    }
    counts
}

/// The tenants of these rings.
pub(super) fn tenants(rings: &[KeyRing]) -> TenantsStatus {
    let TenantCounts { fresh, stale, without_keys } = counts(rings);
    let with_fault = |usable: bool| {
        let rings = rings.iter();
        rings.filter(move |ring| ring.keys.any_usable() == usable && (!usable || ring.keys.stale()))
    };
    let faults = with_fault(false).chain(with_fault(true)).take(MAX_SHOWN).map(|ring| {
        let KeyStatus { usable, age_seconds, last_error, .. } = ring.keys.status();
        let tenant = ring.tenant.as_deref().unwrap_or_default().to_owned();
        TenantFault { tenant, usable, age_seconds, last_error }
    });
    TenantsStatus { total: rings.len(), fresh, stale, without_keys, faults: faults.collect() }
}

/// The state of all these keys as one: the sums, and the worst of each. No key is named.
pub(super) fn keys_of_all(rings: &[KeyRing]) -> KeyStatus {
    let mut all = KeyStatus::default();
    for ring in rings {
        let KeyStatus {
            usable,
            keys: _,
            refused,
            age_seconds,
            overdue,
            stale,
            attempts,
            last_error,
            snapshot_error,
        } = ring.keys.status();
        all.usable += usable;
        let room = MAX_REFUSED.saturating_sub(all.refused.len());
        all.refused.extend(refused.into_iter().take(room));
        // The oldest.
        all.age_seconds = all.age_seconds.max(age_seconds);
        all.overdue |= overdue;
        all.stale |= stale;
        all.attempts += attempts;
        all.last_error = all.last_error.or(last_error);
        all.snapshot_error = all.snapshot_error.or(snapshot_error);
    }
    all
}

/// Writes the gauges of an issuer with these tenants.
pub(super) fn report(rings: &[KeyRing], metrics: &Metrics, issuer: IssuerLabel) {
    let usable = rings.iter().map(|ring| ring.keys.count_usable()).sum();
    metrics.keys_in_use(issuer, usable, rings.iter().any(|ring| ring.keys.stale()));
    let mut refused = [0; KeyRefusal::ALL.len()];
    for key in rings.iter().flat_map(|ring| ring.keys.refused()) {
        if let Some(count) = refused.get_mut(key.reason as usize) {
            *count += 1;
        }
    }
    metrics.keys_refused(issuer, &refused);
    let came = rings.iter().filter_map(|ring| Some(ring.keys.last_good()?.fetched_at)).max();
    if let Some(at) = came.and_then(|at| at.duration_since(UNIX_EPOCH).ok()) {
        metrics.keys_came(issuer, at.as_secs_f64());
    }
    let TenantCounts { fresh, stale, without_keys } = counts(rings);
    metrics.tenants(issuer, TenantState::Fresh, fresh);
    metrics.tenants(issuer, TenantState::Stale, stale);
    metrics.tenants(issuer, TenantState::WithoutKeys, without_keys);
}
