//! The events of this room, and the tasks of their sinks.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, timeout_at},
};

use super::{BuildError, foundation::Foundation, low_priority::run_apart};
use crate::{
    authz::{Authorizer, Edition},
    blocking::BlockingRunner,
    config::{Config, EventSink},
    events::{EventHub, EventWork, Ring, Ways, send_sample},
    health::Parts,
    metrics::Metrics,
    model::{Event, EventRecorder, EventType, NoEvents},
    upstream,
    verify::KeyStatus,
};

/// The keys of issuers are compared this often.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The events of a process: who takes them, and the work that they make.
#[derive(Debug)]
pub(super) struct ProcessEvents {
    pub(super) recorder: Arc<dyn EventRecorder>,
    work: Option<EventWork>,
}

/// The running tasks of the sinks.
#[derive(Debug)]
pub(super) struct EventTasks {
    pub(super) tasks: JoinSet<()>,
    ring: Option<Arc<Ring>>,
    closing: watch::Sender<bool>,
    /// The number of events that no sink could take before the end.
    lost: Arc<AtomicU64>,
}

impl ProcessEvents {
    /// The events of this configuration; without sinks nobody takes any.
    ///
    /// # Errors
    ///
    /// Fails where the place of a sink cannot be used.
    pub(super) fn build(
        config: &Config,
        upstream: &upstream::Client,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, BuildError> {
        if config.events.sinks.is_empty() {
            return Ok(Self { recorder: Arc::new(NoEvents), work: None });
        }
        let (hub, work) = EventHub::build(&config.events, ways(config, upstream), metrics)
            .map_err(BuildError::Part)?;
        Ok(Self { recorder: hub, work: Some(work) })
    }

    /// The events for `StreamEvents`, where a sink keeps them.
    pub(super) fn ring(&self) -> Option<Arc<Ring>> {
        self.work.as_ref()?.ring.clone()
    }

    /// Starts the tasks of the sinks, on a thread of their own. Their faults are told here.
    ///
    /// # Errors
    ///
    /// Fails where the system starts no more threads.
    pub(super) fn start(
        self,
        blocking: &BlockingRunner,
        parts: &Parts,
    ) -> Result<EventTasks, BuildError> {
        let (closing, follow) = watch::channel(false);
        let (mut tasks, lost) = (JoinSet::new(), Arc::default());
        let Some(EventWork { tasks: sinks, ring }) = self.work else {
            return Ok(EventTasks { tasks, ring: None, closing, lost });
        };
        let sinks = sinks.into_iter();
        let work: Vec<_> = sinks
            .map(|mut sink| {
                sink.report_to(parts);
                sink.run(blocking.clone(), follow.clone(), Arc::clone(&lost))
            })
            .collect();
        run_apart(&mut tasks, "events", work)
            .map_err(|error| BuildError::Part(format!("the thread of the sinks: {error}")))?;
        Ok(EventTasks { tasks, ring, closing, lost })
    }
}

impl EventTasks {
    /// Ends the calls that read events.
    pub(super) fn close_streams(&self) {
        if let Some(ring) = &self.ring {
            ring.close();
        }
    }

    /// Ends the sinks when they have handed on what is in memory, at the latest at `end`; whether all of
    /// it was.
    pub(super) async fn finish(mut self, end: Instant) -> bool {
        self.closing.send_replace(true);
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        let in_time = timeout_at(end, ended).await.is_ok();
        let events = self.lost.load(Ordering::Relaxed);
        if events > 0 {
            tracing::error!(events, "events are lost: their sinks could not take them");
        }
        in_time && events == 0
    }
}

/// The ways by which the sinks send.
fn ways<'a>(config: &'a Config, upstream: &'a upstream::Client) -> Ways<'a> {
    Ways { upstream, redis: config.shared.as_ref().map(|shared| &shared.redis) }
}

/// Sends a sample of each of these types to a sink, past its queue; whether each was taken.
///
/// # Errors
///
/// Fails where the outbound client cannot be built from the configuration.
pub async fn send_samples(
    config: &Config,
    sink: &EventSink,
    kinds: &[EventType],
) -> Result<Vec<(EventType, Result<(), String>)>, BuildError> {
    let Foundation { upstream, .. } = Foundation::build(config)?;
    let mut sent = Vec::new();
    for kind in kinds {
        let result = send_sample(sink, &config.events.source, *kind, ways(config, &upstream)).await;
        sent.push((*kind, result));
    }
    Ok(sent)
}

/// Tells that another configuration is in force.
pub(super) fn tell_reload(authorizer: &Authorizer, edition: Edition) {
    let events = authorizer.events();
    if events.wants(EventType::ConfigReloaded) {
        let event = Event::new(EventType::ConfigReloaded).number("epoch", edition.epoch);
        events.record(event.shared("hash", edition.hash));
    }
}

/// An issuer, and one tenant of it.
type KeyOwner = (String, Option<String>);

/// Tells when the keys of an issuer are other ones than before. The first keys since the start are no
/// change.
pub(super) async fn watch_keys(authorizer: Arc<Authorizer>) {
    if !authorizer.events().wants(EventType::KeysChanged) {
        return;
    }
    let mut known: HashMap<KeyOwner, Vec<String>> = HashMap::new();
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let snapshot = authorizer.snapshot();
        let mut now = HashMap::new();
        for issuer in snapshot.verifier().issuers() {
            for (tenant, _, status) in issuer.each_key_status() {
                let owner = (issuer.name().to_owned(), tenant.map(str::to_owned));
                let names = key_names(&status);
                let before = known.get(&owner).filter(|before| !before.is_empty());
                if before.is_some_and(|before| *before != names) {
                    authorizer.events().record(keys_changed(&owner, &status, &names));
                }
                // Keys that are lost for a while and come back are no change.
                let kept = if names.is_empty() { before.cloned() } else { Some(names) };
                now.insert(owner, kept.unwrap_or_default());
            }
        }
        known = now;
    }
}

fn key_names(status: &KeyStatus) -> Vec<String> {
    let name = |kid: &Option<String>| kid.clone().unwrap_or_default();
    let mut names: Vec<String> = status.keys.iter().map(|key| name(&key.kid)).collect();
    names.sort();
    names
}

fn keys_changed((issuer, tenant): &KeyOwner, status: &KeyStatus, names: &[String]) -> Event {
    Event::new(EventType::KeysChanged)
        .at_issuer(issuer.as_str().into())
        .text("tenant", tenant.as_deref())
        .number("usable", status.usable as u64)
        .texts("kids", names.iter().map(String::as_str))
}
