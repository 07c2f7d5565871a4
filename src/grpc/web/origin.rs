//! Pages of other sites (Fetch standard, "CORS protocol"): which of them may call, and the headers
//! that tell the browser so.
//!
//! In: a request and the allowed origins. Out: a refusal, or the headers of the response. No response
//! allows credentials of the browser (cookies, client certificates): a page shows the secret of a caller
//! itself.

use std::{convert::Infallible, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use tonic::body::Body;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::reply;
use crate::config::{HttpCors, OriginPattern};

/// The headers that a page may send.
const SENT: [HeaderName; 7] = [
    header::CONTENT_TYPE,
    header::AUTHORIZATION,
    HeaderName::from_static("connect-protocol-version"),
    HeaderName::from_static("connect-timeout-ms"),
    HeaderName::from_static("grpc-timeout"),
    HeaderName::from_static("x-grpc-web"),
    HeaderName::from_static("x-user-agent"),
];
/// The headers that a page may read.
const READ: [HeaderName; 4] = [
    header::RETRY_AFTER,
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status-details-bin"),
];

/// The pages that may call.
#[derive(Debug, Clone)]
pub(super) struct AllowedPages {
    origins: Arc<[OriginPattern]>,
    layer: CorsLayer,
}

impl AllowedPages {
    /// Without settings, no page may call.
    pub(super) fn new(settings: Option<&HttpCors>) -> Self {
        // The check of the configuration has refused any that is no origin.
        let written = settings.iter().flat_map(|settings| &settings.allowed_origins);
        let origins: Arc<[OriginPattern]> =
            written.filter_map(|origin| OriginPattern::parse(origin).ok()).collect();
        let max_age = settings.map_or(Duration::ZERO, |settings| settings.max_age.get());
        let known = origins.clone();
        let layer = CorsLayer::new()
            .allow_origin(AllowOrigin::predicate(move |origin, _| fits(&known, origin)))
            .allow_methods([Method::POST])
            .allow_headers(SENT)
            .expose_headers(READ)
            .max_age(max_age);
        Self { origins, layer }
    }

    /// Checks that the page which sends the request may. A request without `Origin` is sent by no
    /// page: browsers send it with each method but GET and HEAD.
    ///
    /// # Errors
    ///
    /// Fails with the response for a page that may not.
    #[expect(clippy::result_large_err, reason = "the error is the answer")]
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), Response<Body>> {
        let mut named = headers.get_all(header::ORIGIN).iter();
        let allowed = match (named.next(), named.next()) {
            (None, _) => true,
            (Some(origin), None) => fits(&self.origins, origin),
            (Some(_), Some(_)) => false,
        };
        if allowed {
            return Ok(());
        }
        let text = "pages of this origin may not call: see listeners.http.cors\n";
        Err(reply::refusal(StatusCode::FORBIDDEN, text, Some((header::VARY, "origin"))))
    }

    /// Answers with the headers of CORS. A preflight is answered without the service.
    pub(super) async fn answer<B, F>(
        &self,
        request: Request<B>,
        service: impl FnOnce(Request<B>) -> F,
    ) -> Response<Body>
    where
        F: Future<Output = Response<Body>>,
    {
        let mut service = Some(service);
        let once = service_fn(move |request| {
            let call = service.take().map(|service| service(request));
            async move {
                Ok::<_, Infallible>(match call {
                    Some(call) => call.await,
                    None => Response::new(Body::empty()),
                })
            }
        });
        self.layer.layer(once).oneshot(request).await.unwrap_or_else(|never| match never {})
    }
}

fn fits(origins: &[OriginPattern], origin: &HeaderValue) -> bool {
    origins.iter().any(|known| known.matches(origin.as_bytes()))
}
