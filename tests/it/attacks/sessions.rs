//! SuperTokens' sessions in a browser: the cookie, and the header that no other site can set.

use rownd_authz::model::DenyReason;
use serde_json::{Value, json};

use super::{Court, Kind};
use crate::support::{Ask, Claims};

type Lines<'a> = &'a [(&'a str, &'a str)];

const COOKIE: &str = "sAccessToken";

async fn court() -> Court {
    Court::of_with(Kind::Supertokens, |config| {
        config["credentials"] = json!([
            { "header": "authorization" }, { "header": "st-access-token" }, { "cookie": COOKIE },
        ]);
    })
    .await
}

fn session(court: &Court, anti_csrf: Value) -> Claims {
    court.claims().with("antiCsrfToken", anti_csrf)
}

#[tokio::test]
async fn a_session_cookie_changes_nothing_without_a_header_of_our_own_page() {
    let court = court().await;
    let token = court.key.token(&session(&court, json!("secret-1")));
    let plain = court.key.token(&session(&court, Value::Null));
    // Headers; taken with a session that holds a value, and with one that holds none.
    let rows: [(Lines<'_>, bool, bool); 22] = [
        (&[], false, false),
        (&[("rid", "session")], true, true),
        (&[("rid", "anti-csrf")], true, true),
        (&[("rid", "")], false, false),
        (&[("rid", "session"), ("rid", "session")], false, false),
        (&[("anti-csrf", "secret-1")], true, true),
        (&[("anti-csrf", "secret-2")], false, true),
        (&[("anti-csrf", "SECRET-1")], false, true),
        (&[("anti-csrf", "secret-1 ")], false, true),
        (&[("anti-csrf", "secret")], false, true),
        (&[("anti-csrf", "")], false, false),
        (&[("anti-csrf", "secret-1"), ("anti-csrf", "secret-1")], false, false),
        (&[("x-anti-csrf", "secret-1")], false, false),
        (&[("cookie", "rid=session; anti-csrf=secret-1")], false, false),
        (&[("origin", "https://api.example.com")], true, true),
        (&[("origin", "https://evil.example")], false, false),
        (&[("origin", "null")], false, false),
        (&[("sec-fetch-site", "same-origin")], true, true),
        (&[("sec-fetch-site", "cross-site")], false, false),
        (&[("sec-fetch-site", "same-site")], false, false),
        // An app at another origin: the preflight has asked whether it may send the header.
        (&[("origin", "https://app.example.com"), ("rid", "session")], true, true),
        (&[("sec-fetch-site", "same-site"), ("anti-csrf", "secret-1")], true, true),
    ];
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        for (headers, with_value, without) in rows {
            for (token, taken) in [(&token, with_value), (&plain, without)] {
                let cookie =
                    Ask::get("/").method(method).header("cookie", format!("{COOKIE}={token}"));
                let ask = headers.iter().fold(cookie, |ask, (name, value)| ask.header(name, value));
                let what = format!("{method} {headers:?}");
                let answer = court.app.check(&ask).await;
                if taken {
                    answer.assert_allowed(&what, "authenticated");
                    assert_eq!(answer.set("x-rownd-session-id"), Some("handle-1"));
                } else {
                    answer.assert_denied(&what, DenyReason::CookieCrossSite);
                }
            }
        }
    }
    court.adjourns().await;
}

#[tokio::test]
async fn what_changes_nothing_and_what_no_browser_sends_by_itself_needs_no_proof() {
    let court = court().await;
    let token = court.key.token(&session(&court, json!("secret-1")));
    for method in ["GET", "HEAD", "OPTIONS"] {
        let ask = Ask::get("/").method(method).header("cookie", format!("{COOKIE}={token}"));
        court.app.check(&ask).await.assert_allowed(method, "authenticated");
    }
    for method in ["POST", "DELETE"] {
        let bearer = Ask::get("/").method(method).bearer(&token);
        let header = Ask::get("/").method(method).header("st-access-token", &token);
        for ask in [bearer, header] {
            let ask = ask.header("origin", "https://evil.example");
            court.app.check(&ask).await.assert_allowed(method, "authenticated");
        }
    }
    court.adjourns().await;
}

/// The header is SuperTokens' own proof: it says nothing for other kinds of issuer.
#[tokio::test]
async fn the_header_proves_nothing_for_another_kind() {
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Supertokens) {
        let court = Court::of(kind).await;
        let claims = court.claims().with("antiCsrfToken", "secret-1");
        let token = court.key.token(&claims);
        for (name, value) in [("rid", "session"), ("anti-csrf", "secret-1")] {
            let ask = Ask::get("/").method("POST").header("cookie", format!("app_session={token}"));
            let answer = court.app.check(&ask.header(name, value)).await;
            answer.assert_denied(&format!("{kind:?} {name}"), DenyReason::CookieCrossSite);
        }
        court.adjourns().await;
    }
}

#[tokio::test]
async fn what_is_no_session_is_no_credential_in_the_cookie_either() {
    let court = court().await;
    let claims = || session(&court, Value::Null);
    let rows = [
        ("an OAuth2 token", claims().with("stt", 1)),
        ("no handle", claims().without("sessionHandle")),
        ("Rownd's refresh token", claims().rownd("jwt_type", "refresh_token")),
    ];
    for (what, claims) in rows {
        let token = court.key.token(&claims);
        let ask = Ask::get("/").header("cookie", format!("{COOKIE}={token}"));
        court.app.check(&ask).await.assert_denied(what, DenyReason::TokenKindRefused);
        court.refuses(what, &token, DenyReason::TokenKindRefused).await;
    }
    court.adjourns().await;
}
