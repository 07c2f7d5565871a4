//! Warnings about rules: what is allowed and probably not meant.
//!
//! In: the configuration. Out: conditions that no user of any configured issuer can fulfil, and roles
//! and permissions that nobody has.

use super::{
    contradictions::{Contradiction, HeldCondition, contradictions},
    levels,
    rights::{self, AskedRight},
    words,
};
use crate::{
    config::{
        App, Config, Issuer, IssuerDetails, IssuerNames, PathIdentity, Requirement,
        RequirementLeaf, TokenSource, setting_name,
    },
    expression::{IdentityPlace, Place, Settled},
    model::{AuthLevel, CredentialSource, Warning},
};

/// The warnings about the conditions of rules and guards, and about roles.
#[must_use]
pub fn warnings(config: &Config) -> Vec<Warning> {
    let issuers: IssuerNames<'_> =
        config.issuers.iter().map(|issuer| issuer.name.as_str()).collect();
    let rules = rules(config);
    let every = RequirementLeaf::Issuer(issuers.iter().copied().collect());
    let asked = rules
        .iter()
        .flat_map(|rule| rule.conditions().flat_map(|(place, leaf)| asked_rights(&place, leaf)));
    let mut found = rights::warnings(config);
    found.extend(rights::warnings_of_asked(config, asked));
    for rule in &rules {
        let reach = rule.require.reach(&issuers);
        for ((leaf, reaching), place) in reach.iter().zip(rule.require.places()) {
            let place = format!("{}{place}", rule.at);
            found.extend(hopeless(config, &place, leaf, reaching));
            found.extend(unknown_apps(config, &place, leaf, reaching));
            found.extend(star(&place, leaf));
            found.extend(settled(&place, leaf));
            found.extend(words::unknown(config, &place, leaf));
            found.extend(address(config, &place, leaf, reaching));
        }
        let every = (!issuers.is_empty()).then_some(&every);
        found.extend(rule.contradictions(every));
    }
    found.extend(levels::warnings(config));
    found
}

/// The warning about an e-mail address among user ids, where the issuers that can reach it have ids of
/// their own making.
fn address(
    config: &Config,
    place: &str,
    leaf: &RequirementLeaf,
    reaching: &IssuerNames<'_>,
) -> Option<Warning> {
    let RequirementLeaf::User(ids) = leaf else { return None };
    let makes_ids = |issuer: &Issuer| match issuer.details {
        IssuerDetails::Rownd(_) | IssuerDetails::Supertokens(_) | IssuerDetails::Firebase(_) => {
            issuer.claims.user_id.is_none()
        }
        IssuerDetails::Oidc(_) | IssuerDetails::Static(_) => false,
    };
    let mut issuers = config.issuers.iter().filter(|i| reaching.contains(i.name.as_str()));
    if reaching.is_empty() || !issuers.all(makes_ids) {
        return None;
    }
    let id =
        ids.iter().find(|id| id.split_once('@').is_some_and(|(_, host)| host.contains('.')))?;
    let text = format!(
        "`{id}` is compared with user ids, never with e-mail addresses; write the user's \
         id"
    );
    Some(Warning::of("user_id_is_address", place, text))
}

/// A rule with a requirement, and its JSON pointer.
struct RuleConditions<'a> {
    at: String,
    require: &'a Requirement,
    /// The auth level that the rule asks for beside, and its JSON pointer.
    level: Option<(RequirementLeaf, String)>,
}

impl RuleConditions<'_> {
    /// Every condition, with its JSON pointer.
    fn conditions(&self) -> impl Iterator<Item = (String, &RequirementLeaf)> {
        let places = self.require.places().iter().map(|place| format!("{}{place}", self.at));
        places.zip(self.require.leaves())
    }

    /// The warnings about conditions that exclude each other, or every issuer. `issuers` is the condition
    /// that each token meets: it is one of a configured issuer.
    fn contradictions(&self, issuers: Option<&RequirementLeaf>) -> Vec<Warning> {
        let places: Vec<String> = self.conditions().map(|(place, _)| place).collect();
        let issuers = issuers.map(|leaf| HeldCondition { leaf, place: "/issuers", holds: true });
        let level = self.level.as_ref();
        let level = level.map(|(leaf, place)| HeldCondition { leaf, place, holds: true });
        let beside: Vec<HeldCondition<'_>> = issuers.into_iter().chain(level).collect();
        let found = contradictions(self.require.root(), &places, &beside);
        let warning = |Contradiction { first, second, cause }: Contradiction| {
            let text = if first == second {
                format!("can never be met: {cause}; leave one of the tests out")
            } else {
                format!(
                    "can never be met together with `{}`: {cause}; leave one of them out",
                    setting_name(&first)
                )
            };
            Warning::of("condition_never_met", second, text)
        };
        found.into_iter().map(warning).collect()
    }
}

