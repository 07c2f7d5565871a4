//! The sizes above which a request is denied unread: each reading of a path and each header costs
//! time in which other callers wait.
//!
//! In: the section `check` of the configuration and a request. Out: a [`Measured`] request, or a
//! denial.

use crate::{
    config::Check,
    model::{DenyReason, RequestContext},
};

/// The largest path, number of headers and bytes of headers that are judged.
#[derive(Debug, Clone, Copy)]
pub struct RequestLimits {
    path: usize,
    headers: usize,
    headers_bytes: usize,
}

/// A request within the limits. Only [`RequestLimits::measure`] makes one, and policy takes nothing
/// else.
#[derive(Debug, Clone, Copy)]
pub struct Measured<'a> {
    request: &'a RequestContext,
}

impl RequestLimits {
    /// From the settings `check.max_path_bytes`, `check.max_headers` and `check.max_headers_bytes`.
    #[must_use]
    pub const fn of(check: &Check) -> Self {
        Self {
            path: check.max_path_bytes,
            headers: check.max_headers,
            headers_bytes: check.max_headers_bytes,
        }
    }

    /// The request, if it is within the limits.
    ///
    /// # Errors
    ///
    /// [`DenyReason::RequestTooLarge`], if its path, the number of its headers or their bytes are
    /// above a limit.
    pub fn measure<'a>(&self, request: &'a RequestContext) -> Result<Measured<'a>, DenyReason> {
        let bytes: usize = request.headers.iter().map(|(k, v)| k.len() + v.len()).sum();
        let good = request.target.len() <= self.path
            && request.headers.len() <= self.headers
            && bytes <= self.headers_bytes;
        if good { Ok(Measured { request }) } else { Err(DenyReason::RequestTooLarge) }
    }
}

impl<'a> Measured<'a> {
    /// The request that was measured.
    #[must_use]
    pub const fn request(&self) -> &'a RequestContext {
        self.request
    }
}
