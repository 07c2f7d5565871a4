//! Hosts and methods.

use super::{policy, rule};
use crate::{model::DenyReason, policy::matching::canonical_host};

#[rustfmt::skip] // one case a line
const CANONICAL: &[(&str, Option<&str>)] = &[
    ("a.com", Some("a.com")),
    ("A.Com", Some("a.com")),
    ("a.com.", Some("a.com")),
    ("A.com.:443", Some("a.com")),
    ("a.com:8080", Some("a.com")),
    ("a.com:", Some("a.com")),
    ("a_b-c.com", Some("a_b-c.com")),
    ("xn--nxasmq6b.com", Some("xn--nxasmq6b.com")),
    ("127.0.0.1:80", Some("127.0.0.1")),
    ("localhost", Some("localhost")),
    ("[::1]", Some("[::1]")),
    ("[::1]:8080", Some("[::1]")),
    ("[2001:DB8::1]:443", Some("[2001:db8::1]")),
    ("[::ffff:127.0.0.1]", Some("[::ffff:127.0.0.1]")),
    ("", None),
    (":80", None),
    (".", None),
    ("a.com..", None),
    ("a..com", None),
    (".a.com", None),
    ("a.com:x", None),
    ("a.com:80:80", None),
    ("a.com:-1", None),
    ("a.com :80", None),
    ("a com", None),
    ("a.com/", None),
    ("user@a.com", None),
    ("a.com,b.com", None),
    ("a.com?x", None),
    ("a.com#x", None),
    ("a%2ecom", None),
    ("a\\com", None),
    ("*.com", None),
    ("a.com\r\n", None),
    ("a.com\0", None),
    ("b\u{fc}cher.com", None),
    ("[]", None),
    ("[]:80", None),
    ("[::1", None),
    ("::1", None),
    ("[::1]x", None),
    ("[::1]:x", None),
    ("[fe80::1%25eth0]", None),
    ("a[b]", None),
];

#[test]
fn a_host_is_compared_in_one_form_or_refused() {
    for (host, expected) in CANONICAL {
        let canonical = canonical_host(host.as_bytes());
        let canonical = canonical.as_deref().map(|name| std::str::from_utf8(name).unwrap());
        assert_eq!(canonical, *expected, "{host:?}");
    }
}

const HOSTS: &str = "
routes:
  - { id: exact, match: { hosts: [Api.Example.com] } }
  - { id: below, match: { hosts: ['*.Example.org', second.example.net] } }
  - { id: dotted, match: { hosts: [Dotted.Example.net.] } }
default: { auth: none }
";

#[rustfmt::skip] // one case a line
const MATCHES: &[(&str, Result<&str, DenyReason>)] = &[
    ("api.example.com", Ok("exact")),
    ("API.EXAMPLE.COM", Ok("exact")),
    ("api.example.com:8443", Ok("exact")),
    ("api.example.com.", Ok("exact")),
    ("api.example.com.:8443", Ok("exact")),
    ("example.com", Ok("default")),
    ("x.api.example.com", Ok("default")),
    ("xapi.example.com", Ok("default")),
    ("apiXexample.com", Ok("default")),
    ("api.example.com.evil.com", Ok("default")),
    ("a.example.org", Ok("below")),
    ("a.b.example.org:1", Ok("below")),
    ("A.EXAMPLE.ORG.", Ok("below")),
    ("example.org", Ok("default")),
    ("badexample.org", Ok("default")),
    ("a.example.org.evil.com", Ok("default")),
    ("second.example.net", Ok("below")),
    ("dotted.example.net", Ok("dotted")),
    ("dotted.example.net.", Ok("dotted")),
    ("[::1]:80", Ok("default")),
    ("", Err(DenyReason::HostRefused)),
    ("api.example.com..", Err(DenyReason::HostRefused)),
    (".example.org", Err(DenyReason::HostRefused)),
    ("a b.example.org", Err(DenyReason::HostRefused)),
    ("api.example.com@evil.com", Err(DenyReason::HostRefused)),
];

#[test]
fn a_host_matches_whole_or_below_a_wildcard() {
    let policy = policy(HOSTS);
    for (host, expected) in MATCHES {
        let found = rule(&policy, "GET", host, "/");
        assert_eq!(found, expected.map(str::to_owned), "{host:?}");
    }
}

#[test]
fn a_method_is_judged_as_sent_and_in_upper_case() {
    let policy = policy(
        "
check: { extra_methods: [M-SEARCH] }
routes:
  - { id: write, match: { methods: [POST, M-SEARCH] } }
  - { id: rest, match: any, auth: optional }
",
    );
    for (method, expected) in [
        ("POST", Ok("write")),
        ("M-SEARCH", Ok("write")),
        ("post", Ok("write")),
        ("Post", Ok("write")),
        ("pOST", Ok("write")),
        ("m-search", Ok("write")),
        ("POSTS", Ok("rest")),
        ("GET", Ok("rest")),
        ("get", Ok("rest")),
        ("", Err(DenyReason::MethodMissing)),
        (" POST", Err(DenyReason::MethodRefused)),
        ("POST ", Err(DenyReason::MethodRefused)),
        ("PO\tST", Err(DenyReason::MethodRefused)),
        ("PO\0ST", Err(DenyReason::MethodRefused)),
        ("GET,POST", Err(DenyReason::MethodRefused)),
        // `ſ` is `S` in upper case.
        ("po\u{17f}t", Err(DenyReason::MethodRefused)),
    ] {
        let found = rule(&policy, method, "a.com", "/");
        assert_eq!(found, expected.map(str::to_owned), "{method:?}");
    }
}

#[test]
fn every_part_that_is_given_has_to_match() {
    let policy = policy(
        "routes: [{ id: all, match: { hosts: [a.com], methods: [GET], path: { exact: /x } } }]",
    );
    for (method, host, path, expected) in [
        ("GET", "a.com", "/x", "all"),
        ("PUT", "a.com", "/x", "default"),
        ("GET", "b.com", "/x", "default"),
        ("GET", "a.com", "/y", "default"),
    ] {
        assert_eq!(
            rule(&policy, method, host, path).as_deref(),
            Ok(expected),
            "{method} {host} {path}"
        );
    }
}
