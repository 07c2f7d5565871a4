//! A 403 names the rule and the requirement, where the settings say so.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{settings, told_to, value};
use crate::{
    config::DenialSettings,
    model::{AuthLevel, CallerProtocol, Denial, DenyReason, Explanation},
    response::statuses,
};

fn told(denial: &Denial, explain: bool) -> Value {
    let settings = DenialSettings { explain, ..settings() };
    let response = told_to(denial, &settings, CallerProtocol::Http, None);
    serde_json::from_str(&response.body).unwrap()
}

fn role() -> Denial {
    let (rule, required): (Arc<str>, Arc<str>) = ("admin".into(), "role: \"owner\"".into());
    Denial::requirement_unmet().explained(Explanation { rule, required })
}

#[test]
fn a_403_names_the_rule_and_its_requirement() {
    let scopes: Arc<[Box<str>]> = ["a".into(), "b".into()].into();
    for (name, denial, rule, required) in [
        ("a role", role(), json!("admin"), json!("role: \"owner\"")),
        (
            "a level",
            Denial::level_too_low(AuthLevel::Verified, false),
            json!("the-rule"),
            json!("auth_level: verified"),
        ),
        ("scopes", Denial::scopes_missing(scopes), json!("the-rule"), json!("scope: a b")),
        ("a guard", Denial::guard_refused("the-guard".into()), json!("the-guard"), Value::Null),
        ("a cookie", DenyReason::CookieCrossSite.into(), json!("the-rule"), Value::Null),
    ] {
        let body = told(&denial, true);
        assert_eq!((&body["rule"], &body["required"]), (&rule, &required), "{name}");
        let body = told(&denial, false);
        assert_eq!(body.as_object().unwrap().len(), 4, "{name}: {body}");
    }
}

#[test]
fn no_other_denial_names_a_rule() {
    for reason in DenyReason::ALL {
        let denial = Denial::from(*reason);
        let denial = denial.explained(role().explanation().unwrap().clone());
        let body = told(&denial, true);
        assert_eq!(body.get("rule").is_some(), statuses(*reason).http == 403, "{reason:?}");
    }
    let step_up = Denial::authentication_too_old(Duration::from_secs(1));
    assert_eq!(told(&step_up, true).get("rule"), None);
}

#[test]
fn a_grpc_caller_is_told_on_one_line() {
    for (explain, expected) in [
        (false, "requirement_unmet: the caller does not meet the requirements"),
        (
            true,
            "requirement_unmet: the caller does not meet the requirements (rule admin: role: \"owner\")",
        ),
    ] {
        let settings = DenialSettings { explain, ..settings() };
        let response = told_to(&role(), &settings, CallerProtocol::Grpc, None);
        assert_eq!(response.body, expected);
    }
}

#[test]
fn the_first_explanation_counts() {
    let other = Explanation { rule: "other".into(), required: "role: x".into() };
    assert_eq!(role().explained(other).explanation(), role().explanation());
}

#[test]
fn a_challenge_names_the_metadata_of_the_service() {
    let url = "https://api.test/.well-known/oauth-protected-resource";
    let settings = DenialSettings { resource_metadata: Some(url.to_owned()), ..settings() };
    for reason in DenyReason::ALL {
        let response = told_to(&(*reason).into(), &settings, CallerProtocol::Http, None);
        if let Some(challenge) = value(&response, "www-authenticate") {
            let expected = format!(", resource_metadata=\"{url}\"");
            assert!(challenge.ends_with(&expected), "{challenge}");
            assert!(!challenge.contains(", scope="), "{challenge}");
        } else {
            assert!(matches!(response.http_status, 400 | 503), "{reason:?}");
        }
    }
}
