//! Why the API of an issuer gave no usable answer, and why an exchange gave nothing.

use std::time::Duration;

use strum::{IntoStaticStr, VariantArray};

use super::{breaker::Pause, rejection::Rejection};
use crate::{
    single_flight::Missed,
    upstream::{UpstreamError, discovery::MetadataError},
};

/// How a request to an issuer's API ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(super) enum ApiResult {
    /// A usable response came.
    Ok,
    /// The resource does not exist.
    NotFound,
    /// The app key or secret was refused.
    Refused,
    /// The request was understood and rejected, for example for a token that has been used.
    Rejected,
    /// The issuer asked for fewer requests.
    Limited,
    /// No connection, or it broke.
    Network,
    /// The proxy does not lead to the issuer.
    Proxy,
    /// It took longer than allowed.
    Timeout,
    /// Another HTTP status.
    Status,
    /// The response is too large or has another shape.
    Invalid,
    /// No request was made: requests of this kind failed too often just now, or the issuer has
    /// asked for fewer.
    Paused,
}

/// Why the API of an issuer gave no usable answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// The request failed before a usable answer came.
    #[error(transparent)]
    Upstream(UpstreamError),
    /// There is no such user (HTTP 404, in the form of the issuer's errors).
    #[error("there is no such user")]
    NotFound,
    /// The issuer refuses the app key, the app secret or the client secret. The number is the HTTP
    /// status: 401 or 403, and 404 where only a key was sent.
    #[error("the issuer refuses the app key, the app secret or the client secret (HTTP {0})")]
    KeyRefused(u16),
    /// The request was understood and refused. The same request will be refused again.
    #[error("{0}")]
    Rejected(Rejection),
    /// The answer refuses the request (HTTP 4xx), and does not have the form of the issuer's errors: it
    /// may be of a server in between. The number is the HTTP status.
    #[error(
        "the answer (HTTP {0}) does not have the form of the issuer's errors: it may be of a proxy \
         on the way, or base_url is wrong"
    )]
    NotOfIssuer(u16),
    /// The issuer answered with a redirect, which is not followed: a key or a token could go
    /// anywhere. The number is the HTTP status.
    #[error(
        "the issuer redirects (HTTP {0}), and redirects are not followed; write the address that \
         it leads to as base_url"
    )]
    Redirected(u16),
    /// The issuer asks for fewer requests (HTTP 429), for this long if it says so.
    #[error("the issuer asks for fewer requests (HTTP 429)")]
    Limited(Option<Duration>),
    /// An answer came, and it does not have the documented shape.
    #[error("the answer does not have the documented shape")]
    Shape,
    /// The metadata of the OpenID provider are not used, for this reason.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The ID token that came is not valid for this sign-in, for this reason.
    #[error("the ID token is refused: {0}")]
    IdToken(&'static str),
    /// The id of an app or user cannot be a segment of a URL path: it is empty, leads to another
    /// path, or is a word of the API. No request was sent.
    #[error("the id is empty, `.`, `..` or a word of the API, and cannot be part of a URL path")]
    Id,
    /// The answer is about another user than the one that was asked for.
    #[error("the answer is about another user than the one that was asked for")]
    OtherUser,
    /// The answer is about another group, member or invite than the one that was asked for, or names
    /// other roles than those that were written.
    #[error("the answer is about another group, member or invite, or names other roles")]
    OtherEntry,
    /// No request was sent: requests of this kind failed too often, or are to be fewer.
    #[error("{0}")]
    Paused(Pause),
    /// The body of the request could not be written as JSON. No request was sent.
    #[error("the request body could not be written as JSON")]
    BodyNotWritable,
    /// The system gave no random bytes for a state, a nonce or a verifier. No request was sent.
    #[error("the system's random number generator failed")]
    NoRandomness,
}

