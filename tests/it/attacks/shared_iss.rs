//! Two issuers with one `iss`, for access tokens and for ID tokens, through the whole service: by
//! the door of the proxy and by that of backends, across a reload, and on the pages of operators.

use rownd_authz::{
    grpc::pb::rownd::auth::v1::{
        VerifyRequest, rownd_auth_client::RowndAuthClient, verify_response::Outcome,
    },
    model::DenyReason,
};
use serde_json::{Value, json};

use crate::support::{Ask, Issuer, Key, TestApp, config_with, forge::now, issuer::KEYS};

fn entry(name: &str, issuer: &Issuer, accepts: &str, audience: &str) -> Value {
    json!({
        "name": name, "kind": "oidc", "issuer": issuer.url(), "audiences": [audience, "both"],
        "accepts": accepts, "jwks_url": format!("{}{KEYS}", issuer.url()),
        "claims": { "user_id": if accepts == "id" { "email" } else { "sub" } },
        "keys": { "cooldown": "100ms", "fetch_timeout": "30s" },
    })
}

fn settings(issuer: &Issuer) -> Value {
    config_with(issuer, |config| {
        config["issuers"] =
            json!([entry("api", issuer, "access", "api"), entry("ids", issuer, "id", "client")]);
    })
}

/// A token with these claims beside those that every token has.
fn token(key: &Key, issuer: &Issuer, changes: &Value) -> String {
    let mut claims = json!({
        "iss": issuer.url(), "sub": "user-1", "email": "a@b.test",
        "iat": now() - 10, "exp": now() + 600,
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    key.sign(key.header().to_string(), claims.to_string())
}

async fn verified_by(app: &TestApp, token: &str) -> (String, String) {
    let request = VerifyRequest { token: token.to_owned(), ..VerifyRequest::default() };
    let answer = RowndAuthClient::new(app.channel()).verify(request).await.unwrap();
    match answer.into_inner().outcome.unwrap() {
        Outcome::Identity(who) => (who.issuer, who.user_id),
        Outcome::Denial(denial) => (denial.issuer.unwrap_or_default(), denial.reason),
    }
}

#[tokio::test]
async fn both_doors_judge_a_token_of_a_shared_iss_by_the_issuer_of_its_kind() {
    let key = Key::new("k");
    let issuer = Issuer::with_keys(&[&key]);
    let app = TestApp::ready(&settings(&issuer)).await;
    for (what, changes, judge, expected) in [
        ("an access token", json!({ "aud": "api", "scope": "a" }), "api", Ok("user-1")),
        ("an ID token", json!({ "aud": "client", "nonce": "n" }), "ids", Ok("a@b.test")),
        ("no mark, an audience", json!({ "aud": "client" }), "ids", Ok("a@b.test")),
        ("both", json!({ "aud": "both" }), "api", Err(DenyReason::TokenKindAmbiguous)),
        ("none", json!({ "aud": "x", "nonce": "n" }), "ids", Err(DenyReason::AudienceMismatch)),
        ("a logout", json!({ "events": {} }), "api", Err(DenyReason::TokenKindRefused)),
    ] {
        let token = token(&key, &issuer, &changes);
        let answer = app.check(&Ask::with_token(&token)).await;
        let by_backend = verified_by(&app, &token).await;
        match expected {
            Ok(user) => {
                answer.assert_allowed(what, "authenticated");
                assert_eq!(answer.set("x-rownd-issuer"), Some(judge), "{what}");
                assert_eq!(by_backend, (judge.to_owned(), user.to_owned()), "{what}");
            }
            Err(reason) => {
                answer.assert_denied(what, reason);
                assert_eq!(answer.fact("issuer"), judge, "{what}");
                assert_eq!(by_backend, (judge.to_owned(), reason.code().to_owned()), "{what}");
            }
        }
    }
    assert_eq!(issuer.hits(KEYS), 1, "one fetch for both");
    let page: Value = serde_json::from_str(&app.page("/status").await.body).unwrap();
    for (place, name) in ["api", "ids"].into_iter().enumerate() {
        assert_eq!(page["issuers"][place]["name"], name);
        assert_eq!(page["issuers"][place]["keys"]["usable"], 1, "{page}");
    }
    let metrics = app.page("/metrics").await.body;
    for name in ["api", "ids"] {
        let series = format!("rownd_authz_keys{{issuer=\"{name}\"}} 1");
        assert!(metrics.lines().any(|line| line == series), "{series} is not in\n{metrics}");
    }
}

#[tokio::test]
async fn the_keys_of_a_shared_iss_are_kept_fresh_whichever_of_the_two_goes() {
    let key = Key::new("k");
    let issuer = Issuer::with_keys(&[&key]);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.json");
    let write = |settings: &Value| std::fs::write(&file, settings.to_string()).unwrap();
    let both = settings(&issuer);
    write(&both);
    let app = TestApp::follow(&file).await;
    app.is_ready().await;
    let tokens = [("api", json!({ "aud": "api" })), ("ids", json!({ "aud": "client" }))];
    let mut epoch = 1;
    let mut rotated = 0;
    for stays in [vec![0, 1], vec![1], vec![1, 0], vec![0], vec![0, 1]] {
        let mut next = both.clone();
        let entries = stays.iter().map(|place| both["issuers"][*place].clone());
        next["issuers"] = entries.collect();
        if next != both || epoch > 1 {
            write(&next);
            epoch += 1;
            app.put_in_force(epoch).await;
        }
        // A key that comes now is found: a task is there for the keys that are in use.
        rotated += 1;
        let new = Key::new(&format!("k{rotated}"));
        issuer.publish(&[&key, &new]);
        for place in &stays {
            let (name, changes) = &tokens[*place];
            let ask = Ask::with_token(token(&new, &issuer, changes));
            let answer = crate::support::eventually("the new key", async || {
                let answer = app.check(&ask).await;
                answer.is_allowed().then_some(answer)
            });
            assert_eq!(answer.await.set("x-rownd-issuer"), Some(*name), "{stays:?}");
            // The old one was in use all the time.
            let old = app.check(&Ask::with_token(token(&key, &issuer, changes))).await;
            old.assert_allowed(&format!("{stays:?} {name}"), "authenticated");
        }
    }
}
