//! The problems of the settings about servers, and what is probably not meant.

use std::path::Path;

use url::{Host, Url};

use super::{
    UpstreamError,
    address::{Standing, check_literal},
    proxies::Proxies,
    trust::Trust,
};
use crate::{
    config::{
        self, Config, Finding, Issuer, IssuerDetails, KeyOrigin, KeyPlace, OtherServer,
        setting_name,
    },
    model::Warning,
};

/// The problems that the text of the configuration shows: places that are never asked.
#[must_use]
pub fn problems(config: &Config) -> Vec<Finding> {
    let mut found = Vec::new();
    let proxies = Proxies::new(config.network.proxy.as_ref());
    for issuer in &config.issuers {
        let written = issuer.written_urls();
        for url in written.iter().chain(issuer.fallback_url()) {
            if let Err(UpstreamError::Refused(cause)) = proxies.way(url, Standing::Written, &[]) {
                let host = url.host_str().unwrap_or_default();
                let message = format!("{host} can never be asked: {cause}");
                found.push(Finding { pointer: issuer.pointer().to_owned(), message });
            }
        }
        let allowed = issuer.allowed_origins.iter().map(|origin| origin.url());
        for url in written.iter().chain(issuer.fallback_url()).chain(allowed) {
            if is_address(url) && check_literal(url, Standing::Written).is_err() {
                let host = url.host_str().unwrap_or_default();
                found.push(Finding {
                    pointer: issuer.pointer().to_owned(),
                    message: format!(
                        "{host} is an address where clouds keep credentials, or no address of a \
                         server, and is never asked; write the address of the issuer"
                    ),
                });
            }
        }
    }
    found.extend(config.other_servers().iter().filter_map(|other| other_problem(other, &proxies)));
    found
}

/// The problem of a server that would never get its signed requests.
fn other_problem(other: &OtherServer<'_>, proxies: &Proxies) -> Option<Finding> {
    let url = other.url.url();
    let refused = check_literal(url, Standing::Written)
        .and_then(|()| proxies.way(url, Standing::Written, &[]).map(drop));
    let UpstreamError::Refused(cause) = refused.err()? else { return None };
    let host = url.host_str().unwrap_or_default();
    let message = format!("{host} can never be asked: {cause}");
    Some(Finding { pointer: format!("{}/url", other.pointer), message })
}

/// The problem of this machine, if an issuer is asked by https and there is no certificate to
/// check its own by.
#[must_use]
pub fn authority_problem(config: &Config) -> Option<String> {
    if config.network.tls.ca_file.is_some() {
        return None;
    }
    let server = asked_by_https(&config.issuers, &config.other_servers())?;
    let reason = config::system_authorities().err()?;
    Some(no_authorities(&server, &reason))
}

/// The name of a server without a `ca_file` of its own that is asked by https for certain.
pub(super) fn asked_by_https(issuers: &[Issuer], others: &[OtherServer<'_>]) -> Option<String> {
    let mut common = issuers.iter().filter(|issuer| issuer.tls.ca_file.is_none());
    if let Some(issuer) = common.find(|issuer| is_asked_by_https(issuer)) {
        return Some(format!("issuer {}", issuer.name));
    }
    let mut common = others.iter().filter(|other| other.tls.ca_file.is_none());
    let other = common.find(|other| other.url.url().scheme() == "https")?;
    Some(format!("the server of {}", setting_name(&other.pointer)))
}

/// The text of that problem.
pub(super) fn no_authorities(server: &str, reason: &str) -> String {
    format!(
        "{server} is asked by https, and there is no certificate of an authority to check \
         its own by: {reason}; install ca-certificates, set SSL_CERT_FILE, or write \
         network.tls.ca_file"
    )
}

/// The warnings that the files of authorities show.
#[must_use]
pub fn authority_warnings(config: &Config) -> Vec<Warning> {
    let others = config.other_servers();
    let own = config.issuers.iter().map(|issuer| &issuer.tls);
    let own = own.chain(others.iter().map(|other| other.tls));
    let own = own.filter_map(|tls| tls.ca_file.as_deref());
    let mut files: Vec<&Path> = own.chain(config.network.tls.ca_file.as_deref()).collect();
    files.sort_unstable();
    files.dedup();
    let warning = |file: &Path| Trust::of_file(file).ok()?.warning(file);
    files.into_iter().filter_map(warning).collect()
}

/// The warning about a proxy that other programs on this machine would use.
#[must_use]
pub fn proxy_warning(config: &Config) -> Option<Warning> {
    let unused = &config.network.unused_proxy_variables;
    let asks = config.issuers.iter().any(may_be_asked) || !config.other_servers().is_empty();
    if unused.is_empty() || !asks {
        return None;
    }
    let text = format!(
        "{} is set and not used: issuers are asked without a proxy; write `network: {{ proxy: \
         environment }}` to use it, or `proxy: none` if this is meant",
        unused.join(", ")
    );
    Some(Warning::of("proxy_unused", "/network", text))
}

/// Whether the issuer's servers may be asked for anything.
pub(super) fn may_be_asked(issuer: &Issuer) -> bool {
    match issuer.details {
        IssuerDetails::Static(_) => false,
        IssuerDetails::Rownd(_)
        | IssuerDetails::Supertokens(_)
        | IssuerDetails::Oidc(_)
        | IssuerDetails::Firebase(_) => true,
    }
}

/// Whether its keys are fetched by https for certain.
pub(super) fn is_asked_by_https(issuer: &Issuer) -> bool {
    match &issuer.key_origin {
        KeyOrigin::InPlace(_) => false,
        KeyOrigin::Fetched { place, fallback, .. } => {
            let first = match place {
                KeyPlace::Configured(url) | KeyPlace::BaseUrl(url) => url.url().scheme() == "https",
                KeyPlace::OfKind => true,
            };
            first || fallback.as_ref().is_some_and(|url| url.url().scheme() == "https")
        }
    }
}

fn is_address(url: &Url) -> bool {
    matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_)))
}
