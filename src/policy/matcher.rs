//! Whether a rule holds for a host, a method and one reading of a path. Configured text is literal
//! unless it is declared a regular expression, which is anchored at both ends.
//!
//! In: the `match` of a route, then a request's host, method and path. Out: yes or no.

use std::borrow::Cow;

use regex::bytes::Regex;

use super::variables::PathVariables;
use crate::config::{Match, PathMatch};

#[derive(Debug, Default)]
enum PathPattern {
    #[default]
    Any,
    Exact(Vec<u8>),
    Prefix(Vec<u8>),
    Regex(Regex),
}

#[derive(Debug)]
enum HostPattern {
    Exact(Vec<u8>),
    /// `.example.com`: any name below it.
    Below(Vec<u8>),
}

/// The parts that have to match. A part that is empty matches everything.
#[derive(Debug, Default)]
pub(super) struct Matcher {
    hosts: Vec<HostPattern>,
    methods: Vec<Vec<u8>>,
    path: PathPattern,
}

impl Matcher {
    /// From the configuration.
    pub(super) fn build(matches: &Match) -> Self {
        let Match { hosts, path, methods } = matches;
        let host = |host: &String| {
            let name = host.trim_end_matches('.').to_ascii_lowercase().into_bytes();
            match name.strip_prefix(b"*") {
                Some(suffix) => HostPattern::Below(suffix.to_vec()),
                None => HostPattern::Exact(name),
            }
        };
        Self {
            hosts: hosts.iter().map(host).collect(),
            methods: methods.iter().map(|method| method.clone().into_bytes()).collect(),
            path: path.as_ref().map_or(PathPattern::Any, path_pattern),
        }
    }

    /// All parts match.
    pub(super) fn matches(&self, method: &[u8], host: &[u8], path: &[u8]) -> bool {
        self.mismatch(method, host, path).is_none()
    }

    /// The first part that does not match: `method`, `host` or `path`.
    pub(super) fn mismatch(&self, method: &[u8], host: &[u8], path: &[u8]) -> Option<&'static str> {
        let (methods, hosts) = (&self.methods, &self.hosts);
        if !methods.is_empty() && !methods.iter().any(|wanted| wanted == method) {
            Some("method")
        } else if !hosts.is_empty() && !hosts.iter().any(|wanted| wanted.matches(host)) {
            Some("host")
        } else if !self.path.matches(path) {
            Some("path")
        } else {
            None
        }
    }

    /// The variables of this reading of a path.
    pub(super) fn variables(&self, path: &[u8]) -> PathVariables {
        match &self.path {
            PathPattern::Any | PathPattern::Exact(_) | PathPattern::Prefix(_) => {
                PathVariables::default()
            }
            PathPattern::Regex(regex) => PathVariables::read(regex, path),
        }
    }
}

impl HostPattern {
    fn matches(&self, host: &[u8]) -> bool {
        match self {
            Self::Exact(name) => name == host,
            Self::Below(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
        }
    }
}

impl PathPattern {
    fn matches(&self, path: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(wanted) => wanted == path,
            Self::Prefix(prefix) => path.strip_prefix(prefix.as_slice()).is_some_and(|rest| {
                rest.is_empty() || rest.starts_with(b"/") || prefix.ends_with(b"/")
            }),
            Self::Regex(regex) => regex.is_match(path),
        }
    }
}

fn path_pattern(matches: &PathMatch) -> PathPattern {
    match matches {
        PathMatch::Exact(exact) => PathPattern::Exact(exact.clone().into_bytes()),
        PathMatch::Prefix(prefix) => PathPattern::Prefix(prefix.clone().into_bytes()),
        // The copy shares the compiled program.
        PathMatch::Regex(regex) => PathPattern::Regex(regex.whole().clone()),
    }
}

/// The host in lower case, without port and final dot; `None` if it is no host.
pub(super) fn canonical_host(host: &[u8]) -> Option<Cow<'_, [u8]>> {
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
