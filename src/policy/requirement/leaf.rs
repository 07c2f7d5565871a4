//! One condition of a requirement.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::Value;

use super::{facts::FactSources, value};
use crate::{
    config::{PathIdentity, RequirementLeaf as Asked, Texts, ValuePlace},
    expression::{Expression, FaultKind, PlaceRoot},
    model::{Group, KeptClaims, Profile, UnreadClaim},
    policy::{
        caller_facts::{CallerFacts, CallerProfile},
        evidence::{Evidence, Needs},
        rights::RightsQuestion,
        truth::Truth,
        unmet::{Cause, Unmet},
        variables::PathVariables,
    },
    verify::Identity,
};

/// The claim with the time at which the user signed in (OpenID Connect Core, section 2).
const AUTH_TIME: &str = "auth_time";
/// The longest time that a clock may be ahead of ours.
const CLOCK_SKEW: u64 = 60;

/// A condition, compiled.
#[derive(Debug)]
pub(super) struct Leaf {
    asked: Asked,
    sources: Arc<FactSources>,
    /// The compiled questions for roles or permissions, of which one has to be answered yes.
    rights: Vec<RightsQuestion>,
    /// The condition in the words of the configuration.
    text: Arc<str>,
    /// The scopes that a challenge names (RFC 6750 section 3).
    scopes: Arc<[Box<str>]>,
}

impl Leaf {
    pub(super) fn build(asked: &Asked, sources: &Arc<FactSources>) -> Self {
        let mut scopes = Arc::default();
        let mut rights = Vec::new();
        let book = sources.rights();
        if let Asked::Scope(names) = asked {
            scopes = names.iter().map(Box::from).collect();
        } else if let Asked::Role(names) = asked {
            rights = names.iter().map(|name| book.role_question(name)).collect();
        } else if let Asked::Permission(names) = asked {
            rights = names.iter().map(|name| book.permission_question(name)).collect();
        }
        let (asked, text) = (asked.clone(), text(asked).into());
        Self { asked, sources: sources.clone(), rights, text, scopes }
    }

    /// The condition in the words of the configuration.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The scopes that a challenge names; none of a condition that is about something else.
    pub(super) fn scopes(&self) -> &[Box<str>] {
        &self.scopes
    }

    /// A condition on a scope names these in its challenge as well.
    pub(super) fn tell_scopes_too(&mut self, more: &BTreeSet<Box<str>>) {
        if !self.scopes.is_empty() {
            let more = more.iter().filter(|scope| !self.scopes.contains(scope));
            self.scopes = self.scopes.iter().chain(more).cloned().collect();
        }
    }

    pub(super) fn add_needs(&self, needs: &mut Needs) {
        match &self.asked {
            Asked::AuthLevel(_)
            | Asked::Anonymous(_)
            | Asked::Issuer(_)
            | Asked::App(_)
            | Asked::AppVariant(_)
            | Asked::Tenant(_)
            | Asked::User(_)
            | Asked::Scope(_)
            | Asked::TokenMaxAge(_)
            | Asked::Source(_) => {}
            Asked::Role(_) | Asked::Permission(_) => {
                needs.profile |= self.rights.iter().any(RightsQuestion::needs_profile);
            }
            Asked::Cel(expression) => {
                needs.profile |= expression.reads(PlaceRoot::Profile);
                needs.profile |=
                    expression.reads_rights() && self.sources.rights().reads_any_profile();
                needs.path_variables |= expression.path_variables().next().is_some();
                needs.claims.extend(expression.claims().map(str::to_owned));
            }
            Asked::Verified(fields) => {
                needs.profile = true;
                needs.claims.extend(fields.iter().map(verified_claim));
            }
            Asked::Group(_) | Asked::GroupRole { .. } | Asked::Attribute(..) => {
                needs.profile = true;
            }
            Asked::Claim(place, _) => {
                needs.claims.insert(place.as_str().to_owned());
            }
            Asked::PathIsIdentity { .. } => needs.path_variables = true,
            Asked::PathIsClaim { claim, .. } => {
                needs.path_variables = true;
                needs.claims.insert(claim.as_str().to_owned());
            }
            Asked::MaxAge(_) => {
                needs.claims.insert(AUTH_TIME.to_owned());
            }
        }
    }

