//! The input of a hostile client: sizes, shapes and tokens. None of it may pass.

use serde_json::{Value, json};

use crate::support::{
    raw::Raw,
    rownd::{ISSUER, Rownd},
};

fn repeated(name: &str, value: &str, times: usize) -> Raw {
    (0..times).fold(Raw::get("/orders"), |request, _| request.header(name, value))
}

/// A traced request with a trace state in so many lines.
fn traced(state: &str, lines: usize) -> Raw {
    repeated("tracestate", &format!("a={state}"), lines)
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
}

/// Requests of a hostile size.
pub(super) fn sizes() -> Vec<(&'static str, Raw)> {
    let get = || Raw::get("/orders");
    let long = |length| "a".repeat(length);
    let post = |length| Raw::new("POST", "/orders").body(vec![0xff; length]);
    vec![
        ("a path of 35 KiB", Raw::get(format!("/{}", long(35 << 10)))),
        ("a path of 35 KiB of slashes", Raw::get("/".repeat(35 << 10))),
        ("a path of 35 KiB of escapes", Raw::get(format!("/{}", "%2e%2e%2f".repeat(4000)))),
        ("a path of 35 KiB of layered escapes", Raw::get(format!("/%{}2e", "25".repeat(17_000)))),
        ("a query of 5 MiB", Raw::get(format!("/?{}", long(5 << 20)))),
        ("a header of 60 KiB", get().header("x-long", long(60 << 10))),
        ("a header of 1 MiB", get().header("x-long", long(1 << 20))),
        ("a header of 5 MiB, above our message limit", get().header("x-long", long(5 << 20))),
        ("a name of 60 KiB", get().header(long(60 << 10), "x")),
        ("a host of 60 KiB", get().host(&long(60 << 10))),
        ("a method of 1 KiB", get().method(long(1 << 10))),
        ("a request id of 60 KiB", get().header("x-request-id", long(60 << 10))),
        ("100 repeated headers", repeated("x-many", "1", 100)),
        ("10 000 headers", repeated("x-many", "1", 10_000)),
        ("100 repeated credentials", repeated("authorization", "Bearer a", 100)),
        ("10 000 reserved names", repeated("x_rownd_user_id", "evil", 10_000)),
        ("10 000 cookies in one line", get().header("cookie", "a=1; ".repeat(10_000))),
        ("10 000 cookie lines", repeated("cookie", "a=1", 10_000)),
        ("a cookie of 1 MiB", get().header("cookie", format!("app_session={}", long(1 << 20)))),
        ("a token of 1 MiB", get().bearer(&long(1 << 20))),
        ("a token of 1 MiB of dots", get().bearer(&".".repeat(1 << 20))),
        ("a body of 1 MiB", post(1 << 20)),
        ("a body of 5 MiB, above our message limit", post(5 << 20)),
        ("a traceparent of 30 KiB", get().header("traceparent", long(30 << 10))),
        ("a trace state of 50 KiB", traced(&long(50 << 10), 1)),
        ("a trace state as long as Envoy takes it", traced(&long(59 << 10), 1)),
        ("a trace state in 90 lines", traced(&long(600), 90)),
        ("a trace state in 90 lines, as long as Envoy takes it", traced(&long(660), 90)),
    ]
}

/// Requests of a hostile shape.
pub(super) fn shapes() -> Vec<(&'static str, Raw)> {
    let get = || Raw::get("/orders");
    vec![
        ("bytes that are no UTF-8", get().header("x-odd", b"\xff\xfe\x80")),
        ("a token that is no UTF-8", get().header("authorization", b"Bearer \xff\xfe.\x80.\xc0")),
        ("a cookie that is no UTF-8", get().header("cookie", b"app_session=\xff\xfe")),
        ("a path that is no UTF-8", Raw::get(b"/\xff\xfe")),
        ("a host that is no UTF-8", get().header("host", b"\xff\xfe")),
        ("CONNECT", Raw::new("CONNECT", "api.example.com:443")),
        ("a star", Raw::new("OPTIONS", "*")),
        ("an empty target", Raw::get("")),
        ("an absolute target", Raw::get("http://api.example.com/orders")),
        ("an absolute target without a path", Raw::get("http://api.example.com")),
        ("a target without a slash", Raw::get("orders")),
        ("no host", get().no_host()),
        ("an empty host", get().host("")),
        ("two hosts", get().header("Host", "evil.test")),
        ("a host with a user", get().host("a@b")),
        ("a method nobody knows", get().method("BREW")),
        ("a method with a dash", get().method("M-SEARCH")),
        ("a method in lower case", get().method("get")),
        ("TRACE", get().method("TRACE")),
        ("PRI", get().method("PRI")),
        ("an escaped NUL", Raw::get("/orders%00")),
        ("a broken escape", Raw::get("/orders%")),
        ("escaped line ends", Raw::get("/orders%0d%0ax:%20y")),
        ("dots and slashes", Raw::get("/public/../orders/..;/%2e%2e//")),
        ("a fragment", Raw::get("/orders#/public")),
        ("an empty header", get().header("x-empty", "")),
        ("a header of one space", get().header("authorization", " ")),
        ("a folded header", get().header("x-fold", "a\r\n b")),
        ("both lengths", get().header("transfer-encoding", "chunked").body("0\r\n\r\n")),
        ("an upgrade", get().header("connection", "upgrade").header("upgrade", "websocket")),
        ("gRPC over HTTP/1", get().header("content-type", "application/grpc")),
        ("gRPC-Web over HTTP/1", get().header("content-type", "application/grpc-web-text")),
        ("an endless deadline", get().header("grpc-timeout", "99999999H")),
        ("a deadline of nothing", get().header("grpc-timeout", "0n")),
        ("a deadline of Envoy's", get().header("x-envoy-upstream-rq-timeout-ms", "0")),
        ("a bypass by name", get().header("x-envoy-auth-failure-mode-allowed", "true")),
        ("an internal request, it says", get().header("x-envoy-internal", "true")),
    ]
}

