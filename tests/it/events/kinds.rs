//! The types of events that checks, commands, keys and reloads cause.

use std::path::PathBuf;

use rownd_authz::model::DenyReason;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{anonymous, events, of_type, sink, token, wait_for};
use crate::support::{
    Ask, Issuer, Key, TestApp, config, control,
    forge::{APP, USER},
};

struct House {
    key: Key,
    issuer: Issuer,
    app: TestApp,
    files: TempDir,
}

impl House {
    async fn open(change: impl FnOnce(&mut Value)) -> Self {
        let key = Key::new("sig-1");
        let issuer = Issuer::with_keys(&[&key]);
        let files = TempDir::new().unwrap();
        let mut settings = config(&issuer);
        let socket = files.path().join("control");
        settings["listeners"]["control"] =
            json!({ "address": format!("unix:{}", socket.display()) });
        settings["events"] = sink(&files.path().join("events"));
        change(&mut settings);
        let file = files.path().join("config");
        std::fs::write(&file, settings.to_string()).unwrap();
        let app = TestApp::follow(&file).await;
        app.is_ready().await;
        Self { key, issuer, app, files }
    }

    fn file(&self) -> PathBuf {
        self.files.path().join("events")
    }

    fn ask(&self, jti: &str) -> Ask {
        Ask::with_token(token(&self.key, &self.issuer, jti))
    }
}

#[tokio::test]
async fn a_token_is_told_once_and_a_denial_each_time() {
    let house = House::open(|_| {}).await;
    for _ in 0..3 {
        house.app.check(&house.ask("1")).await.assert_allowed("a good token", "authenticated");
    }
    let (ask, reason) = anonymous();
    for _ in 0..2 {
        let ask = ask.clone().header("x-request-id", "request-7");
        house.app.check(&ask).await.assert_denied("no token", reason);
    }
    let verified = wait_for(&house.file(), "token.verified", 1).await;
    let denied = wait_for(&house.file(), "check.denied", 2).await;
    assert_eq!((verified.len(), denied.len()), (1, 2));
    let data = &verified[0]["data"];
    assert_eq!((&data["user_id"], &data["issuer"]), (&USER.into(), &"rownd".into()));
    assert_eq!(
        (&verified[0]["subject"], &verified[0]["source"]),
        (&USER.into(), &"https://auth.test".into())
    );
    let data = &denied[1]["data"];
    assert_eq!((&data["reason"], &data["rule"]), (&reason.code().into(), &"verified".into()));
    assert_eq!((&data["outcome"], &data["request_id"]), (&"deny".into(), &"request-7".into()));
    assert!(data.get("user_id").is_none());
    assert_ne!(denied[0]["id"], denied[1]["id"]);
}

#[tokio::test]
async fn a_token_that_is_refused_is_told_without_what_it_says() {
    let house = House::open(|_| {}).await;
    let stranger = Key::new("sig-1");
    let forged = token(&stranger, &house.issuer, "1");
    let ask = Ask::with_token(forged.clone());
    house.app.check(&ask).await.assert_denied("forged", DenyReason::SignatureInvalid);
    let refused = wait_for(&house.file(), "token.refused", 1).await;
    let denied = wait_for(&house.file(), "check.denied", 1).await;
    for event in [&refused[0], &denied[0]] {
        let data = &event["data"];
        assert_eq!(
            (&data["reason"], &data["issuer"]),
            (&"signature_invalid".into(), &"rownd".into())
        );
        assert!(data.get("user_id").is_none() && data.get("session_id").is_none());
        assert_eq!(event["subject"], "rownd");
    }
    let text = std::fs::read_to_string(house.file()).unwrap();
    for part in forged.split('.') {
        assert!(!text.contains(part), "a part of a token is told");
    }
}

