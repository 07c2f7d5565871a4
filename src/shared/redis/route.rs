//! The way to the server that takes writes: the one of the settings, the master that Sentinels name,
//! or the node of a cluster that has the keys.
//!
//! In: the settings. Out: the client of the server, found again for each connection. The library's own
//! clients of Sentinels and clusters are not used: they send a question again after a connection broke,
//! although it may have been done, and they ask Sentinels one after the other, so that one dead machine
//! uses up the time. All keys are in one slot, so one connection is enough here.

mod cluster;
mod sentinel;

use std::sync::atomic::{AtomicU64, Ordering};

use redis::Client;

use super::opener::Opener;
use crate::{
    config::{RedisAccess, RedisPlace, RedisWay},
    shared::SharedError,
};
use cluster::Cluster;
use sentinel::Sentinels;

/// The way to the server that takes writes.
pub(super) struct Route {
    way: Way,
    /// Counts up when another server is known to take the writes.
    edition: AtomicU64,
}

enum Way {
    Server(Client),
    Sentinels(Sentinels),
    Cluster(Cluster),
}

impl Route {
    /// The way of these settings to the server that has this key. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// The reason, if the authorities cannot be read.
    pub(super) fn new(access: &RedisAccess, key: &str) -> Result<Self, String> {
        let way = match &access.place {
            RedisPlace::Url(address) => {
                let opener = Opener::new(access, address.database)?;
                Way::Server(match &address.way {
                    RedisWay::Unix(path) => opener.socket(path)?,
                    RedisWay::Tcp { host, port, .. } => opener.host(host, *port)?,
                })
            }
            RedisPlace::Sentinel(settings) => {
                let opener = Opener::new(access, settings.database)?;
                Way::Sentinels(Sentinels::new(settings, opener, access.timeout.get())?)
            }
            RedisPlace::Cluster(settings) => {
                let opener = Opener::new(access, 0)?;
                Way::Cluster(Cluster::new(settings, opener, (key, access.timeout.get()))?)
            }
        };
        Ok(Self { way, edition: AtomicU64::new(0) })
    }

    /// The client of the server that takes writes now.
    ///
    /// # Errors
    ///
    /// [`SharedError`], if no Sentinel or node says which one that is.
    pub(super) async fn find(&self) -> Result<Client, SharedError> {
        match &self.way {
            Way::Server(client) => Ok(client.clone()),
            Way::Sentinels(sentinels) => sentinels.find().await,
            Way::Cluster(cluster) => cluster.find().await,
        }
    }

    /// Whether another server than this one takes the writes although this one still answers: a
    /// master that its Sentinels have lost.
    pub(super) async fn leads_elsewhere(&self, known: &Client) -> bool {
        match &self.way {
            Way::Server(_) | Way::Cluster(_) => false,
            Way::Sentinels(sentinels) => sentinels.find().await.is_ok_and(|now| {
                now.get_connection_info().addr() != known.get_connection_info().addr()
            }),
        }
    }

    /// Connections that were made before lead to another server.
    pub(super) fn renew(&self) {
        self.edition.fetch_add(1, Ordering::Relaxed);
    }

    /// The number of times that the way was renewed.
    pub(super) fn edition(&self) -> u64 {
        self.edition.load(Ordering::Relaxed)
    }

    /// Whether it leads to one server that is named in the settings.
    pub(super) const fn is_one_server(&self) -> bool {
        match self.way {
            Way::Server(_) => true,
            Way::Sentinels(_) | Way::Cluster(_) => false,
        }
    }
}
