//! `events send`: a sample of each type of a sink, to try a receiver.

use std::process::ExitCode;

use clap::Args;

use super::{ConfigArgs, ExitResult, Failure, block_on, config::load, output};
use crate::{app, config::EventSink, model::EventType};

/// The options of `events send`.
#[derive(Args, Clone, Debug)]
pub(super) struct SendArgs {
    /// The name of the sink in the configuration
    #[arg(long, value_name = "NAME")]
    sink: String,
    /// Only a sample of this type, such as user.deleted; without it, of each type of the sink
    #[arg(long, value_name = "TYPE")]
    r#type: Option<String>,
    #[command(flatten)]
    config: ConfigArgs,
}

pub(super) fn send(args: &SendArgs) -> ExitResult {
    let config = load(&args.config)?;
    let sinks = &config.events.sinks;
    let sink = sinks.iter().find(|sink| sink.name == args.sink).ok_or_else(|| {
        let names: Vec<&str> = sinks.iter().map(|sink| sink.name.as_str()).collect();
        let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        Failure::bad_input(format!("--sink: no such sink in the configuration; its sinks: {known}"))
    })?;
    let kinds = kinds(sink, args.r#type.as_deref())?;
    let sent = app::send_samples(&config, sink, &kinds);
    let sent = block_on(sent)?.map_err(Failure::bad_input)?;
    let mut all_taken = true;
    for (kind, result) in sent {
        let word = kind.word();
        match result {
            Ok(()) => output::tell(&format_args!("{word}: taken")),
            Err(error) => {
                all_taken = false;
                output::tell(&format_args!("{word}: {error}"));
            }
        }
    }
    if all_taken {
        Ok(ExitCode::SUCCESS)
    } else {
        Err(Failure::no(format!("the sink {} has not taken every sample", sink.name)))
    }
}

fn kinds(sink: &EventSink, asked: Option<&str>) -> Result<Vec<EventType>, Failure> {
    let Some(asked) = asked else { return Ok(sink.types.clone()) };
    let known = EventType::ALL.iter().find(|kind| kind.word() == asked);
    known.map(|kind| vec![*kind]).ok_or_else(|| {
        let words: Vec<&str> = EventType::ALL.iter().map(|kind| kind.word()).collect();
        Failure::bad_input(format!("--type: unknown; the types: {}", words.join(", ")))
    })
}
