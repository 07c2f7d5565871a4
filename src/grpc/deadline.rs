//! The deadline of a call.
//!
//! In: the configured timeout and the headers of the call. Out: how long the answer may take, with a
//! margin that brings it to the caller before the caller gives up.

use std::time::Duration;

use http::{HeaderMap, HeaderName};

/// The header with the caller's timeout.
static TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// A call is answered this much before the caller gives up, so that a denial arrives in time: a
/// quarter of the caller's timeout, between these two. The caller's clock started earlier, and the
/// check may have
/// waited for a new connection or a busy core on the way; where Envoy fails open, an answer
/// that is a little late is an "allow".
const MARGIN: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(50));

/// The shorter of the caller's timeout and the configured one, less the margin.
pub(super) fn time_to_answer(own: Duration, headers: &HeaderMap) -> Duration {
    let timeout = caller_timeout(headers).map_or(own, |caller| caller.min(own));
    let margin = (timeout / 4).clamp(MARGIN.0, MARGIN.1);
    timeout.saturating_sub(margin).max(timeout / 2)
}

/// The caller's timeout is shorter than the configured one.
pub(super) fn is_shorter(headers: &HeaderMap, own: Duration) -> bool {
    caller_timeout(headers).is_some_and(|caller| caller < own)
}

/// The timeout that the caller has set.
pub(super) fn caller_timeout(headers: &HeaderMap) -> Option<Duration> {
    grpc_timeout(headers.get(&TIMEOUT)?.as_bytes())
}

/// At most eight digits and a unit (gRPC over HTTP/2, "Timeout").
pub(super) fn grpc_timeout(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let amount: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some(match unit {
        b'H' => Duration::from_secs(amount * 3600),
        b'M' => Duration::from_secs(amount * 60),
        b'S' => Duration::from_secs(amount),
        b'm' => Duration::from_millis(amount),
        b'u' => Duration::from_micros(amount),
        b'n' => Duration::from_nanos(amount),
        _ => return None,
    })
}
