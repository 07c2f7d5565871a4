//! Whether a match fits a request, in one reading of its method and path. Configured text is literal
//! unless it is declared a regular expression, which is anchored at both ends.
//!
//! In: the `match` of a rule, then the facts of a request. Out: how surely it fits.

use super::{
    asked::Asked, fit::Fit, host::HostPattern, path_program::PathProgram, template::Template,
};
use crate::{
    config::{Match, NamedPart, PathMatch, PrincipalPattern},
    policy::variables::PathVariables,
};

/// The paths of a match.
#[derive(Debug, Default)]
pub(in crate::policy) enum PathPattern {
    /// Every path.
    #[default]
    Any,
    /// This one.
    Exact(Box<[u8]>),
    /// This one and all below it.
    Prefix(Box<[u8]>),
    /// Those of a template.
    Template(Template),
    /// Those of an expression, which is anchored at both ends.
    Regex(PathProgram),
}

/// The parts that have to match. A part that is empty matches everything.
#[derive(Debug, Default)]
pub(in crate::policy) struct Matcher {
    hosts: Vec<HostPattern>,
    methods: Vec<Box<[u8]>>,
    path: PathPattern,
    headers: Vec<NamedPart>,
    query: Vec<NamedPart>,
    principal: Option<PrincipalPattern>,
}

impl Matcher {
    /// From the configuration.
    pub(in crate::policy) fn build(matches: &Match) -> Self {
        let Match { hosts, path, methods, headers, query, principal } = matches;
        Self {
            hosts: hosts.iter().map(|host| HostPattern::of(host)).collect(),
            methods: methods.iter().map(|method| method.as_bytes().into()).collect(),
            path: path.as_ref().map_or(PathPattern::Any, path_pattern),
            headers: headers.clone(),
            query: query.clone(),
            principal: principal.clone(),
        }
    }

    /// How surely all parts match.
    pub(in crate::policy) fn fit(&self, asked: &Asked<'_>, method: &[u8], path: &[u8]) -> Fit {
        self.judge(asked, method, path).unwrap_or(Fit::No)
    }

    /// The first part that does not match: `method`, `host`, `path`, `principal`, `header` or `query`.
    pub(in crate::policy) fn mismatch(
        &self,
        asked: &Asked<'_>,
        method: &[u8],
        path: &[u8],
    ) -> Option<&'static str> {
        self.judge(asked, method, path).err()
    }

    /// How surely all parts match, or the first that does not, the cheapest first.
    fn judge(&self, asked: &Asked<'_>, method: &[u8], path: &[u8]) -> Result<Fit, &'static str> {
        let (methods, hosts) = (&self.methods, &self.hosts);
        if !methods.is_empty() && !methods.iter().any(|wanted| **wanted == *method) {
            return Err("method");
        }
        if !hosts.is_empty() && !hosts.iter().any(|wanted| wanted.matches(asked.host())) {
            return Err("host");
        }
        let mut least = matching(self.path.fit(path), "path")?;
        if let Some(principal) = &self.principal {
            least = least.min(matching(asked.workload(principal), "principal")?);
        }
        for part in &self.headers {
            least = least.min(matching(asked.header(part), "header")?);
        }
        for part in &self.query {
            least = least.min(matching(asked.parameter(part), "query")?);
        }
        Ok(least)
    }

    /// The hosts; none for every host.
    pub(in crate::policy) fn hosts(&self) -> &[HostPattern] {
        &self.hosts
    }

    /// The path.
    pub(in crate::policy) const fn path(&self) -> &PathPattern {
        &self.path
    }

    /// The regular expression of the path.
    pub(in crate::policy) const fn program_mut(&mut self) -> Option<&mut PathProgram> {
        match &mut self.path {
            PathPattern::Regex(program) => Some(program),
            PathPattern::Any
            | PathPattern::Exact(_)
            | PathPattern::Prefix(_)
            | PathPattern::Template(_) => None,
        }
    }

    /// The variables of this reading of a path.
    pub(in crate::policy) fn variables(&self, path: &[u8]) -> PathVariables {
        match &self.path {
            PathPattern::Any | PathPattern::Exact(_) | PathPattern::Prefix(_) => {
                PathVariables::default()
            }
            PathPattern::Template(template) => PathVariables::of(template.variables(path)),
            PathPattern::Regex(regex) => PathVariables::of(regex.variables(path)),
        }
    }
}

impl PathPattern {
    fn fit(&self, path: &[u8]) -> Fit {
        match self {
            Self::Any => Fit::Surely,
            Self::Exact(wanted) => Fit::of(**wanted == *path),
            Self::Prefix(prefix) => Fit::of(path.strip_prefix(&**prefix).is_some_and(|rest| {
                rest.is_empty() || rest.starts_with(b"/") || prefix.ends_with(b"/")
            })),
            Self::Template(template) => template.fit(path),
            Self::Regex(regex) => Fit::of(regex.is_match(path)),
        }
    }
}

/// The fit of a part that matches at least possibly; else its name.
const fn matching(fit: Fit, part: &'static str) -> Result<Fit, &'static str> {
    match fit {
        Fit::No => Err(part),
        Fit::Possibly | Fit::Surely => Ok(fit),
    }
}

fn path_pattern(matches: &PathMatch) -> PathPattern {
    match matches {
        PathMatch::Exact(exact) => PathPattern::Exact(exact.as_bytes().into()),
        PathMatch::Prefix(prefix) => PathPattern::Prefix(prefix.as_bytes().into()),
        PathMatch::Template(template) => PathPattern::Template(Template::build(template)),
        PathMatch::Regex(regex) => PathPattern::Regex(PathProgram::of(regex)),
    }
}
