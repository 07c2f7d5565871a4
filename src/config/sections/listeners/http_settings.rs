//! The settings that `listeners.http` and `listeners.public_http` have in common, as one type for
//! everything that serves or checks either.

use super::{
    http::{HttpCors, HttpGroup, HttpListener, PublicHttpListener},
    schema::Listeners,
    tls::Tls,
};
use crate::config::listen_address::{ListenAddress, SocketMode};

/// One of the listeners over HTTP for other programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpListenerName {
    /// `listeners.http`.
    Http,
    /// `listeners.public_http`.
    PublicHttp,
}

impl HttpListenerName {
    /// The word in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::PublicHttp => "public_http",
        }
    }

    /// The setting of its address.
    #[must_use]
    pub const fn address_setting(self) -> &'static str {
        match self {
            Self::Http => "listeners.http.address",
            Self::PublicHttp => "listeners.public_http.address",
        }
    }

    /// The JSON pointer of one of its settings.
    #[must_use]
    pub fn pointer(self, setting: &str) -> String {
        format!("/listeners/{}/{setting}", self.as_str())
    }
}

/// The settings of one listener over HTTP for other programs.
#[derive(Debug, Clone, Copy)]
pub struct HttpSettings<'a> {
    /// The listener.
    pub name: HttpListenerName,
    /// Where it listens.
    pub address: &'a ListenAddress,
    /// Permission bits of a Unix socket.
    pub socket_mode: SocketMode,
    /// Its TLS settings.
    pub tls: Option<&'a Tls>,
    /// The groups of paths that it serves.
    pub serve: &'a [HttpGroup],
    /// Its names; none: every host is served.
    pub hosts: &'a [String],
    /// Web pages that may make calls.
    pub cors: Option<&'a HttpCors>,
    /// The most connections at a time.
    pub max_connections: usize,
}

impl HttpSettings<'_> {
    /// The place of this group in `serve`.
    #[must_use]
    pub fn place_of(&self, group: HttpGroup) -> Option<usize> {
        self.serve.iter().position(|served| *served == group)
    }

    /// Whether client certificates are asked for.
    #[must_use]
    pub fn asks_for_certificates(&self) -> bool {
        self.tls.is_some_and(|tls| tls.client_ca_file.is_some())
    }

    /// Whether other machines reach it without TLS.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        self.tls.is_none() && !self.address.is_local()
    }
}

impl<'a> From<&'a HttpListener> for HttpSettings<'a> {
    fn from(listener: &'a HttpListener) -> Self {
        let HttpListener { address, socket_mode, tls, serve, hosts, cors, max_connections } =
            listener;
        Self {
            name: HttpListenerName::Http,
            address,
            socket_mode: *socket_mode,
            tls: tls.as_ref(),
            serve,
            hosts,
            cors: cors.as_ref(),
            max_connections: *max_connections,
        }
    }
}

impl<'a> From<&'a PublicHttpListener> for HttpSettings<'a> {
    fn from(listener: &'a PublicHttpListener) -> Self {
        let PublicHttpListener { address, socket_mode, tls, serve, hosts, max_connections } =
            listener;
        Self {
            name: HttpListenerName::PublicHttp,
            address,
            socket_mode: *socket_mode,
            tls: tls.as_ref(),
            serve,
            hosts,
            cors: None,
            max_connections: *max_connections,
        }
    }
}

impl Listeners {
    /// The listeners over HTTP for other programs that are configured.
    pub fn over_http(&self) -> impl Iterator<Item = HttpSettings<'_>> {
        let http = self.http.as_ref().map(HttpSettings::from);
        http.into_iter().chain(self.public_http.as_ref().map(HttpSettings::from))
    }

    /// The listener that serves this group, and the place of the group in its `serve`.
    #[must_use]
    pub fn serving(&self, group: HttpGroup) -> Option<(HttpSettings<'_>, usize)> {
        self.over_http().find_map(|listener| Some((listener, listener.place_of(group)?)))
    }
}
