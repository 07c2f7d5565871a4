//! Problems of shape and of single settings: where, and all at once.

use super::{APP, bad, good, places, read};

#[test]
fn every_problem_is_reported_at_once_in_the_order_of_the_file() {
    let yaml = "\
lisners: {}
listeners:
  grpc:
    address: nowhere
    workers: many
check:
  timeout: 5
  max_in_flight: 0
  realm: 'a\"b'
routes:
  - { id: UPPER }
  - { id: a, match: { path: { prefix: admin } } }
  - { id: a, auth: maybe }
  - { match: {} }
log:
  level: loud
default:
  auth_level: verified
  auth: optional
";
    let problems = bad(yaml, &[APP]);
    let places = places(&problems);
    let expected = [
        ("test.yaml:1", "lisners"),
        ("test.yaml:4", "listeners.grpc.address"),
        ("test.yaml:5", "listeners.grpc.workers"),
        ("test.yaml:7", "check.timeout"),
        ("test.yaml:8", "check.max_in_flight"),
        ("test.yaml:9", "check.realm"),
        ("test.yaml:11", "routes[0].id"),
        ("test.yaml:13", "routes[2].auth"),
        ("test.yaml:14", "routes[3]"),
        ("test.yaml:16", "log.level"),
        ("test.yaml:18", "default.auth_level"),
    ];
    for place in expected {
        assert!(places.contains(&place), "{place:?} is not in {places:#?}");
    }
    let mut sorted = places.clone();
    sorted.sort_by_key(|(place, _)| {
        place.rsplit(':').next().and_then(|line| line.parse::<u32>().ok())
    });
    assert_eq!(places, sorted);
}

/// (setting in one line, the setting complained of, what the message holds)
#[rustfmt::skip] // one case a line
const SHAPES: &[(&str, &str, &str)] = &[
    ("chek: {}", "chek", "`check`"),
    ("nonsense_that_is_like_nothing: 1", "nonsense_that_is_like_nothing", "known fields"),
    ("check: { time_out: 1s }", "check.time_out", "`timeout`"),
    ("check: 5", "check", "map"),
    ("check: [1]", "check", "map"),
    ("check: { timeout: fast }", "check.timeout", "200ms"),
    ("check: { timeout: 500 }", "check.timeout", "200ms"),
    ("check: { timeout: -1s }", "check.timeout", "200ms"),
    ("check: { timeout: 1s, timeout: 2s }", "", "timeout"),
    ("check: { max_in_flight: 0 }", "check.max_in_flight", "1"),
    ("listeners: { grpc: { max_streams: 7 } }", "listeners.grpc.max_streams", "8"),
    ("listeners: { grpc: { max_streams: 100 } }", "listeners.grpc.max_streams", "at least 1024"),
    ("listeners: { ops: { probe_address: '0.0.0.0:9465' } }", "listeners.ops.probe_address", "write 127.0.0.1:9465"),
    ("listeners: { ops: { probe_address: ten } }", "listeners.ops.probe_address", "IP:PORT"),
    ("listeners: { ops: { probe_address: '127.0.0.1:9464' } }", "listeners.ops.probe_address", "another listener"),
    ("check: { max_in_flight: 1000001 }", "check.max_in_flight", "1000000"),
    ("check: { max_in_flight: 1.5 }", "check.max_in_flight", "whole number"),
    ("check: { max_in_flight: '100' }", "check.max_in_flight", "whole number"),
    ("check: { max_in_flight: -1 }", "check.max_in_flight", ""),
    ("check: { unavailable: open }", "check.unavailable", "denied, error_response"),
    ("check: { unavailable: Denied }", "check.unavailable", "denied, error_response"),
    ("check: { realm: '' }", "check.realm", ""),
    ("check: { realm: \"a\\\"b\" }", "check.realm", ""),
    ("check: { realm: \"a\\nb\" }", "check.realm", ""),
    ("listeners: { grpc: { reflection: 'yes' } }", "listeners.grpc.reflection", "true or false"),
    ("listeners: { control: {} }", "listeners.control", "`address`"),
    ("listeners: { control: { address: 'unix:/x', socket_mode: '0999' } }", "listeners.control.socket_mode", ""),
    ("listeners: { grpc: { socket_mode: '888' } }", "listeners.grpc.socket_mode", ""),
    ("listeners: { grpc: { max_header_list_bytes: 100 } }", "listeners.grpc.max_header_list_bytes", "8192"),
    ("key_snapshots: {}", "key_snapshots", "directory"),
    ("key_snapshots: { directory: /tmp/a, max_age: 1s }", "key_snapshots.max_age", "1m"),
    ("key_snapshots: { directory: keys }", "key_snapshots.directory", "absolute"),
    ("key_snapshots: { directory: /nonexistent/rownd/keys }", "key_snapshots.directory", "make that one"),
    ("key_snapshots: { directory: /dev/null }", "key_snapshots.directory", "not a directory"),
    ("key_snapshots: { directory: /tmp }", "key_snapshots.directory", "others can write it"),
    ("credentials: authorization", "credentials", "list"),
    ("credentials: [authorization]", "credentials[0]", "map"),
    ("credentials: [{ body: token }]", "credentials[0].body", "known fields"),
    ("routes: {}", "routes", "list"),
    ("routes: [{ id: a, match: any, auth: off }]", "routes[0].auth", "none, optional, required"),
    ("routes: [{ id: a, match: any, auth_level: admin }]", "routes[0].auth_level", "instant, guest, unverified, verified"),
    ("routes: [{ id: a, match: { path: /x } }]", "routes[0].match.path", "map"),
    ("routes: [{ id: a, match: { hosts: a.com } }]", "routes[0].match.hosts", "list"),
    ("routes: [{ id: a, match: { methods: [1] } }]", "routes[0].match.methods[0]", "quotes"),
    ("routes: [{ auth: none }]", "routes[0]", "`id`"),
    ("routes: [{ id: 'a b', match: any }]", "routes[0].id", ""),
    ("routes: [{ id: '', match: any }]", "routes[0].id", ""),
    ("issuers: [{ kind: rownd }]", "issuers[0]", "`name`"),
    ("issuers: [{ name: A, kind: rownd }]", "issuers[0].name", ""),
    ("issuers: [{ name: a, kind: saml }]", "issuers[0].kind", "rownd"),
    ("log: { denials_per_second: 0 }", "log.denials_per_second", "1"),
    ("log: null", "log", ""),
];

