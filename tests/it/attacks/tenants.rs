//! An issuer with tenants, through the whole service: by both doors, across a reload of the list, by
//! commands, on the pages of operators, and with tenants that are dead.

use std::{fs, path::PathBuf};

use rownd_authz::{
    grpc::pb::rownd::auth::v1::{
        VerifyRequest, rownd_auth_client::RowndAuthClient, verify_response::Outcome,
    },
    model::DenyReason,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    Ask, Issuer, Key, Reply, TestApp,
    binary::{run, run_reading},
    config_with,
    control::{command, order},
    eventually,
    forge::now,
};

/// Publishes the metadata and the key of a tenant.
fn publish(issuer: &Issuer, tenant: &str, key: &Key) {
    let base = format!("{}/{tenant}", issuer.url());
    let metadata = json!({ "issuer": format!("{base}/v2.0"), "jwks_uri": format!("{base}/keys") });
    issuer.set(&format!("/{tenant}/v2.0/.well-known/openid-configuration"), Reply::json(&metadata));
    issuer.set(&format!("/{tenant}/keys"), Reply::keys(&[key]));
}

fn settings(issuer: &Issuer, change: impl FnOnce(&mut Value)) -> Value {
    config_with(issuer, |config| {
        config["issuers"] = json!([{
            "name": "many", "kind": "oidc", "issuer": format!("{}/{{tenant}}/v2.0", issuer.url()),
            "tenants": ["a", "b"], "audiences": ["api"],
            "keys": { "cooldown": "100ms", "fetch_timeout": "5s" },
        }]);
        change(config);
    })
}

fn token(issuer: &Issuer, tenant: &str, key: &Key) -> String {
    let claims = json!({
        "iss": format!("{}/{tenant}/v2.0", issuer.url()), "sub": "user-1", "aud": "api",
        "jti": "t", "iat": now() - 10, "exp": now() + 600,
    });
    key.sign(key.header().to_string(), claims.to_string())
}

async fn verified(app: &TestApp, token: &str) -> (String, String) {
    let request = VerifyRequest { token: token.to_owned(), ..VerifyRequest::default() };
    let answer = RowndAuthClient::new(app.channel()).verify(request).await.unwrap();
    match answer.into_inner().outcome.unwrap() {
        Outcome::Identity(who) => (who.issuer, who.tenant.unwrap_or_default()),
        Outcome::Denial(denial) => (denial.issuer.unwrap_or_default(), denial.reason),
    }
}

async fn is_allowed(app: &TestApp, token: &str) {
    eventually("the tenant's token", async || {
        app.check(&Ask::with_token(token)).await.is_allowed().then_some(())
    })
    .await;
}

async fn status(app: &TestApp) -> Value {
    app.page("/status").await.json()["issuers"][0].clone()
}

#[tokio::test]
async fn each_tenant_has_its_own_keys_and_a_stranger_costs_no_request() {
    let (issuer, keys) = (Issuer::start(), [Key::new("same"), Key::new("same")]);
    publish(&issuer, "a", &keys[0]);
    publish(&issuer, "b", &keys[1]);
    // It exists, and is not in the list.
    publish(&issuer, "c", &keys[0]);
    let app = TestApp::ready(&settings(&issuer, |_| {})).await;
    for (own, tenant) in [(0, "a"), (1, "b")] {
        let good = token(&issuer, tenant, &keys[own]);
        let answer = app.check(&Ask::with_token(&good)).await;
        answer.assert_allowed(tenant, "authenticated");
        assert_eq!(answer.set("x-rownd-issuer"), Some("many"));
        assert_eq!(verified(&app, &good).await, ("many".to_owned(), tenant.to_owned()));
        let forged = token(&issuer, tenant, &keys[1 - own]);
        app.check(&Ask::with_token(&forged))
            .await
            .assert_denied(tenant, DenyReason::SignatureInvalid);
    }
    let asked = issuer.heads().len();
    for stranger in ["c", "A", "a/b", "a%2e", "..", "{tenant}", ""] {
        let token = token(&issuer, stranger, &keys[0]);
        let answer = app.check(&Ask::with_token(&token)).await;
        answer.assert_denied(stranger, DenyReason::IssuerUntrusted);
        let (by, reason) = verified(&app, &token).await;
        assert_eq!((by.as_str(), reason.as_str()), ("", "issuer_untrusted"), "{stranger}");
    }
    let heads = issuer.heads();
    // A signature that does not fit makes the tenant's own task look again, and no other.
    let since = heads.iter().skip(asked);
    assert!(since.clone().all(|head| head.starts_with("get /a/") || head.starts_with("get /b/")));
    assert_eq!(issuer.hits("/c/keys"), 0);
}

