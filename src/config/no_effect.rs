//! Settings that mean nothing beside the others: somebody expects an effect that they do not have.
//!
//! In: the configuration, and which settings were written. Out: a problem for a setting that can have
//! no effect where it stands, and a warning for one that has none as the rest is now.

use super::{
    document::YamlDocument,
    findings::Findings,
    listen_address::ListenAddress,
    sections::{
        AppKnownBy, AppliesTo, Auth, Caller, Config, ExpiredCookie, HttpGroup, Issuer,
        IssuerDetails, KeyOrigin, Match, Requirement, RequirementLeaf, RequirementNode, Right,
        TokenSource,
    },
};
use crate::model::Warning;

/// A rule, or the default, as far as it can have settings without effect.
struct RuleSettings<'a> {
    at: String,
    auth: Auth,
    expired_cookie: ExpiredCookie,
    cors_preflight: bool,
    require: Option<&'a Requirement>,
    applies_to: Option<&'a AppliesTo>,
}

/// Adds the problems, and returns the warnings.
pub(super) fn check(config: &Config, written: &YamlDocument, found: &mut Findings) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for rule in rules(config) {
        check_rule(&rule, found);
        warnings.extend(of_rule(&rule, config));
    }
    warnings.extend(of_issuers(config, written));
    warnings.extend(of_listeners(config, written));
    warnings.extend(of_sections(config, written));
    warnings
}

fn rules(config: &Config) -> Vec<RuleSettings<'_>> {
    let routes = config.routes.iter().enumerate().map(|(index, route)| RuleSettings {
        at: format!("/routes/{index}"),
        auth: route.auth,
        expired_cookie: route.expired_cookie,
        cors_preflight: route.cors_preflight,
        require: route.require.as_ref(),
        applies_to: Some(&route.applies_to),
    });
    let default = &config.default;
    let default = RuleSettings {
        at: "/default".to_owned(),
        auth: default.auth,
        expired_cookie: default.expired_cookie,
        cors_preflight: default.cors_preflight,
        require: default.require.as_ref(),
        applies_to: None,
    };
    routes.chain([default]).collect()
}

/// Adds the problem of an `expired_cookie` that can have no effect with this `auth`.
fn check_rule(rule: &RuleSettings<'_>, found: &mut Findings) {
    let RuleSettings { at, auth, expired_cookie, .. } = rule;
    if *expired_cookie == ExpiredCookie::Deny || found.has_within(&format!("{at}/auth")) {
        return;
    }
    let message = match auth {
        Auth::Required => {
            "`anonymous` has no effect with auth: required, which denies callers without a \
             credential too; leave it out, or write auth: optional"
        }
        Auth::None => {
            "`anonymous` has no effect with auth: none, which reads no credential; leave it out, or \
             write auth: optional"
        }
        Auth::Optional => return,
    };
    found.add(format!("{at}/expired_cookie"), message);
}

/// The warnings about settings of a rule that mean nothing beside the others.
fn of_rule(rule: &RuleSettings<'_>, config: &Config) -> Vec<Warning> {
    let RuleSettings { at, auth, expired_cookie, cors_preflight, require, applies_to } = rule;
    let mut warnings = Vec::new();
    if *auth == Auth::Optional && require.is_some_and(|require| asks_for_caller(require.root())) {
        warnings.push(warning(
            format!("{at}/auth"),
            "has no effect: `require` holds for no caller without a credential; write auth: required, \
             or a condition in `any` that holds without one",
        ));
    }
    let reads_cookies = config.credentials.0.iter().any(is_cookie);
    if *expired_cookie == ExpiredCookie::Anonymous && *auth == Auth::Optional && !reads_cookies {
        warnings.push(warning(
            format!("{at}/expired_cookie"),
            "has no effect: no cookie stands under `credentials`; leave it out, or add \
             { cookie: NAME } there",
        ));
    }
    if *cors_preflight {
        let without_options = |parts: &Match| {
            !parts.methods.is_empty() && !parts.methods.iter().any(|it| it == "OPTIONS")
        };
        let text = match applies_to {
            _ if *auth == Auth::None && require.is_none() => {
                "has no effect with auth: none, which lets every request pass; leave it out"
            }
            Some(AppliesTo::Matching(parts)) if without_options(parts) => {
                "has no effect: a preflight is an OPTIONS request, and `methods` has no OPTIONS; add \
                 it, or leave this out"
            }
            Some(AppliesTo::Matching(_) | AppliesTo::AllRequests | AppliesTo::NamedRequests)
            | None => return warnings,
        };
        warnings.push(warning(format!("{at}/cors_preflight"), text));
    }
    warnings
}

