//! The list of revocations of one replica, kept equal to those of all others by way of the store.
//!
//! In: commands of this replica, changes of the others. Out: the number of replicas that have a
//! command. The store is the truth that replicas meet at, and it may lose it: a replica that finds
//! another set there, or had no connection for a while, reads all of it and puts in what is missing.
//! Checks read the list alone.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep, sleep_until, timeout, timeout_at},
};

use super::{
    RevocationList as _, RevokedSubject, RevokingIssuer, common_run::CommonRun,
    memory::MemoryRevocations,
};
use crate::{
    health::Latch,
    shared::{
        Changes, Position, ReplicaPosition, SetRecord, SharedError, SharedHealth, SharedStore,
    },
    verify::unix_time::unix_seconds,
};

/// The store is asked for changes this often, also where no message comes.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// Commands that come within this time are read together: a storm of them must not be a storm of
/// questions of every replica.
const GATHER: Duration = Duration::from_millis(10);
/// A set that the store has just begun is not believed to be whole before this age: other replicas
/// may be filling it.
const SETTLED_AFTER: Duration = Duration::from_secs(2);
/// The whole set is read at most this often.
const READ_ALL_EVERY: Duration = Duration::from_secs(5);
/// Revocations that found no room are tried again this often, and ended ones are swept.
const TIDY_EVERY: Duration = Duration::from_secs(60);
/// The most records that are sent at once, and that are applied at once.
const SEND_AT_ONCE: usize = 500;
const APPLY_AT_ONCE: usize = 20_000;
/// A replica that has not asked for this long does not count: it is gone, or cannot reach the store.
const ALIVE: Duration = Duration::from_secs(3);
/// A command waits at most this long for the other replicas.
const SPREAD_WITHIN: Duration = Duration::from_secs(1);
/// At the end of the process the store is asked this often.
const RETRY_EVERY: Duration = Duration::from_millis(100);
/// Commands that wait look at the other replicas at the same moments, by one question.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// In so many rounds, one after the other, a store may have another set than before.
const MOST_RESTARTS: usize = 1;
/// About a store that does not keep what it takes.
const LOSES: &str = "it loses what is written: its memory is full and it evicts keys; set \
                     maxmemory-policy noeviction";

/// How many replicas have a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Spread {
    /// The replicas that have it.
    pub have: usize,
    /// The replicas that were heard of in the last seconds.
    pub known: usize,
}

/// The list of this replica, and the store of all.
pub struct RevocationReplica {
    list: Arc<MemoryRevocations>,
    store: Arc<dyn SharedStore>,
    name: String,
    /// Commands that come at the same time are sent together.
    sending: CommonRun<Result<Position, SharedError>>,
    looking: CommonRun<Result<Arc<[ReplicaPosition]>, SharedError>>,
    began: Instant,
    wake: Notify,
    /// The list of this replica is full, and lacks some.
    leaves_out: AtomicBool,
}

/// Keeps the list equal to the store. To be run for as long as there are checks.
pub struct RevocationSync {
    replica: Arc<RevocationReplica>,
    health: Arc<SharedHealth>,
    /// Held until the list has all that the store has.
    latch: Option<Latch>,
    position: Position,
    /// The name of the set, and when this replica has met it.
    known_since: (String, Instant),
    /// The store may lack something, or have more than its changes say.
    read_all: bool,
    last_read_all: Option<Instant>,
    left_out: usize,
    tidied: Instant,
    /// Rounds, one after the other, in which the store had another set than before.
    restarts: usize,
}

impl fmt::Debug for RevocationReplica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationReplica").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for RevocationSync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationSync").field("position", &self.position).finish_non_exhaustive()
    }
}