    /// Whether it holds. Nothing is known of a caller without an identity.
    pub(super) fn ask(&self, evidence: &Evidence<'_>) -> Truth {
        if let Asked::Cel(expression) = &self.asked {
            return ask_expression(expression, evidence, &self.sources);
        }
        let Some(who) = evidence.identity else { return Truth::Unknown };
        match &self.asked {
            // Judged above, because it may ask about the request alone.
            Asked::Cel(_) => Truth::Unknown,
            Asked::Role(_) | Asked::Permission(_) => {
                Truth::any(self.rights.iter().map(|question| question.ask(who, evidence.profile)))
            }
            Asked::AuthLevel(least) => Truth::of(who.auth_level >= *least),
            Asked::Anonymous(wanted) => Truth::of(who.anonymous == *wanted),
            Asked::Verified(fields) => self.verified(fields, who, evidence.profile),
            Asked::Issuer(names) => Truth::of(names.contains(&who.issuer)),
            Asked::App(ids) => optional(ids, who.app_id.as_deref()),
            Asked::AppVariant(ids) => optional(ids, who.app_variant.as_deref()),
            Asked::Tenant(names) => optional(names, who.tenant.as_deref()),
            Asked::User(ids) => Truth::of(ids.contains(&who.user_id)),
            Asked::Scope(scopes) => match who.scopes.iter().any(|scope| scopes.contains(scope)) {
                false if !self.sources.scopes_in_token(who) => Truth::Unknown,
                found => Truth::of(found),
            },
            Asked::Group(groups) => self.group(groups, who, evidence.profile),
            Asked::GroupRole { group, role } => self.of_profile(who, evidence.profile, |profile| {
                found_in_groups(
                    profile,
                    active(profile).any(|of| {
                        group.contains(&of.id) && of.roles.iter().any(|known| role.contains(known))
                    }),
                )
            }),
            Asked::Attribute(place, tests) => self.of_profile(who, evidence.profile, |profile| {
                if profile.odd.attributes {
                    return Truth::Unknown;
                }
                let attributes = &profile.attributes;
                let found = match place.as_str() {
                    pointer if pointer.starts_with('/') => at_pointer(attributes, pointer),
                    name => attributes.get(name),
                };
                value::ask(tests, found, is_there(found))
            }),
            Asked::Claim(place, tests) => {
                let found = who.claims.get(place.as_str());
                value::ask(tests, found, claim_is_there(&who.claims, place.as_str()))
            }
            Asked::PathIsIdentity { variable, field } => {
                path_is(evidence.variables, variable, identity_text(who, *field))
            }
            Asked::PathIsClaim { variable, claim } => {
                path_is(evidence.variables, variable, claim_text(who, claim))
            }
            Asked::MaxAge(longest) => {
                let signed_in = who.claims.get(AUTH_TIME).and_then(whole_seconds);
                young(signed_in, *longest, evidence.now)
            }
            Asked::TokenMaxAge(longest) => young(who.issued_at, *longest, evidence.now),
            Asked::Source(sources) => evidence
                .source
                .map_or(Truth::Unknown, |source| Truth::of(sources.contains(&source))),
        }
    }

    /// The cause that the client is told if it does not hold.
    pub(super) fn unmet(&self, evidence: &Evidence<'_>) -> Unmet {
        let cause = match &self.asked {
            Asked::AuthLevel(least) => Cause::AuthLevel(*least),
            Asked::Scope(_) => Cause::Scopes(self.scopes.clone()),
            // An absent time is as good as one that is too long ago: the user signs in again.
            Asked::MaxAge(longest) => Cause::MaxAge(*longest),
            Asked::TokenMaxAge(_) => Cause::TokenAge,
            Asked::Cel(_) => match self.ask(evidence) {
                Truth::Unknown => Cause::Expression,
                Truth::False | Truth::True | Truth::NeedsProfile => Cause::Refused,
            },
            Asked::Anonymous(_)
            | Asked::Verified(_)
            | Asked::Issuer(_)
            | Asked::App(_)
            | Asked::AppVariant(_)
            | Asked::Tenant(_)
            | Asked::User(_)
            | Asked::Role(_)
            | Asked::Permission(_)
            | Asked::Group(_)
            | Asked::GroupRole { .. }
            | Asked::Attribute(..)
            | Asked::Claim(..)
            | Asked::PathIsIdentity { .. }
            | Asked::PathIsClaim { .. }
            | Asked::Source(_) => match self.ask(evidence) {
                Truth::Unknown => Cause::Unknown,
                Truth::False | Truth::True | Truth::NeedsProfile => Cause::Refused,
            },
        };
        Unmet::new(cause, self.text.clone())
    }

