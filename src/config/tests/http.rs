//! The calls over HTTP: a listener that nobody could use, or that anybody could, is refused with what
//! to write instead.

use super::{APP, bad, good};
use crate::config::HttpGroup;

const CALLER: &str =
    "rownd_auth: { callers: [{ name: a, allow: [verify], secret: a-secret-of-some-length }] }";

fn http(settings: &str) -> String {
    format!("listeners: {{ http: {{ {settings} }} }}\n")
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn calls_over_http_need_hosts_callers_and_tls() {
    let rpc = "serve: [rpc], hosts: [authz.example.com]";
    for (name, settings, callers, setting, says) in [
        (
            "no hosts",
            "serve: [rpc]",
            CALLER,
            "listeners.http.hosts",
            "hosts: [localhost, 127.0.0.1]",
        ),
        ("empty hosts", "serve: [rpc], hosts: []", CALLER, "listeners.http.hosts", "DNS rebinding"),
        ("no callers", rpc, "", "listeners.http.serve[0]", "rownd_auth.callers"),
        (
            "a caller by user alone",
            rpc,
            "rownd_auth: { callers: [{ name: a, allow: [verify], uids: [1000] }] }",
            "listeners.http.serve[0]",
            "no caller",
        ),
        (
            "a caller by a certificate that nobody asks for",
            rpc,
            "rownd_auth: { callers: [{ name: a, allow: [verify], uris: [spiffe://a/b] }] }",
            "listeners.http.serve[0]",
            "client_ca_file",
        ),
        (
            "plain text on a network",
            "address: '0.0.0.0:8085', serve: [rpc], hosts: [authz.example.com]",
            CALLER,
            "listeners.http.address",
            "listeners.http.tls",
        ),
        ("twice", "serve: [rpc, rpc], hosts: [a.test]", CALLER, "listeners.http.serve[1]", "twice"),
        (
            "no origins",
            "serve: [rpc], hosts: [a.test], cors: { allowed_origins: [] }",
            CALLER,
            "listeners.http.cors.allowed_origins",
            "allowed_origins: [https://admin.example.com]",
        ),
        (
            "every origin",
            "serve: [rpc], hosts: [a.test], cors: { allowed_origins: ['*'] }",
            CALLER,
            "listeners.http.cors.allowed_origins[0]",
            "is not an origin",
        ),
        (
            "a page",
            "serve: [rpc], hosts: [a.test], cors: { allowed_origins: ['https://a.test/page'] }",
            CALLER,
            "listeners.http.cors.allowed_origins[0]",
            "more than scheme, host and port",
        ),
        (
            "a page that anybody on the way can write",
            "serve: [rpc], hosts: [a.test], cors: { allowed_origins: ['http://a.test'] }",
            CALLER,
            "listeners.http.cors.allowed_origins[0]",
            "write https://",
        ),
        (
            "an origin twice",
            "serve: [rpc], hosts: [a.test], cors: { allowed_origins: ['https://a.test', 'https://A.test:443'] }",
            CALLER,
            "listeners.http.cors.allowed_origins[1]",
            "is there twice",
        ),
        (
            "pages for what is open to all",
            "serve: [resource_metadata], cors: { allowed_origins: ['https://a.test'] }",
            "protected_resource: { resource: https://api.example.com, authorization_servers: [https://id.example.com] }",
            "listeners.http.cors",
            "has no effect without `rpc`",
        ),
        (
            "no connections",
            "serve: [rpc], hosts: [a.test], max_connections: 0",
            CALLER,
            "listeners.http.max_connections",
            "",
        ),
        (
            "another group",
            "serve: [rpcs], hosts: [a.test]",
            CALLER,
            "listeners.http.serve[0]",
            "rpc",
        ),
        (
            "a certificate that is not there",
            "serve: [rpc], hosts: [a.test], tls: { cert_file: /nowhere/c, key_file: /nowhere/k }",
            CALLER,
            "listeners.http.tls.cert_file",
            "/nowhere/c",
        ),
    ] {
        let problems = bad(&format!("{}{callers}", http(settings)), &[APP]);
        let found = problems.iter().find(|problem| problem.setting == setting);
        let found = found.unwrap_or_else(|| panic!("{name}: {problems:#?}"));
        assert!(found.message.contains(says), "{name}: {found}");
        assert!(!found.message.contains("a-secret"), "{name}: {found}");
    }
}

#[test]
fn calls_over_http_are_served_where_somebody_can_make_them() {
    for settings in [
        "serve: [rpc], hosts: [localhost, 127.0.0.1, '[::1]']",
        "serve: [rpc], hosts: [a.test], cors: { allowed_origins: ['https://*.a.test'] }",
        "address: 'unix:/run/http.sock', serve: [rpc], hosts: [a.test]",
    ] {
        let config = good(&format!("{}{CALLER}", http(settings)), &[APP]);
        let (listener, _) = config.listeners.serving(HttpGroup::Rpc).expect("it is configured");
        assert_eq!(listener.max_connections, 256, "{settings}");
        assert!(!listener.asks_for_certificates(), "{settings}");
    }
    let mesh = CALLER.replace("callers", "allow_plaintext_secrets: true, callers");
    let settings = "address: '0.0.0.0:8085', serve: [rpc], hosts: [a.test]";
    let config = good(&format!("{}{mesh}", http(settings)), &[APP]);
    let about = |warning: &&crate::model::Warning| warning.pointer.contains("plaintext");
    assert_eq!(config.warnings.iter().find(about).map(ToString::to_string), None);
}
