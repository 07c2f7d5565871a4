//! How servers are reached: the proxies, and the authorities of each group of issuers. A reload and
//! a changed file replace all of it at once; a request uses one state from its beginning to its end.
//!
//! In: the section `network` and the issuers. Out: the clients to ask with, and what a new
//! configuration or the present files would change.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;

use super::{connections::Connections, proxies::Proxies, trust::Trust, warnings};
use crate::{
    config::{self, Config, Issuer, Network as Settings, OtherServer},
    model::Warning,
};

/// How servers are reached. Cheap to clone; clones change together.
#[derive(Debug, Clone)]
pub struct Network {
    state: Arc<ArcSwap<NetworkState>>,
    connect_timeout: Duration,
}

/// A state that is not in force yet.
#[derive(Debug)]
pub struct NextNetwork(Option<NetworkState>);

/// How servers are reached by one configuration.
#[derive(Debug)]
pub(super) struct NetworkState {
    pub(super) proxies: Arc<Proxies>,
    /// By the `ca_file` of the issuers; `None` is that of all the others.
    pub(super) connections: HashMap<Option<PathBuf>, Arc<Connections>>,
    plan: Plan,
}

/// The settings that a state is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Plan {
    settings: Settings,
    /// The files of servers that have their own.
    own: BTreeSet<PathBuf>,
    /// A server without a file of its own may be asked for something.
    uses_common: bool,
    /// Such a server is asked by https for certain: its name for messages.
    needs_common: Option<String>,
}

impl Network {
    pub(super) fn build(
        settings: &Settings,
        issuers: &[Issuer],
        others: &[OtherServer<'_>],
        connect_timeout: Duration,
    ) -> Result<Self, Vec<String>> {
        let plan = Plan::new(settings, issuers, others);
        let state = NetworkState::build(plan, None, connect_timeout)?;
        Ok(Self { state: Arc::new(ArcSwap::from_pointee(state)), connect_timeout })
    }

    pub(super) const fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    pub(super) fn state(&self) -> Arc<NetworkState> {
        self.state.load_full()
    }

    /// The state for another configuration. A file that is in use already is not read: whether it
    /// changed is asked by [`reread`](Self::reread).
    ///
    /// # Errors
    ///
    /// Every problem of the configuration's files and proxies.
    pub fn prepare(&self, config: &Config) -> Result<NextNetwork, Vec<String>> {
        let plan = Plan::new(&config.network, &config.issuers, &config.other_servers());
        let before = self.state();
        if plan == before.plan {
            return Ok(NextNetwork(None));
        }
        let needs = plan.needs_common.clone();
        let mut next = NetworkState::build(plan, Some(&before), self.connect_timeout)?;
        if let Some(issuer) = needs
            && let Some(reason) = next.connections.get(&None).and_then(|c| c.trust.missing.clone())
        {
            return Err(vec![warnings::no_authorities(&issuer, &reason)]);
        }
        // The issuers that go are asked until their last check has ended.
        for (file, connections) in &before.connections {
            if file.as_ref().is_none_or(|file| before.plan.own.contains(file)) {
                next.connections.entry(file.clone()).or_insert_with(|| connections.clone());
            }
        }
        Ok(NextNetwork(Some(next)))
    }

    /// From now on servers are reached by this state.
    pub fn put_in_force(&self, next: NextNetwork) {
        if let Some(next) = next.0 {
            self.state.store(Arc::new(next));
        }
    }

    /// Reads the certificates of all authorities again. Returns whether any are others than before.
    /// A file that cannot be used changes nothing: its last good certificates stay in use.
    ///
    /// # Errors
    ///
    /// Every problem of the files. The others are in use nevertheless.
    pub fn reread(&self) -> Result<bool, Vec<String>> {
        let state = self.state();
        let (mut problems, mut changed) = (Vec::new(), false);
        let mut connections = state.connections.clone();
        for (file, known) in &mut connections {
            let trust = match state.plan.load(file.as_deref()) {
                Ok(trust) => trust,
                Err(found) => {
                    problems.extend(found);
                    continue;
                }
            };
            match (&trust.missing, &known.trust.missing) {
                (Some(reason), None) => {
                    problems.push(format!("the certificates of authorities: {reason}"));
                    continue;
                }
                (None, None) if trust.digest == known.trust.digest => continue,
                (Some(new), Some(old)) if new == old => continue,
                _ => {}
            }
            match Connections::build(trust, &state.proxies, self.connect_timeout) {
                Ok(built) => {
                    *known = Arc::new(built);
                    changed = true;
                }
                Err(problem) => problems.push(problem),
            }
        }
        if changed {
            let (proxies, plan) = (state.proxies.clone(), state.plan.clone());
            self.state.store(Arc::new(NetworkState { proxies, connections, plan }));
        }
        if problems.is_empty() { Ok(changed) } else { Err(problems) }
    }

    /// The files of authorities that are in use, to be watched.
    #[must_use]
    pub fn files(&self) -> BTreeSet<PathBuf> {
        let plan = &self.state().plan;
        let mut files = plan.own.clone();
        if plan.uses_common {
            let common = plan.settings.tls.ca_file.clone();
            files.extend(common.or_else(config::system_authority_file));
        }
        files
    }

    /// The warnings about the certificates that are in use.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        let state = self.state();
        let mut used: Vec<(&Path, &Trust)> = Vec::new();
        let is_used =
            |file: &Option<PathBuf>| file.as_ref().is_none_or(|file| state.plan.own.contains(file));
        for (file, connections) in state.connections.iter().filter(|(file, _)| is_used(file)) {
            let file = file.as_deref().or(state.plan.settings.tls.ca_file.as_deref());
            used.extend(file.map(|file| (file, &connections.trust)));
        }
        used.sort_by_key(|(file, _)| *file);
        used.dedup_by_key(|(file, _)| *file);
        used.into_iter().filter_map(|(file, trust)| trust.warning(file)).collect()
    }
}

