//! The calls over HTTP, held against the callers: somebody can make them, and no secret crosses a
//! network in plain text.

use crate::config::{
    findings::Findings,
    sections::{Caller, HttpGroup, HttpListenerName, WrittenConfig},
};

const PLAINTEXT: &str = "is reached by other machines without TLS, and every call of `rpc` carries a \
                         secret or a token, which anybody on the way can read; write \
                         listeners.http.tls, or an address of this machine alone (127.0.0.1:8085, \
                         unix:/path), or where a mesh encrypts every connection \
                         rownd_auth.allow_plaintext_secrets: true";

/// Adds the problems of `rpc` among the groups of the listener `http`.
pub(super) fn check(config: &WrittenConfig, found: &mut Findings) {
    let Some((http, index)) = config.listeners.serving(HttpGroup::Rpc) else { return };
    if http.name != HttpListenerName::Http {
        // Refused there for itself.
        return;
    }
    let service = &config.rownd_auth;
    let by_name = http.asks_for_certificates();
    let is_known = |(index, caller): (usize, &Caller)| {
        let has_names = !caller.uris.is_empty() || !caller.dns_names.is_empty();
        // A secret that has a problem of its own is one nevertheless.
        let secret = format!("/rownd_auth/callers/{index}/secret");
        caller.secret.is_some() || found.is_left_out(&secret) || (by_name && has_names)
    };
    let somebody = service.callers.iter().enumerate().any(is_known);
    if !somebody && !found.is_left_out("/rownd_auth/callers") {
        found.add(
            format!("/listeners/http/serve/{index}"),
            "has no caller: every call over HTTP needs one, also from this machine; write \
             rownd_auth.callers: [{ name: backend, secret: file:/path, allow: [verify] }], or name \
             callers by certificate with listeners.http.tls.client_ca_file",
        );
    }
    if http.is_plain()
        && !service.allow_plaintext_secrets
        && !found.is_left_out("/listeners/http/address")
    {
        found.add("/listeners/http/address", PLAINTEXT);
    }
}
