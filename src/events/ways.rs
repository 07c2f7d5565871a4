//! The ways on which events leave this process, which other rooms have built or checked.

use crate::{config::RedisAccess, upstream::Client};

/// The ways by which the sinks send.
#[derive(Debug, Clone, Copy)]
pub struct Ways<'a> {
    /// The outbound HTTP client.
    pub upstream: &'a Client,
    /// The Redis of the shared state, for sinks that name none of their own.
    pub redis: Option<&'a RedisAccess>,
}
