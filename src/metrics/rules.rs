//! The decisions of rules and guards, by their configured ids. Reloads may bring rules, so an id is
//! known when its rule is first configured.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use metrics::{Counter, counter, describe_counter};

use super::{
    Labels, Metrics,
    label::{ByLabel, Label, LabelValues},
    lazy::Lazy,
};

/// The most ids that one process counts by themselves, from its start to its end: a series once made
/// stays. Rules beyond them are counted together.
const MAX_RULES: usize = 256;
/// The id of all rules beyond these.
const OTHER: &str = "other";
const NAME: &str = "rownd_authz_rule_decisions_total";

/// Few rules have every outcome: a series is made by its first decision.
type OneRule = std::sync::Arc<ByLabel<Lazy<Counter>>>;

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
    let make = |outcome: &'static str| {
        let id = id.to_owned();
        Lazy::new(move || counter!(NAME, "rule" => id.clone(), "outcome" => outcome))
    };
    std::sync::Arc::new(ByLabel::new(outcomes, make))
}

impl Metrics {
    /// These rules and guards are configured: the first 256 ids since the start have series of their
    /// own.
    pub fn rules_configured<'a>(&self, ids: impl IntoIterator<Item = &'a str>) {
        let _making = self.rules.making.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = HashMap::clone(&self.rules.by_id.load());
        for id in ids {
            if known.len() < MAX_RULES && !known.contains_key(id) {
                known.insert(id.into(), of_rule(id, &self.rules.outcomes));
            }
        }
        self.rules.by_id.store(std::sync::Arc::new(known));
    }

    /// The rule of this id decided so, or would have.
    pub fn rule_decided(&self, id: &str, outcome: impl Label) {
        let known = self.rules.by_id.load();
        let series = known.get(id).unwrap_or(&self.rules.other);
        let counter = series.get(outcome).and_then(|counter| counter.get(&self.recorder));
        if let Some(counter) = counter {
            counter.increment(1);
        }
    }
}
