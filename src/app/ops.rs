//! The ops listeners: the read-only pages, for probes and for a scraper.

use std::time::Duration;

use super::http1::Http1Limits;

/// The limits of an ops listener.
pub(super) const LIMITS: Http1Limits = Http1Limits {
    name: "ops",
    max_connections: 64,
    max_closing: 8,
    lifetime: Duration::from_secs(60),
};
