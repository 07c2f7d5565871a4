//! Hosts: the patterns of rules, and the one form in which a host is compared.
//!
//! In: the host of a request as it was sent. Out: its canonical form, and whether a pattern matches.

use std::borrow::Cow;

/// A host of a rule.
#[derive(Debug)]
pub(in crate::policy) enum HostPattern {
    /// This name.
    Exact(Box<[u8]>),
    /// `.example.com`: any name below it.
    Below(Box<[u8]>),
}

impl HostPattern {
    /// From the configuration: a name, or `*.` and a name.
    pub(in crate::policy) fn of(written: &str) -> Self {
        let name = written.trim_end_matches('.').to_ascii_lowercase().into_bytes();
        match name.strip_prefix(b"*") {
            Some(suffix) => Self::Below(suffix.into()),
            None => Self::Exact(name.into()),
        }
    }

    /// Whether it matches a host in its canonical form.
    pub(in crate::policy) fn matches(&self, host: &[u8]) -> bool {
        match self {
            Self::Exact(name) => **name == *host,
            // No host in this form begins with a dot, so it has more than the suffix.
            Self::Below(suffix) => host.ends_with(suffix),
        }
    }
}

/// The host in lower case, without port and final dot; `None` if it is no host.
pub(in crate::policy) fn canonical_host(host: &[u8]) -> Option<Cow<'_, [u8]>> {
    let name = match host.strip_prefix(b"[") {
        Some(rest) => {
            let end = rest.iter().position(|&b| b == b']')?;
            port_or_nothing(rest.get(end + 1..)?)?;
            host.get(..end + 2)?
        }
        None => match host.iter().position(|&b| b == b':') {
            Some(colon) => {
                port_or_nothing(host.get(colon..)?)?;
                host.get(..colon)?
            }
            None => host,
        },
    };
    let name = name.strip_suffix(b".").unwrap_or(name);
    let label = |label: &[u8]| {
        !label.is_empty()
            && label.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    let good = match name {
        [b'[', address @ .., b']'] => {
            !address.is_empty()
                && address.iter().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'))
        }
        name => name.split(|&b| b == b'.').all(label),
    };
    if !good {
        return None;
    }
    Some(if name.iter().any(u8::is_ascii_uppercase) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    })
}

fn port_or_nothing(rest: &[u8]) -> Option<()> {
    match rest {
        [] => Some(()),
        [b':', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => Some(()),
        _ => None,
    }
}
