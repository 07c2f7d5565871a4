//! Series that are made at their first event. Most series of some kinds never have one: an issuer
//! has few of the endpoints of all issuers, and a token few of the reasons to be refused.
//!
//! In: how to make the series. Out: the series, from the first event on. No alert may count one of
//! them from zero: docs/metrics.md says which series exist from the start.

use std::sync::OnceLock;

use metrics::with_local_recorder;
use metrics_exporter_prometheus::PrometheusRecorder;

/// The recorder of the series; empty while the first ones are made.
pub(super) type Recorder = OnceLock<PrometheusRecorder>;

/// One series, or several that are made together.
pub(super) struct Lazy<S> {
    made: OnceLock<S>,
    make: Box<dyn Fn() -> S + Send + Sync>,
}

impl<S> Lazy<S> {
    /// To be made so.
    pub(super) fn new(make: impl Fn() -> S + Send + Sync + 'static) -> Self {
        Self { made: OnceLock::new(), make: Box::new(make) }
    }

    /// The series, which are made now if there are none yet.
    pub(super) fn get(&self, recorder: &Recorder) -> Option<&S> {
        if let Some(made) = self.made.get() {
            return Some(made);
        }
        let recorder = recorder.get()?;
        Some(self.made.get_or_init(|| with_local_recorder(recorder, || (self.make)())))
    }

    /// The series, if an event has made them.
    pub(super) fn made(&self) -> Option<&S> {
        self.made.get()
    }
}
