//! A step between a permit and the headers, which may sign, cache and wait.
//!
//! In: the request and its permit. Out: headers, edits of the query and of the response, or a
//! denial. A step comes after policy's yes and its confirmation, so that nothing is signed for a
//! request that is denied. It runs within the deadline of the check. Where none is configured, none
//! is paid for.

use std::{fmt::Debug, pin::Pin};

use tokio::time::Instant;

use crate::{
    model::{Denial, NameValue, QueryEdits, RequestContext, ResponseEdits},
    policy::Permit,
};

/// The additions of the steps to a request that may pass, and to its response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Additions {
    /// Headers for the service behind, each replacing whatever was there. Names in lower case, none
    /// of them an identity header's.
    pub headers: Vec<NameValue>,
    /// The changes to the query.
    pub query: QueryEdits,
    /// The additions to the response that the client gets.
    pub response: ResponseEdits,
}

/// The end of a step: the denial, if the request may not pass after all.
pub type StepEnd<'a> = Pin<Box<dyn Future<Output = Result<(), Denial>> + Send + 'a>>;

/// A step between a permit and the headers.
pub trait PermitStep: Debug + Send + Sync {
    /// Adds to what the request and its response will have. The check is denied at `deadline`,
    /// whether this has ended or not.
    fn add<'a>(
        &'a self,
        request: &'a RequestContext,
        permit: &'a Permit,
        deadline: Instant,
        additions: &'a mut Additions,
    ) -> StepEnd<'a>;
}
