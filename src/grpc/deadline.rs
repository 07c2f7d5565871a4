//! Until when a call has to be answered.
//!
//! In: our own patience and the headers of a call. Out: how long there is, with a margin that
//! brings our answer to the caller before it gives up.

use std::time::Duration;

use http::HeaderMap;

/// Answered this much before the caller gives up, so that our denial comes first: a quarter of
/// its patience, between these two. Its clock started before ours, and the check may have
/// waited for a new connection or a busy core on the way; where Envoy fails open, an answer
/// that is a little late is an "allow".
const MARGIN: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(50));

/// The shorter of the caller's patience and our own, less the margin.
pub(super) fn time_to_answer(own: Duration, headers: &HeaderMap) -> Duration {
    let patience = patience(headers).map_or(own, |caller| caller.min(own));
    let margin = (patience / 4).clamp(MARGIN.0, MARGIN.1);
    patience.saturating_sub(margin).max(patience / 2)
}

/// The caller's patience is shorter than our own.
pub(super) fn is_shorter(headers: &HeaderMap, own: Duration) -> bool {
    patience(headers).is_some_and(|caller| caller < own)
}

/// What the caller says of it.
fn patience(headers: &HeaderMap) -> Option<Duration> {
    grpc_timeout(headers.get("grpc-timeout")?.as_bytes())
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
