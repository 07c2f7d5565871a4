//! The store that all replicas share: Redis 6 or newer, or Valkey; one server, the master that
//! Sentinels name, or a cluster.
//!
//! In and out: see [`SharedStore`]. Each question is one script, so that it is done whole or not at
//! all. All keys have one hash tag, so that they are in one slot of a cluster.

mod decode;
#[cfg(test)]
mod fake_server;
mod greeting;
mod judge;
mod link;
mod listener;
mod opener;
mod route;
mod scripts;
mod stream;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::{FutureExt as _, future::BoxFuture};
use redis::{FromRedisValue, ScriptInvocation, Value};
use tokio::sync::Notify;

use super::{
    Changes, Held, Position, ReplicaPosition, Reply, SetRecord, SharedError, SharedStore,
    labels::SharedOperation,
};
use crate::{config::Shared, metrics::Metrics};
use link::{Link, Question};
pub use listener::RedisListener;
use route::Route;
use scripts::Scripts;
pub use stream::RedisStream;

/// The most records of the set: several times as many as a list of revocations may have.
const MAX_RECORDS: u64 = 20_000_000;

/// The store in Redis.
pub struct RedisStore {
    link: Link,
    scripts: Scripts,
    names: Names,
    /// The name of a set that this process would begin.
    generation: String,
    changed: Arc<Notify>,
    metrics: Arc<Metrics>,
    /// The number of the connection by which the changes were read last.
    read_by: AtomicU64,
}

/// The keys and the channel.
struct Names {
    /// The first part of the keys of values and counters.
    value: String,
    counter: String,
    /// The hash of the records, by id.
    records: String,
    /// The ids, by the number of their last change.
    changes: String,
    /// The ids, by their end.
    ends: String,
    /// The name of the set, the number of the last change, the last stamp, the number of records.
    about: String,
    /// The replicas, by the time at which they asked last; and how far each of them is.
    replicas: String,
    positions: String,
    channel: String,
}

impl Names {
    fn new(prefix: &str) -> Self {
        let of = |name: &str| format!("{{{prefix}}}:{name}");
        Self {
            value: of("value:"),
            counter: of("count:"),
            records: of("set:records"),
            changes: of("set:changes"),
            ends: of("set:ends"),
            about: of("set:about"),
            replicas: of("replicas"),
            positions: of("positions"),
            channel: of("changed"),
        }
    }

    fn of_value(&self, key: &str) -> String {
        format!("{}{key}", self.value)
    }

    /// The keys of the set, in the order in which its scripts take them.
    fn set(&self) -> impl Iterator<Item = &String> {
        [&self.records, &self.changes, &self.ends, &self.about].into_iter()
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").finish_non_exhaustive()
    }
}

impl RedisStore {
    /// The store of these settings, and the task that listens for changes. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// The reason, if the authorities cannot be read, or the system gives no random bytes.
    pub fn build(
        settings: &Shared,
        metrics: &Arc<Metrics>,
    ) -> Result<(Arc<Self>, RedisListener), String> {
        let names = Names::new(&settings.prefix);
        let route = Arc::new(Route::new(&settings.redis, &names.about)?);
        let changed = Arc::new(Notify::new());
        let patience = settings.redis.timeout.get();
        let channel = names.channel.clone();
        let listener = RedisListener::new(route.clone(), channel, patience, changed.clone());
        let store = Self {
            link: Link::new(route, patience),
            scripts: Scripts::new(),
            names,
            generation: random_name()?,
            changed,
            metrics: metrics.clone(),
            read_by: AtomicU64::new(0),
        };
        Ok((Arc::new(store), listener))
    }

    /// Asks, counts the answer, and reads it.
    async fn ask<'q, T: FromRedisValue>(
        &self,
        operation: SharedOperation,
        question: impl Fn(u64) -> ScriptInvocation<'q> + Send + Sync,
    ) -> Result<T, SharedError> {
        let answer = self.link.ask(|number| Question::Script(question(number))).await;
        let result = answer
            .as_ref()
            .map_or_else(SharedError::metric_result, |_: &T| super::labels::SharedResult::Ok);
        self.metrics.shared_asked(operation, result);
        answer
    }

    fn merging(&self, records: &[SetRecord]) -> ScriptInvocation<'_> {
        let mut question = self.scripts.merge.prepare_invoke();
        self.names.set().for_each(|key| _ = question.key(key));
        question.arg(&self.generation).arg(MAX_RECORDS).arg(&self.names.channel).arg(now_ms());
        for record in records {
            question
                .arg(&record.id)
                .arg(record.kind)
                .arg(record.value)
                .arg(record.left.map_or(-1, |left| i64::try_from(ms(left)).unwrap_or(-1)))
                .arg(record.stamp)
                .arg(u8::from(record.removed));
        }
        question
    }

    fn asking(&self, from: &Position, has: &Position, replica: &str) -> ScriptInvocation<'_> {
        let mut question = self.scripts.changes.prepare_invoke();
        self.names.set().for_each(|key| _ = question.key(key));
        question.key(&self.names.replicas).key(&self.names.positions);
        question
            .arg(&self.generation)
            .arg(&from.generation)
            .arg(from.number)
            .arg(scripts::MAX_CHANGES)
            .arg(replica)
            .arg(format!("{} {}", has.generation, has.number));
        question
    }
}

