//! Paths, hosts and methods that somebody reads in another way: never a weaker verdict.

use rownd_authz::model::DenyReason;
use serde_json::{Value, json};

use super::Court;
use crate::support::Ask;

/// Everything is open but `/admin`: whatever some server may take for `/admin` must not pass.
fn open_but_admin(odd_paths: &str) -> impl FnOnce(&mut Value) {
    let odd_paths = odd_paths.to_owned();
    move |config| {
        config["routes"] = json!([
            {
                "id": "admin", "match": { "path": { "prefix": "/admin" } }, "auth": "required",
                "odd_paths": odd_paths,
            },
            {
                "id": "public", "match": { "path": { "prefix": "/public" } }, "auth": "none",
                "odd_paths": odd_paths,
            },
        ]);
        config["default"] = json!({ "auth": "none", "odd_paths": odd_paths });
    }
}

const ADMIN: [&str; 64] = [
    "/admin",
    "/admin/",
    "/admin/x",
    "/admin?x",
    "/admin?x=/public",
    "/admin#x",
    "/admin#/public",
    "/admin;",
    "/admin;x",
    "/admin;x=y/z",
    "/admin/;",
    "/admin/.",
    "/admin/./x",
    "/admin//",
    "//admin",
    "///admin",
    "/./admin",
    "/.//admin",
    "/x/../admin",
    "/x//../admin",
    "/x/y/../../admin",
    "/../admin",
    "/../../admin",
    "/..//admin",
    "/%61dmin",
    "/%61%64%6d%69%6e",
    "/%2561dmin",
    "/%252561dmin",
    "/adm%69n",
    "/admi%6E/x",
    "/%2fadmin",
    "/%2Fadmin",
    "/%5cadmin",
    "/\\admin",
    "/x\\..\\admin",
    "/x/..\\admin",
    "/x/%2e%2e/admin",
    "/x/.%2e/admin",
    "/x/%2E./admin",
    "/x/..%2fadmin",
    "/x%2f..%2fadmin",
    "/x/%252e%252e/admin",
    "/x/..%252fadmin",
    "/x/..;/admin",
    "/x/..;a=b/admin",
    "/.;/admin",
    "/;/admin",
    "/;x/admin",
    "/;a=b/;c/admin",
    "/%2e/admin",
    "/%2e%2e/admin",
    "/admin%2f",
    "/admin%2fx",
    "/admin%5cx",
    "/admin%3bx",
    "/admin%3fx",
    "/admin%23x",
    "/public/../admin",
    "/public/%2e%2e/admin",
    "/public/..;/admin",
    "/public%2f..%2fadmin",
    "/public%23/../admin",
    "/public/x/../../admin",
    "/admin/../public",
];

#[tokio::test]
async fn no_spelling_of_a_guarded_path_is_open() {
    for odd_paths in ["refuse", "judge"] {
        let court = Court::sit_with(open_but_admin(odd_paths)).await;
        for path in ADMIN {
            let answer = court.app.check(&Ask::get(path)).await;
            assert!(!answer.is_allowed(), "{odd_paths} {path}: {answer:?}");
            let good = ["credential_missing", "path_refused"].contains(&answer.reason());
            assert!(good, "{path}: {answer:?}");
            if odd_paths == "judge" {
                assert_eq!(answer.reason(), "credential_missing", "{path}");
            }
        }
        for path in ["/", "/x", "/public", "/administer", "/x/admin", "/a.b/c-d", "/x?next=/admin"]
        {
            court.app.check(&Ask::get(path)).await.assert_allowed(path, "public");
        }
        let answer = court.judge("garbage").await;
        answer.assert_allowed("a public route reads no credential", "public");
    }
}

#[tokio::test]
async fn what_is_no_path_is_refused_everywhere() {
    for odd_paths in ["refuse", "judge"] {
        let court = Court::sit_with(open_but_admin(odd_paths)).await;
        let token = court.key.token(&court.claims());
        let rows: [&[u8]; 22] = [
            b"",
            b"admin",
            b"*",
            b"?",
            b"#",
            b"http://api.example.com/admin",
            b"\\admin",
            b" /admin",
            b"%2fadmin",
            b"/a%",
            b"/a%2",
            b"/a%zz",
            b"/a%00",
            b"/a%0a",
            b"/a%0d%0ax",
            b"/a\0",
            b"/a\nb",
            b"/a\tb",
            b"/a\x7f",
            b"/a%7f",
            b"/%25252541",
            b"/%2525252525",
        ];
        for path in rows {
            for ask in [Ask::get(path), Ask::get(path).bearer(&token), Ask::get(path).joined()] {
                let answer = court.app.check(&ask).await;
                answer.assert_denied(&String::from_utf8_lossy(path), DenyReason::PathRefused);
            }
        }
        let long = format!("/{}", "a".repeat(16_384));
        let answer = court.app.check(&Ask::get(long)).await;
        answer.assert_denied("a path of 16 KiB", DenyReason::RequestTooLarge);
    }
}

