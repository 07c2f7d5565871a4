//! Origins (RFC 6454) as the configuration lists them: exact, or every name below a domain.

use std::net::IpAddr;

use serde::{Serialize, Serializer};
use url::Host;

/// One entry of `trusted_origins`, ready to be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginPattern {
    /// The form in the configuration, for printing.
    written: String,
    /// `https://` or `http://`.
    scheme: &'static str,
    /// The rest of the origin in lower case, without the port that the scheme implies; without the
    /// `*` of a wildcard.
    rest: String,
    wildcard: bool,
}

/// The advice at the end of most messages.
const CURE: &str = "write https://app.example.com or https://*.example.com";

impl OriginPattern {
    /// Parses an entry of the list.
    ///
    /// # Errors
    ///
    /// The advice, if it is not an origin that may be trusted.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        let (scheme, default_port, rest) = if let Some(rest) = lower.strip_prefix("https://") {
            ("https://", 443, rest)
        } else if let Some(rest) = lower.strip_prefix("http://") {
            ("http://", 80, rest)
        } else {
            return Err(format!("is not an origin; {CURE}"));
        };
        if !text.is_ascii() {
            return Err(format!("`{text}` is not ASCII; write the name as browsers do, xn--..."));
        }
        if rest.contains(['/', '?', '#', '@', '\\']) {
            // It may hold a secret, so it is not repeated.
            return Err(format!("has more than scheme, host and port; {CURE}"));
        }
        let (host, port) =
            parts(rest).ok_or_else(|| format!("`{text}` is not an origin; {CURE}"))?;
        let (wildcard, name) = match host.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, host),
        };
        let canonical =
            canonical(name).ok_or_else(|| format!("`{text}` is not an origin; {CURE}"))?;
        if scheme == "http://" && (wildcard || !is_this_machine(&canonical)) {
            return Err(format!(
                "`{text}`: http:// is allowed for this machine alone (localhost, 127.0.0.1, [::1]), \
                 because anybody on the way can write such a page; write https://"
            ));
        }
        if wildcard && (!canonical.contains('.') || is_address(&canonical)) {
            return Err(format!("`{text}` trusts more than names below one domain; {CURE}"));
        }
        let port = match port {
            Some(port) if port != default_port => format!(":{port}"),
            _ => String::new(),
        };
        let dot = if wildcard { "." } else { "" };
        Ok(Self {
            written: text.to_owned(),
            scheme,
            rest: format!("{dot}{canonical}{port}"),
            wildcard,
        })
    }

    /// Whether both are the same origins, however they are written.
    pub(super) fn means(&self, other: &Self) -> bool {
        (self.scheme, &self.rest, self.wildcard) == (other.scheme, &other.rest, other.wildcard)
    }

    /// Whether the value of an `Origin` header is this origin, or one below it.
    #[must_use]
    pub fn matches(&self, origin: &[u8]) -> bool {
        let origin = origin.to_ascii_lowercase();
        let Some(rest) = origin.strip_prefix(self.scheme.as_bytes()) else { return false };
        let default_port: &[u8] = if self.scheme == "https://" { b":443" } else { b":80" };
        let rest = rest.strip_suffix(default_port).unwrap_or(rest);
        if !self.wildcard {
            return rest == self.rest.as_bytes();
        }
        rest.strip_suffix(self.rest.as_bytes())
            .is_some_and(|names| names.split(|&b| b == b'.').all(is_label))
    }
}

impl Serialize for OriginPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.written)
    }
}

/// `host` or `host:port`, with the port as a number.
fn parts(rest: &str) -> Option<(&str, Option<u16>)> {
    let end = match rest.strip_prefix('[') {
        Some(address) => address.find(']')? + 2,
        None => rest.find(':').unwrap_or(rest.len()),
    };
    let (host, port) = rest.split_at_checked(end)?;
    let Some(port) = port.strip_prefix(':') else {
        return port.is_empty().then_some((host, None));
    };
    let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    let port = port.parse::<u16>().ok().filter(|port| digits && *port > 0)?;
    Some((host, Some(port)))
}

/// A host as browsers write it in an origin: addresses in their one form (WHATWG URL standard,
/// section 3.5).
fn canonical(host: &str) -> Option<String> {
    let parsed = Host::parse(host).ok()?.to_string();
    let address = is_address(&parsed);
    // `127.1` and `0x7f.1` are addresses to a parser, and nobody meant them.
    if address != is_address(host) {
        return None;
    }
    (address || host.split('.').all(|label| is_label(label.as_bytes()))).then_some(parsed)
}

