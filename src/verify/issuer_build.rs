//! Builds an issuer: takes over what the configuration before has of it, shares the keys of an
//! issuer that has the same ones, and makes the task for keys that no task keeps fresh yet.
//!
//! In: the settings of all issuers, and the issuers of the configuration before. Out: the issuers,
//! or the setting that cannot be used.

use std::sync::Arc;

use super::{
    app_slot::AppSlot,
    fetch_lanes::FetchLanes,
    first_keys::FirstKeys,
    issuer::Issuer,
    jwks::{KeyRules, KeySet},
    key_cache::KeyStore,
    key_refresher::{FetchedIssuer, FetchedTenant, KeyRefresher},
    key_ring::KeyRing,
    key_source::KeySource,
    kinds,
    rules::Rules,
};
use crate::{
    config::{Finding, Issuer as IssuerSettings},
    health::{Latch, Readiness},
    metrics::{IssuerLabel, Metrics},
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
    /// name where there are two; else the issuer of the same name, which has no tenants.
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
        let issuer = before.iter().find(named).filter(|issuer| !issuer.has_tenants())?;
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
        let known = self.start.predecessor(&name, &settings.iss);
        let before = known.filter(|(before, _)| settings.has_keys_of(&before.settings));
        let apps = settings.apps().iter().enumerate().map(|(index, app)| {
            let what = format!("the app id of apps[{index}], asked of Rownd by its key");
            let slot = AppSlot::build(app, || self.start.latch(settings, &what));
            if let Some(known) = before.and_then(|(before, _)| before.learned_for(app)) {
                slot.learn(known);
            }
            Arc::new(slot)
        });
        let apps = apps.collect();
        let leader = self.leader(settings).cloned();
        let (rings, lanes) = match &leader {
            Some(leader) => (leader.rings.clone(), None),
            None => self.own_rings(settings, &name, label)?,
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
            lanes,
        })
    }

    /// A ring for the issuer, or one for each tenant with what bounds their fetches together.
    fn own_rings(
        &mut self,
        settings: &IssuerSettings,
        name: &Arc<str>,
        label: IssuerLabel,
    ) -> Result<(Vec<KeyRing>, Option<Arc<FetchLanes>>), String> {
        let first = self.first_keys(settings);
        // Nothing is over before every ring is built.
        let building = first.as_ref().map(FirstKeys::add);
        let series = |tenant| FetchedIssuer { name: name.clone(), label, tenant };
        let built = if settings.tenants.is_empty() {
            (vec![self.ring(settings, settings, series(None), first.as_ref())?], None)
        } else {
            let lanes = self.lanes(settings);
            let mut rings = Vec::with_capacity(settings.tenants.len());
            for tenant in &settings.tenants {
                let own = settings
                    .of_tenant(tenant)
                    .map_err(|error| format!("issuer {name}: tenant {tenant}: {error}"))?;
                let tenant = FetchedTenant { name: tenant.as_str().into(), lanes: lanes.clone() };
                rings.push(self.ring(settings, &own, series(Some(tenant)), first.as_ref())?);
            }
            (rings, Some(lanes))
        };
        drop(building);
        Ok(built)
    }

    /// Those of the issuer before, where its keys stay: its tasks use them already.
    fn lanes(&self, settings: &IssuerSettings) -> Arc<FetchLanes> {
        let before = self.start.named(&settings.name).filter(|before| keeps_keys(settings, before));
        let known = before.and_then(|before| before.lanes.clone());
        let lanes =
            known.unwrap_or_else(|| Arc::new(FetchLanes::new(settings.keys.cooldown.get())));
        lanes.share_among(settings.tenants.len());
        lanes
    }

    /// A ring with the keys of the configuration before, where those are its keys. `own` are the
    /// settings of its tenant, or those of the issuer.
    fn ring(
        &mut self,
        settings: &IssuerSettings,
        own: &IssuerSettings,
        series: FetchedIssuer,
        first: Option<&FirstKeys>,
    ) -> Result<KeyRing, String> {
        let known = self.start.predecessor(&series.name, &own.iss);
        // Never the keys of another tenant.
        let before = known
            .filter(|(issuer, ring)| ring.iss == own.iss && settings.has_keys_of(&issuer.settings));
        let iss = own.iss.clone();
        let tenant = series.tenant.as_ref().map(|tenant| tenant.name.clone());
        if let Some((_, ring)) = before.filter(|(issuer, _)| keeps_keys(settings, issuer)) {
            first.inspect(|first| first.one_is_known());
            return Ok(KeyRing { iss, tenant, keys: ring.keys.clone() });
        }
        let mut store = new_store(own, known)?;
        if let Some(tenant) = &series.tenant {
            store = store.at_tenant(&tenant.lanes);
        }
        let keys = Arc::new(store);
        let ready = keys.any_usable();
        let source = KeySource::build(own, self.upstream);
        if source.is_some() {
            before.inspect(|(_, ring)| keys.adopt(&ring.keys));
        }
        if tenant.is_none() {
            keys.report(self.metrics, series.label);
        }
        self.refreshers.extend(source.map(|source| {
            let (source, metrics) = (Box::new(source), self.metrics.clone());
            let first = first.filter(|_| !ready).map(FirstKeys::add);
            KeyRefresher::new(series, keys.clone(), source, metrics, first)
        }));
        Ok(KeyRing { iss, tenant, keys })
    }

    /// Readiness waits for the keys if one of the issuers that have them asks for that.
    fn first_keys(&self, settings: &IssuerSettings) -> Option<FirstKeys> {
        let is_required = |other: &IssuerSettings| {
            other.required && (other == settings || other.shares_keys_with(settings))
        };
        let required = self.settings.iter().any(is_required);
        let what = if settings.tenants.is_empty() {
            "its first key set"
        } else {
            "the first fetch of each tenant's keys, one of them good"
        };
        self.start.latch_if(required, settings, what).map(FirstKeys::new)
    }
}

/// Whether keys that were fetched for the former issuer stay where they are. The task of a shared
/// store is that of the issuer it was made for.
fn keeps_keys(settings: &IssuerSettings, before: &Issuer) -> bool {
    before.leader.is_none() && settings.keeps_keys_as(&before.settings)
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
