//! Which rule holds for a request and what it answers: tables of hosts, paths and rules, and
//! the properties that no table can exhaust.

mod hosts;
mod odd_paths;
mod paths;
mod properties;
mod rules;

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;

use super::{Limits, Measured, Policy, Requirement};
use crate::{
    config,
    model::{AllowReason, AuthLevel, Denial, DenyReason, Headers, IdentityFacts, RequestContext},
    verify::Identity,
};

/// The policy of these routes, written as in the configuration file.
fn policy(yaml: &str) -> Policy {
    let environment = BTreeMap::from([("ROWND_APP_ID".to_owned(), "app_test".to_owned())]);
    let config = config::parse("test.yaml", yaml, &environment).unwrap_or_else(|e| panic!("{e}"));
    Policy::build(&config).unwrap()
}

fn request(method: &str, host: &str, path: &[u8]) -> RequestContext {
    RequestContext {
        method: Bytes::copy_from_slice(method.as_bytes()),
        host: Bytes::copy_from_slice(host.as_bytes()),
        path: Bytes::copy_from_slice(path),
        headers: Headers::default(),
        scheme: Bytes::new(),
        proxy_request_id: Bytes::new(),
        named_route: None,
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
    Limits::of(&check).measure(request).unwrap()
}

/// The id of the rule that holds.
fn rule(policy: &Policy, method: &str, host: &str, path: &str) -> Result<String, DenyReason> {
    let requirement = policy.require(measured(&request(method, host, path.as_bytes())))?;
    Ok(requirement.rule.to_string())
}

fn require(policy: &Policy, path: &[u8]) -> Result<Requirement, DenyReason> {
    policy.require(measured(&request("GET", "a.com", path)))
}

/// The rule's yes to this identity, with its reason, or its denial.
fn reason(rule: &Requirement, identity: Option<Identity>) -> Result<AllowReason, Denial> {
    rule.decide(identity.map(Arc::new)).map(|allowed| allowed.reason())
}

fn identity(auth_level: AuthLevel) -> Identity {
    Identity::for_test(IdentityFacts {
        anonymous: auth_level == AuthLevel::Guest,
        ..IdentityFacts::new("user_1".to_owned(), "rownd".into(), auth_level)
    })
}
