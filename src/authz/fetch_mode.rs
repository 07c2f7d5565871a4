//! The warning about a proxy that holds `Sec-Fetch-Mode` back, found out from the checks themselves.

use std::sync::atomic::{AtomicBool, Ordering};

use super::ends::{CheckEnd, CheckRecorder};
use crate::model::{DenyReason, Warning};

/// Said on `/status` once a user's request came without a header that browsers send.
const FETCH_MODE_MISSING: &str = "since this configuration is in force, a user's request with a \
                                  cookie had Sec-Fetch-Site and no Sec-Fetch-Mode: a WebSocket \
                                  handshake cannot be told from a plain GET, so that such requests \
                                  from pages of other sites are denied (fetch_mode_missing); add \
                                  `upgrade` and `sec-fetch-mode` to allowed_headers of Envoy's \
                                  filter";

/// Notices checks that were denied because the proxy holds `Sec-Fetch-Mode` back.
#[derive(Debug, Default)]
pub struct FetchModeWarning {
    missing: AtomicBool,
}

impl CheckRecorder for FetchModeWarning {
    fn ended(&self, end: &CheckEnd<'_>) {
        // Denied after its token was found good: a user's own browser.
        if let Err(denial) = end.result
            && denial.reason() == DenyReason::FetchModeMissing
            && denial.issuer().is_some()
            && !self.missing.swap(true, Ordering::Relaxed)
        {
            tracing::warn!("{FETCH_MODE_MISSING}");
        }
    }

    fn configured(&self, _: u64) {
        self.missing.store(false, Ordering::Relaxed);
    }

    fn warning(&self) -> Option<Warning> {
        let is_missing = self.missing.load(Ordering::Relaxed);
        is_missing.then(|| Warning::new("fetch_mode_missing", FETCH_MODE_MISSING))
    }
}
