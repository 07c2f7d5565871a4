//! The status for what an issuer answered about a thing that a call reads or changes with the key and
//! secret of an app.

use tonic::Status;

use super::{
    details::{Detail, SOON, final_status, info, retryable, status},
    reason::ErrorReason,
    refusal::{Asked, api_status, upstream_details},
};
use crate::issuer_api::{ApiError, Rejection};

/// The thing that a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    User,
    OidcClient,
    /// A link that signs a user in.
    SignInLink,
}

/// A request to an issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    /// It changes nothing.
    Read(Subject),
    /// It changes something, if it reaches the issuer.
    Change(Subject),
}

impl Subject {
    /// The reason where there is no such thing.
    const fn not_found(self) -> (ErrorReason, &'static str) {
        match self {
            Self::User | Self::SignInLink => (ErrorReason::UserNotFound, "there is no such user"),
            Self::OidcClient => (ErrorReason::OidcClientNotFound, "there is no such OpenID client"),
        }
    }

    /// A field that an issuer refuses, as the request has it.
    fn field(self, name: &str) -> String {
        match self {
            // Rownd names an attribute so.
            Self::User if name.starts_with("attributes.") => format!("user.{name}"),
            Self::User => format!("user.data.{name}"),
            Self::SignInLink => format!("data.{name}"),
            Self::OidcClient => format!("oidc_client.{name}"),
        }
    }
}

/// The status of a request that failed.
pub(super) fn administration_status(request: Request, error: &ApiError) -> Status {
    let (Request::Read(subject) | Request::Change(subject)) = request;
    let told = upstream_details(error);
    match error {
        ApiError::NotFound | ApiError::Rejected(Rejection { status: 404, .. }) => {
            let (reason, message) = subject.not_found();
            final_status(reason, message, told)
        }
        ApiError::Rejected(rejection) => refused(subject, rejection, told),
        error if matches!(request, Request::Change(_)) && error.may_have_changed() => {
            let message = "the request was sent and it is not known whether it took effect: read \
                           before you try again";
            retryable(ErrorReason::WriteOutcomeUnknown, message, SOON, told)
        }
        error if error.is_too_large() => {
            let message = "the issuer's answer is larger than what is read of it: ask for fewer at \
                           a time, or for fewer fields";
            final_status(ErrorReason::ResponseTooLarge, message, told)
        }
        error => api_status(Asked::Administration, error),
    }
}

/// The issuer understood the request and refused it.
fn refused(subject: Subject, rejection: &Rejection, told: Vec<Detail>) -> Status {
    if rejection.fields.is_empty() {
        let message = "the issuer refused the request";
        return final_status(ErrorReason::RequestRefused, message, told);
    }
    let reason = ErrorReason::UserDataRefused;
    let mut details = info(reason, told);
    for field in &rejection.fields {
        details.add_bad_request_violation(subject.field(&field.name), &field.message);
    }
    status(reason.code(), "the issuer refuses fields of the profile", details)
}
