//! The proof of a server that sends requests to this service. Some servers can be given a URL and
//! nothing else, so a secret may be a part of the path.

use std::{net::IpAddr, num::NonZeroU32};

use http::HeaderName;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{findings::Findings, secret::Secret};

/// The fewest and the most characters of a secret.
const SECRET: std::ops::RangeInclusive<usize> = 32..=256;
/// Headers that carry something else, or that a proxy on the way sets or removes.
const TAKEN: [&str; 8] = [
    "host",
    "connection",
    "content-length",
    "content-type",
    "content-encoding",
    "transfer-encoding",
    "cookie",
    "te",
];

/// The proof of a server that sends requests to this service. Each setting that is written has to
/// hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct WrittenInboundCaller {
    /// At least 32 characters out of letters, digits and `-._~`, in place or `file:/path`. It is the
    /// last segment of the path, and so it stands in the log of a proxy that logs paths; or it is the
    /// value of `header`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// The header that carries the secret, in place of the path: `x-webhook-secret`. In
    /// `authorization` the secret stands after `Bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// The addresses that it calls from: `203.0.113.0/24`, `2001:db8::1`. The address is that of the
    /// connection: behind a proxy, it is that of the proxy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub sources: Vec<String>,
    /// The exact URIs of its client certificate, such as a SPIFFE id; one of these or of `dns_names`
    /// is enough. Needs `tls.client_ca_file` of the listener.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub uris: Vec<String>,
    /// The exact DNS names of its client certificate. Needs `tls.client_ca_file` of the listener.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub dns_names: Vec<String>,
    /// The most requests in a second; further ones are answered 429.
    #[serde(default = "fifty")]
    #[schemars(with = "u32", range(min = 1, max = 10000))]
    pub per_second: NonZeroU32,
}

/// The proof of a server that sends requests to this service, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundCaller {
    /// The secret: the last segment of the path, or the value of `header`.
    pub secret: Option<Secret>,
    /// The header that carries the secret.
    pub header: Option<HeaderName>,
    /// The addresses that it calls from; none: any.
    pub sources: Vec<IpNet>,
    /// The URIs of its certificate.
    pub uris: Vec<String>,
    /// The DNS names of its certificate.
    pub dns_names: Vec<String>,
    /// The most requests in a second.
    pub per_second: NonZeroU32,
}

impl InboundCaller {
    /// Whether a client certificate is asked for.
    #[must_use]
    pub fn needs_certificate(&self) -> bool {
        !self.uris.is_empty() || !self.dns_names.is_empty()
    }

    /// Whether anything is a proof.
    #[must_use]
    pub fn proves(&self) -> bool {
        self.secret.is_some() || !self.sources.is_empty() || self.needs_certificate()
    }
}

impl WrittenInboundCaller {
    /// Adds the problems of the settings at this JSON pointer.
    pub(in crate::config::sections) fn check(
        &mut self,
        at: &str,
        found: &mut Findings,
    ) -> InboundCaller {
        self.check_secret(at, found);
        let header = self.header.clone().and_then(|name| {
            let at = format!("{at}/header");
            if self.secret.is_none() {
                found.add(&at, "carries no secret; write `secret`, or leave `header` out");
            }
            found.keep(at, header(&name))
        });
        let source = |(index, text): (usize, &String)| {
            found.keep(format!("{at}/sources/{index}"), network(text))
        };
        let sources = self.sources.iter().enumerate().filter_map(source).collect();
        for (list, names) in [("uris", &self.uris), ("dns_names", &self.dns_names)] {
            let empty = names.iter().position(|name| name.trim().is_empty());
            if let Some(index) = empty {
                found.add(
                    format!("{at}/{list}/{index}"),
                    "is empty; write a name of the certificate",
                );
            }
        }
        InboundCaller {
            secret: self.secret.clone(),
            header,
            sources,
            uris: self.uris.clone(),
            dns_names: self.dns_names.clone(),
            per_second: self.per_second,
        }
    }

    /// Whether anything that is written is a proof.
    pub(in crate::config::sections) const fn proves(&self) -> bool {
        self.secret.is_some()
            || !self.sources.is_empty()
            || !self.uris.is_empty()
            || !self.dns_names.is_empty()
    }

    /// Whether there is a proof that the sender itself has to have, and not the network.
    pub(in crate::config::sections) const fn proves_more_than_a_source(&self) -> bool {
        self.secret.is_some() || !self.uris.is_empty() || !self.dns_names.is_empty()
    }

    /// Adds the problem of settings at this JSON pointer that prove nothing.
    pub(in crate::config::sections) fn check_proof(&self, at: &str, found: &mut Findings) {
        if !self.proves() {
            found.add(
                at,
                "proves nothing, so that anybody could send this; write `secret: file:/path`, \
                 `sources`, or `uris` or `dns_names` of a client certificate",
            );
        }
    }

    fn check_secret(&mut self, at: &str, found: &mut Findings) {
        let Some(secret) = &mut self.secret else { return };
        let at = format!("{at}/secret");
        if found.keep(at.as_str(), secret.resolve()).is_none() {
            return;
        }
        let text = secret.expose();
        let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        if !SECRET.contains(&text.len()) || !text.bytes().all(unreserved) {
            let message = format!(
                "cannot be a segment of a path; write {} to {} letters, digits and -._~, as `openssl \
                 rand -hex 32` makes them",
                SECRET.start(),
                SECRET.end()
            );
            found.add(at, message);
        }
    }
}

/// The most characters of a value that a message repeats.
const MOST_SHOWN: usize = 60;

fn header(name: &str) -> Result<HeaderName, String> {
    let lower = name.to_ascii_lowercase();
    if TAKEN.contains(&lower.as_str()) {
        return Err(format!(
            "`{lower}` has another meaning in HTTP; write a header such as x-webhook-secret"
        ));
    }
    HeaderName::try_from(&lower).map_err(|_| {
        let shown: String = lower.chars().take(MOST_SHOWN).collect();
        format!("`{shown}` is not the name of a header; write one such as x-webhook-secret")
    })
}

/// A network, or one address.
fn network(text: &str) -> Result<IpNet, String> {
    let one = || text.parse().map(|address: IpAddr| IpNet::from(address));
    let net: IpNet = text.parse().or_else(|_| one()).map_err(|_| {
        let text: String = text.chars().take(MOST_SHOWN).collect();
        format!("`{text}` is neither an address nor a network; write 203.0.113.7 or 203.0.113.0/24")
    })?;
    if net.prefix_len() == 0 {
        return Err("is every address, which proves nothing; write a narrower network".to_owned());
    }
    if net.trunc() != net {
        return Err(format!("has bits behind its prefix; write {}", net.trunc()));
    }
    Ok(net)
}

const fn fifty() -> NonZeroU32 {
    match NonZeroU32::new(50) {
        Some(rate) => rate,
        None => NonZeroU32::MIN,
    }
}
