//! Why a call failed, as `google.rpc.Status` with its details (google/rpc/error_details).
//!
//! In: what went wrong, as the rooms report it. Out: a code, a stable reason, whether and when to try
//! again. It holds nothing of a token, and of an upstream only its status and code.

use std::{collections::HashMap, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::caller_refusal::CallerRefusal;
use crate::{
    authz::CallerError,
    issuer_api::{ApiError, ExchangeError, Pause, PauseCause, Rejection},
    metrics::Label as _,
    model::{Denial, DenialClass, DenyReason},
    profile, response,
    single_flight::Missed,
    upstream::UpstreamError,
};

/// Of every `ErrorInfo`.
const DOMAIN: &str = "rownd-authz";
/// The reason where there was no response in time.
const LATE: &str = "DEADLINE_EXCEEDED";
/// When to try again, where no other time is known.
const SOON: Duration = Duration::from_secs(1);
/// The longest response that gRPC's libraries take unless they are told otherwise, in bytes.
pub(super) const MAX_RESPONSE_BYTES: usize = 4 << 20;

/// The kind of request to an issuer. It decides what a refusal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    ThirdParty,
    Refresh,
    OpenIdRefresh,
    Code,
    Migration,
    Guest,
    AuthorizationUrl,
    User,
}

/// Why a call failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// The caller is not allowed to do this.
    Caller(CallerError),
    /// A field is wrong, and how.
    Field(&'static str, String),
    /// The token cannot be judged now; try again after this time.
    Undecided(Denial, Duration),
    /// The token that names the user is refused.
    Token(Denial),
    /// Too many calls; try again after this time.
    Overloaded(Duration),
    /// The caller asks too often for a younger profile than is cached; try again after this time.
    TooOften(Duration),
    /// There was no response in time; try again after this time.
    Late(Duration),
    /// There was no response within the caller's own deadline.
    Hurried,
    /// The API of an issuer refused, or did not answer.
    Api(Asked, ApiError),
    /// The issuer does not support this, or is not configured for it: reason and message.
    Unsupported(&'static str, &'static str),
    /// There is no such user.
    NoUser,
    /// The account is disabled.
    Disabled,
    /// The response about a user would have so many bytes that libraries refuse it.
    UserTooLarge(usize),
    /// The issuer sent tokens of another app.
    Foreign(DenyReason),
    /// There is no such method.
    NoMethod,
    /// The message could not be read.
    Unreadable,
    /// This program failed.
    Internal,
}

impl From<Fault> for Status {
    fn from(fault: Fault) -> Self {
        fault.status()
    }
}

impl Fault {
    pub(super) fn field(name: &'static str, why: impl Into<String>) -> Self {
        Self::Field(name, why.into())
    }

    /// The token cannot be judged now; try again after the time that the denial names, or else after
    /// `retry`.
    pub(super) fn undecided(denial: Denial, retry: Duration) -> Self {
        let wait = denial.retry_after().map_or(retry, |wait| wait.max(SOON));
        Self::Undecided(denial, wait)
    }

    pub(super) fn exchange(asked: Asked, error: ExchangeError) -> Self {
        match error {
            ExchangeError::Api(error) => Self::Api(asked, error),
            ExchangeError::Missed(missed) => Self::missed(missed),
            ExchangeError::Unsupported => {
                Self::Unsupported("EXCHANGE_UNSUPPORTED", "the issuer has no such exchange")
            }
            ExchangeError::NoKey => {
                Self::Unsupported("APP_KEY_MISSING", "the app has no key in the configuration")
            }
        }
    }

    pub(super) fn profile(error: profile::ProfileError) -> Self {
        match error {
            profile::ProfileError::Unsupported => Self::Unsupported(
                "PROFILE_UNSUPPORTED",
                "the issuer has no profiles, or the app no key and secret to read them with",
            ),
            profile::ProfileError::NotFound => Self::NoUser,
            profile::ProfileError::Unavailable(error) => Self::Api(Asked::User, error),
            profile::ProfileError::Missed(missed) => Self::missed(missed),
            profile::ProfileError::TooOften(wait) => Self::TooOften(wait),
        }
    }

    /// The work that calls share gave no answer.
    const fn missed(missed: Missed) -> Self {
        match missed {
            Missed::Late | Missed::Stopped => Self::Late(SOON),
            Missed::Busy => Self::Overloaded(SOON),
            Missed::Panicked => Self::Internal,
        }
    }

