//! Headers in and out: spoofed identities, doubled credentials, values that split headers.

use rownd_authz::model::DenyReason;
use serde_json::json;

use super::Court;
use crate::support::{Answer, Ask, ask::IDENTITY, forge::APP};

/// One way past a token and two without one, each with its reason.
fn ways(token: &str) -> [(Ask, &'static str); 3] {
    [
        (Ask::with_token(token), "authenticated"),
        (Ask::get("/optional"), "anonymous"),
        (Ask::get("/public"), "public"),
    ]
}

/// The client's value of this name does not reach the service.
fn assert_gone(answer: &Answer, name: &str) {
    let name = name.to_ascii_lowercase();
    let replaced = answer.set(&name).is_some_and(|value| !value.contains("spoof"));
    let removed = answer.removed().iter().filter(|gone| **gone == name).count();
    assert_eq!(
        (replaced, removed),
        (!IDENTITY.contains(&&*name) && replaced || removed == 0, removed)
    );
    assert!(replaced != (removed == 1), "{name}: {answer:?}");
}

#[tokio::test]
async fn no_spelling_of_an_identity_header_reaches_the_service() {
    let court = Court::sit().await;
    let token = court.key.token(&court.claims());
    let mut names: Vec<String> = IDENTITY
        .iter()
        .flat_map(|name| {
            [
                (*name).to_owned(),
                name.to_uppercase(),
                name.replace('-', "_"),
                name.replace('-', "."),
            ]
        })
        .collect();
    for separators in 0..27 {
        let sign = |place: u32| ["-", "_", "."][separators / 3_usize.pow(place) % 3];
        names.push(format!("x{}rownd{}user{}id", sign(0), sign(1), sign(2)));
        names.push(format!("X{}Rownd{}User{}ID", sign(0), sign(1), sign(2)));
    }
    for suffix in ["", "-", "admin", "user-id2", "user--id", "u", "app-keys", "app-key-", "ROLE"] {
        names.push(format!("x-rownd-{suffix}"));
        names.push(format!("x_rownd.{suffix}"));
    }
    names.push("x_rownd_app_key".to_owned());
    names.push("x-rownd_app-secret".to_owned());
    for name in &names {
        for (ask, reason) in ways(&token) {
            for ask in [ask.clone().header(name, "spoof"), ask.header(name, "spoof").joined()] {
                let answer = court.app.check(&ask).await;
                answer.assert_allowed(name, reason);
                assert_gone(&answer, name);
            }
        }
    }
    court.adjourns().await;
}

#[tokio::test]
async fn doubled_and_mixed_spoofs_are_all_gone() {
    let court = Court::sit().await;
    let token = court.key.token(&court.claims());
    for (ask, reason) in ways(&token) {
        let mut ask = ask;
        let spoofs = [
            "x-rownd-user-id",
            "x-rownd-user-id",
            "x_rownd_user_id",
            "x_rownd_user_id",
            "X-ROWND-USER_ID",
        ];
        for (index, name) in spoofs.iter().enumerate() {
            ask = ask.header(name, format!("spoof-{index}"));
        }
        for ask in [ask.clone(), ask.joined()] {
            let answer = court.app.check(&ask).await;
            answer.assert_allowed("doubled", reason);
            for name in spoofs {
                assert_gone(&answer, name);
            }
        }
    }
    court.adjourns().await;
}

#[tokio::test]
async fn nothing_but_the_reserved_prefix_is_touched() {
    let court = Court::sit().await;
    let token = court.key.token(&court.claims());
    let kept = [
        "x-rownd-app-key",
        "x-rownd-app-secret",
        "x-rownd-filename",
        "x-rownd-magic-allow-exp",
        "x-rownd",
        "x-rowndish",
        "xrownd-user-id",
        "x-rown-d-user-id",
        "x-user-id",
        "accept",
        "cookie",
        "content-type",
        "x-request-id",
        "traceparent",
        "x-forwarded-for",
        "connection",
        "rownd-user-id",
    ];
    for (ask, reason) in ways(&token) {
        let ask = kept.iter().fold(ask, |ask, name| ask.header(name, "kept"));
        let answer = court.app.check(&ask).await;
        answer.assert_allowed("kept", reason);
        for name in kept.iter().chain(&["authorization", ":path", ":authority", "host"]) {
            assert!(!answer.removed().iter().any(|gone| gone == name), "{name}: {answer:?}");
            assert_eq!(answer.set(name), None, "{name}");
        }
    }
    let strict =
        Court::sit_with(|c| c["identity_headers"]["vendor_headers"] = json!("remove")).await;
    let answer = strict.app.check(&Ask::get("/public").header("x-rownd-app-key", "key_x")).await;
    assert_gone(&answer, "x-rownd-app-key");
    strict.adjourns().await;
    court.adjourns().await;
}

#[tokio::test]
async fn values_are_visible_ascii_whatever_the_claims_hold() {
    let court = Court::sit().await;
    for (id, expected) in [
        ("google-oauth2|123", "google-oauth2|123"),
        ("a b", "a%20b"),
        ("100%", "100%25"),
        ("a%0d%0ab", "a%250d%250ab"),
        ("ünï", "%C3%BCn%C3%AF"),
        ("😀", "%F0%9F%98%80"),
        ("\u{202e}rtl", "%E2%80%AErtl"),
        ("a,b;c=\"d\"", "a,b;c=\"d\""),
        ("../x", "../x"),
    ] {
        let token = court.key.token(&court.claims().rownd("app_user_id", id));
        let answer = court.takes(id, token).await;
        assert_eq!(answer.set("x-rownd-user-id"), Some(expected));
        assert_eq!(answer.fact("user_id"), expected);
    }
    let variant = "app_variant:a\r\nx-injected: 1\u{0}\u{7f}é";
    let token =
        court.key.token(&court.claims().with("aud", json!([format!("app:{APP}"), variant])));
    let answer = court.takes("a variant", token).await;
    assert_eq!(answer.set("x-rownd-app-variant"), Some("a%0D%0Ax-injected:%201%00%7F%C3%A9"));
    court.adjourns().await;
}

#[tokio::test]
async fn an_identity_too_large_for_headers_is_denied_not_cut() {
    let court = Court::sit().await;
    let id = |id: String| court.key.token(&court.claims().rownd("app_user_id", id));
    let answer = court.takes("the most", id("u".repeat(1024))).await;
    assert_eq!(answer.set("x-rownd-user-id").map(str::len), Some(1024));
    // One more; and 400 letters that become 2400 characters.
    for large in ["u".repeat(1025), "é".repeat(400), "u".repeat(4000)] {
        court.refuses("too large", id(large), DenyReason::IdentityTooLarge).await;
    }
    court.adjourns().await;
}

#[tokio::test]
async fn denials_speak_the_callers_protocol_and_name_the_request() {
    let court = Court::sit().await;
    let plain = [
        "application/grpc",
        "application/grpc+proto",
        "application/grpc-web",
        "application/grpc-web-text+proto",
    ];
    for kind in plain {
        let answer = court.app.check(&Ask::with_token("x").content_type(kind)).await;
        answer.assert_denied(kind, DenyReason::TokenMalformed);
        assert_eq!(
            (answer.header("grpc-status"), answer.header("content-type")),
            (Some("16"), Some("text/plain"))
        );
    }
    let named = Ask::get("/").header("x-request-id", "req-1");
    assert_eq!(court.app.check(&named).await.body()["request_id"], "req-1");
    // An id that is not plain is not used: the proxy's own id is used instead.
    for odd in ["", "a b", "a\nb", "\u{1b}[31m", "é", &"x".repeat(65)] {
        let answer = court.app.check(&Ask::get("/").header("x-request-id", odd)).await;
        assert_eq!(answer.body()["request_id"], "1234567890", "{odd:?}");
        assert_eq!(answer.fact("request_id"), "1234567890");
    }
    court.adjourns().await;
}
