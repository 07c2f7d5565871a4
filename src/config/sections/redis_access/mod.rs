//! The way to Redis or Valkey, which the shared state and sinks of events have in common: one server,
//! the set of servers that Sentinels watch, or a cluster.

mod access;
mod address;
mod check;
mod written;

pub use access::{
    RedisAccess, RedisAddress, RedisCluster, RedisNode, RedisPlace, RedisSentinel, RedisWay,
};
pub(in crate::config) use check::WrittenAccess;
pub(in crate::config) use written::{WrittenCluster, WrittenSentinel};
