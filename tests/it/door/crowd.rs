//! Too many at once, those that go away, and those that ask somebody else.

use rownd_authz::model::DenyReason;
use serde_json::json;

use super::House;
use crate::support::{
    Ask, Claims, Key, Reply, eventually,
    issuer::KEYS,
    until,
    wire::{Call, Wire, frame_of},
};

#[tokio::test]
async fn one_check_too_many_is_denied_at_once() {
    let house = House::open(|c| c["check"]["max_in_flight"] = json!(1)).await;
    let mut first = house.wire.begin_check().await.unwrap();
    until("the first", || house.app.metric("rownd_authz_in_flight", &[]) == 1.0).await;
    for _ in 0..50 {
        let answer = house.denies("the second", &[], frame_of(&house.good())).await;
        answer.assert_denied("the second", DenyReason::Overloaded);
        assert_eq!((answer.code(), answer.header("retry-after")), (16, Some("1")));
    }
    // Denied before its body has come, so that a queue cannot build up.
    let unread = house.wire.begin_check().await.unwrap();
    unread.reply().await.answer().assert_denied("unread", DenyReason::Overloaded);
    first.finish(frame_of(&house.good()));
    first.reply().await.answer().assert_allowed("the first", "authenticated");
    assert_eq!(house.app.counted("overloaded"), 51.0);
    house.is_well().await;
}

#[tokio::test]
async fn a_flood_over_many_streams_is_answered_to_the_last() {
    let house = House::open(|c| c["check"]["max_in_flight"] = json!(8)).await;
    let mut calls = Vec::new();
    for _ in 0..400 {
        calls.push(house.wire.begin_check().await.unwrap());
    }
    until("all of them to arrive", || house.counted() >= 392.0).await;
    for call in &mut calls {
        // Those that were denied already are closed.
        let _ = call.body.send_data(frame_of(&house.good()), true);
    }
    // Together: an answer that is not read takes up the room of the others.
    let replies = futures_util::future::join_all(calls.into_iter().map(Call::reply)).await;
    let mut allowed = 0;
    for reply in replies {
        let answer = reply.answer();
        allowed += usize::from(answer.is_allowed());
        assert!(answer.is_allowed() || answer.reason() == "overloaded", "{answer:?}");
    }
    assert_eq!(allowed, 4, "one connection holds as many as it leaves to the others");
    house.is_well().await;
}

#[tokio::test]
async fn a_caller_that_goes_away_is_counted_and_frees_its_place() {
    let house = House::open(|c| c["check"]["max_in_flight"] = json!(1)).await;
    // While its check waits for keys, which never come.
    house.issuer.set(KEYS, Reply::Hang);
    let stranger = Key::new("sig-2").token(&Claims::of(&house.issuer.url()));
    let waiting = frame_of(&Ask::with_token(stranger));
    let in_flight = || house.app.metric("rownd_authz_in_flight", &[]);
    eventually("a fetch under way", async || {
        let answer = house.wire.check(&[("grpc-timeout", "30m")], waiting.clone()).await;
        (answer.reason() == "key_pending").then_some(())
    })
    .await;
    let mut call = house.wire.begin_check().await.unwrap();
    call.finish(waiting);
    until("it waits", || in_flight() == 1.0).await;
    drop(call);
    until("it is gone", || house.app.counted("cancelled") == 1.0 && in_flight() == 0.0).await;
    // While its body is under way: by a reset, and with its whole connection.
    let arrived = || house.app.metric("rownd_authz_checks_total", &[]);
    for round in 0..20 {
        let before = arrived();
        let wire = Wire::connect(house.app.address()).await;
        let call = wire.begin_check().await.unwrap();
        until("it arrived", || in_flight() == 1.0).await;
        if round % 2 == 0 {
            call.reset()
        } else {
            drop((call, wire))
        }
        until("it is gone", || in_flight() == 0.0 && arrived() == before + 1.0).await;
    }
    house.is_well().await;
}

#[tokio::test]
async fn other_services_are_unknown_and_open_nothing() {
    let house = House::open(|_| {}).await;
    for path in [
        "/envoy.service.auth.v2.Authorization/Check",
        "/envoy.service.auth.v3.Authorization/Other",
        "/envoy.service.auth.v3.Authorization/Check/",
        "/envoy.service.auth.v3.Authorization/check",
        "/Check",
        "/",
        "/metrics",
        "/livez",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    ] {
        let mut call = house.wire.begin(path, &[]).await.unwrap();
        call.finish(frame_of(&house.good()));
        let reply = call.reply().await;
        assert_eq!((reply.status, reply.grpc_status()), (200, "12"), "{path}: {reply:?}");
        assert!(reply.data.is_empty(), "{path}");
    }
    assert_eq!(house.counted(), 0.0, "none of them was a check");
    house.is_well().await;
}
