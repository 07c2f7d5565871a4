//! Credentials: two of them, none of them, bad ones where none is needed, cookies from afar.

use rownd_authz::model::DenyReason;
use serde_json::json;

use super::{Court, Kind};
use crate::support::{
    Ask,
    forge::{USER, now},
};

for_every_kind!(
    two_credentials_are_none,
    one_credential_is_found_however_it_is_written,
    optional_means_no_credential_or_a_good_one,
    an_expired_cookie_is_anonymous_only_where_the_route_says_so,
    a_cookie_changes_nothing_from_another_site
);

async fn two_credentials_are_none(kind: Kind) {
    let court = Court::of(kind).await;
    let (one, two) = (court.key.token(&court.claims()), court.key.token(&court.claims()));
    let bearer = |token: &str| format!("Bearer {token}");
    let lines = |values: &[String]| {
        values.iter().fold(Ask::get("/"), |ask, value| ask.header("authorization", value))
    };
    let mut asks = vec![
        lines(&[bearer(&one), bearer(&two)]),
        lines(&[bearer(&one), bearer(&one)]),
        lines(&[bearer(&one), bearer("x")]),
        lines(&[bearer("x"), bearer(&one)]),
        lines(&[bearer(&one), "Basic dXNlcjpwYXNz".to_owned()]),
        lines(&["Basic dXNlcjpwYXNz".to_owned(), bearer(&one)]),
        lines(&[bearer(&one), String::new()]),
        lines(&[format!("{},{}", bearer(&one), bearer(&two))]),
        lines(&[format!("{}, {}", bearer(&one), two)]),
        lines(&[format!("{},", bearer(&one))]),
        Ask::get("/").bearer(&one).header("cookie", format!("app_session={two}")),
        Ask::get("/").header("cookie", format!("app_session={one}; app_session={two}")),
        Ask::get("/").header("cookie", format!("app_session={one}; app_session={one}")),
        Ask::get("/")
            .header("cookie", format!("app_session={one}"))
            .header("cookie", format!("app_session={two}")),
        Ask::get("/").header("cookie", format!("a=1; app_session={one};app_session=; b=2")),
    ];
    for count in 3..=5 {
        asks.push(lines(&vec![bearer(&one); count]));
    }
    for (index, ask) in asks.into_iter().enumerate() {
        for ask in [ask.clone(), ask.joined()] {
            let answer = court.app.check(&ask).await;
            answer.assert_denied(&format!("row {index}"), DenyReason::CredentialsAmbiguous);
        }
    }
    // The same token in two places is one credential.
    let same = Ask::get("/").bearer(&one).header("cookie", format!("app_session={one}"));
    court.app.check(&same).await.assert_allowed("the same", "authenticated");
    court.adjourns().await;
}

async fn one_credential_is_found_however_it_is_written(kind: Kind) {
    let court = Court::of(kind).await;
    let token = court.key.token(&court.claims());
    for ask in [
        Ask::get("/").header("authorization", format!("bearer {token}")),
        Ask::get("/").header("authorization", format!("BEARER   {token} ")),
        Ask::get("/").header("Authorization", format!("Bearer\t{token}")),
        Ask::get("/").header("cookie", format!("a=1; app_session={token}; b=2")),
        Ask::get("/").header("cookie", format!("app_session=\"{token}\"")),
        Ask::get("/").header("cookie", "a=1").header("cookie", format!("app_session={token}")),
    ] {
        for ask in [ask.clone(), ask.joined()] {
            let answer = court.app.check(&ask).await;
            answer.assert_allowed("a way to write it", "authenticated");
            assert_eq!(answer.set("x-rownd-user-id"), Some(USER));
        }
    }
    for odd in [&b"Bearer \xff\xfe"[..], b"Bearer !!", b"Bearer ", b"Bearer", b"Bearer a!b.c.d"] {
        let answer = court.app.check(&Ask::get("/").header("authorization", odd)).await;
        answer.assert_denied("an odd one", DenyReason::TokenMalformed);
    }
    court.adjourns().await;
}

