//! A rule as it holds after the check.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::{
    request_match::Match,
    route_match::{Any, RouteMatch},
    schema::{Auth, ExpiredCookie, Freshness, Mode, OddPaths, WrittenRoute},
};
use crate::{
    config::sections::{
        DenialTemplate,
        outputs::{OutputHeader, RouteOutputs},
        passport::RulePassport,
        requirement::Requirement,
    },
    model::AuthLevel,
};

/// A rule: the requests that it is for, and what it asks of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The name in metadata and logs.
    pub id: String,
    /// The requests that it is for.
    pub applies_to: AppliesTo,
    /// Whether a credential is asked for.
    pub auth: Auth,
    /// The least auth level.
    pub auth_level: Option<AuthLevel>,
    /// Whether a level that is too low is answered 401 with `acr_values` (RFC 9470), not 403.
    pub step_up: bool,
    /// The conditions beside.
    pub require: Option<Requirement>,
    /// Whether it decides.
    pub mode: Mode,
    /// How it is known that the token still holds.
    pub freshness: Freshness,
    /// Whether a strict CORS preflight passes.
    pub cors_preflight: bool,
    /// How an expired cookie counts on an optional route.
    pub expired_cookie: ExpiredCookie,
    /// How a path is judged that different servers read differently.
    pub odd_paths: OddPaths,
    /// The outputs: what the service behind and the client are told.
    pub outputs: RouteOutputs,
    /// The forms of its denials, if it has its own.
    pub denial: Option<DenialTemplate>,
    /// The signed token that the service behind gets.
    pub passport: Option<Arc<RulePassport>>,
}

/// The requirements of requests that match no route.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DefaultRoute {
    /// Whether a credential is asked for.
    pub auth: Auth,
    /// The least auth level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_level: Option<AuthLevel>,
    /// Whether a level that is too low is answered 401 with `acr_values` (RFC 9470), not 403.
    pub step_up: bool,
    /// The conditions beside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require: Option<Requirement>,
    /// How it is known that the token still holds.
    pub freshness: Freshness,
    /// Whether a strict CORS preflight passes.
    pub cors_preflight: bool,
    /// How an expired cookie counts on an optional route.
    pub expired_cookie: ExpiredCookie,
    /// How a path is judged that different servers read differently.
    pub odd_paths: OddPaths,
}

/// The requests that a rule is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppliesTo {
    /// Requests for which Envoy names the rule.
    NamedRequests,
    /// Every request.
    AllRequests,
    /// Requests that match these parts, of which at least one is given.
    Matching(Match),
}

impl WrittenRoute {
    /// The rule as it holds for these requests.
    pub(super) fn holds(
        self,
        applies_to: AppliesTo,
        require: Option<Requirement>,
        denial: Option<DenialTemplate>,
        outputs: RouteOutputs,
    ) -> Route {
        Route {
            id: self.id,
            applies_to,
            auth: self.auth,
            auth_level: self.auth_level,
            step_up: self.step_up,
            require,
            mode: self.mode,
            freshness: self.freshness,
            cors_preflight: self.cors_preflight,
            expired_cookie: self.expired_cookie,
            odd_paths: self.odd_paths,
            outputs,
            denial,
            passport: self.passport.map(Arc::new),
        }
    }
}

impl From<&Route> for WrittenRoute {
    fn from(route: &Route) -> Self {
        let (matches, by_name) = match &route.applies_to {
            AppliesTo::NamedRequests => (None, true),
            AppliesTo::AllRequests => (Some(RouteMatch::Any(Any::Any)), false),
            AppliesTo::Matching(parts) => (Some(RouteMatch::Parts(parts.into())), false),
        };
        Self {
            id: route.id.clone(),
            matches,
            by_name,
            auth: route.auth,
            auth_level: route.auth_level,
            step_up: route.step_up,
            require: route.require.as_ref().map(Requirement::written).cloned(),
            mode: route.mode,
            freshness: route.freshness,
            cors_preflight: route.cors_preflight,
            expired_cookie: route.expired_cookie,
            odd_paths: route.odd_paths,
            headers: route.outputs.headers.iter().map(OutputHeader::written).cloned().collect(),
            response_headers: (route.outputs.response_headers.iter())
                .map(OutputHeader::written)
                .cloned()
                .collect(),
            query: route.outputs.query.as_ref().map(|query| query.written().clone()),
            strip_credential: route.outputs.strip_credential,
            denial: route.denial.as_ref().map(|denial| denial.written().clone()),
            passport: route.passport.as_deref().cloned(),
        }
    }
}

/// Printed as it is written in the file.
impl Serialize for Route {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        WrittenRoute::from(self).serialize(serializer)
    }
}
