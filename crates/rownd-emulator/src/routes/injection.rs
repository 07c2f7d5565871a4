//! Lets a request pass, or answers it with the fault that is injected at its endpoint.
//!
//! In: every request with its endpoint. Out: the true answer, a late one, or the fault's.

use std::sync::Arc;

use axum::{
    extract::Request,
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::request::ApiError;
use crate::state::{Endpoint, Fault, State};

/// Counts the request, and answers it with a fault if one is due.
pub(super) async fn pass_or_fail(
    state: Arc<State>,
    endpoint: Endpoint,
    request: Request,
    next: Next,
) -> Response {
    let Some(fault) = state.faults.arrive(endpoint) else {
        return next.run(request).await;
    };
    if fault.after {
        let response = next.run(request).await;
        tokio::time::sleep(fault.wait()).await;
        return answer(&fault).unwrap_or(response);
    }
    tokio::time::sleep(fault.wait()).await;
    match answer(&fault) {
        Some(response) => response,
        None => next.run(request).await,
    }
}

/// The answer of a fault in place of the endpoint's; `None` lets the endpoint's answer through.
fn answer(fault: &Fault) -> Option<Response> {
    let body = match (&fault.body, fault.garbage) {
        (Some(body), _) => Some(body.clone()),
        (None, true) => Some("{\"keys\": [<<<".to_owned()),
        (None, false) => None,
    };
    let status = fault.status.and_then(|code| StatusCode::from_u16(code).ok());
    match (body, status) {
        (None, None) => None,
        (None, Some(status)) => {
            let error = ApiError::new(status, "E_INJECTED", "a fault was injected here");
            Some(error.into_response())
        }
        (Some(body), status) => {
            let kind = [(header::CONTENT_TYPE, "application/json")];
            Some((status.unwrap_or(StatusCode::OK), kind, body).into_response())
        }
    }
}