impl RevocationReplica {
    /// The replica of this name, which no other replica has, and the work that keeps its list. The
    /// latch is dropped when the list has all that the store has; until then no token passes.
    #[must_use]
    pub fn new(
        name: &str,
        list: &Arc<MemoryRevocations>,
        store: Arc<dyn SharedStore>,
        health: &Arc<SharedHealth>,
        latch: Option<Latch>,
    ) -> (Arc<Self>, RevocationSync) {
        let replica = Arc::new(Self {
            list: list.clone(),
            store,
            name: name.to_owned(),
            sending: CommonRun::new(),
            looking: CommonRun::new(),
            began: Instant::now(),
            wake: Notify::new(),
            leaves_out: AtomicBool::new(false),
        });
        if latch.is_some() {
            list.await_others();
        }
        let sync = RevocationSync {
            replica: replica.clone(),
            health: health.clone(),
            latch,
            position: Position::default(),
            known_since: (String::new(), Instant::now()),
            read_all: true,
            last_read_all: None,
            left_out: 0,
            tidied: Instant::now(),
            restarts: 0,
        };
        (replica, sync)
    }

    /// Sends the commands that the store does not have, and waits a moment for the other replicas.
    ///
    /// # Errors
    ///
    /// [`SharedError`], if the store does not have them now. This replica obeys them, and sends them
    /// when the store answers again.
    pub async fn share(&self) -> Result<Spread, SharedError> {
        let position = self.send().await?;
        self.spread(&position).await.and_then(|spread| self.kept(spread))
    }

    /// The same for a caller who needs no number, and waits no longer than this. The other replicas have
    /// the commands when they hear of them, within a second, also where that is later.
    ///
    /// # Errors
    ///
    /// Those of [`share`](Self::share).
    pub async fn store(&self, end: Instant) -> Result<(), SharedError> {
        let position = self.send().await?;
        match timeout_at(end, self.spread(&position)).await {
            Ok(Ok(spread)) => self.kept(spread).map(drop),
            // The store has them anyway.
            Ok(Err(_)) | Err(_) => Ok(()),
        }
    }

    /// Not even this replica finds what was written just now: the store loses it, as one does that evicts
    /// keys. A list that is full here says so itself.
    fn kept(&self, spread: Spread) -> Result<Spread, SharedError> {
        if spread.have == 0 && !self.leaves_out.load(Ordering::Relaxed) {
            return Err(SharedError::Full(LOSES.to_owned()));
        }
        Ok(spread)
    }

    /// Sends what the store does not have, until it has all of it or this time is over. Returns the
    /// number of revocations that it lacks.
    pub async fn send_rest(&self, end: Instant) -> usize {
        while self.list.unsent_count() > 0 && Instant::now() < end {
            if !matches!(timeout_at(end, self.send()).await, Ok(Ok(_))) {
                sleep_until(end.min(Instant::now() + RETRY_EVERY)).await;
            }
        }
        self.list.unsent_count()
    }