/// Every rule with a requirement.
fn rules(config: &Config) -> Vec<RuleConditions<'_>> {
    let level = |level: Option<AuthLevel>, at: &str| {
        level.map(|level| (RequirementLeaf::AuthLevel(level), format!("{at}/auth_level")))
    };
    let guards = config.guards.iter().enumerate().map(|(index, guard)| RuleConditions {
        at: format!("/guards/{index}/require"),
        require: &guard.require,
        level: None,
    });
    let routes = config.routes.iter().enumerate().filter_map(|(index, route)| {
        Some(RuleConditions {
            at: format!("/routes/{index}/require"),
            require: route.require.as_ref()?,
            level: level(route.auth_level, &format!("/routes/{index}")),
        })
    });
    let default = config.default.require.as_ref().map(|require| RuleConditions {
        at: "/default/require".to_owned(),
        require,
        level: level(config.default.auth_level, "/default"),
    });
    guards.chain(routes).chain(default).collect()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a warning decides nothing")]
fn asked_rights<'a>(place: &str, leaf: &'a RequirementLeaf) -> Vec<(String, AskedRight<'a>)> {
    let (names, asked): (_, fn(&'a str) -> AskedRight<'a>) = match leaf {
        RequirementLeaf::Role(names) => (names, AskedRight::Role),
        RequirementLeaf::Permission(names) => (names, AskedRight::Permission),
        RequirementLeaf::Cel(expression) => {
            let asked = expression.asked_members().into_iter();
            return asked
                .filter_map(|(list, text)| Some((place.to_owned(), asked_member(list, text)?)))
                .collect();
        }
        _ => return Vec::new(),
    };
    names.iter().map(|name| (place.to_owned(), asked(name))).collect()
}

/// The right that an expression asks for by looking for a text in a list.
fn asked_member<'a>(list: &Place, text: &'a str) -> Option<AskedRight<'a>> {
    if *list == Place::Identity(IdentityPlace::Roles) {
        Some(AskedRight::Role(text))
    } else if *list == Place::Identity(IdentityPlace::Permissions) {
        Some(AskedRight::Permission(text))
    } else {
        None
    }
}

/// The warning about an expression whose answer no request can change.
fn settled(place: &str, leaf: &RequirementLeaf) -> Option<Warning> {
    let RequirementLeaf::Cel(expression) = leaf else { return None };
    Some(match expression.settled()? {
        Settled::True => Warning::of(
            "condition_always_met",
            place,
            "is always true, whatever the request is; leave it out, or correct it",
        ),
        Settled::False => Warning::of(
            "condition_never_met",
            place,
            "is never true, whatever the request is; write `require: never` if that is meant",
        ),
        Settled::Fails => Warning::of(
            "condition_never_met",
            place,
            "always fails, whatever the request is, and so denies every request; correct it",
        ),
    })
}

/// The ids that the tokens of an issuer can have; `None` if nobody can tell.
type KnownIds = fn(&Issuer) -> Option<Vec<&str>>;

/// The warnings about apps and app variants that no configured issuer can name.
#[expect(clippy::wildcard_enum_match_arm, reason = "a warning decides nothing")]
fn unknown_apps(
    config: &Config,
    place: &str,
    leaf: &RequirementLeaf,
    reaching: &IssuerNames<'_>,
) -> Vec<Warning> {
    let (ids, what, known): (_, _, KnownIds) = match leaf {
        RequirementLeaf::App(ids) => (ids, "app", known_apps),
        RequirementLeaf::AppVariant(ids) => (ids, "app variant", known_variants),
        _ => return Vec::new(),
    };
    let issuers = config.issuers.iter().filter(|i| reaching.contains(i.name.as_str()));
    let Some(known) = issuers.map(known).collect::<Option<Vec<_>>>() else { return Vec::new() };
    let known: Vec<&str> = known.concat();
    if reaching.is_empty() {
        return Vec::new();
    }
    let choice = match known.as_slice() {
        [] => "no issuer that can reach it has any".to_owned(),
        known => format!("the issuers that can reach it have: {}", known.join(", ")),
    };
    let unknown = ids.iter().filter(|id| !known.contains(id));
    let warning = |id: &str| {
        let text = format!("no token can have the {what} `{id}`: {choice}");
        Warning::of("condition_never_met", place, text)
    };
    unknown.map(warning).collect()
}

