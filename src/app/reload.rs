//! The reload of the configuration: it is read again when its files change or when a reload is
//! requested, compiled beside the one in force, and swapped whole or refused whole.
//!
//! In: a [`ConfigSource`]. Out: a new snapshot in the authorizer, and the tasks of its issuers. An issuer
//! that did not change keeps its keys, its app ids and its refresher.

use std::{
    collections::HashMap,
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    task::{AbortHandle, JoinSet},
    time::{Instant, MissedTickBehavior, interval, interval_at, sleep, timeout},
};

use super::{
    app_ids,
    compile::{self, AllRefreshes, BackgroundWork, SharedParts},
    events,
    followed_files::FollowedFiles,
    labels::ReloadResult,
    tasks::spawn,
    tls::AllTls,
    warnings,
};
use crate::{
    authz::{Authorizer, Snapshot},
    blocking::BlockingRunner,
    config::{self, Config, ConfigSource},
    health::Readiness,
    http::{
        control::ReloadOutcome,
        ops::{OpsState, ReloadFailures, ReloadSubject},
    },
    metrics::Metrics,
    upstream,
    verify::{Issuer, KeyStoreId, Verifier},
};

/// The files are checked for changes this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The certificates of authorities are read again this often: those of a directory are not looked at
/// in between.
const REREAD_EVERY: Duration = Duration::from_secs(3600);
/// A new configuration waits at most this long for the keys of its new issuers.
const KEY_WAIT: Duration = Duration::from_secs(3);
/// Requests for a reload that may wait.
const MAX_WAITING: usize = 16;
/// Problems that are logged and shown; a file of another kind may have thousands.
const MAX_PROBLEMS: usize = 50;

/// Requests a reload. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ReloadHandle(mpsc::Sender<oneshot::Sender<ReloadOutcome>>);

impl ReloadHandle {
    /// Reads everything again now, and tells how that ended.
    pub async fn reload(&self) -> ReloadOutcome {
        let (send, receive) = oneshot::channel();
        // Both fail only where the reloader has ended.
        if self.0.send(send).await.is_err() {
            return ReloadOutcome::Ending;
        }
        receive.await.unwrap_or(ReloadOutcome::Ending)
    }
}

/// The parts that a reload changes.
#[derive(Debug)]
pub(super) struct ReloadTarget {
    pub(super) authorizer: Arc<Authorizer>,
    pub(super) upstream: upstream::Client,
    pub(super) refreshes: AllRefreshes,
    pub(super) metrics: Arc<Metrics>,
    pub(super) readiness: Readiness,
    pub(super) blocking: BlockingRunner,
    pub(super) failures: Arc<ReloadFailures>,
    pub(super) config: watch::Sender<Arc<Config>>,
    pub(super) tls: AllTls,
}

impl ReloadTarget {
    /// The pages of operators show what a reload changes.
    pub(super) fn new(
        state: &OpsState,
        upstream: upstream::Client,
        refreshes: AllRefreshes,
        config: watch::Sender<Arc<Config>>,
        blocking: BlockingRunner,
        tls: AllTls,
    ) -> Self {
        let OpsState { metrics, readiness, authorizer, reload_failures: failures, .. } =
            state.clone();
        Self {
            authorizer,
            upstream,
            refreshes,
            metrics,
            readiness,
            blocking,
            failures,
            config,
            tls,
        }
    }
}

/// A new configuration, compiled and not in force yet.
struct Compiled {
    snapshot: Snapshot,
    work: BackgroundWork,
    network: upstream::NextNetwork,
}

/// Reloads the configuration, and runs the tasks of its issuers.
#[derive(Debug)]
pub(super) struct ConfigReloader {
    target: ReloadTarget,
    files: FollowedFiles,
    requests: mpsc::Receiver<oneshot::Sender<ReloadOutcome>>,
    tasks: JoinSet<()>,
    profiles: Option<AbortHandle>,
    /// The task of each store of keys.
    refreshing: HashMap<KeyStoreId, AbortHandle>,
    learning: HashMap<String, AbortHandle>,
}