impl NetworkState {
    fn build(
        plan: Plan,
        before: Option<&Self>,
        connect_timeout: Duration,
    ) -> Result<Self, Vec<String>> {
        let same_proxies =
            before.filter(|before| before.plan.settings.proxy == plan.settings.proxy);
        let proxies = match same_proxies {
            Some(before) => before.proxies.clone(),
            None => Arc::new(Proxies::new(plan.settings.proxy.as_ref())),
        };
        let (mut connections, mut problems) = (HashMap::new(), Vec::new());
        for file in std::iter::once(None).chain(plan.own.iter().cloned().map(Some)) {
            let known = before.and_then(|before| before.known(&plan, file.as_ref()));
            let built = match (known, same_proxies) {
                (Some(known), Some(_)) => Ok(known),
                (Some(known), None) => {
                    Connections::build(known.trust.clone(), &proxies, connect_timeout)
                        .map(Arc::new)
                        .map_err(|problem| vec![problem])
                }
                (None, _) => plan.load(file.as_deref()).and_then(|trust| {
                    Connections::build(trust, &proxies, connect_timeout)
                        .map(Arc::new)
                        .map_err(|problem| vec![problem])
                }),
            };
            match built {
                Ok(built) => drop(connections.insert(file, built)),
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() { Ok(Self { proxies, connections, plan }) } else { Err(problems) }
    }

    /// The connections that trust what this plan trusts for the file.
    fn known(&self, plan: &Plan, file: Option<&PathBuf>) -> Option<Arc<Connections>> {
        let same = file.is_some()
            || self.plan.settings.tls == plan.settings.tls
                && self.plan.uses_common == plan.uses_common;
        self.connections.get(&file.cloned()).filter(|_| same).cloned()
    }
}

impl Plan {
    fn new(settings: &Settings, issuers: &[Issuer], others: &[OtherServer<'_>]) -> Self {
        let own = issuers.iter().map(|issuer| &issuer.tls);
        let own = own.chain(others.iter().map(|other| other.tls));
        let common = |issuer: &&Issuer| issuer.tls.ca_file.is_none();
        Self {
            settings: settings.clone(),
            own: own.filter_map(|tls| tls.ca_file.clone()).collect(),
            uses_common: issuers.iter().filter(common).any(warnings::may_be_asked)
                || others.iter().any(|other| other.tls.ca_file.is_none()),
            needs_common: warnings::asked_by_https(issuers, others),
        }
    }

    /// The authorities of issuers with this file, or of those without one.
    fn load(&self, file: Option<&Path>) -> Result<Trust, Vec<String>> {
        match file.or(self.settings.tls.ca_file.as_deref()) {
            Some(file) => Trust::of_file(file),
            None if self.uses_common => Ok(Trust::of_system()),
            None => Ok(Trust::none("no issuer needs the system's")),
        }
    }
}
