//! The store that all replicas share: Redis 6 or newer, or Valkey.
//!
//! In and out: see [`SharedStore`]. Each question is one script, so that it is done whole or not at
//! all. All keys have one hash tag, so that they are in one slot of a cluster.

mod decode;
mod link;
mod listener;
mod scripts;

use std::{
    fmt,
    sync::Arc,
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
use link::Link;
pub use listener::RedisListener;
use scripts::Scripts;

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
        let client = link::client(settings)?;
        let names = Names::new(&settings.prefix);
        let changed = Arc::new(Notify::new());
        let patience = settings.timeout.get();
        let channel = names.channel.clone();
        let listener = RedisListener::new(client.clone(), channel, patience, changed.clone());
        let store = Self {
            link: Link::new(client, patience),
            scripts: Scripts::new(),
            names,
            generation: random_name()?,
            changed,
            metrics: metrics.clone(),
        };
        Ok((Arc::new(store), listener))
    }

    /// Asks, counts the answer, and reads it.
    async fn ask<T: FromRedisValue>(
        &self,
        operation: SharedOperation,
        question: &ScriptInvocation<'_>,
    ) -> Result<T, SharedError> {
        let answer = self.link.ask(question).await;
        let result = answer
            .as_ref()
            .map_or_else(SharedError::metric_result, |_: &T| super::labels::SharedResult::Ok);
        self.metrics.shared_asked(operation, result);
        answer
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
            let mut question = self.scripts.put_if_absent.prepare_invoke();
            question.key(format!("{}{key}", self.names.value)).arg(value).arg(ms(keep));
            let answer: Value = self.ask(SharedOperation::PutIfAbsent, &question).await?;
            decode::held(answer)
        }
        .boxed()
    }

    fn get<'a>(&'a self, key: &'a str) -> Reply<'a, Option<Held>> {
        async move {
            let mut question = self.scripts.get.prepare_invoke();
            question.key(format!("{}{key}", self.names.value));
            let answer: Value = self.ask(SharedOperation::Get, &question).await?;
            decode::held(answer)
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
            let mut question = self.scripts.replace.prepare_invoke();
            question.key(format!("{}{key}", self.names.value)).arg(known).arg(value).arg(ms(keep));
            self.ask(SharedOperation::Replace, &question).await
        }
        .boxed()
    }

    fn remove<'a>(&'a self, key: &'a str, known: &'a [u8]) -> Reply<'a, bool> {
        async move {
            let mut question = self.scripts.remove.prepare_invoke();
            question.key(format!("{}{key}", self.names.value)).arg(known);
            self.ask(SharedOperation::Remove, &question).await
        }
        .boxed()
    }

    fn count<'a>(&'a self, key: &'a str, window: Duration) -> Reply<'a, u64> {
        async move {
            let mut question = self.scripts.count.prepare_invoke();
            question.key(format!("{}{key}", self.names.counter)).arg(ms(window));
            self.ask(SharedOperation::Count, &question).await
        }
        .boxed()
    }

    fn merge<'a>(&'a self, records: &'a [SetRecord]) -> Reply<'a, Position> {
        async move {
            let names = &self.names;
            let mut question = self.scripts.merge.prepare_invoke();
            for key in [&names.records, &names.changes, &names.ends, &names.about] {
                question.key(key);
            }
            question.arg(&self.generation).arg(MAX_RECORDS).arg(&names.channel);
            for record in records {
                question
                    .arg(&record.id)
                    .arg(record.kind)
                    .arg(record.value)
                    .arg(record.left.map_or(-1, |left| i64::try_from(ms(left)).unwrap_or(-1)))
                    .arg(record.stamp)
                    .arg(u8::from(record.removed));
            }
            let answer: Value = self.ask(SharedOperation::Merge, &question).await?;
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
            let names = &self.names;
            let mut question = self.scripts.changes.prepare_invoke();
            for key in [
                &names.records,
                &names.changes,
                &names.ends,
                &names.about,
                &names.replicas,
                &names.positions,
            ] {
                question.key(key);
            }
            question
                .arg(&self.generation)
                .arg(&from.generation)
                .arg(from.number)
                .arg(scripts::MAX_CHANGES)
                .arg(replica)
                .arg(format!("{} {}", has.generation, has.number));
            let answer: Value = self.ask(SharedOperation::Changes, &question).await?;
            decode::changes(answer, now_ms())
        }
        .boxed()
    }

    fn sweep(&self) -> Reply<'_, u64> {
        async move {
            let names = &self.names;
            let mut question = self.scripts.sweep.prepare_invoke();
            for key in [&names.records, &names.changes, &names.ends, &names.about] {
                question.key(key);
            }
            question.arg(now_ms());
            self.ask(SharedOperation::Sweep, &question).await
        }
        .boxed()
    }

    fn replicas(&self) -> Reply<'_, Vec<ReplicaPosition>> {
        async move {
            let mut question = self.scripts.replicas.prepare_invoke();
            question.key(&self.names.replicas).key(&self.names.positions);
            let answer: Value = self.ask(SharedOperation::Replicas, &question).await?;
            decode::replicas(answer)
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