    /// Asks the profile of a user whose issuer has profiles; of others nothing is known.
    fn of_profile(
        &self,
        who: &Identity,
        profile: Option<&Profile>,
        ask: impl FnOnce(&Profile) -> Truth,
    ) -> Truth {
        match profile {
            Some(profile) => ask(profile),
            None if self.sources.has_profile(who) => Truth::NeedsProfile,
            None => Truth::Unknown,
        }
    }

    fn verified(&self, fields: &Texts, who: &Identity, profile: Option<&Profile>) -> Truth {
        if self.sources.has_profile(who) {
            return self.of_profile(who, profile, |profile| {
                let proved = |field| profile.verified_data.get(field).is_some_and(is_proof);
                match fields.iter().any(proved) {
                    false if profile.odd.verified_data => Truth::Unknown,
                    found => Truth::of(found),
                }
            });
        }
        Truth::any(fields.iter().map(|field| match who.claims.get(&verified_claim(field)) {
            Some(Value::Bool(verified)) => Truth::of(*verified),
            Some(_) | None => Truth::Unknown,
        }))
    }

    fn group(&self, groups: &Texts, who: &Identity, profile: Option<&Profile>) -> Truth {
        if self.sources.groups_in_token(who) {
            return Truth::of(who.groups.iter().any(|group| groups.contains(group)));
        }
        self.of_profile(who, profile, |profile| {
            found_in_groups(profile, active(profile).any(|group| groups.contains(&group.id)))
        })
    }
}

/// The answer of an expression. One that has no value says nothing.
fn ask_expression(
    expression: &Expression,
    evidence: &Evidence<'_>,
    sources: &FactSources,
) -> Truth {
    let Evidence { request, variables, identity, profile, source: _, now: _, work } = *evidence;
    let profile = match profile {
        Some(profile) => CallerProfile::Read(profile),
        None if identity.is_some_and(|who| sources.has_profile(who)) => CallerProfile::Unread,
        None => CallerProfile::None,
    };
    let facts = CallerFacts { request, variables, identity, profile, sources };
    match expression.ask(&facts, work) {
        Ok(truth) => Truth::of(truth),
        Err(fault) if fault.kind() == FaultKind::ProfileUnread => Truth::NeedsProfile,
        Err(_) => Truth::Unknown,
    }
}

/// The groups that the user belongs to: an invitation is no membership.
fn active(profile: &Profile) -> impl Iterator<Item = &Group> {
    profile.groups.iter().filter(|group| group.member_state.as_deref() == Some("active"))
}

/// `false` and an empty text are no proof, as `null` is none.
fn is_proof(value: &serde_json::Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::Array(_) | Value::Object(_) => true,
    }
}

/// Groups that could not be read may hold what was not found in the others.
const fn found_in_groups(profile: &Profile, found: bool) -> Truth {
    if !found && profile.odd.groups { Truth::Unknown } else { Truth::of(found) }
}

fn optional(wanted: &Texts, value: Option<&str>) -> Truth {
    value.map_or(Truth::Unknown, |value| Truth::of(wanted.contains(value)))
}

fn verified_claim(field: &str) -> String {
    format!("{field}_verified")
}

fn at_pointer<'a>(
    map: &'a serde_json::Map<String, serde_json::Value>,
    pointer: &str,
) -> Option<&'a serde_json::Value> {
    let mut steps =
        pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~"));
    let first = map.get(&steps.next()?)?;
    steps.try_fold(first, |value, step| match value {
        Value::Object(map) => map.get(&step),
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    })
}

