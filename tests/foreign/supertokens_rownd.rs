//! SuperTokens' own `supertokens-rownd` 1.0.2 takes the emulator for Rownd, and for SuperTokens' core.
//!
//! In: tokens of every kind, and users that a backend has changed. Out: the verdict of both validators of
//! the plugin on each token, the profiles and addresses that its client finds, its judgement of a
//! sign-out, and the users as it shows and changes them.

use std::collections::BTreeMap;

use prost_types::{Struct, Value as Wire, value::Kind};
use rownd_authz::grpc::pb::rownd::auth::v1::{
    AuthLevel, GetUserRequest, UpdateUserRequest, User, get_user_request::Subject,
    rownd_auth_client::RowndAuthClient, user_service_client::UserServiceClient,
};
use serde_json::{Value, json};
use tonic::Request;

use super::{
    package,
    talk::{Running, python},
    tool,
};
use crate::support::TestApp;
use rownd_emulator::{SignedBy, TokenOrder};

async fn judge(running: &Running, tokens: &BTreeMap<&str, String>) -> Value {
    tool("venv/supertokens.stamp");
    let question = json!({
        "api_url": running.base_url,
        "app_key": running.settings.app_key,
        "app_secret": running.settings.app_secret,
        "app_id": running.settings.app_id,
        "tokens": tokens,
        "users": ["user_verified", "user_disabled", "user_nobody"],
        "addresses": ["vera@example.com", "UMA@example.com", "nobody@example.com"],
    });
    let said = python("tests/foreign/supertokens/judge.py", &question).await;
    let wanted = std::fs::read_to_string(package(".ci/tools/supertokens.txt")).unwrap();
    let version = format!("supertokens-rownd=={} ", said["version"].as_str().unwrap());
    assert!(wanted.contains(&version), "{version}: run `make tools` again");
    said
}

#[tokio::test]
async fn the_plugins_client_of_rownd_reads_tokens_profiles_and_addresses() {
    let running = Running::start().await;
    let mint = |order: &TokenOrder| running.minter.mint(order).unwrap();
    let other_app = TokenOrder { app: Some("app_other".to_owned()), ..TokenOrder::default() };
    let plain = TokenOrder::default;
    let refused = |reason: &str| format!("error: {reason}");
    let cases = [
        ("verified", plain(), "user_verified".to_owned(), "user_verified".to_owned()),
        ("guest", TokenOrder::of("guest"), "user_guest".to_owned(), "user_guest".to_owned()),
        ("refresh", plain().refresh(), "user_verified".to_owned(), "user_verified".to_owned()),
        // The older validator lets tokens without end in, the hosted one does not.
        (
            "no end",
            plain().without_claim("exp"),
            "user_verified".to_owned(),
            refused("TOKEN_CLAIMS_INVALID"),
        ),
        ("expired", plain().expired(), refused("TOKEN_EXPIRED"), refused("TOKEN_EXPIRED")),
        (
            "forged",
            plain().signed_by(SignedBy::Foreign),
            refused("TOKEN_SIGNATURE_INVALID"),
            refused("TOKEN_SIGNATURE_INVALID"),
        ),
        (
            "unknown kid",
            plain().header("kid", "sig-0"),
            refused("TOKEN_KID_UNKNOWN"),
            refused("TOKEN_KID_UNKNOWN"),
        ),
        ("other app", other_app, refused("TOKEN_CLAIMS_INVALID"), refused("TOKEN_CLAIMS_INVALID")),
        (
            "other issuer",
            plain().claim("iss", "https://x"),
            refused("TOKEN_CLAIMS_INVALID"),
            refused("TOKEN_CLAIMS_INVALID"),
        ),
    ];
    let tokens = cases.iter().map(|(name, order, ..)| (*name, mint(order))).collect();
    let said = judge(&running, &tokens).await;
    for (name, _, rownd, hosted) in &cases {
        assert_eq!(said["tokens"][name], json!({ "rownd": rownd, "hosted": hosted }), "{name}");
    }
    assert_eq!(said["users"]["user_verified"]["verified_data"]["email"], "vera@example.com");
    assert_eq!(said["users"]["user_disabled"]["state"], "disabled");
    assert_eq!(said["users"]["user_nobody"], Value::Null, "{said}");
    let found = json!({
        "vera@example.com": ["user_verified"],
        "UMA@example.com": ["user_unverified"],
        "nobody@example.com": [],
    });
    assert_eq!(said["addresses"], found);
    assert_eq!(said["cut_off"], json!({ "before": "TOKEN_CLAIMS_INVALID", "after": null }));
    assert_eq!(said["wrong_secret"], "error: CREDENTIALS_REJECTED");
    running.end().await;
}

