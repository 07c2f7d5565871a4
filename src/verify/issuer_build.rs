//! Builds an issuer: takes over what the configuration before has of it, shares the keys of an
//! issuer that has the same ones, and makes the task for keys that no task keeps fresh yet.
//!
//! In: the settings of all issuers, and the issuers of the configuration before. Out: the issuers,
//! or the setting that cannot be used.

use std::sync::Arc;

use super::{
    app_slot::AppSlot,
    issuer::Issuer,
    jwks::{KeyRules, KeySet},
    key_cache::KeyStore,
    key_refresher::{FetchedIssuer, KeyRefresher},
    key_ring::KeyRing,
    key_source::KeySource,
    kinds,
    rules::Rules,
};
use crate::{
    config::{Finding, Issuer as IssuerSettings},
    health::{Latch, Readiness},
    metrics::Metrics,
    upstream::Client,
};

/// The issuers that a new verifier may take over.
#[derive(Debug, Clone, Copy)]
pub(super) enum Start<'a> {
    /// None: the process starts, and readiness waits for each issuer.
    First(&'a Readiness),
    /// The issuers of the configuration before. Readiness waits only if it does already: a new
    /// issuer must not take a process that serves out of service.
    Again {
        /// The issuers of the configuration before.
        before: &'a [Arc<Issuer>],
        /// The readiness of the process.
        readiness: &'a Readiness,
    },
}

impl<'a> Start<'a> {
    fn named(self, name: &str) -> Option<&'a Arc<Issuer>> {
        match self {
            Self::First(_) => None,
            Self::Again { before, .. } => before.iter().find(|issuer| *issuer.name == *name),
        }
    }

    /// The former issuer that this one replaces, and its ring: one of the same `iss`, of the same
    /// name where there are two; else the issuer of the same name.
    fn predecessor(self, name: &str, iss: &str) -> Option<(&'a Arc<Issuer>, &'a KeyRing)> {
        match self {
            Self::First(_) => None,
            Self::Again { before, .. } => predecessor(before, name, iss),
        }
    }

    /// The former issuer that has exactly these settings.
    fn same(self, settings: &IssuerSettings) -> Option<Arc<Issuer>> {
        self.named(&settings.name).filter(|before| before.settings == *settings).cloned()
    }

    fn latch(self, settings: &IssuerSettings, what: &str) -> Option<Latch> {
        self.latch_if(settings.required, settings, what)
    }

    fn latch_if(self, required: bool, settings: &IssuerSettings, what: &str) -> Option<Latch> {
        let (readiness, waits) = match self {
            Self::First(readiness) => (readiness, true),
            Self::Again { readiness, .. } => (readiness, !readiness.is_ready()),
        };
        (waits && required).then(|| readiness.latch(&format!("issuer {}: {what}", settings.name)))
    }
}

/// Of the issuers of the configuration before, the one that an issuer of this name and `iss`
/// replaces, and its ring.
pub(super) fn predecessor<'a>(
    before: &'a [Arc<Issuer>],
    name: &str,
    iss: &str,
) -> Option<(&'a Arc<Issuer>, &'a KeyRing)> {
    let named = |issuer: &&Arc<Issuer>| issuer.name() == name;
    let same_iss = |issuer: &'a Arc<Issuer>| Some((issuer, issuer.ring_of(iss)?));
    let by_iss = before.iter().filter(named).find_map(same_iss);
    by_iss.or_else(|| before.iter().find_map(same_iss)).or_else(|| {
        let issuer = before.iter().find(named)?;
        Some((issuer, issuer.rings.first()?))
    })
}

/// The issuers of one configuration as they are built, in its order.
#[derive(Debug)]
pub(super) struct IssuerBuilder<'a> {
    pub(super) settings: &'a [IssuerSettings],
    pub(super) upstream: &'a Client,
    pub(super) metrics: &'a Arc<Metrics>,
    pub(super) start: Start<'a>,
    pub(super) issuers: Vec<Arc<Issuer>>,
    /// One for each store of keys that no task keeps fresh yet.
    pub(super) refreshers: Vec<KeyRefresher>,
}

