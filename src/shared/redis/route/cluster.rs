//! The node of a cluster that has the keys.
//!
//! In: some nodes, all of which are asked at once for one key. Out: the node that has it: the one that
//! answers, or the one that another leads to. A node that was added later is found in this way too.

use std::time::Duration;

use futures_util::{StreamExt as _, future::join, stream::FuturesUnordered};
use redis::{AsyncConnectionConfig, Client, ConnectionAddr, RedisError};
use tokio::time::{Instant, timeout_at};

use crate::{
    config::RedisCluster,
    shared::{
        SharedError,
        redis::{
            greeting::{Expected, greet},
            judge::judge,
            opener::Opener,
        },
    },
};

/// The nodes of the settings, and a key that says which slot is meant.
pub(super) struct Cluster {
    nodes: Vec<Client>,
    key: String,
    opener: Opener,
    patience: Duration,
}

impl Cluster {
    pub(super) fn new(
        settings: &RedisCluster,
        opener: Opener,
        (key, patience): (&str, Duration),
    ) -> Result<Self, String> {
        let nodes = opener.nodes(&settings.nodes)?;
        Ok(Self { nodes, key: key.to_owned(), opener, patience })
    }

    /// The client of the node that has the key.
    ///
    /// # Errors
    ///
    /// [`SharedError`], if no node answers, or the cluster does not work.
    pub(super) async fn find(&self) -> Result<Client, SharedError> {
        let mut problem = SharedError::Late;
        let until = Instant::now() + self.patience / 2;
        let mut asked: FuturesUnordered<_> = self.nodes.iter().map(|node| self.ask(node)).collect();
        loop {
            // A refusal says more than nodes that are lost, which may use up the time.
            let is_refused = matches!(problem, SharedError::Refused(_));
            let answer = if is_refused {
                timeout_at(until, asked.next()).await.unwrap_or_default()
            } else {
                asked.next().await
            };
            match answer {
                Some(Ok(client)) => return Ok(client),
                Some(Err(error)) if !is_refused => problem = error,
                Some(Err(_)) => {}
                None => return Err(problem),
            }
        }
    }

    /// The client of the node that has the key, as this node says.
    async fn ask(&self, node: &Client) -> Result<Client, SharedError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.patience))
            .set_response_timeout(Some(self.patience));
        let told = |error: &RedisError| judge(error).0;
        let connection = node.get_multiplexed_async_connection_with_config(&config).await;
        let mut connection = connection.map_err(|error| told(&error))?;
        let (mut question, mut other) = (redis::cmd("EXISTS"), connection.clone());
        let asking = question.arg(&self.key).query_async::<()>(&mut connection);
        let (greeted, answer) = join(greet(&mut other, Expected::Node), asking).await;
        // A server on its own has every key.
        greeted?;
        match answer {
            Ok(()) => Ok(node.clone()),
            Err(error) => match error.redirect_node() {
                Some((address, _slot)) => {
                    let (host, port) = place(address, node).ok_or_else(|| told(&error))?;
                    Opener::check_named((host.as_str(), port), node)?;
                    self.opener.named(&host, port)
                }
                None => Err(told(&error)),
            },
        }
    }
}

/// The host and the port behind `MOVED`. Without a host, it is the one that was asked.
fn place(address: &str, asked: &Client) -> Option<(String, u16)> {
    let (host, port) = split(address)?;
    if !host.is_empty() {
        return Some((host.to_owned(), port));
    }
    match asked.get_connection_info().addr() {
        ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => {
            Some((host.clone(), port))
        }
        _ => None,
    }
}

/// `HOST:PORT`; addresses of IPv6 have no brackets there. A host that is not known is empty or `?`.
fn split(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Some((if host == "?" { "" } else { host }, port))
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn an_address_behind_moved_is_split_at_its_last_colon() {
        for (address, expected) in [
            ("10.0.0.7:6379", Some(("10.0.0.7", 6379))),
            ("2001:db8::1:6379", Some(("2001:db8::1", 6379))),
            ("[::1]:6379", Some(("::1", 6379))),
            ("node-1.example.com:6380", Some(("node-1.example.com", 6380))),
            (":6381", Some(("", 6381))),
            ("?:6381", Some(("", 6381))),
            ("node", None),
            ("node:0", None),
            ("node:x", None),
            ("node:70000", None),
        ] {
            assert_eq!(split(address), expected, "{address}");
        }
    }
}
