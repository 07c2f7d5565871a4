//! The Envoy configurations that we ship: Envoy takes them, they say the same, and
//! they protect as their comments say.

use std::{fs, net::SocketAddr, path::PathBuf};

use serde_json::{Value, json};

use super::stack::stack;
use crate::support::{
    echo::Echo,
    envoy::{self, Endpoint, Envoy, Release},
    raw::Raw,
    rownd::USER,
};

/// Every byte of a header's name that is no letter or digit (RFC 9110, section 5.6.2).
pub(super) const SEPARATORS: &str = "!#$%&'*+-.^_`|~";
/// The headers that a service trusts.
pub(super) const IDENTITY: [&str; 12] = [
    "x-rownd-user-id",
    "x-rownd-auth-level",
    "x-rownd-verified",
    "x-rownd-anonymous",
    "x-rownd-app-id",
    "x-rownd-app-variant",
    "x-rownd-issuer",
    "x-rownd-session-id",
    "x-rownd-roles",
    "x-rownd-groups",
    "x-rownd-tenant",
    "x-rownd-scopes",
];

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy/envoy")
}

pub(super) fn load(name: &str) -> Value {
    let text = fs::read_to_string(directory().join(name)).expect("a shipped file");
    serde_saphyr::from_str(&text).expect("YAML")
}

#[test]
fn envoy_takes_every_configuration_that_we_ship() {
    let mut count = 0;
    for entry in fs::read_dir(directory()).expect("deploy/envoy") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            count += 1;
            for release in Release::ALL {
                if let Err(problem) = envoy::validate(release, &path) {
                    panic!("Envoy {}: {}:\n{problem}", release.name(), path.display());
                }
            }
        }
    }
    assert!(count >= 2, "{count} files");
}

#[test]
fn the_configurations_differ_in_nothing_but_names_addresses_memory_and_named_rules() {
    fn level(value: &mut Value) {
        match value {
            Value::Object(map) => {
                for key in [
                    "address",
                    "stat_prefix",
                    "dns_refresh_rate",
                    "lb_policy",
                    "max_heap_size_bytes",
                ] {
                    map.remove(key);
                }
                if map
                    .get("name")
                    .is_some_and(|name| name == "demo" || name == "sidecar" || name == "gateway")
                {
                    map.remove("name");
                }
                if map.get("type").is_some_and(|kind| kind == "STRICT_DNS") {
                    map.insert("type".to_owned(), json!("STATIC"));
                }
                map.values_mut().for_each(level);
            }
            Value::Array(list) => {
                list.retain(|entry| entry.get("typed_per_filter_config").is_none());
                list.iter_mut().for_each(level);
            }
            _ => {}
        }
    }
    let mut demo = load("demo.yaml");
    level(&mut demo);
    for name in ["sidecar-uds.yaml", "gateway.yaml"] {
        let mut other = load(name);
        level(&mut other);
        assert_eq!(demo, other, "{name}");
    }
}

fn demo_between(authz: SocketAddr, service: SocketAddr) -> Value {
    between("demo.yaml", &Endpoint::Tcp(authz), service)
}

/// A shipped configuration on free ports, between these two.
pub(super) fn between(name: &str, authz: &Endpoint, service: SocketAddr) -> Value {
    let at = |address: SocketAddr| {
        json!({ "socket_address": {
            "address": address.ip().to_string(), "port_value": address.port(),
        } })
    };
    let free = || at(SocketAddr::from(([127, 0, 0, 1], 0)));
    let authz = match authz {
        Endpoint::Tcp(address) => at(*address),
        Endpoint::Unix(path) => json!({ "pipe": { "path": path } }),
    };
    let mut bootstrap = load(name);
    bootstrap["admin"]["address"] = free();
    let resources = &mut bootstrap["static_resources"];
    resources["listeners"][0]["address"] = free();
    for (index, address) in [(0, authz), (1, at(service))] {
        let cluster = &mut resources["clusters"][index];
        let endpoint = &mut cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0];
        endpoint["endpoint"]["address"] = address;
    }
    // A busy machine may be slower than two seconds.
    filter(manager(&mut bootstrap))["grpc_service"]["timeout"] = json!("5s");
    bootstrap
}

/// The demo's Envoy in front of the shared stack.
pub(super) async fn demo(change: impl FnOnce(&mut Value)) -> Envoy {
    demo_changed(|bootstrap| change(manager(bootstrap))).await
}

/// The same, with a change of anything in it.
pub(super) async fn demo_changed(change: impl FnOnce(&mut Value)) -> Envoy {
    let stack = stack().await;
    let Endpoint::Tcp(authz) = stack.product.endpoint() else { panic!("a port") };
    let mut bootstrap = demo_between(authz, stack.echo.address());
    change(&mut bootstrap);
    Envoy::with_bootstrap(&bootstrap).await
}

pub(super) fn manager(bootstrap: &mut Value) -> &mut Value {
    let listener = &mut bootstrap["static_resources"]["listeners"][0];
    &mut listener["filter_chains"][0]["filters"][0]["typed_config"]
}

pub(super) fn filter(manager: &mut Value) -> &mut Value {
    manager["http_filters"]
        .as_array_mut()
        .expect("filters")
        .iter_mut()
        .find(|filter| filter["name"] == "envoy.filters.http.ext_authz")
        .map(|filter| &mut filter["typed_config"])
        .expect("the authorization filter")
}

