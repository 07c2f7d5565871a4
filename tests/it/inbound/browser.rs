//! The callbacks of Rownd's snippet: the token is verified, and nothing else of a callback is believed.

use serde_json::{Value, json};

use super::{http_address, send};
use crate::{
    it::events,
    support::{
        Ask, Claims, Issuer, Key, Reply, TestApp, config_with,
        forge::{APP, Algorithm, USER, now},
        http,
    },
};

const JSON: &str = "content-type: application/json\r\n";
const PAGE: &str = "https://shop.test";

struct Rig {
    app: TestApp,
    issuer: Issuer,
    key: Key,
    /// Of another issuer.
    other: (Issuer, Key),
    file: tempfile::NamedTempFile,
}

fn profile() -> String {
    format!("/applications/{APP}/users/{USER}/data")
}

impl Rig {
    async fn open() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Value)) -> Self {
        let key = Key::new("sig-1");
        let issuer = Issuer::with_keys(&[&key]);
        let other_key = Key::of(Algorithm::EdDsa, "other");
        let other = (Issuer::with_keys(&[&other_key]), other_key);
        let file = tempfile::NamedTempFile::new().unwrap();
        let settings = config_with(&issuer, |config| {
            config["listeners"]["http"] = json!({
                "address": "127.0.0.1:0", "serve": ["webhooks"],
                "cors": { "allowed_origins": [PAGE] },
            });
            config["issuers"][0]["apps"][0] =
                json!({ "id": APP, "key": "key_1", "secret": "ras_1" });
            let url = other.0.url();
            config["issuers"].as_array_mut().unwrap().push(json!({
                "name": "other", "kind": "oidc", "issuer": url, "audiences": ["shop"],
                "jwks_url": format!("{url}/hub/auth/keys"), "algorithms": ["EdDSA"],
            }));
            config["routes"].as_array_mut().unwrap().push(json!({
                "id": "fresh", "match": { "path": { "prefix": "/fresh" } }, "freshness": "profile",
            }));
            config["profiles"] = json!({ "ttl": "1h" });
            config["events"] = json!({
                "source": "https://auth.test",
                "sinks": [{ "name": "file", "file": { "path": file.path() } }],
                "sources": [{ "name": "page", "kind": "browser_callbacks", "issuer": "rownd" }],
            });
            change(config);
        });
        issuer.set(&profile(), Reply::json(&json!({ "state": "enabled" })));
        Self { app: TestApp::ready(&settings).await, issuer, key, other, file }
    }

    fn token(&self, jti: &str) -> String {
        self.key.token(&Claims::of(&self.issuer.url()).with("jti", jti))
    }

    async fn reason(&self, path: &str, token: &str) -> String {
        self.app.check(&Ask::get(path).bearer(token)).await.reason().to_owned()
    }

    /// A callback from a page of another allowed host.
    async fn send(&self, line: &str, headers: &str, body: &str) -> (u16, Value) {
        let line = line.replace("HERE", "/webhooks/page");
        let headers = format!("origin: {PAGE}\r\n{headers}");
        let answer = send(&self.app, &line, &headers, body).await;
        assert_eq!(answer.header("cache-control"), "no-store", "{line}");
        assert_eq!(answer.header("access-control-allow-origin"), PAGE, "{line}");
        (answer.status, answer.json())
    }

    async fn post(&self, callback: &str, token: &str) -> (u16, Value) {
        let body = json!({ "access_token": token }).to_string();
        self.send(&format!("POST HERE/{callback}"), JSON, &body).await
    }

    fn counted(&self, result: &str) -> f64 {
        let labels = [("kind", "browser_callback"), ("result", result)];
        self.app.metric("rownd_authz_inbound_requests_total", &labels)
    }
}

#[tokio::test]
async fn a_sign_in_is_a_token_that_is_verified_and_an_event() {
    let rig = Rig::open().await;
    let token = rig.token("t1");
    let bearer = format!("authorization: Bearer {token}\r\n");
    let body = json!({ "access_token": token, "user_data": { "email": "x" } }).to_string();
    let expected = json!({ "message": "the token is good", "should_refresh_page": false });
    let both = format!("{bearer}{JSON}");
    for (name, line, headers, body) in [
        ("POST", "POST", JSON, body.as_str()),
        ("PUT", "PUT", JSON, &body),
        ("GET", "GET", &bearer, ""),
        ("both places", "POST", &both, &body),
    ] {
        let line = format!("{line} HERE/post-authentication");
        assert_eq!(rig.send(&line, headers, body).await, (200, expected.clone()), "{name}");
    }
    let told = events::wait_for(rig.file.path(), "token.verified", 1).await;
    assert_eq!(told[0]["data"]["api"], "browser_callback");
    assert_eq!(told[0]["data"]["user_id"], USER);
    assert_eq!(rig.counted("ok"), 4.0);
    assert_eq!(rig.reason("/", &token).await, "authenticated");
}

