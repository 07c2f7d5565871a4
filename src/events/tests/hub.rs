//! The hub: events that it takes, drops and counts.

use std::sync::Arc;

use super::{metric, metrics, settings};
use crate::{
    config::{Config, parse},
    events::{EventHub, EventWork, Ways},
    metrics::Metrics,
    model::{Event, EventRecorder as _, EventType},
    upstream::Client,
};

/// Events are taken at once, and nobody takes them out.
fn hub(
    types: &[EventType],
    sample: &[(EventType, u32)],
) -> (Arc<EventHub>, EventWork, Arc<Metrics>) {
    let config: Config = parse(
        "test.yaml",
        "issuers: [{name: rownd, kind: rownd, apps: [{id: app_1}]}]",
        &Default::default(),
    )
    .unwrap();
    // Another test of the process may have installed it.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let upstream = Client::of_config(&config, std::time::Duration::from_secs(1)).unwrap();
    let (metrics, ways) = (metrics(), Ways { upstream: &upstream, redis: None });
    let (hub, work) = EventHub::build(&settings(types, sample), ways, &metrics).unwrap();
    (hub, work, metrics)
}

fn dropped(metrics: &Metrics, kind: EventType) -> f64 {
    metric(metrics, "events_dropped_total", &format!("sink=\"sink\",type=\"{}\"", kind.word()))
}

#[test]
fn only_wanted_types_are_wanted() {
    let (hub, _work, _) = hub(&[EventType::UserDeleted, EventType::CheckDenied], &[]);
    for kind in EventType::ALL {
        let wanted = matches!(kind, EventType::UserDeleted | EventType::CheckDenied);
        assert_eq!(hub.wants(*kind), wanted, "{kind:?}");
    }
}

/// A flood of one type leaves room for those that only operators and users cause, and every loss is
/// counted.
#[test]
fn a_full_queue_drops_and_counts_and_frequent_types_give_way() {
    let types = [EventType::CheckDenied, EventType::UserDeleted];
    let (hub, _work, metrics) = hub(&types, &[]);
    for _ in 0..10_000 {
        hub.record(Event::new(EventType::CheckDenied));
    }
    assert_eq!(dropped(&metrics, EventType::CheckDenied), 10_000.0 - 6144.0);
    for _ in 0..3_000 {
        hub.record(Event::new(EventType::UserDeleted));
    }
    assert_eq!(dropped(&metrics, EventType::UserDeleted), 3_000.0 - 2048.0);
}

#[test]
fn of_a_sampled_type_the_sink_gets_one_of_so_many() {
    let types = [EventType::CheckDenied, EventType::TokenRefused];
    let (hub, work, _) = hub(&types, &[(EventType::CheckDenied, 100)]);
    for _ in 0..1_000 {
        hub.record(Event::new(EventType::CheckDenied));
        hub.record(Event::new(EventType::TokenRefused));
    }
    let queued = work.tasks[0].queued();
    assert_eq!(queued, 1_000 + 10);
}