#[tokio::test]
async fn a_revocation_and_what_it_denies_are_told() {
    let house = House::open(|_| {}).await;
    house.app.check(&house.ask("1")).await.assert_allowed("a good token", "authenticated");
    let socket = house.files.path().join("control");
    let orders = [
        (json!({ "user_id": USER, "issuer": "rownd" }), "user", "user_id", USER),
        (json!({ "session_id": "s1" }), "session", "session_id", "s1"),
        (json!({ "jti": "9" }), "token", "token_id", "9"),
    ];
    for (order, ..) in &orders {
        control::order(&socket, "/revoke", order).await;
    }
    house.app.check(&house.ask("1")).await.assert_denied("revoked", DenyReason::Revoked);
    let told = wait_for(&house.file(), "session.revoked", 3).await;
    for (event, (_, kind, name, id)) in told.iter().zip(orders) {
        assert_eq!((&event["data"]["kind"], &event["data"][name]), (&kind.into(), &id.into()));
        // Of the only issuer and its only app, so that a reader bounded by either gets it.
        assert_eq!(
            (&event["data"]["issuer"], &event["data"]["app_id"]),
            (&"rownd".into(), &APP.into()),
            "{kind}"
        );
    }
    assert!(told[0]["data"]["not_before"].as_u64().is_some());
    let refused = wait_for(&house.file(), "token.refused", 1).await;
    assert_eq!(refused[0]["data"]["reason"], "revoked");
}

#[tokio::test]
async fn new_keys_and_another_configuration_are_told() {
    let house = House::open(|_| {}).await;
    house.app.check(&house.ask("1")).await.assert_allowed("a good token", "authenticated");
    // Whenever the keys are looked at, they are other ones than at the look before.
    let told = async {
        for number in 2.. {
            let name = format!("sig-{number}");
            let next = Key::new(&name);
            house.issuer.publish(&[&next]);
            // An unknown key has the keys fetched.
            let ask = Ask::with_token(token(&next, &house.issuer, &name));
            let _ = house.app.check(&ask).await;
            if !of_type(&events(&house.file()), "keys.changed").is_empty() {
                break;
            }
        }
    };
    crate::support::in_time("an event about keys", told).await;
    let told = wait_for(&house.file(), "keys.changed", 1).await;
    let data = &told[0]["data"];
    assert_eq!((&data["issuer"], &data["usable"]), (&"rownd".into(), &1.into()));
    assert!(data["kids"][0].as_str().unwrap().starts_with("sig-"), "{data}");
    let file = house.files.path().join("config");
    let mut settings: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    settings["routes"][0]["id"] = json!("open");
    std::fs::write(&file, settings.to_string()).unwrap();
    house.app.put_in_force(2).await;
    let told = wait_for(&house.file(), "config.reloaded", 1).await;
    assert_eq!(told[0]["data"]["epoch"], 2);
    // Other sinks need a restart.
    settings["events"]["source"] = json!("https://other.test");
    std::fs::write(&file, settings.to_string()).unwrap();
    let outcome = house.app.reload().await;
    assert!(format!("{outcome:?}").contains("events.source: needs a restart"), "{outcome:?}");
}

#[tokio::test]
async fn a_sink_gets_its_types_and_its_sample() {
    let house = House::open(|settings| {
        settings["events"]["sinks"][0]["types"] = json!(["check.denied"]);
        settings["events"]["sinks"][0]["sample"] = json!({ "check.denied": 10 });
    })
    .await;
    house.app.check(&house.ask("1")).await.assert_allowed("a good token", "authenticated");
    let (ask, reason) = anonymous();
    for _ in 0..100 {
        house.app.check(&ask).await.assert_denied("no token", reason);
    }
    assert_eq!(wait_for(&house.file(), "check.denied", 10).await.len(), 10);
    let mut house = house;
    house.app.stop();
    house.app.ended().await;
    let all = events(&house.file());
    assert_eq!((all.len(), of_type(&all, "check.denied").len()), (10, 10));
}
