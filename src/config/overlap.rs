//! Rules that never decide: an earlier one matches every request that they match.
//!
//! In: the rules, in their order. Out: a warning for each that an earlier rule covers, with the place
//! of both. A rule covers another only where that is sure by the text of their matches; several rules that
//! cover one together are not found.

use std::{borrow::Cow, collections::HashMap};

use super::{
    document::readable,
    path_language::{PathLanguages, lead_of_regex},
    sections::{
        AppliesTo, Auth, Guard, Match, Mode, NamedPart, PartValue, PathMatch, PathTemplate, Route,
        TemplateSegment,
    },
};
use crate::model::Warning;

/// Warnings of one configuration. The others are counted.
const MOST: usize = 32;
/// Guards that are held against each other.
const MOST_GUARDS: usize = 256;
/// Regular expressions that are held against the paths of later rules.
const MOST_EXPRESSIONS: usize = 128;

/// The warnings about rules that never decide. `place` says where a setting, by its JSON pointer, was
/// written.
pub(super) fn warnings(routes: &[Route], place: impl Fn(&str) -> String) -> Vec<Warning> {
    let every = Match::default();
    let matches = routes.iter().map(|route| match &route.applies_to {
        AppliesTo::NamedRequests => None,
        AppliesTo::AllRequests => Some(&every),
        AppliesTo::Matching(parts) => Some(parts),
    });
    let (mut earlier, mut languages) = (Earlier::default(), PathLanguages::default());
    let mut found = Vec::new();
    for (index, (route, parts)) in routes.iter().zip(matches).enumerate() {
        let Some(parts) = parts else { continue };
        if let Some(first) = earlier.covers(index, parts, &mut languages) {
            found.push((first, index));
        }
        // A rule in shadow takes no request from a later one.
        if route.mode == Mode::Enforce {
            earlier.add(index, parts);
        }
    }
    let id = |index: usize| routes.get(index).map(|route| route.id.as_str()).unwrap_or_default();
    let named = |index: usize| {
        let pointer = format!("/routes/{index}");
        format!("{} `{}` ({})", readable(&pointer), id(index), place(&pointer))
    };
    let mut warnings: Vec<Warning> = found
        .iter()
        .take(MOST)
        .map(|(first, second)| {
            let (one, other) = (named(*first), id(*second));
            let at = format!("/routes/{second}");
            if repeats(routes.get(*first), routes.get(*second)) {
                Warning::of(
                    "route_repeated",
                    at,
                    format!("`{other}` repeats {one}; leave one of them out"),
                )
            } else {
                Warning::of(
                    "route_unreachable",
                    at,
                    format!(
                        "`{other}` never decides: {one} comes first and matches every request that \
                         it matches; put it before, narrow the other, or write `by_name: true` for \
                         a route that only Envoy names"
                    ),
                )
            }
        })
        .collect();
    if found.len() > MOST {
        let text = format!("{} more routes never decide", found.len() - MOST);
        warnings.push(Warning::of("route_unreachable", "/routes", text));
    }
    warnings
}

/// The warnings about guards that repeat others: each is asked, so the second changes nothing.
pub(super) fn repeated_guards(guards: &[Guard], place: impl Fn(&str) -> String) -> Vec<Warning> {
    let unnamed = |guard: &Guard| Guard { id: String::new(), ..guard.clone() };
    let all: Vec<Guard> = guards.iter().take(MOST_GUARDS).map(unnamed).collect();
    let mut warnings = Vec::new();
    for (second, guard) in all.iter().enumerate() {
        let Some(first) = all.iter().take(second).position(|known| known == guard) else {
            continue;
        };
        let id =
            |index: usize| guards.get(index).map(|guard| guard.id.as_str()).unwrap_or_default();
        let at = format!("/guards/{first}");
        let text = format!(
            "`{}` repeats {} `{}` ({}); leave one of them out",
            id(second),
            readable(&at),
            id(first),
            place(&at)
        );
        warnings.push(Warning::of("route_repeated", format!("/guards/{second}"), text));
    }
    warnings.truncate(MOST);
    warnings
}

