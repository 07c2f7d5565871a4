//! The decisions of rules and guards, by their configured ids. Reloads may bring rules, so a series is
//! made when its rule is first configured.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use metrics::{Counter, counter, describe_counter, with_local_recorder};

use super::{
    Labels, Metrics,
    label::LabelValues,
    label::{ByLabel, Label},
};

/// The most ids that one process counts by themselves, from its start to its end: a series once made
/// stays. Rules beyond them are counted together.
const MAX_RULES: usize = 256;
/// The id of all rules beyond these.
const OTHER: &str = "other";
const NAME: &str = "rownd_authz_rule_decisions_total";

type OneRule = std::sync::Arc<ByLabel<Counter>>;

/// The series of all rules.
pub(super) struct RuleSeries {
    by_id: ArcSwap<HashMap<Box<str>, OneRule>>,
    other: OneRule,
    outcomes: LabelValues,
    /// Held while series are made.
    making: Mutex<()>,
}

impl RuleSeries {
    pub(super) fn register(labels: &Labels) -> Self {
        describe_counter!(
            NAME,
            "Checks that a rule decided, and that a rule or guard in shadow would have decided, by rule \
             and outcome."
        );
        let outcomes = labels.rule_outcomes.clone();
        let other = of_rule(OTHER, &outcomes);
        Self { by_id: ArcSwap::default(), other, outcomes, making: Mutex::default() }
    }
}

fn of_rule(id: &str, outcomes: &LabelValues) -> OneRule {
    let make =
        |outcome: &'static str| counter!(NAME, "rule" => id.to_owned(), "outcome" => outcome);
    std::sync::Arc::new(ByLabel::new(outcomes, make))
}

impl Metrics {
    /// These rules and guards are configured: the first 256 ids since the start have series of their
    /// own.
    pub fn rules_configured<'a>(&self, ids: impl IntoIterator<Item = &'a str>) {
        let Some(recorder) = self.recorder.get() else { return };
        let _making = self.rules.making.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = HashMap::clone(&self.rules.by_id.load());
        for id in ids {
            if known.len() < MAX_RULES && !known.contains_key(id) {
                let made = with_local_recorder(recorder, || of_rule(id, &self.rules.outcomes));
                known.insert(id.into(), made);
            }
        }
        self.rules.by_id.store(std::sync::Arc::new(known));
    }

    /// The rule of this id decided so, or would have.
    pub fn rule_decided(&self, id: &str, outcome: impl Label) {
        let known = self.rules.by_id.load();
        let series = known.get(id).unwrap_or(&self.rules.other);
        if let Some(counter) = series.get(outcome) {
            counter.increment(1);
        }
    }
}