/// Why an exchange gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// The API refused the request, or gave no usable answer.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// A refresh that callers share gave no answer.
    #[error(transparent)]
    Missed(#[from] Missed),
    /// The issuer's API has no such exchange.
    #[error("the issuer has no such exchange")]
    Unsupported,
    /// The refresh token was sent, and no replica knows the answer. It is not sent again.
    #[error("the refresh token was sent and its answer is not known")]
    OutcomeUnknown,
    /// The state that replicas share does not answer, so nothing was sent.
    #[error("the shared state does not answer; nothing was sent")]
    NotShared,
    /// This exchange needs an app key, and the configuration has none.
    #[error("the app has no key in the configuration")]
    NoKey,
}

impl ApiError {
    /// Whether the same request may succeed later without any change.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Limited(_) => true,
            Self::Upstream(error) => match error {
                UpstreamError::Unreached(_)
                | UpstreamError::UnreachedInTime
                | UpstreamError::Network(_)
                | UpstreamError::Proxy(_)
                | UpstreamError::Timeout => true,
                UpstreamError::Status(status) | UpstreamError::RetryLater(status, _) => {
                    matches!(*status, 408 | 500..=599)
                }
                UpstreamError::TooLarge
                | UpstreamError::Packed(_)
                | UpstreamError::Refused(_)
                | UpstreamError::NoAuthorities(_) => false,
            },
            Self::NotFound
            | Self::KeyRefused(_)
            | Self::Rejected(_)
            | Self::NotOfIssuer(_)
            | Self::Redirected(_)
            | Self::Shape
            | Self::Metadata(_)
            | Self::IdToken(_)
            | Self::Id
            | Self::OtherUser
            | Self::OtherEntry
            | Self::Paused(_)
            | Self::BodyNotWritable
            | Self::NoRandomness => false,
        }
    }

    /// Whether a request that changes something may have taken effect, although no usable answer
    /// came.
    #[must_use]
    pub const fn may_have_changed(&self) -> bool {
        match self {
            Self::Upstream(error) => match error {
                UpstreamError::Network(_)
                | UpstreamError::Timeout
                | UpstreamError::TooLarge
                | UpstreamError::Packed(_) => true,
                UpstreamError::Status(status) | UpstreamError::RetryLater(status, _) => {
                    matches!(*status, 408 | 500..=599)
                }
                UpstreamError::Unreached(_)
                | UpstreamError::UnreachedInTime
                | UpstreamError::Proxy(_)
                | UpstreamError::Refused(_)
                | UpstreamError::NoAuthorities(_) => false,
            },
            Self::Shape | Self::OtherUser | Self::OtherEntry | Self::NotOfIssuer(_) => true,
            Self::Limited(_)
            | Self::NotFound
            | Self::KeyRefused(_)
            | Self::Rejected(_)
            | Self::Redirected(_)
            | Self::Metadata(_)
            | Self::IdToken(_)
            | Self::Id
            | Self::Paused(_)
            | Self::BodyNotWritable
            | Self::NoRandomness => false,
        }
    }

    /// Whether the answer has more bytes than are read of it.
    #[must_use]
    pub const fn is_too_large(&self) -> bool {
        matches!(self, Self::Upstream(UpstreamError::TooLarge))
    }

    /// After how long the issuer may be asked again, if that is known.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Limited(wait) => *wait,
            Self::Upstream(UpstreamError::RetryLater(_, wait)) => Some(*wait),
            Self::Paused(pause) => Some(pause.wait),
            Self::Upstream(_)
            | Self::NotFound
            | Self::KeyRefused(_)
            | Self::Rejected(_)
            | Self::NotOfIssuer(_)
            | Self::Redirected(_)
            | Self::Shape
            | Self::Metadata(_)
            | Self::IdToken(_)
            | Self::Id
            | Self::OtherUser
            | Self::OtherEntry
            | Self::BodyNotWritable
            | Self::NoRandomness => None,
        }
    }

    /// The HTTP status of the answer, if one came and it was an error.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Upstream(
                UpstreamError::Status(status) | UpstreamError::RetryLater(status, _),
            )
            | Self::KeyRefused(status)
            | Self::NotOfIssuer(status)
            | Self::Redirected(status)
            | Self::Metadata(MetadataError::NotThere(status))
            | Self::Rejected(Rejection { status, .. }) => Some(*status),
            Self::NotFound => Some(404),
            Self::Limited(_) => Some(429),
            Self::Upstream(_)
            | Self::Shape
            | Self::Metadata(_)
            | Self::IdToken(_)
            | Self::Id
            | Self::OtherUser
            | Self::OtherEntry
            | Self::Paused(_)
            | Self::BodyNotWritable
            | Self::NoRandomness => None,
        }
    }

    /// The word of this error in the metric of requests.
    pub(super) const fn metric_result(&self) -> ApiResult {
        match self {
            Self::NotFound => ApiResult::NotFound,
            Self::KeyRefused(_) => ApiResult::Refused,
            Self::Rejected(Rejection { status, .. }) => match status {
                401 | 403 => ApiResult::Refused,
                404 => ApiResult::NotFound,
                _ => ApiResult::Rejected,
            },
            Self::Limited(_) => ApiResult::Limited,
            Self::Paused(_) => ApiResult::Paused,
            Self::Redirected(_) | Self::NotOfIssuer(_) => ApiResult::Status,
            Self::Shape
            | Self::Metadata(_)
            | Self::Id
            | Self::OtherUser
            | Self::OtherEntry
            | Self::IdToken(_)
            | Self::BodyNotWritable
            | Self::NoRandomness => ApiResult::Invalid,
            Self::Upstream(error) => match error {
                UpstreamError::TooLarge | UpstreamError::Packed(_) => ApiResult::Invalid,
                UpstreamError::Timeout | UpstreamError::UnreachedInTime => ApiResult::Timeout,
                UpstreamError::Status(_) | UpstreamError::RetryLater(..) => ApiResult::Status,
                UpstreamError::Unreached(_)
                | UpstreamError::Network(_)
                | UpstreamError::Refused(_)
                | UpstreamError::NoAuthorities(_) => ApiResult::Network,
                UpstreamError::Proxy(_) => ApiResult::Proxy,
            },
        }
    }

    /// The same error where the request proved itself by an app key and secret, and asked for one
    /// user: 404 says that there is none.
    pub(super) fn of_credentials(self) -> Self {
        self.of_secret().of_user()
    }

    /// The same error where the request proved itself by an app key and secret: 401 and 403 refuse
    /// those.
    pub(super) fn of_secret(self) -> Self {
        if let Self::Rejected(Rejection { status: status @ (401 | 403), .. }) = self {
            Self::KeyRefused(status)
        } else {
            self
        }
    }

    /// The same error where the request proved itself by an app key alone, and named nothing else
    /// that could be missing: 401, 403 and 404 refuse the key.
    pub(super) fn of_key(self) -> Self {
        let Self::Rejected(rejection) = self else { return self };
        if matches!(rejection.status, 401 | 403 | 404) || rejection.mentions.app {
            Self::KeyRefused(rejection.status)
        } else {
            Self::Rejected(rejection)
        }
    }

    /// The same error where the request asked for one user: 404 says that there is none.
    pub(super) fn of_user(self) -> Self {
        if matches!(self, Self::Rejected(Rejection { status: 404, .. })) {
            Self::NotFound
        } else {
            self
        }
    }
}

impl From<UpstreamError> for ApiError {
    fn from(error: UpstreamError) -> Self {
        match error {
            UpstreamError::Status(429) => Self::Limited(None),
            UpstreamError::RetryLater(429, wait) => Self::Limited(Some(wait)),
            other @ (UpstreamError::Unreached(_)
            | UpstreamError::UnreachedInTime
            | UpstreamError::Network(_)
            | UpstreamError::Proxy(_)
            | UpstreamError::NoAuthorities(_)
            | UpstreamError::Timeout
            | UpstreamError::Status(_)
            | UpstreamError::RetryLater(..)
            | UpstreamError::TooLarge
            | UpstreamError::Packed(_)
            | UpstreamError::Refused(_)) => Self::Upstream(other),
        }
    }
}
