//! The master of the moment, by the Sentinels.
//!
//! In: the Sentinels, all of which are asked at once. Out: the address of the latest failover that a
//! majority knows of: a Sentinel that was away still names the master of before.

use std::{collections::HashMap, time::Duration};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use redis::{AsyncConnectionConfig, Client, RedisError};
use tokio::time::{Instant, timeout_at};

use crate::{
    config::RedisSentinel,
    shared::{
        SharedError,
        redis::{judge::judge, opener::Opener},
    },
};

/// The Sentinels of one master.
pub(super) struct Sentinels {
    master: String,
    sentinels: Vec<Client>,
    /// For the master.
    opener: Opener,
    patience: Duration,
}

/// A master, as a Sentinel knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    /// The number of the failover that made it the master.
    epoch: u64,
    host: String,
    port: u16,
}

impl Sentinels {
    pub(super) fn new(
        settings: &RedisSentinel,
        opener: Opener,
        patience: Duration,
    ) -> Result<Self, String> {
        let user = (settings.username.as_ref(), settings.password.as_ref());
        let sentinels = opener.with_user(user).nodes(&settings.nodes)?;
        Ok(Self { master: settings.master.clone(), sentinels, opener, patience })
    }

    /// The client of the master.
    ///
    /// # Errors
    ///
    /// [`SharedError`], if no Sentinel answers, or none knows the master.
    pub(super) async fn find(&self) -> Result<Client, SharedError> {
        let (mut best, mut answers): (Option<Named>, usize) = (None, 0);
        let mut problem = SharedError::Late;
        let until = Instant::now() + self.patience / 2;
        let mut asked: FuturesUnordered<_> =
            self.sentinels.iter().map(|sentinel| self.ask(sentinel)).collect();
        while 2 * answers <= self.sentinels.len() {
            match timeout_at(until, asked.next()).await {
                Ok(Some(Ok(named))) => {
                    answers += 1;
                    if best.as_ref().is_none_or(|best| named.epoch > best.epoch) {
                        best = Some(named);
                    }
                }
                Ok(Some(Err(error))) => problem = worse(problem, error),
                // All have answered, or the time is over for those that have not.
                Ok(None) | Err(_) => break,
            }
        }
        let Named { host, port, .. } = best.ok_or(problem)?;
        self.opener.named(&host, port)
    }

    async fn ask(&self, sentinel: &Client) -> Result<Named, SharedError> {
        let told = |error: RedisError| {
            let (error, _) = judge(&error);
            match error {
                SharedError::Refused(text) => SharedError::Refused(SharedError::shown(&format!(
                    "a Sentinel, asked for the master `{}`: {text}",
                    self.master
                ))),
                SharedError::Unreachable(text) => {
                    SharedError::Unreachable(SharedError::shown(&format!("a Sentinel: {text}")))
                }
                error @ (SharedError::Late | SharedError::Full(_)) => error,
            }
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.patience))
            .set_response_timeout(Some(self.patience));
        let connection = sentinel.get_multiplexed_async_connection_with_config(&config).await;
        let mut connection = connection.map_err(told)?;
        let fields: HashMap<String, String> = redis::cmd("SENTINEL")
            .arg("MASTER")
            .arg(&self.master)
            .query_async(&mut connection)
            .await
            .map_err(told)?;
        let named = named(&fields).ok_or_else(|| {
            SharedError::Refused("a Sentinel does not say where the master is".to_owned())
        })?;
        Opener::check_named((named.host.as_str(), named.port), sentinel)?;
        Ok(named)
    }
}

fn named(fields: &HashMap<String, String>) -> Option<Named> {
    let host = fields.get("ip").filter(|host| !host.is_empty())?;
    let port = fields.get("port")?.parse().ok().filter(|port| *port != 0)?;
    let epoch = fields.get("config-epoch").and_then(|epoch| epoch.parse().ok()).unwrap_or(0);
    Some(Named { epoch, host: host.clone(), port })
}

/// Of two problems, the one that says more.
fn worse(one: SharedError, other: SharedError) -> SharedError {
    if matches!(one, SharedError::Refused(_)) { one } else { other }
}

#[cfg(test)]
mod tests {
    use super::{Named, named};

    #[test]
    fn a_master_has_a_host_and_a_port() {
        let of = |pairs: &[(&str, &str)]| {
            let fields = pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
            named(&fields.collect())
        };
        let expected = |epoch| Some(Named { epoch, host: "::1".to_owned(), port: 7000 });
        for (name, fields, found) in [
            ("whole", &[("ip", "::1"), ("port", "7000"), ("config-epoch", "3")][..], expected(3)),
            ("without an epoch", &[("ip", "::1"), ("port", "7000")], expected(0)),
            ("without a host", &[("port", "7000")], None),
            ("an empty host", &[("ip", ""), ("port", "7000")], None),
            ("without a port", &[("ip", "::1")], None),
            ("port 0", &[("ip", "::1"), ("port", "0")], None),
            ("no number", &[("ip", "::1"), ("port", "seven")], None),
        ] {
            assert_eq!(of(fields), found, "{name}");
        }
    }
}