/// Every request that a guard matches is decided without a credential, so that none has a caller.
pub(super) fn has_no_caller(guard: &Guard, routes: &[Route], default: Auth) -> bool {
    let every = Match::default();
    let guarded = match &guard.applies_to {
        AppliesTo::Matching(parts) => parts,
        AppliesTo::AllRequests | AppliesTo::NamedRequests => &every,
    };
    let mut languages = PathLanguages::default();
    for (index, route) in routes.iter().enumerate() {
        let parts = match &route.applies_to {
            AppliesTo::Matching(parts) => Some(parts),
            AppliesTo::AllRequests => Some(&every),
            // The proxy may name it for any request.
            AppliesTo::NamedRequests => None,
        };
        if route.auth != Auth::None {
            if parts.is_none_or(|parts| !are_apart(parts, guarded)) {
                return false;
            }
        } else if route.mode == Mode::Enforce
            && let Some(parts) = parts
            && is_covered((routes.len(), guarded), &(index, parts), &mut languages)
        {
            return true;
        }
    }
    default == Auth::None
}

/// No request matches both.
fn are_apart(one: &Match, other: &Match) -> bool {
    let share_host =
        |host: &String| other.hosts.iter().any(|it| covers_host(it, host) || covers_host(host, it));
    let hosts =
        !one.hosts.is_empty() && !other.hosts.is_empty() && !one.hosts.iter().any(share_host);
    let methods = !one.methods.is_empty()
        && !other.methods.is_empty()
        && !one.methods.iter().any(|method| other.methods.contains(method));
    let paths = one.path.as_ref().zip(other.path.as_ref()).is_some_and(|(one, other)| {
        let (one, other) = (lead(one), lead(other));
        !one.starts_with(&*other) && !other.starts_with(&*one)
    });
    hosts || methods || paths
}

/// Two rules that differ in their names alone.
fn repeats(one: Option<&Route>, other: Option<&Route>) -> bool {
    let unnamed = |route: &Route| Route { id: String::new(), ..route.clone() };
    one.map(unnamed) == other.map(unnamed)
}

/// The rules before another, by what may cover its path.
#[derive(Default)]
struct Earlier<'a> {
    any: Vec<Entry<'a>>,
    exact: HashMap<&'a str, Vec<Entry<'a>>>,
    /// By the prefix without its last slash.
    prefix: HashMap<&'a str, Vec<Entry<'a>>>,
    /// By the first segment; `None` is a variable.
    template: HashMap<Option<&'a str>, Vec<Entry<'a>>>,
    regex: HashMap<&'a str, Vec<Entry<'a>>>,
    /// Some of them, with the text with which each of their paths begins.
    expressions: Vec<(String, Entry<'a>)>,
}

pub(super) type Entry<'a> = (usize, &'a Match);

impl<'a> Earlier<'a> {
    fn add(&mut self, index: usize, parts: &'a Match) {
        let entry = (index, parts);
        match &parts.path {
            None => self.any.push(entry),
            Some(PathMatch::Exact(path)) => self.exact.entry(path).or_default().push(entry),
            Some(PathMatch::Prefix(path)) => {
                self.prefix.entry(path.trim_end_matches('/')).or_default().push(entry);
            }
            Some(PathMatch::Template(template)) => {
                self.template.entry(first(template)).or_default().push(entry);
            }
            Some(PathMatch::Regex(regex)) => {
                self.regex.entry(regex.as_str()).or_default().push(entry);
                if self.expressions.len() < MOST_EXPRESSIONS {
                    self.expressions.push((lead_of_regex(regex), entry));
                }
            }
        }
    }