const CALLER: &str = "a-caller-secret-of-this-test";

/// A call with the secret of the caller.
fn asked<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    let secret = format!("Bearer {CALLER}").parse().unwrap();
    request.metadata_mut().insert("authorization", secret);
    request
}

/// A service for sessions alone, with the core of this emulator.
async fn backend(running: &Running) -> TestApp {
    TestApp::ready(&json!({
        "listeners": {
            "grpc": { "address": "127.0.0.1:0", "workers": 1 },
            "ops": { "address": "127.0.0.1:0" },
        },
        "issuers": [{
            "name": "sessions", "kind": "supertokens", "base_url": format!("{}/auth", running.base_url),
            "core": {
                "base_url": format!("{}/supertokens-core", running.base_url),
                "api_key": running.settings.app_secret,
            },
        }],
        "rownd_auth": { "callers": [
            { "name": "back-office", "secret": CALLER, "allow": ["get_user", "write_users"] },
        ] },
        "shutdown": { "drain_delay": "0s", "grace": "5s" },
    }))
    .await
}

/// The user in the core. No issuer is named: there is one.
async fn read(app: &TestApp, user: &str) -> User {
    let subject = Some(Subject::UserId(user.to_owned()));
    let request = GetUserRequest { subject, ..GetUserRequest::default() };
    let answer = RowndAuthClient::new(app.channel()).get_user(asked(request)).await.unwrap();
    answer.into_inner().user.unwrap()
}

fn texts(part: Option<&Struct>) -> BTreeMap<String, String> {
    let text = |(name, value): (&String, &Wire)| match &value.kind {
        Some(Kind::StringValue(text)) => Some((name.clone(), text.clone())),
        _ => None,
    };
    part.map(|part| part.fields.iter().filter_map(text).collect()).unwrap_or_default()
}

/// The texts of a member of the plugin's document, except the empty ones, which come of its schema.
fn shown(document: &Value, name: &str) -> BTreeMap<String, String> {
    let members = document[name].as_object().unwrap_or_else(|| panic!("{name}: {document}")).iter();
    let text = |(name, value): (&String, &Value)| {
        let text = value.as_str().filter(|text| !text.is_empty())?;
        Some((name.clone(), text.to_owned()))
    };
    members.filter_map(text).collect()
}

#[tokio::test]
async fn the_plugin_shows_what_a_backend_wrote_and_a_backend_what_the_plugin_wrote() {
    tool("venv/supertokens.stamp");
    let running = Running::start().await;
    let app = backend(&running).await;
    for user in ["user_verified", "user_unverified", "user_guest"] {
        let plan = Wire { kind: Some(Kind::StringValue("pro".to_owned())) };
        let data = Some(Struct { fields: BTreeMap::from([("plan".to_owned(), plan)]) });
        let written = User { id: user.to_owned(), data, ..User::default() };
        let request = UpdateUserRequest { user: Some(written), ..UpdateUserRequest::default() };
        UserServiceClient::new(app.channel()).update_user(asked(request)).await.unwrap();
        let ours = read(&app, user).await;
        let question = json!({
            "core": format!("{}/supertokens-core", running.base_url),
            "api_key": running.settings.app_secret,
            "user": user,
            "write": { "plan": "team", "nick_name": "Nick" },
        });
        let said = python("tests/foreign/supertokens/core.py", &question).await;
        let before = &said["before"];
        assert_eq!(before["data"]["plan"], "pro", "{user}");
        assert_eq!(texts(ours.data.as_ref()), shown(before, "data"), "{user}");
        assert_eq!(texts(ours.verified_data.as_ref()), shown(before, "verified_data"), "{user}");
        let level = AuthLevel::try_from(ours.auth_level).unwrap().as_str_name();
        let level = level.trim_start_matches("AUTH_LEVEL_").to_lowercase();
        assert_eq!(before["auth_level"], level, "{user}");
        assert_eq!(before["state"], "enabled", "{user}");
        assert_eq!(said["after"]["data"]["plan"], "team", "{user}");
        let ours = texts(read(&app, user).await.data.as_ref());
        assert_eq!(ours, shown(&said["after"], "data"), "{user}");
    }
    running.end().await;
}
