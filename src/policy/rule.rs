//! A rule: its match, its conditions and its concessions.
//!
//! In: a route of the configuration. Out: a [`Rule`]. Each setting of a route is named here, so that
//! one that nobody reads does not compile.

use std::sync::Arc;

use super::{
    condition::Condition,
    evidence::Needs,
    matching::{Asked, Fit, Matcher, PathProgram},
    outputs::{CommonOutputs, RuleOutputs},
    requirement::{CompiledRequirement, FactSources},
    variables::PathVariables,
};
use crate::{
    config::{
        AppliesTo, Auth, DefaultRoute, ExpiredCookie, Freshness, Mode, OddPaths, Requirement,
        RequirementNode, Route, RouteOutputs, RulePassport,
    },
    model::{AuthLevel, DenialForm},
};

/// The name of the rule that holds where no other matches.
const DEFAULT: &str = "default";

/// One rule.
#[derive(Debug)]
pub(super) struct Rule {
    id: Arc<str>,
    /// `None` if the rule holds only when the proxy names it, or as the default.
    matcher: Option<Matcher>,
    conditions: Vec<Condition>,
    concessions: Vec<Concession>,
    needs: Needs,
    strictness: Strictness,
    denial_form: Option<Arc<DenialForm>>,
    mode: Mode,
    outputs: Arc<RuleOutputs>,
}

/// Something that is denied unless the rule allows it. Where several rules hold, each of them has to
/// allow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Concession {
    /// A strict CORS preflight passes without a credential (`cors_preflight: true`).
    CorsPreflight,
    /// An expired cookie counts as no credential (`expired_cookie: anonymous`).
    ExpiredCookie,
    /// A path that servers read differently is judged by all of its readings (`odd_paths: judge`).
    OddPath,
    /// An auth level that is too low is answered with the level to sign in with (`step_up: true`).
    StepUp,
}

/// The measure of how much a rule asks: of several rules, the name of the strictest is logged.
pub(super) type Strictness = (Auth, Option<AuthLevel>, Freshness);

/// The settings that a route and the default have in common.
struct Settings<'a> {
    auth: Auth,
    auth_level: Option<AuthLevel>,
    step_up: bool,
    require: Option<&'a Requirement>,
    freshness: Freshness,
    cors_preflight: bool,
    expired_cookie: ExpiredCookie,
    odd_paths: OddPaths,
    passport: Option<&'a Arc<RulePassport>>,
}

impl Rule {
    /// From a route.
    pub(super) fn of_route(route: &Route, sources: &Arc<FactSources>) -> Self {
        let Route {
            id,
            applies_to,
            auth,
            auth_level,
            step_up,
            require,
            mode,
            freshness,
            cors_preflight,
            expired_cookie,
            odd_paths,
            denial,
            passport,
            // Told by `telling`, because the common ones are needed too.
            outputs: _,
        } = route;
        let matcher = match applies_to {
            AppliesTo::NamedRequests => None,
            AppliesTo::AllRequests => Some(Matcher::default()),
            AppliesTo::Matching(parts) => Some(Matcher::build(parts)),
        };
        let settings = Settings {
            auth: *auth,
            auth_level: *auth_level,
            step_up: *step_up,
            require: require.as_ref(),
            freshness: *freshness,
            cors_preflight: *cors_preflight,
            expired_cookie: *expired_cookie,
            odd_paths: *odd_paths,
            passport: passport.as_ref(),
        };
        let denial_form = denial.as_ref().map(|denial| denial.form().clone());
        Self { mode: *mode, denial_form, ..Self::new(id, matcher, &settings, sources) }
    }

    /// From the section `default`.
    pub(super) fn of_default(route: &DefaultRoute, sources: &Arc<FactSources>) -> Self {
        let DefaultRoute {
            auth,
            auth_level,
            step_up,
            require,
            freshness,
            cors_preflight,
            expired_cookie,
            odd_paths,
        } = route;
        let settings = Settings {
            auth: *auth,
            auth_level: *auth_level,
            step_up: *step_up,
            require: require.as_ref(),
            freshness: *freshness,
            cors_preflight: *cors_preflight,
            expired_cookie: *expired_cookie,
            odd_paths: *odd_paths,
            passport: None,
        };
        Self::new(DEFAULT, None, &settings, sources)
    }

    fn new(
        id: &str,
        matcher: Option<Matcher>,
        settings: &Settings<'_>,
        sources: &Arc<FactSources>,
    ) -> Self {
        let id: Arc<str> = id.into();
        let outputs = Arc::new(RuleOutputs::new(&id, settings.passport, sources));
        let (mut conditions, concessions) = (settings.conditions(sources), settings.concessions());
        if outputs.reads_profile() {
            conditions.push(Condition::ProfileToTell(sources.clone()));
        }
        let mut needs = Needs { identity: settings.reads_credential(), ..outputs.needs() };
        for condition in &conditions {
            needs.extend(condition.needs());
        }
        let strictness = (settings.auth, settings.auth_level, settings.freshness);
        let (mode, denial_form) = (Mode::Enforce, None);
        Self { id, matcher, conditions, concessions, needs, strictness, mode, outputs, denial_form }
    }

