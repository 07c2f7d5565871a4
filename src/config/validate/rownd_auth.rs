//! What holds for the service for backends: callers that can be told apart and have a way to prove
//! themselves, and OpenID clients whose issuer is there.

use std::{collections::HashSet, net::SocketAddr};

use url::Url;

use super::{Found, issuers::resolve, range};
use crate::config::{Caller, ClientAuthMethod, Config, IssuerKind, OidcClient, Span};

/// The least length of a caller's secret.
const MIN_SECRET: usize = 16;
/// The most callers and the most clients.
const MAX: usize = 256;
/// What to write where a secret would cross a network in plain text.
const PLAINTEXT: &str = "would cross the network without TLS, where anybody on the way can read it; \
                         write listeners.grpc.tls, or an address of this machine alone \
                         (127.0.0.1:50051, unix:/path), or where a mesh encrypts every connection \
                         rownd_auth.allow_plaintext_secrets: true";
/// The most calls at a time.
const MAX_IN_FLIGHT: usize = 65_536;
/// The most reads of one caller in a second that ask Rownd though they need not.
const MAX_FRESH: u32 = 10_000;

pub(super) fn rownd_auth(config: &mut Config, found: &mut Found) {
    let service = &config.rownd_auth;
    let ms = Span::from_millis;
    range("/rownd_auth/timeout", service.timeout, ms(100), ms(120_000), found);
    range("/rownd_auth/refresh_grace", service.refresh_grace, ms(0), ms(60_000), found);
    if !(1..=MAX_IN_FLIGHT).contains(&service.max_in_flight) {
        let message = format!("`{}` is outside 1 to {MAX_IN_FLIGHT}", service.max_in_flight);
        found.push(("/rownd_auth/max_in_flight".into(), message));
    }
    if !(1..=MAX_FRESH).contains(&service.max_age_per_second) {
        let message = format!("`{}` is outside 1 to {MAX_FRESH}", service.max_age_per_second);
        found.push(("/rownd_auth/max_age_per_second".into(), message));
    }
    for (name, length) in
        [("callers", service.callers.len()), ("oidc_clients", service.oidc_clients.len())]
    {
        if length > MAX {
            found.push((format!("/rownd_auth/{name}"), format!("more than {MAX}")));
        }
    }
    let mutual = config.listeners.grpc.tls.as_ref().is_some_and(|tls| tls.client_ca_file.is_some());
    let socket = config.listeners.grpc.address.starts_with("unix:");
    let open = is_open(config) && !config.rownd_auth.allow_plaintext_secrets;
    for (index, caller) in config.rownd_auth.callers.iter().enumerate() {
        let at = format!("/rownd_auth/callers/{index}");
        if open && caller.secret.is_some() {
            found.push((format!("{at}/secret"), PLAINTEXT.into()));
        }
        bounds(config, caller, &at, found);
    }
    let mut names = HashSet::new();
    let mut secrets = HashSet::new();
    for (index, caller) in config.rownd_auth.callers.iter_mut().enumerate() {
        let at = format!("/rownd_auth/callers/{index}");
        if !names.insert(caller.name.clone()) {
            found.push((format!("{at}/name"), "another caller has this name".into()));
        }
        secret(caller, &mut secrets, &at, found);
        means(caller, (mutual, socket), &at, found);
    }
    let issuers: Vec<_> =
        config.issuers.iter().map(|issuer| (issuer.name.clone(), issuer.kind)).collect();
    let mut names = HashSet::new();
    for (index, client) in config.rownd_auth.oidc_clients.iter_mut().enumerate() {
        let at = format!("/rownd_auth/oidc_clients/{index}");
        if !names.insert(client.name.clone()) {
            found.push((format!("{at}/name"), "another client has this name".into()));
        }
        match issuers.iter().find(|(name, _)| *name == client.issuer) {
            Some((_, IssuerKind::Oidc)) => {}
            Some(_) => found.push((
                format!("{at}/issuer"),
                "is no OpenID provider; name an issuer of kind `oidc`".into(),
            )),
            None => {
                let message = format!("there is no issuer `{}` under `issuers`", client.issuer);
                found.push((format!("{at}/issuer"), message));
            }
        }
        oidc_client(client, &at, found);
    }
}

fn secret(caller: &mut Caller, known: &mut HashSet<String>, at: &str, found: &mut Found) {
    let Some(secret) = &mut caller.secret else { return };
    let at = format!("{at}/secret");
    match resolve(secret) {
        Err(message) => found.push((at, message)),
        Ok(()) if secret.expose().len() < MIN_SECRET => found.push((
            at,
            format!("is shorter than {MIN_SECRET} characters; `openssl rand -hex 32` makes one"),
        )),
        Ok(()) if !known.insert(secret.expose().to_owned()) => {
            found.push((at, "another caller has the same: they could not be told apart".into()));
        }
        Ok(()) => {}
    }
}

/// Others than this machine reach the gRPC listener, and it has no TLS.
fn is_open(config: &Config) -> bool {
    let grpc = &config.listeners.grpc;
    let local = grpc.address.starts_with("unix:")
        || grpc
            .address
            .parse::<SocketAddr>()
            .is_ok_and(|address| address.ip().to_canonical().is_loopback());
    grpc.tls.is_none() && !local
}