#[test]
fn each_wrong_shape_is_told_with_its_line_setting_and_what_to_write() {
    for (setting, path, hint) in SHAPES {
        let yaml = format!("# a comment\n{setting}\n");
        let problems = bad(&yaml, &[APP]);
        let found = problems.iter().find(|problem| problem.setting == *path);
        let found = found.unwrap_or_else(|| panic!("{setting}: {problems:#?}"));
        assert_eq!(found.place, "test.yaml:2", "{setting}");
        assert!(found.message.contains(hint), "{setting}: {found}");
        assert!(!found.message.is_empty(), "{setting}");
    }
}

/// Settings whose value is refused although its shape is right, each at line 2.
#[rustfmt::skip] // one case a line
const VALUES: &[(&str, &str)] = &[
    ("check: { timeout: 19ms }", "check.timeout"),
    ("check: { timeout: 61s }", "check.timeout"),
    ("check: { retry_after: 999ms }", "check.retry_after"),
    ("shutdown: { drain_delay: 11m }", "shutdown.drain_delay"),
    ("listeners: { grpc: { first_byte_timeout: 99ms } }", "listeners.grpc.first_byte_timeout"),
    ("listeners: { grpc: { max_connection_age: 0s } }", "listeners.grpc.max_connection_age"),
    ("listeners: { grpc: { address: localhost } }", "listeners.grpc.address"),
    ("listeners: { grpc: { address: 'localhost:50051' } }", "listeners.grpc.address"),
    ("listeners: { grpc: { address: ':50051' } }", "listeners.grpc.address"),
    ("listeners: { grpc: { address: '127.0.0.1:70000' } }", "listeners.grpc.address"),
    ("listeners: { grpc: { address: 'unix:relative.sock' } }", "listeners.grpc.address"),
    ("listeners: { grpc: { address: 'unix:' } }", "listeners.grpc.address"),
    ("listeners: { ops: { address: 'unix:/run/x' } }", "listeners.ops.address"),
    ("listeners: { grpc: { address: '127.0.0.1:1' }, ops: { address: '127.0.0.1:1' } }", "listeners.ops.address"),
    ("listeners: { control: { address: '127.0.0.1:9465' } }", "listeners.control.address"),
    ("listeners: { control: { address: 'unix:control.sock' } }", "listeners.control.address"),
    ("listeners: { grpc: { address: 'unix:/x' }, control: { address: 'unix:/x' } }", "listeners.control.address"),
    ("listeners: { control: { address: 'unix:/x', allowed_uids: [1] } }", "listeners.control.socket_mode"),
    ("listeners: { control: { address: 'unix:/x', allowed_gids: [1], socket_mode: '0644' } }", "listeners.control.socket_mode"),
    ("profiles: { ttl: 2h }", "profiles.ttl"),
    ("profiles: { timeout: 1ms }", "profiles.timeout"),
    ("profiles: { stale_on_error: 2d }", "profiles.stale_on_error"),
    ("revocation: { max_ttl: 1s }", "revocation.max_ttl"),
    ("routes: [{ id: a, match: any, auth: none, freshness: profile }]", "routes[0].freshness"),
    ("credentials: []", "credentials"),
    ("credentials: [{}]", "credentials[0]"),
    ("credentials: [{ header: a, cookie: b }]", "credentials[0]"),
    ("credentials: [{ format: rownd }]", "credentials[0]"),
    ("credentials: [{ header: a, format: rownd }]", "credentials[0].format"),
    ("credentials: [{ query: a, format: plain }]", "credentials[0].format"),
    ("credentials: [{ websocket_protocol: bearer, format: plain }]", "credentials[0].format"),
    ("credentials: [{ cookie: a, format: json }]", "credentials[0].format"),
    ("credentials: [{ cookie: a }, { cookie: a, format: rownd }]", "credentials[1]"),
    ("credentials: [{ websocket_protocol: a, cookie: b }]", "credentials[0]"),
    ("credentials: [{ websocket_protocol: 'a, b' }]", "credentials[0]"),
    ("credentials: [{ websocket_protocol: '' }]", "credentials[0]"),
    ("credentials: [{ websocket_protocol: a }, { websocket_protocol: A }]", "credentials[1]"),
    ("credentials: [{ header: Sec-WebSocket-Protocol }]", "credentials[0]"),
    ("credentials: [{ header: a }, { header: A }]", "credentials[1]"),
    ("credentials: [{ cookie: a }, { cookie: a }]", "credentials[1]"),
    ("credentials: [{ header: cookie }]", "credentials[0]"),
    ("credentials: [{ header: 'a b' }]", "credentials[0]"),
    ("credentials: [{ header: x-rownd-user-id }]", "credentials[0]"),
    ("credentials: [{ header: X-Rownd-Token }]", "credentials[0]"),
    ("credentials: [{ header: x_rownd_token }]", "credentials[0]"),
    ("credentials: [{ header: 'x~rownd~token' }]", "credentials[0]"),
    ("listeners: { grpc: { address: '0.0.0.0:7001' }, ops: { address: '127.0.0.1:7001' } }", "listeners.ops.address"),
    ("listeners: { grpc: { address: '127.0.0.1:7001' }, ops: { address: '[::]:7001' } }", "listeners.ops.address"),
    ("routes: [{ id: a, match: { methods: [ANY] } }]", "routes[0].match.methods[0]"),
    ("routes: [{ id: a, match: { path: { prefix: \"/admin\\n\" } } }]", "routes[0].match.path.prefix"),
    ("routes: [{ id: a, match: { path: { regex: 'admin/.*' } } }]", "routes[0].match.path.regex"),
    ("credentials: [{ header: '' }]", "credentials[0]"),
    ("credentials: [{ cookie: 'a=b' }]", "credentials[0]"),
    ("credentials: [{ cookie: 'a;b' }]", "credentials[0]"),
    ("routes: [{ id: a, match: any }, { id: a, match: any }]", "routes[1].id"),
    ("routes: [{ id: default, match: any }]", "routes[0].id"),
    ("routes: [{ id: a, match: { path: {} } }]", "routes[0].match.path"),
    ("routes: [{ id: a, match: { path: { prefix: /a, exact: /b } } }]", "routes[0].match.path"),
    ("routes: [{ id: a, match: { path: { prefix: a } } }]", "routes[0].match.path.prefix"),
    ("routes: [{ id: a, match: { path: { prefix: '' } } }]", "routes[0].match.path.prefix"),
    ("routes: [{ id: a, match: { path: { exact: '/a?b' } } }]", "routes[0].match.path.exact"),
    ("routes: [{ id: a, match: { path: { exact: '/a#b' } } }]", "routes[0].match.path.exact"),
    ("routes: [{ id: a, match: { path: { prefix: '/%61' } } }]", "routes[0].match.path.prefix"),
    ("routes: [{ id: a, match: { path: { prefix: '/a;b' } } }]", "routes[0].match.path.prefix"),
    ("routes: [{ id: a, match: { path: { prefix: '/a\\b' } } }]", "routes[0].match.path.prefix"),
    ("routes: [{ id: a, match: { path: { regex: '(' } } }]", "routes[0].match.path.regex"),
    ("routes: [{ id: a, match: { path: { regex: 'a)|(b' } } }]", "routes[0].match.path.regex"),
    ("routes: [{ id: a, match: { path: { regex: '(?x)a # c' } } }]", "routes[0].match.path.regex"),
    ("routes: [{ id: a, match: { path: { regex: '(\\pL{500}){500}' } } }]", "routes[0].match.path.regex"),
    ("routes: [{ id: a, match: { hosts: ['a.com:80'] } }]", "routes[0].match.hosts[0]"),
    ("routes: [{ id: a, match: { hosts: [b.com, ''] } }]", "routes[0].match.hosts[1]"),
    ("routes: [{ id: a, match: { hosts: ['*'] } }]", "routes[0].match.hosts[0]"),
    ("routes: [{ id: a, match: { hosts: ['*.'] } }]", "routes[0].match.hosts[0]"),
    ("routes: [{ id: a, match: { hosts: ['a.*.com'] } }]", "routes[0].match.hosts[0]"),
    ("routes: [{ id: a, match: { hosts: ['https://a.com'] } }]", "routes[0].match.hosts[0]"),
    ("routes: [{ id: a, match: { methods: [get] } }]", "routes[0].match.methods[0]"),
    ("routes: [{ id: a, match: { methods: [''] } }]", "routes[0].match.methods[0]"),
    ("routes: [{ id: a, match: { methods: ['GET '] } }]", "routes[0].match.methods[0]"),
    // A rule that can only be a mistake: it would match nothing, or everything.
    ("routes: [{ id: a }]", "routes[0]"),
    ("routes: [{ id: a, match: {} }]", "routes[0].match"),
    ("routes: [{ id: a, match: all }]", "routes[0].match"),
    ("routes: [{ id: a, match: { methods: [] } }]", "routes[0].match.methods"),
    ("routes: [{ id: a, match: { hosts: [] } }]", "routes[0].match.hosts"),
    ("routes: [{ id: a, match: any, by_name: true }]", "routes[0].by_name"),
    ("routes: [{ id: a, match: { methods: [GTE] } }]", "routes[0].match.methods[0]"),
    ("routes: [{ id: a, match: { methods: [GET, M-SEARCH] } }]", "routes[0].match.methods[1]"),
    ("routes: [{ id: a, match: { methods: ['*'] } }]", "routes[0].match.methods[0]"),
    ("check: { extra_methods: [m-search] }", "check.extra_methods[0]"),
    ("check: { extra_methods: [''] }", "check.extra_methods[0]"),
    ("routes: [{ id: a, match: { path: { prefix: '/admin/*' } } }]", "routes[0].match.path.prefix"),
    ("routes: [{ id: a, match: { path: { prefix: '/admin*' } } }]", "routes[0].match.path.prefix"),
    ("routes: [{ id: a, match: { path: { prefix: '/admin/**' } } }]", "routes[0].match.path.prefix"),
    ("routes: [{ id: a, match: { path: { prefix: '/admin/.*' } } }]", "routes[0].match.path.prefix"),
    ("routes: [{ id: a, match: { path: { prefix: '/*/admin' } } }]", "routes[0].match.path.prefix"),
    ("routes: [{ id: a, match: { path: { exact: '/*.png' } } }]", "routes[0].match.path.exact"),
    ("routes: [{ id: a, match: { path: { exact: '/users/:id' } } }]", "routes[0].match.path.exact"),
    ("routes: [{ id: a, match: { path: { exact: '/users/:id/posts' } } }]", "routes[0].match.path.exact"),
    ("routes: [{ id: a, match: { path: { exact: '/users/{id}' } } }]", "routes[0].match.path.exact"),
    ("routes: [{ id: a, match: { path: { exact: '/users/{id}.json' } } }]", "routes[0].match.path.exact"),
    ("routes: [{ id: a, match: { path: { prefix: '/v1/{name=a/b}' } } }]", "routes[0].match.path.prefix"),
    ("routes: [{ id: a, match: { path: { prefix: '/users/<int:id>' } } }]", "routes[0].match.path.prefix"),
    ("routes: [{ id: a, match: { path: { prefix: '/users/[^/]+' } } }]", "routes[0].match.path.prefix"),
    ("routes: [{ id: a, match: { path: { prefix: '/a/../b' } } }]", "routes[0].match.path.prefix"),
    ("trusted_origins: [null]", "trusted_origins[0]"),
    ("trusted_origins: ['https://a.com/']", "trusted_origins[0]"),
    ("trusted_origins: ['http://a.com']", "trusted_origins[0]"),
    ("trusted_origins: ['https://a.com', 'https://A.com:443']", "trusted_origins[1]"),
    ("routes: [{ id: a, match: any, auth: optional, auth_level: guest }]", "routes[0].auth_level"),
    ("routes: [{ id: a, match: any, auth: none, auth_level: guest }]", "routes[0].auth_level"),
    ("routes: [{ id: a, match: any, step_up: true }]", "routes[0].step_up"),
    ("default: { auth: none, auth_level: guest }", "default.auth_level"),
    ("default: { step_up: true }", "default.step_up"),
];

