//! What holds for the service for backends: callers that can be told apart and have a way to prove
//! themselves, and OpenID clients whose issuer is there.

use std::{collections::HashSet, net::SocketAddr};

use url::Url;

use crate::config::{
    Caller, ClientAuthMethod, Config, IssuerKind, OidcClient, findings::Findings,
    sections::WrittenIssuer,
};

/// The least length of a caller's secret.
const MIN_SECRET: usize = 16;
/// What to write where a secret would cross a network in plain text.
const PLAINTEXT: &str = "would cross the network without TLS, where anybody on the way can read it; \
                         write listeners.grpc.tls, or an address of this machine alone \
                         (127.0.0.1:50051, unix:/path), or where a mesh encrypts every connection \
                         rownd_auth.allow_plaintext_secrets: true";

pub(super) fn rownd_auth(config: &mut Config, issuers: &[WrittenIssuer], found: &mut Findings) {
    let mutual = config.listeners.grpc.tls.as_ref().is_some_and(|tls| tls.client_ca_file.is_some());
    let socket = config.listeners.grpc.address.starts_with("unix:");
    let open = is_open(config) && !config.rownd_auth.allow_plaintext_secrets;
    for (index, caller) in config.rownd_auth.callers.iter().enumerate() {
        let at = format!("/rownd_auth/callers/{index}");
        if open && caller.secret.is_some() {
            found.add(format!("{at}/secret"), PLAINTEXT);
        }
        bounds(issuers, caller, &at, found);
    }
    let mut names = HashSet::new();
    let mut secrets = HashSet::new();
    for (index, caller) in config.rownd_auth.callers.iter_mut().enumerate() {
        let at = format!("/rownd_auth/callers/{index}");
        if !names.insert(caller.name.clone()) {
            found.add(format!("{at}/name"), "another caller has this name");
        }
        secret(caller, &mut secrets, &at, found);
        means(caller, (mutual, socket), &at, found);
    }
    let mut names = HashSet::new();
    for (index, client) in config.rownd_auth.oidc_clients.iter_mut().enumerate() {
        let at = format!("/rownd_auth/oidc_clients/{index}");
        if !names.insert(client.name.clone()) {
            found.add(format!("{at}/name"), "another client has this name");
        }
        match issuers.iter().find(|issuer| issuer.name == client.issuer).map(|issuer| issuer.kind) {
            Some(IssuerKind::Oidc) => {}
            Some(_) => found.add(
                format!("{at}/issuer"),
                "is no OpenID provider; name an issuer of kind `oidc`",
            ),
            None => {
                let message = format!("there is no issuer `{}` under `issuers`", client.issuer);
                found.add(format!("{at}/issuer"), message);
            }
        }
        oidc_client(client, &at, found);
    }
}

