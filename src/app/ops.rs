//! The ops listeners: the read-only pages, for probes and for a scraper.

use std::time::Duration;

use super::{http1::Http1Limits, phase::Phase};

/// The limits of an ops listener.
pub(super) const LIMITS: Http1Limits = Http1Limits {
    name: "ops",
    max_connections: 64,
    max_closing: 8,
    lifetime: Duration::from_secs(60),
    headers: Duration::from_secs(2),
    last_request: Duration::from_millis(300),
    ends: Phase::Ending,
};