/// The apps and issuers that a caller is bound to are there, and there is at least one.
fn bounds(config: &Config, caller: &Caller, at: &str, found: &mut Found) {
    let meant =
        |name: &str| caller.issuers.as_ref().is_none_or(|all| all.iter().any(|n| n == name));
    let issuers = config.issuers.iter().filter(|issuer| meant(&issuer.name));
    let apps: Vec<&str> = issuers
        .clone()
        .flat_map(|issuer| &issuer.apps)
        .filter_map(|app| app.id.as_deref())
        .collect();
    let names: Vec<&str> = config.issuers.iter().map(|issuer| issuer.name.as_str()).collect();
    // Where a claim says the app, it may say any.
    let any_app = issuers.clone().any(|issuer| issuer.claims.app_id.is_some());
    let lists = [
        ("issuers", "issuer", "under `issuers`", &caller.issuers, names, false),
        (
            "apps",
            "app",
            "with its `id` under `apps` of the issuers it may use",
            &caller.apps,
            apps,
            any_app,
        ),
    ];
    for (list, what, place, named, known, any) in lists {
        let Some(named) = named else { continue };
        if named.is_empty() {
            let message = format!(
                "is empty, so that it may do nothing; name an {what}, or leave it out for all"
            );
            found.push((format!("{at}/{list}"), message));
        }
        for (index, name) in named.iter().enumerate() {
            if !known.contains(&name.as_str()) && (!any || name.is_empty()) {
                let choice = if known.is_empty() {
                    "none is there".to_owned()
                } else {
                    format!("write one of: {}", known.join(", "))
                };
                let message = format!("there is no {what} `{name}` {place}; {choice}");
                found.push((format!("{at}/{list}/{index}"), message));
            }
        }
    }
}

fn means(caller: &Caller, (mutual, socket): (bool, bool), at: &str, found: &mut Found) {
    if caller.allow.is_empty() {
        found.push((format!("{at}/allow"), "allows nothing; write allow: [verify]".into()));
    }
    let names = !caller.uris.is_empty() || !caller.dns_names.is_empty();
    if caller.secret.is_none() && !names && caller.uids.is_empty() {
        let message = "cannot be known by anything; write `secret: file:/path`, `uris`, \
                       `dns_names` or `uids`";
        found.push((at.to_owned(), message.into()));
    }
    if names && !mutual {
        let message = "client certificates are not asked for; write \
                       listeners.grpc.tls.client_ca_file";
        let name = if caller.uris.is_empty() { "dns_names" } else { "uris" };
        found.push((format!("{at}/{name}"), message.into()));
    }
    if !caller.uids.is_empty() && !socket {
        let message = "only a Unix socket tells who is at the other end; write \
                       listeners.grpc.address: unix:/run/rownd-authz/grpc.sock";
        found.push((format!("{at}/uids"), message.into()));
    }
    for (list, values) in [("uris", &caller.uris), ("dns_names", &caller.dns_names)] {
        for (index, value) in values.iter().enumerate() {
            if value.is_empty() || value.contains('*') {
                let message = "is no exact name; there are no patterns here";
                found.push((format!("{at}/{list}/{index}"), message.into()));
            }
        }
    }
}

fn oidc_client(client: &mut OidcClient, at: &str, found: &mut Found) {
    if client.client_id.is_empty() {
        found.push((format!("{at}/client_id"), "is empty".into()));
    }
    if let Some(secret) = &mut client.client_secret
        && let Err(message) = resolve(secret)
    {
        found.push((format!("{at}/client_secret"), message));
    }
    let default = if client.client_secret.is_some() {
        ClientAuthMethod::Basic
    } else {
        ClientAuthMethod::None
    };
    let method = *client.auth_method.get_or_insert(default);
    match (method, client.client_secret.is_some()) {
        (ClientAuthMethod::Basic | ClientAuthMethod::Post, false) => found.push((
            format!("{at}/client_secret"),
            "is missing; write it, or auth_method: none".into(),
        )),
        (ClientAuthMethod::None, true) => found.push((
            format!("{at}/auth_method"),
            "leaves the secret unused; write basic or post".into(),
        )),
        (ClientAuthMethod::None, false) if !client.pkce => found.push((
            format!("{at}/pkce"),
            "without a secret a stolen code is enough; leave it on".into(),
        )),
        _ => {}
    }
    if client.redirect_uris.is_empty() {
        let message = "is empty; write [https://app.example.com/callback]";
        found.push((format!("{at}/redirect_uris"), message.into()));
    }
    for (index, uri) in client.redirect_uris.iter().enumerate() {
        // RFC 6749 section 3.1.2: absolute, without a fragment.
        if !Url::parse(uri).is_ok_and(|uri| uri.fragment().is_none()) {
            // It may hold a secret, so it is not repeated.
            let message = "is no absolute URI without a fragment".to_owned();
            found.push((format!("{at}/redirect_uris/{index}"), message));
        }
    }
    if !client.scopes.iter().any(|scope| scope == "openid") {
        let message = "`openid` is missing: without it this is no OpenID request";
        found.push((format!("{at}/scopes"), message.into()));
    }
    for (index, scope) in client.scopes.iter().enumerate() {
        if scope.is_empty() || scope.contains(char::is_whitespace) {
            found.push((format!("{at}/scopes/{index}"), "is no scope".into()));
        }
    }
}
