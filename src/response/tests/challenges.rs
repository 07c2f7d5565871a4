//! The challenge of each denial that has parameters of its own.

use std::{sync::Arc, time::Duration};

use super::{told, value};
use crate::model::{AuthLevel, Denial, DenyReason};

fn scopes(scopes: &[&str]) -> Denial {
    let scopes: Vec<Box<str>> = scopes.iter().map(|scope| (*scope).into()).collect();
    Denial::scopes_missing(scopes.into())
}

fn too_old(seconds: u64) -> Denial {
    Denial::authentication_too_old(Duration::from_secs(seconds))
}

const TOO_OLD: &str = "error=\"insufficient_user_authentication\", \
                       error_description=\"sign in again, the last sign-in is too long ago\"";
const LACKS_SCOPE: &str =
    "error=\"insufficient_scope\", error_description=\"the token lacks a scope that is required\"";
const LEVEL: &str = "error=\"insufficient_user_authentication\", \
                     error_description=\"sign in again with a higher authentication level\"";
const MACHINE: &str = "error=\"insufficient_scope\", \
                       error_description=\"a recent sign-in is required, and a machine has none\"";
const LOW: &str = "error=\"insufficient_scope\", \
                   error_description=\"a higher authentication level is required\"";

#[test]
fn a_challenge_says_what_would_be_enough() {
    let verified = AuthLevel::Verified;
    let step_up = || Denial::level_too_low(verified, true);
    for (name, denial, status, expected) in [
        (
            "scopes",
            scopes(&["a", "orders:read"]),
            403,
            format!("{LACKS_SCOPE}, scope=\"a orders:read\""),
        ),
        ("age", too_old(900), 401, format!("{TOO_OLD}, max_age=\"900\"")),
        ("age of 0", too_old(0), 401, format!("{TOO_OLD}, max_age=\"0\"")),
        (
            "age and level",
            too_old(900).and_level(verified),
            401,
            format!("{TOO_OLD}, acr_values=\"verified\", max_age=\"900\""),
        ),
        (
            "level and age",
            step_up().and_max_age(Duration::from_secs(60)),
            401,
            format!("{LEVEL}, acr_values=\"verified\", max_age=\"60\""),
        ),
        ("age, for a machine", too_old(900).for_machine(), 403, MACHINE.to_owned()),
        ("level, for a machine", step_up().for_machine(), 403, LOW.to_owned()),
        (
            "scopes, for a machine",
            scopes(&["a"]).for_machine(),
            403,
            format!("{LACKS_SCOPE}, scope=\"a\""),
        ),
    ] {
        let response = told(&denial);
        let challenge = format!("Bearer realm=\"the realm\", {expected}");
        assert_eq!(value(&response, "www-authenticate"), Some(challenge.as_str()), "{name}");
        assert_eq!(response.http_status, status, "{name}");
    }
}

#[test]
fn a_scope_that_could_end_the_text_is_left_out() {
    for (name, written, expected) in [
        ("quote", &["a", "b\"c"][..], Some("a")),
        ("backslash", &["a\\", "b"], Some("b")),
        ("blank", &["a b", "c"], Some("c")),
        ("line end", &["a\r\nx: y", "c"], Some("c")),
        ("not ASCII", &["\u{e4}", "c"], Some("c")),
        ("empty", &["", "c"], Some("c")),
        ("none is left", &["\u{7f}"], None),
        ("no scopes", &[], None),
        (
            "every sign that may stand there",
            &["!#$%&'()*+,-./:;<=>?@[]^_`{|}~"],
            Some("!#$%&'()*+,-./:;<=>?@[]^_`{|}~"),
        ),
    ] {
        let response = told(&scopes(written));
        let challenge = value(&response, "www-authenticate").unwrap();
        let found =
            challenge.split_once(", scope=\"").map(|(_, rest)| rest.strip_suffix('"').unwrap());
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn only_advice_to_sign_in_is_taken_back_from_a_machine() {
    for reason in DenyReason::ALL {
        let advice = [
            (DenyReason::StepUpRequired, DenyReason::AuthLevelTooLow),
            (DenyReason::AuthenticationTooOld, DenyReason::SignInImpossible),
        ];
        let expected = advice.iter().find(|(signs_in, _)| signs_in == reason);
        let expected = expected.map_or(*reason, |(_, expected)| *expected);
        assert_eq!(Denial::from(*reason).for_machine().reason(), expected, "{reason:?}");
    }
}

#[test]
fn the_denials_of_a_rule_have_their_reasons() {
    let guard: Arc<str> = "the-guard".into();
    for (denial, expected, status) in [
        (Denial::requirement_unmet(), DenyReason::RequirementUnmet, 403),
        (Denial::requirement_unknown(), DenyReason::RequirementUnknown, 403),
        (Denial::guard_refused(guard), DenyReason::GuardRefused, 403),
        (Denial::token_too_old(), DenyReason::TokenTooOld, 401),
        (Denial::expression_failed(), DenyReason::ExpressionFailed, 403),
    ] {
        assert_eq!((denial.reason(), told(&denial).http_status), (expected, status));
    }
}
