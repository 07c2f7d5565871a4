//! The status for what the API of an issuer answered.
//!
//! In: the kind of request, and the error of the API. Out: a status whose reason has one meaning,
//! with the fields that are at fault. Of the answer it holds a status, a code and the messages about
//! fields of a profile that the caller sent.

use tonic::Status;

use super::{
    details::{Detail, SOON, final_status, info, retryable, status},
    reason::ErrorReason,
};
use crate::{
    issuer_api::{ApiError, Pause, PauseCause, RefusedPart, Rejection},
    model::DenyReason,
    upstream::UpstreamError,
};

/// The kind of request to an issuer. It decides what a refusal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    ThirdParty,
    Refresh,
    SessionRefresh,
    OpenIdRefresh,
    Code,
    Migration,
    Guest,
    AuthorizationUrl,
    User,
    /// The claims about the user of a token.
    UserInfo,
    /// Introspection, revocation and logout.
    TokenControl,
    MagicLink,
    /// Something that is read or changed with the key and secret of an app.
    Administration,
}

/// The field of an exchange that holds fields of a profile.
const USER_DATA: &str = "third_party_token.user_data";
/// The message for a key, or a secret, of the configuration.
pub(super) const KEY_REFUSED: &str =
    "the issuer refuses the configured app key, app secret, client secret or API key";

const OTHER_USER: &str = "the issuer answered about another user than the one that was asked for";
const OTHER_ENTRY: &str = "the issuer answered about another group, member or invite than the one that \
                           was asked for, or with other roles than were written";

/// The status for what the API of an issuer answered.
pub(super) fn api_status(asked: Asked, error: &ApiError) -> Status {
    let told = upstream_details(error);
    let wait = error.retry_after().unwrap_or(SOON);
    let limited = |message| (ErrorReason::RowndRateLimited, message);
    let (reason, message) = match error {
        ApiError::Rejected(rejection) => return rejected(asked, rejection, told),
        ApiError::KeyRefused(_) => {
            return final_status(ErrorReason::AppCredentialsRefused, KEY_REFUSED, told);
        }
        ApiError::IdToken(_) => {
            let message = "the ID token that came is not one for this sign-in";
            return final_status(ErrorReason::IdTokenRefused, message, told);
        }
        ApiError::NotFound | ApiError::Id => {
            let message = DenyReason::UserNotFound.message();
            return final_status(ErrorReason::UserNotFound, message, told);
        }
        ApiError::OtherEntry => {
            return final_status(ErrorReason::GroupMismatch, OTHER_ENTRY, told);
        }
        ApiError::OtherUser => return final_status(ErrorReason::UserMismatch, OTHER_USER, told),
        ApiError::Upstream(UpstreamError::TooLarge)
            if matches!(asked, Asked::User | Asked::UserInfo) =>
        {
            let message = "the issuer's answer about the user has more than 1 MiB, the most that is \
                           read of it, and `read_mask` does not change that: keep large values of \
                           the profile elsewhere";
            return final_status(ErrorReason::UserTooLarge, message, told);
        }
        ApiError::Shape
        | ApiError::Metadata(_)
        | ApiError::Upstream(UpstreamError::TooLarge | UpstreamError::Packed(_)) => {
            let message = "the issuer's response does not have the documented shape";
            return final_status(ErrorReason::RowndAnswerInvalid, message, told);
        }
        ApiError::BodyNotWritable | ApiError::NoRandomness => {
            return final_status(ErrorReason::Internal, "internal error", told);
        }
        ApiError::Limited(_) => limited("the issuer asks for fewer requests"),
        ApiError::Paused(Pause { cause: PauseCause::Limit, .. }) => {
            limited("the issuer asked for fewer requests of this kind: none is sent")
        }
        ApiError::Paused(Pause { cause: PauseCause::Failures, .. }) => (
            ErrorReason::RowndUnavailable,
            "requests of this kind failed too often just now: none is sent",
        ),
        ApiError::Redirected(_) => (
            ErrorReason::IssuerRedirects,
            "the issuer answers with a redirect, which is not followed: the base_url of the \
             configuration is not the address of the API",
        ),
        ApiError::NotOfIssuer(_) => (
            ErrorReason::RowndUnavailable,
            "the answer does not have the form of the issuer's errors, so that it decides nothing: \
             it may be of a proxy on the way, or the base_url of the configuration is wrong",
        ),
        ApiError::Upstream(_) => (ErrorReason::RowndUnavailable, "the issuer cannot be asked now"),
    };
    retryable(reason, message, wait, told)
}

