//! The parts of a request that are judged before any rule: its size, its method and its time.

use std::time::{Duration, UNIX_EPOCH};

use super::{measured, policy, request};
use crate::{
    config::Check,
    model::{DenyReason, Headers},
    policy::{Presented, RequestLimits},
};

#[test]
fn a_request_above_any_limit_is_denied_unread() {
    let check =
        Check { max_path_bytes: 8, max_headers: 2, max_headers_bytes: 10, ..Check::default() };
    type Lines<'a> = &'a [(&'static str, &'static str)];
    #[rustfmt::skip] // one case a line
    let cases: [(&str, &str, Lines<'_>, bool); 8] = [
        ("nothing", "/", &[], true),
        ("the longest path", "/234567?", &[], true),
        ("a longer path", "/2345678?", &[], false),
        ("the most headers", "/", &[("a", ""), ("b", "")], true),
        ("more headers", "/", &[("a", ""), ("b", ""), ("c", "")], false),
        ("the most bytes", "/", &[("abc", "de"), ("fgh", "ij")], true),
        ("a longer value", "/", &[("abc", "de"), ("fgh", "ijk")], false),
        ("a longer name", "/", &[("abcd", "de"), ("fgh", "ij")], false),
    ];
    for (name, path, lines, good) in cases {
        let mut request = request("GET", "a.com", path.as_bytes());
        let lines = lines.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        request.headers = Headers::new(lines.collect(), false);
        let found = RequestLimits::of(&check).measure(&request).map(|_| ());
        let expected = if good { Ok(()) } else { Err(DenyReason::RequestTooLarge) };
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn a_method_is_a_token_and_nothing_else() {
    let policy = policy("default: { auth: none }");
    for byte in 0..=127_u8 {
        let method = format!("A{}", char::from(byte));
        let found = policy.choose(measured(&request(&method, "a.com", b"/"))).map(|_| ());
        // RFC 9110 section 5.6.2.
        let is_token = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let expected = if is_token { Ok(()) } else { Err(DenyReason::MethodRefused) };
        assert_eq!(found, expected, "{method:?}");
    }
}

#[test]
fn a_clock_before_1970_is_at_its_beginning() {
    let at = |time| Presented::new(None, None, time).now;
    assert_eq!(at(UNIX_EPOCH + Duration::from_secs(7)), 7);
    assert_eq!(at(UNIX_EPOCH - Duration::from_secs(7)), 0);
}