fn identity_text(who: &Identity, field: PathIdentity) -> Option<&str> {
    match field {
        PathIdentity::UserId => Some(&who.user_id),
        PathIdentity::App => who.app_id.as_deref(),
        PathIdentity::AppVariant => who.app_variant.as_deref(),
        PathIdentity::Tenant => who.tenant.as_deref(),
        PathIdentity::SessionId => who.session_id.as_deref(),
    }
}

fn claim_text<'a>(who: &'a Identity, claim: &ValuePlace) -> Option<&'a str> {
    who.claims.get(claim.as_str()).and_then(Value::as_str)
}

/// The variable of the path, decoded exactly once, is this text byte for byte. A variable that is
/// empty or a dot segment is no id, and some server reads another path in it.
fn path_is(variables: &PathVariables, name: &str, text: Option<&str>) -> Truth {
    let (Some(sent), Some(text)) = (variables.get(name), text) else { return Truth::Unknown };
    let decoded: std::borrow::Cow<'_, [u8]> = percent_encoding::percent_decode(sent).into();
    if matches!(&*decoded, b"" | b"." | b"..") || text.is_empty() {
        return Truth::Unknown;
    }
    Truth::of(*decoded == *text.as_bytes())
}

/// A value that was read is there unless it is `null`.
fn is_there(value: Option<&Value>) -> Truth {
    Truth::of(value.is_some_and(|value| !value.is_null()))
}

/// Whether the token has the claim. It says so of one whose value is at another server, and says nothing
/// of what may be inside of such a one.
fn claim_is_there(claims: &KeptClaims, name: &str) -> Truth {
    match claims.why_unread(name) {
        Some(UnreadClaim::Elsewhere) => Truth::True,
        Some(UnreadClaim::Untold) => Truth::Unknown,
        Some(UnreadClaim::Blocked) | None => is_there(claims.get(name)),
    }
}

/// A time as tokens state it, without its fraction (RFC 7519 section 2 allows one).
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the bounds are checked, and a fraction of a second is left out"
)]
fn whole_seconds(value: &Value) -> Option<u64> {
    let fraction = || value.as_f64().filter(|seconds| (0.0..2_f64.powi(53)).contains(seconds));
    value.as_u64().or_else(|| fraction().map(|seconds| seconds as u64))
}

/// A moment is not longer ago than that. One that is not known, or lies in the future, says nothing.
fn young(moment: Option<u64>, longest: Duration, now: u64) -> Truth {
    let Some(moment) = moment.filter(|moment| *moment <= now.saturating_add(CLOCK_SKEW)) else {
        return Truth::Unknown;
    };
    Truth::of(now.saturating_sub(moment) <= longest.as_secs())
}

/// The condition in the words of the configuration: `role: owner`.
fn text(asked: &Asked) -> String {
    let name = asked.setting();
    let texts = |texts: &Texts| texts.iter().collect::<Vec<_>>().join(" or ");
    let value = match asked {
        Asked::AuthLevel(least) => least.as_str().to_owned(),
        Asked::Anonymous(wanted) => wanted.to_string(),
        Asked::Verified(words)
        | Asked::Issuer(words)
        | Asked::App(words)
        | Asked::AppVariant(words)
        | Asked::Tenant(words)
        | Asked::User(words)
        | Asked::Scope(words)
        | Asked::Role(words)
        | Asked::Permission(words)
        | Asked::Group(words) => texts(words),
        Asked::GroupRole { group, role } => format!("{} in {}", texts(role), texts(group)),
        Asked::Attribute(place, _) | Asked::Claim(place, _) => place.to_string(),
        Asked::PathIsIdentity { variable, .. } | Asked::PathIsClaim { variable, .. } => {
            variable.clone()
        }
        Asked::MaxAge(longest) | Asked::TokenMaxAge(longest) => {
            humantime::format_duration(*longest).to_string()
        }
        Asked::Source(_) => "another place of the credential".to_owned(),
        Asked::Cel(expression) => expression.as_str().to_owned(),
    };
    format!("{name}: {value}")
}
