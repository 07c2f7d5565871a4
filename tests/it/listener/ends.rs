//! The end of a connection by its age, and of the service: nothing in flight is lost.

use std::time::Duration;

use serde_json::json;
use tokio::{net::TcpStream, time::Instant};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use super::House;
use crate::support::{eventually, until, wire::frame_of};

#[tokio::test]
async fn an_aged_connection_ends_and_no_call_with_it() {
    let house =
        House::open(|c| c["listeners"]["grpc"]["max_connection_age"] = json!("500ms")).await;
    let ask = frame_of(&house.good());
    // One call that is in flight when its connection is told to go.
    let wire = house.dial().await;
    let mut held = wire.begin_check().await.unwrap();
    eventually("GOAWAY", async || wire.is_closing().await.then_some(())).await;
    assert!(wire.begin_check().await.is_none(), "no new call");
    held.finish(ask.clone());
    held.reply().await.answer().assert_allowed("the one in flight", "authenticated");
    until("its end", || wire.has_ended()).await;

    // And many, over ten connections' ends.
    let client = async |_: usize| {
        let (mut ends, mut answers) = (0, 0);
        let mut wire = house.dial().await;
        while ends < 3 {
            let taken = match wire.begin_check().await {
                None => None,
                Some(mut call) => {
                    call.finish(ask.clone());
                    call.reply_if_taken().await
                }
            };
            match taken {
                // Never looked at, so nothing is lost: a proxy asks again on a new connection.
                None => {
                    ends += 1;
                    wire = house.dial().await;
                }
                Some(reply) => {
                    reply.answer().assert_allowed("under way", "authenticated");
                    answers += 1;
                }
            }
        }
        answers
    };
    let answers: Vec<i32> = futures_util::future::join_all((0..4).map(client)).await;
    assert!(answers.iter().all(|answers| *answers > 0), "{answers:?}");
    assert_eq!(house.app.counted("cancelled"), 0.0, "none was looked at and given up");
}

#[tokio::test]
async fn an_aged_connection_that_does_not_finish_is_ended() {
    let house = House::open(|c| {
        c["listeners"]["grpc"]["max_connection_age"] = json!("500ms");
        c["listeners"]["grpc"]["max_connection_age_grace"] = json!("100ms");
        c["check"]["timeout"] = json!("60s");
    })
    .await;
    let wire = house.dial().await;
    let _held = wire.begin_check().await.unwrap();
    until("its end", || wire.has_ended()).await;
    until("the place is free", || house.app.metric("rownd_authz_in_flight", &[]) == 0.0).await;
    house.is_well().await;
}

#[tokio::test]
async fn a_drain_says_so_first_serves_on_and_finishes_what_it_has() {
    let mut house =
        House::open(|c| c["shutdown"] = json!({ "drain_delay": "3s", "grace": "25s" })).await;
    let ask = frame_of(&house.good());
    let wire = house.dial().await;
    let mut held = wire.begin_check().await.unwrap();
    let other = house.dial().await;
    house.app.stop();
    until("not ready", || !house.app.readiness.is_ready()).await;
    let page = house.app.page("/readyz").await;
    assert!(page.status == 503 && page.body.contains("draining"), "{page:?}");
    assert_eq!(house.app.page("/livez").await.status, 200);
    let mut health = HealthClient::new(house.app.channel());
    let mut status = async || {
        let answer = health.check(HealthCheckRequest::default()).await.unwrap();
        (answer.into_inner().status() == ServingStatus::NotServing).then_some(())
    };
    eventually("not serving", &mut status).await;
    // Still in the delay: connections old and new are served.
    other.check(&[], ask.clone()).await.assert_allowed("an old connection", "authenticated");
    let new = house.dial().await;
    new.check(&[], ask.clone()).await.assert_allowed("a new connection", "authenticated");

    eventually("GOAWAY", async || wire.is_closing().await.then_some(())).await;
    let address = house.app.address();
    eventually("a closed listener", async || TcpStream::connect(address).await.err()).await;
    until("the idle connections' end", || other.has_ended() && new.has_ended()).await;
    assert!(!house.app.has_ended(), "one call is still in flight");
    held.finish(ask);
    held.reply().await.answer().assert_allowed("the one in flight", "authenticated");
    house.app.ended().await;
}

#[tokio::test]
async fn a_peer_that_holds_its_stream_cannot_hold_up_the_end() {
    let mut house = House::open(|c| {
        c["shutdown"]["grace"] = json!("300ms");
        c["check"]["timeout"] = json!("60s");
        c["listeners"]["grpc"]["first_byte_timeout"] = json!("60s");
    })
    .await;
    let wire = house.dial().await;
    let _held = wire.begin_check().await.unwrap();
    until("it arrived", || house.app.metric("rownd_authz_in_flight", &[]) == 1.0).await;
    let began = Instant::now();
    house.app.stop();
    house.app.ended().await;
    assert!(began.elapsed() >= Duration::from_millis(300), "it had its grace");
}