    /// The same rule with these headers and changes of the query, in place of common ones of the same
    /// name.
    pub(super) fn telling(
        mut self,
        own: &RouteOutputs,
        common: &CommonOutputs,
        sources: &Arc<FactSources>,
    ) -> Self {
        let knows_profile = self.outputs.reads_profile();
        let outputs = Arc::unwrap_or_clone(self.outputs).with(own, common);
        if outputs.reads_profile() && !knows_profile && self.needs.identity {
            let condition = Condition::ProfileToTell(sources.clone());
            self.needs.extend(condition.needs());
            self.conditions.push(condition);
        }
        self.needs.extend(outputs.needs());
        Self { outputs: Arc::new(outputs), ..self }
    }

    /// The name in logs and metadata.
    pub(super) const fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// The form of its denials, if it has its own.
    pub(super) const fn denial_form(&self) -> Option<&Arc<DenialForm>> {
        self.denial_form.as_ref()
    }

    /// Whether it decides.
    pub(super) const fn mode(&self) -> Mode {
        self.mode
    }

    /// The outputs for the service behind.
    pub(super) const fn outputs(&self) -> &Arc<RuleOutputs> {
        &self.outputs
    }

    /// The conditions, all of which have to be met.
    pub(super) fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// The facts that the rule needs.
    pub(super) const fn needs(&self) -> &Needs {
        &self.needs
    }

    /// The measure of how much the rule asks.
    pub(super) const fn strictness(&self) -> Strictness {
        self.strictness
    }

    /// The rule makes this concession.
    pub(super) fn concedes(&self, concession: Concession) -> bool {
        self.concessions.contains(&concession)
    }

    /// The match, unless the rule holds only when the proxy names it, or as the default.
    pub(super) const fn matcher(&self) -> Option<&Matcher> {
        self.matcher.as_ref()
    }

    /// The regular expression of the match.
    pub(super) fn program_mut(&mut self) -> Option<&mut PathProgram> {
        self.matcher.as_mut().and_then(Matcher::program_mut)
    }

    /// How surely the rule holds for a request, in this reading of its method and path.
    pub(super) fn fit(&self, asked: &Asked<'_>, method: &[u8], path: &[u8]) -> Fit {
        self.matcher.as_ref().map_or(Fit::No, |matcher| matcher.fit(asked, method, path))
    }

    /// The part of a request that keeps the rule from holding for it; `None` if it holds.
    pub(super) fn mismatch(
        &self,
        asked: &Asked<'_>,
        method: &[u8],
        path: &[u8],
    ) -> Option<&'static str> {
        match &self.matcher {
            Some(matcher) => matcher.mismatch(asked, method, path),
            None => Some("name"),
        }
    }

    /// The variables of this reading of a path, if a condition needs them.
    pub(super) fn variables(&self, path: &[u8]) -> PathVariables {
        match &self.matcher {
            Some(matcher) if self.needs.path_variables => matcher.variables(path),
            Some(_) | None => PathVariables::default(),
        }
    }

    /// The same rule with one more condition.
    #[cfg(test)]
    pub(super) fn and(mut self, condition: Condition) -> Self {
        self.needs.extend(condition.needs());
        self.conditions.push(condition);
        self
    }
}

impl Settings<'_> {
    /// It lets nobody pass (`require: never`).
    fn is_closed(&self) -> bool {
        self.require.is_some_and(|require| matches!(require.root(), RequirementNode::Never))
    }

    const fn reads_credential(&self) -> bool {
        match self.auth {
            Auth::None => false,
            Auth::Optional | Auth::Required => true,
        }
    }

    fn conditions(&self, sources: &Arc<FactSources>) -> Vec<Condition> {
        let credential = match self.auth {
            Auth::None | Auth::Optional => None,
            Auth::Required => Some(Condition::Credential),
        };
        let level = self.auth_level.map(Condition::AuthLevel);
        let profile = match self.freshness {
            Freshness::Token => None,
            Freshness::Profile => Some(Condition::CurrentProfile),
        };
        let requirement = self.require.map(|require| CompiledRequirement::build(require, sources));
        let requirement = requirement.map(Condition::Requirement);
        // No sign-in helps, so that nobody is asked for one.
        if self.is_closed() {
            return requirement.into_iter().collect();
        }
        [credential, level, profile, requirement].into_iter().flatten().collect()
    }

    fn concessions(&self) -> Vec<Concession> {
        let preflight = self.cors_preflight.then_some(Concession::CorsPreflight);
        let expired_cookie = match self.expired_cookie {
            ExpiredCookie::Deny => None,
            ExpiredCookie::Anonymous => Some(Concession::ExpiredCookie),
        };
        let odd_path = match self.odd_paths {
            OddPaths::Refuse => None,
            OddPaths::Judge => Some(Concession::OddPath),
        };
        let step_up = self.step_up.then_some(Concession::StepUp);
        [preflight, expired_cookie, odd_path, step_up].into_iter().flatten().collect()
    }
}