#[test]
fn each_value_that_cannot_hold_is_told_with_its_line_and_setting() {
    for (setting, path) in VALUES {
        let problems = bad(&format!("# a comment\n{setting}\n"), &[APP]);
        assert_eq!(places(&problems), [("test.yaml:2", *path)], "{setting}: {problems:#?}");
    }
}

#[test]
fn an_address_that_has_a_problem_causes_no_other_one_and_hides_none() {
    for (name, yaml, expected) in [
        (
            "the default port is not meant",
            "{ grpc: { address: nowhere }, ops: { address: '127.0.0.1:50051' } }",
            &["listeners.grpc.address"][..],
        ),
        (
            "nor that of the pages",
            "{ ops: { address: nowhere, probe_address: '127.0.0.1:9464' } }",
            &["listeners.ops.address"],
        ),
        (
            "two in one listener",
            "{ ops: { address: nowhere, probe_address: '0.0.0.0:1' } }",
            &["listeners.ops.address", "listeners.ops.probe_address"],
        ),
        (
            "a required one beside another listener's",
            "{ control: { address: '127.0.0.1:1' }, ops: { probe_address: '0.0.0.0:1' } }",
            &["listeners.control.address", "listeners.ops.probe_address"],
        ),
    ] {
        let problems = bad(&format!("listeners: {yaml}\n"), &[APP]);
        let settings: Vec<&str> = places(&problems).iter().map(|(_, setting)| *setting).collect();
        assert_eq!(settings, expected, "{name}: {problems:#?}");
    }
    let callers = "rownd_auth: { callers: [{ name: a, uids: [1], allow: [verify] }] }";
    let yaml = format!("listeners: {{ grpc: {{ address: 'unix:a' }} }}\n{callers}\n");
    assert_eq!(places(&bad(&yaml, &[APP])), [("test.yaml:1", "listeners.grpc.address")]);
    let yaml = format!("listeners: {{ grpc: {{ address: '127.0.0.1:1' }} }}\n{callers}\n");
    let setting = "rownd_auth.callers[0].uids";
    assert_eq!(places(&bad(&yaml, &[APP])), [("test.yaml:2", setting)]);
}

