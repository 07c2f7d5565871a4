//! The service that a token was made for: `aud`, the claim in its place, and both.

use serde_json::{Value, json};

use super::{access_token, id_token, judge};
use crate::{model::DenyReason, verify::tests::with};

const ALONE: &str = "kind: oidc, issuer: 'https://id.test', \
    audience: { claim: client_id, values: [my-app, my-job] }";
const BOTH: &str = "kind: oidc, issuer: 'https://id.test', audiences: [my-api], \
    audience: { claim: client_id, values: [my-app] }";
const INSIDE: &str = "kind: oidc, issuer: 'https://id.test', \
    audience: { claim: /app/id, values: [my-app] }";

const WRONG: Result<(), DenyReason> = Err(DenyReason::AudienceMismatch);
const INVALID: Result<(), DenyReason> = Err(DenyReason::ClaimsInvalid);

#[test]
fn the_claim_stands_in_for_the_audience_of_tokens_that_have_none() {
    let token =
        |aud: Value, client: Value| with(access_token(), &json!({"aud": aud, "client_id": client}));
    for (name, aud, client, expected) in [
        ("no audience", Value::Null, json!("my-app"), Ok(())),
        ("an empty list", json!([]), json!("my-app"), Ok(())),
        ("the second value", Value::Null, json!("my-job"), Ok(())),
        ("a list of clients", Value::Null, json!(["x", "my-job"]), Ok(())),
        ("an audience", json!("my-app"), json!("my-app"), WRONG),
        ("a list of one", json!(["other"]), json!("my-app"), WRONG),
        ("an empty name", json!(""), json!("my-app"), WRONG),
        ("a list with an empty name", json!([""]), json!("my-app"), WRONG),
        ("no client", Value::Null, Value::Null, WRONG),
        ("another client", Value::Null, json!("other"), WRONG),
        ("a longer name", Value::Null, json!("my-app2"), WRONG),
        ("a shorter name", Value::Null, json!("my-ap"), WRONG),
        ("other letters", Value::Null, json!("MY-APP"), WRONG),
        ("a blank behind", Value::Null, json!("my-app "), WRONG),
        ("a zero behind", Value::Null, json!("my-app\u{0}"), WRONG),
        ("two names in one", Value::Null, json!("my-app my-job"), WRONG),
        ("an empty client", Value::Null, json!(""), WRONG),
        ("no client in a list", Value::Null, json!([]), WRONG),
        ("a number", Value::Null, json!(1), INVALID),
        ("true", Value::Null, json!(true), INVALID),
        ("a map", Value::Null, json!({"my-app": "my-app"}), INVALID),
        ("a list in a list", Value::Null, json!([["my-app"]]), INVALID),
        ("a list with a number", Value::Null, json!(["my-app", 1]), INVALID),
    ] {
        assert_eq!(judge(ALONE, &token(aud, client)).map(|_| ()), expected, "{name}");
    }
    // `null` is an absent claim, not a name.
    let mut nobody = token(Value::Null, Value::Null);
    nobody["client_id"] = Value::Null;
    assert_eq!(judge(ALONE, &nobody).map(|_| ()), WRONG);
}

#[test]
fn with_both_settings_both_must_hold() {
    for (name, aud, client, expected) in [
        ("both ours", json!("my-api"), json!("my-app"), Ok(())),
        ("ours among others", json!(["x", "my-api"]), json!("my-app"), Ok(())),
        ("another's client", json!("my-api"), json!("other"), WRONG),
        ("another's service", json!("other"), json!("my-app"), WRONG),
        ("no client", json!("my-api"), Value::Null, WRONG),
        ("no audience", Value::Null, json!("my-app"), WRONG),
        ("an empty list", json!([]), json!("my-app"), WRONG),
        ("the names the other way round", json!("my-app"), json!("my-api"), WRONG),
    ] {
        let token = with(access_token(), &json!({"aud": aud, "client_id": client}));
        assert_eq!(judge(BOTH, &token).map(|_| ()), expected, "{name}");
    }
}

#[test]
fn the_claim_may_be_inside_another() {
    let token = |app: Value| {
        let mut token = with(access_token(), &json!({"aud": null}));
        token["app"] = app;
        token
    };
    for (name, app, expected) in [
        ("inside", json!({"id": "my-app"}), Ok(())),
        ("another", json!({"id": "other"}), WRONG),
        ("not inside", json!("my-app"), WRONG),
    ] {
        assert_eq!(judge(INSIDE, &token(app)).map(|_| ()), expected, "{name}");
    }
    let named = with(access_token(), &json!({"aud": null, "/app/id": "my-app"}));
    assert_eq!(judge(INSIDE, &named).map(|_| ()), WRONG, "the setting decides, not the token");
}

#[test]
fn a_party_among_several_audiences_may_be_one_of_the_claim() {
    let yaml = "kind: oidc, issuer: 'https://id.test', audiences: [my-app], accepts: id, \
        audience: { claim: azp, values: [my-phone] }";
    for (name, aud, azp, expected) in [
        ("one of the values", json!(["my-app", "x"]), json!("my-phone"), Ok(())),
        ("another", json!(["my-app", "x"]), json!("x"), WRONG),
        ("of the audiences alone", json!(["my-app", "x"]), json!("my-app"), WRONG),
        ("none", json!("my-app"), Value::Null, WRONG),
    ] {
        let token = with(id_token(), &json!({"aud": aud, "azp": azp}));
        assert_eq!(judge(yaml, &token).map(|_| ()), expected, "{name}");
    }
}
