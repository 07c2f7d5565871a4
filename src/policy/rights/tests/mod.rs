//! Roles and permissions: tables of sources, of hostile values, and the properties of every tree of
//! roles.

mod held;
mod properties;
mod sources;
mod values;
mod warned;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Demand, Rights, RightsBook};
use crate::{
    config::{self, Config},
    model::{AuthLevel, Cutoff, Group, IdentityFacts, OddParts, Profile},
    policy::truth::Truth,
    verify::Identity,
};

/// Issuers of every kind that roles can come from.
const ISSUERS: &str = "
issuers:
  - { name: rownd, kind: rownd, apps: [{ id: app_x, key: key_x, secret: ras_x }] }
  - { name: sessions, kind: supertokens, base_url: 'https://st.test/auth' }
  - { name: company, kind: oidc, issuer: 'https://id.test', audiences: [a], claims: { roles: roles } }
  - { name: partner, kind: oidc, issuer: 'https://partner.test', audiences: [a], claims: { roles: roles } }
";

fn config(yaml: &str) -> Config {
    config::parse("test.yaml", yaml, &BTreeMap::new()).unwrap_or_else(|e| panic!("{yaml}\n{e}"))
}

/// The book of these sections, with all issuers.
fn book(yaml: &str) -> RightsBook {
    RightsBook::build(&config(&format!("{ISSUERS}{yaml}")))
}

/// A user of an issuer, with the claims that its token keeps.
fn user(issuer: &str, claims: &Value) -> Identity {
    let mut facts = IdentityFacts::new("user_1".to_owned(), issuer.into(), AuthLevel::Verified);
    let claims = claims.as_object().unwrap().iter();
    facts.claims = claims.map(|(name, value)| (name.as_str().into(), value.clone())).collect();
    Identity::for_test(facts)
}

/// A user with roles by the claim map.
fn mapped(issuer: &str, roles: &[&str]) -> Identity {
    let mut facts = IdentityFacts::new("user_1".to_owned(), issuer.into(), AuthLevel::Verified);
    facts.roles = roles.iter().map(ToString::to_string).collect();
    Identity::for_test(facts)
}

fn profile(verified: &Value, attributes: &Value, groups: &[(&str, &[&str], &str)]) -> Profile {
    let group = |(id, roles, state): &(&str, &[&str], &str)| Group {
        id: (*id).to_owned(),
        name: Some("owner".to_owned()),
        roles: roles.iter().map(ToString::to_string).collect(),
        member_state: Some((*state).to_owned()),
    };
    Profile {
        user_id: Some("user_1".to_owned()),
        state: None,
        auth_level: None,
        // The user writes these.
        data: json!({ "email": "user@example.com", "roles": ["owner"] })
            .as_object()
            .unwrap()
            .clone(),
        verified_data: verified.as_object().unwrap().clone(),
        attributes: attributes.as_object().unwrap().clone(),
        groups: groups.iter().map(group).collect(),
        meta: Map::new(),
        tokens_valid_since: Cutoff::None,
        odd: OddParts::default(),
    }
}

fn nothing() -> Profile {
    profile(&json!({}), &json!({}), &[])
}

fn has_role(book: &RightsBook, who: &Identity, profile: Option<&Profile>, role: &str) -> Truth {
    book.role_question(role).ask(who, profile)
}

fn may(book: &RightsBook, who: &Identity, profile: Option<&Profile>, permission: &str) -> Truth {
    book.permission_question(permission).ask(who, profile)
}

/// The list, as texts.
fn names(list: &[&str]) -> Option<Vec<String>> {
    Some(list.iter().map(ToString::to_string).collect())
}

/// The book and the list of all rights say the same.
fn agrees(book: &RightsBook, who: &Identity, profile: Option<&Profile>, role: &str) -> bool {
    let Rights { roles, .. } = book.rights(who, profile);
    let truth = has_role(book, who, profile, role);
    match roles {
        Some(roles) => truth == Truth::of(roles.contains(&role.to_owned())),
        None => true,
    }
}
