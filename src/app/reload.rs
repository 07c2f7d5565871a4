//! The configuration of a running process: read again when its files change or somebody asks,
//! compiled beside the one in force, and swapped whole, or refused whole.
//!
//! In: a [`Source`]. Out: a new snapshot in the authorizer, and the tasks of its issuers. What
//! goes on from one configuration to the next is what did not change: an issuer with its keys,
//! its app ids and its refresher.

use std::{
    collections::HashMap,
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    task::{AbortHandle, JoinSet},
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};

use super::{
    background,
    compile::{self, Tools, Work},
    tls::Tls,
};
use crate::{
    authz::{Authorizer, Snapshot},
    blocking::BlockingRunner,
    config::{self, Config, Files, Source},
    health::Readiness,
    http::ops::{Ops, Refusals},
    issuer_api,
    metrics::{Metrics, Reload, ReloadResult},
    upstream,
    verify::{Issuer, Verifier},
};

/// Files are looked at this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A file that changed has to stand still for the first of these, and is read after the second
/// even if it does not.
const SETTLE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));
/// New keys may take this long before the configuration that wants them is put in force.
const KEYS: Duration = Duration::from_secs(3);
/// Requests to reload that may wait.
const WAITING: usize = 16;
/// Problems that are logged and shown; a file of another kind may have thousands.
const MAX_PROBLEMS: usize = 50;

/// How reading again ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reloaded {
    /// What is new is in force, under this number.
    InForce(u64),
    /// Nothing is new.
    Unchanged(u64),
    /// It is no good: every problem. The last good one stays in force.
    Refused(Vec<String>),
}

/// Asks for a reload. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ReloadHandle(mpsc::Sender<oneshot::Sender<Reloaded>>);

impl ReloadHandle {
    /// Reads everything again now, and says how that ended. `None`: the process is ending.
    pub async fn reload(&self) -> Option<Reloaded> {
        let (answer, answered) = oneshot::channel();
        self.0.send(answer).await.ok()?;
        answered.await.ok()
    }
}

/// What a reload works on.
#[derive(Debug)]
pub(super) struct Shop {
    pub(super) authorizer: Arc<Authorizer>,
    pub(super) upstream: upstream::Client,
    pub(super) refreshes: Arc<issuer_api::Refreshes>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) readiness: Readiness,
    pub(super) blocking: BlockingRunner,
    pub(super) refusals: Arc<Refusals>,
    pub(super) config: watch::Sender<Arc<Config>>,
    pub(super) tls: Option<Arc<Tls>>,
}

impl Shop {
    /// What the pages of operators show is what a reload changes.
    pub(super) fn of(
        state: &Ops,
        upstream: upstream::Client,
        refreshes: Arc<issuer_api::Refreshes>,
        config: watch::Sender<Arc<Config>>,
        tls: Option<Arc<Tls>>,
    ) -> Self {
        let Ops { metrics, readiness, authorizer, refusals, .. } = state.clone();
        let blocking = BlockingRunner::new();
        Self {
            authorizer,
            upstream,
            refreshes,
            metrics,
            readiness,
            blocking,
            refusals,
            config,
            tls,
        }
    }
}

/// Keeps the configuration in force, and runs the tasks of its issuers.
#[derive(Debug)]
pub(super) struct Keeper {
    shop: Shop,
    source: Option<Source>,
    certificates: Option<Files>,
    asked: mpsc::Receiver<oneshot::Sender<Reloaded>>,
    tasks: JoinSet<()>,
    profiles: Option<AbortHandle>,
    refreshing: HashMap<String, AbortHandle>,
    learning: HashMap<String, AbortHandle>,
}

impl Keeper {
    pub(super) fn new(shop: Shop) -> (Self, ReloadHandle) {
        let (ask, asked) = mpsc::channel(WAITING);
        let keeper = Self {
            shop,
            source: None,
            certificates: None,
            asked,
            tasks: JoinSet::new(),
            profiles: None,
            refreshing: HashMap::new(),
            learning: HashMap::new(),
        };
        (keeper, ReloadHandle(ask))
    }

    /// From now on, this is where the configuration comes from.
    pub(super) fn follow(&mut self, source: Source) {
        self.source = Some(source);
        self.certificates = self.shop.tls.as_ref().map(|tls| tls.files());
    }

