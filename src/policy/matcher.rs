//! Does a rule match? Hosts, method and one reading of the path. Configured text is literal
//! unless it is declared a regular expression, which is anchored at both ends.

use std::borrow::Cow;

use regex::bytes::Regex;

use crate::config::{PathMatch, RouteMatch};

#[derive(Debug, Default)]
enum Path {
    #[default]
    Any,
    Exact(Vec<u8>),
    Prefix(Vec<u8>),
    Regex(Regex),
}

#[derive(Debug)]
enum Host {
    Exact(Vec<u8>),
    /// `.example.com`: any name below it.
    Below(Vec<u8>),
}

/// One rule's conditions; each part that is empty matches everything.
#[derive(Debug, Default)]
pub(super) struct Matcher {
    hosts: Vec<Host>,
    methods: Vec<Vec<u8>>,
    path: Path,
}

impl Matcher {
    pub(super) fn build(matches: &RouteMatch) -> Result<Self, String> {
        let matches = match matches {
            RouteMatch::Any(_) => return Ok(Self::default()),
            RouteMatch::Parts(parts) => parts,
        };
        let host = |host: &String| {
            let name = host.trim_end_matches('.').to_ascii_lowercase().into_bytes();
            match name.strip_prefix(b"*") {
                Some(suffix) => Host::Below(suffix.to_vec()),
                None => Host::Exact(name),
            }
        };
        Ok(Self {
            hosts: matches.hosts.iter().map(host).collect(),
            methods: matches.methods.iter().map(|method| method.clone().into_bytes()).collect(),
            path: matches.path.as_ref().map_or(Ok(Path::Any), path)?,
        })
    }

    pub(super) fn matches(&self, method: &[u8], host: &[u8], path: &[u8]) -> bool {
        (self.methods.is_empty() || self.methods.iter().any(|wanted| wanted == method))
            && (self.hosts.is_empty() || self.hosts.iter().any(|wanted| wanted.matches(host)))
            && self.path.matches(path)
    }
}

impl Host {
    fn matches(&self, host: &[u8]) -> bool {
        match self {
            Self::Exact(name) => name == host,
            Self::Below(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
        }
    }
}

impl Path {
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

fn path(matches: &PathMatch) -> Result<Path, String> {
    Ok(match matches {
        PathMatch::Exact(exact) => Path::Exact(exact.clone().into_bytes()),
        PathMatch::Prefix(prefix) => Path::Prefix(prefix.clone().into_bytes()),
        PathMatch::Regex(pattern) => {
            Path::Regex(PathMatch::whole(pattern).map_err(|error| error.to_string())?)
        }
    })
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
