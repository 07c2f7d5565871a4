//! The Envoy configurations that we ship: Envoy takes them, they say the same, and
//! they protect as their comments say.

use std::{fs, net::SocketAddr, path::PathBuf};

use serde_json::{Value, json};

use super::stack::stack;
use crate::support::{
    echo::Echo,
    envoy::{self, Endpoint, Envoy},
    issuer::USER,
    raw::Raw,
};

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy/envoy")
}

fn load(name: &str) -> Value {
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
            if let Err(problem) = envoy::validate(&path) {
                panic!("{}:\n{problem}", path.display());
            }
        }
    }
    assert!(count >= 2, "{count} files");
}

#[test]
fn the_two_configurations_differ_in_nothing_but_names_and_addresses() {
    fn level(value: &mut Value) {
        match value {
            Value::Object(map) => {
                map.remove("address");
                map.remove("stat_prefix");
                if map.get("name").is_some_and(|name| name == "demo" || name == "sidecar") {
                    map.remove("name");
                }
                map.values_mut().for_each(level);
            }
            Value::Array(list) => list.iter_mut().for_each(level),
            _ => {}
        }
    }
    let (mut demo, mut sidecar) = (load("demo.yaml"), load("sidecar-uds.yaml"));
    level(&mut demo);
    level(&mut sidecar);
    assert_eq!(demo, sidecar);
}

/// The demo's configuration on free ports.
fn demo_between(authz: SocketAddr, service: SocketAddr) -> Value {
    let mut bootstrap = load("demo.yaml");
    let port = |of: &mut Value, port: u16| of["socket_address"]["port_value"] = json!(port);
    port(&mut bootstrap["admin"]["address"], 0);
    let resources = &mut bootstrap["static_resources"];
    port(&mut resources["listeners"][0]["address"], 0);
    for (index, address) in [(0, authz), (1, service)] {
        let cluster = &mut resources["clusters"][index];
        let endpoint = &mut cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0];
        port(&mut endpoint["endpoint"]["address"], address.port());
    }
    // A busy machine may be slower than a quarter of a second.
    filter(manager(&mut bootstrap))["grpc_service"]["timeout"] = json!("5s");
    bootstrap
}

/// The demo's Envoy in front of the shared stack.
async fn demo(change: impl FnOnce(&mut Value)) -> Envoy {
    let stack = stack().await;
    let Endpoint::Tcp(authz) = stack.product.endpoint() else { panic!("a port") };
    let mut bootstrap = demo_between(authz, stack.echo.address());
    change(manager(&mut bootstrap));
    Envoy::with_bootstrap(&bootstrap).await
}

fn manager(bootstrap: &mut Value) -> &mut Value {
    let listener = &mut bootstrap["static_resources"]["listeners"][0];
    &mut listener["filter_chains"][0]["filters"][0]["typed_config"]
}

fn filter(manager: &mut Value) -> &mut Value {
    manager["http_filters"]
        .as_array_mut()
        .expect("filters")
        .iter_mut()
        .find(|filter| filter["name"] == "envoy.filters.http.ext_authz")
        .map(|filter| &mut filter["typed_config"])
        .expect("the authorization filter")
}

fn spoofed(path: &str) -> Raw {
    [
        "x-rownd-user-id",
        "X_Rownd_User_Id",
        "x.rownd.user.id",
        "x_rownd-user.id",
        "x-rownd_roles",
        "x.rownd-new",
    ]
    .iter()
    .fold(Raw::get(path), |request, name| request.header(name, "evil"))
}

async fn protects(envoy: &Envoy) {
    let stack = stack().await;
    let to = envoy.gate("demo");
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

#[tokio::test]
async fn the_demo_denies_and_allows_as_it_should() {
    let stack = stack().await;
    let envoy = demo(|_| {}).await;
    let to = envoy.gate("demo");
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
    protects(&envoy).await;
}

#[tokio::test]
async fn each_half_of_the_protection_against_underscores_is_enough() {
    // Without Envoy's own action, the authorizer sees and removes them ...
    let authorizer = demo(|manager| {
        manager["common_http_protocol_options"]["headers_with_underscores_action"] = json!("ALLOW");
    });
    protects(&authorizer.await).await;
    // ... and without the prefixes in allowed_headers, Envoy drops them.
    let envoy = demo(|manager| {
        let patterns = filter(manager)["allowed_headers"]["patterns"].as_array_mut();
        patterns.expect("patterns").retain(|pattern| pattern["prefix"] != "x_rownd");
    });
    protects(&envoy.await).await;
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