/// Tokens of a hostile shape. Most are signed by the issuer itself.
pub(super) fn tokens(issuer: &Rownd) -> Vec<(&'static str, String)> {
    let good = || issuer.token("verified");
    let with_header = |header: &str| good().sign_parts(header, &good().claims_json());
    let with_claims = |claims: &str| good().sign_parts(&good().header_json(), claims);
    let deep = |open: &str, close: &str| open.repeat(3000) + &close.repeat(3000);
    let header = |name: &str, value: Value| good().header(name, value).sign();
    let claim = |name: &str, value: Value| good().claim(name, value).sign();
    vec![
        ("alg none", header("alg", json!("none"))),
        ("alg nOnE", header("alg", json!("nOnE"))),
        ("alg null", header("alg", Value::Null)),
        ("alg a list", header("alg", json!(["EdDSA"]))),
        ("alg HS256", header("alg", json!("HS256"))),
        ("alg ES256", header("alg", json!("ES256"))),
        ("crit", header("crit", json!(["exp"]))),
        ("crit of nothing", header("crit", json!([]))),
        ("b64 false", header("b64", json!(false))),
        ("zip", header("zip", json!("DEF"))),
        ("enc", header("enc", json!("A256GCM"))),
        ("typ logout", header("typ", json!("logout+jwt"))),
        ("a kid that is a path", header("kid", json!("../../etc/passwd"))),
        ("a kid of 4 KiB", header("kid", json!("k".repeat(4 << 10)))),
        ("a kid that is a number", header("kid", json!(1))),
        ("a key of its own", good().forged().with_its_key().sign()),
        ("five parts", format!("{}.a.b", good().sign())),
        ("five dots", ".....".to_owned()),
        ("two dots", "..".to_owned()),
        ("one part", "eyJhbGciOiJFZERTQSJ9".to_owned()),
        ("forged", good().forged().sign()),
        ("expired", good().expired().sign()),
        ("no end", claim("exp", Value::Null)),
        ("an end that is text", claim("exp", json!("4102444800"))),
        (
            "an end beyond numbers",
            with_claims(&good().claims_json().replace("\"exp\":", "\"exp\":1e400,\"x\":")),
        ),
        ("an audience that is a number", claim("aud", json!(5))),
        ("an audience that is null", claim("aud", Value::Null)),
        ("an audience in a list in a list", claim("aud", json!([["app:x"]]))),
        ("an issuer in a list", claim("iss", json!([ISSUER]))),
        ("an issuer nobody knows", claim("iss", json!("https://evil.test"))),
        ("a refresh token", claim("https://auth.rownd.io/jwt_type", json!("refresh_token"))),
        ("no user", claim("https://auth.rownd.io/app_user_id", json!(""))),
        ("a user that is an object", claim("https://auth.rownd.io/app_user_id", json!({}))),
        ("a user of 7 KiB", claim("https://auth.rownd.io/app_user_id", json!("u".repeat(5 << 10)))),
        ("lists in lists, header", with_header(&deep("[", "]"))),
        ("objects in objects, claims", with_claims(&deep("{\"a\":", "}"))),
        ("lists in lists, claims", with_claims(&deep("[", "]"))),
        ("a claim twice", with_claims(&good().claims_json().replacen('{', "{\"iss\":\"x\",", 1))),
        ("a byte order mark", with_claims(&format!("\u{feff}{}", good().claims_json()))),
        ("claims that are a word", with_claims("\"claims\"")),
        ("claims that are nothing", with_claims("")),
        ("claims with more behind", with_claims(&format!("{} {{}}", good().claims_json()))),
        ("padding", format!("{}=", good().sign())),
        ("line ends", good().sign().replace('.', "\t.")),
    ]
}
