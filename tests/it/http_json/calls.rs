//! Every method in JSON: its outcomes, and its errors by their statuses.

use rownd_emulator::{Endpoint, Fault, SignedBy};
use serde_json::json;

use super::{SERVICE, address, assert_error, bearer, call, call_as, detail, start, with};
use crate::{
    it::rownd_auth::{ADMIN, APP, Rig},
    support::http::request,
};

#[tokio::test]
async fn a_token_is_verified() {
    let rig = start().await;
    let answer = call(&rig, "Verify", &json!({ "token": rig.token("ann") })).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    let who = &answer.json()["identity"];
    assert_eq!((&who["userId"], &who["appId"]), (&json!("ann"), &json!(APP)));
    assert_eq!(
        (&who["authLevel"], &who["verified"]),
        (&json!("AUTH_LEVEL_VERIFIED"), &json!(true))
    );
    assert!(who["expireTime"].as_str().unwrap().ends_with('Z'), "{who}");
    // A whole number stays one.
    assert!(who["claims"]["exp"].is_u64(), "{who}");
    assert!(who.get("anonymous").is_none(), "fields without a value are left out: {who}");
    let forged = rig.mint(&Rig::order("ann").signed_by(SignedBy::Foreign));
    let answer = call(&rig, "Verify", &json!({ "token": forged })).await;
    assert_eq!(answer.status, 200, "a refused token is an outcome");
    let denial = &answer.json()["denial"];
    assert_eq!(denial["kind"], "DENIAL_KIND_UNAUTHENTICATED", "{denial}");
    assert_eq!(denial["reason"], "signature_invalid", "{denial}");
}

#[tokio::test]
async fn a_user_is_read_by_token_and_by_id() {
    let rig = start().await;
    let mask = "id,authLevel,data.email,memberships";
    for (name, request) in [
        ("by token", json!({ "token": rig.token("ann"), "readMask": mask })),
        ("by id", json!({ "userId": "ann", "issuer": "rownd", "readMask": mask })),
        ("by the names of the proto", json!({ "user_id": "ann", "read_mask": mask })),
    ] {
        let answer = call(&rig, "GetUser", &request).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.body);
        let user = &answer.json()["user"];
        assert_eq!(user["id"], "ann", "{name}");
        assert_eq!(user["data"], json!({ "email": "ann@example.com" }), "{name}");
        assert_eq!(user["memberships"][0]["roles"], json!(["owner", "editor"]), "{name}");
    }
    let answer = call(&rig, "GetUser", &json!({ "userId": ".." })).await;
    assert_error("nobody", &answer, 400, "invalid_argument", "BAD_REQUEST");
    let answer = call(&rig, "GetUser", &json!({ "userId": "nobody", "issuer": "rownd" })).await;
    assert_error("nobody", &answer, 404, "not_found", "USER_NOT_FOUND");
    let answer = call(&rig, "GetUser", &json!({ "userId": "banned", "issuer": "rownd" })).await;
    assert_error("disabled", &answer, 400, "failed_precondition", "USER_DISABLED");
}

#[tokio::test]
async fn tokens_are_traded_and_urls_are_built() {
    let rig = start().await;
    let token = rig.foreign("ann", "ann@example.com");
    let data = json!({ "plan": "pro" });
    let grant = json!({ "thirdPartyToken": { "token": token, "userData": data } });
    let answer = call(&rig, "Exchange", &grant).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let tokens = answer.json()["tokens"].clone();
    let access = tokens["accessToken"].as_str().unwrap();
    let answer = call(&rig, "Verify", &json!({ "token": access })).await;
    assert!(answer.json()["identity"]["userId"].is_string(), "{}", answer.body);
    let refresh = json!({ "refreshToken": { "refreshToken": tokens["refreshToken"] } });
    assert_eq!(call(&rig, "Exchange", &refresh).await.status, 200);
    let guest = json!({ "guest": {}, "issuer": "rownd" });
    let answer = call(&rig, "Exchange", &guest).await;
    assert!(answer.json()["tokens"]["accessToken"].is_string(), "{}", answer.body);
    let answer = call(&rig, "BuildAuthorizationUrl", &json!({ "oidcClient": "web" })).await;
    let built = answer.json();
    assert!(built["url"].as_str().unwrap().contains("code_challenge="), "{built}");
    assert!(built["state"].is_string() && built["codeVerifier"].is_string(), "{built}");
}