/// The ids of the apps that the tokens of an issuer can name; `None` if nobody can tell.
fn known_apps(issuer: &Issuer) -> Option<Vec<&str>> {
    match &issuer.details {
        IssuerDetails::Rownd(rownd) => rownd.apps.iter().map(App::id).collect(),
        IssuerDetails::Supertokens(tokens) => {
            tokens.app.as_ref().map(|app| app.id().into_iter().collect())
        }
        IssuerDetails::Oidc(_) | IssuerDetails::Firebase(_) | IssuerDetails::Static(_) => {
            issuer.claims.app_id.is_none().then(Vec::new)
        }
    }
}

/// The app variants that the tokens of an issuer can name; `None` if nobody can tell.
fn known_variants(issuer: &Issuer) -> Option<Vec<&str>> {
    let listed = |app: &'_ App| (!app.variants.is_empty()).then_some(());
    match &issuer.details {
        IssuerDetails::Rownd(_) | IssuerDetails::Supertokens(_) => {
            let apps = issuer.apps();
            if apps.is_empty() {
                return None;
            }
            apps.iter().map(listed).collect::<Option<Vec<()>>>()?;
            Some(apps.iter().flat_map(|app| app.variants.iter().map(String::as_str)).collect())
        }
        IssuerDetails::Oidc(_) | IssuerDetails::Firebase(_) | IssuerDetails::Static(_) => {
            issuer.claims.app_variant.is_none().then(Vec::new)
        }
    }
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
    Some(Warning::of(
        "star_is_literal",
        place,
        format!(
            "`{text}` is taken literally: a `*` stands for itself; write each value, or \
             `claim: {{ matches: ... }}`"
        ),
    ))
}

fn has_tenants(issuer: &Issuer) -> bool {
    issuer.claims.tenant.is_some()
        || matches!(issuer.details, IssuerDetails::Supertokens(_))
        || !issuer.tenants.is_empty()
}

/// No token of the issuer says any.
fn has_no_scopes(issuer: &Issuer) -> bool {
    let is_silent = matches!(issuer.details, IssuerDetails::Rownd(_) | IssuerDetails::Firebase(_));
    issuer.claims.scopes.is_none() && is_silent
}

const fn has_no_auth_time(issuer: &Issuer) -> bool {
    matches!(issuer.details, IssuerDetails::Rownd(_) | IssuerDetails::Supertokens(_))
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
        RequirementLeaf::AuthLevel(level)
            if issuers.all(|issuer| levels::highest(issuer) < *level) =>
        {
            levels::TOO_LOW.to_owned()
        }
        RequirementLeaf::Anonymous(true)
            if issuers.all(|issuer| !levels::may_be_guest(issuer)) =>
        {
            "no issuer that can reach it has guests".to_owned()
        }
        RequirementLeaf::Tenant(_)
        | RequirementLeaf::PathIsIdentity { field: PathIdentity::Tenant, .. }
            if !issuers.any(has_tenants) =>
        {
            "no issuer that can reach it has tenants".to_owned()
        }
        RequirementLeaf::Scope(_) if issuers.all(has_no_scopes) => {
            "no issuer that can reach it has `claims.scopes`".to_owned()
        }
        RequirementLeaf::MaxAge(_) if issuers.all(has_no_auth_time) => {
            "tokens of Rownd and SuperTokens have no `auth_time`, so that no sign-in is recent enough"
                .to_owned()
        }
        RequirementLeaf::Claim(claim, tests) => {
            let issuers: Vec<&Issuer> = issuers.collect();
            words::never_a_claim(&issuers, claim.as_str(), tests)?
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
    Some(Warning::of("condition_never_met", place, format!("no user can fulfil it: {text}")))
}
