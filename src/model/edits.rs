//! The changes of a verdict beside its yes or no: the query of the request, and the response that the
//! client gets.

use super::SharedText;

/// A name and the value that is set under it.
pub type NameValue = (SharedText, SharedText);

/// The changes of a request's query on its way to the service behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueryEdits {
    /// Parameters to set, each replacing all of its name.
    pub set: Vec<NameValue>,
    /// Names of parameters to remove.
    pub remove: Vec<SharedText>,
}

/// The additions to the response that the client gets, whether it comes from the service behind or
/// is a denial.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResponseEdits {
    /// Headers to set, each replacing all of its name. Names in lower case.
    pub headers: Vec<NameValue>,
    /// Values of `Set-Cookie`, one for each cookie (RFC 6265 section 4.1), added to those that are
    /// there.
    pub cookies: Vec<String>,
}

/// Where a client is sent instead of being denied with a body. Clients that speak gRPC follow no
/// redirect: they get the denial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// With which method the client comes back.
    pub kind: RedirectKind,
    /// The value of `Location` (RFC 9110 section 10.2.2), in visible ASCII.
    pub location: String,
}

/// How a redirect is followed (RFC 9110 section 15.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectKind {
    /// 302: browsers follow by GET after a POST.
    Found,
    /// 303: always followed by GET.
    SeeOther,
    /// 307: followed with the same method and body.
    TemporaryRedirect,
}

impl RedirectKind {
    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Found => 302,
            Self::SeeOther => 303,
            Self::TemporaryRedirect => 307,
        }
    }
}