    /// Takes a command back everywhere. Returns the number of entries, and how many replicas have
    /// removed them.
    ///
    /// # Errors
    ///
    /// [`SharedError`], if it is unknown whether the store has it. A command that could be taken back
    /// by one replica alone would come back from the next.
    pub async fn take_back(
        &self,
        issuers: &[RevokingIssuer<'_>],
        subject: RevokedSubject<'_>,
    ) -> Result<(usize, Spread), SharedError> {
        self.send().await?;
        let records = self.list.to_take_back(issuers, subject, now());
        let position = self.store.merge(&records).await?;
        // The very next check of this replica sees it; the store tells it the rest.
        self.list.restore(issuers, subject);
        Ok((records.len(), self.spread(&position).await?))
    }

    /// Sends all commands that the list has now. One sends at a time, so that what is sent is all there
    /// is.
    async fn send(&self) -> Result<Position, SharedError> {
        self.sending.run(self.merge_unsent()).await
    }

    async fn merge_unsent(&self) -> Result<Position, SharedError> {
        loop {
            let unsent = self.list.unsent(SEND_AT_ONCE, now());
            let records: Vec<SetRecord> = unsent.iter().map(|unsent| unsent.record).collect();
            let position = self.store.merge(&records).await?;
            self.list.sent(&unsent);
            if unsent.len() < SEND_AT_ONCE {
                return Ok(position);
            }
        }
    }

    /// How many replicas are at this position, as soon as all are, or after a second.
    async fn spread(&self, position: &Position) -> Result<Spread, SharedError> {
        self.wake.notify_one();
        let deadline = Instant::now() + SPREAD_WITHIN;
        loop {
            // No other replica can have it at once.
            sleep_until(self.next_look()).await;
            let look = async { Ok(self.store.replicas().await?.into()) };
            let replicas = self.looking.run(look).await?;
            let alive: Vec<_> = replicas.iter().filter(|replica| replica.ago < ALIVE).collect();
            let have = alive.iter().filter(|replica| replica.position.has(position)).count();
            if (have > 0 && have == alive.len()) || Instant::now() >= deadline {
                return Ok(Spread { have, known: alive.len() });
            }
        }
    }

    /// The next of the moments at which commands of this replica look, the same for all of them.
    fn next_look(&self) -> Instant {
        let into = self.began.elapsed().as_nanos() % LOOK_EVERY.as_nanos();
        let into = Duration::from_nanos(u64::try_from(into).unwrap_or_default());
        Instant::now() + LOOK_EVERY.saturating_sub(into)
    }
}

impl RevocationSync {
    /// Runs until dropped.
    pub async fn run(mut self) {
        loop {
            match self.round().await {
                Ok(()) => {
                    let unsent = self.replica.list.unsent_count();
                    self.health.answered(&self.position, unsent, self.left_out);
                }
                Err(error) => {
                    // The connection may have led to another server since.
                    self.read_all |= !matches!(error, SharedError::Full(_));
                    self.health.failed(&error, self.replica.list.unsent_count());
                }
            }
            let woken = async {
                tokio::select! {
                    () = self.replica.store.changed() => {}
                    () = self.replica.wake.notified() => {}
                    () = self.replica.list.commanded() => {}
                }
            };
            // Either way the store is asked.
            let _ = timeout(ASK_EVERY, woken).await;
            sleep(GATHER).await;
        }
    }

    /// Reads what is new, and sends what is not there.
    async fn round(&mut self) -> Result<(), SharedError> {
        self.tidy().await?;
        let may_read_all = self.last_read_all.is_none_or(|at| at.elapsed() >= READ_ALL_EVERY);
        let mut all = self.read_all && may_read_all;
        let mut at = if all { Position::default() } else { self.position.clone() };
        let most = self.replica.list.counts().max_entries.saturating_mul(2);
        let (mut seen, mut pending) = (Seen::new(most), Vec::new());
        let mut left_out = if all { 0 } else { self.left_out };
        let mut has_restarted = false;
        let (age, writable) = loop {
            let store = &self.replica.store;
            let changes = store.changes(&at, &self.reported(), &self.replica.name).await?;
            let Changes { mut records, position, restarted, age, writable } = changes;
            if restarted {
                has_restarted |= !at.generation.is_empty() && at.generation != position.generation;
                all = true;
                left_out = 0;
                seen = Seen::new(most);
            }
            if all {
                seen.add(&records);
            }
            at = position;
            let is_last = records.is_empty();
            pending.append(&mut records);
            if is_last || !all || pending.len() >= APPLY_AT_ONCE {
                left_out += self.replica.list.apply(&pending, now());
                pending.clear();
                self.position = at.clone();
            }
            if is_last {
                break (age, writable);
            }
        };
        self.left_out = left_out;
        self.replica.leaves_out.store(left_out > 0, Ordering::Relaxed);
        if all {
            self.fill(&seen).await?;
            self.read_all = false;
            self.last_read_all = Some(Instant::now());
        }
        if self.replica.list.unsent_count() > 0 {
            self.replica.send().await?;
        }
        // The first set that is met is another one, and so is that of a store that was emptied.
        self.restarts = if has_restarted { self.restarts + 1 } else { 0 };
        if self.restarts > MOST_RESTARTS {
            return Err(SharedError::Full(LOSES.to_owned()));
        }
        self.settle(age);
        if writable { Ok(()) } else { Err(SharedError::Full("it takes no writes".to_owned())) }
    }

