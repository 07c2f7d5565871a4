//! Samples for a sink, by command: past its queue, so that the answer of the receiver can be shown.

use std::io;

use super::{
    catalogue::row,
    cloud_event::cloud_event,
    sample::sample,
    sinks::{Answer, Courier, EventFile, SignedCourier, StreamCourier, write_all},
    ways::Ways,
};
use crate::{
    config::{EventSink, SinkKind},
    model::EventType,
    shared::random_name,
};

/// Sends a sample of this type to a sink.
///
/// # Errors
///
/// The receiver does not take it, or the file cannot be written; or the sink cannot get one from
/// another process than the one that serves.
pub async fn send_sample(
    sink: &EventSink,
    source: &str,
    kind: EventType,
    ways: Ways<'_>,
) -> Result<(), String> {
    let row = row(kind).ok_or("an unknown type")?;
    let id = format!("sample-{}", random_name()?);
    let json = cloud_event(&sample(row), source, &id).to_string();
    match &sink.kind {
        SinkKind::Http(http) => post(&SignedCourier::new(http, ways.upstream), &id, json).await,
        SinkKind::RedisStream(stream) => {
            post(&StreamCourier::build(stream, ways.redis)?, &id, json).await
        }
        SinkKind::File(file) => {
            write_all(&mut EventFile::new(file), &format!("{json}\n")).map_err(told)
        }
        SinkKind::Stdout(_) => {
            use io::Write as _;
            writeln!(io::stdout(), "{json}").map_err(told)
        }
        SinkKind::Stream(_) => {
            Err("keeps events in the memory of the process that serves; call StreamEvents there, \
                 and cause an event"
                .to_owned())
        }
    }
}

async fn post(courier: &dyn Courier, id: &str, json: String) -> Result<(), String> {
    match courier.post(id, json.into()).await {
        Answer::Taken => Ok(()),
        Answer::Refused(error) | Answer::Down(error, _) => Err(error),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "`map_err` gives the error away")]
fn told(error: io::Error) -> String {
    error.to_string()
}