#[tokio::test]
async fn a_dead_tenant_holds_up_neither_the_start_nor_the_others() {
    let (mut issuer, key) = (Issuer::closed(), Key::new("k"));
    publish(&issuer, "a", &key);
    let app = TestApp::start(&settings(&issuer, |_| {})).await;
    // While nobody answers at all, the process waits.
    eventually("both tenants to fail", async || {
        let page = status(&app).await;
        (page["tenants"]["faults"][1]["last_error"].is_string()).then_some(())
    })
    .await;
    assert!(!app.readiness.is_ready());
    issuer.open();
    app.is_ready().await;
    is_allowed(&app, &token(&issuer, "a", &key)).await;
    let page = status(&app).await;
    assert_eq!(page["tenants"]["total"], 2);
    assert_eq!(page["tenants"]["without_keys"], 1);
    assert_eq!(page["tenants"]["faults"][0]["tenant"], "b");
    let denied = app.check(&Ask::with_token(token(&issuer, "b", &key))).await;
    denied.assert_denied("of the dead one", DenyReason::KeysUnavailable);
    let metrics = app.page("/metrics").await.body;
    for series in [
        "rownd_authz_tenants{issuer=\"many\",state=\"fresh\"} 1",
        "rownd_authz_tenants{issuer=\"many\",state=\"without_keys\"} 1",
        "rownd_authz_keys{issuer=\"many\"} 1",
    ] {
        assert!(metrics.lines().any(|line| line == series), "{series} is not in\n{metrics}");
    }
    // It comes back, and its first token finds that out.
    publish(&issuer, "b", &key);
    is_allowed(&app, &token(&issuer, "b", &key)).await;
}

#[tokio::test]
async fn a_change_of_the_list_asks_only_for_the_new_tenant() {
    let (issuer, key, files) = (Issuer::start(), Key::new("k"), TempDir::new().unwrap());
    for tenant in ["a", "b", "c"] {
        publish(&issuer, tenant, &key);
    }
    let (list, file) = (files.path().join("tenants"), files.path().join("config.json"));
    fs::write(&list, "a\nb\n").unwrap();
    let settings = settings(&issuer, |config| {
        let issuer = config["issuers"][0].as_object_mut().unwrap();
        issuer.remove("tenants");
        issuer.insert("tenants_file".to_owned(), json!(format!("file:{}", list.display())));
    });
    fs::write(&file, settings.to_string()).unwrap();
    let app = TestApp::follow(&file).await;
    app.is_ready().await;
    let asked = issuer.hits("/a/keys");
    let of = |tenant: &str| token(&issuer, tenant, &key);
    is_allowed(&app, &of("a")).await;
    app.check(&Ask::with_token(of("c"))).await.assert_denied("c", DenyReason::IssuerUntrusted);
    fs::write(&list, "a\nc # gone: b\n").unwrap();
    assert!(matches!(
        app.reload().await,
        rownd_authz::app::ReloadOutcome::Refused(problems) if problems[0].contains("line 2")
    ));
    fs::write(&list, "a\nc\n").unwrap();
    app.put_in_force(2).await;
    is_allowed(&app, &of("c")).await;
    is_allowed(&app, &of("a")).await;
    app.check(&Ask::with_token(of("b"))).await.assert_denied("b", DenyReason::IssuerUntrusted);
    assert_eq!(issuer.hits("/a/keys"), asked, "its keys were there");
}

