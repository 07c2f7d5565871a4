//! The question of Rownd's token validator.

use serde_json::{Value, json};

use super::{SECRET, send};
use crate::support::{
    Claims, Issuer, Key, Reply, TestApp, config_with,
    forge::{Algorithm, now},
};

/// The audience of the partner's tokens.
const AUDIENCE: &str = "shop";
const JSON: &str = "content-type: application/json\r\n";

/// The service, a partner whose tokens are answered for, and one whose tokens are not.
struct Rig {
    app: TestApp,
    rownd: (Issuer, Key),
    partner: (Issuer, Key),
    other: (Issuer, Key),
}

fn oidc(name: &str, issuer: &Issuer) -> Value {
    json!({
        "name": name, "kind": "oidc", "issuer": issuer.url(), "audiences": [AUDIENCE],
        "jwks_url": format!("{}/hub/auth/keys", issuer.url()), "algorithms": ["EdDSA"],
    })
}

impl Rig {
    async fn with(change: impl FnOnce(&mut Value)) -> Self {
        let made = |kid: &str| {
            let key = Key::of(Algorithm::EdDsa, kid);
            (Issuer::with_keys(&[&key]), key)
        };
        let (rownd, partner, other) = (made("rownd"), made("partner"), made("other"));
        let settings = config_with(&rownd.0, |config| {
            config["listeners"]["http"] =
                json!({ "address": "127.0.0.1:0", "serve": ["token_validator"] });
            let issuers = config["issuers"].as_array_mut().unwrap();
            issuers.extend([oidc("partner", &partner.0), oidc("other", &other.0)]);
            config["token_validator"] = json!({
                "issuers": ["partner"],
                "caller": { "secret": SECRET },
                "user_id": { "claim": "sub", "prefix": "partner:" },
                "claims": {
                    "email": { "claim": "email", "only_if": "email_verified" },
                    "plan": "/account/plan",
                    "seats": "seats",
                    "groups": "groups",
                },
            });
            change(config);
        });
        Self { app: TestApp::ready(&settings).await, rownd, partner, other }
    }

    fn claims(&self) -> Claims {
        Claims::of(&self.partner.0.url())
            .with("aud", json!(AUDIENCE))
            .with("sub", "u/1 é")
            .with("email", "ann@example.com")
            .with("email_verified", true)
            .with("account", json!({ "plan": "gold" }))
            .with("seats", 7)
            .with("groups", json!(["a", "b"]))
    }

    async fn ask(&self, line: &str, headers: &str, body: &str) -> (u16, Value) {
        let line = line.replace("HERE", &format!("/token-validator/{SECRET}"));
        let answer = send(&self.app, &line, headers, body).await;
        assert_eq!(answer.header("cache-control"), "no-store", "{line}");
        (answer.status, answer.json())
    }

    async fn of_token(&self, token: &str) -> (u16, Value) {
        self.ask("POST HERE", JSON, &json!({ "token": token }).to_string()).await
    }
}

#[tokio::test]
async fn a_partners_token_is_answered_in_flat_json_from_each_place() {
    let rig = Rig::with(|_| {}).await;
    let token = rig.partner.1.token(&rig.claims());
    let expected = json!({
        "userId": "partner:u/1 é", "email": "ann@example.com", "plan": "gold", "seats": 7,
    });
    let bearer = format!("authorization: bearer {token}\r\n");
    let member = |name: &str| json!({ name: token }).to_string();
    let both = format!("{bearer}{JSON}");
    for (name, line, headers, body) in [
        ("GET with a bearer token", "GET HERE", bearer.as_str(), String::new()),
        ("POST with a bearer token", "POST HERE", &bearer, String::new()),
        ("`token`", "POST HERE", JSON, member("token")),
        ("`access_token`", "POST HERE", JSON, member("access_token")),
        ("`id_token`, the member for any token", "POST HERE", JSON, member("id_token")),
        ("twice the same", "POST HERE", &both, member("token")),
        (
            "a type with a parameter",
            "POST HERE",
            "content-type: Application/JSON; charset=utf-8\r\n",
            member("token"),
        ),
    ] {
        assert_eq!(rig.ask(line, headers, &body).await, (200, expected.clone()), "{name}");
    }
}

#[tokio::test]
async fn a_claim_that_is_absent_or_not_proved_is_left_out() {
    let rig = Rig::with(|_| {}).await;
    for (name, claims, expected) in [
        ("an address that is not proved", rig.claims().with("email_verified", false), None),
        ("one of which nothing is said", rig.claims().without("email_verified"), None),
        ("a text", rig.claims().with("email_verified", "true"), None),
        ("a proved one", rig.claims(), Some("ann@example.com")),
    ] {
        let (status, body) = rig.of_token(&rig.partner.1.token(&claims)).await;
        assert_eq!((status, body.get("email").and_then(Value::as_str)), (200, expected), "{name}");
    }
    let (_, body) = rig.of_token(&rig.partner.1.token(&rig.claims().without("account"))).await;
    assert_eq!(body.get("plan"), None);
}

