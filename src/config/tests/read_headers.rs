//! The headers that a configuration reads, as Envoy's `allowed_headers` writes them.

use super::{APP, good};

fn read(yaml: &str) -> Vec<String> {
    good(yaml, &[APP]).read_headers().iter().map(ToString::to_string).collect()
}

const ALWAYS: [&str; 5] = [
    "- exact: authorization",
    "- exact: content-type",
    "- exact: traceparent",
    "- exact: x-request-id",
    "- safe_regex: { regex: \"x[^a-z0-9]rownd([^a-z0-9].*)?\" }",
];

#[test]
fn the_headers_of_credentials_preflights_and_matches_are_read() {
    assert_eq!(read(""), ALWAYS);
    for (yaml, more) in [
        ("credentials: [{ header: X-Token }]", &["- exact: x-token"][..]),
        (
            "credentials: [{ cookie: session }]",
            &[
                "- exact: cookie",
                "- exact: origin",
                "- exact: sec-fetch-mode",
                "- exact: sec-fetch-site",
                "- exact: upgrade",
            ],
        ),
        (
            "credentials: [{ websocket_protocol: bearer }]",
            &["- exact: sec-websocket-protocol", "- exact: upgrade"],
        ),
        (
            "default: { cors_preflight: true }",
            &["- exact: access-control-request-method", "- exact: origin"],
        ),
        (
            "routes: [{ id: a, match: { headers: [{ name: X-Env.2, exact: a }, { name: dnt, present: true }] } }]",
            &["- exact: dnt", "- safe_regex: { regex: \"x[^a-z0-9]env[^a-z0-9]2\" }"],
        ),
        (
            "guards: [{ id: g, match: { headers: [{ name: x-blocked, present: true }] }, require: never }]",
            &["- safe_regex: { regex: \"x[^a-z0-9]blocked\" }"],
        ),
        (
            "denial: { html: { title: Shop } }",
            &[
                "- exact: accept",
                "- exact: sec-fetch-mode",
                "- exact: sec-websocket-key",
                "- exact: upgrade",
                "- exact: x-requested-with",
            ],
        ),
        (
            "guards: [{ id: g, match: any, require: { cel: '!(\"x-out\" in request.headers)' } }]",
            &["- safe_regex: { regex: \"x[^a-z0-9]out\" }"],
        ),
    ] {
        let found = read(yaml);
        let mut expected: Vec<&str> = ALWAYS.into_iter().chain(more.iter().copied()).collect();
        expected.sort_by_key(|line| (line.contains("regex"), *line));
        assert_eq!(found, expected, "{yaml}");
    }
}
