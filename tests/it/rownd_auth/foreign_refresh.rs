//! Refresh tokens whose new tokens could not be handed on: they are refused before they are sent,
//! because sending them uses them up.

use rownd_emulator::{Endpoint, SignedBy, TokenOrder};
use serde_json::{Value, json};
use tonic::Code;

use super::{APP, BLOG, Rig, refresh::grant, said};

fn order(audience: Value) -> TokenOrder {
    Rig::order("ann").refresh().claim("aud", audience)
}

#[tokio::test]
async fn a_token_of_no_configured_app_is_not_sent() {
    let rig = Rig::with(|settings| {
        settings["issuers"][0]["apps"][0]["variants"] = json!(["variant_kids"]);
    })
    .await;
    let shop = format!("app:{APP}");
    for (name, order, why) in [
        ("another app", order(json!([format!("app:{BLOG}")])), "audience_mismatch"),
        ("an unknown app", order(json!(["app:nobodys"])), "audience_mismatch"),
        ("no app", order(json!(["https://api.rownd.io"])), "audience_mismatch"),
        ("another spelling", order(json!(["app:APP_SHOP"])), "audience_mismatch"),
        (
            "a refused variant",
            order(json!([shop, "app_variant:variant_outlet"])),
            "variant_refused",
        ),
        ("two variants", order(json!([shop, "app_variant:a", "app_variant:b"])), "claims_invalid"),
        (
            "another issuer",
            order(json!([shop])).claim("iss", json!("https://api.dev.rownd.io")),
            "issuer_untrusted",
        ),
    ] {
        let token = rig.mint(&order);
        for _ in 0..2 {
            let refused = rig.exchange(grant(&token)).await;
            let refused = said(refused).is(Code::FailedPrecondition, "REFRESH_TOKEN_FOREIGN");
            assert_eq!(refused.told.get("deny_reason").map(String::as_str), Some(why), "{name}");
        }
    }
    assert_eq!(rig.hits(Endpoint::Token), 0, "none was sent");
}

#[tokio::test]
async fn a_token_that_may_be_ours_is_left_to_rownd() {
    let rig = Rig::with(|settings| {
        settings["issuers"][0]["apps"][0]["variants"] = json!(["variant_kids"]);
    })
    .await;
    let shop = format!("app:{APP}");
    for audience in [
        json!([shop]),
        json!([shop, "https://api.rownd.io"]),
        json!([shop, "app_variant:variant_kids"]),
    ] {
        let tokens = rig.tokens(grant(&rig.mint(&order(audience.clone())))).await;
        assert_eq!(tokens.user_id.as_deref(), Some("ann"), "{audience}");
    }
    rig.controls.clear_hits();
    let refused = [
        "opaque".to_owned(),
        "a.b.c".to_owned(),
        rig.mint(&order(json!([shop])).ttl(-60)),
        rig.mint(&order(json!([shop])).signed_by(SignedBy::Foreign)),
    ];
    for (index, token) in refused.iter().enumerate() {
        let answer = rig.exchange(grant(token)).await;
        said(answer).is(Code::FailedPrecondition, "REFRESH_TOKEN_REFUSED");
        assert_eq!(rig.hits(Endpoint::Token), index as u64 + 1);
    }
}

/// The app may be ours: Rownd has not told yet.
#[tokio::test]
async fn a_token_of_an_app_that_is_not_known_yet_may_be_sent_later() {
    let rig = Rig::with(|settings| {
        settings["issuers"][0]["required"] = json!(false);
        settings["issuers"][0]["apps"] =
            json!([{ "id": APP, "key": "key_shop" }, { "key": "key_of_nobody" }]);
    })
    .await;
    let blog = rig.mint(&order(json!([format!("app:{BLOG}")])));
    said(rig.exchange(grant(&blog)).await).is(Code::Unavailable, "APP_UNKNOWN");
    assert_eq!(rig.hits(Endpoint::Token), 0);
    rig.tokens(grant(&rig.mint(&Rig::order("ann").refresh()))).await;
}
