//! The pages that may send callbacks: those of the host that the request is for, and those of the origins
//! that `listeners.http.cors` allows (Fetch standard, "CORS protocol").
//!
//! In: a request and the allowed origins. Out: a refusal, or the headers of the response. No response
//! allows credentials of the browser: the token is all that a callback needs.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{body::Body, extract::Request, response::Response};
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::{
    config::{HttpCors, OriginPattern},
    http::inbound::answer::Refusal,
};

/// The pages that may send callbacks.
#[derive(Debug, Clone)]
pub(in crate::http::inbound) struct Pages {
    origins: Arc<[OriginPattern]>,
    layer: CorsLayer,
}

impl Pages {
    /// Without settings, only pages of the host that a request is for.
    pub(in crate::http::inbound) fn new(settings: Option<&HttpCors>) -> Self {
        // The check of the configuration has refused any that is no origin.
        let written = settings.iter().flat_map(|settings| &settings.allowed_origins);
        let origins: Arc<[OriginPattern]> =
            written.filter_map(|origin| OriginPattern::parse(origin).ok()).collect();
        let known = origins.clone();
        let allowed = AllowOrigin::predicate(move |origin, head| {
            may(&known, origin, &head.uri, &head.headers)
        });
        let layer = CorsLayer::new()
            .allow_origin(allowed)
            .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
            // The snippet can be told to send any (`extra_headers`).
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers([header::RETRY_AFTER])
            .max_age(settings.map_or(Duration::ZERO, |settings| settings.max_age.get()));
        Self { origins, layer }
    }

    /// Checks that the page which sends the request may. A request without `Origin` is sent by no page of
    /// another host: browsers send it with each method but GET and HEAD, and with each that may be read.
    ///
    /// # Errors
    ///
    /// Fails for a page that may not.
    pub(in crate::http::inbound) fn check(&self, request: &Request) -> Result<(), Refusal> {
        let headers = request.headers();
        let mut named = headers.get_all(header::ORIGIN).iter();
        let allowed = match (named.next(), named.next()) {
            (None, _) => true,
            (Some(origin), None) => may(&self.origins, origin, request.uri(), headers),
            (Some(_), Some(_)) => false,
        };
        if allowed { Ok(()) } else { Err(Refusal::Page) }
    }

    /// Answers with the headers of CORS. A preflight is answered without the service.
    pub(in crate::http::inbound) async fn answer<F>(
        &self,
        request: Request,
        service: impl FnOnce(Request) -> F,
    ) -> Response
    where
        F: Future<Output = Response>,
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

fn may(origins: &[OriginPattern], origin: &HeaderValue, uri: &Uri, headers: &HeaderMap) -> bool {
    let is_listed = origins.iter().any(|known| known.matches(origin.as_bytes()));
    is_listed || is_own(origin, uri, headers).unwrap_or(false)
}

/// The origin is the host that the request is for. TLS may end at a proxy, so both schemes are.
fn is_own(origin: &HeaderValue, uri: &Uri, headers: &HeaderMap) -> Option<bool> {
    let origin = origin.to_str().ok()?.to_ascii_lowercase();
    let (own, port) = match origin.strip_prefix("https://") {
        Some(own) => (own, ":443"),
        None => (origin.strip_prefix("http://")?, ":80"),
    };
    // A target in absolute form counts, and `Host` does not then (RFC 9112 section 3.2.2).
    let host = match uri.authority() {
        Some(authority) => authority.as_str(),
        None => headers.get(header::HOST)?.to_str().ok()?,
    };
    let host = host.to_ascii_lowercase();
    let without_port = |text: &str| text.strip_suffix(port).unwrap_or(text).to_owned();
    let (own, host) = (without_port(own), without_port(&host));
    Some(!own.is_empty() && own == host)
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, extract::Request};
    use http::HeaderValue;

    use super::Pages;
    use crate::config::{HttpCors, Span};

    #[test]
    fn pages_of_the_host_and_of_the_list_may_and_no_others() {
        let cors = HttpCors {
            allowed_origins: vec!["https://*.shop.test".to_owned()],
            max_age: Span::from_secs(60),
        };
        for (name, target, host, origins, listed, alone) in [
            ("no page", "/", "auth.test", &[][..], true, true),
            ("the host", "/", "auth.test", &["https://auth.test"], true, true),
            ("upper case", "/", "AUTH.test", &["https://auth.test"], true, true),
            ("behind a proxy", "/", "auth.test", &["http://auth.test"], true, true),
            ("its port", "/", "auth.test:8443", &["https://auth.test:8443"], true, true),
            ("the port of https", "/", "auth.test:443", &["https://auth.test"], true, true),
            ("another port", "/", "auth.test", &["https://auth.test:8443"], false, false),
            ("a port of http", "/", "auth.test:80", &["https://auth.test"], false, false),
            ("another host", "/", "auth.test", &["https://evil.test"], false, false),
            ("a longer name", "/", "auth.test", &["https://auth.test.evil.test"], false, false),
            ("listed", "/", "auth.test", &["https://www.shop.test"], true, false),
            ("no origin", "/", "auth.test", &["null"], false, false),
            ("an empty one", "/", "auth.test", &[""], false, false),
            ("no name", "/", "auth.test", &["https://"], false, false),
            ("another scheme", "/", "auth.test", &["ftp://auth.test"], false, false),
            ("twice", "/", "auth.test", &["https://auth.test", "https://auth.test"], false, false),
            ("the target", "http://auth.test/", "x.test", &["https://auth.test"], true, true),
            ("not the target", "http://auth.test/", "x.test", &["https://x.test"], false, false),
        ] {
            let mut request = Request::new(Body::empty());
            *request.uri_mut() = target.parse().unwrap();
            let headers = request.headers_mut();
            headers.append("host", HeaderValue::from_static(host));
            for origin in origins {
                headers.append("origin", HeaderValue::from_static(origin));
            }
            assert_eq!(Pages::new(Some(&cors)).check(&request).is_ok(), listed, "{name}");
            assert_eq!(Pages::new(None).check(&request).is_ok(), alone, "{name}, no list");
        }
    }
}