impl ConfigReloader {
    pub(super) fn new(target: ReloadTarget) -> (Self, ReloadHandle) {
        let (send, requests) = mpsc::channel(MAX_WAITING);
        let reloader = Self {
            files: FollowedFiles::new(target.blocking.clone()),
            target,
            requests,
            tasks: JoinSet::new(),
            profiles: None,
            refreshing: HashMap::new(),
            learning: HashMap::new(),
        };
        (reloader, ReloadHandle(send))
    }

    /// From now on, this is where the configuration comes from.
    pub(super) fn follow(&mut self, source: ConfigSource) {
        self.files.follow(source, self.target.tls.files());
        self.files.follow_authorities(self.target.upstream.network().files());
    }

    /// Runs until dropped. The work is that of the first configuration.
    pub(super) async fn run(mut self, work: BackgroundWork) {
        self.start(work);
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut rereads = interval_at(Instant::now() + REREAD_EVERY, REREAD_EVERY);
        loop {
            tokio::select! {
                Some(ended) = self.tasks.join_next() => {
                    if let Err(Ok(panic)) = ended.map_err(|error| error.try_into_panic()) {
                        // Without this task the process works only in part, so it has to end.
                        panic::resume_unwind(panic);
                    }
                }
                Some(request) = self.requests.recv() => {
                    let outcome = Box::pin(self.reload_all()).await;
                    // The requester may have left.
                    let _ = request.send(outcome);
                }
                _ = ticks.tick() => Box::pin(self.reload_changes()).await,
                _ = rereads.tick() => drop(self.reload_authorities().await),
            }
        }
    }

    async fn reload_changes(&mut self) {
        let Some(changes) = self.files.changes().await else { return };
        if changes.config {
            Box::pin(self.reload()).await;
        }
        if changes.certificate {
            let _ = self.reload_certificate().await;
        }
        if changes.authorities {
            let _ = self.reload_authorities().await;
        }
    }

    /// Reads everything again. A refusal of either part is a refusal.
    async fn reload_all(&mut self) -> ReloadOutcome {
        let config = Box::pin(self.reload()).await;
        let others = [self.reload_certificate().await, self.reload_authorities().await];
        let mut others: Vec<String> =
            others.into_iter().filter_map(Result::err).flatten().collect();
        match config {
            ReloadOutcome::Refused(mut problems) => {
                problems.append(&mut others);
                ReloadOutcome::Refused(problems)
            }
            _ if !others.is_empty() => ReloadOutcome::Refused(others),
            config => config,
        }
    }

    /// Reads the certificates of authorities again. Those that cannot be used are left as they
    /// were.
    async fn reload_authorities(&self) -> Result<(), Vec<String>> {
        let network = self.target.upstream.network().clone();
        let read = move || {
            panic::catch_unwind(AssertUnwindSafe(|| network.reread()))
                .unwrap_or_else(|_panic| Err(vec!["an internal error".to_owned()]))
        };
        let outcome = self.target.blocking.run(read).await;
        let outcome = outcome.unwrap_or_else(|error| Err(vec![error.to_string()]));
        let result = match &outcome {
            Ok(true) => ReloadResult::Ok,
            Ok(false) => ReloadResult::Unchanged,
            Err(_) => ReloadResult::Refused,
        };
        self.target.metrics.reloaded(ReloadSubject::Authorities, result, outcome.is_err());
        let problems = outcome.as_ref().err().cloned();
        self.target.failures.set(ReloadSubject::Authorities, problems);
        match &outcome {
            Ok(true) => tracing::info!("the authorities were read again and are in use"),
            Ok(false) => {}
            Err(problems) => tracing::error!(
                problems = %problems.join("; "),
                "the authorities were read again and refused; the last good ones stay in use"
            ),
        }
        outcome.map(drop)
    }

    async fn reload_certificate(&self) -> Result<(), Vec<String>> {
        if self.target.tls.is_empty() {
            return Ok(());
        }
        let (tls, metrics) = (self.target.tls.clone(), self.target.metrics.clone());
        let read = move || {
            panic::catch_unwind(AssertUnwindSafe(|| tls.reload(&metrics)))
                .unwrap_or_else(|_panic| Err(vec!["an internal error".to_owned()]))
        };
        let outcome = self.target.blocking.run(read).await;
        let outcome = outcome.unwrap_or_else(|error| Err(vec![error.to_string()]));
        let result = if outcome.is_ok() { ReloadResult::Ok } else { ReloadResult::Refused };
        self.target.metrics.reloaded(ReloadSubject::Certificate, result, outcome.is_err());
        self.target.failures.set(ReloadSubject::Certificate, outcome.clone().err());
        match &outcome {
            Ok(()) => tracing::info!("the certificate was read again and is in use"),
            Err(problems) => tracing::error!(
                problems = %problems.join("; "),
                "the certificate was read again and refused; the last good one stays in use"
            ),
        }
        outcome
    }