#[test]
fn good_values_at_the_edges_are_taken() {
    for setting in [
        "check: { timeout: 20ms }",
        "check: { timeout: 1m }",
        "check: { realm: 'api.example.com:8080/x y_z-1' }",
        "check: { claims_cache_bytes: 0 }",
        "listeners: { grpc: { address: 'unix:/run/a.sock' } }",
        "listeners: { grpc: { address: '[::1]:1' }, ops: { address: '0.0.0.0:2' } }",
        "listeners: { grpc: { address: '127.0.0.1:0' }, ops: { address: '127.0.0.1:0' } }",
        "listeners: { grpc: { socket_mode: '600' } }",
        "credentials: [{ header: Authorization }, { cookie: __Host-tok }, { header: x-token }]",
        "credentials: [{ header: a }, { cookie: a }]",
        "routes: [{ id: a, match: { hosts: ['*.a.com', a_b.com, 10.0.0.1] } }]",
        "routes: [{ id: a, match: { path: { regex: '/a/[0-9]+' } } }]",
        "routes: [{ id: a, match: { path: { prefix: / } } }]",
        "{ check: { extra_methods: [M-SEARCH] }, routes: [{ id: a, match: { methods: [M-SEARCH, PURGE, QUERY] } }] }",
        "routes: [{ id: a, by_name: true }, { id: b, match: any }]",
        "routes: [{ id: a, match: { path: { exact: /v1/users:batchGet } } }]",
        "routes: [{ id: a, match: { path: { prefix: /~user/(1)/a*b/$metadata/@scope/x=1 } } }]",
        "trusted_origins: ['https://app.example.com', 'https://*.example.com:8443', 'http://localhost:3000']",
        "routes: [{ id: a, match: any, auth_level: guest, step_up: true }]",
        "default: { auth_level: verified, step_up: true }",
    ] {
        good(setting, &[APP]);
    }
}

