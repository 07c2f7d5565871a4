//! Sentinels and the nodes of a cluster, as they are written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::secret::Secret;

/// Redis or Valkey that Sentinels watch: a master and its copies, one of which takes its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct WrittenSentinel {
    /// The name of the master, as the Sentinels know it (`sentinel monitor NAME ...`): `mymaster`.
    #[schemars(regex(pattern = r"^[A-Za-z0-9._-]{1,128}$"))]
    pub master: String,
    /// The Sentinels, each `rediss://sentinel-1.example.com:26379`, or `redis://` without TLS, at
    /// most 16. Without a port: 26379. All of them are asked, and the latest failover that they know of
    /// counts. By `rediss://` the master is reached by TLS too.
    #[schemars(length(min = 1, max = 16))]
    pub nodes: Vec<String>,
    /// The number of the database on the master.
    #[serde(default)]
    pub database: u16,
    /// The user at the Sentinels, in place or `file:/path`. Needs a password. User and password of
    /// the master stand beside `sentinel`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<Secret>,
    /// The password at the Sentinels, in place or `file:/path`. Default: they ask for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
}

/// A cluster of Redis or Valkey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct WrittenCluster {
    /// Some of its nodes, each `rediss://node-1.example.com:6379`, or `redis://` without TLS, at
    /// most 32; one that answers is enough to find the others. Write several, so that one is there
    /// when others are lost.
    #[schemars(length(min = 1, max = 32))]
    pub nodes: Vec<String>,
}
