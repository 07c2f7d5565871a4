//! Security event tokens, pushed and polled: whom each revokes.

use serde_json::{Value, json};

use super::{CAEP, RISC, Rig, SET, signed_by};
use crate::{
    it::{
        events::wait_for,
        inbound::{SECRET, send},
    },
    support::{
        Issuer, Key, Reply, eventually,
        forge::{Algorithm, now},
        until,
    },
};

#[tokio::test]
async fn each_event_revokes_the_tokens_of_its_subject_from_before_it() {
    let rig = Rig::open().await;
    for (name, event) in [
        ("session-revoked", CAEP),
        ("credential-change", CAEP),
        ("token-claims-change", CAEP),
        ("account-disabled", RISC),
        ("account-purged", RISC),
        ("sessions-revoked", RISC),
    ] {
        let before = rig.access(name, 60);
        assert_eq!(rig.reason(&before).await, "authenticated", "{name}");
        let answer = rig.push(&rig.set(&format!("{event}/{name}"), rig.user(name))).await;
        assert_eq!(answer, (202, Value::Null), "{name}");
        assert_eq!(rig.reason(&before).await, "revoked", "{name}");
        let other = rig.access(&format!("{name}-2"), 60);
        assert_eq!(rig.reason(&other).await, "authenticated", "{name}: another user");
    }
    assert_eq!(rig.counted("shared_signals_push", "ok"), 6.0);
}

/// An event that comes in is told on: the programs that follow the events learn of it.
#[tokio::test]
async fn a_revocation_by_an_event_is_told_on() {
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("events");
    let rig = Rig::with(|config| {
        config["events"]["sinks"] = json!([{ "name": "file", "file": { "path": file } }]);
        config["events"]["source"] = json!("https://auth.test");
    })
    .await;
    let set = rig.set(&format!("{CAEP}/session-revoked"), rig.user("ann"));
    assert_eq!(rig.push(&set).await, (202, Value::Null));
    let told = wait_for(&file, "session.revoked", 1).await;
    let data = &told[0]["data"];
    assert_eq!((&data["issuer"], &data["user_id"]), (&json!("idp"), &json!("ann")), "{told:?}");
    // The same token again revokes nothing new, and is told no second time.
    assert_eq!(rig.push(&set).await, (202, Value::Null));
    let logout = rig.signed("logout+jwt", &rig.logout("sid", "s-9"));
    assert_eq!(rig.log_out(&logout).await.0, 200);
    let told = wait_for(&file, "session.revoked", 2).await;
    assert_eq!((told.len(), &told[1]["data"]["session_id"]), (2, &json!("s-9")), "{told:?}");
}

#[tokio::test]
async fn a_subject_is_a_user_a_session_or_a_token() {
    let rig = Rig::open().await;
    let opaque = |id: &str| json!({ "format": "opaque", "id": id });
    for (name, subject, all) in [
        ("a", rig.user("a"), true),
        (
            "b",
            json!({ "format": "complex", "session": opaque("sid-b"), "user": rig.user("b") }),
            false,
        ),
        ("c", json!({ "format": "jwt_id", "iss": rig.issuer.url(), "jti": "jti-c" }), false),
        ("d", opaque("d"), true),
        ("e", opaque("sid-e"), false),
        ("f", json!({ "subject_type": "iss-sub", "iss": rig.issuer.url(), "sub": "f" }), true),
    ] {
        let set = rig.set(&format!("{CAEP}/session-revoked"), subject);
        assert_eq!(rig.push(&set).await.0, 202, "{name}");
        assert_eq!(rig.reason(&rig.access(name, 60)).await, "revoked", "{name}");
        let elsewhere = rig.access(name, 60).with("sid", "sid-x").with("jti", "jti-x");
        let expected = if all { "revoked" } else { "authenticated" };
        assert_eq!(rig.reason(&elsewhere).await, expected, "{name}: another session");
    }
    // The subject in the event, as it was before there was one of the token, and in `sub`.
    let event = format!("{RISC}/account-disabled");
    let plain = rig.set(&event, Value::Null).without("sub_id");
    let inside = plain.clone().with("jti", "inside");
    let inside = inside.with("events", json!({ &event: { "subject": rig.user("g") } }));
    for (name, set) in [("g", inside), ("h", plain.with("sub", "h"))] {
        assert_eq!(rig.push(&set).await.0, 202, "{name}");
        assert_eq!(rig.reason(&rig.access(name, 60)).await, "revoked", "{name}");
    }
}

#[tokio::test]
async fn a_token_that_comes_again_changes_nothing() {
    let rig = Rig::open().await;
    let event = format!("{CAEP}/session-revoked");
    let set = rig.set(&event, rig.user("u")).with("iat", now() - 100);
    let set = set.with("events", json!({ &event: { "event_timestamp": now() - 100 } }));
    for result in ["ok", "duplicate", "duplicate"] {
        let before = rig.counted("shared_signals_push", result);
        assert_eq!(rig.push(&set).await.0, 202);
        assert_eq!(rig.counted("shared_signals_push", result), before + 1.0);
        assert_eq!(rig.reason(&rig.access("u", 200)).await, "revoked");
        // Signed in since.
        assert_eq!(rig.reason(&rig.access("u", 50)).await, "authenticated");
    }
    // The same event in another token revokes nothing more either.
    assert_eq!(rig.push(&set.with("jti", "another").with("iat", now())).await.0, 202);
    assert_eq!(rig.reason(&rig.access("u", 50)).await, "authenticated");
}

