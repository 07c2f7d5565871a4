//! Credentials that a browser keeps: session cookies beside their older twins, Rownd's own cookie,
//! and tokens among the protocols of a WebSocket handshake.

use rownd_authz::model::DenyReason;
use serde_json::json;

use super::{Court, Kind};
use crate::support::{
    Ask,
    forge::{USER, now},
};

for_every_kind!(
    rownds_cookie_is_read_for_every_issuer,
    a_repeated_session_cookie_is_never_the_good_one,
    a_token_among_the_protocols_is_read_in_a_handshake_alone
);

const ROUTES: [&str; 3] = ["/", "/optional", "/lenient"];

/// With the cookies that browsers have, and a route that takes expired ones for none.
async fn court(kind: Kind) -> Court {
    Court::of_with(kind, |config| {
        config["credentials"] = json!([
            { "header": "authorization" },
            { "cookie": "sAccessToken" },
            { "cookie": "rownd-session", "format": "rownd" },
            { "cookie": "plain" },
            { "websocket_protocol": "bearer" },
        ]);
        config["routes"].as_array_mut().unwrap().push(json!({
            "id": "lenient", "match": { "path": { "prefix": "/lenient" } }, "auth": "optional",
            "expired_cookie": "anonymous",
        }));
    })
    .await
}

fn rownd(token: &str) -> String {
    format!("rownd-session=%7B%22accessToken%22%3A%22{token}%22%7D")
}

async fn rownds_cookie_is_read_for_every_issuer(kind: Kind) {
    let court = court(kind).await;
    let token = court.key.token(&court.claims());
    let expired = court.key.token(&court.claims().with("exp", now() - 3600));
    for path in ROUTES {
        let with = |line: &str| Ask::get(path).header("cookie", line);
        let answer = court.app.check(&with(&rownd(&token))).await;
        answer.assert_allowed(path, "authenticated");
        assert_eq!(answer.set("x-rownd-user-id"), Some(USER));
        for signed_out in [rownd("invalid").as_str(), "rownd-session=", "rownd-session=deleted"] {
            let answer = court.app.check(&with(signed_out)).await;
            match path {
                "/" => answer.assert_denied(signed_out, DenyReason::CredentialMissing),
                _ => answer.assert_allowed(signed_out, "anonymous"),
            }
        }
        let answer = court.app.check(&with(&rownd(&expired))).await;
        match path {
            "/lenient" => answer.assert_allowed("expired", "anonymous"),
            _ => answer.assert_denied("expired", DenyReason::TokenExpired),
        }
        for bad in [token.as_str(), "x", "%7B%7D", "%7B%22accessToken%22%3A7%7D", "%"] {
            let answer = court.app.check(&with(&format!("rownd-session={bad}"))).await;
            answer.assert_denied(bad, DenyReason::TokenMalformed);
        }
        let long = rownd(&"a".repeat(200_000));
        let answer = court.app.check(&with(&long)).await;
        assert!(!answer.is_allowed(), "a long one: {answer:?}");
    }
    let post = Ask::get("/").method("POST").header("cookie", rownd(&token));
    court.app.check(&post).await.assert_denied("a POST", DenyReason::CookieCrossSite);
    let own = post.header("origin", "https://api.example.com");
    court.app.check(&own).await.assert_allowed("from our page", "authenticated");
    court.adjourns().await;
}