/// A requirement, which is not `never`, holds for no caller without an identity.
fn asks_for_caller(root: &RequirementNode) -> bool {
    !matches!(root, RequirementNode::Never) && !of_nobody(root).0
}

/// Whether a condition may hold, and whether it may not hold, of a caller without an identity: of such a
/// one, a condition about the caller is unknown.
fn of_nobody(node: &RequirementNode) -> (bool, bool) {
    let all = |nodes: &[RequirementNode]| {
        let each = || nodes.iter().map(of_nobody);
        (each().all(|(may, _)| may), each().any(|(_, may_not)| may_not))
    };
    let any = |nodes: &[RequirementNode]| {
        let each = || nodes.iter().map(of_nobody);
        (each().any(|(may, _)| may), each().all(|(_, may_not)| may_not))
    };
    match node {
        RequirementNode::Never => (false, true),
        // One side of an expression may decide.
        RequirementNode::Leaf(RequirementLeaf::Cel(_)) => (true, true),
        RequirementNode::Leaf(_) => (false, false),
        RequirementNode::All(nodes) => all(nodes),
        RequirementNode::Any(nodes) => any(nodes),
        RequirementNode::NoneOf(nodes) => {
            let (may, may_not) = any(nodes);
            (may_not, may)
        }
    }
}

const fn is_cookie(source: &TokenSource) -> bool {
    matches!(source, TokenSource::Cookie { .. })
}

fn warning(at: impl Into<String>, text: &'static str) -> Warning {
    Warning::of("setting_without_effect", at, text)
}

fn of_issuers(config: &Config, written: &YamlDocument) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let manages = |caller: &Caller| caller.allow.contains(&Right::ManageApp);
    let managed = config.rownd_auth.callers.iter().any(manages);
    for issuer in &config.issuers {
        let at = issuer.pointer();
        for (index, app) in issuer.apps().iter().enumerate() {
            let at = format!("{at}/apps/{index}");
            warnings.extend(of_app_id(issuer, app.id(), &format!("{at}/id")));
            let has_key = match &app.known_by {
                AppKnownBy::Id { key, .. } => key.is_some(),
                AppKnownBy::Key(_) => true,
            };
            if app.secret.is_some() && !has_key {
                warnings.push(warning(
                    format!("{at}/secret"),
                    "has no effect without `key`: the two open profiles together; write `key:` too, \
                     or leave it out",
                ));
            }
        }
        let unused = issuer.apps().iter().enumerate();
        let unused = unused.filter(|(_, app)| app.operator_token.is_some() && !managed);
        warnings.extend(unused.map(|(index, _)| {
            let text = "has no effect: no caller has the right manage_app; leave it out, or allow \
                        one to (rownd_auth.callers[].allow)";
            warning(format!("{at}/apps/{index}/operator_token"), text)
        }));
        if let KeyOrigin::InPlace(_) = issuer.key_origin {
            let names = ["refresh_interval", "cooldown", "max_stale", "fetch_timeout"];
            let pointers = names.iter().map(|name| format!("{at}/keys/{name}"));
            warnings.extend(pointers.filter(|pointer| written.is_written(pointer)).map(
                |pointer| {
                    warning(
                        pointer,
                        "has no effect: no key of this issuer is fetched; leave it out",
                    )
                },
            ));
        }
    }
    warnings
}

/// The warning about an app id of a form that Rownd gives to none.
fn of_app_id(issuer: &Issuer, id: Option<&str>, at: &str) -> Option<Warning> {
    let id = id?;
    let is_old = id.len() == 18 && id.bytes().all(|byte| byte.is_ascii_digit());
    if is_old || id.strip_prefix("app_").is_some_and(|rest| !rest.is_empty()) {
        return None;
    }
    let text = match issuer.details {
        IssuerDetails::Supertokens(_) if id.starts_with("key_") => return None,
        IssuerDetails::Rownd(_)
        | IssuerDetails::Supertokens(_)
        | IssuerDetails::Oidc(_)
        | IssuerDetails::Firebase(_)
        | IssuerDetails::Static(_) => {
            "does not look like an app id of Rownd, which is app_... or 18 digits: no token can be \
             for another; copy the id from the app's settings"
        }
    };
    Some(Warning::of("app_id_unusual", at, text))
}