#[tokio::test]
async fn an_event_without_an_effect_is_taken() {
    let rig = Rig::open().await;
    let verification = "https://schemas.openid.net/secevent/ssf/event-type/verification".to_owned();
    for (event, result) in [
        (verification, "ok"),
        (format!("{CAEP}/session-established"), "without_effect"),
        ("https://example.com/own".to_owned(), "without_effect"),
    ] {
        let before = rig.counted("shared_signals_push", result);
        let set = rig.set(&event, json!({ "format": "opaque", "id": "stream" }));
        assert_eq!(rig.push(&set).await.0, 202, "{event}");
        assert_eq!(rig.counted("shared_signals_push", result), before + 1.0, "{event}");
    }
}

#[tokio::test]
async fn a_transmitter_may_have_to_prove_itself_too() {
    let rig = Rig::with(|config| {
        config["events"]["sources"][0]["caller"] =
            json!({ "secret": SECRET, "header": "authorization" });
    })
    .await;
    let set = rig.set(&format!("{CAEP}/session-revoked"), rig.user("u"));
    let set = rig.signed("secevent+jwt", &set);
    for (name, headers, status, err) in [
        ("no secret", SET.to_owned(), 400, "authentication_failed"),
        ("another", format!("{SET}authorization: Bearer x\r\n"), 400, "authentication_failed"),
        ("the secret", format!("{SET}authorization: Bearer {SECRET}\r\n"), 202, ""),
    ] {
        let answer = send(&rig.app, "POST /webhooks/idp", &headers, &set).await;
        assert_eq!(answer.status, status, "{name}");
        let body: Value = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
        assert_eq!(body["err"].as_str().unwrap_or_default(), err, "{name}");
    }
}

#[tokio::test]
async fn a_token_that_cannot_be_judged_is_a_503_and_is_taken_later() {
    let rig = Rig::open().await;
    let new = Key::of(Algorithm::EdDsa, "new");
    rig.issuer.set("/hub/auth/keys", Reply::status(500));
    let set = rig.set(&format!("{CAEP}/session-revoked"), rig.user("u"));
    let token = signed_by(&new, "secevent+jwt", &set);
    assert_eq!(rig.push_raw(&token).await.0, 503);
    assert_eq!(rig.reason(&rig.access("u", 60)).await, "authenticated");
    rig.issuer.publish(&[&rig.key, &new]);
    eventually("the key to be fetched", async || {
        (rig.push_raw(&token).await.0 == 202).then_some(())
    })
    .await;
    assert_eq!(rig.reason(&rig.access("u", 60)).await, "revoked");
}

/// The sender is told why, and to come again.
#[tokio::test]
async fn an_event_that_finds_the_list_full_is_not_acknowledged() {
    let rig = Rig::with(|config| config["revocation"] = json!({ "max_entries": 1 })).await;
    let event = |user: &str| rig.set(&format!("{CAEP}/session-revoked"), rig.user(user));
    assert_eq!(rig.push(&event("u")).await.0, 202);
    let (status, body) = rig.push(&event("v")).await;
    assert_eq!((status, &body["reason"]), (503, &json!("revocations_full")), "{body}");
    assert_eq!(rig.reason(&rig.access("v", 60)).await, "authenticated");
}

#[tokio::test]
async fn tokens_are_polled_and_a_transmitter_that_fails_is_asked_again() {
    let transmitter = Issuer::start();
    let url = format!("{}/poll", transmitter.url());
    transmitter.set("/poll", Reply::status(500));
    let rig = Rig::with(|config| {
        config["events"]["sources"][0]["poll"] =
            json!({ "url": url, "token": "a-token-of-the-receiver", "every": "1s" });
    })
    .await;
    transmitter.asked("/poll", 1).await;
    let counted = |result: &'static str| rig.counted("shared_signals_poll", result);
    until("the fault to be counted", || counted("unreachable") > 0.0).await;
    let faults = rig.app.faults().await;
    assert_eq!((&faults[0]["part"], faults.len()), (&json!("event_poll"), 1), "{faults:?}");
    assert!(faults[0]["last_error"].as_str().unwrap().contains("500"), "{faults:?}");
    let set = rig.set(&format!("{CAEP}/session-revoked"), rig.user("u"));
    let good = rig.signed("secevent+jwt", &set);
    let bad = rig.signed("secevent+jwt", &set.with("aud", "x"));
    let sets = json!({ "good": good, "bad": bad, "odd": 7 });
    transmitter.set("/poll", Reply::json(&json!({ "sets": sets, "moreAvailable": true })));
    until("the good token to be taken", || counted("ok") > 0.0).await;
    assert_eq!(rig.reason(&rig.access("u", 60)).await, "revoked");
    until("the others to be refused", || counted("token_refused") >= 2.0).await;
    assert_eq!(rig.app.faults().await, [] as [serde_json::Value; 0]);
    until("the good one to come again", || counted("duplicate") > 0.0).await;
    let heads = transmitter.heads();
    let bearer = "authorization: bearer a-token-of-the-receiver";
    assert!(heads.iter().all(|head| head.contains(bearer)), "{heads:?}");
}