async fn a_repeated_session_cookie_is_never_the_good_one(kind: Kind) {
    let court = court(kind).await;
    let good = court.key.token(&court.claims());
    let other = court.key.token(&court.claims());
    let expired = court.key.token(&court.claims().with("exp", now() - 3600));
    let forged = kind.key("sig-1").token(&court.claims());
    assert_ne!(good, other);
    let plain = |name: &'static str| move |token: &str| format!("{name}={token}");
    type Written<'a> = &'a dyn Fn(&str) -> String;
    let rows: [(Written<'_>, bool); 3] = [
        (&rownd, true),
        (&plain("sAccessToken"), kind == Kind::Supertokens),
        (&plain("plain"), false),
    ];
    for (write, is_session) in rows {
        let reason = if is_session {
            DenyReason::SessionCookieRepeated
        } else {
            DenyReason::CredentialsAmbiguous
        };
        let emptied = format!("{}=", write("").split('=').next().unwrap());
        let seconds = [write(&other), write(&expired), write(&forged), write("x"), emptied.clone()];
        for path in ROUTES {
            for second in &seconds {
                let (first, what) = (write(&good), format!("{kind:?} {path} {is_session}"));
                for (first, second) in [(&first, second), (second, &first)] {
                    let line = Ask::get(path).header("cookie", format!("{first}; {second}"));
                    let lines = Ask::get(path).header("cookie", first).header("cookie", second);
                    for ask in [line, lines.clone(), lines.joined()] {
                        let answer = court.app.check(&ask).await;
                        answer.assert_denied(&what, reason);
                        let status = if is_session { 401 } else { 400 };
                        assert_eq!(answer.http_status(), status, "{what}");
                    }
                }
            }
            let same = Ask::get(path).header("cookie", format!("{0}; {0}", write(&good)));
            let answer = court.app.check(&same).await;
            if is_session {
                answer.assert_allowed("the same twice", "authenticated");
            } else {
                answer.assert_denied("the same twice", DenyReason::CredentialsAmbiguous);
            }
            // Beside a header a refresh would not end the conflict.
            let both = Ask::get(path).bearer(&good);
            let both = both.header("cookie", format!("{}; {}", write(&good), write(&other)));
            let answer = court.app.check(&both).await;
            answer.assert_denied("beside a header", DenyReason::CredentialsAmbiguous);
        }
        let public = Ask::get("/public").header("cookie", format!("{}; {emptied}", write(&good)));
        court.app.check(&public).await.assert_allowed("public", "public");
    }
    court.adjourns().await;
}

async fn a_token_among_the_protocols_is_read_in_a_handshake_alone(kind: Kind) {
    let court = court(kind).await;
    let token = court.key.token(&court.claims());
    let expired = court.key.token(&court.claims().with("exp", now() - 3600));
    let list = |token: &str| format!("chat, bearer, {token}, v1.x");
    let handshake = |path: &str| Ask::get(path).header("upgrade", "websocket");
    for path in ROUTES {
        let ask = handshake(path).header("sec-websocket-protocol", list(&token));
        // It is no cookie: no browser adds it by itself.
        let answer = court.app.check(&ask.header("origin", "https://evil.example")).await;
        answer.assert_allowed(path, "authenticated");
        assert_eq!(answer.set("sec-websocket-protocol"), Some("chat, bearer, v1.x"));
        let old = handshake(path).header("sec-websocket-protocol", list(&expired));
        let answer = court.app.check(&old).await;
        answer.assert_denied("expired", DenyReason::TokenExpired);
        let two = handshake(path).header("sec-websocket-protocol", list(&token));
        let two = two.header("sec-websocket-protocol", list(&token));
        let answer = court.app.check(&two).await;
        answer.assert_denied("two", DenyReason::CredentialsAmbiguous);
    }
    for (name, ask) in [
        ("no handshake", Ask::get("/optional")),
        ("another method", Ask::get("/optional").method("POST").header("upgrade", "websocket")),
        ("another upgrade", Ask::get("/optional").header("upgrade", "h2c")),
    ] {
        let answer = court.app.check(&ask.header("sec-websocket-protocol", list(&token))).await;
        answer.assert_allowed(name, "anonymous");
        assert_eq!(answer.set("sec-websocket-protocol"), None, "{name}");
    }
    let public = handshake("/public").header("sec-websocket-protocol", list(&token));
    let answer = court.app.check(&public).await;
    answer.assert_allowed("public", "public");
    assert_eq!(answer.set("sec-websocket-protocol"), None);
    court.adjourns().await;
}
