//! Sizes above which a request is not judged: each reading of a path and each header costs time in
//! which other callers wait.

use crate::{
    config::Check,
    model::{DenyReason, RequestContext},
};

/// The sizes, as configured.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    path: usize,
    headers: usize,
    headers_bytes: usize,
}

/// A request within the limits. There is no other way to one, and policy takes nothing else.
#[derive(Debug, Clone, Copy)]
pub struct Measured<'a> {
    request: &'a RequestContext,
}

impl Limits {
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
        let good = request.path.len() <= self.path
            && request.headers.len() <= self.headers
            && bytes <= self.headers_bytes;
        if good { Ok(Measured { request }) } else { Err(DenyReason::RequestTooLarge) }
    }
}

impl<'a> Measured<'a> {
    /// The request.
    #[must_use]
    pub const fn request(&self) -> &'a RequestContext {
        self.request
    }
}