    /// The first rule that matches every request that this match, the one of rule `index`, matches.
    fn covers(&self, index: usize, parts: &Match, languages: &mut PathLanguages) -> Option<usize> {
        let mut lists: Vec<&[Entry<'a>]> = vec![&self.any];
        let lead = parts.path.as_ref().map(lead).unwrap_or_default();
        let mut expressions: Vec<Entry<'a>> = Vec::new();
        if parts.path.is_some() {
            let may_cover = self.expressions.iter().filter(|(first, _)| lead.starts_with(first));
            expressions.extend(may_cover.map(|(_, entry)| *entry));
        }
        for end in std::iter::once(0).chain(lead.match_indices('/').map(|(at, _)| at)) {
            lists.extend(lead.get(..end).and_then(|text| self.prefix.get(text)).map(Vec::as_slice));
        }
        lists.extend(self.prefix.get(&*lead).map(Vec::as_slice));
        match &parts.path {
            None => {}
            Some(PathMatch::Prefix(path)) => {
                let firsts = [path.split('/').nth(1), None];
                let all = firsts.iter().filter_map(|it| self.template.get(it));
                lists.extend(all.map(Vec::as_slice));
            }
            Some(PathMatch::Exact(path)) => {
                lists.extend(self.exact.get(path.as_str()).map(Vec::as_slice));
                let firsts = [path.split('/').nth(1), None];
                let all = firsts.iter().filter_map(|it| self.template.get(it));
                lists.extend(all.map(Vec::as_slice));
            }
            Some(PathMatch::Template(template)) => {
                let firsts = [first(template), None];
                let all = firsts.iter().filter_map(|it| self.template.get(it));
                lists.extend(all.map(Vec::as_slice));
            }
            Some(PathMatch::Regex(regex)) => {
                lists.extend(self.regex.get(regex.as_str()).map(Vec::as_slice));
            }
        }
        lists.push(&expressions);
        let first = |list: &&[Entry<'a>]| {
            let mut list = list.iter();
            list.find(|by| is_covered((index, parts), by, languages)).map(|(index, _)| *index)
        };
        lists.iter().filter_map(first).min()
    }
}

/// Every request that surely matches `parts` surely matches `by`. Both stand with the places of their rules.
pub(super) fn is_covered(
    (rule, parts): Entry<'_>,
    (by_rule, by): &Entry<'_>,
    languages: &mut PathLanguages,
) -> bool {
    let Match { hosts, path, methods, headers, query, principal } = by;
    let host = |host: &String| hosts.iter().any(|by| covers_host(by, host));
    (hosts.is_empty() || !parts.hosts.is_empty() && parts.hosts.iter().all(host))
        && (methods.is_empty()
            || !parts.methods.is_empty() && parts.methods.iter().all(|it| methods.contains(it)))
        && headers.iter().all(|by| parts.headers.iter().any(|it| covers_part(by, it)))
        && query.iter().all(|by| parts.query.iter().any(|it| covers_part(by, it)))
        && principal
            .as_ref()
            .is_none_or(|by| parts.principal.as_ref().is_some_and(|it| by.covers(it)))
        && match (path, &parts.path) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(by), Some(path)) => {
                covers_path(by, path)
                    || has_to_be_read(by, path) && languages.covers((*by_rule, by), (rule, path))
            }
        }
}

/// Every request with `part` has `by`.
fn covers_part(by: &NamedPart, part: &NamedPart) -> bool {
    by == part
        || by.name == part.name
            && by.value == PartValue::Present
            && matches!(&part.value, PartValue::Exact(text) if !text.is_empty())
}

fn covers_host(by: &str, host: &str) -> bool {
    let plain = |name: &str| name.trim_end_matches('.').to_ascii_lowercase();
    let (by, host) = (plain(by), plain(host));
    match by.strip_prefix('*') {
        Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
        None => by == host,
    }
}

