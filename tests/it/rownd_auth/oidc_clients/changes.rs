//! Updates: what a mask sets, clears and keeps, whatever a `PUT` does to the rest.

use rownd_authz::grpc::pb::rownd::auth::v1::{OidcClient, OidcClientConfig};
use rownd_emulator::Endpoint;
use serde_json::json;
use tonic::Code;

use super::{callers, made, read, rig, structure, update, web};
use crate::it::rownd_auth::{Rig, assert_field, said};

/// A change of the client with this id.
fn change(id: &str, config: OidcClientConfig) -> OidcClient {
    OidcClient { id: id.into(), config: Some(config), ..OidcClient::default() }
}

/// The result is the same if a `PUT` replaces and if it merges.
#[tokio::test]
async fn a_mask_sets_and_clears_and_the_rest_stays() {
    for (put, rig) in [
        ("replaces", rig().await),
        (
            "merges",
            Rig::with_seed(
                |seed| seed["apps"][0]["oidc_client_put"] = json!("merge"),
                |settings| {
                    callers(settings);
                    settings["issuers"][0]["api_answers"] = json!({ "oidc_client_put": "merges" });
                },
            )
            .await,
        ),
    ] {
        let client = made(&rig, web()).await;
        let id = client.id.as_str();
        let config = OidcClientConfig {
            redirect_uris: vec!["https://shop.test/new".into()],
            hub_title: Some("not in the mask".into()),
            ..OidcClientConfig::default()
        };
        let paths = [
            "config.redirect_uris",
            "config.allowed_origins",
            "config.hub_dark_mode",
            "config.interaction_endpoint",
            "description",
        ];
        let changed = update(&rig, change(id, config), &paths).await.unwrap();
        let mut expected = web().config.unwrap();
        expected.redirect_uris = vec!["https://shop.test/new".into()];
        expected.allowed_origins.clear();
        expected.hub_dark_mode = 0;
        expected.interaction_endpoint = None;
        assert_eq!(changed.config, Some(expected.clone()), "{put}");
        assert_eq!((changed.name.as_str(), changed.description.clone()), ("Web", None), "{put}");
        assert_ne!(changed.etag, client.etag, "{put}");
        assert!(changed.credentials[0].secret.is_none(), "{put}");
        assert_eq!(read(&rig, id).await.unwrap(), changed, "{put}");

        // A setting that no release knows can be changed, and taken away.
        let other = Some(structure(&json!({ "new": true })));
        let with_other = OidcClientConfig { other: other.clone(), ..OidcClientConfig::default() };
        let paths = ["config.other.new", "config.other.a_setting_of_tomorrow"];
        let changed = update(&rig, change(id, with_other), &paths).await.unwrap();
        assert_eq!(changed.config.unwrap().other, other, "{put}");
    }
}

#[tokio::test]
async fn without_a_mask_the_fields_that_are_set_change() {
    let rig = rig().await;
    let client = made(&rig, web()).await;
    let config = OidcClientConfig { hub_show_logos: Some(false), ..OidcClientConfig::default() };
    let mut asked = change(&client.id, config);
    asked.name = "Shop".into();
    let changed = update(&rig, asked, &[]).await.unwrap();
    let mut expected = web().config.unwrap();
    expected.hub_show_logos = Some(false);
    assert_eq!((changed.name.as_str(), changed.config), ("Shop", Some(expected)));
    assert_eq!(changed.description, web().description);
}

#[tokio::test]
async fn a_whole_config_in_the_mask_clears_the_known_settings_alone() {
    let rig = rig().await;
    let client = made(&rig, web()).await;
    let config = OidcClientConfig { hub_title: Some("Only".into()), ..OidcClientConfig::default() };
    let changed = update(&rig, change(&client.id, config.clone()), &["config"]).await.unwrap();
    let other = web().config.unwrap().other;
    assert_eq!(changed.config, Some(OidcClientConfig { other, ..config }));
}

#[tokio::test]
async fn a_client_that_has_changed_is_not_overwritten() {
    let rig = rig().await;
    let client = made(&rig, web()).await;
    let mut asked = OidcClient { name: "Shop".into(), ..change(&client.id, Default::default()) };
    asked.config = None;
    asked.etag = client.etag.clone();
    let changed = update(&rig, asked.clone(), &["name"]).await.unwrap();
    let before = rig.hits(Endpoint::OidcClients);
    said(update(&rig, asked.clone(), &["name"]).await).is(Code::Aborted, "ETAG_MISMATCH");
    assert_eq!(rig.hits(Endpoint::OidcClients), before + 1, "it is read, and not written");
    asked.etag = changed.etag;
    update(&rig, asked, &["name"]).await.unwrap();
}

#[tokio::test]
async fn a_mask_that_can_only_be_a_mistake_is_refused_before_anything_is_sent() {
    let rig = rig().await;
    let client = made(&rig, web()).await;
    let before = rig.hits(Endpoint::OidcClients);
    let asked = || OidcClient { id: client.id.clone(), ..web() };
    for path in [
        "*",
        "id",
        "etag",
        "credentials",
        "app_id",
        "config.*",
        "config.",
        "config.other",
        "config.other.",
        "config.other.hub_title",
        "config.redirect_uris.0",
        "config.hubTitle",
        "",
    ] {
        assert_field(update(&rig, asked(), &[path]).await, "update_mask");
    }
    assert_field(
        update(&rig, OidcClient { name: String::new(), ..asked() }, &["name"]).await,
        "oidc_client.name",
    );
    let nothing = OidcClient { id: client.id.clone(), ..OidcClient::default() };
    assert_field(update(&rig, nothing, &[]).await, "update_mask");
    assert_eq!(rig.hits(Endpoint::OidcClients), before);
}
