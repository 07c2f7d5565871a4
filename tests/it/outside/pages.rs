//! Health, reflection, the ops pages and the metrics.

use std::collections::BTreeSet;

use prost::Message as _;
use prost_types::FileDescriptorProto;
use rownd_authz::model::DenyReason;
use serde_json::{Value, json};
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb;

use crate::support::{
    Ask, Claims, Issuer, Key, Reply, TestApp, config, config_with, eventually, forge::APP, http,
    issuer::APP_CONFIG, page,
};

#[tokio::test]
async fn health_knows_the_process_and_the_service() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let app = TestApp::ready(&config(&issuer)).await;
    let mut health = HealthClient::new(app.channel());
    for service in ["", "envoy.service.auth.v3.Authorization"] {
        let request = HealthCheckRequest { service: service.to_owned() };
        let answer = health.check(request.clone()).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service:?}");
        let mut watch = health.watch(request).await.unwrap().into_inner();
        let first = watch.message().await.unwrap().unwrap();
        assert_eq!(first.status(), ServingStatus::Serving, "{service:?}");
    }
    let request = HealthCheckRequest { service: "nobody".to_owned() };
    assert_eq!(health.check(request).await.unwrap_err().code(), Code::NotFound);
}

/// The page shows the same warnings that the metric counts.
#[tokio::test]
async fn the_status_page_shows_the_warnings_that_the_metric_counts() {
    let issuer = Issuer::with_keys(&[&Key::new("sig-1")]);
    let exposed = config_with(&issuer, |c| c["listeners"]["grpc"]["address"] = json!("0.0.0.0:0"));
    for (settings, least) in [(config(&issuer), 0), (exposed, 1)] {
        let app = TestApp::ready(&settings).await;
        let status: Value = serde_json::from_str(&app.page("/status").await.body).unwrap();
        let warnings = status["warnings"].as_array().unwrap();
        let of_tls = |warning: &&Value| warning.as_str().unwrap().contains("listeners.grpc.tls");
        assert_eq!(warnings.iter().filter(of_tls).count(), least, "{status}");
        let series = format!("rownd_authz_configuration_warnings {}\n", warnings.len());
        assert!(app.page("/metrics").await.body.contains(&series), "{series}");
    }
}

/// The answer of one version of reflection to one request.
macro_rules! reflected {
    ($version:ident, $app:expr, $question:ident($text:expr)) => {{
        use pb::$version::{
            ServerReflectionRequest as Request, server_reflection_client::ServerReflectionClient,
            server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
        };
        let question = Some(MessageRequest::$question($text.to_owned()));
        let request = Request { message_request: question, ..Request::default() };
        let asked = ServerReflectionClient::new($app.channel())
            .server_reflection_info(stream_of(request))
            .await;
        match asked {
            Err(status) => Err(status.code()),
            Ok(answers) => match answers.into_inner().message().await {
                Err(status) => Err(status.code()),
                Ok(answer) => match answer.unwrap().message_response {
                    Some(MessageResponse::ListServicesResponse(list)) => {
                        Ok(list.service.into_iter().map(|service| service.name).collect())
                    }
                    Some(MessageResponse::FileDescriptorResponse(files)) => {
                        let file =
                            |bytes: &Vec<u8>| FileDescriptorProto::decode(&bytes[..]).unwrap();
                        let files = files.file_descriptor_proto.iter().map(file);
                        Ok(files.map(|file| file.name().to_owned()).collect())
                    }
                    other => panic!("{other:?}"),
                },
            },
        }
    }};
}

type Names = Result<BTreeSet<String>, Code>;

/// The services that reflection lists, by either version of it.
async fn reflected(app: &TestApp) -> [Names; 2] {
    [reflected!(v1, app, ListServices("")), reflected!(v1alpha, app, ListServices(""))]
}

/// The files that define a name.
async fn defined(app: &TestApp, name: &str) -> [Names; 2] {
    [
        reflected!(v1, app, FileContainingSymbol(name)),
        reflected!(v1alpha, app, FileContainingSymbol(name)),
    ]
}

fn stream_of<T: Send + 'static>(one: T) -> impl futures_util::Stream<Item = T> + Send + 'static {
    futures_util::stream::iter([one])
}

#[tokio::test]
async fn reflection_is_off_unless_it_is_on() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let app = TestApp::ready(&config(&issuer)).await;
    assert_eq!(reflected(&app).await, [Err(Code::Unimplemented), Err(Code::Unimplemented)]);
    let on = config_with(&issuer, |c| c["listeners"]["grpc"]["reflection"] = json!(true));
    let app = TestApp::ready(&on).await;
    for listed in reflected(&app).await {
        let listed = listed.unwrap();
        for service in ["envoy.service.auth.v3.Authorization", "grpc.health.v1.Health"] {
            assert!(listed.contains(service), "{listed:?}");
        }
    }
    // The messages in the details of an error, so that grpcurl shows the reason and not bytes.
    for detail in ["ErrorInfo", "RetryInfo", "BadRequest"] {
        for files in defined(&app, &format!("google.rpc.{detail}")).await {
            assert_eq!(files.unwrap(), BTreeSet::from(["error_details.proto".to_owned()]));
        }
    }
}

