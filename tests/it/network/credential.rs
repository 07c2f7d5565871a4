//! The credential of the fetches of keys, as Kubernetes' API server asks for one: by whom it is
//! seen, and what happens where it cannot be read.

use std::fs;

use rownd_authz::model::DenyReason;
use serde_json::{Value, json};

use super::{FETCHES, Secure, failed, last_error};
use crate::support::{
    Ask, Claims, Issuer, Reply, TestApp, eventually, issuer::KEYS, tls_front::TlsFront, until,
};

const METADATA: &str = "/.well-known/openid-configuration";
const API_KEYS: &str = "/openid/v1/jwks";

/// An API server: it shows its metadata and its keys to the bearer of the token alone, and its
/// metadata name its own address.
struct ApiServer {
    secure: Secure,
    /// The same server by another address.
    address: TlsFront,
}

impl ApiServer {
    async fn start() -> Self {
        let secure = Secure::start().await;
        let pair = secure.authority.issue();
        let address = TlsFront::start(&pair, secure.issuer.address()).await;
        let server = Self { secure, address };
        server.demand("canary-one");
        server.rotate("canary-one");
        server
    }

    fn own(&self) -> String {
        format!("https://{}", self.address.address())
    }

    /// From now on the server takes this token.
    fn demand(&self, token: &str) {
        let demanding =
            |reply| Reply::Demanding(format!("authorization: bearer {token}"), Box::new(reply));
        let metadata = json!({ "issuer": self.secure.front.url(),
            "jwks_uri": format!("{}{API_KEYS}", self.own()) });
        self.secure.issuer.set(METADATA, demanding(Reply::json(&metadata)));
        self.secure.issuer.set(API_KEYS, demanding(Reply::keys(&[&self.secure.key])));
    }

    /// From now on the file holds this token.
    fn rotate(&self, token: &str) {
        self.secure.write("token", &format!("{token}\n"));
    }

    fn config(&self, change: impl FnOnce(&mut Value)) -> Value {
        self.secure.config(|config| {
            config["issuers"] = json!([{
                "name": "cluster",
                "kind": "oidc",
                "issuer": self.secure.front.url(),
                "audiences": ["my-api"],
                "claims": { "user_id": "sub" },
                "tls": { "ca_file": self.secure.path("ca.crt") },
                "allowed_origins": [self.own()],
                "keys": {
                    "bearer_file": self.secure.path("token"),
                    "cooldown": "100ms",
                    "refresh_interval": "1s",
                },
            }]);
            change(config);
        })
    }
}

#[tokio::test]
async fn an_api_server_is_asked_with_the_token_of_the_file_and_by_its_own_address() {
    let server = ApiServer::start().await;
    let app = TestApp::ready(&server.config(|_| {})).await;
    let claims = Claims::of(&server.secure.front.url())
        .with("aud", json!(["my-api"]))
        .with("sub", "system:serviceaccount:shop:cart");
    let answer = app.check(&Ask::with_token(server.secure.key.token(&claims))).await;
    answer.assert_allowed("a service account", "authenticated");
    assert_eq!(answer.set("x-rownd-user-id"), Some("system:serviceaccount:shop:cart"));
    let other = claims.with("aud", json!(["https://kubernetes.default.svc"]));
    let denied = app.check(&Ask::with_token(server.secure.key.token(&other))).await;
    denied.assert_denied("a token for the API server", DenyReason::AudienceMismatch);

    // The kubelet replaces the token; the server takes the new one alone.
    server.rotate("canary-two");
    server.demand("canary-two");
    let good = || app.metric(FETCHES, &[("result", "ok")]);
    let before = good();
    until("a fetch with the new token", || good() > before).await;
    let page = app.page("/status").await.body + &app.metrics.render();
    assert!(!page.contains("canary"), "{page}");
}

