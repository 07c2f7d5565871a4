//! Rules behind a guard that denies everything it matches, and sign-in pages behind a rule that redirects to
//! them.
//!
//! In: guards and routes. Out: the rules that change no verdict, and the settings of such redirects. Only
//! what is sure by the text of the matches is found.

use url::Url;

use super::{
    overlap::is_covered,
    path_language::PathLanguages,
    sections::{AppliesTo, Auth, Config, Guard, Match, Mode, PathMatch, Route},
};
use crate::model::{DenialForm, Warning};

/// Rules that are told of.
const MOST: usize = 32;
/// Guards that are held against other rules.
const MOST_GUARDS: usize = 256;

/// Each guard that a closing guard covers, and each route that one covers: nothing there changes a verdict.
pub(super) fn behind_closed<'a>(
    guards: &'a [Guard],
    routes: &'a [Route],
    is_closed: impl Fn(&Guard) -> bool,
) -> Vec<(String, &'a str)> {
    let every = Match::default();
    let parts = |applies_to: &'a AppliesTo| match applies_to {
        AppliesTo::Matching(parts) => Some(parts),
        AppliesTo::AllRequests | AppliesTo::NamedRequests => None,
    };
    // One that closes everything is told by itself.
    let closed: Vec<(usize, &Guard, &Match)> = guards
        .iter()
        .enumerate()
        .filter(|(_, guard)| guard.mode == Mode::Enforce && is_closed(guard))
        .filter_map(|(index, guard)| Some((index, guard, parts(&guard.applies_to)?)))
        .take(MOST_GUARDS)
        .collect();
    let all_guards = guards.iter().enumerate().map(|(index, guard)| {
        let at = format!("/guards/{index}");
        (index, at, parts(&guard.applies_to), guard.mode, Some(index))
    });
    let all_routes = routes.iter().enumerate().map(|(index, route)| {
        let at = format!("/routes/{index}");
        (guards.len() + index, at, parts(&route.applies_to), route.mode, None)
    });
    let mut languages = PathLanguages::default();
    let mut found = Vec::new();
    for (number, at, parts, mode, guard) in all_guards.chain(all_routes) {
        let parts = parts.unwrap_or(&every);
        let by = closed.iter().find(|(index, _, by)| {
            // Of two that close the same, the first stays.
            let is_other = guard.is_none_or(|own| *index < own || *index > own && *by != parts);
            is_other && is_covered((number, parts), &(*index, by), &mut languages)
        });
        if let Some((_, by, _)) = by.filter(|_| mode == Mode::Enforce && found.len() < MOST) {
            found.push((at, by.id.as_str()));
        }
    }
    found
}

/// The warnings about redirects to a page that is itself behind a rule that redirects to it: a browser
/// would never see it.
pub(super) fn sign_in_loops(config: &Config) -> Vec<Warning> {
    let mut warnings: Vec<Warning> = Vec::new();
    for (index, route) in config.routes.iter().enumerate() {
        let form = |route: &Route| route.denial.as_ref().map(|denial| denial.form().clone());
        let own = form(route);
        let at = match own {
            Some(_) => format!("/routes/{index}/denial/redirect/url"),
            None => "/denial/redirect/url".to_owned(),
        };
        let form = own.unwrap_or_else(|| config.denial.form().clone());
        let loops = page_of(&form).is_some_and(|page| {
            route.auth == Auth::Required && decides(&config.routes, &page) == Some(index)
        });
        if loops && warnings.iter().all(|known| known.pointer != at) {
            let text = format!(
                "is on route `{}`, which redirects to it: a browser would never see the page; add a route \
                 for it with auth: none",
                route.id
            );
            warnings.push(Warning::of("condition_never_met", at, text));
        }
    }
    warnings
}

/// A request for the sign-in page.
fn page_of(form: &DenialForm) -> Option<Match> {
    let url = Url::parse(form.sign_in.as_ref()?.url()).ok()?;
    Some(Match {
        hosts: vec![url.host_str()?.to_owned()],
        path: Some(PathMatch::Exact(url.path().to_owned())),
        methods: vec!["GET".to_owned()],
        ..Match::default()
    })
}

/// The route that surely decides this request, if it names the host itself: others may be behind another
/// proxy.
fn decides(routes: &[Route], page: &Match) -> Option<usize> {
    let (every, mut languages) = (Match::default(), PathLanguages::default());
    let enforced = routes.iter().enumerate().filter(|(_, route)| route.mode == Mode::Enforce);
    let parts = enforced.filter_map(|(index, route)| match &route.applies_to {
        AppliesTo::Matching(parts) => Some((index, parts)),
        AppliesTo::AllRequests => Some((index, &every)),
        AppliesTo::NamedRequests => None,
    });
    let mut covering =
        parts.filter(|(index, by)| is_covered((routes.len(), page), &(*index, by), &mut languages));
    let (index, by) = covering.next()?;
    (!by.hosts.is_empty()).then_some(index)
}