#[tokio::test]
async fn hosts_are_compared_as_names_and_odd_ones_refused() {
    let by_host = |config: &mut Value| {
        config["routes"] = json!([
            { "id": "api", "match": { "hosts": ["api.example.com", "*.internal.example"] }, "auth": "required" },
        ]);
        config["default"] = json!({ "auth": "none" });
    };
    let court = Court::sit_with(by_host).await;
    for host in [
        "api.example.com",
        "API.Example.COM",
        "api.example.com.",
        "api.example.com:80",
        "api.example.com:",
        "api.example.com.:8443",
        "a.internal.example",
        "a.b.internal.example",
        "A.INTERNAL.EXAMPLE:1",
    ] {
        let answer = court.app.check(&Ask::get("/").host(host)).await;
        answer.assert_denied(host, DenyReason::CredentialMissing);
    }
    for host in [
        "xapi.example.com",
        "api.example.com.evil",
        "apiXexample.com",
        "internal.example",
        "[::1]:80",
    ] {
        court.app.check(&Ask::get("/").host(host)).await.assert_allowed(host, "public");
    }
    for host in [
        "",
        ".",
        "a b",
        "api.example.com@evil",
        "user@api.example.com",
        "api.example.com/x",
        "api.example.com\0",
        "api.example.com:80:80",
        "api.example.com:x",
        "api.example.com,evil",
        "[::1",
        "é.example",
        "api.example.com\t",
        "api.example.com%2e",
        "..",
    ] {
        let answer = court.app.check(&Ask::get("/").host(host)).await;
        answer.assert_denied(&format!("{host:?}"), DenyReason::HostRefused);
    }
}

#[tokio::test]
async fn no_header_says_what_the_request_is() {
    let court = Court::sit().await;
    let guarded = || Ask::get("/guarded").method("POST");
    for (name, value) in [
        ("x-envoy-original-path", "/public"),
        ("x-original-url", "/public"),
        ("x-original-uri", "/public"),
        ("x-rewrite-url", "/public"),
        ("x-forwarded-uri", "/public"),
        ("x-forwarded-path", "/public"),
        ("x-forwarded-prefix", "/public"),
        ("x-forwarded-host", "public.example"),
        ("forwarded", "host=x"),
        ("x-forwarded-method", "GET"),
        ("x-http-method-override", "OPTIONS"),
        ("x-http-method", "GET"),
        ("x-method-override", "GET"),
        (":path", "/public"),
        (":method", "OPTIONS"),
        ("host", "public.example"),
        ("user-agent", "kube-probe/1.31"),
        ("user-agent", "GoogleHC/1.0"),
        ("x-envoy-internal", "true"),
        ("x-envoy-auth-failure-mode-allowed", "true"),
        ("x-rownd-user-id", "user_1"),
        ("x-forwarded-for", "127.0.0.1"),
        ("route", "public"),
        ("context-extensions", "route=public"),
    ] {
        for ask in [guarded().header(name, value), guarded().header(name, value).joined()] {
            let answer = court.app.check(&ask).await;
            answer.assert_denied(name, DenyReason::CredentialMissing);
        }
    }
    court.adjourns().await;
}

#[tokio::test]
async fn a_method_is_judged_as_sent_and_in_upper_case() {
    let readable = |config: &mut Value| {
        config["routes"] = json!([
            { "id": "read", "match": { "path": { "prefix": "/" }, "methods": ["GET"] }, "auth": "none" },
        ]);
    };
    let court = Court::sit_with(readable).await;
    court.app.check(&Ask::get("/x")).await.assert_allowed("GET", "public");
    for method in ["get", "Get", "HEAD", "POST", "CONNECT", "PRI", "get!"] {
        let answer = court.app.check(&Ask::get("/x").method(method)).await;
        answer.assert_denied(method, DenyReason::CredentialMissing);
    }
    for method in ["GET ", " GET", "GET,POST", "G\0ET", "GET\r\n", "po\u{17f}t", "G\tET"] {
        let answer = court.app.check(&Ask::get("/x").method(method)).await;
        answer.assert_denied(method, DenyReason::MethodRefused);
    }
    // Some frameworks execute it as DELETE.
    let guarded = |config: &mut Value| {
        config["routes"] = json!([
            { "id": "write", "match": { "methods": ["DELETE", "PATCH"] }, "auth_level": "verified" },
        ]);
        config["default"] = json!({ "auth": "none" });
    };
    let guarded = Court::sit_with(guarded).await;
    for method in ["DELETE", "delete", "Delete", "dELETE", "patch"] {
        let answer = guarded.app.check(&Ask::get("/x").method(method)).await;
        answer.assert_denied(method, DenyReason::CredentialMissing);
    }
    guarded.app.check(&Ask::get("/x").method("deletes")).await.assert_allowed("another", "public");
    let answer = court.app.check(&Ask::get("/x").method("")).await;
    answer.assert_denied("no method", DenyReason::MethodMissing);
}

