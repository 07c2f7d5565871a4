//! The second listener over HTTP: what belongs to backends is never on it, and no group is served twice.

use super::{APP, bad, good, places};
use crate::config::{HttpGroup, HttpListenerName};

const RESOURCE: &str = "protected_resource: { resource: https://api.example.com, \
                        authorization_servers: [https://id.example.com] }";
const CALLER: &str =
    "rownd_auth: { callers: [{ name: a, allow: [verify], secret: a-secret-of-some-length }] }";

fn listeners(text: &str) -> String {
    format!("listeners: {{ {text} }}\n{RESOURCE}\n{CALLER}\n")
}

#[test]
fn it_is_off_and_stands_beside_the_other_where_it_is_configured() {
    assert!(good("", &[APP]).listeners.public_http.is_none());
    let config = good(
        &listeners(
            "http: { serve: [rpc], hosts: [a.test] }, public_http: { serve: [resource_metadata] }",
        ),
        &[APP],
    );
    let names: Vec<_> = config.listeners.over_http().map(|http| http.name).collect();
    assert_eq!(names, [HttpListenerName::Http, HttpListenerName::PublicHttp]);
    let (public, place) = config.listeners.serving(HttpGroup::ResourceMetadata).unwrap();
    assert_eq!((public.address.to_string().as_str(), place), ("127.0.0.1:8086", 0));
    assert_eq!(public.max_connections, 256);
    let (http, _) = config.listeners.serving(HttpGroup::Rpc).unwrap();
    assert_eq!(http.address.to_string(), "127.0.0.1:8085");
    // Alone, too.
    good(&listeners("public_http: { serve: [resource_metadata] }"), &[APP]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn a_public_listener_that_cannot_be_meant_is_refused() {
    let public = |more: &str| format!("public_http: {{ serve: [resource_metadata]{more} }}");
    for (name, settings, setting, words) in [
        (
            "calls of backends",
            "public_http: { serve: [resource_metadata, rpc], hosts: [a.test] }".to_owned(),
            "listeners.public_http.serve[1]",
            "listeners.http.serve",
        ),
        (
            "calls of backends on both",
            "http: { serve: [rpc], hosts: [a.test] }, public_http: { serve: [rpc] }".to_owned(),
            "listeners.public_http.serve[0]",
            "is for backends",
        ),
        (
            "a group on both",
            format!("http: {{ serve: [resource_metadata] }}, {}", public("")),
            "listeners.public_http.serve[0]",
            "served by listeners.http too",
        ),
        (
            "a group twice",
            "public_http: { serve: [resource_metadata, resource_metadata] }".to_owned(),
            "listeners.public_http.serve[1]",
            "twice",
        ),
        (
            "no group",
            "public_http: { serve: [] }".to_owned(),
            "listeners.public_http.serve",
            "leave listeners.public_http out",
        ),
        (
            "pages",
            public(", cors: { allowed_origins: ['https://a.test'] }"),
            "listeners.public_http.cors",
            "",
        ),
        (
            "no hosts that are any",
            public(", hosts: ['*']"),
            "listeners.public_http.hosts[0]",
            "no `*`",
        ),
        (
            "no connections",
            public(", max_connections: 0"),
            "listeners.public_http.max_connections",
            "",
        ),
        (
            "that of grpc",
            public(", address: '127.0.0.1:50051'"),
            "listeners.public_http.address",
            "another port",
        ),
        (
            "that of ops",
            public(", address: '0.0.0.0:9464'"),
            "listeners.public_http.address",
            "another port",
        ),
        (
            "that of http",
            format!(
                "http: {{ serve: [rpc], hosts: [a.test] }}, {}",
                public(", address: '0.0.0.0:8085'")
            ),
            "listeners.public_http.address",
            "another port",
        ),
        (
            "the socket of http",
            format!(
                "http: {{ serve: [rpc], hosts: [a.test], address: 'unix:/x.sock' }}, {}",
                public(", address: 'unix:/x.sock'")
            ),
            "listeners.public_http.address",
            "another path",
        ),
        (
            "the socket of control",
            format!(
                "control: {{ address: 'unix:/x.sock' }}, {}",
                public(", address: 'unix:/x.sock'")
            ),
            "listeners.public_http.address",
            "another path",
        ),
        (
            "keys that are not there",
            "public_http: { serve: [passport_keys] }".to_owned(),
            "listeners.public_http.serve[0]",
            "`passport`",
        ),
        (
            "events from nowhere",
            "public_http: { serve: [webhooks] }".to_owned(),
            "listeners.public_http.serve[0]",
            "events.sources",
        ),
        (
            "a certificate that is not there",
            public(", tls: { cert_file: /nowhere/c, key_file: /nowhere/k }"),
            "listeners.public_http.tls.cert_file",
            "/nowhere/c",
        ),
    ] {
        let problems = bad(&listeners(&settings), &[APP]);
        let found = places(&problems);
        assert!(found.iter().any(|(_, found)| *found == setting), "{name}: {problems:#?}");
        let problem = problems.iter().find(|problem| problem.setting == setting).unwrap();
        assert!(problem.message.contains(words), "{name}: {problem}");
    }
}

#[test]
fn what_needs_a_certificate_asks_the_listener_that_serves_it() {
    let source = "events: { sources: [{ name: a, kind: rownd_webhook, issuer: rownd, \
                  caller: { dns_names: [hooks.example.com] } }] }\n\
                  issuers: [{ name: rownd, kind: rownd, apps: [{ key: key_a, secret: ras_a }] }]";
    let yaml = format!("listeners: {{ public_http: {{ serve: [webhooks] }} }}\n{source}");
    let problems = bad(&yaml, &[]);
    let problem = problems.iter().find(|problem| problem.setting == "events.sources[0].caller");
    let problem = problem.unwrap_or_else(|| panic!("{problems:#?}"));
    assert!(problem.message.contains("listeners.public_http.tls.client_ca_file"), "{problem}");
    // Served nowhere: the section says so.
    let problems = bad(source, &[]);
    assert!(
        problems.iter().any(|problem| problem.setting == "events.sources"
            && problem.message.contains("served nowhere")),
        "{problems:#?}"
    );
}

#[test]
fn a_mode_of_a_socket_that_is_none_has_no_effect() {
    let yaml = listeners("public_http: { serve: [resource_metadata], socket_mode: '0660' }");
    let config = good(&yaml, &[APP]);
    let pointers: Vec<_> = config.warnings.iter().map(|warning| &*warning.pointer).collect();
    assert!(pointers.contains(&"/listeners/public_http/socket_mode"), "{pointers:?}");
}