    pub(super) fn status(self) -> Status {
        match self {
            Self::Caller(refusal) => caller_status(refusal),
            Self::Field(name, why) => field_status(name, &why),
            Self::Undecided(denial, wait) => undecided_status(&denial, wait),
            Self::Token(denial) => {
                let (code, message) = (code_of(denial.reason()), denial.reason().message());
                final_status(code, &reason(&denial), message, [])
            }
            Self::Overloaded(wait) => {
                let why = DenyReason::Overloaded;
                retryable(code_of(why), "OVERLOADED", why.message(), wait, [])
            }
            Self::TooOften(wait) => {
                let message = "the caller asks too often for a younger profile, by `max_age`: see \
                               rownd_auth.max_age_per_second";
                retryable(Code::ResourceExhausted, "MAX_AGE_LIMITED", message, wait, [])
            }
            Self::Late(wait) => {
                let code = code_of(DenyReason::DeadlineExceeded);
                retryable(code, LATE, "no response in time", wait, [])
            }
            Self::Hurried => {
                let message = "no response within the deadline that the caller set";
                final_status(Code::DeadlineExceeded, LATE, message, [])
            }
            Self::Api(asked, error) => api_status(asked, &error),
            Self::Unsupported(word, message) => {
                final_status(Code::FailedPrecondition, word, message, [])
            }
            Self::NoUser => final_status(
                Code::NotFound,
                "USER_NOT_FOUND",
                DenyReason::UserNotFound.message(),
                [],
            ),
            Self::Disabled => {
                let message = DenyReason::UserDisabled.message();
                final_status(Code::FailedPrecondition, "USER_DISABLED", message, [])
            }
            Self::UserTooLarge(bytes) => too_large_status(bytes),
            Self::Foreign(reason) => {
                let reason = ("deny_reason".to_owned(), reason.code().to_owned());
                let message = "the issuer sent tokens of another app";
                final_status(Code::FailedPrecondition, "TOKENS_REFUSED", message, [reason])
            }
            Self::NoMethod => {
                let message = "RowndAuth has no such method";
                final_status(Code::Unimplemented, NO_METHOD, message, [])
            }
            Self::Unreadable => {
                let message = "the message cannot be read: it is cut off, compressed, or not a message \
                               of this method";
                final_status(Code::InvalidArgument, "MESSAGE_UNREADABLE", message, [])
            }
            Self::Internal => final_status(Code::Internal, "INTERNAL", "internal error", []),
        }
    }
}

/// The token cannot be judged now: the code of its denial, and when to try again.
fn undecided_status(denial: &Denial, wait: Duration) -> Status {
    let why = denial.reason();
    retryable(code_of(why), &reason(denial), why.message(), wait, [])
}

/// The gRPC code of a reason, by the table that every door uses.
const fn code_of(reason: DenyReason) -> Code {
    Code::from_i32(response::statuses(reason).grpc)
}

/// A denial's reason as an `ErrorInfo` writes it.
fn reason(denial: &Denial) -> String {
    denial.reason().code().to_ascii_uppercase()
}

/// The token is not the reason for this denial: it cannot be judged at the moment.
pub(super) fn is_undecided(denial: &Denial) -> bool {
    matches!(denial.reason().class(), DenialClass::Pending | DenialClass::Unavailable)
}

fn field_status(name: &str, why: &str) -> Status {
    let mut details = info("BAD_REQUEST", []);
    details.add_bad_request_violation(name, why);
    Status::with_error_details(Code::InvalidArgument, format!("{name}: {why}"), details)
}

fn caller_status(refusal: CallerError) -> Status {
    let message = match refusal {
        CallerError::Unknown => "the secret of the caller is unknown",
        CallerError::Required => "only known callers may call this from another machine",
        CallerError::NotGranted => "the caller may not call this: see rownd_auth.callers",
    };
    let reason = refusal_label(refusal).as_str().to_ascii_uppercase();
    final_status(Code::PermissionDenied, &reason, message, [])
}

const fn refusal_label(refusal: CallerError) -> CallerRefusal {
    match refusal {
        CallerError::Unknown => CallerRefusal::Unknown,
        CallerError::Required => CallerRefusal::Required,
        CallerError::NotGranted => CallerRefusal::NotGranted,
    }
}

/// The reason of a call of a method that does not exist.
pub(super) const NO_METHOD: &str = "METHOD_UNKNOWN";

/// Code and reason of a status that leaves the door.
///
/// # Errors
///
/// Fails with the fault to send instead: for a status that the library made, and for one that came
/// too late for a caller with a shorter deadline of its own (`hurried`).
pub(super) fn of_status(status: &Status, hurried: bool) -> Result<(Code, String), Fault> {
    match status.get_error_details().error_info() {
        Some(info) if hurried && info.reason == LATE && status.code() == Code::Unavailable => {
            Err(Fault::Hurried)
        }
        Some(info) => Ok((status.code(), info.reason.clone())),
        None => Err(Fault::Unreadable),
    }
}

