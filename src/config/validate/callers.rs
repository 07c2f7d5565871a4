//! The callers and clients of the service for backends, held against listeners and issuers: a way to
//! know each caller, and issuers and apps that exist.

use crate::config::{
    findings::Findings,
    sections::{
        Caller, HttpGroup, IssuerKind, Right, WrittenConfig, WrittenIssuer,
        is_reached_from_elsewhere,
    },
};

/// The advice where a secret would cross a network in plain text.
const PLAINTEXT: &str = "would cross the network without TLS, where anybody on the way can read it; \
                         write listeners.grpc.tls, or an address of this machine alone \
                         (127.0.0.1:50051, unix:/path), or where a mesh encrypts every connection \
                         rownd_auth.allow_plaintext_secrets: true";

/// Adds the problems of callers and OpenID clients.
pub(super) fn check(config: &WrittenConfig, found: &mut Findings) {
    let service = &config.rownd_auth;
    let open = is_reached_from_elsewhere(&config.listeners.grpc);
    for (index, caller) in service.callers.iter().enumerate() {
        let at = format!("/rownd_auth/callers/{index}");
        if open && !service.allow_plaintext_secrets && caller.secret.is_some() {
            found.add(format!("{at}/secret"), PLAINTEXT);
        }
        check_listener(config, caller, &at, found);
        check_bounds(&config.issuers, caller, &at, found);
    }
    check_readers(config, found);
    for (index, client) in service.oidc_clients.iter().enumerate() {
        let at = format!("/rownd_auth/oidc_clients/{index}/issuer");
        let issuer = config.issuers.iter().find(|issuer| issuer.name == client.issuer);
        match issuer.map(|issuer| issuer.kind) {
            Some(IssuerKind::Oidc) => {
                if issuer.is_some_and(WrittenIssuer::has_tenants) {
                    let message = "has tenants, each an OpenID provider of its own; write an \
                                   issuer without `tenants` and name that";
                    found.add(at, message);
                }
            }
            Some(
                IssuerKind::Rownd
                | IssuerKind::Supertokens
                | IssuerKind::Firebase
                | IssuerKind::Static,
            ) => found.add(at, "is not an OpenID provider; name an issuer of kind `oidc`"),
            None => {
                found.add(at, format!("there is no issuer `{}` under `issuers`", client.issuer));
            }
        }
    }
}

/// Adds the problem of a sink that keeps events for readers where nobody may read them.
fn check_readers(config: &WrittenConfig, found: &mut Findings) {
    let may_read = |caller: &Caller| caller.allow.contains(&Right::ReadEvents);
    let callers = &config.rownd_auth.callers;
    if callers.iter().any(may_read) || found.is_left_out("/rownd_auth/callers") {
        return;
    }
    for (index, sink) in config.events.sinks.iter().enumerate() {
        if sink.stream.is_some() {
            found.add(
                format!("/events/sinks/{index}/stream"),
                "keeps events that nobody may read; write rownd_auth.callers: [{ name: reader, \
                 secret: file:/path, allow: [read_events] }], or leave this sink out",
            );
        }
    }
}

/// Adds the problems of a caller that the listener cannot know.
fn check_listener(config: &WrittenConfig, caller: &Caller, at: &str, found: &mut Findings) {
    let grpc = &config.listeners.grpc;
    let by_http = config
        .listeners
        .serving(HttpGroup::Rpc)
        .is_some_and(|(http, _)| http.asks_for_certificates());
    let asks_for_certificates =
        by_http || grpc.tls.as_ref().is_some_and(|tls| tls.client_ca_file.is_some());
    let has_names = !caller.uris.is_empty() || !caller.dns_names.is_empty();
    if has_names && !asks_for_certificates {
        let name = if caller.uris.is_empty() { "dns_names" } else { "uris" };
        found.add(
            format!("{at}/{name}"),
            "client certificates are not asked for; write listeners.grpc.tls.client_ca_file",
        );
    }
    let shows_no_users =
        grpc.address.path().is_none() && !found.is_left_out("/listeners/grpc/address");
    if !caller.uids.is_empty() && shows_no_users {
        found.add(
            format!("{at}/uids"),
            "only a Unix socket shows the user at the other end; write \
             listeners.grpc.address: unix:/run/rownd-authz/grpc.sock",
        );
    }
}

/// Adds the problems of the apps and issuers that a caller is bound to: each has to exist, and a
/// list that is given has to name one.
fn check_bounds(all: &[WrittenIssuer], caller: &Caller, at: &str, found: &mut Findings) {
    let is_named =
        |name: &str| caller.issuers.as_ref().is_none_or(|all| all.iter().any(|n| n == name));
    let issuers = all.iter().filter(|issuer| is_named(&issuer.name));
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
                "is empty, so that the caller may do nothing; name an {what}, or leave it out for all"
            );
            found.add(format!("{at}/{list}"), message);
        }
        for (index, name) in named.iter().enumerate() {
            if !known.contains(&name.as_str()) && (!any || name.is_empty()) {
                let choice = if known.is_empty() {
                    "there is none".to_owned()
                } else {
                    format!("write one of: {}", known.join(", "))
                };
                let message = format!("there is no {what} `{name}` {place}; {choice}");
                found.add(format!("{at}/{list}/{index}"), message);
            }
        }
    }
}
