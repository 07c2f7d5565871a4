//! The HTTP clients of one group of issuers, which trust the same authorities: one client for each
//! way that a request can take.

use std::{sync::Arc, time::Duration};

use reqwest::{Client as Http, ClientBuilder, Proxy, redirect::Policy};
use rustls::{ClientConfig, client::Resumption, crypto::aws_lc_rs::default_provider};

use super::{
    address::{Guard, Reach, Standing},
    call::Connection,
    proxies::{ProxiedScheme, Proxies, Way},
    trust::Trust,
};

/// For how long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(60);

/// The clients that trust the same authorities.
#[derive(Debug)]
pub(super) struct Connections {
    pub(super) trust: Trust,
    /// To the host itself, at any address that may be reached at all.
    written: Pair,
    /// To the host itself, at a public address. Each request has a connection of its own.
    learned: Http,
    /// Through the proxy for `http://`, and through that for `https://`.
    proxied: [Option<Pair>; 2],
}

/// Two clients for one way.
#[derive(Debug)]
struct Pair {
    /// It keeps connections for the requests to come.
    shared: Http,
    /// Each of its requests has a connection of its own.
    single: Http,
}

impl Connections {
    /// Builds the clients.
    ///
    /// # Errors
    ///
    /// Fails where TLS cannot be set up, or a proxy is none.
    pub(super) fn build(
        trust: Trust,
        proxies: &Proxies,
        connect_timeout: Duration,
    ) -> Result<Self, String> {
        let tls = tls(&trust)?;
        let builder = |reach: Reach| {
            Http::builder()
                .redirect(Policy::none())
                // The room that knows what a request does decides whether it is sent again.
                .retry(reqwest::retry::never())
                .no_proxy()
                .referer(false)
                .connect_timeout(connect_timeout)
                .pool_idle_timeout(IDLE)
                .user_agent(concat!("rownd-authz/", env!("CARGO_PKG_VERSION")))
                .tls_backend_preconfigured(tls.clone())
                .dns_resolver(Arc::new(Guard(reach)))
        };
        let proxied = |scheme| {
            let Some(url) = proxies.url(scheme) else { return Ok(None) };
            // The error could repeat the URL.
            let proxy = Proxy::all(url.expose()).map_err(|_| "the proxy is not usable")?;
            Pair::build(|| builder(Reach::Private).proxy(proxy.clone())).map(Some)
        };
        Ok(Self {
            written: Pair::build(|| builder(Reach::Private))?,
            learned: finish(builder(Reach::Public).pool_max_idle_per_host(0))?,
            proxied: [proxied(ProxiedScheme::Http)?, proxied(ProxiedScheme::Https)?],
            trust,
        })
    }

    /// The client for a request; `None`: there is no such proxy.
    pub(super) fn choose(
        &self,
        way: Way,
        standing: Standing,
        connection: Connection,
    ) -> Option<&Http> {
        let [http, https] = &self.proxied;
        let pair = match (way, standing) {
            (Way::Direct, Standing::Learned) => return Some(&self.learned),
            (Way::Direct, Standing::Written | Standing::Allowed) => &self.written,
            (Way::Through(ProxiedScheme::Http), _) => http.as_ref()?,
            (Way::Through(ProxiedScheme::Https), _) => https.as_ref()?,
        };
        Some(match connection {
            Connection::Shared => &pair.shared,
            Connection::New => &pair.single,
        })
    }
}

impl Pair {
    fn build(builder: impl Fn() -> ClientBuilder) -> Result<Self, String> {
        Ok(Self {
            shared: finish(builder())?,
            single: finish(builder().pool_max_idle_per_host(0))?,
        })
    }
}

fn finish(builder: ClientBuilder) -> Result<Http, String> {
    builder.build().map_err(|error| super::error::root_cause(&error))
}

/// A session that is resumed shows no certificate, so none is: an authority that is removed is
/// asked for at the next connection.
pub(super) fn tls(trust: &Trust) -> Result<ClientConfig, String> {
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let mut config = config.with_root_certificates(trust.roots.clone()).with_no_client_auth();
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
