//! Where the state of all replicas is kept, and how much a replica may do without it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use crate::config::{
    secret::{REDACTED, Secret},
    sections::{
        OutboundTls,
        redis_access::{RedisAccess, WrittenCluster, WrittenSentinel},
    },
    span::Span,
};

/// The state that several replicas have in common: revocations, and refreshes under way. Each of
/// them says the same here. It has exactly one of `url`, `sentinel` and `cluster`. See docs/scaling.md.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct WrittenShared {
    /// One server, Redis 6 or newer or Valkey: `rediss://redis.example.com:6380` by TLS, with
    /// `/2` at its end for database 2; `redis://127.0.0.1:6379` on this machine; or
    /// `unix:/run/redis/redis.sock`. User and password have settings of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// A master and its copies, watched by Sentinels: the master of the moment is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentinel: Option<WrittenSentinel>,
    /// A cluster: its node that has the keys of `prefix` is used, all of which are in one slot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<WrittenCluster>,
    /// Allows `redis://` to another machine. Everybody on the way can then read and change the
    /// list of revocations, and read the password.
    #[serde(default)]
    pub allow_insecure: bool,
    /// The user of the access control list, in place or `file:/path`. Needs a password. Default:
    /// Redis' user `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<Secret>,
    /// The password, in place or `file:/path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// TLS to Redis, and to the Sentinels, by `rediss://`.
    #[serde(default)]
    pub tls: OutboundTls,
    /// The first part of every key and channel. Deployments that use one Redis need different ones.
    #[serde(default = "prefix")]
    #[schemars(regex(pattern = r"^[A-Za-z0-9._-]{1,64}$"))]
    pub prefix: String,
    /// The key of the deployment, the same for all replicas, in place or `file:/path`: 32 random
    /// bytes in base64, by `openssl rand -base64 32`. Tokens are known to Redis by digests that
    /// nobody can make without it, and the answers of refreshes are encrypted by it.
    pub key: Secret,
    /// The treatment of refreshes of tokens while Redis does not answer. With `refuse`, also, a
    /// process that starts is not ready before it has read the revocations.
    #[serde(default)]
    pub on_outage: OnOutage,
    /// The longest time that one answer of Redis may take, and the longest time until a connection
    /// is there.
    #[serde(default = "timeout")]
    #[schemars(extend("x-duration-range" = ["20ms", "5s"]))]
    pub timeout: Span,
    /// A refresh token that was sent to its issuer and has no known answer, because a replica or the
    /// connection was lost at that moment, is not sent again for this long.
    #[serde(default = "unknown_for")]
    #[schemars(extend("x-duration-range" = ["1m", "30days"]))]
    pub unknown_for: Span,
}

/// The treatment of refreshes of tokens while Redis does not answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnOutage {
    /// The call ends with UNAVAILABLE, and no token is sent.
    #[default]
    Refuse,
    /// Each replica sends on its own: one token may be sent once by each of them.
    Local,
}

/// The state that several replicas have in common, after the check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shared {
    /// The way to Redis.
    #[serde(flatten)]
    pub redis: RedisAccess,
    /// The first part of every key and channel.
    pub prefix: String,
    /// The key of the deployment.
    pub key: DeploymentKey,
    /// The treatment of refreshes of tokens while Redis does not answer.
    pub on_outage: OnOutage,
    /// For how long a refresh token without a known answer is not sent again.
    pub unknown_for: Span,
}

#[cfg(test)]
impl Shared {
    /// A Redis that is never connected, and a key of the deployment.
    pub(crate) fn of_tests(on_outage: OnOutage) -> Self {
        use crate::config::{RedisAddress, RedisPlace, RedisWay};
        let way = RedisWay::Unix("/none".into());
        let address = RedisAddress { written: String::new(), way, database: 0 };
        Self {
            redis: RedisAccess {
                place: RedisPlace::Url(address),
                allow_insecure: false,
                username: None,
                password: None,
                tls: OutboundTls::default(),
                timeout: Span::from_secs(1),
            },
            prefix: "test".to_owned(),
            key: DeploymentKey::new([7; 32]),
            on_outage,
            unknown_for: Span::from_secs(3600),
        }
    }
}

/// The key of the deployment: 32 bytes, which are never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct DeploymentKey([u8; 32]);

impl DeploymentKey {
    /// The key of these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for the one place that makes digests and ciphers of them.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for DeploymentKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeploymentKey").finish_non_exhaustive()
    }
}

impl Serialize for DeploymentKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(REDACTED)
    }
}

fn prefix() -> String {
    "rownd-authz".to_owned()
}

const fn timeout() -> Span {
    Span::from_millis(500)
}

const fn unknown_for() -> Span {
    Span::from_secs(86_400)
}
