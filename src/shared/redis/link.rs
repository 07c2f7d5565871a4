//! The connection to Redis: made when it is needed, and made again when it may be dead, or another
//! server takes the writes.
//!
//! In: a question. Out: its answer, or why there is none, in bounded time. A connection that did not
//! answer in time is given up: a firewall may have dropped it, and its later answers would be those
//! of other questions.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisResult, ScriptInvocation,
    aio::MultiplexedConnection,
};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use super::{
    greeting::{Expected, greet},
    judge::judge,
    route::Route,
};
use crate::shared::SharedError;

/// After a connection could not be made, questions are refused at once for this long.
const PAUSE: Duration = Duration::from_millis(100);
/// A link that watches looks this often whether another server takes the writes.
const LOOK_EVERY: Duration = Duration::from_secs(6);
/// The most questions that wait for an answer. More are refused.
const MAX_IN_FLIGHT: usize = 2048;

/// The connection, which all questions share.
pub(super) struct Link {
    route: Arc<Route>,
    patience: Duration,
    /// It looks by itself whether another server takes the writes.
    watches: bool,
    state: Mutex<State>,
    places: tokio::sync::Semaphore,
    made: AtomicU64,
}

#[derive(Default)]
struct State {
    connection: Option<Connected>,
    /// No connection is tried before this, for this reason.
    paused: Option<(Instant, SharedError)>,
}

#[derive(Clone)]
struct Connected {
    /// Its number, from 1.
    number: u64,
    /// The edition of the route that it was made by.
    edition: u64,
    client: Client,
    /// When it was known last that no other server takes the writes.
    seen: Instant,
    connection: MultiplexedConnection,
}

/// A question to the server.
pub(super) enum Question<'a> {
    Script(ScriptInvocation<'a>),
    Command(Cmd),
}

/// Why a question has no answer.
struct Failed {
    error: SharedError,
    /// Another node of the cluster has the keys. The question was not done.
    moved: bool,
}

impl Question<'_> {
    async fn ask<T: FromRedisValue>(
        &self,
        connection: &mut MultiplexedConnection,
    ) -> RedisResult<T> {
        match self {
            Self::Script(script) => script.invoke_async(connection).await,
            Self::Command(command) => command.query_async(connection).await,
        }
    }
}

impl Link {
    /// Of a store whose listener watches the way, and renews it.
    pub(super) fn new(route: Arc<Route>, patience: Duration) -> Self {
        Self {
            route,
            patience,
            watches: false,
            state: Mutex::default(),
            places: tokio::sync::Semaphore::new(MAX_IN_FLIGHT),
            made: AtomicU64::new(0),
        }
    }

    /// One that watches the way by itself: a master that its Sentinels have lost answers still, and
    /// takes writes that are thrown away when it comes back to them.
    pub(super) fn watching(route: Arc<Route>, patience: Duration) -> Self {
        Self { watches: true, ..Self::new(route, patience) }
    }

    /// Asks, within twice the time limit: a connection may have to be made first. The question is
    /// made for the connection of the number that it is told. It is never asked twice, unless the
    /// first node has said that another one has its keys.
    pub(super) async fn ask<'q, T: FromRedisValue>(
        &self,
        question: impl Fn(u64) -> Question<'q> + Send + Sync,
    ) -> Result<T, SharedError> {
        let Ok(_place) = self.places.try_acquire() else {
            return Err(SharedError::Unreachable("too many questions are waiting".to_owned()));
        };
        match self.ask_once(&question).await {
            Err(failed) if failed.moved && !self.route.is_one_server() => {
                self.ask_once(&question).await.map_err(|failed| failed.error)
            }
            answer => answer.map_err(|failed| failed.error),
        }
    }

    async fn ask_once<'q, T: FromRedisValue>(
        &self,
        question: &(impl Fn(u64) -> Question<'q> + Send + Sync),
    ) -> Result<T, Failed> {
        let failed = |error| Failed { error, moved: false };
        // The first one makes the connection for all that wait here.
        let connected = timeout(self.patience, self.connection()).await;
        let Connected { number, mut connection, .. } = match connected {
            Ok(connected) => connected.map_err(failed)?,
            Err(_elapsed) => return Err(failed(SharedError::Late)),
        };
        let question = question(number);
        let answer = timeout(self.patience, question.ask(&mut connection)).await;
        let error = match answer {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => error,
            Err(_elapsed) => {
                self.give_up(number).await;
                return Err(failed(SharedError::Late));
            }
        };
        let moved = error.code() == Some("MOVED");
        let (mut error, is_dead) = judge(&error);
        if is_dead {
            self.give_up(number).await;
        }
        if moved && self.route.is_one_server() {
            error = SharedError::Refused(
                "it is one node of a cluster: write `cluster: { nodes: [...] }` in place of `url`"
                    .to_owned(),
            );
        }
        Err(Failed { error, moved })
    }

    async fn connection(&self) -> Result<Connected, SharedError> {
        let mut state = self.state.lock().await;
        let edition = self.route.edition();
        if let Some(connected) = &mut state.connection
            && connected.edition == edition
            && self.still_leads_to(connected).await
        {
            return Ok(connected.clone());
        }
        state.connection = None;
        if let Some((until, error)) = &state.paused
            && Instant::now() < *until
        {
            return Err(error.clone());
        }
        match self.connect().await {
            Ok((client, connection)) => {
                let number = self.made.fetch_add(1, Ordering::Relaxed) + 1;
                let seen = Instant::now();
                let connected = Connected { number, edition, client, seen, connection };
                state.paused = None;
                state.connection = Some(connected.clone());
                Ok(connected)
            }
            Err(error) => {
                state.paused = Some((Instant::now() + PAUSE, error.clone()));
                Err(error)
            }
        }
    }

    /// Whether the way leads to this server still, as far as it is to be known now.
    async fn still_leads_to(&self, connected: &mut Connected) -> bool {
        if !self.watches || connected.seen.elapsed() < LOOK_EVERY {
            return true;
        }
        connected.seen = Instant::now();
        !self.route.leads_elsewhere(&connected.client).await
    }

    /// A connection to the server that takes writes.
    async fn connect(&self) -> Result<(Client, MultiplexedConnection), SharedError> {
        let client = self.route.find().await?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.patience))
            .set_response_timeout(None);
        let connection = client.get_multiplexed_async_connection_with_config(&config).await;
        let mut connection = connection.map_err(|error| judge(&error).0)?;
        greet(&mut connection, Expected::Writer).await?;
        Ok((client, connection))
    }

    /// The connection of this number is not used again.
    async fn give_up(&self, number: u64) {
        let mut state = self.state.lock().await;
        if state.connection.as_ref().is_some_and(|known| known.number == number) {
            state.connection = None;
        }
    }
}
