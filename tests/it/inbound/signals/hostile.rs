//! The attacks on access tokens, on the entrance of events.

use rownd_authz::model::DenyReason;
use serde_json::{Value, json};

use super::{API, CAEP, LOGOUT, Rig, SET, signed_by};
use crate::{
    it::inbound::send,
    support::{
        Ask, Claims, Key,
        forge::{Algorithm, b64, now},
    },
};

const TYP: &str = "secevent+jwt";

/// Name, token, and the error code that answers it.
type Row = (&'static str, String, &'static str);

fn session_revoked() -> String {
    format!("{CAEP}/session-revoked")
}

/// Headers and signatures.
fn envelopes(rig: &Rig, good: &Claims) -> Vec<Row> {
    let own = rig.signed(TYP, good);
    let parts: Vec<&str> = own.split('.').collect();
    let header = |text: &str| format!("{}.{}.{}", b64(text), parts[1], parts[2]);
    let under = |name: &str, value: Value| {
        let mut header = rig.key.header();
        header["typ"] = json!(TYP);
        header[name] = value;
        rig.key.token_under(&header, good)
    };
    let foreign = Key::of(Algorithm::EdDsa, "idp");
    let mut with_key = foreign.header();
    with_key["typ"] = json!(TYP);
    with_key["jwk"] = foreign.jwk();
    let unsigned = format!("{}.{}.", b64(r#"{"alg":"none","typ":"secevent+jwt"}"#), parts[1]);
    let request = "invalid_request";
    vec![
        ("no token", "x".to_owned(), request),
        ("nothing", String::new(), request),
        ("alg none", header(r#"{"alg":"none","typ":"secevent+jwt"}"#), "invalid_key"),
        ("alg none without a signature", unsigned, request),
        ("HS256", header(r#"{"alg":"HS256","kid":"idp","typ":"secevent+jwt"}"#), "invalid_key"),
        (
            "a changed header",
            header(r#"{"alg":"EdDSA","kid":"idp","typ":"secevent+jwt" }"#),
            "invalid_key",
        ),
        ("a key of the same name", signed_by(&foreign, TYP, good), "invalid_key"),
        ("an unknown key", under("kid", json!("x")), "invalid_key"),
        ("a key in the header", foreign.token_under(&with_key, good), "invalid_key"),
        ("critical", under("crit", json!(["exp"])), request),
        ("not encoded", under("b64", json!(false)), request),
        ("packed", under("zip", json!("DEF")), request),
        ("nested", under("cty", json!("JWT")), request),
        ("an access token", under("typ", json!("at+jwt")), request),
        ("a plain token", under("typ", json!("JWT")), request),
        ("a logout token", under("typ", json!("logout+jwt")), request),
        ("a type of null", under("typ", Value::Null), request),
        ("without a type", rig.key.token(good), request),
        ("four parts", format!("{own}.x"), request),
        ("padding", format!("{own}="), request),
    ]
}

/// Tokens with a good signature and odd claims, each with the error code that answers it.
fn contents(rig: &Rig, good: &Claims) -> Vec<Row> {
    let with = |name: &str, value: Value| rig.signed(TYP, &good.clone().with(name, value));
    let without = |name: &str| rig.signed(TYP, &good.clone().without(name));
    let event = |uri: &str, payload: Value| with("events", json!({ uri: payload }));
    let text = good.json().to_string();
    let mut header = rig.key.header();
    header["typ"] = json!(TYP);
    let doubled = format!("{},\"jti\":\"x\"}}", &text[..text.len() - 1]);
    let (issuer, key) = &rig.other;
    let of_other = good.clone().with("iss", issuer.url());
    let request = "invalid_request";
    vec![
        ("a member twice", rig.key.sign(header.to_string(), doubled), request),
        ("for another", with("aud", json!(API)), "invalid_audience"),
        ("for nobody", without("aud"), "invalid_audience"),
        ("an unknown issuer", with("iss", json!("https://x.example")), "invalid_issuer"),
        ("a slash more", with("iss", json!(format!("{}/", rig.issuer.url()))), "invalid_issuer"),
        ("of another issuer", signed_by(key, TYP, &of_other), "invalid_issuer"),
        ("by another issuer's key", signed_by(key, TYP, good), "invalid_key"),
        ("expired", with("exp", json!(now() - 900)), request),
        ("of the future", with("iat", json!(now() + 900)), request),
        ("not yet", with("nbf", json!(now() + 900)), request),
        ("without a time", without("iat"), request),
        ("a text for a time", with("iat", json!("1")), request),
        ("without an id", without("jti"), request),
        ("an empty id", with("jti", json!("")), request),
        ("a long id", with("jti", json!("x".repeat(513))), request),
        ("bound to a key", with("cnf", json!({ "jkt": "x" })), request),
        ("without events", without("events"), request),
        ("no events", with("events", json!({})), request),
        ("a list of events", with("events", json!([session_revoked()])), request),
        ("an event that is a text", event(&session_revoked(), json!("x")), request),
        (
            "a time that is a text",
            event(&session_revoked(), json!({ "event_timestamp": "now" })),
            request,
        ),
        ("a logout", event(LOGOUT, json!({})), request),
        ("without a subject", without("sub_id"), request),
        (
            "the subject of another issuer",
            with("sub_id", json!({ "format": "iss_sub", "iss": issuer.url(), "sub": "victim" })),
            request,
        ),
        (
            "an address",
            with("sub_id", json!({ "format": "email", "email": "v@x.example" })),
            request,
        ),
        ("two subjects", with("sub", json!("somebody")), request),
        ("too large", with("x", json!("x".repeat(60_000))), request),
    ]
}

#[tokio::test]
async fn a_hostile_token_revokes_nothing() {
    let rig = Rig::open().await;
    // Issued when every key of its time was known, so that an unknown one is a wrong one.
    let good = rig.set(&session_revoked(), rig.user("victim")).with("iat", now() - 100);
    let own = rig.signed(TYP, &good);
    for (name, token, err) in envelopes(&rig, &good).into_iter().chain(contents(&rig, &good)) {
        let (status, body) = rig.push_raw(&token).await;
        assert_eq!((status, &body["err"]), (400, &json!(err)), "{name}: {body}");
        assert!(token.len() < 2 || !body.to_string().contains(&token), "{name}");
        assert_eq!(rig.reason(&rig.access("victim", 200)).await, "authenticated", "{name}");
    }
    let jwt = "content-type: application/jwt\r\n";
    let large = "x".repeat((256 << 10) + 1);
    for (name, line, headers, body, status) in [
        ("another type", "POST /webhooks/idp", jwt, own.as_str(), 400),
        ("another method", "PUT /webhooks/idp", SET, &own, 405),
        ("a large body", "POST /webhooks/idp", SET, &large, 413),
        ("a path behind it", "POST /webhooks/idp/x", SET, &own, 403),
        ("an unknown source", "POST /webhooks/x", SET, &own, 403),
    ] {
        assert_eq!(send(&rig.app, line, headers, body).await.status, status, "{name}");
    }
    assert_eq!(rig.reason(&rig.access("victim", 200)).await, "authenticated");
    assert_eq!(rig.push_raw(&own).await.0, 202, "and the good one beside them");
    assert_eq!(rig.reason(&rig.access("victim", 200)).await, "revoked");
}

/// No token of an event lets anybody in.
#[tokio::test]
async fn an_event_is_no_access_token() {
    let rig = Rig::open().await;
    let set = rig.set(&session_revoked(), rig.user("u"));
    let set = set.with("aud", API).with("sub", "u").with("exp", now() + 600);
    for typ in [TYP, "logout+jwt"] {
        let answer = rig.app.check(&Ask::with_token(rig.signed(typ, &set))).await;
        answer.assert_denied(typ, DenyReason::TokenHeaderRefused);
    }
    let answer = rig.app.check(&Ask::with_token(rig.key.token(&set))).await;
    answer.assert_denied("without a type", DenyReason::TokenKindRefused);
}
