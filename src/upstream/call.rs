//! The description of an outbound request: its method, the kind of its body, whether it may
//! be sent again, which connection it takes, and how large its answer may be.
//!
//! No field has a default. A request kind that does not say whether it may be repeated does not
//! compile.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use url::Url;

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpMethod {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
}

/// The kind of a request's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyKind {
    /// There is none.
    None,
    /// A JSON document.
    Json,
    /// An event of CloudEvents 1.0, with its data inside.
    CloudEvent,
    /// A form in the encoding of HTML.
    Form,
    /// A picture in PNG.
    Png,
    /// A picture in SVG.
    Svg,
}

/// Whether a request may be sent again after it failed. The client of this room sends each request
/// once; the room that makes the request obeys this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// It may change something: it is sent once, whatever the answer is.
    Never,
    /// It changes nothing: it is sent again a few times, as far as the host's budget allows.
    WithinBudget,
    /// It changes nothing, and a task sends it again at its own pace for as long as it takes.
    ByCaller,
}

/// Which connection a request takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// One that an earlier request left open, if there is one.
    Shared,
    /// One of its own. For a request that is sent rarely, or that must not be lost: the server or
    /// a firewall may have dropped an idle connection already, and the request would be lost too.
    New,
}

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallSpec {
    /// The method of the request.
    pub method: HttpMethod,
    /// The kind of the body, which decides `content-type`.
    pub body: BodyKind,
    /// Whether the request may be sent again.
    pub repeat: Repeat,
    /// Which connection it takes.
    pub connection: Connection,
    /// The most bytes of a good answer. A longer answer is an error. 0: only the status counts.
    pub max_answer_bytes: usize,
}

/// The author of a URL, which decides where it may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlOrigin {
    /// The operator, in the configuration, or this program: private addresses are fine.
    Operator,
    /// A document that was fetched: public addresses and https only, unless the operator allowed
    /// its origin.
    Document,
}

/// One request. `Debug` shows none of it: secrets are in it.
#[derive(Clone)]
pub struct Request<'a> {
    /// The kind of request that it is.
    pub spec: CallSpec,
    /// The URL to send it to.
    pub url: &'a Url,
    /// The author of the URL.
    pub origin: UrlOrigin,
    /// Header names and values. None of the values is ever shown.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body; not sent where the kind of request has none.
    pub body: Bytes,
    /// The longest time until the whole answer is read.
    pub timeout: Duration,
}

impl std::fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request").finish_non_exhaustive()
    }
}

impl From<HttpMethod> for Method {
    fn from(method: HttpMethod) -> Self {
        match method {
            HttpMethod::Get => Self::GET,
            HttpMethod::Post => Self::POST,
            HttpMethod::Put => Self::PUT,
            HttpMethod::Patch => Self::PATCH,
            HttpMethod::Delete => Self::DELETE,
        }
    }
}

impl BodyKind {
    /// The value of `content-type`; `None` if there is no body.
    pub(super) const fn content_type(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Json => Some("application/json"),
            Self::CloudEvent => Some("application/cloudevents+json"),
            Self::Form => Some("application/x-www-form-urlencoded"),
            Self::Png => Some("image/png"),
            Self::Svg => Some("image/svg+xml"),
        }
    }
}
