//! The requests that a rule matches, as they hold after the check.

use super::{
    named_part::NamedPart,
    path_regex::PathRegex,
    path_template::PathTemplate,
    principal::PrincipalPattern,
    route_match::{WrittenMatch, WrittenPart, WrittenPathMatch},
};

/// The parts of a match. Each that is given has to match; at least one is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Match {
    /// Hosts without port: `api.example.com`, or `*.example.com` for every name below it.
    pub hosts: Vec<String>,
    /// The path, without the query.
    pub path: Option<PathMatch>,
    /// Methods in upper case.
    pub methods: Vec<String>,
    /// Request headers, by names in lower case.
    pub headers: Vec<NamedPart>,
    /// Query parameters.
    pub query: Vec<NamedPart>,
    /// The workload of the client.
    pub principal: Option<PrincipalPattern>,
}

/// One way to match a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathMatch {
    /// The whole path.
    Exact(String),
    /// The path and everything below it.
    Prefix(String),
    /// The whole path, segment by segment.
    Template(PathTemplate),
    /// A regular expression over the whole path.
    Regex(PathRegex),
}

impl PathMatch {
    /// The names of the path variables that the match defines: the variables of a template, and the
    /// named groups of a regular expression.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        let (template, regex) = match self {
            Self::Exact(_) | Self::Prefix(_) => (None, None),
            Self::Template(template) => (Some(template), None),
            Self::Regex(regex) => (None, Some(regex)),
        };
        let named = regex.into_iter().flat_map(PathRegex::variables);
        template.into_iter().flat_map(PathTemplate::variables).chain(named)
    }
}

impl From<&Match> for WrittenMatch {
    fn from(parts: &Match) -> Self {
        let path = parts.path.as_ref().map(|path| match path {
            PathMatch::Exact(text) => WrittenPathMatch::Exact(text.clone()),
            PathMatch::Prefix(text) => WrittenPathMatch::Prefix(text.clone()),
            PathMatch::Template(template) => WrittenPathMatch::Template(template.to_string()),
            PathMatch::Regex(regex) => WrittenPathMatch::Regex(regex.as_str().to_owned()),
        });
        Self {
            hosts: parts.hosts.clone(),
            path,
            methods: parts.methods.clone(),
            headers: parts.headers.iter().map(WrittenPart::from).collect(),
            query: parts.query.iter().map(WrittenPart::from).collect(),
            principal: parts.principal.as_ref().map(ToString::to_string),
        }
    }
}
