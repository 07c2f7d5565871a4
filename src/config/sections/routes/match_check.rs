//! The check of a `match`: hosts, path, headers, query parameters and the workload of the client.

use std::net::Ipv6Addr;

use super::{
    named_part::{check_headers, check_query},
    path_regex::PathRegex,
    path_template::PathTemplate,
    path_text,
    principal::PrincipalPattern,
    request_match::{Match, PathMatch},
    route_match::{WrittenMatch, WrittenPathMatch},
};
use crate::config::findings::Findings;

/// The match as it holds; `None` if its path or its principal is a problem.
pub(in crate::config) fn check_match(
    written: &WrittenMatch,
    at: &str,
    found: &mut Findings,
) -> Option<Match> {
    let WrittenMatch { hosts, path, methods, headers, query, principal } = written;
    if *written == WrittenMatch::default() {
        found.add(at, "is empty; write `match: any`");
    }
    check_hosts(hosts, at, found);
    let headers = check_headers(headers, &format!("{at}/headers"), found);
    let query = check_query(query, &format!("{at}/query"), found);
    let checked_path = path.as_ref().map(|path| check_path(path, &format!("{at}/path"), found));
    let checked_principal = principal
        .as_ref()
        .map(|text| found.keep(format!("{at}/principal"), PrincipalPattern::parse(text)));
    let path = match checked_path {
        Some(path) => Some(path?),
        None => None,
    };
    let principal = match checked_principal {
        Some(principal) => Some(principal?),
        None => None,
    };
    Some(Match { hosts: hosts.clone(), path, methods: methods.clone(), headers, query, principal })
}

fn check_hosts(hosts: &[String], at: &str, found: &mut Findings) {
    for (index, host) in hosts.iter().enumerate() {
        let name = host.strip_prefix("*.").unwrap_or(host);
        let name = name.strip_suffix('.').unwrap_or(name);
        let label = |label: &str| {
            !label.is_empty()
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        };
        if !name.split('.').all(label) {
            found.add(format!("{at}/hosts/{index}"), not_a_host(host));
        }
    }
}

fn not_a_host(host: &str) -> String {
    if host.contains(':') && host.trim_matches(['[', ']']).parse::<Ipv6Addr>().is_ok() {
        return format!(
            "`{host}` is an IPv6 address, which no rule can name as a host; name the service by \
             a host name"
        );
    }
    format!("`{host}` is not a host; write api.example.com or *.example.com, no port")
}

fn check_path(path: &WrittenPathMatch, at: &str, found: &mut Findings) -> Option<PathMatch> {
    let (name, checked) = match path {
        WrittenPathMatch::Exact(path) => {
            ("exact", check_exact(path).map(|()| PathMatch::Exact(path.clone())))
        }
        WrittenPathMatch::Prefix(path) => {
            let checked = path_text::check_literal(path, true);
            ("prefix", checked.map(|()| PathMatch::Prefix(path.clone())))
        }
        WrittenPathMatch::Template(text) => {
            ("template", PathTemplate::parse(text).map(PathMatch::Template))
        }
        WrittenPathMatch::Regex(pattern) => {
            ("regex", PathRegex::parse(pattern).map(PathMatch::Regex))
        }
    };
    found.keep(format!("{at}/{name}"), checked)
}

/// A path that is compared as a whole, or what to write instead: what reads as a template is one.
fn check_exact(path: &str) -> Result<(), String> {
    path_text::check_literal(path, false).map_err(|error| match PathTemplate::parse(path) {
        Ok(_) => format!("`{path}` is compared literally here; write template: {path}"),
        Err(_) => error,
    })
}