impl SharedStore for RedisStore {
    fn put_if_absent<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        keep: Duration,
    ) -> Reply<'a, Option<Held>> {
        async move {
            let question = |_| {
                let mut question = self.scripts.put_if_absent.prepare_invoke();
                question.key(self.names.of_value(key)).arg(value).arg(ms(keep));
                question
            };
            decode::held(self.ask(SharedOperation::PutIfAbsent, question).await?)
        }
        .boxed()
    }

    fn get<'a>(&'a self, key: &'a str) -> Reply<'a, Option<Held>> {
        async move {
            let question = |_| {
                let mut question = self.scripts.get.prepare_invoke();
                question.key(self.names.of_value(key));
                question
            };
            decode::held(self.ask(SharedOperation::Get, question).await?)
        }
        .boxed()
    }

    fn replace<'a>(
        &'a self,
        key: &'a str,
        known: &'a [u8],
        value: &'a [u8],
        keep: Duration,
    ) -> Reply<'a, bool> {
        async move {
            let question = |_| {
                let mut question = self.scripts.replace.prepare_invoke();
                question.key(self.names.of_value(key)).arg(known).arg(value).arg(ms(keep));
                question
            };
            self.ask(SharedOperation::Replace, question).await
        }
        .boxed()
    }

    fn remove<'a>(&'a self, key: &'a str, known: &'a [u8]) -> Reply<'a, bool> {
        async move {
            let question = |_| {
                let mut question = self.scripts.remove.prepare_invoke();
                question.key(self.names.of_value(key)).arg(known);
                question
            };
            self.ask(SharedOperation::Remove, question).await
        }
        .boxed()
    }

    fn count<'a>(&'a self, key: &'a str, window: Duration) -> Reply<'a, u64> {
        async move {
            let question = |_| {
                let mut question = self.scripts.count.prepare_invoke();
                question.key(format!("{}{key}", self.names.counter)).arg(ms(window));
                question
            };
            self.ask(SharedOperation::Count, question).await
        }
        .boxed()
    }

    fn merge<'a>(&'a self, records: &'a [SetRecord]) -> Reply<'a, Position> {
        async move {
            let answer = self.ask(SharedOperation::Merge, |_| self.merging(records)).await?;
            decode::position(answer)
        }
        .boxed()
    }

    fn changes<'a>(
        &'a self,
        from: &'a Position,
        has: &'a Position,
        replica: &'a str,
    ) -> Reply<'a, Changes> {
        async move {
            let (nowhere, used) = (Position::default(), AtomicU64::new(0));
            let question = |number| {
                used.store(number, Ordering::Relaxed);
                // A new connection may lead to another server, or to one that was restarted, which
                // lacks the last changes and has counted others by their numbers since.
                let is_known = number == self.read_by.load(Ordering::Relaxed);
                let (from, has) = if is_known { (from, has) } else { (&nowhere, &nowhere) };
                self.asking(from, has, replica)
            };
            let answer: Value = self.ask(SharedOperation::Changes, question).await?;
            let changes = decode::changes(answer, now_ms())?;
            self.read_by.store(used.load(Ordering::Relaxed), Ordering::Relaxed);
            Ok(changes)
        }
        .boxed()
    }

    fn sweep(&self) -> Reply<'_, u64> {
        async move {
            let question = |_| {
                let mut question = self.scripts.sweep.prepare_invoke();
                self.names.set().for_each(|key| _ = question.key(key));
                question.arg(now_ms());
                question
            };
            self.ask(SharedOperation::Sweep, question).await
        }
        .boxed()
    }

    fn replicas(&self) -> Reply<'_, Vec<ReplicaPosition>> {
        async move {
            let question = |_| {
                let mut question = self.scripts.replicas.prepare_invoke();
                question.key(&self.names.replicas).key(&self.names.positions);
                question
            };
            decode::replicas(self.ask(SharedOperation::Replicas, question).await?)
        }
        .boxed()
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        self.changed.notified().boxed()
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).clamp(1, 1 << 52)
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or_default()
}

/// A random name of 16 hexadecimal digits.
///
/// # Errors
///
/// The system gave no random bytes.
pub fn random_name() -> Result<String, String> {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| "the system's random number generator failed".to_owned())?;
    Ok(crate::digest::hex(&bytes))
}
