//! Revocations and profiles for each kind of issuer: each names its users,
//! sessions and tokens in its own way.

use rownd_authz::model::DenyReason;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::it::attacks::{Court, Kind};
use crate::support::{
    Ask, Issuer,
    control::order,
    forge::{APP, USER},
};

#[tokio::test]
async fn a_token_a_session_and_a_user_of_any_kind_are_revoked() {
    for kind in Kind::ALL {
        let files = TempDir::new().unwrap();
        let socket = files.path().join("control.sock");
        let address = format!("unix:{}", socket.display());
        let court = Court::of_with(kind, |config| {
            config["listeners"]["control"] = json!({ "address": address });
        })
        .await;
        let token = court.key.token(&court.claims().with("jti", "t-1"));
        let user = court.takes("before", &token).await.set("x-rownd-user-id").unwrap().to_owned();
        assert_eq!(user, USER, "{kind:?}");
        let mut orders = vec![json!({ "jti": "t-1" }), json!({ "user_id": user })];
        if kind == Kind::Supertokens {
            orders.push(json!({ "session_id": "handle-1" }));
        }
        for subject in orders {
            let mut by_name = subject.clone();
            by_name["issuer"] = json!(kind.name());
            order(&socket, "/revoke", &by_name).await;
            court.refuses(&subject.to_string(), &token, DenyReason::Revoked).await;
            order(&socket, "/unrevoke", &subject).await;
            court.takes("taken back", &token).await;
        }
        order(&socket, "/revoke", &json!({ "session_id": "another", "ttl": "1h" })).await;
        court.takes("of another session", &token).await;
    }
}

#[tokio::test]
async fn only_rownd_has_profiles_and_others_need_another_route() {
    // It is never asked: the tokens are those of the other issuer.
    let rownd = Issuer::closed();
    for kind in [Kind::Supertokens, Kind::Oidc, Kind::Firebase, Kind::Static] {
        let court = Court::of_with(kind, |config| {
            let route: Value = json!({ "id": "fresh", "freshness": "profile",
                "match": { "path": { "prefix": "/fresh" } } });
            config["routes"].as_array_mut().unwrap().push(route);
            config["issuers"].as_array_mut().unwrap().push(json!({
                "name": "profiles", "kind": "rownd", "base_url": rownd.url(), "required": false,
                "apps": [{ "id": APP, "key": "key_1", "secret": "ras_1" }],
            }));
        })
        .await;
        let token = court.key.token(&court.claims());
        court.takes("on another route", &token).await;
        let answer = court.app.check(&Ask::get("/fresh").bearer(&token)).await;
        answer.assert_denied(&format!("{kind:?}"), DenyReason::ProfileUnsupported);
        assert_eq!(answer.fact("issuer"), kind.name());
        let looked = [("result", "unsupported")];
        assert_eq!(court.app.metric("rownd_authz_profile_lookups_total", &looked), 1.0);
    }
}