#[tokio::test]
async fn commands_are_about_one_tenant_or_about_all() {
    let (issuer, key, files) = (Issuer::start(), Key::new("k"), TempDir::new().unwrap());
    publish(&issuer, "a", &key);
    publish(&issuer, "b", &key);
    let socket: PathBuf = files.path().join("control.sock");
    let app = TestApp::ready(&settings(&issuer, |config| {
        let address = format!("unix:{}", socket.display());
        config["listeners"]["control"] = json!({ "address": address });
    }))
    .await;
    let tokens = ["a", "b"].map(|tenant| token(&issuer, tenant, &key));
    let user = json!({ "user_id": "user-1", "issuer": "many", "tenant": "a" });
    assert_eq!(order(&socket, "/revoke", &user).await["new"], 1);
    app.check(&Ask::with_token(&tokens[0])).await.assert_denied("a", DenyReason::Revoked);
    app.check(&Ask::with_token(&tokens[1])).await.assert_allowed("b", "authenticated");
    assert_eq!(order(&socket, "/unrevoke", &user).await["taken_back"], 1);
    app.check(&Ask::with_token(&tokens[0])).await.assert_allowed("a", "authenticated");
    let all = json!({ "user_id": "user-1", "issuer": "many" });
    assert_eq!(order(&socket, "/revoke", &all).await["new"], 2);
    for token in &tokens {
        app.check(&Ask::with_token(token)).await.assert_denied("all", DenyReason::Revoked);
    }
    let asked = ["/a/keys", "/b/keys"].map(|path| issuer.hits(path));
    order(&socket, "/keys/forget", &json!({ "issuer": "many", "tenant": "a" })).await;
    issuer.asked("/a/keys", asked[0] + 1).await;
    assert_eq!(issuer.hits("/b/keys"), asked[1]);
    for (path, body, expected) in [
        ("/revoke", json!({ "jti": "t", "tenant": "a" }), 400),
        ("/revoke", json!({ "jti": "t", "issuer": "many", "tenant": "x" }), 404),
        ("/unrevoke", json!({ "jti": "t", "issuer": "x", "tenant": "a" }), 404),
        ("/keys/forget", json!({ "tenant": "a" }), 400),
        ("/keys/forget", json!({ "issuer": "many", "tenant": "x" }), 404),
    ] {
        let (status, answer) = command(&socket, "POST", path, &body.to_string()).await;
        assert_eq!(status, expected, "{path} {body}: {answer}");
    }
}

#[tokio::test]
async fn the_command_line_knows_the_tenants() {
    let (issuer, key, files) = (Issuer::start(), Key::new("k"), TempDir::new().unwrap());
    publish(&issuer, "a", &key);
    let file = files.path().join("rownd-authz.yaml");
    fs::write(&file, settings(&issuer, |_| {}).to_string()).unwrap();
    let name = file.to_str().unwrap().to_owned();
    let check = move || run(&["config", "check", "--online", "--config", &name], &[]);
    let output = tokio::task::spawn_blocking(check).await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("many, tenant a (") && said.contains(": 1 usable key(s)"), "{said}");
    assert!(said.contains("many, tenant b (") && said.contains("not fetched"), "{said}");
    assert_eq!(output.status.code(), Some(1), "b has no keys");
    let name = file.to_str().unwrap().to_owned();
    for (tenant, code, expected) in [
        ("a", 2, "undecided: issuer many takes it if its signature is good"),
        ("c", 1, "/{tenant}/v2.0, with one of its 2 tenants"),
    ] {
        let (name, token) = (name.clone(), token(&issuer, tenant, &key));
        let inspect = move || run_reading(&["token", "inspect", "--config", &name], &token);
        let output = tokio::task::spawn_blocking(inspect).await.unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains(expected), "{said}");
        assert_eq!(output.status.code(), Some(code), "{tenant}");
    }
    let printed = run(&["config", "print", "--config", &name], &[]);
    let printed = String::from_utf8(printed.stdout).unwrap();
    assert!(printed.contains("/{tenant}/v2.0") && printed.contains("tenants:"), "{printed}");
}
