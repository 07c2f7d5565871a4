//! The events from the hub to the sinks, without a network and without another process.

mod catalogue;
mod delivery;
mod hub;
mod ring;

use std::{collections::BTreeMap, sync::Arc};

use super::{
    add_labels,
    cloud_event::{Origin, ToldEvent},
};
use crate::{
    config::{EventSink, Events, SinkKind, StreamSink},
    metrics::{Labels, Metrics},
    model::{Event, EventType},
};

fn origin() -> Arc<Origin> {
    Arc::new(Origin { source: "https://auth.test".to_owned(), process: "p".to_owned() })
}

/// The event of this number, about this user.
pub(super) fn told(number: u64, kind: EventType, user: Option<&str>) -> Arc<ToldEvent> {
    let event = Event::new(kind).at_issuer("rownd".into()).of_user(user);
    Arc::new(ToldEvent::new(event, number, origin()))
}

pub(super) fn metrics() -> Arc<Metrics> {
    let mut labels = Labels::of_issuers(["rownd".to_owned()]);
    add_labels(&mut labels);
    labels.event_sinks = vec!["sink".to_owned()];
    Metrics::build(&labels).unwrap()
}

/// The value of a series of the sink; 0 where there is none.
pub(super) fn metric(metrics: &Metrics, name: &str, labels: &str) -> f64 {
    let text = metrics.render();
    let line =
        text.lines().find(|line| line.starts_with(&format!("rownd_authz_{name}{{{labels}}}")));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_default()
}

fn stream_settings() -> StreamSink {
    StreamSink { keep_events: 16, keep_bytes: 65_536, max_readers: 2 }
}

/// One sink that keeps events in memory.
fn settings(types: &[EventType], sample: &[(EventType, u32)]) -> Events {
    let sink = EventSink {
        name: "sink".to_owned(),
        types: types.to_vec(),
        sample: BTreeMap::from_iter(sample.iter().copied()),
        kind: SinkKind::Stream(stream_settings()),
    };
    Events { source: "https://auth.test".to_owned(), sinks: vec![sink], ..Events::default() }
}
