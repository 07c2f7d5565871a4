//! The series of each issuer. Reloads may bring issuers, so a series is made when its issuer is
//! first named.

use std::sync::{Mutex, OnceLock, PoisonError};

use metrics::{Counter, counter, describe_counter, with_local_recorder};

use super::{
    Labels, Metrics, issuer_api::IssuerApiSeries, issuer_label::IssuerLabel, keys::KeySeries,
    lazy::Lazy,
};

/// Most issuer names that one process can count, from its start to its end: a series once made
/// stays.
const MAX_ISSUERS: usize = 128;

/// The series of one issuer.
pub(super) struct OneIssuer {
    verifications: Vec<Lazy<Counter>>,
    pub(super) keys: KeySeries,
    pub(super) api: IssuerApiSeries,
}

/// The series of all issuers.
pub(super) struct IssuerSeries {
    /// Filled from the front, as names become known. A place once taken stays.
    issuers: Vec<OnceLock<OneIssuer>>,
    names: Mutex<Vec<String>>,
    /// Of tokens that belong to no issuer.
    unknown: Vec<Lazy<Counter>>,
    /// The values of the other labels.
    labels: Labels,
}

impl IssuerSeries {
    pub(super) fn register(labels: &Labels) -> Self {
        describe_counter!(
            "rownd_authz_verifications_total",
            "Tokens verified, by issuer and result."
        );
        KeySeries::describe();
        IssuerApiSeries::describe();
        Self {
            issuers: (0..MAX_ISSUERS).map(|_| OnceLock::new()).collect(),
            names: Mutex::default(),
            unknown: verifications("unknown", &labels.verifications),
            labels: labels.clone(),
        }
    }

    /// The series of the issuer of this label.
    pub(super) fn at(&self, label: IssuerLabel) -> Option<&OneIssuer> {
        self.issuers.get(label.0)?.get()
    }
}

fn verifications(issuer: &str, results: &[&'static str]) -> Vec<Lazy<Counter>> {
    let make = |result: &'static str| {
        let issuer = issuer.to_owned();
        Lazy::new(move || {
            counter!("rownd_authz_verifications_total",
                "issuer" => issuer.clone(), "result" => result)
        })
    };
    results.iter().copied().map(make).collect()
}

impl Metrics {
    /// The label of the series of the issuer of this name. They are made if there are none yet.
    /// `None`: there have been more than 128 names since the start.
    #[must_use]
    pub fn issuer(&self, name: &str) -> Option<IssuerLabel> {
        let all = &self.issuers;
        let mut names = all.names.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = names.iter().position(|known| known == name) {
            return Some(IssuerLabel(index));
        }
        let place = all.issuers.get(names.len())?;
        let made = with_local_recorder(self.recorder.get()?, || OneIssuer {
            verifications: verifications(name, &all.labels.verifications),
            keys: KeySeries::register(name, &all.labels),
            api: IssuerApiSeries::register(name, &all.labels),
        });
        let _ = place.set(made);
        names.push(name.to_owned());
        Some(IssuerLabel(names.len() - 1))
    }

    /// An issuer is no longer configured, so its gauges show "not a number": no comparison of an
    /// alert is true of that.
    pub fn issuer_removed(&self, issuer: IssuerLabel) {
        if let Some(issuer) = self.issuers.at(issuer) {
            issuer.keys.retire();
        }
    }

    /// A token was verified or refused by the issuer of this label; `None`: it belongs to no
    /// issuer. `result` is an index of [`Labels::verifications`].
    pub fn verified(&self, issuer: Option<IssuerLabel>, result: usize) {
        let counters = match issuer {
            None => Some(&self.issuers.unknown),
            Some(label) => self.issuers.at(label).map(|issuer| &issuer.verifications),
        };
        let counter = counters.and_then(|counters| counters.get(result));
        if let Some(counter) = counter.and_then(|counter| counter.get(&self.recorder)) {
            counter.increment(1);
        }
    }
}