#[tokio::test]
async fn an_address_that_is_not_allowed_is_not_asked_and_says_what_to_write() {
    for (what, allowed) in [
        ("no origin", json!([])),
        ("another port", json!(["https://127.0.0.1:1"])),
        ("another host", json!(["https://localhost"])),
    ] {
        let server = ApiServer::start().await;
        let app = TestApp::start(&server.config(|config| {
            config["issuers"][0]["allowed_origins"] = allowed;
        }))
        .await;
        failed(&app, "network").await;
        let error = last_error(&app).await;
        assert!(error.contains("issuers[].allowed_origins"), "{what}: {error}");
        assert_eq!(server.secure.issuer.hits(API_KEYS), 0, "{what}");
    }
}

#[tokio::test]
async fn without_its_credential_nothing_is_sent() {
    for (what, spoil, said) in [
        ("absent", None, "No such file"),
        ("empty", Some(""), "is empty"),
        ("blank", Some("\n\n"), "is empty"),
        ("two lines", Some("one\ntwo"), "more than one value"),
    ] {
        let server = ApiServer::start().await;
        match spoil {
            None => fs::remove_file(server.secure.path("token")).unwrap(),
            Some(text) => server.secure.write("token", text),
        }
        let app = TestApp::start(&server.config(|_| {})).await;
        failed(&app, "credential").await;
        let error = last_error(&app).await;
        for word in [said, "keys.bearer_file", &*server.secure.path("token")] {
            assert!(error.contains(word), "{what}: {error}");
        }
        assert_eq!(server.secure.issuer.connections(), 0, "{what}");
        let token = server.secure.key.token(&Claims::of(&server.secure.front.url()));
        app.check(&Ask::with_token(token)).await.assert_denied(what, DenyReason::KeysUnavailable);
        server.rotate("canary-one");
        app.is_ready().await;
    }
}

#[tokio::test]
async fn a_redirect_takes_the_credential_nowhere() {
    let server = ApiServer::start().await;
    let lure = Issuer::with_keys(&[&server.secure.key]);
    for path in [METADATA, API_KEYS] {
        server.demand("canary-one");
        for status in [301, 302, 307, 308] {
            let to = format!("{}{KEYS}", lure.url());
            server.secure.issuer.set(path, Reply::redirect(status, &to));
            let app = TestApp::start(&server.config(|_| {})).await;
            failed(&app, "status").await;
            let error = last_error(&app).await;
            assert!(error.contains(&status.to_string()), "{path}: {error}");
        }
    }
    assert_eq!(lure.connections(), 0);
}

#[tokio::test]
async fn more_headers_come_from_files_and_the_copy_elsewhere_gets_none() {
    let secure = Secure::start().await;
    secure.write("key", "s3cret value\n");
    let copy = Issuer::with_keys(&[&secure.key]);
    let demanded = Reply::Demanding(
        "x-api-key: s3cret value".to_owned(),
        Box::new(Reply::keys(&[&secure.key])),
    );
    secure.issuer.set(KEYS, demanded);
    let config = secure.config(|config| {
        config["issuers"][0]["jwks_url"] = json!(format!("{}{KEYS}", secure.front.url()));
        config["issuers"][0]["jwks_fallback_url"] = json!(format!("{}{KEYS}", copy.url()));
        config["issuers"][0]["keys"]["headers"] =
            json!([{ "name": "X-API-Key", "file": secure.path("key") }]);
    });
    let app = TestApp::ready(&config).await;
    secure.judge(&app).await.assert_allowed("by a header", "authenticated");
    assert_eq!(copy.connections(), 0);

    secure.issuer.set(KEYS, Reply::status(500));
    let app = TestApp::ready(&config).await;
    secure.judge(&app).await.assert_allowed("by the copy", "authenticated");
    let heads = copy.heads().concat();
    assert!(
        !heads.is_empty() && !heads.contains("s3cret") && !heads.contains("x-api-key"),
        "{heads}"
    );
    eventually("no secret in sight", async || {
        let page = app.page("/status").await.body + &app.metrics.render();
        (!page.contains("s3cret")).then_some(())
    })
    .await;
}