/// A request with reserved names in many spellings, each with the value `evil`.
pub(super) fn spoofed(path: &str) -> Raw {
    let written = [
        "x-rownd-user-id",
        "X_Rownd_User_Id",
        "x.rownd.user.id",
        "x_rownd-user.id",
        "x-rownd_roles",
        "x~rownd-user-id",
        "x-rownd~user~id",
        "x.rownd-new",
        "x~rownd~new",
    ];
    let separated =
        SEPARATORS.chars().map(|byte| "x-rownd-user-id".replace('-', &byte.to_string()));
    written
        .map(str::to_owned)
        .into_iter()
        .chain(separated)
        .fold(Raw::get(path), |request, name| request.header(name, "evil"))
}

/// No spelling of a forged identity reaches the service through this listener.
pub(super) async fn protects(to: SocketAddr) {
    let stack = stack().await;
    let token = stack.issuer.token("verified").sign();
    for (request, expected) in [
        (spoofed("/optional"), &[][..]),
        (spoofed("/public"), &[]),
        (spoofed("/orders").bearer(&token), &[USER]),
    ] {
        let echoed = request.header("x-rownd-app-key", "key_1").send(to).await.echo();
        assert_eq!(echoed.all("x-rownd-user-id"), expected);
        assert_eq!(echoed.all("x-rownd-app-key"), ["key_1"]);
        let evil: Vec<_> = echoed.headers.iter().filter(|(_, value)| value == "evil").collect();
        assert!(evil.is_empty(), "{evil:?} reached the service");
    }
}

/// The requests that the demo's configuration denies and allows.
pub(super) async fn denies_and_allows(to: SocketAddr) {
    let stack = stack().await;
    let (verified, guest) = (stack.issuer.token("verified"), stack.issuer.token("guest"));
    for (name, request, status) in [
        ("nobody", Raw::get("/orders"), 401),
        ("a verified user", Raw::get("/verified").bearer(&verified.sign()), 200),
        ("a guest", Raw::get("/verified").bearer(&guest.sign()), 403),
        ("a forged token", Raw::get("/orders").bearer(&verified.forged().sign()), 401),
        ("a public route", Raw::get("/public"), 200),
        ("an escaped slash", Raw::get("/public%2f..%2forders"), 400),
        ("a way out of the public", Raw::get("/public/../orders"), 401),
        ("a way into the public", Raw::get("/orders/../public"), 200),
    ] {
        let answer = request.send(to).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
    }
    protects(to).await;
}

#[tokio::test]
async fn each_half_of_the_protection_against_underscores_is_enough() {
    // Without Envoy's own action, the authorizer sees and removes them ...
    let authorizer = demo(|manager| {
        late(manager);
        manager["common_http_protocol_options"]["headers_with_underscores_action"] = json!("ALLOW");
    });
    protects(authorizer.await.gate("demo")).await;
    // ... and where allowed_headers knows no underscore, Envoy drops them.
    let envoy = demo(|manager| {
        late(manager);
        let patterns = filter(manager)["allowed_headers"]["patterns"].as_array_mut();
        let reserved = patterns
            .expect("patterns")
            .iter_mut()
            .find(|pattern| pattern["safe_regex"].is_object())
            .expect("the reserved prefix");
        reserved["safe_regex"]["regex"] = json!("x[^a-z0-9_]rownd([^a-z0-9_].*)?");
    });
    protects(envoy.await.gate("demo")).await;
}

/// Takes the early strip out, so that a test sees what the rest does without it.
pub(super) fn late(manager: &mut Value) {
    let manager = manager.as_object_mut().expect("the manager");
    assert!(manager.remove("early_header_mutation_extensions").is_some(), "no early strip");
}

#[tokio::test]
async fn the_demo_lets_no_answer_touch_anything_but_the_reserved_headers() {
    use crate::support::scripted::{Script, Scripted};
    use envoy_types::pb::{
        envoy::{
            config::core::v3::{HeaderValue, HeaderValueOption},
            service::auth::v3::{CheckResponse, OkHttpResponse, check_response::HttpResponse},
        },
        google::rpc::Status,
    };

    let authz = Scripted::start().await;
    let header = |key: &str| HeaderValueOption {
        header: Some(HeaderValue {
            key: key.to_owned(),
            value: "/set".to_owned(),
            ..HeaderValue::default()
        }),
        ..HeaderValueOption::default()
    };
    let ok = OkHttpResponse {
        headers: ["x-rownd-user-id", ":path", "host", "authorization", "x-other", "xxrownd-a"]
            .into_iter()
            .map(header)
            .collect(),
        headers_to_remove: vec!["x_rownd_user_id".to_owned(), "x-kept".to_owned()],
        ..OkHttpResponse::default()
    };
    authz.script(
        "rules.test",
        Script::Answer(Box::new(CheckResponse {
            status: Some(Status::default()),
            http_response: Some(HttpResponse::OkResponse(ok)),
            dynamic_metadata: None,
        })),
    );
    let echo = Echo::start().await;
    let envoy = Envoy::with_bootstrap(&demo_between(authz.address(), echo.address())).await;
    let request = Raw::get("/asked").host("rules.test").header("x-kept", "yes");
    let echoed = request.send(envoy.gate("demo")).await.echo();
    assert_eq!(echoed.path, "/asked");
    assert_eq!(echoed.all("host"), ["rules.test"]);
    assert_eq!(echoed.all("x-rownd-user-id"), ["/set"]);
    assert_eq!(echoed.all("x-kept"), ["yes"]);
    for name in ["authorization", "x-other", "xxrownd-a"] {
        assert!(echoed.all(name).is_empty(), "{name} was set");
    }
}