fn covers_path(by: &PathMatch, path: &PathMatch) -> bool {
    match by {
        PathMatch::Prefix(prefix) => {
            let lead = lead(path);
            match path {
                PathMatch::Regex(_) if prefix == "/" => true,
                PathMatch::Regex(_) => false,
                PathMatch::Exact(_) | PathMatch::Prefix(_) | PathMatch::Template(_) => {
                    lead.strip_prefix(prefix.as_str()).is_some_and(|rest| {
                        rest.is_empty() || rest.starts_with('/') || prefix.ends_with('/')
                    })
                }
            }
        }
        PathMatch::Exact(text) => matches!(path, PathMatch::Exact(path) if path == text),
        PathMatch::Template(by) => match path {
            PathMatch::Template(path) => covers_template(by, path.segments()),
            PathMatch::Exact(path) => covers_template(by, &literals(path)),
            // The rest takes what stands below the prefix.
            PathMatch::Prefix(path) if by.segments().iter().any(is_rest) => {
                covers_template(by, &literals(path))
            }
            PathMatch::Prefix(_) | PathMatch::Regex(_) => false,
        },
        PathMatch::Regex(by) => match path {
            PathMatch::Regex(regex) => regex == by,
            PathMatch::Exact(path) => by.is_match(path.as_bytes()),
            PathMatch::Prefix(_) | PathMatch::Template(_) => false,
        },
    }
}

/// The texts of both alone do not tell whether one covers the other.
const fn has_to_be_read(by: &PathMatch, path: &PathMatch) -> bool {
    match by {
        PathMatch::Regex(_) => !matches!(path, PathMatch::Exact(_)),
        PathMatch::Prefix(_) => matches!(path, PathMatch::Regex(_)),
        PathMatch::Exact(_) | PathMatch::Template(_) => false,
    }
}

/// The segments of a path without variables.
fn literals(path: &str) -> Vec<TemplateSegment> {
    let literal = |text: &str| TemplateSegment::Literal(text.to_owned());
    path.split('/').skip(1).map(literal).collect()
}

const fn is_rest(segment: &TemplateSegment) -> bool {
    matches!(segment, TemplateSegment::Rest(_))
}

fn covers_template(by: &PathTemplate, path: &[TemplateSegment]) -> bool {
    let mut left = path.iter();
    for segment in by.segments() {
        let sent = left.next();
        let covered = match (segment, sent) {
            // Each segment that is left has at least one sign, or the path ends with a slash.
            (TemplateSegment::Rest(_), Some(TemplateSegment::Literal(text))) => {
                return !text.is_empty();
            }
            (TemplateSegment::Rest(_), Some(_)) => return true,
            (TemplateSegment::Variable(_), Some(TemplateSegment::Literal(text))) => {
                !text.is_empty()
            }
            (TemplateSegment::Variable(_), Some(TemplateSegment::Variable(_))) => true,
            (TemplateSegment::Literal(by), Some(TemplateSegment::Literal(text))) => by == text,
            (_, None)
            | (TemplateSegment::Variable(_), Some(TemplateSegment::Rest(_)))
            | (
                TemplateSegment::Literal(_),
                Some(TemplateSegment::Variable(_) | TemplateSegment::Rest(_)),
            ) => false,
        };
        if !covered {
            return false;
        }
    }
    left.next().is_none()
}

/// The text with which each path of a match begins; that of a template ends before its first variable.
fn lead(path: &PathMatch) -> Cow<'_, str> {
    match path {
        PathMatch::Exact(text) | PathMatch::Prefix(text) => Cow::Borrowed(text),
        PathMatch::Template(template) => {
            let literals = template.segments().iter().map_while(|segment| match segment {
                TemplateSegment::Literal(text) => Some(text.as_str()),
                TemplateSegment::Variable(_) | TemplateSegment::Rest(_) => None,
            });
            let text: String = literals.flat_map(|text| ["/", text]).collect();
            Cow::Owned(text + "/")
        }
        PathMatch::Regex(regex) => Cow::Owned(lead_of_regex(regex)),
    }
}

/// The first segment of a template; `None` if it is a variable.
fn first(template: &PathTemplate) -> Option<&str> {
    match template.segments().first() {
        Some(TemplateSegment::Literal(text)) => Some(text),
        Some(TemplateSegment::Variable(_) | TemplateSegment::Rest(_)) | None => None,
    }
}