#[test]
fn a_file_that_is_no_yaml_is_told_with_its_line() {
    for (name, yaml, line) in [
        ("a tab", "check:\n\ttimeout: 1s\n", Some(2)),
        ("a bracket that is not closed", "# c\nroutes: [{ id: a, match: any }\n", None),
        ("a quote that is not closed", "check: { realm: 'a }\n", None),
        ("a list at the top", "- a\n- b\n", None),
        ("text at the top", "hello\n", None),
        ("a number at the top", "5\n", None),
        ("a key twice", "check: {}\ncheck: {}\n", None),
        ("two documents", "check: {}\n---\ncheck: {}\n", None),
    ] {
        let problems = bad(yaml, &[APP]);
        assert_eq!(problems.len(), 1, "{name}: {problems:#?}");
        assert!(problems[0].place.starts_with("test.yaml"), "{name}: {problems:#?}");
        if let Some(line) = line {
            assert_eq!(problems[0].place, format!("test.yaml:{line}"), "{name}");
        }
    }
}

#[test]
fn an_empty_file_is_the_defaults() {
    for yaml in ["", "\n", "# only a comment\n\n  # another\n", "{}", "---\n", "null\n"] {
        let found = read(yaml, &[APP]).map(|config| config.check.max_in_flight);
        assert_eq!(found.map_err(|problems| format!("{problems:?}")), Ok(4096), "{yaml:?}");
    }
}

#[test]
fn aliases_that_multiply_are_refused_in_good_time() {
    let mut yaml = String::from("a: &a [x,x,x,x,x,x,x,x,x,x]\n");
    for (name, before) in ["b", "c", "d", "e", "f", "g", "h", "i"]
        .iter()
        .zip(["a", "b", "c", "d", "e", "f", "g", "h"])
    {
        let list = vec![format!("*{before}"); 10].join(",");
        yaml.push_str(&format!("{name}: &{name} [{list}]\n"));
    }
    assert!(read(&yaml, &[APP]).is_err());
}

#[test]
fn a_problem_reads_as_place_setting_and_what_to_write() {
    let problems =
        super::parse("my.yaml", "check: { timeout: 1h }", &super::environment(&[APP])).unwrap_err();
    let text = problems.to_string();
    assert!(text.starts_with("my.yaml:1:10: error: check.timeout: "), "{text}");
    assert!(text.ends_with("1 problem in the configuration"), "{text}");
    let two = super::parse(
        "my.yaml",
        "check: { timeout: 1h, max_headers: 0 }",
        &super::environment(&[APP]),
    );
    assert!(two.unwrap_err().to_string().ends_with("2 problems in the configuration"));
}
