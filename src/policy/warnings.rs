//! Warnings about rules: what is allowed and probably not meant.
//!
//! In: the configuration. Out: conditions that no user of any configured issuer can fulfil, and roles
//! and permissions that nobody has.

use super::rights::{self, AskedRight};
use crate::{
    config::{Config, IssuerDetails, IssuerNames, Requirement, RequirementLeaf, TokenSource},
    model::{CredentialSource, Warning},
};

/// The warnings about the conditions of rules and guards, and about roles.
#[must_use]
pub fn warnings(config: &Config) -> Vec<Warning> {
    let issuers: IssuerNames<'_> =
        config.issuers.iter().map(|issuer| issuer.name.as_str()).collect();
    let requirements = requirements(config);
    let asked = requirements.iter().flat_map(|(place, requirement)| {
        requirement.leaves().flat_map(move |leaf| asked_rights(place, leaf))
    });
    let mut found = rights::warnings(config);
    found.extend(rights::warnings_of_asked(config, asked));
    for (place, requirement) in &requirements {
        let reach = requirement.reach(&issuers);
        found.extend(
            reach.iter().filter_map(|(leaf, reaching)| hopeless(config, place, leaf, reaching)),
        );
        found.extend(requirement.leaves().filter_map(|leaf| star(place, leaf)));
    }
    found
}

/// Every requirement, with its place.
fn requirements(config: &Config) -> Vec<(String, &Requirement)> {
    let guards = config.guards.iter().enumerate();
    let guards = guards.map(|(at, guard)| (format!("guards[{at}].require"), &guard.require));
    let routes =
        config.routes.iter().enumerate().filter_map(|(at, route)| {
            Some((format!("routes[{at}].require"), route.require.as_ref()?))
        });
    let default = config.default.require.as_ref().map(|all| ("default.require".to_owned(), all));
    guards.chain(routes).chain(default).collect()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a warning decides nothing")]
fn asked_rights<'a>(place: &str, leaf: &'a RequirementLeaf) -> Vec<(String, AskedRight<'a>)> {
    let (names, asked): (_, fn(&'a str) -> AskedRight<'a>) = match leaf {
        RequirementLeaf::Role(names) => (names, AskedRight::Role),
        RequirementLeaf::Permission(names) => (names, AskedRight::Permission),
        _ => return Vec::new(),
    };
    names.iter().map(|name| (format!("{place}.{}", leaf.setting()), asked(name))).collect()
}

/// Where a source finds its credential.
const fn place_of(source: &TokenSource) -> CredentialSource {
    match source {
        TokenSource::Header(_) => CredentialSource::Header,
        TokenSource::Cookie { .. } => CredentialSource::Cookie,
        TokenSource::Query(_) => CredentialSource::Query,
        TokenSource::WebsocketProtocol(_) => CredentialSource::WebsocketProtocol,
    }
}

/// The warning about a text with a `*`, which stands for itself: under `not` it would let pass whom
/// it is meant to deny.
fn star(place: &str, leaf: &RequirementLeaf) -> Option<Warning> {
    let (RequirementLeaf::User(texts)
    | RequirementLeaf::Group(texts)
    | RequirementLeaf::Scope(texts)
    | RequirementLeaf::App(texts)
    | RequirementLeaf::AppVariant(texts)
    | RequirementLeaf::Tenant(texts)) = leaf
    else {
        return None;
    };
    let text = texts.iter().find(|text| text.contains('*'))?;
    Some(Warning {
        code: "star_is_literal",
        text: format!(
            "{place}.{}: `{text}` is taken literally: a `*` stands for itself; write each value, or \
             `claim: {{ matches: ... }}`",
            leaf.setting()
        )
        .into(),
    })
}

/// The warning about a condition that no user of these issuers can fulfil.
#[expect(clippy::wildcard_enum_match_arm, reason = "a warning decides nothing")]
fn hopeless(
    config: &Config,
    place: &str,
    leaf: &RequirementLeaf,
    reaching: &IssuerNames<'_>,
) -> Option<Warning> {
    let mut issuers = config.issuers.iter().filter(|i| reaching.contains(i.name.as_str()));
    let text = match leaf {
        _ if reaching.is_empty() => "the conditions `issuer` around it leave no issuer".to_owned(),
        RequirementLeaf::GroupRole { .. } | RequirementLeaf::Attribute(..)
            if !issuers.any(|issuer| matches!(issuer.details, IssuerDetails::Rownd(_))) =>
        {
            "only issuers of kind `rownd` have profiles".to_owned()
        }
        RequirementLeaf::Group(_)
            if !issuers.any(|issuer| {
                matches!(issuer.details, IssuerDetails::Rownd(_)) || issuer.claims.groups.is_some()
            }) =>
        {
            "no issuer that can reach it has `claims.groups` or profiles".to_owned()
        }
        RequirementLeaf::Tenant(_)
            if !issuers.any(|issuer| {
                issuer.claims.tenant.is_some()
                    || matches!(issuer.details, IssuerDetails::Supertokens(_))
                    || !issuer.tenants.is_empty()
            }) =>
        {
            "no issuer that can reach it has tenants".to_owned()
        }
        RequirementLeaf::Scope(_)
            if issuers.all(|issuer| {
                issuer.claims.scopes.is_none()
                    && matches!(
                        issuer.details,
                        IssuerDetails::Rownd(_) | IssuerDetails::Firebase(_)
                    )
            }) =>
        {
            "no issuer that can reach it has `claims.scopes`".to_owned()
        }
        RequirementLeaf::MaxAge(_)
            if issuers.all(|issuer| {
                matches!(
                    issuer.details,
                    IssuerDetails::Rownd(_) | IssuerDetails::Supertokens(_)
                )
            }) =>
        {
            "tokens of Rownd and SuperTokens have no `auth_time`, so that no sign-in is recent enough"
                .to_owned()
        }
        RequirementLeaf::Source(sources)
            if !sources.iter().any(|source| config.credentials.0.iter().any(|known| {
                place_of(known) == *source
            })) =>
        {
            "no credential is looked for there".to_owned()
        }
        _ => return None,
    };
    let setting = leaf.setting();
    Some(Warning {
        code: "condition_never_met",
        text: format!("{place}: no user can fulfil `{setting}`: {text}").into(),
    })
}
