//! Which requests go through a proxy, and which may not.
//!
//! A proxy resolves names itself, so the address behind a name is not seen here and cannot be
//! refused. A URL out of a document therefore goes through it only to a host that the operator
//! wrote or allowed by name, and never to an address.

use hyper_util::client::proxy::matcher::Matcher;
use url::{Host, Url};

use super::{address::Standing, error::UpstreamError};
use crate::config::{Proxy, Secret};

/// The proxies of a configuration.
#[derive(Debug, Default)]
pub(super) struct Proxies {
    matcher: Option<Matcher>,
    /// The same without exceptions: it tells a host that is excepted from a proxy that cannot be used.
    without_exceptions: Option<Matcher>,
    /// The URLs for `http://` and `https://`.
    urls: [Option<Secret>; 2],
}

/// The way of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// To the host itself.
    Direct,
    /// Through the proxy for this scheme.
    Through(ProxiedScheme),
}

/// The scheme of a request that goes through a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProxiedScheme {
    /// The proxy reads the request and sends it on.
    Http,
    /// The proxy connects, and TLS goes on inside (RFC 9110 section 9.3.6).
    Https,
}

impl Proxies {
    pub(super) fn new(proxy: Option<&Proxy>) -> Self {
        let Some(Proxy { http, https, except }) = proxy else { return Self::default() };
        let text =
            |url: &Option<Secret>| url.as_ref().map(Secret::expose).unwrap_or_default().to_owned();
        let proxies = || Matcher::builder().http(text(http)).https(text(https));
        Self {
            matcher: Some(proxies().no(except.as_str()).build()),
            without_exceptions: Some(proxies().build()),
            urls: [http.clone(), https.clone()],
        }
    }

    /// The URL of the proxy for a scheme.
    pub(super) fn url(&self, scheme: ProxiedScheme) -> Option<&Secret> {
        let [http, https] = &self.urls;
        match scheme {
            ProxiedScheme::Http => http.as_ref(),
            ProxiedScheme::Https => https.as_ref(),
        }
    }

    /// The way of a request. `hosts` are the names that the operator wrote or allowed.
    pub(super) fn way(
        &self,
        url: &Url,
        standing: Standing,
        hosts: &[String],
    ) -> Result<Way, UpstreamError> {
        let Some(matcher) = &self.matcher else { return Ok(Way::Direct) };
        let uri = url.as_str().parse().map_err(|_| UpstreamError::Refused("not a URL"))?;
        let scheme = match url.scheme() {
            "http" => ProxiedScheme::Http,
            _ => ProxiedScheme::Https,
        };
        if matcher.intercept(&uri).is_none() {
            let every = self.without_exceptions.as_ref();
            let is_excepted = every.is_some_and(|every| every.intercept(&uri).is_some());
            return if is_excepted || self.url(scheme).is_none() {
                Ok(Way::Direct)
            } else {
                Err(UpstreamError::Refused("the proxy for it cannot be used"))
            };
        }
        let by_name = |host: &str| match standing {
            Standing::Written | Standing::Allowed => true,
            Standing::Learned => hosts.iter().any(|known| known == host),
        };
        match (url.host(), standing) {
            (Some(Host::Domain(host)), _) if by_name(host) => Ok(Way::Through(scheme)),
            (Some(Host::Ipv4(_)), Standing::Written) => Ok(Way::Through(scheme)),
            (Some(Host::Ipv6(_)), Standing::Written) => match scheme {
                ProxiedScheme::Http => Ok(Way::Through(scheme)),
                ProxiedScheme::Https => Err(UpstreamError::Refused(
                    "an IPv6 address cannot be asked by https through a proxy; write a name, or \
                     the address in network.no_proxy",
                )),
            },
            (Some(Host::Ipv4(_) | Host::Ipv6(_)), Standing::Allowed | Standing::Learned) => {
                Err(UpstreamError::Refused(
                    "an address out of a document is never asked through a proxy; write it in \
                     network.no_proxy (or NO_PROXY)",
                ))
            }
            (Some(Host::Domain(_)) | None, _) => Err(UpstreamError::Refused(
                "a host out of a document is asked through a proxy only if its origin is in \
                 issuers[].allowed_origins",
            )),
        }
    }
}
