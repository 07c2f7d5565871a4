//! The report word for word, and what is read as a token and as a time.

use std::{
    collections::BTreeMap,
    time::{Duration, UNIX_EPOCH},
};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{
    Report, TokenVerdict, inspect, inspect_alone, inspect_online, parse_time, without_bearer,
};
use crate::config::{self, Config};

const NOW: u64 = 1_800_000_000;

fn pair() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()
}

/// A partner whose key is in place, and Rownd, whose keys are elsewhere.
fn configuration() -> Config {
    let x = URL_SAFE_NO_PAD.encode(pair().public_key());
    let keys = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "p1", "x": x}]});
    let yaml = json!({ "issuers": [
        { "name": "partner", "kind": "static", "issuer": "urn:partner", "audiences": ["my-api"],
          "key_set": keys.to_string() },
        { "name": "rownd", "kind": "rownd", "apps": [{ "id": "app_x" }] },
    ] });
    config::parse("test.yaml", &yaml.to_string(), &BTreeMap::new()).unwrap()
}

fn token(claims: &Value) -> String {
    let header = json!({"alg": "EdDSA", "kid": "p1"}).to_string();
    let [header, claims] = [header, claims.to_string()].map(|part| URL_SAFE_NO_PAD.encode(part));
    let signature = pair().sign(format!("{header}.{claims}").as_bytes());
    format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn report(claims: &Value) -> Report {
    let at = UNIX_EPOCH + Duration::from_secs(NOW);
    inspect(&configuration(), &token(claims), at).unwrap_or_else(|e| panic!("{}", e.message))
}

#[test]
fn a_refusal_says_what_was_wanted_and_what_came() {
    let claims = json!({"iss": "urn:partner", "aud": ["other", "\u{1b}[31m"], "sub": "u1",
        "iat": NOW - 3_600, "exp": NOW + 90, "scope": "read"});
    let report = report(&claims);
    assert_eq!(report.verdict(), TokenVerdict::Refused);
    assert_eq!(
        report.text(),
        "\
refused: audience_mismatch, the token was made for another audience
  at     2027-01-15T08:00:00Z
  alg    EdDSA
  kid    p1
  typ    JWT, or none
  iss    urn:partner
  aud    other, \\u{1b}[31m
  iat    2027-01-15T07:00:00Z (1h ago)
  nbf    none
  exp    2027-01-15T08:01:30Z (in 1m 30s)
  kind   scope: is there

partner (static): no: audience_mismatch, the token was made for another audience
  signature good, by a key in place
  The token was made for another app: no `app:ID` of a configured app, or none of the issuer's
  `audiences`, stands in `aud`; or the claim of `audience` names none of its `values`.
  Compare `aud`, which `token inspect` shows, with `issuers[].apps[].id` or `issuers[].audiences`. For tokens that have no `aud`, write `issuers[].audience`.
  this issuer wants aud my-api

rownd (rownd): no: issuer_untrusted, the token issuer is not trusted
  its tokens say iss https://api.rownd.io"
    );
}

#[test]
fn an_identity_is_told_with_what_it_rests_on() {
    let good = json!({"iss": "urn:partner", "aud": "my-api", "sub": "u1", "exp": NOW + 90,
        "scope": "read write"});
    let taken = report(&good);
    assert_eq!(taken.verdict(), TokenVerdict::Taken);
    let text = taken.text();
    for part in ["taken, by issuer partner", "user id      u1", "scopes       read, write"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    let rownd = json!({"iss": "https://api.rownd.io", "aud": "app:app_x", "sub": "u1",
        "https://auth.rownd.io/app_user_id": "u1", "exp": NOW + 90});
    let open = report(&rownd);
    assert_eq!(open.verdict(), TokenVerdict::Undecided);
    let text = open.text();
    for part in [
        "undecided: issuer rownd takes it if its signature is good",
        "signature not checked: no keys offline",
        "auth level   unverified",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

#[test]
fn a_malformed_token_is_told_by_its_own_faults() {
    let at = UNIX_EPOCH + Duration::from_secs(NOW);
    let header = URL_SAFE_NO_PAD.encode(json!({"alg": 5, "kid": "p1"}).to_string());
    let claims = URL_SAFE_NO_PAD.encode(json!({"iss": "a", "exp": "soon"}).to_string());
    let report = inspect(&configuration(), &format!("{header}.{claims}.c2ln"), at)
        .unwrap_or_else(|e| panic!("{}", e.message));
    assert_eq!(report.verdict(), TokenVerdict::Refused);
    assert_eq!(
        report.text(),
        "\
refused: token_malformed, the token is malformed
  at     2027-01-15T08:00:00Z
  wrong  `alg` of the header is a number, no text
  wrong  `exp` is a text, no number of seconds"
    );
    let json: Value = serde_json::from_str(&report.json()).unwrap();
    assert_eq!(json["reason"], "token_malformed");
    assert_eq!(json["faults"].as_array().unwrap().len(), 2, "{json}");
    assert_eq!(json["not_judged"], json!([]), "{json}");
}

#[test]
fn without_a_configuration_the_token_is_read_and_not_judged() {
    let at = UNIX_EPOCH + Duration::from_secs(NOW);
    let report = inspect_alone(&token(&json!({"iss": "urn:x", "exp": NOW - 60})), at);
    assert_eq!(report.verdict(), TokenVerdict::Undecided);
    assert_eq!(
        report.text(),
        "\
undecided: there is no configuration to judge by
  at     2027-01-15T08:00:00Z
  alg    EdDSA
  kid    p1
  typ    JWT, or none
  iss    urn:x
  aud    none
  iat    none
  nbf    none
  exp    2027-01-15T07:59:00Z (1m ago)

Without a configuration (--config) the signature is not checked, and nothing says which issuers, \
audiences and kinds of tokens are accepted. Not judged: issuer, signature, audience, times, kind of \
token, identity."
    );
    let json: Value = serde_json::from_str(&report.json()).unwrap();
    assert_eq!((&json["verdict"], &json["reason"]), (&json!("undecided"), &Value::Null));
    assert_eq!(json["not_judged"][1], "signature");
    // A token that no configuration could make good is refused here, too.
    for (broken, reason) in [("a.b", "token_malformed"), ("e30.e30.c2ln", "token_malformed")] {
        let report = inspect_alone(broken, at);
        assert_eq!(report.verdict(), TokenVerdict::Refused, "{broken}");
        assert!(report.text().starts_with(&format!("refused: {reason}")), "{}", report.text());
    }
}

#[test]
fn an_issuer_that_cannot_be_asked_decides_nothing() {
    let yaml = json!({ "issuers": [{
        "name": "rownd", "kind": "rownd", "apps": [{ "id": "app_x" }],
        "base_url": "http://127.0.0.1:9",
    }] });
    let config = config::parse("test.yaml", &yaml.to_string(), &BTreeMap::new()).unwrap();
    let claims = |end: u64| {
        json!({"iss": "http://127.0.0.1:9", "aud": "app:app_x", "sub": "u1", "exp": end,
            "https://auth.rownd.io/app_user_id": "u1"})
    };
    let at = UNIX_EPOCH + Duration::from_secs(NOW);
    for (end, verdict, part) in [
        (NOW + 90, TokenVerdict::Undecided, "keys_unavailable"),
        (NOW - 90, TokenVerdict::Refused, "token_expired"),
    ] {
        let report = inspect_online(&config, &token(&claims(end)), at)
            .unwrap_or_else(|e| panic!("{}", e.message));
        let text = report.text();
        assert_eq!(report.verdict(), verdict, "{text}");
        assert!(text.contains(part), "{text}");
        assert!(text.contains("the issuer's keys could not be fetched: "), "{text}");
    }
}

#[test]
fn a_mapped_claim_that_is_absent_is_shown_whether_the_token_is_taken_or_not() {
    let mut config = configuration();
    let map = json!({ "roles": { "path": "realm.roles" }, "tenant": "/org/id" });
    config.issuers[0].claims = serde_json::from_value(map).unwrap();
    let at = UNIX_EPOCH + Duration::from_secs(NOW);
    let report = |claims: &Value| {
        inspect(&config, &token(claims), at).unwrap_or_else(|e| panic!("{}", e.message))
    };
    let good = json!({"iss": "urn:partner", "aud": "my-api", "sub": "u1", "exp": NOW + 90,
        "org": {"id": "o1"}});
    let expired = json!({"iss": "urn:partner", "aud": "my-api", "sub": "u1", "exp": NOW - 90,
        "org": {"id": "o1"}});
    for (claims, verdict) in [(good, TokenVerdict::Taken), (expired, TokenVerdict::Refused)] {
        let report = report(&claims);
        assert_eq!(report.verdict(), verdict);
        let text = report.text();
        let line = "\n  roles        absent: the token has no claim {path: realm.roles}";
        assert!(text.contains(line), "{text}");
        assert!(!text.contains("no claim /org/id"), "{text}");
        let json: Value = serde_json::from_str(&report.json()).unwrap();
        let absent = json!([{ "for": "roles", "claim": "{path: realm.roles}" }]);
        assert_eq!(json["issuers"][0]["absent_claims"], absent);
        assert_eq!(json["issuers"][1]["absent_claims"], json!([]), "of the picked issuer alone");
    }
}

#[test]
fn neither_form_holds_the_token_or_its_signature() {
    let claims = json!({"iss": "urn:partner", "aud": "my-api", "sub": "u1", "exp": NOW + 90});
    let (report, token) = (report(&claims), token(&claims));
    let at = UNIX_EPOCH + Duration::from_secs(NOW);
    let broken = [format!("{token}!"), format!("\"{token}\""), token.replace('.', " ")];
    let broken = broken.map(|token| inspect_alone(&token, at));
    let reports = broken.iter().chain([&report]);
    for text in reports.flat_map(|report| [report.text(), report.json()]) {
        for part in token.split('.') {
            assert!(!text.contains(part), "{part} in\n{text}");
        }
    }
}

#[test]
fn a_token_is_taken_out_of_what_surrounds_it() {
    for (text, expected) in [
        ("a.b.c", "a.b.c"),
        ("  a.b.c\n\n", "a.b.c"),
        ("Bearer a.b.c\n", "a.b.c"),
        ("bearer   a.b.c", "a.b.c"),
        ("Basic a.b.c", "Basic a.b.c"),
        (" \n", ""),
    ] {
        assert_eq!(without_bearer(text), expected, "{text:?}");
    }
}

#[test]
fn a_time_is_written_in_either_of_two_ways() {
    for (text, expected) in [
        ("2027-01-15T08:00:00Z", Some(NOW)),
        ("1800000000", Some(NOW)),
        ("0", Some(0)),
        ("253402300799", Some(253_402_300_799)),
        ("253402300800", None),
        ("18446744073709551615", None),
        ("2027-01-15", None),
        ("tomorrow", None),
        ("-1", None),
        ("", None),
    ] {
        let seconds =
            parse_time(text).ok().map(|at| at.duration_since(UNIX_EPOCH).unwrap().as_secs());
        assert_eq!(seconds, expected, "{text:?}");
    }
}