#[tokio::test]
async fn a_sign_out_revokes_the_token_that_it_comes_with_and_no_other() {
    let rig = Rig::open().await;
    let (own, another) = (rig.token("t1"), rig.token("t2"));
    // Nothing counts that a page says beside the token.
    let body = json!({
        "access_token": own, "user_id": "somebody", "session_id": "s1", "jti": "t2",
        "user_data": { "user_id": USER },
    });
    for (name, method, result) in [("first", "POST", "ok"), ("again", "DELETE", "duplicate")] {
        let before = rig.counted(result);
        let line = format!("{method} HERE/post-sign-out");
        let (status, answer) = rig.send(&line, JSON, &body.to_string()).await;
        assert_eq!((status, &answer["revoked"]), (200, &json!(true)), "{name}: {answer}");
        assert_eq!(rig.counted(result), before + 1.0, "{name}");
        assert_eq!(rig.reason("/", &own).await, "revoked", "{name}");
        assert_eq!(rig.reason("/", &another).await, "authenticated", "{name}");
    }
    let told = events::wait_for(rig.file.path(), "session.revoked", 1).await;
    assert_eq!(
        (&told[0]["data"]["kind"], &told[0]["data"]["token_id"]),
        (&json!("token"), &json!("t1"))
    );
    // A page whose session has ended has no token any more.
    let nothing = json!({ "message": "signed out", "revoked": false });
    for body in ["", "{}", r#"{"access_token":null,"user_id":"u"}"#] {
        let found = rig.send("POST HERE/post-sign-out", JSON, body).await;
        assert_eq!(found, (200, nothing.clone()), "{body}");
    }
    assert_eq!(rig.counted("without_effect"), 3.0);
    let without_id = rig.key.token(&Claims::of(&rig.issuer.url()).without("jti"));
    assert_eq!(rig.post("post-sign-out", &without_id).await, (200, nothing));
    assert_eq!(rig.app.metric("rownd_authz_revocations", &[]), 1.0);
    assert_eq!(rig.reason("/", &another).await, "authenticated");
}

#[tokio::test]
async fn a_change_of_the_data_has_the_user_read_again_and_is_not_believed() {
    let rig = Rig::open().await;
    let token = rig.token("t1");
    for _ in 0..3 {
        assert_eq!(rig.reason("/fresh", &token).await, "authenticated");
    }
    assert_eq!(rig.issuer.hits(&profile()), 1, "it is cached");
    rig.issuer.set(&profile(), Reply::json(&json!({ "state": "disabled" })));
    let body =
        json!({ "access_token": token, "user_data": { "state": "enabled", "user_id": "x" } });
    let (status, answer) =
        rig.send("PUT HERE/post-user-data-update", JSON, &body.to_string()).await;
    assert_eq!((status, &answer["should_refresh_page"]), (200, &json!(false)), "{answer}");
    assert_eq!(rig.reason("/fresh", &token).await, "user_disabled");
    assert_eq!(rig.issuer.hits(&profile()), 2);
    assert_eq!(rig.reason("/", &token).await, "authenticated", "nothing is revoked");
}

/// Every hostile callback is refused by its reason, and neither revokes nor forgets anything.
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn a_hostile_callback_is_refused_by_its_reason() {
    let rig = Rig::open().await;
    let (good, another) = (rig.token("t1"), rig.token("t2"));
    assert_eq!(rig.reason("/fresh", &good).await, "authenticated");
    let claims = || Claims::of(&rig.issuer.url());
    let foreign = Key::new("sig-1").token(&claims());
    let expired = rig.key.token(&claims().with("exp", now() - 3600));
    let refresh = rig.key.token(&claims().rownd("jwt_type", "refresh_token"));
    let app = rig.key.token(&claims().with("aud", json!(["app:app_of_others"])));
    let partner = Claims::of(&rig.other.0.url()).with("aud", "shop").with("sub", USER);
    let partner = rig.other.1.token(&partner);
    let member = |token: &str| json!({ "access_token": token }).to_string();
    let bearer = |token: &str| format!("authorization: Bearer {token}\r\n{JSON}");
    let plain = JSON.to_owned();
    for (name, headers, body, status, reason) in [
        ("forged", plain.clone(), member(&foreign), 401, "signature_invalid"),
        ("expired", plain.clone(), member(&expired), 401, "token_expired"),
        ("a refresh token", plain.clone(), member(&refresh), 401, "token_kind_refused"),
        ("another app", plain.clone(), member(&app), 401, "audience_mismatch"),
        ("another issuer", plain.clone(), member(&partner), 401, "issuer_untrusted"),
        ("no token", plain.clone(), member("x"), 401, "token_malformed"),
        ("an empty one", plain.clone(), member(""), 401, "token_malformed"),
        (
            "a list",
            plain.clone(),
            json!({ "access_token": [good] }).to_string(),
            401,
            "token_malformed",
        ),
        ("two that differ", bearer(&another), member(&good), 401, "credentials_ambiguous"),
        (
            "another member",
            plain.clone(),
            json!({ "token": good }).to_string(),
            401,
            "credential_missing",
        ),
        ("nothing", plain.clone(), String::new(), 401, "credential_missing"),
        ("another type", "content-type: text/plain\r\n".to_owned(), member(&good), 415, ""),
        ("compressed", format!("{JSON}content-encoding: gzip\r\n"), member(&good), 415, ""),
        ("no object", plain.clone(), "[]".to_owned(), 422, ""),
        ("no JSON", plain.clone(), "access_token=x".to_owned(), 422, ""),
        ("a large one", plain.clone(), " ".repeat((256 << 10) + 1), 413, ""),
    ] {
        for callback in ["post-authentication", "post-user-data-update", "post-sign-out"] {
            if callback == "post-sign-out" && reason == "credential_missing" {
                continue;
            }
            let line = format!("POST HERE/{callback}");
            let (found, answer) = rig.send(&line, &headers, &body).await;
            let expected = if reason.is_empty() { Value::Null } else { json!(reason) };
            assert_eq!((found, &answer["reason"]), (status, &expected), "{name}, {callback}");
            for secret in [&good, &foreign, &expired] {
                assert!(!answer.to_string().contains(secret.as_str()), "{name}");
            }
        }
    }
    let query = format!("POST HERE/post-authentication?access_token={good}");
    assert_eq!(rig.send(&query, JSON, "").await.1["reason"], "credential_missing");
    for (line, status) in [
        ("DELETE HERE/post-authentication", 405),
        ("GET HERE/post-sign-out", 405),
        ("GET HERE/post-user-data-update", 405),
        ("PATCH HERE/post-user-data-update", 405),
    ] {
        let found = rig.send(line, &bearer(&good), &member(&good)).await;
        assert_eq!(found.0, status, "{line}");
    }
    for path in ["", "/", "/x", "/post-sign-out/", "/post-sign-out/x", "/POST-SIGN-OUT"] {
        let line = format!("POST /webhooks/page{path}");
        assert_eq!(send(&rig.app, &line, JSON, &member(&good)).await.status, 403, "{path}");
    }
    assert_eq!(rig.app.metric("rownd_authz_revocations", &[]), 0.0);
    assert_eq!(rig.reason("/fresh", &good).await, "authenticated");
    assert_eq!(rig.issuer.hits(&profile()), 1, "nothing was forgotten");
    assert_eq!(rig.other.0.hits("/hub/auth/keys"), 1, "keys of others are not asked for");
}