fn secret(caller: &mut Caller, known: &mut HashSet<String>, at: &str, found: &mut Findings) {
    let Some(secret) = &mut caller.secret else { return };
    let at = format!("{at}/secret");
    match secret.resolve() {
        Err(message) => found.add(at, message),
        Ok(()) if secret.expose().len() < MIN_SECRET => found.add(
            at,
            format!("is shorter than {MIN_SECRET} characters; `openssl rand -hex 32` makes one"),
        ),
        Ok(()) if !known.insert(secret.expose().to_owned()) => {
            found.add(at, "another caller has the same: they could not be told apart");
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
fn bounds(all: &[WrittenIssuer], caller: &Caller, at: &str, found: &mut Findings) {
    let meant =
        |name: &str| caller.issuers.as_ref().is_none_or(|all| all.iter().any(|n| n == name));
    let issuers = all.iter().filter(|issuer| meant(&issuer.name));
    let apps: Vec<&str> = issuers
        .clone()
        .flat_map(|issuer| &issuer.apps)
        .filter_map(|app| app.id.as_deref())
        .collect();
    let names: Vec<&str> = all.iter().map(|issuer| issuer.name.as_str()).collect();
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
            found.add(format!("{at}/{list}"), message);
        }
        for (index, name) in named.iter().enumerate() {
            if !known.contains(&name.as_str()) && (!any || name.is_empty()) {
                let choice = if known.is_empty() {
                    "none is there".to_owned()
                } else {
                    format!("write one of: {}", known.join(", "))
                };
                let message = format!("there is no {what} `{name}` {place}; {choice}");
                found.add(format!("{at}/{list}/{index}"), message);
            }
        }
    }
}

fn means(caller: &Caller, (mutual, socket): (bool, bool), at: &str, found: &mut Findings) {
    if caller.allow.is_empty() {
        found.add(format!("{at}/allow"), "allows nothing; write allow: [verify]");
    }
    let names = !caller.uris.is_empty() || !caller.dns_names.is_empty();
    if caller.secret.is_none() && !names && caller.uids.is_empty() {
        let message = "cannot be known by anything; write `secret: file:/path`, `uris`, \
                       `dns_names` or `uids`";
        found.add(at.to_owned(), message);
    }
    if names && !mutual {
        let message = "client certificates are not asked for; write \
                       listeners.grpc.tls.client_ca_file";
        let name = if caller.uris.is_empty() { "dns_names" } else { "uris" };
        found.add(format!("{at}/{name}"), message);
    }
    if !caller.uids.is_empty() && !socket {
        let message = "only a Unix socket tells who is at the other end; write \
                       listeners.grpc.address: unix:/run/rownd-authz/grpc.sock";
        found.add(format!("{at}/uids"), message);
    }
    for (list, values) in [("uris", &caller.uris), ("dns_names", &caller.dns_names)] {
        for (index, value) in values.iter().enumerate() {
            if value.is_empty() || value.contains('*') {
                let message = "is no exact name; there are no patterns here";
                found.add(format!("{at}/{list}/{index}"), message);
            }
        }
    }
}

fn oidc_client(client: &mut OidcClient, at: &str, found: &mut Findings) {
    if client.client_id.is_empty() {
        found.add(format!("{at}/client_id"), "is empty");
    }
    if let Some(secret) = &mut client.client_secret
        && let Err(message) = secret.resolve()
    {
        found.add(format!("{at}/client_secret"), message);
    }
    let default = if client.client_secret.is_some() {
        ClientAuthMethod::Basic
    } else {
        ClientAuthMethod::None
    };
    let method = *client.auth_method.get_or_insert(default);
    match (method, client.client_secret.is_some()) {
        (ClientAuthMethod::Basic | ClientAuthMethod::Post, false) => {
            found.add(format!("{at}/client_secret"), "is missing; write it, or auth_method: none")
        }
        (ClientAuthMethod::None, true) => {
            found.add(format!("{at}/auth_method"), "leaves the secret unused; write basic or post")
        }
        (ClientAuthMethod::None, false) if !client.pkce => {
            found.add(format!("{at}/pkce"), "without a secret a stolen code is enough; leave it on")
        }
        _ => {}
    }
    if client.redirect_uris.is_empty() {
        let message = "is empty; write [https://app.example.com/callback]";
        found.add(format!("{at}/redirect_uris"), message);
    }
    for (index, uri) in client.redirect_uris.iter().enumerate() {
        // RFC 6749 section 3.1.2: absolute, without a fragment.
        if !Url::parse(uri).is_ok_and(|uri| uri.fragment().is_none()) {
            // It may hold a secret, so it is not repeated.
            let message = "is no absolute URI without a fragment".to_owned();
            found.add(format!("{at}/redirect_uris/{index}"), message);
        }
    }
    if !client.scopes.iter().any(|scope| scope == "openid") {
        let message = "`openid` is missing: without it this is no OpenID request";
        found.add(format!("{at}/scopes"), message);
    }
    for (index, scope) in client.scopes.iter().enumerate() {
        if scope.is_empty() || scope.contains(char::is_whitespace) {
            found.add(format!("{at}/scopes/{index}"), "is no scope");
        }
    }
}