    /// Runs until dropped. The work is that of the first configuration.
    pub(super) async fn run(mut self, work: Work) {
        self.start(work);
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                Some(ended) = self.tasks.join_next() => {
                    if let Err(Ok(panic)) = ended.map_err(|error| error.try_into_panic()) {
                        // Without it the process is half-blind; who supervises us must know.
                        panic::resume_unwind(panic);
                    }
                }
                Some(answer) = self.asked.recv() => {
                    let outcome = self.reload_all().await;
                    // Who asked may have left.
                    let _ = answer.send(outcome);
                }
                _ = ticks.tick() => self.look().await,
            }
        }
    }

    async fn look(&mut self) {
        let (config, certificates) = self.changed().await;
        if !config && !certificates {
            return;
        }
        let (more_config, more_certificates) = self.settle().await;
        if config || more_config {
            self.reload().await;
        }
        if certificates || more_certificates {
            let _ = self.reload_certificate().await;
        }
    }

    /// Whether the configuration, and whether the certificates are others than when last asked.
    async fn changed(&mut self) -> (bool, bool) {
        let config = self.with_source(Source::changed).await.unwrap_or(false);
        let Some(mut files) = self.certificates.take() else { return (config, false) };
        let looked = self.shop.blocking.run(move || (files.changed(), files)).await;
        let certificates = looked.map(|(changed, files)| {
            self.certificates = Some(files);
            changed
        });
        (config, certificates.unwrap_or(false))
    }

    /// Waits until files that are being written stand still; what changed meanwhile.
    async fn settle(&mut self) -> (bool, bool) {
        let (began, mut seen) = (Instant::now(), (false, false));
        loop {
            sleep(SETTLE.0).await;
            let (config, certificates) = self.changed().await;
            seen = (seen.0 || config, seen.1 || certificates);
            if (!config && !certificates) || began.elapsed() >= SETTLE.1 {
                return seen;
            }
        }
    }

    /// Reads files where nobody waits for it. `None`: there are none, or reading them panicked.
    /// Not to be dropped before its end: the source would be lost.
    async fn with_source<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Source) -> T + Send + 'static,
    ) -> Option<T> {
        let mut source = self.source.take()?;
        let (source, outcome) = self
            .shop
            .blocking
            .run(move || {
                let outcome = panic::catch_unwind(AssertUnwindSafe(|| work(&mut source)));
                (source, outcome)
            })
            .await
            .ok()?;
        self.source = Some(source);
        outcome.ok()
    }

    /// Everything; a refusal of either part is a refusal.
    async fn reload_all(&mut self) -> Reloaded {
        let config = self.reload().await;
        match (config, self.reload_certificate().await) {
            (Reloaded::Refused(mut problems), Err(more)) => {
                problems.extend(more);
                Reloaded::Refused(problems)
            }
            (_, Err(problems)) => Reloaded::Refused(problems),
            (config, Ok(())) => config,
        }
    }

    async fn reload_certificate(&self) -> Result<(), Vec<String>> {
        let Some(tls) = self.shop.tls.clone() else { return Ok(()) };
        let metrics = self.shop.metrics.clone();
        let read = move || {
            panic::catch_unwind(AssertUnwindSafe(|| tls.reload(&metrics)))
                .unwrap_or_else(|_panic| Err(vec!["an internal error".to_owned()]))
        };
        let outcome = self.shop.blocking.run(read).await;
        let outcome = outcome.unwrap_or_else(|error| Err(vec![error.to_string()]));
        let result = if outcome.is_ok() { ReloadResult::Ok } else { ReloadResult::Refused };
        self.shop.metrics.reloaded(Reload::Certificate, result);
        self.shop.refusals.set(Reload::Certificate, outcome.clone().err());
        match &outcome {
            Ok(()) => tracing::info!("the certificate was read again and is in use"),
            Err(problems) => tracing::error!(
                problems = %problems.join("; "),
                "the certificate was read again and refused; the last good one stays in use"
            ),
        }
        outcome
    }

    async fn reload(&mut self) -> Reloaded {
        let loaded = self.with_source(|source| {
            // What changes while it is read is found again.
            source.changed();
            source.reload()
        });
        let outcome = match loaded.await {
            None => Reloaded::Refused(vec!["there is nothing that can be read again".to_owned()]),
            Some(Err(problems)) => Reloaded::Refused(texts(&problems.0)),
            Some(Ok(config)) => self.consider(config).await,
        };
        self.report(&outcome);
        outcome
    }

    async fn consider(&mut self, config: Config) -> Reloaded {
        let running = self.shop.config.borrow().clone();
        let epoch = self.shop.authorizer.snapshot().edition().epoch;
        if config == *running {
            return Reloaded::Unchanged(epoch);
        }
        let restart = config::needs_restart(&running, &config);
        if !restart.is_empty() {
            return Reloaded::Refused(vec![format!("needs a restart: {}", restart.join(", "))]);
        }
        match panic::catch_unwind(AssertUnwindSafe(|| self.compile(&config, epoch + 1))) {
            Ok(Ok((snapshot, work))) => {
                self.put_in_force(config, snapshot, work).await;
                Reloaded::InForce(epoch + 1)
            }
            Ok(Err(problem)) => Reloaded::Refused(vec![problem]),
            Err(_panic) => Reloaded::Refused(vec!["an internal error".to_owned()]),
        }
    }

    /// The issuers that did not change are no part of the work: they have what they need.
    fn compile(&self, config: &Config, epoch: u64) -> Result<(Snapshot, Work), String> {
        let Shop { upstream, refreshes, metrics, readiness, .. } = &self.shop;
        let tools = Tools { upstream, metrics, refreshes };
        let before = self.shop.authorizer.snapshot();
        let (known, limits) = (before.verifier().issuers(), compile::limits(config));
        let parts = before.verifier().rebuild(&config.issuers, limits, upstream, readiness)?;
        let is_known = |issuer: &Arc<Issuer>| known.iter().any(|old| Arc::ptr_eq(old, issuer));
        let issuers = parts.verifier.issuers();
        let same_profiles = config.profiles == self.shop.config.borrow().profiles
            && issuers.len() == known.len()
            && issuers.iter().all(is_known);
        let profiles = same_profiles.then(|| before.profiles().clone());
        let (snapshot, mut work) = compile::compile(config, epoch, parts, profiles, tools)?;
        work.issuers.retain(|(issuer, _)| !is_known(issuer));
        Ok((snapshot, work))
    }

    /// First the tasks of what is new, then the swap, then the end of what is old: no check meets
    /// an issuer that nobody keeps.
    async fn put_in_force(&mut self, config: Config, snapshot: Snapshot, work: Work) {
        let before = self.shop.authorizer.snapshot();
        let after = snapshot.verifier().clone();
        let mut replaced = self.start(work);
        // An issuer that cannot be reached must not hold up the rest of the configuration.
        let _ = timeout(KEYS, after.settled()).await;
        self.shop.authorizer.put_in_force(snapshot);
        after.forget_as(before.verifier());
        replaced.extend(self.forget(before.verifier(), &after));
        let last_check = before.check().timeout.get().max(before.service().timeout.get());
        super::spawn(&mut self.tasks, async move {
            // Checks that arrived before may still wait for a key or a profile.
            sleep(last_check).await;
            replaced.iter().for_each(AbortHandle::abort);
        });
        self.shop.config.send_replace(Arc::new(config));
    }

    /// Starts the tasks; gives those that they take the place of.
    fn start(&mut self, work: Work) -> Vec<AbortHandle> {
        let mut replaced = Vec::new();
        for refresher in work.refreshers {
            let name = refresher.issuer().to_owned();
            let handle = super::spawn(&mut self.tasks, refresher.run(self.shop.blocking.clone()));
            replaced.extend(self.refreshing.insert(name, handle));
        }
        for (issuer, api) in work.issuers {
            let Some(client) = api.and_then(|api| api.app_ids) else {
                continue;
            };
            let name = issuer.name().to_owned();
            let task = background::learn_app_ids(issuer, client.clone());
            let handle = super::spawn(&mut self.tasks, task);
            replaced.extend(self.learning.insert(name, handle));
        }
        if let Some(fetcher) = work.fetcher {
            let handle = super::spawn(&mut self.tasks, fetcher.run());
            replaced.extend(self.profiles.replace(handle));
        }
        replaced
    }

    /// Gives the tasks of the issuers that are there no more.
    fn forget(&mut self, before: &Verifier, after: &Verifier) -> Vec<AbortHandle> {
        let mut forgotten = Vec::new();
        for gone in before.issuers() {
            if !after.issuers().iter().any(|issuer| issuer.name() == gone.name()) {
                forgotten.extend(self.refreshing.remove(gone.name()));
                forgotten.extend(self.learning.remove(gone.name()));
                self.shop.metrics.issuer_removed(gone.label());
            }
        }
        forgotten
    }

    fn report(&self, outcome: &Reloaded) {
        let (result, problems) = match outcome {
            Reloaded::InForce(_) => (ReloadResult::Ok, None),
            Reloaded::Unchanged(_) => (ReloadResult::Unchanged, None),
            Reloaded::Refused(problems) => (ReloadResult::Refused, Some(problems.clone())),
        };
        self.shop.metrics.reloaded(Reload::Config, result);
        let was_refused = self.shop.refusals.set(Reload::Config, problems);
        match outcome {
            Reloaded::InForce(epoch) => {
                let hash = self.shop.authorizer.snapshot().edition().hash.clone();
                tracing::info!(epoch, config_hash = %hash, "a new configuration is in force");
            }
            Reloaded::Unchanged(epoch) if was_refused => {
                tracing::info!(epoch, "the configuration is the one in force again");
            }
            Reloaded::Unchanged(epoch) => tracing::info!(epoch, "the configuration did not change"),
            Reloaded::Refused(problems) => tracing::error!(
                problems = %problems.join("; "),
                "the configuration was read again and refused; the last good one stays in force"
            ),
        }
    }
}

fn texts<T: ToString>(problems: &[T]) -> Vec<String> {
    let mut texts: Vec<String> =
        problems.iter().take(MAX_PROBLEMS).map(ToString::to_string).collect();
    if let Some(more) = problems.len().checked_sub(MAX_PROBLEMS).filter(|more| *more > 0) {
        texts.push(format!("and {more} more"));
    }
    texts
}
