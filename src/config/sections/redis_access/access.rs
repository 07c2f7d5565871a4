//! The way to Redis or Valkey, after the check.

use std::path::PathBuf;

use serde::{Serialize, Serializer};

use crate::config::{secret::Secret, sections::OutboundTls, span::Span};

/// Where Redis is, and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RedisAccess {
    /// Where it is.
    #[serde(flatten)]
    pub place: RedisPlace,
    /// Plain text to another machine is meant.
    pub allow_insecure: bool,
    /// The user of the access control list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<Secret>,
    /// The password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// TLS to Redis, and to the Sentinels.
    pub tls: OutboundTls,
    /// The longest time that one answer of Redis may take.
    pub timeout: Span,
}

/// Where Redis is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RedisPlace {
    /// One server, or one address that leads to it.
    Url(RedisAddress),
    /// The master of this name, which Sentinels know.
    Sentinel(RedisSentinel),
    /// The node of a cluster that has the keys.
    Cluster(RedisCluster),
}

/// The address of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisAddress {
    /// The text of the setting.
    pub written: String,
    /// The way there.
    pub way: RedisWay,
    /// The number of the database.
    pub database: u16,
}

/// The way to one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedisWay {
    /// By TCP.
    Tcp {
        /// The name or the address of the host.
        host: String,
        /// The port.
        port: u16,
        /// By TLS.
        tls: bool,
    },
    /// By a socket of this machine.
    Unix(PathBuf),
}

/// A master that Sentinels know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RedisSentinel {
    /// The name of the master.
    pub master: String,
    /// The Sentinels.
    pub nodes: Vec<RedisNode>,
    /// The number of the database on the master.
    pub database: u16,
    /// The user at the Sentinels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<Secret>,
    /// The password at the Sentinels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// By TLS, to the Sentinels and to the master.
    #[serde(skip)]
    pub by_tls: bool,
}

/// A cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RedisCluster {
    /// Some of its nodes.
    pub nodes: Vec<RedisNode>,
    /// By TLS, to all nodes.
    #[serde(skip)]
    pub by_tls: bool,
}

/// A Sentinel, or a node of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisNode {
    /// The text of the setting.
    pub written: String,
    /// The name or the address of the host.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl RedisAccess {
    /// Whether it is reached by TLS.
    #[must_use]
    pub const fn is_by_tls(&self) -> bool {
        match &self.place {
            RedisPlace::Url(address) => matches!(address.way, RedisWay::Tcp { tls: true, .. }),
            RedisPlace::Sentinel(sentinel) => sentinel.by_tls,
            RedisPlace::Cluster(cluster) => cluster.by_tls,
        }
    }
}

impl Serialize for RedisAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.written)
    }
}

impl Serialize for RedisNode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.written)
    }
}