fn is_address(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>().is_ok()
}

fn is_label(label: &[u8]) -> bool {
    !label.is_empty() && label.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::OriginPattern;

    #[test]
    fn an_origin_is_exact_or_below_a_domain() {
        for (pattern, origin, expected) in [
            ("https://app.example.com", "https://app.example.com", true),
            ("https://app.example.com", "https://App.Example.com:443", true),
            ("https://app.example.com:443", "https://app.example.com", true),
            ("https://app.example.com", "https://app.example.com:8443", false),
            ("https://app.example.com:8443", "https://app.example.com:8443", true),
            ("https://app.example.com", "http://app.example.com", false),
            ("https://app.example.com", "https://app.example.com.", false),
            ("https://app.example.com", "https://app.example.com.evil.com", false),
            ("https://app.example.com", "https://evil.com/https://app.example.com", false),
            ("https://app.example.com", "https://app.example.com/", false),
            ("https://app.example.com", "null", false),
            ("https://app.example.com", "", false),
            ("https://*.example.com", "https://a.example.com", true),
            ("https://*.example.com", "https://a.b.example.com", true),
            ("https://*.example.com", "https://example.com", false),
            ("https://*.example.com", "https://.example.com", false),
            ("https://*.example.com", "https://evilexample.com", false),
            ("https://*.example.com", "https://evil.com/.example.com", false),
            ("https://*.example.com", "https://u@a.example.com", false),
            ("https://*.example.com", "https://evil.com#.example.com", false),
            ("https://*.example.com", "https://a.example.com:444", false),
            ("https://*.example.com:444", "https://a.example.com:444", true),
            ("http://localhost:3000", "http://localhost:3000", true),
            ("http://localhost:3000", "http://localhost", false),
            ("http://[::1]:3000", "http://[::1]:3000", true),
            ("https://[2001:db8::1]", "https://[2001:db8::1]", true),
            ("https://[2001:DB8:0:0:0:0:0:1]:0443", "https://[2001:db8::1]", true),
            ("https://app.example.com:08443", "https://app.example.com:8443", true),
            ("https://192.0.2.1", "https://192.0.2.1", true),
            ("http://a.localhost:3000", "http://a.localhost:3000", true),
        ] {
            let parsed = OriginPattern::parse(pattern).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(parsed.matches(origin.as_bytes()), expected, "{pattern} {origin}");
        }
    }

    #[test]
    fn what_is_no_origin_is_refused_with_what_to_write() {
        for (pattern, expected) in [
            ("", "is not an origin; write https://app.example.com"),
            ("null", "is not an origin"),
            ("*", "is not an origin"),
            ("app.example.com", "is not an origin"),
            ("https://", "is not an origin"),
            ("https://*", "is not an origin"),
            ("https://a*.example.com", "is not an origin"),
            ("https://*.*.example.com", "is not an origin"),
            ("https://a..example.com", "is not an origin"),
            ("https://app.example.com:0", "is not an origin"),
            ("https://app.example.com:99999", "is not an origin"),
            ("https://app.example.com:+80", "is not an origin"),
            ("ftp://app.example.com", "is not an origin"),
            ("https://*.com", "one domain"),
            ("https://*.0.0.1", "not an origin"),
            ("https://*.127.0.0.1", "one domain"),
            ("https://127.1", "not an origin"),
            ("https://0x7f.0.0.1", "not an origin"),
            ("https://2130706433", "not an origin"),
            ("https://.example.com", "not an origin"),
            ("https://app.example.com.", "not an origin"),
            ("https://[::1", "not an origin"),
            ("https://app.example.com?s=secret", "more than scheme, host and port"),
            ("https://app.example.com/", "more than scheme, host and port"),
            ("https://u@app.example.com", "more than scheme, host and port"),
            ("https://bücher.example", "xn--"),
            ("http://app.example.com", "this machine alone"),
            ("http://127.0.0.1.example.com", "this machine alone"),
            ("http://*.localhost", "this machine alone"),
        ] {
            let error = OriginPattern::parse(pattern).expect_err(pattern);
            assert!(error.contains(expected), "{pattern}: {error}");
        }
    }
}