#[tokio::test]
async fn only_a_strict_preflight_passes_without_a_credential() {
    let browser =
        json!({ "id": "browser", "match": { "path": { "prefix": "/b" } }, "cors_preflight": true });
    let court = Court::sit_with(|c| c["routes"].as_array_mut().unwrap().push(browser)).await;
    let token = court.key.token(&court.claims());
    let options = |path: &str| Ask::get(path).method("OPTIONS");
    let preflight = |path: &str| {
        options(path)
            .header("origin", "https://a.example")
            .header("access-control-request-method", "PUT")
    };
    for ask in [preflight("/b/x"), preflight("/b/x").joined()] {
        court.app.check(&ask).await.assert_allowed("a preflight", "cors_preflight");
    }
    assert_eq!(court.app.counted("cors_preflight"), 2.0, "and it is counted");
    let missing = [
        preflight("/other"),
        options("/b/x"),
        options("/b/x").header("origin", "https://a.example"),
        options("/b/x").header("access-control-request-method", "PUT"),
        preflight("/b/x").method("GET"),
        preflight("/b/x").method("options"),
        preflight("/b/x").header("origin", "https://b.example"),
        preflight("/b/x").header("access-control-request-method", "GET"),
        options("/b/x").header("origin", "").header("access-control-request-method", "PUT"),
        preflight("/b/x").header("authorization", "Basic x"),
    ];
    for (index, ask) in missing.into_iter().enumerate() {
        for ask in [ask.clone(), ask.joined()] {
            let answer = court.app.check(&ask).await;
            answer.assert_denied(&format!("row {index}"), DenyReason::CredentialMissing);
        }
    }
    let with_credential = preflight("/b/x").bearer("garbage");
    let answer = court.app.check(&with_credential).await;
    answer.assert_denied("with a credential", DenyReason::TokenMalformed);
    let answer = court.app.check(&preflight("/b/x").bearer(&token)).await;
    answer.assert_allowed("with a good one", "authenticated");
    court.adjourns().await;
}

#[tokio::test]
async fn a_route_that_the_proxy_names_is_ours_or_nobodys() {
    let court = Court::sit().await;
    let ask = |route: &str| Ask::get("/guarded").extension("other", "x").extension("route", route);
    court.app.check(&ask("public")).await.assert_allowed("public", "public");
    for unknown in ["", "Public", "public ", "default", "nobody", "/public", "../public"] {
        let answer = court.app.check(&ask(unknown)).await;
        answer.assert_denied(unknown, DenyReason::RouteUnknown);
    }
    let answer = court.app.check(&ask("verified")).await;
    answer.assert_denied("verified", DenyReason::CredentialMissing);
    court.adjourns().await;
}

/// Envoy Gateway hands on what stands at the HTTPRoute. It names a rule as the extension does;
/// where the two differ, nobody knows which of them was meant.
#[tokio::test]
async fn a_route_that_an_annotation_names_is_ours_or_nobodys() {
    let court = Court::sit().await;
    let ask = |route: &str| {
        let ask = Ask::get("/guarded").annotation("other", "public");
        ask.annotation("rownd-authz-route", route)
    };
    court.app.check(&ask("public")).await.assert_allowed("public", "public");
    let agreed = ask("public").extension("route", "public");
    court.app.check(&agreed).await.assert_allowed("both", "public");
    for unknown in ["", "Public", "public ", "default", "nobody", "/public", "public,verified"] {
        let answer = court.app.check(&ask(unknown)).await;
        answer.assert_denied(unknown, DenyReason::RouteUnknown);
    }
    for (annotation, extension) in [("public", "verified"), ("verified", "public"), ("public", "")]
    {
        let answer = court.app.check(&ask(annotation).extension("route", extension)).await;
        answer.assert_denied(annotation, DenyReason::RouteUnknown);
        assert_eq!(answer.fact("request_id"), "1234567890");
    }
    let answer = court.app.check(&ask("verified")).await;
    answer.assert_denied("verified", DenyReason::CredentialMissing);
    // A client can name none.
    let ask = Ask::get("/guarded").header("rownd-authz-route", "public");
    let ask = ask.header("gateway.envoyproxy.io/rownd-authz-route", "public");
    court.app.check(&ask).await.assert_denied("a header", DenyReason::CredentialMissing);
    court.adjourns().await;
}