#[tokio::test]
async fn only_pages_of_the_host_and_of_the_allowed_origins_may_call() {
    let rig = Rig::open().await;
    let host = http_address(&rig.app);
    let body = json!({ "access_token": rig.token("t1") }).to_string();
    let line = "POST /webhooks/page/post-authentication";
    for (name, origin, status) in [
        ("no page", String::new(), 200),
        ("the host itself", format!("origin: http://{host}\r\n"), 200),
        ("the host by TLS", format!("origin: https://{host}\r\n"), 200),
        ("an allowed one", format!("origin: {PAGE}\r\n"), 200),
        ("another", "origin: https://evil.test\r\n".to_owned(), 403),
        ("no origin", "origin: null\r\n".to_owned(), 403),
        ("two", format!("origin: {PAGE}\r\norigin: {PAGE}\r\n"), 403),
    ] {
        let answer = send(&rig.app, line, &format!("{origin}{JSON}"), &body).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.body);
        let refused = answer.json()["error"] == "origin_refused";
        assert_eq!(refused, status == 403, "{name}: {}", answer.body);
        assert!(!answer.head.to_lowercase().contains("allow-credentials"), "{name}");
    }
    let ask = "access-control-request-method: PUT\r\n\
               access-control-request-headers: content-type,x-csrftoken\r\n";
    for (origin, status) in [(PAGE, 200), ("https://evil.test", 403)] {
        let headers = format!("origin: {origin}\r\n{ask}");
        let answer =
            http::request(host, "OPTIONS /webhooks/page/post-sign-out", &headers, "").await;
        assert_eq!(answer.status, status, "{origin}");
        if status == 200 {
            assert_eq!(answer.header("access-control-allow-origin"), origin);
            assert!(answer.header("access-control-allow-methods").contains("PUT"));
            assert_eq!(answer.header("access-control-allow-headers"), "content-type,x-csrftoken");
        } else {
            assert!(!answer.head.contains("access-control-allow-origin"), "{}", answer.head);
        }
    }
    assert_eq!(rig.counted("caller_refused"), 4.0);
}

#[tokio::test]
async fn a_flood_is_answered_429_and_what_cannot_be_decided_503() {
    let rig = Rig::with(|config| {
        config["events"]["sources"][0]["caller"] = json!({ "per_second": 2 });
    })
    .await;
    let token = rig.token("t1");
    let mut statuses = Vec::new();
    for _ in 0..20 {
        statuses.push(rig.post("post-authentication", &token).await.0);
    }
    assert_eq!(statuses.first(), Some(&200));
    assert!(statuses.contains(&429), "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 429].contains(status)), "{statuses:?}");

    let rig = Rig::open().await;
    rig.issuer.set("/hub/auth/keys", Reply::status(500));
    let unknown = Key::new("new").token(&Claims::of(&rig.issuer.url()).with("iat", now()));
    let body = json!({ "access_token": unknown }).to_string();
    let answer = send(&rig.app, "POST /webhooks/page/post-sign-out", JSON, &body).await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
}
