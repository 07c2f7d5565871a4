//! The faults of requests about the configuration of an app.

use crate::{
    grpc::rownd_auth::{
        administration::{Request, Subject},
        fault::Fault,
        reason::ErrorReason,
    },
    issuer_api::administration::apps::AppError,
};

/// The fault of a request about an app.
pub(super) fn of(change: bool, error: AppError) -> Fault {
    let told = |status: u16, code: Option<String>| {
        let code = code.map(|code| ("upstream_code".to_owned(), code));
        [("upstream_status".to_owned(), status.to_string())].into_iter().chain(code).collect()
    };
    match error {
        AppError::Api(error) => {
            let request =
                if change { Request::Change(Subject::App) } else { Request::Read(Subject::App) };
            Fault::Administration(request, error)
        }
        AppError::OperatorRefused(status) => Fault::Told(
            ErrorReason::OperatorTokenRefused,
            "the issuer refuses the operator_token of the configuration: it is wrong, has expired, \
             or is of an operator who may not change the app",
            told(status, None),
        ),
        AppError::NoApp => Fault::Told(
            ErrorReason::AppNotFound,
            "there is no such app for the operator of operator_token",
            told(404, None),
        ),
        AppError::Refused { status, code } => Fault::Told(
            ErrorReason::RequestRefused,
            "the issuer refused the request",
            told(status, code),
        ),
        AppError::NotApplied => Fault::Told(
            ErrorReason::ClaimsNotApplied,
            "the issuer has taken the change, and the claims are not what was asked for: see the \
             setting api_answers.app_patch",
            Vec::new(),
        ),
    }
}
