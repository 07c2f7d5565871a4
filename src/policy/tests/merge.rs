//! Asking each rule gives the same answer as one rule that is as strict as all of them. Here is that
//! one rule, merged setting by setting, as the model to compare with.

use std::sync::Arc;

use proptest::prelude::*;

use super::{
    chosen, identity,
    properties::{level, settings},
    request, rule_of,
};
use crate::{
    config::{Auth, DefaultRoute, ExpiredCookie, Freshness, OddPaths},
    model::{AllowReason, AuthLevel, Denial, DenyReason},
    policy::rule::{Concession, Rule},
    verify::Identity,
};

/// Rules that were merged into one.
#[derive(Debug, Clone)]
struct Merged {
    /// The place of the rule whose name is logged.
    named: usize,
    settings: DefaultRoute,
}

/// All answers of rules about a caller.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    named: usize,
    reads_credential: bool,
    requires_credential: bool,
    preflight: bool,
    forgives_expired_cookie: bool,
    judges_odd_paths: bool,
    /// The reason, and whether the profile has to confirm it.
    decision: Result<(AllowReason, bool), Denial>,
}

impl Merged {
    fn of(settings: &[DefaultRoute]) -> Self {
        let first = Self { named: 0, settings: settings[0].clone() };
        settings.iter().enumerate().skip(1).fold(first, Self::strictest)
    }

    /// The strictest of two: what satisfies it satisfies both.
    fn strictest(self, (index, other): (usize, &DefaultRoute)) -> Self {
        let own = self.settings;
        let other_rules = (other.auth, other.auth_level, other.freshness)
            > (own.auth, own.auth_level, own.freshness);
        let settings = DefaultRoute {
            auth: own.auth.max(other.auth),
            freshness: own.freshness.max(other.freshness),
            auth_level: own.auth_level.max(other.auth_level),
            step_up: own.step_up && other.step_up,
            require: None,
            cors_preflight: own.cors_preflight && other.cors_preflight,
            expired_cookie: match (own.expired_cookie, other.expired_cookie) {
                (ExpiredCookie::Anonymous, ExpiredCookie::Anonymous) => ExpiredCookie::Anonymous,
                (ExpiredCookie::Deny, _) | (_, ExpiredCookie::Deny) => ExpiredCookie::Deny,
            },
            odd_paths: match (own.odd_paths, other.odd_paths) {
                (OddPaths::Judge, OddPaths::Judge) => OddPaths::Judge,
                (OddPaths::Refuse, _) | (_, OddPaths::Refuse) => OddPaths::Refuse,
            },
        };
        Self { named: if other_rules { index } else { self.named }, settings }
    }

    fn decide(&self, identity: Option<&Identity>) -> Result<(AllowReason, bool), Denial> {
        let settings = &self.settings;
        match (settings.auth, identity) {
            (Auth::None, _) => Ok((AllowReason::Public, false)),
            (Auth::Required, None) => Err(DenyReason::CredentialMissing.into()),
            (Auth::Optional, None) => Ok((AllowReason::Anonymous, false)),
            (Auth::Required | Auth::Optional, Some(identity)) => match settings.auth_level {
                Some(level) if identity.auth_level < level => {
                    Err(Denial::level_too_low(level, settings.step_up))
                }
                Some(_) | None => {
                    Ok((AllowReason::Authenticated, settings.freshness == Freshness::Profile))
                }
            },
        }
    }

    fn say(&self, identity: Option<&Identity>) -> Said {
        let settings = &self.settings;
        Said {
            named: self.named,
            reads_credential: settings.auth != Auth::None,
            requires_credential: settings.auth == Auth::Required,
            preflight: settings.cors_preflight,
            forgives_expired_cookie: settings.auth == Auth::Optional
                && settings.expired_cookie == ExpiredCookie::Anonymous,
            judges_odd_paths: settings.odd_paths == OddPaths::Judge,
            decision: self.decide(identity),
        }
    }
}

/// The answers of these rules when each is asked.
fn say(rules: &[&Rule], identity: Option<Identity>) -> Said {
    let request = request("GET", "a.com", b"/");
    let all = chosen(&request, rules);
    let named = all.name();
    Said {
        named: rules.iter().position(|rule| Arc::ptr_eq(rule.id(), named)).unwrap(),
        reads_credential: all.reads_credential(),
        requires_credential: all.requires_credential(),
        preflight: all.preflight().is_some(),
        forgives_expired_cookie: all.forgives_expired_cookie(),
        judges_odd_paths: all.concedes(Concession::OddPath),
        decision: all
            .decide(identity.map(Arc::new))
            .map(|allowed| (allowed.reason(), allowed.permit().is_err()))
            .map_err(Denial::unexplained),
    }
}

fn levels() -> impl Iterator<Item = Option<AuthLevel>> {
    std::iter::once(None).chain(AuthLevel::ALL.map(Some))
}

/// Every pair of these settings, for nobody and for an identity of each level.
fn assert_pairs_agree(settings: &[DefaultRoute]) {
    let rules: Vec<Rule> = settings.iter().map(rule_of).collect();
    for (one, first) in settings.iter().zip(&rules) {
        for (other, second) in settings.iter().zip(&rules) {
            let merged = Merged::of(&[one.clone(), other.clone()]);
            for who in levels().map(|level| level.map(identity)) {
                let expected = merged.say(who.as_ref());
                assert_eq!(
                    say(&[first, second], who.clone()),
                    expected,
                    "{one:?} {other:?} {who:?}"
                );
            }
        }
    }
}

const AUTHS: [Auth; 3] = [Auth::None, Auth::Optional, Auth::Required];

#[test]
fn every_pair_of_conditions_is_judged_like_the_strictest_of_both() {
    let mut all = Vec::new();
    for auth in AUTHS {
        for auth_level in levels() {
            for freshness in [Freshness::Token, Freshness::Profile] {
                for step_up in [false, true] {
                    let common = DefaultRoute { auth, auth_level, freshness, ..Default::default() };
                    all.push(DefaultRoute { step_up, ..common });
                }
            }
        }
    }
    assert_eq!(all.len(), 60);
    assert_pairs_agree(&all);
}

#[test]
fn every_pair_of_concessions_is_judged_like_the_strictest_of_both() {
    let mut all = Vec::new();
    for auth in AUTHS {
        for expired_cookie in [ExpiredCookie::Deny, ExpiredCookie::Anonymous] {
            for odd_paths in [OddPaths::Refuse, OddPaths::Judge] {
                for cors_preflight in [false, true] {
                    let common = DefaultRoute { auth, expired_cookie, ..Default::default() };
                    all.push(DefaultRoute { odd_paths, cors_preflight, ..common });
                }
            }
        }
    }
    assert_eq!(all.len(), 24);
    assert_pairs_agree(&all);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn any_number_of_rules_is_judged_like_the_strictest_of_all(
        settings in prop::collection::vec(settings(), 1..6),
        who in prop::option::of(level()),
    ) {
        let rules: Vec<Rule> = settings.iter().map(rule_of).collect();
        let who = who.map(identity);
        let mut expected = Merged::of(&settings).say(who.as_ref());
        // The name is that of the one rule that asks most, the first of several.
        let asks = |it: &DefaultRoute| (it.auth, it.auth_level, it.freshness);
        let most = settings.iter().map(asks).max().unwrap();
        expected.named = settings.iter().position(|it| asks(it) == most).unwrap();
        prop_assert_eq!(say(&rules.iter().collect::<Vec<_>>(), who), expected);
    }
}
