//! Commands of the control listener.

use metrics::{Counter, counter, describe_counter};

use super::{
    Labels, Metrics,
    label::{ByLabel, Label},
    lazy::Lazy,
};

const NAME: &str = "rownd_authz_control_commands_total";

/// The series of this file.
pub(super) struct CommandSeries(ByLabel<ByLabel<Lazy<Counter>>>);

impl CommandSeries {
    pub(super) fn register(labels: &Labels) -> Self {
        describe_counter!(NAME, "Commands of the control listener, by command and result.");
        Self(ByLabel::new(&labels.commands, |command| {
            ByLabel::new(&labels.command_results, |result| {
                Lazy::new(move || counter!(NAME, "command" => command, "result" => result))
            })
        }))
    }
}

impl Metrics {
    /// A command ([`Labels::commands`]) ended with this result ([`Labels::command_results`]).
    pub fn command_ended(&self, command: impl Label, result: impl Label) {
        let results = self.commands.0.get(command);
        let counter = results.and_then(|results| results.get(result)?.get(&self.recorder));
        if let Some(counter) = counter {
            counter.increment(1);
        }
    }
}
