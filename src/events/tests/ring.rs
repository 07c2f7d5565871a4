//! Readers of the events in memory: from where they begin, what they miss, and how they end.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;

use super::{metrics, stream_settings, told};
use crate::{
    events::sinks::{Missed, Reader, Ring, StreamedEvent},
    metrics::SinkLabel,
    model::EventType,
};

fn ring(process: &str) -> Arc<Ring> {
    Ring::new(&stream_settings(), process, SinkLabel(0), &metrics())
}

/// Puts the events of these numbers.
fn put(ring: &Ring, numbers: std::ops::RangeInclusive<u64>) {
    ring.put(numbers.map(|number| told(number, EventType::UserDeleted, Some("u"))).collect());
}

fn id(event: &StreamedEvent) -> String {
    let json: serde_json::Value = serde_json::from_slice(&event.json()).unwrap();
    json["id"].as_str().unwrap().to_owned()
}

async fn next(reader: &mut Reader) -> Vec<StreamedEvent> {
    timeout(Duration::from_secs(10), reader.next()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_reader_begins_at_the_end_or_at_the_oldest_or_behind_a_cursor() {
    let ring = ring("p");
    put(&ring, 1..=20);
    let mut oldest = ring.reader(None, true).unwrap();
    let read = next(&mut oldest).await;
    let ids: Vec<String> = read.iter().map(id).collect();
    assert_eq!(ids.first().unwrap(), "p-5", "16 are kept");
    assert_eq!(ids.last().unwrap(), "p-20");
    let cursor = read[3].cursor().into_text();
    drop(oldest);
    let mut behind = ring.reader(Some(&cursor), false).unwrap();
    assert_eq!(id(&next(&mut behind).await[0]), "p-9");
    let mut from_now = ring.reader(None, false).unwrap();
    put(&ring, 21..=21);
    assert_eq!(id(&next(&mut from_now).await[0]), "p-21");
    assert_eq!(id(&next(&mut behind).await[0]), "p-21");
    assert_eq!(from_now.cursor(), behind.cursor());
}

#[tokio::test]
async fn a_slow_reader_is_cut_off_and_others_are_not() {
    let ring = ring("p");
    let (mut slow, mut fast) = (ring.reader(None, true).unwrap(), ring.reader(None, true).unwrap());
    for round in 0..5_u64 {
        put(&ring, round * 10 + 1..=round * 10 + 10);
        assert_eq!(next(&mut fast).await.len(), 10);
    }
    assert_eq!(slow.next().await.unwrap_err(), Missed::Gone);
    put(&ring, 51..=51);
    assert_eq!(id(&next(&mut fast).await[0]), "p-51");
}

#[tokio::test]
async fn bytes_bound_the_events_that_are_kept() {
    let ring = ring("p");
    let long = "u".repeat(500);
    // The longest fields that there are, about 2 KiB an event.
    let event = |number| {
        let event = crate::model::Event::new(EventType::CheckDenied).of_user(Some(&long));
        let event = event.of_app(Some(&long)).text("session_id", Some(&long));
        Arc::new(super::ToldEvent::new(event, number, super::origin()))
    };
    let settings = crate::config::StreamSink { keep_events: 1_000_000, ..stream_settings() };
    let bounded = Ring::new(&settings, "p", SinkLabel(0), &metrics());
    bounded.put((1..=200).map(event).collect());
    let kept = next(&mut bounded.reader(None, true).unwrap()).await.len();
    assert!((10..=40).contains(&kept), "{kept}");
    drop(ring);
}

#[test]
fn a_cursor_of_nobody_is_refused() {
    let (own, other) = (ring("p"), ring("q"));
    put(&own, 1..=40);
    put(&other, 1..=40);
    let cursor = |ring: &Arc<Ring>| ring.reader(None, false).unwrap().cursor().into_text();
    assert_eq!(own.reader(Some(&cursor(&other)), false).unwrap_err(), Missed::CursorUnknown);
    for text in ["x", "", "cC4", "cC4tMQ", "cC45OTk5"] {
        assert_eq!(own.reader(Some(text), false).unwrap_err(), Missed::CursorUnknown, "{text}");
    }
    // `p.3`, which is not kept any more.
    assert_eq!(own.reader(Some("cC4z"), false).unwrap_err(), Missed::Gone);
    assert!(own.reader(Some(&cursor(&own)), false).is_ok());
}

#[tokio::test]
async fn there_are_so_many_readers_and_all_end_with_the_process() {
    let ring = ring("p");
    let mut one = ring.reader(None, false).unwrap();
    let two = ring.reader(None, false).unwrap();
    assert_eq!(ring.reader(None, false).unwrap_err(), Missed::TooMany);
    drop(two);
    let _again = ring.reader(None, false).unwrap();
    let ended = async { tokio::join!(one.next(), async { ring.close() }).0 };
    let ended = timeout(Duration::from_secs(10), ended).await.unwrap();
    assert_eq!(ended.unwrap_err(), Missed::Closed);
    assert_eq!(ring.reader(None, false).unwrap_err(), Missed::Closed);
}
