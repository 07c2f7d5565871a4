//! The state that replicas share: requests to its store, and whether it answers. Without a shared
//! state there are no series of it.

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

use super::{
    Labels, Metrics,
    label::{ByLabel, Label},
    lazy::Lazy,
};

const REQUESTS: &str = "rownd_authz_shared_requests_total";
const REFRESHES: &str = "rownd_authz_shared_refreshes_total";
const UP: &str = "rownd_authz_shared_up";
const UNSENT: &str = "rownd_authz_shared_unsent_revocations";
const LEFT_OUT: &str = "rownd_authz_shared_left_out_revocations";

/// The series of this file.
pub(super) struct SharedSeries {
    requests: ByLabel<ByLabel<Lazy<Counter>>>,
    refreshes: ByLabel<Lazy<Counter>>,
    state: Lazy<[Gauge; 3]>,
}

impl SharedSeries {
    pub(super) fn register(labels: &Labels) -> Self {
        describe_counter!(REQUESTS, "Requests to the shared state, by operation and result.");
        describe_counter!(REFRESHES, "Refreshes of tokens by way of the shared state, by result.");
        describe_gauge!(UP, "1 if the shared state answered the last request, else 0.");
        describe_gauge!(UNSENT, "Revocations of this replica that are not in the shared state.");
        describe_gauge!(
            LEFT_OUT,
            "Revocations of the shared state that this replica has no room for."
        );
        Self {
            requests: ByLabel::new(&labels.shared_operations, |operation| {
                ByLabel::new(&labels.shared_results, |result| {
                    Lazy::new(
                        move || counter!(REQUESTS, "operation" => operation, "result" => result),
                    )
                })
            }),
            refreshes: ByLabel::new(&labels.shared_refreshes, |result| {
                Lazy::new(move || counter!(REFRESHES, "result" => result))
            }),
            state: Lazy::new(|| [gauge!(UP), gauge!(UNSENT), gauge!(LEFT_OUT)]),
        }
    }
}

impl Metrics {
    /// A request to the shared state ([`Labels::shared_operations`]) ended with this result
    /// ([`Labels::shared_results`]).
    pub fn shared_asked(&self, operation: impl Label, result: impl Label) {
        let results = self.shared.requests.get(operation);
        let counter = results.and_then(|results| results.get(result)?.get(&self.recorder));
        if let Some(counter) = counter {
            counter.increment(1);
        }
    }

    /// A refresh by way of the shared state ended with this result ([`Labels::shared_refreshes`]).
    pub fn shared_refresh(&self, result: impl Label) {
        let counter = self.shared.refreshes.get(result).and_then(|lazy| lazy.get(&self.recorder));
        if let Some(counter) = counter {
            counter.increment(1);
        }
    }

    /// Whether the shared state answers; how many revocations it does not have yet, and for how many
    /// of its own there is no room here.
    pub fn shared_state(&self, up: bool, unsent: usize, left_out: usize) {
        let Some([is_up, unsent_now, left_out_now]) = self.shared.state.get(&self.recorder) else {
            return;
        };
        is_up.set(if up { 1.0 } else { 0.0 });
        #[expect(clippy::cast_precision_loss, reason = "a bounded number of entries")]
        unsent_now.set(unsent as f64);
        #[expect(clippy::cast_precision_loss, reason = "a bounded number of entries")]
        left_out_now.set(left_out as f64);
    }
}