#[tokio::test]
async fn every_error_has_the_status_of_its_code() {
    let rig = with(|settings| settings["rownd_auth"]["max_age_per_second"] = json!(1)).await;
    let fresh = json!({ "userId": "ann", "issuer": "rownd", "maxAge": "0s" });
    for (name, method, body, status, code, reason) in [
        ("a mistake", "Verify", json!({}), 400, "invalid_argument", "BAD_REQUEST"),
        ("no grant", "Exchange", json!({}), 400, "invalid_argument", "BAD_REQUEST"),
        ("no such method", "Nothing", json!({}), 501, "unimplemented", "METHOD_UNKNOWN"),
        ("another case", "verify", json!({}), 501, "unimplemented", "METHOD_UNKNOWN"),
    ] {
        let answer = call(&rig, method, &body).await;
        let body = assert_error(name, &answer, status, code, reason);
        if reason == "BAD_REQUEST" {
            let fields = detail(&body, "BadRequest")["debug"]["fieldViolations"].clone();
            assert!(fields[0]["field"].is_string(), "{name}: {body}");
        }
    }
    let other = request(address(&rig), "POST /rownd.auth.v1.Other/Verify", super::JSON, "{}").await;
    assert_error("another service", &other, 501, "unimplemented", "METHOD_UNKNOWN");
    assert_eq!(call(&rig, "GetUser", &fresh).await.status, 200);
    let mut limited = call(&rig, "GetUser", &fresh).await;
    for _ in 0..5 {
        if limited.status != 200 {
            break;
        }
        limited = call(&rig, "GetUser", &fresh).await;
    }
    let body = assert_error("too often", &limited, 429, "resource_exhausted", "MAX_AGE_LIMITED");
    detail(&body, "RetryInfo");
    assert!(limited.header("retry-after").parse::<u64>().is_ok());
    rig.controls.inject(Fault::status(Endpoint::UserData, 503)).unwrap();
    let unread = json!({ "userId": "greg", "issuer": "rownd" });
    let answer = call(&rig, "GetUser", &unread).await;
    assert_error("Rownd is down", &answer, 503, "unavailable", "ROWND_UNAVAILABLE");
    assert!(answer.header("retry-after").parse::<u64>().is_ok());
}

#[tokio::test]
async fn a_call_over_http_counts_as_one_over_grpc() {
    let rig = start().await;
    let count = |method: &str, code: &str| {
        rig.app.metric("rownd_authz_rpcs_total", &[("method", method), ("code", code)])
    };
    call(&rig, "Verify", &json!({ "token": rig.token("ann") })).await;
    call(&rig, "Verify", &json!({})).await;
    call(&rig, "Nothing", &json!({})).await;
    call_as(&rig, "Verify", "", "{}").await;
    assert_eq!(count("Verify", "OK"), 1.0);
    assert_eq!(count("Verify", "INVALID_ARGUMENT"), 1.0);
    assert_eq!(count("Verify", "PERMISSION_DENIED"), 1.0);
    assert_eq!(count("unknown", "UNIMPLEMENTED"), 1.0);
    let refused = [("method", "Verify"), ("reason", "caller_required")];
    assert_eq!(rig.app.metric("rownd_authz_callers_refused_total", &refused), 1.0);
    assert_eq!(
        rig.app.metric("rownd_authz_rpc_duration_seconds_count", &[("method", "Verify")]),
        3.0
    );
}

#[tokio::test]
async fn the_headers_of_connect_are_understood() {
    let rig = start().await;
    let body = json!({ "token": rig.token("ann") }).to_string();
    for (name, header, expected) in [
        ("the version", "connect-protocol-version: 1", 200),
        ("another version", "connect-protocol-version: 2", 400),
        ("two versions", "connect-protocol-version: 1\r\nconnect-protocol-version: 2", 400),
        ("a timeout", "connect-timeout-ms: 20000", 200),
        ("a long timeout", "connect-timeout-ms: 9999999999", 200),
        ("a timeout that is none", "connect-timeout-ms: soon", 400),
        ("not compressed", "content-encoding: identity", 200),
        ("a timeout of gRPC is not read", "grpc-timeout: 1n", 200),
    ] {
        let headers = format!("{}{header}\r\n", bearer(ADMIN));
        let answer = call_as(&rig, "Verify", &headers, &body).await;
        assert_eq!(answer.status, expected, "{name}: {}", answer.body);
    }
    for coding in ["gzip", "br", "zstd", "deflate, identity"] {
        let headers = format!("{}content-encoding: {coding}\r\n", bearer(ADMIN));
        let answer = call_as(&rig, "Verify", &headers, &body).await;
        assert_error(coding, &answer, 501, "unimplemented", "COMPRESSION_UNSUPPORTED");
    }
    rig.controls
        .inject(Fault::delay(Endpoint::UserData, std::time::Duration::from_secs(60)))
        .unwrap();
    let headers = format!("{}connect-timeout-ms: 200\r\n", bearer(ADMIN));
    let user = json!({ "userId": "ann", "issuer": "rownd" }).to_string();
    let answer = call_as(&rig, "GetUser", &headers, &user).await;
    assert_error("in a hurry", &answer, 504, "deadline_exceeded", "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn a_query_changes_nothing() {
    let rig = start().await;
    let headers = format!("{}{}", super::JSON, bearer(ADMIN));
    let body = json!({ "token": rig.token("ann") }).to_string();
    let line = format!("POST {SERVICE}Verify?token=x&connect=v1");
    let answer = request(address(&rig), &line, &headers, &body).await;
    assert_eq!(answer.json()["identity"]["userId"], "ann");
}