impl IssuerBuilder<'_> {
    /// Adds the issuer of these settings.
    ///
    /// # Errors
    ///
    /// The setting that is missing or cannot be used.
    pub(super) fn add(&mut self, settings: &IssuerSettings) -> Result<(), String> {
        let issuer = match self.same(settings) {
            Some(issuer) => issuer,
            None => Arc::new(self.build(settings)?),
        };
        self.issuers.push(issuer);
        Ok(())
    }

    /// The issuer before this one in the configuration whose keys are its keys too.
    fn leader(&self, settings: &IssuerSettings) -> Option<&Arc<Issuer>> {
        let mut before = self.issuers.iter();
        before.find(|issuer| issuer.leader.is_none() && settings.shares_keys_with(&issuer.settings))
    }

    /// The former issuer that has exactly these settings, and the keys of the same issuer.
    fn same(&self, settings: &IssuerSettings) -> Option<Arc<Issuer>> {
        let same = self.start.same(settings)?;
        let holds = match (self.leader(settings), &same.leader) {
            (None, None) => true,
            (Some(leader), Some(_)) => same.has_stores_of(leader),
            (None, Some(_)) | (Some(_), None) => false,
        };
        holds.then_some(same)
    }

    fn build(&mut self, settings: &IssuerSettings) -> Result<Issuer, String> {
        let name: Arc<str> = settings.name.as_str().into();
        let label = self.metrics.issuer(&name).ok_or_else(|| {
            format!("issuer {name}: too many names of issuers since the start; restart")
        })?;
        let series = FetchedIssuer { name: name.clone(), label };
        let known = self.start.predecessor(&name, &settings.iss);
        let before = known.filter(|(before, _)| settings.has_keys_of(&before.settings));
        let apps = settings.apps().iter().enumerate().map(|(index, app)| {
            let what = format!("the app id of apps[{index}], asked of Rownd by its key");
            let slot = AppSlot::build(app, || self.start.latch(settings, &what));
            if let Some(id) = before.and_then(|(before, _)| before.id_learned_for(app)) {
                slot.learn(id);
            }
            Arc::new(slot)
        });
        let apps = apps.collect();
        let leader = self.leader(settings).cloned();
        let rings = match &leader {
            Some(leader) => leader.rings.clone(),
            None => vec![self.ring(settings, &series)?],
        };
        Ok(Issuer {
            settings: settings.clone(),
            label,
            name,
            kind: kinds::row(settings.kind()),
            rules: Rules::build(settings),
            algorithms: settings.algorithms.clone(),
            apps,
            leeway: settings.leeway.get().as_secs(),
            allow_missing_exp: settings.allows_missing_exp(),
            leader: leader.map(|leader| leader.shared_name()),
            rings,
        })
    }

    /// A ring with the keys of the configuration before, where those are its keys.
    fn ring(
        &mut self,
        settings: &IssuerSettings,
        series: &FetchedIssuer,
    ) -> Result<KeyRing, String> {
        let known = self.start.predecessor(&series.name, &settings.iss);
        let before = known.filter(|(before, _)| settings.has_keys_of(&before.settings));
        let iss = settings.iss.clone();
        if let Some((issuer, ring)) = before
            // The task of a shared store is that of the issuer it was made for.
            && issuer.leader.is_none()
            && settings.keeps_keys_as(&issuer.settings)
        {
            return Ok(KeyRing { iss, keys: ring.keys.clone() });
        }
        let keys = Arc::new(new_store(settings, known)?);
        let ready = keys.any_usable();
        let source = KeySource::build(settings, self.upstream);
        if source.is_some() {
            before.inspect(|(_, ring)| keys.adopt(&ring.keys));
        }
        keys.report(self.metrics, series.label);
        let latch = (!ready).then(|| self.first_keys(settings)).flatten();
        self.refreshers.extend(source.map(|source| {
            let (source, metrics) = (Box::new(source), self.metrics.clone());
            KeyRefresher::new(series.clone(), keys.clone(), source, metrics, latch)
        }));
        Ok(KeyRing { iss, keys })
    }

    /// Readiness waits for the keys if one of the issuers that have them asks for that.
    fn first_keys(&self, settings: &IssuerSettings) -> Option<Latch> {
        let is_required = |other: &IssuerSettings| {
            other.required && (other == settings || other.shares_keys_with(settings))
        };
        let required = self.settings.iter().any(is_required);
        self.start.latch_if(required, settings, "its first key set")
    }
}

/// A store with the keys in place, unless a command made the issuer before forget those.
fn new_store(
    settings: &IssuerSettings,
    known: Option<(&Arc<Issuer>, &KeyRing)>,
) -> Result<KeyStore, String> {
    let in_place = in_place(settings)
        .map_err(|error| format!("issuer {}: key_set: {error}", settings.name))?;
    let keys = KeyStore::new(settings, key_rules(settings), in_place);
    if let Some((issuer, ring)) = known {
        let same_set = settings.key_origin.in_place() == issuer.settings.key_origin.in_place();
        keys.replace_store(&ring.keys, same_set);
    }
    Ok(keys)
}

/// The problems of issuers' settings that only the reader of keys finds.
#[must_use]
pub fn problems(issuers: &[IssuerSettings]) -> Vec<Finding> {
    let problem = |settings: &IssuerSettings| {
        let message = in_place(settings).err()?;
        Some(Finding { pointer: format!("{}/key_set", settings.pointer()), message })
    };
    issuers.iter().filter_map(problem).collect()
}

/// The keys of `key_set`, where the settings have one.
fn in_place(settings: &IssuerSettings) -> Result<Option<KeySet>, String> {
    let text = settings.key_origin.in_place();
    text.map(|text| KeySet::in_place(text, key_rules(settings))).transpose()
}

/// The keys of an issuer with these settings that are used.
const fn key_rules(settings: &IssuerSettings) -> KeyRules<'_> {
    KeyRules {
        algorithms: settings.algorithms.as_slice(),
        kid_optional: kinds::row(settings.kind()).kid_optional,
    }
}