fn of_listeners(config: &Config, written: &YamlDocument) -> Vec<Warning> {
    let grpc = &config.listeners.grpc.address;
    let http = config.listeners.over_http().map(|http| (http.name.as_str(), http.address));
    let mut warnings: Vec<Warning> = [("grpc", grpc)]
        .into_iter()
        .chain(http)
        .filter(|(_, address)| matches!(address, ListenAddress::Tcp(_)))
        .map(|(name, _)| format!("/listeners/{name}/socket_mode"))
        .filter(|pointer| written.is_written(pointer))
        .map(|pointer| {
            warning(
                pointer,
                "has no effect: the address is no Unix socket; leave it out, or write address: \
                 unix:/path",
            )
        })
        .collect();
    let rpc_is_plain =
        config.listeners.serving(HttpGroup::Rpc).is_some_and(|(http, _)| http.is_plain());
    let grpc_is_plain = !grpc.is_local() && config.listeners.grpc.tls.is_none();
    let service = &config.rownd_auth;
    if service.allow_plaintext_secrets {
        let text = if service.callers.iter().all(|caller| caller.secret.is_none()) {
            Some("has no effect: no caller has a secret; leave it out")
        } else if !grpc_is_plain && !rpc_is_plain {
            Some("has no effect: no secret crosses a network in plain text; leave it out")
        } else {
            None
        };
        warnings.extend(text.map(|text| warning("/rownd_auth/allow_plaintext_secrets", text)));
    }
    warnings
}

fn of_sections(config: &Config, written: &YamlDocument) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if !config.trusted_origins.is_empty() && !config.credentials.0.iter().any(is_cookie) {
        warnings.push(warning(
            "/trusted_origins",
            "has no effect: no cookie stands under `credentials`, and other credentials need no \
             origin; leave it out, or add { cookie: NAME } there",
        ));
    }
    let is_fetched = |issuer: &Issuer| matches!(issuer.key_origin, KeyOrigin::Fetched { .. });
    if config.key_snapshots.is_some() && !config.issuers.iter().any(is_fetched) {
        warnings.push(warning(
            "/key_snapshots",
            "has no effect: no keys of any issuer are fetched; leave it out",
        ));
    }
    if written.is_written("/revocation") && !may_revoke(config) {
        warnings.push(warning(
            "/revocation",
            "has no effect: nothing revokes; write listeners.control or events.sources, or allow a \
             caller to delete or sign out users (rownd_auth.callers[].allow), or leave the section out",
        ));
    }
    let limits = &config.identity_headers;
    if limits.max_value_bytes > limits.max_total_bytes {
        warnings.push(warning(
            "/identity_headers/max_value_bytes",
            "is never reached: all values together have `max_total_bytes`, which is less; raise that, \
             or lower this",
        ));
    }
    if config.passport.is_some() && config.routes.iter().all(|route| route.passport.is_none()) {
        warnings.push(warning(
            "/passport",
            "makes no passports: no route has `passport`; write it in a route, or leave the section \
             out",
        ));
    }
    if config.profiles.cache_bytes == 0 {
        let names = ["ttl", "not_found_ttl", "stale_on_error"];
        let pointers = names.iter().map(|name| format!("/profiles/{name}"));
        warnings.extend(pointers.filter(|pointer| written.is_written(pointer)).map(|pointer| {
            warning(
                pointer,
                "has no effect with cache_bytes: 0, which keeps no profile; leave it out",
            )
        }));
    }
    warnings.extend(unused_methods(config));
    warnings
}

/// Whether anything can put an entry on the list of revocations: a command, an event of another server,
/// a call of a backend, or another replica.
fn may_revoke(config: &Config) -> bool {
    const RIGHTS: [Right; 4] =
        [Right::DeleteUsers, Right::SignOutUsers, Right::WriteUsers, Right::Exchange];
    let by_call = |caller: &Caller| caller.allow.iter().any(|right| RIGHTS.contains(right));
    config.listeners.control.is_some()
        || !config.events.sources.is_empty()
        || config.shared.is_some()
        || config.rownd_auth.callers.iter().any(by_call)
}

/// The warnings about methods that no rule names.
fn unused_methods(config: &Config) -> Vec<Warning> {
    let routes = config.routes.iter().map(|route| &route.applies_to);
    let guards = config.guards.iter().map(|guard| &guard.applies_to);
    let named: Vec<&String> = routes
        .chain(guards)
        .flat_map(|applies_to| match applies_to {
            AppliesTo::Matching(parts) => parts.methods.as_slice(),
            AppliesTo::NamedRequests | AppliesTo::AllRequests => &[],
        })
        .collect();
    let extra = config.check.extra_methods.iter().enumerate();
    let unused = extra.filter(|(_, method)| !named.contains(method));
    let warning = |(index, _)| {
        warning(
            format!("/check/extra_methods/{index}"),
            "has no effect: no route and no guard names this method; leave it out",
        )
    };
    unused.map(warning).collect()
}