/// The status for what the API of an issuer answered.
fn api_status(asked: Asked, error: &ApiError) -> Status {
    let code =
        if let ApiError::Rejected(Rejection { code, .. }) = error { code.clone() } else { None };
    let told = [
        ("upstream_status", error.status().map(|status| status.to_string())),
        ("upstream_code", code),
    ];
    let told = told.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let wait = error.retry_after().unwrap_or(SOON);
    match error {
        ApiError::OtherUser => {
            let message = "the issuer answered about another user than the one that was asked for";
            final_status(Code::Internal, "USER_MISMATCH", message, told)
        }
        ApiError::Upstream(UpstreamError::TooLarge) if asked == Asked::User => {
            let message = "the issuer's answer about the user has more than 1 MiB, the most that is \
                           read of it, and `read_mask` does not change that: keep large values of \
                           the profile elsewhere";
            final_status(Code::FailedPrecondition, USER_TOO_LARGE, message, told)
        }
        ApiError::Rejected(rejection) => {
            let (word, message) = rejection_reason(asked, rejection);
            final_status(Code::FailedPrecondition, word, message, told)
        }
        ApiError::KeyRefused(_) => {
            let message = "the issuer refuses the configured app key, app secret or client secret";
            final_status(Code::FailedPrecondition, "APP_CREDENTIALS_REFUSED", message, told)
        }
        ApiError::IdToken(_) => {
            let message = "the ID token that came is not one for this sign-in";
            final_status(Code::FailedPrecondition, "ID_TOKEN_REFUSED", message, told)
        }
        ApiError::NotFound | ApiError::Id => {
            final_status(Code::NotFound, "USER_NOT_FOUND", DenyReason::UserNotFound.message(), told)
        }
        ApiError::Limited(_) => limited("the issuer asks for fewer requests", wait, told),
        ApiError::Shape
        | ApiError::Metadata(_)
        | ApiError::Upstream(UpstreamError::TooLarge | UpstreamError::Packed(_)) => {
            let message = "the issuer's response does not have the documented shape";
            final_status(Code::Internal, "ROWND_ANSWER_INVALID", message, told)
        }
        ApiError::Paused(Pause { cause: PauseCause::Limit, .. }) => {
            limited("the issuer asked for fewer requests of this kind: none is sent", wait, told)
        }
        ApiError::Paused(Pause { cause: PauseCause::Failures, .. }) => {
            let message = "requests of this kind failed too often just now: none is sent";
            retryable(Code::Unavailable, "ROWND_UNAVAILABLE", message, wait, told)
        }
        ApiError::BodyNotWritable | ApiError::NoRandomness => Fault::Internal.status(),
        ApiError::Upstream(_) => {
            let (word, message) = ("ROWND_UNAVAILABLE", "the issuer cannot be asked now");
            retryable(Code::Unavailable, word, message, wait, told)
        }
    }
}

/// A user's data, from the issuer or to the caller, are too large.
const USER_TOO_LARGE: &str = "USER_TOO_LARGE";

fn too_large_status(bytes: usize) -> Status {
    let message = format!(
        "the response would have {bytes} bytes, and libraries refuse more than {MAX_RESPONSE_BYTES}: \
         ask for fewer fields by `read_mask`, such as \"id,data.email\""
    );
    final_status(Code::FailedPrecondition, USER_TOO_LARGE, &message, [])
}

fn limited(message: &str, wait: Duration, told: impl IntoIterator<Item = Detail>) -> Status {
    retryable(Code::ResourceExhausted, "ROWND_RATE_LIMITED", message, wait, told)
}

const REFRESH_TOKEN_REFUSED: (&str, &str) = (
    "REFRESH_TOKEN_REFUSED",
    "the refresh token is used up or expired: the user has to sign in again",
);

/// Reason and message where the API understood the request and rejected it.
fn rejection_reason(asked: Asked, rejection: &Rejection) -> (&'static str, &'static str) {
    // RFC 6749 section 5.2: any other code is about the request, and the token may be good still.
    let is_grant = rejection.code.as_deref() == Some("invalid_grant");
    match (asked, rejection.status) {
        (Asked::ThirdParty, 400 | 404) => {
            ("EXCHANGE_ABORTED", "the token validator refused the token")
        }
        (Asked::Refresh, _) => REFRESH_TOKEN_REFUSED,
        (Asked::OpenIdRefresh, _) if is_grant => REFRESH_TOKEN_REFUSED,
        (Asked::Code, _) if is_grant => {
            ("CODE_REFUSED", "the code is used up, expired, or for another client")
        }
        (Asked::Migration, _) => ("MIGRATION_REFUSED", "the issuer makes no session of this token"),
        (Asked::User, 401 | 403) => ("USER_REFUSED", "the session is not allowed to read its user"),
        (Asked::User, _) => ("PROFILE_REFUSED", "the issuer does not hand out the user's profile"),
        _ => ("EXCHANGE_REFUSED", "the issuer refused the exchange"),
    }
}

/// A name and a value of an `ErrorInfo`.
type Detail = (String, String);

fn info(reason: &str, told: impl IntoIterator<Item = Detail>) -> ErrorDetails {
    let told: HashMap<String, String> = told.into_iter().collect();
    ErrorDetails::with_error_info(reason, DOMAIN, told)
}

fn final_status(
    code: Code,
    reason: &str,
    message: &str,
    told: impl IntoIterator<Item = Detail>,
) -> Status {
    Status::with_error_details(code, message, info(reason, told))
}

fn retryable(
    code: Code,
    reason: &str,
    message: &str,
    wait: Duration,
    told: impl IntoIterator<Item = Detail>,
) -> Status {
    let mut details = info(reason, told);
    details.set_retry_info(Some(wait));
    Status::with_error_details(code, message, details)
}