/// Requests of scanners.
const OTHER_PAGES: &str = "
    / // /index.html /favicon.ico /robots.txt /admin /config /config_dump /debug /debug/pprof
    /debug/pprof/heap /debug/vars /pprof /actuator /actuator/env /env /heap /dump /shutdown /quit
    /quitquitquit /reload /-/reload /revoke /keys /jwks /token /token/mint /users /login /check
    /health /healthz /ready /live /metrics/ /metrics/x /Metrics /METRICS /livez/ /status/
    /status.json /..%2fstatus /%2e%2e/status /livez/../status /livez%00 /.env /.git/config
    /logging /stats /stats/prometheus /server_info /certs /__emulator/token /hub/auth/keys
    /envoy.service.auth.v3.Authorization/Check";

#[tokio::test]
async fn the_ops_listener_has_four_pages_that_are_read() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let app = TestApp::ready(&config(&issuer)).await;
    let pages = ["/livez", "/readyz", "/metrics", "/status"];
    for path in pages {
        let page = app.page(path).await;
        assert!(page.status == 200 && !page.body.is_empty(), "{path}: {page:?}");
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
            let page = page::request(app.ops, method, path).await;
            assert_eq!(page.status, 405, "{method} {path}");
        }
    }
    let others: Vec<&str> = OTHER_PAGES.split_whitespace().collect();
    assert!(others.len() >= 50);
    for path in others {
        let page = app.page(path).await;
        assert_eq!((page.status, page.body.as_str()), (404, ""), "{path}");
    }
    let status: Value = serde_json::from_str(&app.page("/status").await.body).unwrap();
    assert_eq!(status["ready"], true, "{status}");
    assert_eq!(status["issuers"][0]["name"], "rownd");
    assert_eq!(status["issuers"][0]["keys"]["usable"], 1);
    assert!(status["config_hash"].as_str().is_some_and(|hash| hash.len() == 16));
}

#[tokio::test]
async fn no_page_shows_a_secret() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let app_with_key = json!([{ "id": "app_x", "key": "key_canary1", "secret": "ras_canary2" }]);
    let settings = config_with(&issuer, |c| c["issuers"][0]["apps"] = app_with_key);
    let app = TestApp::ready(&settings).await;
    for path in ["/livez", "/readyz", "/metrics", "/status"] {
        let body = app.page(path).await.body;
        assert!(!body.contains("canary"), "{path}: {body}");
    }
}

#[tokio::test]
async fn the_series_of_alerts_are_there_from_the_start_and_a_client_adds_few() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let app = TestApp::ready(&config(&issuer)).await;
    let before: BTreeSet<String> =
        page::series(&app.page("/metrics").await.body).into_iter().collect();
    for reason in
        DenyReason::ALL.iter().map(|reason| reason.code()).chain(["authenticated", "public"])
    {
        let label = format!("reason=\"{reason}\"");
        let there = |name: &str| before.iter().any(|s| s.starts_with(name) && s.contains(&label));
        assert!(there("rownd_authz_checks_total{"), "{reason}");
    }
    for series in [
        "rownd_authz_in_flight{api=\"ext_authz\"}",
        "rownd_authz_key_fetches_total{issuer=\"rownd\",result=\"timeout\"}",
        "rownd_authz_keys{issuer=\"rownd\"}",
        "rownd_authz_app_keys_refused{issuer=\"rownd\"}",
        "rownd_authz_reload_failed{what=\"config\"}",
        "rownd_authz_certificate_not_after_timestamp_seconds",
        "rownd_authz_log_write_errors_total",
        "process_resident_memory_bytes",
        "rownd_authz_connections{listener=\"grpc\"}",
        "rownd_authz_dev_mode",
    ] {
        assert!(before.contains(series), "{series} of {before:?}");
    }
    assert!(before.len() < 300, "{} series at the start: {before:?}", before.len());
    let base = Claims::of(&issuer.url());
    for index in 0..1000 {
        let token = match index % 4 {
            0 => key.token_under(&json!({ "alg": "EdDSA", "kid": format!("kid-{index}") }), &base),
            1 => key.token(&base.clone().with("iss", format!("https://{index}.example"))),
            2 => key.token(&base.clone().rownd("app_user_id", format!("user_{index}"))),
            _ => key.token(&base.clone().with("aud", format!("app:{index}"))),
        };
        let ask = Ask::get(format!("/path/{index}"))
            .host(format!("h{index}.example"))
            .header("user-agent", format!("agent {index}"))
            .header("x-request-id", format!("request-{index}"))
            .method(["GET", "POST", "BREW"][index % 3])
            .bearer(token);
        app.check(&ask).await;
    }
    let after: BTreeSet<String> =
        page::series(&app.page("/metrics").await.body).into_iter().collect();
    let added: Vec<&String> = after.difference(&before).collect();
    // By result, by rule and by reason: none by what the client has made up.
    let known = ["verifications_total{", "rule_decisions_total{", "denial_logs_dropped_total{"];
    let is_known = |series: &&String| {
        known.iter().any(|name| series.starts_with(&format!("rownd_authz_{name}")))
    };
    assert!(added.iter().all(is_known) && added.len() <= 16, "{added:?}");
    assert_eq!(before.difference(&after).count(), 0, "a series has gone");
    assert!(app.counted("authenticated") == 250.0 && app.counted("kid_unknown") == 250.0);
}

