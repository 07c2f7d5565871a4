//! A status with its details (google/rpc/error_details).
//!
//! In: a reason, a message, more to tell, and when to try again. Out: the status. Nothing of a token
//! gets in here.

use std::{collections::HashMap, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::reason::ErrorReason;

/// Of every `ErrorInfo`.
const DOMAIN: &str = "rownd-authz";
/// When to try again, where no other time is known.
pub(super) const SOON: Duration = Duration::from_secs(1);

/// A name and a value of an `ErrorInfo`.
pub(super) type Detail = (String, String);

pub(super) fn info(reason: ErrorReason, told: impl IntoIterator<Item = Detail>) -> ErrorDetails {
    info_of(reason.word(), told)
}

/// The details for a reason of another table.
pub(super) fn info_of(reason: &str, told: impl IntoIterator<Item = Detail>) -> ErrorDetails {
    let told: HashMap<String, String> = told.into_iter().collect();
    ErrorDetails::with_error_info(reason, DOMAIN, told)
}

pub(super) fn status(code: Code, message: &str, details: ErrorDetails) -> Status {
    Status::with_error_details(code, message, details)
}

pub(super) fn final_status(
    reason: ErrorReason,
    message: &str,
    told: impl IntoIterator<Item = Detail>,
) -> Status {
    status(reason.code(), message, info(reason, told))
}

pub(super) fn retryable(
    reason: ErrorReason,
    message: &str,
    wait: Duration,
    told: impl IntoIterator<Item = Detail>,
) -> Status {
    let mut details = info(reason, told);
    details.set_retry_info(Some(wait));
    status(reason.code(), message, details)
}
