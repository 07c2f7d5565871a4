//! Why a call failed, as `google.rpc.Status` with its details (google/rpc/error_details).
//!
//! In: what went wrong, as the rooms report it. Out: a code, a stable reason, whether and when to try
//! again. It holds nothing of a token, and of an upstream only its status and code.

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::{
    administration::{Request, administration_status},
    caller_refusal::CallerRefusal,
    details::{Detail, SOON, final_status, info, info_of, retryable, status},
    reason::ErrorReason,
    refusal::{Asked, KEY_REFUSED, api_status},
};
use crate::{
    authz::CallerError,
    issuer_api::{ApiError, ExchangeError},
    metrics::Label as _,
    model::{Denial, DenialClass, DenyReason},
    profile, response,
    single_flight::Missed,
};

/// The time after which the answer of another replica may be known that was not.
const UNKNOWN_WAIT: Duration = Duration::from_secs(5);
/// The longest response that gRPC's libraries take unless they are told otherwise, in bytes.
pub(super) const MAX_RESPONSE_BYTES: usize = 4 << 20;

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
    /// The API of an issuer refused to read or change something, or did not answer.
    Administration(Request, ApiError),
    /// The API of these issuers cannot do this.
    NotOfIssuer(String),
    /// The configuration has no secret of the app.
    NoSecret,
    /// The thing has changed since the etag of the request was made.
    EtagMismatch,
    /// There is such a user already.
    UserExists,
    /// These fields were to be cleared and have still a value.
    NotCleared(Vec<String>),
    /// A page has so many bytes that libraries refuse it.
    PageTooLarge,
    /// A reason, a message, and what else there is to tell.
    Told(ErrorReason, &'static str, Vec<Detail>),
    /// The issuer does not support this, or is not configured for it: reason and message.
    Unsupported(ErrorReason, &'static str),
    /// There is no such user.
    NoUser,
    /// The account is disabled.
    Disabled,
    /// The response about a user would have so many bytes that libraries refuse it.
    UserTooLarge(usize),
    /// The hook of the operator does not let the user sign in, and why.
    SignInDenied(String),
    /// The hook of the operator has not decided whether the user may sign in.
    SignInUndecided,
    /// The issuer sent tokens of another app.
    Foreign(DenyReason),
    /// The issuer sent tokens of another app for the key of this one.
    ForeignKey(DenyReason),
    /// The refresh token was sent, and no replica knows the answer.
    OutcomeUnknown,
    /// The state that replicas share does not answer, and nothing was sent; try again after this
    /// time.
    NotShared(Duration),
    /// The issuer has made the change and this replica refuses the tokens, but the state that
    /// replicas share has not taken the revocation.
    RevocationNotShared,
    /// The refresh token is of no app of the configuration. It was not sent.
    ForeignRefresh(DenyReason),
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
        if denial.reason() == DenyReason::Internal {
            // A panic: another try of the same call meets the same fault.
            return Self::Internal;
        }
        let wait = denial.retry_after().map_or(retry, |wait| wait.max(SOON));
        Self::Undecided(denial, wait)
    }

    pub(super) fn exchange(asked: Asked, error: ExchangeError) -> Self {
        match error {
            ExchangeError::Api(error) => Self::Api(asked, error),
            ExchangeError::Missed(missed) => Self::missed(missed),
            ExchangeError::OutcomeUnknown => Self::OutcomeUnknown,
            ExchangeError::NotShared => Self::NotShared(SOON),
            ExchangeError::Unsupported => {
                let message = "the issuer has no such exchange";
                Self::Unsupported(ErrorReason::ExchangeUnsupported, message)
            }
            ExchangeError::NoKey => {
                let message = "the app has no key in the configuration";
                Self::Unsupported(ErrorReason::AppKeyMissing, message)
            }
        }
    }

    pub(super) fn profile(error: profile::ProfileError) -> Self {
        match error {
            profile::ProfileError::Unsupported => Self::Unsupported(
                ErrorReason::ProfileUnsupported,
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

    #[expect(clippy::too_many_lines, reason = "an arm for each fault")]
    pub(super) fn status(self) -> Status {
        let (reason, message) = match self {
            Self::Caller(refusal) => return caller_status(refusal),
            Self::Field(name, why) => return field_status(name, &why),
            Self::Undecided(denial, wait) => return undecided_status(&denial, wait),
            Self::Token(denial) => return token_status(&denial),
            Self::Api(asked, error) => return api_status(asked, &error),
            Self::Administration(request, error) => return administration_status(request, &error),
            Self::NotOfIssuer(issuer) => {
                let message = "the API of the issuer has nothing for this call";
                let told = [("issuer".to_owned(), issuer)];
                return final_status(ErrorReason::IssuerUnsupported, message, told);
            }
            Self::Overloaded(wait) => {
                let message =
                    "too many calls at a time: see `OVERLOADED` in docs/rownd-auth-errors.md";
                return retryable(ErrorReason::Overloaded, message, wait, []);
            }
            Self::TooOften(wait) => {
                let message = "the caller asks too often for a younger profile, by `max_age`: see \
                               rownd_auth.max_age_per_second";
                return retryable(ErrorReason::MaxAgeLimited, message, wait, []);
            }
            Self::OutcomeUnknown => return outcome_unknown_status(),
            Self::NotShared(wait) => return not_shared_status(wait),
            Self::RevocationNotShared => return revocation_not_shared_status(),
            Self::Late(wait) => {
                return retryable(ErrorReason::Late, "no response in time", wait, []);
            }
            Self::UserTooLarge(bytes) => return too_large_status(bytes),
            Self::NotCleared(fields) => return not_cleared_status(&fields),
            Self::SignInDenied(why) => return sign_in_denied_status(why),
            Self::SignInUndecided => {
                let message = "the hook that decides about sign-ins has not decided, and nobody \
                               gets the tokens";
                return retryable(ErrorReason::SignInUndecided, message, SOON, []);
            }
            Self::Foreign(why) => {
                let message = "the issuer sent tokens of another app";
                return final_status(ErrorReason::TokensRefused, message, deny_reason(why));
            }
            Self::ForeignKey(why) => {
                let told = deny_reason(why);
                return final_status(ErrorReason::AppCredentialsRefused, KEY_REFUSED, told);
            }
            Self::ForeignRefresh(why) => {
                let message =
                    "the refresh token is of no app of the configuration; it was not sent";
                return final_status(ErrorReason::RefreshTokenForeign, message, deny_reason(why));
            }
            Self::Hurried => {
                (ErrorReason::Hurried, "no response within the deadline that the caller set")
            }
            Self::Told(reason, message, told) => return final_status(reason, message, told),
            Self::Unsupported(reason, message) => (reason, message),
            Self::NoSecret => (
                ErrorReason::AppSecretMissing,
                "the app has no key and secret in the configuration, and this call needs both",
            ),
            Self::EtagMismatch => {
                (ErrorReason::EtagMismatch, "it has changed since the etag was made: read it again")
            }
            Self::UserExists => (ErrorReason::UserExists, "there is a user with this id already"),
            Self::PageTooLarge => (
                ErrorReason::ResponseTooLarge,
                "the page would have more than 4 MiB, and libraries refuse more: lower `page_size`, \
                 or ask for fewer fields by `read_mask`, such as \"id,data.email\"",
            ),
            Self::NoUser => (ErrorReason::UserNotFound, DenyReason::UserNotFound.message()),
            Self::Disabled => (ErrorReason::UserDisabled, DenyReason::UserDisabled.message()),
            Self::NoMethod => (ErrorReason::MethodUnknown, "the service has no such method"),
            Self::Unreadable => (
                ErrorReason::MessageUnreadable,
                "the message cannot be read: it is cut off, compressed, or not a message of this \
                 method",
            ),
            Self::Internal => (ErrorReason::Internal, "internal error"),
        };
        final_status(reason, message, [])
    }
}

/// A refresh token was sent, and no replica knows the answer.
fn outcome_unknown_status() -> Status {
    let message = "the refresh token was sent and its answer is not known, so it is not sent again: \
                   if this stays, the user has to sign in";
    retryable(ErrorReason::RefreshOutcomeUnknown, message, UNKNOWN_WAIT, [])
}

/// The state that replicas share does not answer.
fn not_shared_status(wait: Duration) -> Status {
    let message = "the state that replicas share does not answer; nothing was changed";
    retryable(ErrorReason::SharedStateUnavailable, message, wait, [])
}

/// Says what was done and what was not: the call is to be repeated, which is no harm.
fn revocation_not_shared_status() -> Status {
    let message = "the issuer has made the change and this replica refuses the tokens, but the state \
                   that replicas share did not take the revocation: the others may allow the tokens \
                   until it does; repeat the call until it succeeds";
    let told = [("done", "issuer,this_replica"), ("not_done", "other_replicas")];
    let told = told.map(|(name, what)| (name.to_owned(), what.to_owned()));
    retryable(ErrorReason::RevocationNotShared, message, SOON, told)
}

/// The hook of the operator denies a sign-in. Its reason is cut and cleaned already.
fn sign_in_denied_status(why: String) -> Status {
    let message = "the hook that decides about sign-ins denies this one";
    let told = (!why.is_empty()).then(|| ("hook_reason".to_owned(), why));
    final_status(ErrorReason::SignInDenied, message, told)
}

/// The metadata of an error that a denied token explains.
fn deny_reason(why: DenyReason) -> [Detail; 1] {
    [("deny_reason".to_owned(), why.code().to_owned())]
}

/// The token that names the user is refused.
fn token_status(denial: &Denial) -> Status {
    let why = denial.reason();
    status(code_of(why), why.message(), info_of(&reason(denial), []))
}

/// The token cannot be judged now: the code of its denial, and when to try again.
fn undecided_status(denial: &Denial, wait: Duration) -> Status {
    let why = denial.reason();
    let mut details = info_of(&reason(denial), []);
    details.set_retry_info(Some(wait));
    status(code_of(why), why.message(), details)
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
    let mut details = info(ErrorReason::BadRequest, []);
    details.add_bad_request_violation(name, why);
    status(ErrorReason::BadRequest.code(), &format!("{name}: {why}"), details)
}

/// The status for a mistake in a request that is not a message yet. Without a field, it is in the
/// whole.
pub(in crate::grpc) fn bad_request(field: &str, why: &str) -> Status {
    if field.is_empty() {
        return final_status(ErrorReason::BadRequest, why, []);
    }
    field_status(field, why)
}

/// The status for a fault of this program.
pub(in crate::grpc) fn internal_error() -> Status {
    Fault::Internal.status()
}

fn caller_status(refusal: CallerError) -> Status {
    let message = match refusal {
        CallerError::Unknown => "the secret of the caller is unknown",
        CallerError::Required => {
            "only known callers may call this from another machine, and over HTTP from any"
        }
        CallerError::NotGranted => "the caller may not call this: see rownd_auth.callers",
    };
    let reason = refusal_label(refusal).as_str().to_ascii_uppercase();
    status(Code::PermissionDenied, message, info_of(&reason, []))
}

const fn refusal_label(refusal: CallerError) -> CallerRefusal {
    match refusal {
        CallerError::Unknown => CallerRefusal::Unknown,
        CallerError::Required => CallerRefusal::Required,
        CallerError::NotGranted => CallerRefusal::NotGranted,
    }
}

/// Code and reason of a status that leaves the door.
///
/// # Errors
///
/// Fails with the fault to send instead: for a status that the library made, and for one that came
/// too late for a caller with a shorter deadline of its own (`hurried`).
pub(super) fn of_status(status: &Status, hurried: bool) -> Result<(Code, String), Fault> {
    match status.get_error_details().error_info() {
        Some(info)
            if hurried
                && info.reason == ErrorReason::Late.word()
                && status.code() == Code::Unavailable =>
        {
            Err(Fault::Hurried)
        }
        Some(info) => Ok((status.code(), info.reason.clone())),
        None => Err(Fault::Unreadable),
    }
}

/// The reason of a status; empty: the library made it.
pub(super) fn reason_of(status: &Status) -> String {
    status.get_error_details().error_info().map_or_else(String::new, |info| info.reason.clone())
}

/// Whether it is the status of a change that may have taken effect.
pub(super) fn is_outcome_unknown(status: &Status) -> bool {
    reason_of(status) == ErrorReason::WriteOutcomeUnknown.word()
}

/// Whether a later call with the same request id gets this answer. A refusal has changed nothing, so
/// the call may be made again; of a change whose outcome is unknown it must not be.
pub(super) fn is_final<M>(answer: &Result<M, Status>) -> bool {
    match answer {
        Ok(_) => true,
        Err(status) => is_outcome_unknown(status),
    }
}

/// The request id belongs to another request of this caller.
pub(super) fn used_for_another_request() -> Status {
    let why = "was used for another request in the last 10 minutes";
    Fault::field("request_id", why).status()
}

fn not_cleared_status(fields: &[String]) -> Status {
    let message = "the issuer has written the user, but fields that were to be cleared have still a \
                   value: see the setting api_answers.user_clear";
    let mut details = info(ErrorReason::FieldNotCleared, []);
    for field in fields {
        details.add_bad_request_violation(format!("user.data.{field}"), "has still a value");
    }
    status(ErrorReason::FieldNotCleared.code(), message, details)
}

fn too_large_status(bytes: usize) -> Status {
    let message = format!(
        "the response would have {bytes} bytes, and libraries refuse more than {MAX_RESPONSE_BYTES}: \
         ask for fewer fields by `read_mask`, such as \"id,data.email\""
    );
    final_status(ErrorReason::UserTooLarge, &message, [])
}