#[tokio::test]
async fn only_a_bad_token_is_a_400() {
    let rig = Rig::with(|_| {}).await;
    let good = rig.claims();
    let signed = |claims: &Claims| rig.partner.1.token(claims);
    let of_other = rig.other.1.token(&good.clone().with("iss", rig.other.0.url()));
    let of_rownd = rig.rownd.1.token(&Claims::of(&rig.rownd.0.url()));
    let mut forged = signed(&good);
    forged.truncate(forged.len() - 4);
    forged.push_str("AAAA");
    for (name, token, reason) in [
        ("expired", signed(&good.clone().with("exp", now() - 900)), "token_expired"),
        ("for another audience", signed(&good.clone().with("aud", "x")), "audience_mismatch"),
        ("a forged one", forged, "signature_invalid"),
        ("of another configured issuer", of_other, "issuer_untrusted"),
        ("of Rownd", of_rownd, "issuer_untrusted"),
        ("of nobody", signed(&good.clone().with("iss", "https://x.example")), "issuer_untrusted"),
        (
            "an ID token",
            signed(&good.clone().with("nonce", "n").with("at_hash", "h")),
            "token_kind_refused",
        ),
        ("without a user", signed(&good.clone().without("sub")), "claims_invalid"),
        ("no token", "opaque".to_owned(), "token_malformed"),
    ] {
        let (status, body) = rig.of_token(&token).await;
        assert_eq!((status, &body["reason"]), (400, &json!(reason)), "{name}: {body}");
        assert!(!body.to_string().contains(&token), "{name}");
    }
    // It is a plain no: nobody is to be called for it.
    rig.ask("GET HERE", "", "").await;
    let ended = |outcome, reason| {
        let labels = [("api", "token_validator"), ("outcome", outcome), ("reason", reason)];
        rig.app.metric("rownd_authz_checks_total", &labels)
    };
    assert_eq!(ended("unavailable", "cancelled"), 0.0);
    for reason in ["issuer_untrusted", "credential_missing"] {
        assert!(ended("deny", reason) > 0.0, "{reason}");
    }
}

#[tokio::test]
async fn a_request_of_another_form_is_refused() {
    let rig = Rig::with(|_| {}).await;
    let token = rig.partner.1.token(&rig.claims());
    let two = format!("authorization: Bearer {}x\r\n{JSON}", &token[..token.len() - 1]);
    for (name, line, headers, body, status, error) in [
        ("no token at all", "GET HERE", "", "", 400, "invalid_token"),
        ("an empty object", "POST HERE", JSON, "{}", 400, "invalid_token"),
        ("a number", "POST HERE", JSON, "{\"token\":7}", 400, "invalid_token"),
        (
            "two that differ",
            "POST HERE",
            &two,
            &json!({ "token": token }).to_string(),
            400,
            "invalid_token",
        ),
        ("in the query", &format!("GET HERE?token={token}"), "", "", 400, "invalid_token"),
        ("another method", "PUT HERE", JSON, "{}", 405, "invalid_request"),
        ("another type", "POST HERE", "content-type: text/plain\r\n", "x", 415, "invalid_request"),
        ("a list", "POST HERE", JSON, "[]", 422, "invalid_request"),
        (
            "a member twice",
            "POST HERE",
            JSON,
            &format!("{{\"token\":\"{token}\",\"token\":\"{token}\"}}"),
            422,
            "invalid_request",
        ),
        ("half an object", "POST HERE", JSON, "{\"token\":\"", 422, "invalid_request"),
        ("a large one", "POST HERE", JSON, &"x".repeat((256 << 10) + 1), 413, "invalid_request"),
        ("another secret", "GET /token-validator/x", "", "", 403, "caller_refused"),
        ("no secret", "GET /token-validator", "", "", 403, "caller_refused"),
        ("a longer path", "GET HERE/x", "", "", 403, "caller_refused"),
    ] {
        let (found, body) = rig.ask(line, headers, body).await;
        assert_eq!((found, &body["error"]), (status, &json!(error)), "{name}: {body}");
    }
}

#[tokio::test]
async fn what_cannot_be_decided_is_a_503_and_a_flood_a_429() {
    let rig = Rig::with(|config| {
        config["issuers"][1]["keys"] = json!({ "cooldown": "100ms" });
    })
    .await;
    // A key that nobody has published, issued after the last fetch, while the issuer is down.
    rig.partner.0.set("/hub/auth/keys", Reply::status(500));
    let unknown = Key::of(Algorithm::EdDsa, "new");
    let token = unknown.token(&rig.claims().with("iat", now()));
    let line = format!("POST /token-validator/{SECRET}");
    let body = json!({ "token": token }).to_string();
    let answer = send(&rig.app, &line, JSON, &body).await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);

    let slow = Rig::with(|config| {
        config["token_validator"]["caller"]["per_second"] = json!(1);
    })
    .await;
    let mut statuses = Vec::new();
    for _ in 0..20 {
        // An unknown client does not use up the limit of the caller.
        let (stranger, _) = slow.ask("GET /token-validator/stranger", "", "").await;
        assert_eq!(stranger, 403);
        statuses.push(slow.ask("GET HERE", "", "").await.0);
    }
    assert_eq!(statuses.first(), Some(&400));
    assert!(statuses.contains(&429), "{statuses:?}");
    assert!(statuses.iter().all(|status| [400, 429].contains(status)), "{statuses:?}");
}

#[tokio::test]
async fn a_source_is_a_proof_and_both_proofs_are_needed_where_both_are_written() {
    for (name, caller, with_secret, without) in [
        ("this machine", json!({ "sources": ["127.0.0.0/8"] }), 403, 400),
        ("elsewhere", json!({ "sources": ["192.0.2.1"] }), 403, 403),
        ("both", json!({ "secret": SECRET, "sources": ["127.0.0.1"] }), 400, 403),
        (
            "elsewhere with a secret",
            json!({ "secret": SECRET, "sources": ["2001:db8::/32"] }),
            403,
            403,
        ),
    ] {
        let rig = Rig::with(|config| config["token_validator"]["caller"] = caller).await;
        assert_eq!(rig.ask("GET HERE", "", "").await.0, with_secret, "{name}");
        assert_eq!(rig.ask("GET /token-validator", "", "").await.0, without, "{name}");
    }
}