async fn optional_means_no_credential_or_a_good_one(kind: Kind) {
    let court = Court::of(kind).await;
    let stranger = kind.key("sig-1");
    let claims = || court.claims();
    let bad = [
        (court.key.token(&claims().with("exp", now() - 3600)), DenyReason::TokenExpired),
        (stranger.token(&claims()), DenyReason::SignatureInvalid),
        (kind.key("sig-9").token(&claims()), DenyReason::KidUnknown),
        (court.key.token(&claims().with("aud", "app:other")), DenyReason::AudienceMismatch),
        (court.key.token(&claims().with("iss", "https://other")), DenyReason::IssuerUntrusted),
        (
            court.key.token(&claims().rownd("jwt_type", "refresh_token")),
            DenyReason::TokenKindRefused,
        ),
        ("garbage".to_owned(), DenyReason::TokenMalformed),
    ];
    let empty = court.app.check(&Ask::get("/optional").bearer("")).await;
    empty.assert_denied("the scheme alone", DenyReason::TokenMalformed);
    for (token, reason) in bad {
        let header = Ask::get("/optional").bearer(&token);
        let cookie = Ask::get("/optional").header("cookie", format!("app_session={token}"));
        for ask in [header, cookie] {
            court.app.check(&ask).await.assert_denied("a bad one", reason);
        }
        // A public route reads none at all.
        let answer = court.app.check(&Ask::get("/public").bearer(&token)).await;
        answer.assert_allowed("public", "public");
    }
    // Another scheme is not ours: the caller is anonymous, and the header stays.
    let basic = Ask::get("/optional").header("authorization", "Basic dXNlcjpwYXNz");
    let answer = court.app.check(&basic).await;
    answer.assert_allowed("basic", "anonymous");
    assert!(!answer.removed().iter().any(|name| name == "authorization"));
    court.adjourns().await;
}

async fn an_expired_cookie_is_anonymous_only_where_the_route_says_so(kind: Kind) {
    let lenient = json!({
        "id": "lenient", "match": { "path": { "prefix": "/lenient" } }, "auth": "optional",
        "expired_cookie": "anonymous",
    });
    let court = Court::of_with(kind, |c| c["routes"].as_array_mut().unwrap().push(lenient)).await;
    let expired = court.key.token(&court.claims().with("exp", now() - 3600));
    let forged = kind.key("sig-1").token(&court.claims().with("exp", now() - 3600));
    let ask =
        |path: &str, token: &str| Ask::get(path).header("cookie", format!("app_session={token}"));
    court.app.check(&ask("/lenient", &expired)).await.assert_allowed("expired", "anonymous");
    let strict = court.app.check(&ask("/optional", &expired)).await;
    strict.assert_denied("another route", DenyReason::TokenExpired);
    let forged = court.app.check(&ask("/lenient", &forged)).await;
    forged.assert_denied("forged", DenyReason::SignatureInvalid);
    let header = court.app.check(&Ask::get("/lenient").bearer(&expired)).await;
    header.assert_denied("in a header", DenyReason::TokenExpired);
    court.adjourns().await;
}

async fn a_cookie_changes_nothing_from_another_site(kind: Kind) {
    let court = Court::of(kind).await;
    let token = court.key.token(&court.claims());
    let post = || Ask::get("/").method("POST").header("cookie", format!("app_session={token}"));
    let good = [
        post().header("origin", "https://api.example.com"),
        post().header("origin", "https://API.example.com:443"),
        post().https().header("origin", "https://api.example.com"),
        post().header("sec-fetch-site", "same-origin"),
        post().header("origin", "http://api.example.com").header("sec-fetch-site", "same-origin"),
        Ask::get("/")
            .header("cookie", format!("app_session={token}"))
            .header("origin", "https://evil.example"),
        Ask::get("/").method("POST").bearer(&token).header("origin", "https://evil.example"),
    ];
    for ask in good {
        court.app.check(&ask).await.assert_allowed("our own site", "authenticated");
    }
    let bad = [
        post(),
        post().header("origin", "https://evil.example"),
        post().header("origin", "null"),
        post().header("origin", ""),
        post().header("origin", "https://api.example.com.evil.example"),
        post().header("origin", "https://api.example.com@evil.example"),
        post().header("origin", "https://api.example.com:8443"),
        post().header("origin", "https://api.example.com").header("origin", "https://evil.example"),
        post().header("sec-fetch-site", "same-site"),
        post().header("sec-fetch-site", "cross-site"),
        post().header("sec-fetch-site", "none"),
        post().header("sec-fetch-site", "cross-site").header("origin", "https://api.example.com"),
        post().header("sec-fetch-site", "same-origin").header("origin", "https://evil.example"),
        post().method("DELETE"),
        post().method("get"),
        post().header("referer", "https://api.example.com/"),
        // An attacker on the network can write a page that comes by http.
        post().https().header("origin", "http://api.example.com"),
    ];
    for (index, ask) in bad.into_iter().enumerate() {
        for ask in [ask.clone(), ask.joined()] {
            let answer = court.app.check(&ask).await;
            answer.assert_denied(&format!("row {index}"), DenyReason::CookieCrossSite);
        }
    }
    court.adjourns().await;
}