    /// The position that others may rely on: none, while the list of this replica is full and lacks some.
    fn reported(&self) -> Position {
        if self.left_out == 0 { self.position.clone() } else { Position::default() }
    }

    /// Lets the process be ready when the set is old enough: by the clock of the store, or, as that
    /// may have been set back, by the time for which this replica knows it.
    fn settle(&mut self, age: Duration) {
        let (generation, since) = &mut self.known_since;
        if *generation != self.position.generation {
            (*generation, *since) = (self.position.generation.clone(), Instant::now());
        }
        if age.max(since.elapsed()) >= SETTLED_AFTER {
            self.latch = None;
            self.replica.list.has_others();
        }
    }

    /// Puts into the store what this replica knows and the store does not.
    async fn fill(&self, seen: &Seen) -> Result<(), SharedError> {
        for index in 0..=u8::MAX {
            let mut missing = self.replica.list.part(index, now());
            missing.retain(|record| !seen.has(record));
            for some in missing.chunks(SEND_AT_ONCE) {
                self.replica.store.merge(some).await?;
            }
        }
        Ok(())
    }

    /// Once a minute: removes what has ended from the store, and looks for what found no room.
    async fn tidy(&mut self) -> Result<(), SharedError> {
        if self.tidied.elapsed() >= TIDY_EVERY {
            self.tidied = Instant::now();
            self.read_all |= self.left_out > 0;
            self.replica.store.sweep().await?;
        }
        Ok(())
    }
}

/// The records of the store that were read, as many as this replica may have: one that is not
/// remembered is sent again, which changes nothing there.
struct Seen {
    most: usize,
    stamps: HashMap<u64, u64>,
}

impl Seen {
    fn new(most: usize) -> Self {
        Self { most, stamps: HashMap::new() }
    }

    fn add(&mut self, records: &[SetRecord]) {
        for record in records {
            let key = short(record);
            if self.stamps.len() < self.most || self.stamps.contains_key(&key) {
                self.stamps.insert(key, record.stamp);
            }
        }
    }

    /// Whether the store has this record, or a later one about the same.
    fn has(&self, record: &SetRecord) -> bool {
        self.stamps.get(&short(record)).is_some_and(|at| *at >= record.stamp)
    }
}

/// The first bytes of an id, which tell it from others well enough: one that is taken for another is
/// sent again, or by the next replica.
fn short(record: &SetRecord) -> u64 {
    record.id.first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

fn now() -> u64 {
    unix_seconds(SystemTime::now())
}

#[cfg(test)]
mod tests {
    use super::{Seen, SetRecord};

    #[test]
    fn what_is_remembered_of_the_store_is_bounded() {
        let record = |id: u8, stamp| SetRecord {
            id: [id; 32],
            kind: 0,
            value: 0,
            left: None,
            stamp,
            removed: false,
        };
        let mut seen = Seen::new(2);
        seen.add(&[record(1, 5), record(2, 5), record(3, 5)]);
        seen.add(&[record(1, 7)]);
        assert_eq!(seen.stamps.len(), 2);
        for (name, asked, expected) in [
            ("the same", record(1, 7), true),
            ("an earlier one", record(1, 6), true),
            ("a later one", record(1, 8), false),
            ("one that found no room", record(3, 5), false),
            ("an unknown one", record(4, 5), false),
        ] {
            assert_eq!(seen.has(&asked), expected, "{name}");
        }
    }
}
