//! Why a call was not answered, as `google.rpc.Status` with its details (google/rpc/error_details).
//!
//! In: what went wrong, as the rooms say it. Out: a code, a stable reason, whether and when to come
//! again. Nothing of a token, and nothing that an upstream wrote but its status and code.

use std::{collections::HashMap, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::{
    authz::Refusal,
    issuer_api::{ApiError, ExchangeError, Pause, PauseCause, Rejection},
    metrics::CallerRefusal,
    model::{Denial, DenialClass, DenyReason},
    profile,
    single_flight::Missed,
    upstream::UpstreamError,
};

/// Of every `ErrorInfo`.
const DOMAIN: &str = "rownd-authz";
/// The reason of what was not answered in time.
const LATE: &str = "DEADLINE_EXCEEDED";
/// When to come again where nobody said so.
const SOON: Duration = Duration::from_secs(1);

/// What is asked for: it decides what a no of the API means.
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

/// Why a call was not answered.
#[derive(Debug)]
pub(super) enum Fault {
    /// The caller may not.
    Caller(Refusal),
    /// A field is wrong, and how.
    Field(&'static str, String),
    /// It cannot be decided about the token now.
    Undecided(Denial, Duration),
    /// The token that names the user is no good.
    Token(Denial),
    /// Too many calls; come again after this.
    Overloaded(Duration),
    /// The caller asks too often for what is younger than it has to be; come again after this.
    TooOften(Duration),
    /// Not in time.
    Late(Duration),
    /// Not within the caller's own deadline.
    Hurried,
    /// The API of an issuer said no, or nothing.
    Api(Asked, ApiError),
    /// The issuer has nothing of the kind, or what it needs is not configured.
    Unsupported(&'static str, &'static str),
    /// There is no such user.
    NoUser,
    /// The account is disabled.
    Disabled,
    /// Tokens came, and they are not for us.
    Foreign(DenyReason),
    /// There is no such method.
    NoMethod,
    /// The message could not be read.
    Unreadable,
    /// Our own fault.
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

    /// It cannot be decided about the token before the time that the denial knows, or else after
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

    /// There is no answer of work that calls share.
    const fn missed(missed: Missed) -> Self {
        match missed {
            Missed::Late | Missed::Stopped => Self::Late(SOON),
            Missed::Busy => Self::Overloaded(SOON),
            Missed::Panicked => Self::Internal,
        }
    }

    pub(super) fn status(self) -> Status {
        match self {
            Self::Caller(refusal) => caller(refusal),
            Self::Field(name, why) => {
                let mut details = info("BAD_REQUEST", []);
                details.add_bad_request_violation(name, why.as_str());
                Status::with_error_details(Code::InvalidArgument, format!("{name}: {why}"), details)
            }
            Self::Undecided(denial, wait) => {
                again(Code::Unavailable, reason(&denial), denial.reason().message(), wait, [])
            }
            Self::Token(denial) => {
                let (code, message) = (Code::Unauthenticated, denial.reason().message());
                plain(code, &reason(&denial), message, [])
            }
            Self::Overloaded(wait) => {
                let message = DenyReason::Overloaded.message();
                again(Code::Unavailable, "OVERLOADED".to_owned(), message, wait, [])
            }
            Self::TooOften(wait) => {
                let message = "the caller asks too often for a younger profile, by `max_age`: see \
                               rownd_auth.max_age_per_second";
                again(Code::ResourceExhausted, "MAX_AGE_LIMITED".to_owned(), message, wait, [])
            }
            Self::Late(wait) => {
                again(Code::Unavailable, LATE.to_owned(), "no answer in time", wait, [])
            }
            Self::Hurried => {
                let message = "no answer within the deadline that the caller set";
                plain(Code::DeadlineExceeded, LATE, message, [])
            }
            Self::Api(asked, error) => api(asked, &error),
            Self::Unsupported(word, message) => plain(Code::FailedPrecondition, word, message, []),
            Self::NoUser => {
                plain(Code::NotFound, "USER_NOT_FOUND", DenyReason::UserNotFound.message(), [])
            }
            Self::Disabled => {
                let message = DenyReason::UserDisabled.message();
                plain(Code::FailedPrecondition, "USER_DISABLED", message, [])
            }
            Self::Foreign(reason) => {
                let reason = ("deny_reason".to_owned(), reason.code().to_owned());
                let message = "the tokens that came are another app's";
                plain(Code::FailedPrecondition, "TOKENS_REFUSED", message, [reason])
            }
            Self::NoMethod => {
                let message = "RowndAuth has no such method";
                plain(Code::Unimplemented, NO_METHOD, message, [])
            }
            Self::Unreadable => {
                let message = "the message cannot be read: it is cut off, compressed, or none of \
                               this method";
                plain(Code::InvalidArgument, "MESSAGE_UNREADABLE", message, [])
            }
            Self::Internal => plain(Code::Internal, "INTERNAL", "internal error", []),
        }
    }
}

/// A denial's reason as an `ErrorInfo` writes it.
fn reason(denial: &Denial) -> String {
    denial.reason().code().to_ascii_uppercase()
}

/// It is the state of things that keeps us from deciding, and not the token.
pub(super) fn is_undecided(denial: &Denial) -> bool {
    matches!(denial.reason().class(), DenialClass::Pending | DenialClass::Unavailable)
}

fn caller(refusal: Refusal) -> Status {
    let message = match refusal {
        Refusal::Unknown => "the caller's secret is nobody's",
        Refusal::Required => "from another machine only known callers may call this",
        Refusal::NotGranted => "the caller may not call this: see rownd_auth.callers",
    };
    let reason = counted(refusal).as_str().to_ascii_uppercase();
    plain(Code::PermissionDenied, &reason, message, [])
}

const fn counted(refusal: Refusal) -> CallerRefusal {
    match refusal {
        Refusal::Unknown => CallerRefusal::Unknown,
        Refusal::Required => CallerRefusal::Required,
        Refusal::NotGranted => CallerRefusal::NotGranted,
    }
}

/// The reason of a call of a method that does not exist.
pub(super) const NO_METHOD: &str = "METHOD_UNKNOWN";

/// What a status that leaves the door says of itself: its code and reason. One that the library
/// made becomes one of ours first; and what was not in time for a caller in a hurry (`hurried`:
/// the deadline was its own) is told as that.
pub(super) fn of_status(status: &Status, hurried: bool) -> Result<(Code, String), Fault> {
    match status.get_error_details().error_info() {
        Some(info) if hurried && info.reason == LATE && status.code() == Code::Unavailable => {
            Err(Fault::Hurried)
        }
        Some(info) => Ok((status.code(), info.reason.clone())),
        None => Err(Fault::Unreadable),
    }
}

/// What the API of an issuer answered.
fn api(asked: Asked, error: &ApiError) -> Status {
    let code =
        if let ApiError::Rejected(Rejection { code, .. }) = error { code.clone() } else { None };
    let told = [
        ("upstream_status", error.status().map(|status| status.to_string())),
        ("upstream_code", code),
    ];
    let told = told.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let wait = error.retry_after().unwrap_or(SOON);
    match error {
        ApiError::Rejected(rejection) => {
            let (word, message) = rejected(asked, rejection);
            plain(Code::FailedPrecondition, word, message, told)
        }
        ApiError::KeyRefused(_) => {
            let message = "the issuer refuses our app key, app secret or client secret";
            plain(Code::FailedPrecondition, "APP_CREDENTIALS_REFUSED", message, told)
        }
        ApiError::IdToken(_) => {
            let message = "the ID token that came is not one for this sign-in";
            plain(Code::FailedPrecondition, "ID_TOKEN_REFUSED", message, told)
        }
        ApiError::NotFound | ApiError::Id => {
            plain(Code::NotFound, "USER_NOT_FOUND", DenyReason::UserNotFound.message(), told)
        }
        ApiError::Limited(_) => limited("the issuer asks for fewer requests", wait, told),
        ApiError::Shape | ApiError::Metadata(_) | ApiError::Upstream(UpstreamError::TooLarge) => {
            let message = "the issuer's answer does not have the documented shape";
            plain(Code::Internal, "ROWND_ANSWER_INVALID", message, told)
        }
        ApiError::Paused(Pause { cause: PauseCause::Limit, .. }) => {
            limited("the issuer asked for fewer requests of this kind: none is sent", wait, told)
        }
        ApiError::Paused(Pause { cause: PauseCause::Failures, .. }) => {
            let message = "requests of this kind failed too often just now: none is sent";
            again(Code::Unavailable, "ROWND_UNAVAILABLE".to_owned(), message, wait, told)
        }
        ApiError::BodyNotWritable | ApiError::NoRandomness => Fault::Internal.status(),
        ApiError::Upstream(_) => {
            let (word, message) = ("ROWND_UNAVAILABLE", "the issuer cannot be asked now");
            again(Code::Unavailable, word.to_owned(), message, wait, told)
        }
    }
}

fn limited(message: &str, wait: Duration, told: impl IntoIterator<Item = Told>) -> Status {
    again(Code::ResourceExhausted, "ROWND_RATE_LIMITED".to_owned(), message, wait, told)
}

const REFRESH_TOKEN_REFUSED: (&str, &str) = (
    "REFRESH_TOKEN_REFUSED",
    "the refresh token is used up or ended: the user has to sign in again",
);

/// What it means that the API understood and turned down what was asked.
fn rejected(asked: Asked, rejection: &Rejection) -> (&'static str, &'static str) {
    // RFC 6749 section 5.2: any other code is about the request, and the token may be good still.
    let is_grant = rejection.code.as_deref() == Some("invalid_grant");
    match (asked, rejection.status) {
        (Asked::ThirdParty, 400 | 404) => {
            ("EXCHANGE_ABORTED", "the token validator turned the token down")
        }
        (Asked::Refresh, _) => REFRESH_TOKEN_REFUSED,
        (Asked::OpenIdRefresh, _) if is_grant => REFRESH_TOKEN_REFUSED,
        (Asked::Code, _) if is_grant => {
            ("CODE_REFUSED", "the code is used up, ended or another client's")
        }
        (Asked::Migration, _) => ("MIGRATION_REFUSED", "the token gives no session"),
        (Asked::User, 401 | 403) => ("USER_REFUSED", "the session may not read its user"),
        _ => ("EXCHANGE_REFUSED", "the issuer turned it down"),
    }
}

type Told = (String, String);

fn info(reason: &str, told: impl IntoIterator<Item = Told>) -> ErrorDetails {
    let told: HashMap<String, String> = told.into_iter().collect();
    ErrorDetails::with_error_info(reason, DOMAIN, told)
}

fn plain(code: Code, reason: &str, message: &str, told: impl IntoIterator<Item = Told>) -> Status {
    Status::with_error_details(code, message, info(reason, told))
}

fn again(
    code: Code,
    reason: String,
    message: &str,
    wait: Duration,
    told: impl IntoIterator<Item = Told>,
) -> Status {
    let mut details = info(&reason, told);
    details.set_retry_info(Some(wait));
    Status::with_error_details(code, message, details)
}
