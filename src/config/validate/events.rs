//! The sinks of events, held against the section `shared`.

use crate::config::{findings::Findings, sections::Config};

/// Adds the problem of a Redis Stream that has no Redis.
pub(super) fn check(config: &Config, found: &mut Findings) {
    // A section with problems of its own is there anyway.
    if config.shared.is_some() || found.has_within("/shared") {
        return;
    }
    for (at, stream) in config.events.redis_streams() {
        if stream.redis.is_none() {
            let message = "which Redis? Write `url: rediss://redis.example.com:6379` here, or \
                           `sentinel` or `cluster`, or the section `shared`, whose Redis is then used";
            found.add(at, message);
        }
    }
}