    async fn reload(&mut self) -> ReloadOutcome {
        let outcome = match self.files.load().await {
            None => {
                ReloadOutcome::Refused(vec!["there is nothing that can be read again".to_owned()])
            }
            Some(Err(problems)) => ReloadOutcome::Refused(problem_texts(&problems.0)),
            Some(Ok(config)) => Box::pin(self.compile_and_swap(config)).await,
        };
        self.report(&outcome);
        outcome
    }

    async fn compile_and_swap(&mut self, config: Config) -> ReloadOutcome {
        let running = self.target.config.borrow().clone();
        let epoch = self.target.authorizer.snapshot().edition().epoch;
        if config == *running {
            return ReloadOutcome::Unchanged(epoch);
        }
        let restart = config::restart_problems(&running, &config);
        if !restart.is_empty() {
            return ReloadOutcome::Refused(problem_texts(&restart));
        }
        match panic::catch_unwind(AssertUnwindSafe(|| self.compile(&config, epoch + 1))) {
            Ok(Ok(compiled)) => {
                self.put_in_force(config, compiled).await;
                ReloadOutcome::InForce(epoch + 1)
            }
            Ok(Err(problems)) => ReloadOutcome::Refused(problem_texts(&problems)),
            Err(_panic) => ReloadOutcome::Refused(vec!["an internal error".to_owned()]),
        }
    }

    /// Issuers that did not change are no part of the background work: their tasks go on.
    fn compile(&self, config: &Config, epoch: u64) -> Result<Compiled, Vec<String>> {
        let ReloadTarget { upstream, refreshes, metrics, readiness, .. } = &self.target;
        let network = upstream.network().prepare(config)?;
        let events = self.target.authorizer.events();
        let shared = SharedParts { upstream, metrics, refreshes, events, parts: readiness.parts() };
        let before = self.target.authorizer.snapshot();
        let (known, limits) = (before.verifier().issuers(), compile::limits(config));
        let parts = before
            .verifier()
            .rebuild(&config.issuers, limits, upstream, readiness)
            .map_err(|problem| vec![problem])?;
        let is_known = |issuer: &Arc<Issuer>| known.iter().any(|old| Arc::ptr_eq(old, issuer));
        let issuers = parts.verifier.issuers();
        let same_profiles = config.profiles == self.target.config.borrow().profiles
            && issuers.len() == known.len()
            && issuers.iter().all(is_known);
        let profiles = same_profiles.then(|| before.service().profiles().clone());
        let (snapshot, mut work) = compile::compile(config, epoch, parts, profiles, shared)
            .map_err(|problem| vec![problem])?;
        work.issuers.retain(|(issuer, _)| !is_known(issuer));
        Ok(Compiled { snapshot, work, network })
    }

    /// Starts the tasks of what is new, then swaps, then ends the tasks of what is old: no check
    /// meets an issuer without its tasks.
    async fn put_in_force(&mut self, config: Config, compiled: Compiled) {
        let Compiled { snapshot, work, network } = compiled;
        // The tasks of new issuers ask by it, and nothing can refuse the configuration any more.
        self.target.upstream.network().put_in_force(network);
        let before = self.target.authorizer.snapshot();
        let after = snapshot.verifier().clone();
        let mut replaced = self.start(work);
        // An issuer that cannot be reached must not hold up the rest of the configuration.
        let _ = timeout(KEY_WAIT, after.settled()).await;
        let unpublished = before.passports().zip(snapshot.passports());
        if let Some(kid) = unpublished.and_then(|(old, new)| new.signs_by_a_new_key(old)) {
            tracing::warn!(
                kid,
                "passports are signed by a key that was not published before: services deny them \
                 until they read the keys again; see docs/passports.md"
            );
        }
        let edition = snapshot.edition().clone();
        self.target.authorizer.put_in_force(snapshot);
        events::tell_reload(&self.target.authorizer, edition);
        after.forget_as(before.verifier());
        replaced.extend(self.remove_issuers(before.verifier(), &after));
        let last_check = before.longest_answer();
        spawn(&mut self.tasks, async move {
            // Checks that arrived before may still wait for a key or a profile.
            sleep(last_check).await;
            replaced.iter().for_each(AbortHandle::abort);
        });
        warnings::log(&config);
        self.target.config.send_replace(Arc::new(config));
        self.files.follow_authorities(self.target.upstream.network().files());
    }

