//! The section `network`: how the servers of issuers are reached.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use crate::config::{
    findings::Findings,
    proxy::{self, Proxy, ProxyVariables},
    secret::Secret,
    section::Section,
    shown::without_secrets,
};

/// How the servers of issuers are reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct WrittenNetwork {
    /// The HTTP proxy that requests to issuers go through: `none`; `environment`, for `HTTPS_PROXY`,
    /// `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`; or its URL, in place or `file:/path`:
    /// `http://proxy.example.com:3128`. A user and a password in the URL are a secret and never
    /// shown. Default: none, with a warning where one of these variables is set.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shown_proxy")]
    #[schemars(with = "String")]
    pub proxy: Option<Secret>,
    /// The hosts that are asked without the proxy whose URL is written: `idp.example.com` with every
    /// name below it, an address, or a range of addresses (`10.0.0.0/8`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub no_proxy: Vec<String>,
    /// TLS to issuers that have no `tls` of their own.
    pub tls: OutboundTls,
    /// The proxy variables of the environment.
    #[serde(skip)]
    pub(in crate::config) variables: ProxyVariables,
}

/// TLS to a server that this program calls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OutboundTls {
    /// The certificates of the authorities that may have signed the server's certificate, in PEM.
    /// They are trusted instead of all others: the system's, `SSL_CERT_FILE` and `SSL_CERT_DIR`
    /// do not count beside them. Read again when the file changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

/// How the servers of issuers are reached, after the check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// The proxy, if there is one.
    pub proxy: Option<Proxy>,
    /// Proxy variables of the environment that are set and without effect, although no setting says
    /// that this is meant.
    pub unused_proxy_variables: Vec<&'static str>,
    /// TLS to issuers that have no `tls` of their own.
    pub tls: OutboundTls,
    written: WrittenNetwork,
}

impl Section for WrittenNetwork {
    type Checked = Network;

    fn check(mut self, at: &str, found: &mut Findings) -> Network {
        self.tls.check(&format!("{at}/tls"), found);
        let at_proxy = format!("{at}/proxy");
        let at_hosts = format!("{at}/no_proxy");
        let mut unused = Vec::new();
        let proxy = match self.proxy.as_mut() {
            None => {
                unused = self.variables.set();
                None
            }
            Some(written) => match found.keep(&at_proxy, proxy::resolve(written)) {
                None => None,
                Some(()) => match written.expose() {
                    "none" => None,
                    "environment" => match self.variables.proxy() {
                        Ok(proxy) => proxy,
                        Err(problems) => {
                            problems.into_iter().for_each(|problem| found.add(&at_proxy, problem));
                            None
                        }
                    },
                    url => {
                        let parsed = proxy::written_url(url);
                        let hosts = proxy::check_exceptions(&self.no_proxy, &at_hosts, found);
                        found.keep(&at_proxy, parsed).map(|url| Proxy::of_all(url, &hosts))
                    }
                },
            },
        };
        let has_url = self
            .proxy
            .as_ref()
            .is_some_and(|proxy| !matches!(proxy.expose(), "none" | "environment"));
        if !has_url && !self.no_proxy.is_empty() {
            found.add(
                at_hosts,
                "has no effect without the URL of a proxy in `network.proxy`; with `environment`, \
                 set NO_PROXY",
            );
        }
        Network { proxy, unused_proxy_variables: unused, tls: self.tls.clone(), written: self }
    }
}

impl OutboundTls {
    pub(in crate::config) fn check(&self, at: &str, found: &mut Findings) {
        if self.ca_file.as_ref().is_some_and(|file| file.as_os_str().is_empty()) {
            found.add(
                format!("{at}/ca_file"),
                "is empty; write the path of a file in PEM, or leave it out",
            );
        }
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.written.serialize(serializer)
    }
}

/// The URL without user and password.
fn shown_proxy<S: Serializer>(proxy: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    proxy.as_ref().map(|proxy| without_secrets(proxy.expose())).serialize(serializer)
}
