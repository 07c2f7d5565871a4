//! Hooks: how questions to them ended, and how long they took. Without a hook there are no series of
//! it.

use std::time::Duration;

use metrics::{Counter, Histogram, Unit, counter, describe_counter, describe_histogram, histogram};

use super::{
    Labels, Metrics,
    label::{ByLabel, Label},
    lazy::Lazy,
};

const QUESTIONS: &str = "rownd_authz_hook_questions_total";
pub(super) const DURATION: &str = "rownd_authz_hook_duration_seconds";
/// Every hook.
const HOOKS: [&str; 1] = ["before_exchange"];

struct OneHook {
    name: &'static str,
    results: ByLabel<Lazy<Counter>>,
    duration: Lazy<Histogram>,
}

/// The series of this file.
pub(super) struct HookSeries(Vec<OneHook>);

impl HookSeries {
    pub(super) fn register(labels: &Labels) -> Self {
        describe_counter!(QUESTIONS, "Questions to hooks, by hook and result.");
        describe_histogram!(DURATION, Unit::Seconds, "Time of a question to a hook, by hook.");
        let hook = |name: &'static str| OneHook {
            name,
            results: ByLabel::new(&labels.hook_results, |result| {
                Lazy::new(move || counter!(QUESTIONS, "hook" => name, "result" => result))
            }),
            duration: Lazy::new(move || histogram!(DURATION, "hook" => name)),
        };
        Self(HOOKS.into_iter().map(hook).collect())
    }
}

impl Metrics {
    /// A question to the hook of this name ended with this result ([`Labels::hook_results`]) after
    /// this time.
    pub fn hook_asked(&self, name: &str, result: impl Label, took: Duration) {
        let Some(hook) = self.hooks.0.iter().find(|hook| hook.name == name) else { return };
        let counter = hook.results.get(result).and_then(|counter| counter.get(&self.recorder));
        if let Some(counter) = counter {
            counter.increment(1);
        }
        if let Some(duration) = hook.duration.get(&self.recorder) {
            duration.record(took.as_secs_f64());
        }
    }
}