    /// Starts the tasks, and returns those that they replace.
    fn start(&mut self, work: BackgroundWork) -> Vec<AbortHandle> {
        let mut replaced = Vec::new();
        for refresher in work.refreshers {
            let store = refresher.store_id();
            let handle = spawn(&mut self.tasks, refresher.run(self.target.blocking.clone()));
            replaced.extend(self.refreshing.insert(store, handle));
        }
        for (issuer, api) in work.issuers {
            let Some(client) = api.and_then(|api| api.app_ids) else {
                continue;
            };
            let name = issuer.name().to_owned();
            let blocking = self.target.blocking.clone();
            let kept = app_ids::Kept::new(work.key_snapshots.as_ref(), &issuer, blocking);
            let task = app_ids::learn(issuer, client.clone(), kept);
            let handle = spawn(&mut self.tasks, task);
            replaced.extend(self.learning.insert(name, handle));
        }
        if let Some(fetcher) = work.fetcher {
            let handle = spawn(&mut self.tasks, fetcher.run());
            replaced.extend(self.profiles.replace(handle));
        }
        replaced
    }

    /// Removes the issuers that are no longer configured and the stores of keys that nobody uses,
    /// and returns their tasks.
    fn remove_issuers(&mut self, before: &Verifier, after: &Verifier) -> Vec<AbortHandle> {
        let used = after.key_stores();
        let unused = self.refreshing.extract_if(|store, _| !used.contains(store));
        let mut ended: Vec<AbortHandle> = unused.map(|(_, task)| task).collect();
        for gone in before.issuers() {
            if !after.issuers().iter().any(|issuer| issuer.name() == gone.name()) {
                ended.extend(self.learning.remove(gone.name()));
                self.target.metrics.issuer_removed(gone.label());
            }
        }
        ended
    }

    fn report(&self, outcome: &ReloadOutcome) {
        let (result, problems) = match outcome {
            ReloadOutcome::InForce(_) => (ReloadResult::Ok, None),
            ReloadOutcome::Unchanged(_) => (ReloadResult::Unchanged, None),
            ReloadOutcome::Refused(problems) => (ReloadResult::Refused, Some(problems.clone())),
            ReloadOutcome::Ending => return,
        };
        self.target.metrics.reloaded(ReloadSubject::Config, result, problems.is_some());
        let was_refused = self.target.failures.set(ReloadSubject::Config, problems);
        match outcome {
            ReloadOutcome::InForce(epoch) => {
                let hash = self.target.authorizer.snapshot().edition().hash.clone();
                tracing::info!(epoch, config_hash = %hash, "a new configuration is in force");
            }
            ReloadOutcome::Unchanged(epoch) if was_refused => {
                tracing::info!(epoch, "the configuration is the one in force again");
            }
            ReloadOutcome::Unchanged(epoch) => {
                tracing::info!(epoch, "the configuration did not change")
            }
            ReloadOutcome::Refused(problems) => tracing::error!(
                problems = %problems.join("; "),
                "the configuration was read again and refused; the last good one stays in force"
            ),
            ReloadOutcome::Ending => {}
        }
    }
}

fn problem_texts<T: ToString>(problems: &[T]) -> Vec<String> {
    let mut texts: Vec<String> =
        problems.iter().take(MAX_PROBLEMS).map(ToString::to_string).collect();
    if let Some(more) = problems.len().checked_sub(MAX_PROBLEMS).filter(|more| *more > 0) {
        texts.push(format!("and {more} more"));
    }
    texts
}
