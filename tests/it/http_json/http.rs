//! Hosts, methods, content types and paths: a request that is not the one that is served gets nothing.

use serde_json::json;
use tokio::net::TcpStream;

use super::{JSON, SERVICE, address, bearer, start};
use crate::{
    it::rownd_auth::ADMIN,
    support::http::{exchange, request},
};

#[tokio::test]
async fn only_the_hosts_that_are_named_are_served() {
    let rig = start().await;
    let body = json!({ "token": rig.token("ann") }).to_string();
    let headers = format!("{JSON}{}", bearer(ADMIN));
    for (host, target, expected) in [
        ("127.0.0.1", "", 200),
        ("127.0.0.1:8085", "", 200),
        ("AUTHZ.test", "", 200),
        ("authz.test.", "", 200),
        ("localhost", "", 421),
        ("authz.test.evil.test", "", 421),
        ("evil.test", "", 421),
        ("", "", 421),
        ("authz.test", "http://evil.test", 421),
    ] {
        let stream = TcpStream::connect(address(&rig)).await.unwrap();
        let line = format!("POST {target}{SERVICE}Verify");
        let answer = exchange(stream, host, &line, &headers, &body).await;
        assert_eq!(answer.status, expected, "{host} {target}: {}", answer.body);
        assert_eq!(answer.body.contains("ann"), expected == 200, "{host} {target}");
    }
    let stream = TcpStream::connect(address(&rig)).await.unwrap();
    assert_eq!(exchange(stream, "evil.test", "GET /openapi.json", "", "").await.status, 421);
    let twice = format!("{headers}host: authz.test\r\n");
    let line = format!("POST {SERVICE}Verify");
    assert_eq!(request(address(&rig), &line, &twice, &body).await.status, 400);
}

#[tokio::test]
async fn only_post_calls_a_method() {
    let rig = start().await;
    let headers = format!("{JSON}{}", bearer(ADMIN));
    let query = "?encoding=json&message=%7B%7D&connect=v1";
    for (line, expected) in [
        (format!("GET {SERVICE}Verify"), 405),
        (format!("GET {SERVICE}Verify{query}"), 405),
        (format!("HEAD {SERVICE}Verify"), 405),
        (format!("PUT {SERVICE}Verify"), 405),
        (format!("DELETE {SERVICE}Verify"), 405),
        (format!("OPTIONS {SERVICE}Verify"), 405),
        (format!("post {SERVICE}Verify"), 405),
        (format!("GET {SERVICE}Nothing"), 405),
        ("POST /openapi.json".to_owned(), 405),
        ("GET /".to_owned(), 404),
        ("POST /rownd.auth.v2.RowndAuth/Verify".to_owned(), 404),
        ("POST /x/rownd.auth.v1.RowndAuth/Verify".to_owned(), 404),
        ("POST //rownd.auth.v1.RowndAuth/Verify".to_owned(), 404),
        ("POST /%72ownd.auth.v1.RowndAuth/Verify".to_owned(), 404),
        ("POST /envoy.service.auth.v3.Authorization/Check".to_owned(), 404),
        ("POST /grpc.health.v1.Health/Check".to_owned(), 404),
        ("GET /metrics".to_owned(), 404),
        ("GET /.well-known/jwks.json".to_owned(), 404),
    ] {
        let answer = request(address(&rig), &line, &headers, "").await;
        assert_eq!(answer.status, expected, "{line}: {}", answer.body);
        if expected == 405 {
            let allowed = if line.contains("openapi") { "GET, HEAD" } else { "POST" };
            assert_eq!(answer.header("allow"), allowed, "{line}");
        }
    }
    // A path that is no method is none either with more behind it.
    for path in ["Verify/", "Verify/x", "", "..%2fVerify"] {
        let line = format!("POST {SERVICE}{path}");
        let answer = request(address(&rig), &line, &headers, "{}").await;
        super::assert_error(path, &answer, 501, "unimplemented", "METHOD_UNKNOWN");
    }
}

#[tokio::test]
async fn only_json_and_grpc_web_are_read() {
    let rig = start().await;
    let body = json!({ "token": rig.token("ann") }).to_string();
    for (name, types, expected) in [
        ("JSON", &["application/json"][..], 200),
        ("JSON in UTF-8", &["application/json; charset=utf-8"], 200),
        ("JSON in another charset", &["application/json; charset=utf-16"], 415),
        ("none", &[], 415),
        ("two", &["application/json", "text/plain"], 415),
        ("a form", &["application/x-www-form-urlencoded"], 415),
        ("a form with a file", &["multipart/form-data; boundary=x"], 415),
        ("text", &["text/plain"], 415),
        ("Connect in protobuf", &["application/proto"], 415),
        ("a stream of Connect", &["application/connect+json"], 415),
        ("gRPC", &["application/grpc"], 415),
        ("gRPC-Web in JSON", &["application/grpc-web+json"], 415),
        ("nearly JSON", &["application/json-patch+json"], 415),
    ] {
        let types: String = types.iter().map(|one| format!("content-type: {one}\r\n")).collect();
        let headers = format!("{types}{}", bearer(ADMIN));
        let answer =
            request(address(&rig), &format!("POST {SERVICE}Verify"), &headers, &body).await;
        assert_eq!(answer.status, expected, "{name}: {}", answer.body);
        if expected == 415 {
            assert!(answer.header("accept-post").starts_with("application/json, "), "{name}");
        }
    }
}

/// The groups are switched on one by one.
#[tokio::test]
async fn calls_are_served_only_where_they_are_switched_on() {
    let rig = super::with(|settings| {
        settings["listeners"]["http"]["serve"] = json!(["resource_metadata"]);
        settings["protected_resource"] = json!({ "resource": "https://api.example.com", "authorization_servers": ["https://id.example.com"] });
    })
    .await;
    let headers = format!("{JSON}{}", bearer(ADMIN));
    for line in [format!("POST {SERVICE}Verify"), "GET /openapi.json".to_owned()] {
        assert_eq!(request(address(&rig), &line, &headers, "{}").await.status, 404, "{line}");
    }
    let path = "GET /.well-known/oauth-protected-resource";
    assert_eq!(request(address(&rig), path, "", "").await.status, 200);
}
