//! Warnings about rules: what is allowed and probably not meant.
//!
//! In: the configuration. Out: conditions that no user of any configured issuer can fulfil, and roles
//! and permissions that nobody has.

use super::{
    alternatives::always_met,
    contradictions::{Contradiction, HeldCondition, contradictions, form},
    hopeless, levels,
    rights::{self, AskedRight, RightsBook},
    words,
};
use crate::{
    config::{
        App, Config, GuardedCallers, Issuer, IssuerDetails, IssuerNames, Requirement,
        RequirementLeaf, RequirementNode, setting_name,
    },
    expression::{IdentityPlace, Place, Settled},
    model::{AuthLevel, Warning},
};

/// The warnings about the conditions of rules and guards, and about roles.
#[must_use]
pub fn warnings(config: &Config) -> Vec<Warning> {
    let issuers: IssuerNames<'_> =
        config.issuers.iter().map(|issuer| issuer.name.as_str()).collect();
    let rules = rules(config);
    let every = RequirementLeaf::Issuer(issuers.iter().copied().collect());
    let book = RightsBook::build(config);
    let mut found = rights::warnings(config);
    for rule in &rules {
        let reach = rule.require.reach(&issuers);
        for ((leaf, reaching), place) in reach.iter().zip(rule.require.places()) {
            let place = format!("{}{place}", rule.at);
            found.extend(hopeless::warning(config, &place, leaf, reaching));
            found.extend(rights_asked(&book, &place, leaf, reaching));
            found.extend(unknown_apps(config, &place, leaf, reaching));
            found.extend(star(&place, leaf));
            found.extend(settled(&place, leaf));
            found.extend(words::unknown(config, &place, leaf));
            found.extend(address(config, &place, leaf, reaching));
        }
        let every = (!issuers.is_empty()).then_some(&every);
        found.extend(rule.contradictions(every));
        found.extend(rule.alternatives());
    }
    found.extend(levels::warnings(config));
    found.extend(idle_guards(config, &issuers));
    found
}

/// The warnings about guards whose conditions every identity meets.
#[expect(clippy::wildcard_enum_match_arm, reason = "a warning decides nothing")]
fn idle_guards(config: &Config, issuers: &IssuerNames<'_>) -> Vec<Warning> {
    let is_met = |node: &RequirementNode| {
        let RequirementNode::Leaf(leaf) = node else { return false };
        match leaf {
            RequirementLeaf::Issuer(names) => issuers.iter().all(|known| names.contains(known)),
            RequirementLeaf::AuthLevel(level) => *level == AuthLevel::Instant,
            RequirementLeaf::Anonymous(wanted) => {
                !wanted && !config.issuers.iter().any(levels::may_be_guest)
            }
            _ => false,
        }
    };
    let guards = config.guards.iter().enumerate();
    let idle = guards.filter(|(_, guard)| {
        // With `applies_to: all` it denies those without an identity.
        let nodes = match guard.require.root() {
            RequirementNode::All(nodes) => nodes.as_slice(),
            root => std::slice::from_ref(root),
        };
        guard.callers == GuardedCallers::Identified
            && !issuers.is_empty()
            && nodes.iter().all(is_met)
    });
    let warning = |(index, _)| {
        let text =
            "denies nobody: every user of the configured issuers meets it; leave the guard out";
        Warning::of("condition_always_met", format!("/guards/{index}/require"), text)
    };
    idle.map(warning).collect()
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

impl RuleConditions<'_> {
    /// The warnings about `any` that everybody passes.
    fn alternatives(&self) -> Vec<Warning> {
        let places: Vec<String> = self.conditions().map(|(place, _)| place).collect();
        let mut found = Vec::new();
        always_met(&form(self.require.root(), &mut places.iter()), &mut found);
        let warning = |(first, second): (&str, &str)| {
            let text = if first == second {
                "is always met, and so is the `any` around it; leave that out".to_owned()
            } else {
                format!(
                    "every value meets it or `{}`, so that the `any` around them asks for nothing; \
                     write both conditions under `all`, or in one `not`",
                    setting_name(first)
                )
            };
            Warning::of("condition_always_met", second.to_owned(), text)
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

/// The warnings about roles and permissions that a condition asks for.
#[expect(clippy::wildcard_enum_match_arm, reason = "a warning decides nothing")]
fn rights_asked(
    book: &RightsBook,
    place: &str,
    leaf: &RequirementLeaf,
    reaching: &IssuerNames<'_>,
) -> Vec<Warning> {
    let asked: Vec<AskedRight<'_>> = match leaf {
        RequirementLeaf::Role(names) => names.iter().map(AskedRight::Role).collect(),
        RequirementLeaf::Permission(names) => names.iter().map(AskedRight::Permission).collect(),
        RequirementLeaf::Cel(expression) => {
            let asked = expression.asked_members().into_iter();
            asked.filter_map(|(list, text)| asked_member(list, text)).collect()
        }
        _ => return Vec::new(),
    };
    let asked = asked.into_iter();
    asked.filter_map(|asked| rights::warning_of_asked(book, place, asked, reaching)).collect()
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