/// A scraper gets what it asks for, and two scrapes are in the same order.
#[tokio::test]
async fn a_scrape_is_compressed_where_the_scraper_asks_for_it() {
    let issuer = Issuer::with_keys(&[&Key::new("sig-1")]);
    let app = TestApp::ready(&config(&issuer)).await;
    for (accepted, compressed) in [
        ("", false),
        ("accept-encoding: gzip\r\n", true),
        ("accept-encoding: deflate\r\naccept-encoding: gzip;q=0.5\r\n", true),
        ("accept-encoding: gzip;q=0\r\n", false),
        ("accept-encoding: identity\r\n", false),
    ] {
        let answer = http::request(app.ops, "HEAD /metrics", accepted, "").await;
        assert_eq!(answer.head.contains("content-encoding: gzip"), compressed, "{accepted:?}");
        assert_eq!(answer.header("vary"), "accept-encoding");
        assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    }
    let scrapes = [app.page("/metrics").await.body, app.page("/metrics").await.body];
    let [one, other] = scrapes.map(|text| page::series(&text));
    assert_eq!(one, other);
}

/// The status page says what the log says, and an alert can be made of it.
#[tokio::test]
async fn an_app_key_that_is_refused_is_on_the_status_page_and_in_a_metric() {
    let issuer = Issuer::with_keys(&[&Key::new("sig-1")]);
    let unknown = config_with(&issuer, |c| c["issuers"][0]["apps"] = json!([{ "key": "key_x" }]));
    for (status, answer, is_refused) in [
        (401, Reply::refusal(401), true),
        (404, Reply::refusal(404), true),
        (404, Reply::page(404), false),
        (500, Reply::status(500), false),
    ] {
        issuer.set(APP_CONFIG, answer);
        let app = TestApp::start(&unknown).await;
        let fault = eventually("the answer to the app key", async || {
            let page: Value = serde_json::from_str(&app.page("/status").await.body).unwrap();
            page["issuers"][0]["app_errors"].get(0).cloned()
        })
        .await;
        assert_eq!(fault["app"], "apps[0]", "{status}");
        assert_eq!(fault["key_refused"], is_refused, "{status}: {fault}");
        assert!(!fault["error"].as_str().unwrap().contains("key_x"), "{fault}");
        let scrape = app.page("/metrics").await.body;
        let refused = page::metric(&scrape, "rownd_authz_app_keys_refused", &[]);
        assert_eq!(refused, f64::from(u8::from(is_refused)), "{status}");
    }
    issuer.set(APP_CONFIG, Reply::json(&json!({ "app": { "id": APP } })));
    let app = TestApp::ready(&unknown).await;
    let page: Value = serde_json::from_str(&app.page("/status").await.body).unwrap();
    assert_eq!(page["issuers"][0].get("app_errors"), None, "{page}");
}

#[tokio::test]
async fn durations_resolve_ten_microseconds_to_a_second() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let app = TestApp::ready(&config(&issuer)).await;
    app.check(&Ask::get("/")).await;
    let exposition = app.page("/metrics").await.body;
    let bounds = |line: &str| {
        let line = line.strip_prefix("rownd_authz_check_duration_seconds_bucket{")?;
        let deny = line.contains("outcome=\"deny\"");
        deny.then(|| line.split("le=\"").nth(1)?.split('"').next()?.parse::<f64>().ok()).flatten()
    };
    let bounds: Vec<f64> = exposition.lines().filter_map(bounds).collect();
    assert_eq!(bounds.first(), Some(&0.000_01), "{bounds:?}");
    assert!(bounds.contains(&1.0) && bounds.len() >= 15, "{bounds:?}");
    assert_eq!(app.metric("rownd_authz_check_duration_seconds_count", &[("outcome", "deny")]), 1.0);
}
