//! The times in the headers of an answer: when to ask again, and how long it is fresh.

use std::time::{Duration, SystemTime};

use reqwest::header::{AGE, CACHE_CONTROL, HeaderMap, RETRY_AFTER};

/// `Retry-After`: seconds or a date (RFC 9110 section 10.2.3). Any other value says nothing.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        // A date that has passed asks for no wait.
        Err(_) => {
            let date = httpdate::parse_http_date(text).ok()?;
            Some(date.duration_since(now).unwrap_or_default())
        }
    }
}

/// For how long an answer is fresh: `max-age` less the time that a cache on the way has kept it
/// already (RFC 9111 section 4.2.3).
pub(super) fn fresh_for(headers: &HeaderMap) -> Option<Duration> {
    let age = headers.get(AGE).and_then(|age| seconds(age.to_str().ok()?.trim()));
    max_age(headers).map(|most| most.saturating_sub(age.unwrap_or_default()))
}

/// `max-age` of `Cache-Control`; `no-store` and `no-cache` count as zero.
pub(super) fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let mut age = None;
    for line in headers.get_all(CACHE_CONTROL) {
        for directive in line.to_str().ok()?.split(',').map(str::trim) {
            if directive.eq_ignore_ascii_case("no-store")
                || directive.eq_ignore_ascii_case("no-cache")
            {
                return Some(Duration::ZERO);
            }
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            if name.eq_ignore_ascii_case("max-age") {
                age = seconds(value.trim_matches('"'));
            }
        }
    }
    age
}

/// Whole seconds; a number that is too large to count is 2^31 (RFC 9111 section 1.2.2).
fn seconds(text: &str) -> Option<Duration> {
    const LARGEST: u64 = 1 << 31;
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| Duration::from_secs(text.parse().unwrap_or(LARGEST)))
}
