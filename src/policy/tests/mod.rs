//! Which rules hold for a request and how they decide: tables of hosts, paths and rules, and the
//! properties that no table can exhaust.

mod elsewhere;
mod evidence;
mod expressions;
mod facts;
mod guards;
mod hosts;
mod idle;
mod index;
mod limits;
mod memory;
mod merge;
mod monotone;
mod needs;
mod numbers;
mod odd_paths;
mod parts;
mod paths;
mod properties;
mod readings;
mod requirements;
mod rules;
mod servers;
mod shadows;
mod sources;
mod telling;
mod templates;
mod together;
mod told;
mod warned;

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;

use super::{
    ChosenRules, Measured, Policy, RequestLimits, chosen::ChosenRule, requirement::FactSources,
    rule::Rule,
};
use crate::{
    config::{self, Auth},
    model::{AllowReason, AuthLevel, Denial, DenyReason, IdentityFacts, RequestContext},
    verify::Identity,
};

/// The demands of the rules that hold for a request, as far as their decisions show them.
#[derive(Debug, PartialEq, Eq)]
struct Demands {
    /// The name that is logged.
    rule: String,
    auth: Auth,
    /// The level that the weakest identity is denied for.
    level: Option<AuthLevel>,
    cors_preflight: bool,
    forgives_expired_cookie: bool,
}

/// The rule of the section `default`, where no issuer is configured.
fn rule_of(settings: &config::DefaultRoute) -> Rule {
    Rule::of_default(settings, &Arc::new(FactSources::default()))
}

/// The policy of these routes, written as in the configuration file.
fn policy(yaml: &str) -> Policy {
    Policy::build(&config(yaml))
}

fn config(yaml: &str) -> config::Config {
    let environment = BTreeMap::from([("ROWND_APP_ID".to_owned(), "app_test".to_owned())]);
    config::parse("test.yaml", yaml, &environment).unwrap_or_else(|e| panic!("{e}"))
}

fn request(method: &str, host: &str, path: &[u8]) -> RequestContext {
    RequestContext {
        method: Bytes::copy_from_slice(method.as_bytes()),
        host: Bytes::copy_from_slice(host.as_bytes()),
        target: Bytes::copy_from_slice(path),
        ..RequestContext::for_test("/")
    }
}

/// A request of whatever size, as far as the limits go.
fn measured(request: &RequestContext) -> Measured<'_> {
    let check = config::Check {
        max_path_bytes: usize::MAX,
        max_headers: usize::MAX,
        max_headers_bytes: usize::MAX,
        ..config::Check::default()
    };
    RequestLimits::of(&check).measure(request).unwrap()
}

/// The name of the rule that is logged.
fn rule(policy: &Policy, method: &str, host: &str, path: &str) -> Result<String, DenyReason> {
    let request = request(method, host, path.as_bytes());
    let rules = policy.choose(measured(&request))?;
    Ok(rules.name().to_string())
}

/// The demands of the rules that hold for a GET of this path.
fn demands(policy: &Policy, path: &[u8]) -> Result<Demands, DenyReason> {
    let request = request("GET", "a.com", path);
    let choose = || policy.choose(measured(&request));
    let weakest = reason(choose()?, Some(identity(AuthLevel::Instant)));
    let rules = choose()?;
    Ok(Demands {
        rule: rules.name().to_string(),
        auth: match (rules.reads_credential(), rules.requires_credential()) {
            (true, true) => Auth::Required,
            (true, false) => Auth::Optional,
            (false, _) => Auth::None,
        },
        level: weakest.err().and_then(|denial| denial.required_level()),
        cors_preflight: rules.preflight().is_some(),
        forgives_expired_cookie: rules.forgives_expired_cookie(),
    })
}

/// These rules, as if the readings of a request had chosen them in this order.
fn chosen<'a>(request: &'a RequestContext, rules: &[&'a Rule]) -> ChosenRules<'a> {
    ChosenRules::of(request, rules.iter().map(|rule| ChosenRule::new(rule, b"/"))).unwrap()
}

/// The rules' yes to this identity, with its reason, or their denial.
fn reason(rules: ChosenRules<'_>, identity: Option<Identity>) -> Result<AllowReason, Denial> {
    rules
        .decide(identity.map(Arc::new))
        .map(|allowed| allowed.reason())
        .map_err(Denial::unexplained)
}

fn identity(auth_level: AuthLevel) -> Identity {
    Identity::for_test(IdentityFacts {
        anonymous: auth_level == AuthLevel::Guest,
        ..IdentityFacts::new("user_1".to_owned(), "rownd".into(), auth_level)
    })
}
