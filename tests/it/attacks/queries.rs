//! A credential in the query (RFC 6750 section 2.3): off by default, and one of several sources.

use rownd_authz::model::DenyReason;
use serde_json::json;

use super::{Court, Kind};
use crate::support::Ask;

for_every_kind!(a_query_is_no_source_by_default, a_query_is_one_source_among_others);

async fn a_query_is_no_source_by_default(kind: Kind) {
    let court = Court::of(kind).await;
    let token = court.key.token(&court.claims());
    for path in [format!("/?access_token={token}"), format!("/optional?access_token={token}")] {
        let answer = court.app.check(&Ask::get(path.clone())).await;
        if path.starts_with("/optional") {
            answer.assert_allowed("nobody is known by it", "anonymous");
        } else {
            answer.assert_denied("no source", DenyReason::CredentialMissing);
        }
    }
    court.adjourns().await;
}

async fn a_query_is_one_source_among_others(kind: Kind) {
    let court = Court::of_with(kind, |config| {
        config["credentials"] = json!([
            { "header": "authorization" }, { "cookie": "app_session" }, { "query": "access_token" },
        ]);
        config["check"]["max_path_bytes"] = json!(16_384);
    })
    .await;
    let (one, two) = (court.key.token(&court.claims()), court.key.token(&court.claims()));
    let dots = one.replace('.', "%2E");
    let good = [
        Ask::get(format!("/?access_token={one}")),
        Ask::get(format!("/x?a=1&access_token={one}&b=2")),
        Ask::get(format!("/?access_token={dots}")),
        Ask::get(format!("/?%61ccess_token={one}")),
        // The same token in two places is one credential.
        Ask::get(format!("/?access_token={one}")).bearer(&one),
        Ask::get(format!("/?access_token={one}")).header("cookie", format!("app_session={one}")),
        // Nothing sends it by itself: no proof of the same origin is asked for.
        Ask::get(format!("/?access_token={one}")).method("POST"),
    ];
    for (index, ask) in good.into_iter().enumerate() {
        court.app.check(&ask).await.assert_allowed(&format!("good {index}"), "authenticated");
    }
    let ambiguous = [
        Ask::get(format!("/?access_token={one}&access_token={two}")),
        Ask::get(format!("/?access_token={one}&access_token={one}")),
        Ask::get(format!("/?access_token={one}&access_token=")),
        Ask::get(format!("/?access_token&access_token={one}")),
        Ask::get(format!("/?access_token={one}&acce%73s_token={two}")),
        Ask::get(format!("/?access_token={one}")).bearer(&two),
        Ask::get(format!("/?access_token={one}")).bearer("x"),
        Ask::get(format!("/?access_token={one}")).header("cookie", format!("app_session={two}")),
    ];
    for (index, ask) in ambiguous.into_iter().enumerate() {
        let answer = court.app.check(&ask).await;
        answer.assert_denied(&format!("row {index}"), DenyReason::CredentialsAmbiguous);
    }
    let none = [
        Ask::get("/"),
        Ask::get("/?"),
        Ask::get(format!("/?ACCESS_TOKEN={one}")),
        Ask::get(format!("/?access_token_={one}")),
        Ask::get(format!("/?x=access_token={one}")),
        Ask::get(format!("/?token={one};access_token={one}")),
        Ask::get(format!("/access_token={one}")),
        Ask::get(format!("/#?access_token={one}")),
    ];
    for (index, ask) in none.into_iter().enumerate() {
        let answer = court.app.check(&ask).await;
        assert!(!answer.is_allowed(), "row {index}: {answer:?}");
        let expected = ["credential_missing", "path_refused"];
        assert!(expected.contains(&answer.reason()), "row {index}: {}", answer.reason());
    }
    for bad in ["", "%", "%zz", "null", "a.b.c", "%00", "%FF%FE"] {
        let answer = court.app.check(&Ask::get(format!("/?access_token={bad}"))).await;
        answer.assert_denied(bad, DenyReason::TokenMalformed);
    }
    court.adjourns().await;
}
