//! Listens for the news that the set has changed, on a connection of its own.
//!
//! In: the channel. Out: a wake-up for each message, and for each new connection, as messages may
//! have been lost before. It carries no data: who is woken asks for the changes.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use redis::RedisError;
use tokio::{
    sync::Notify,
    time::{error::Elapsed, sleep, timeout},
};

use super::route::Route;
use crate::shared::SharedError;

/// The wait before a connection is made again.
const PAUSE: Duration = Duration::from_millis(250);
/// A connection without messages is asked this often whether it lives.
const PING_EVERY: Duration = Duration::from_secs(2);
/// After so many of these the way is asked whether another server takes the writes.
const LOOK_EVERY: u32 = 3;

/// Listens for changes. To be run for as long as the store is used.
pub struct RedisListener {
    route: Arc<Route>,
    channel: String,
    patience: Duration,
    changed: Arc<Notify>,
}

impl std::fmt::Debug for RedisListener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisListener").finish_non_exhaustive()
    }
}

/// Why a connection ended. The store itself tells its errors: here they change nothing.
enum Ended {
    Error,
    Late,
}

impl From<RedisError> for Ended {
    fn from(_: RedisError) -> Self {
        Self::Error
    }
}

impl From<SharedError> for Ended {
    fn from(_: SharedError) -> Self {
        Self::Error
    }
}

impl From<Elapsed> for Ended {
    fn from(_: Elapsed) -> Self {
        Self::Late
    }
}

impl RedisListener {
    pub(super) const fn new(
        route: Arc<Route>,
        channel: String,
        patience: Duration,
        changed: Arc<Notify>,
    ) -> Self {
        Self { route, channel, patience, changed }
    }

    /// Runs until dropped.
    pub async fn run(self) {
        loop {
            match self.listen().await {
                Ok(()) | Err(Ended::Error | Ended::Late) => sleep(PAUSE).await,
            }
        }
    }

    /// Listens on one connection to its end.
    async fn listen(&self) -> Result<(), Ended> {
        let client = timeout(self.patience, self.route.find()).await??;
        let connection = timeout(self.patience, client.get_async_pubsub()).await??;
        let (mut sink, mut messages) = connection.split();
        let heard = async {
            while messages.next().await.is_some() {
                self.changed.notify_one();
            }
            Ok(())
        };
        let asked = async {
            timeout(self.patience, sink.subscribe(&self.channel)).await??;
            self.changed.notify_one();
            loop {
                for _ in 0..LOOK_EVERY {
                    sleep(PING_EVERY).await;
                    timeout(self.patience, sink.ping::<()>()).await??;
                }
                if timeout(self.patience, self.route.leads_elsewhere(&client)).await? {
                    // A master that its Sentinels have lost answers still, and takes writes that
                    // are thrown away when it comes back to them.
                    self.route.renew();
                    return Err(Ended::Error);
                }
            }
        };
        tokio::select! {
            ended = heard => ended,
            ended = asked => ended,
        }
    }
}