/// The status and the code of the answer, as an `ErrorInfo` has them.
pub(super) fn upstream_details(error: &ApiError) -> Vec<Detail> {
    let code =
        if let ApiError::Rejected(Rejection { code, .. }) = error { code.clone() } else { None };
    let told = [
        ("upstream_status", error.status().map(|status| status.to_string())),
        ("upstream_code", code),
    ];
    told.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

const REFRESH_TOKEN_REFUSED: (ErrorReason, &str) = (
    ErrorReason::RefreshTokenRefused,
    "the refresh token is used up or expired: the user has to sign in again",
);

/// The status where the API understood the request and rejected it.
fn rejected(asked: Asked, rejection: &Rejection, told: impl IntoIterator<Item = Detail>) -> Status {
    let (reason, message) = match (asked, rejection.part) {
        (Asked::ThirdParty | Asked::MagicLink, Some(part)) => part_reason(part),
        (Asked::MagicLink, None) => (
            ErrorReason::MagicLinkRefused,
            "the link is used up, expired, unknown, or signs nobody in",
        ),
        (Asked::Refresh | Asked::SessionRefresh, _) => REFRESH_TOKEN_REFUSED,
        // RFC 6749 section 5.2: any other code is about the request, and the token may be good still.
        (Asked::OpenIdRefresh, _) if is_grant(rejection) => REFRESH_TOKEN_REFUSED,
        (Asked::Code, _) if is_grant(rejection) => {
            (ErrorReason::CodeRefused, "the code is used up, expired, or for another client")
        }
        (Asked::ThirdParty, None)
        | (Asked::Guest | Asked::OpenIdRefresh | Asked::Code | Asked::AuthorizationUrl, _) => {
            REFUSED
        }
        (Asked::Migration, _) => {
            (ErrorReason::MigrationRefused, "the issuer makes no session of this token")
        }
        (Asked::User | Asked::UserInfo, _) if rejection.status == 401 => {
            (ErrorReason::TokenRefused, "the issuer does not accept the token")
        }
        (Asked::User | Asked::UserInfo, _) if rejection.status == 403 => {
            (ErrorReason::UserRefused, "the session is not allowed to read its user")
        }
        (Asked::Administration | Asked::TokenControl, _) => {
            (ErrorReason::RequestRefused, "the issuer refused the request")
        }
        (Asked::User | Asked::UserInfo, _) => {
            (ErrorReason::ProfileRefused, "the issuer does not hand out the user's profile")
        }
    };
    let mut details = info(reason, told);
    match rejection.part.filter(|_| asked == Asked::ThirdParty) {
        Some(RefusedPart::UserData) => {
            if rejection.fields.is_empty() {
                details.add_bad_request_violation(USER_DATA, "is refused");
            }
            for field in &rejection.fields {
                let name = format!("{USER_DATA}.{}", field.name);
                details.add_bad_request_violation(name, &field.message);
            }
        }
        Some(RefusedPart::UnknownGroup | RefusedPart::ClosedGroup) => {
            details.add_bad_request_violation("third_party_token.group_to_join", message);
        }
        Some(RefusedPart::InstantUser) => {
            details.add_bad_request_violation("third_party_token.instant_user_id", message);
        }
        Some(RefusedPart::Token | RefusedPart::DisabledUser) | None => {}
    }
    status(reason.code(), message, details)
}

const REFUSED: (ErrorReason, &str) =
    (ErrorReason::ExchangeRefused, "the issuer refused the exchange");

const fn part_reason(part: RefusedPart) -> (ErrorReason, &'static str) {
    match part {
        RefusedPart::UserData => {
            (ErrorReason::UserDataRefused, "the issuer refuses fields of the profile")
        }
        RefusedPart::UnknownGroup => (ErrorReason::GroupNotFound, "there is no such group"),
        RefusedPart::ClosedGroup => {
            (ErrorReason::GroupNotOpen, "the group is not open to this user")
        }
        RefusedPart::InstantUser => {
            (ErrorReason::InstantUserRefused, "there is no such instant user")
        }
        RefusedPart::Token => {
            (ErrorReason::ExchangeAborted, "the token validator refused the token")
        }
        RefusedPart::DisabledUser => {
            (ErrorReason::UserDisabled, DenyReason::UserDisabled.message())
        }
    }
}

fn is_grant(rejection: &Rejection) -> bool {
    rejection.code.as_deref() == Some("invalid_grant")
}
