//! Requests that can only be mistakes: each names its field, and nothing is sent.

use rownd_authz::grpc::pb::rownd::auth::v1::{
    DeleteOidcClientRequest, GetOidcClientRequest, OidcClient, OidcClientConfig,
    UploadOidcClientLogoRequest,
};
use serde_json::json;

use super::{asked, create, manager, mask, named, rig, structure, update};
use crate::it::rownd_auth::{APP, assert_field};

fn with(config: OidcClientConfig) -> OidcClient {
    OidcClient { config: Some(config), ..named("Web") }
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_before_anything_is_sent() {
    let rig = rig().await;
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let none = OidcClientConfig::default;
    let mut rows: Vec<(&str, OidcClientConfig)> = Vec::new();
    for bad in ["*", "https://a.test/", "https://a.test/x", "http://a.test", "a.test", "null", ""] {
        rows.push((
            "oidc_client.config.allowed_origins",
            OidcClientConfig { allowed_origins: texts(&["https://ok.test", bad]), ..none() },
        ));
    }
    for bad in [
        "http://a.test/cb",
        "https://a.test/cb#x",
        "https://ann:pw@a.test/cb",
        "https://*.a.test/cb",
        "javascript:alert(1)",
        "data:text/html,x",
        "/cb",
        "",
        " https://a.test/cb",
        "https://a.test/\r\nx",
    ] {
        rows.push((
            "oidc_client.config.redirect_uris",
            OidcClientConfig { redirect_uris: texts(&[bad]), ..none() },
        ));
        rows.push((
            "oidc_client.config.post_logout_uris",
            OidcClientConfig { post_logout_uris: texts(&[bad]), ..none() },
        ));
    }
    for bad in ["http://a.test/x", "com.a.app:/x", "x", "", "https://a.test/#a"] {
        let bad = Some(bad.to_owned());
        rows.push((
            "oidc_client.config.logo_uri",
            OidcClientConfig { logo_uri: bad.clone(), ..none() },
        ));
        rows.push((
            "oidc_client.config.logo_dark_mode_uri",
            OidcClientConfig { logo_dark_mode_uri: bad.clone(), ..none() },
        ));
        rows.push((
            "oidc_client.config.interaction_endpoint",
            OidcClientConfig { interaction_endpoint: bad, ..none() },
        ));
    }
    let many: Vec<String> = (0..101).map(|n| format!("https://a{n}.test/cb")).collect();
    rows.push((
        "oidc_client.config.redirect_uris",
        OidcClientConfig { redirect_uris: many, ..none() },
    ));
    rows.push((
        "oidc_client.config.redirect_uris",
        OidcClientConfig {
            redirect_uris: texts(&["https://a.test/x", "https://a.test/x"]),
            ..none()
        },
    ));
    rows.push((
        "oidc_client.config.redirect_uris",
        OidcClientConfig {
            redirect_uris: vec![format!("https://a.test/{}", "x".repeat(2048))],
            ..none()
        },
    ));
    rows.push((
        "oidc_client.config.allowed_scopes",
        OidcClientConfig { allowed_scopes: texts(&["a b"]), ..none() },
    ));
    rows.push((
        "oidc_client.config.hub_title",
        OidcClientConfig { hub_title: Some("x".repeat(2049)), ..none() },
    ));
    rows.push((
        "oidc_client.config.hub_dark_mode",
        OidcClientConfig { hub_dark_mode: 9, ..none() },
    ));
    rows.push((
        "oidc_client.config.token_endpoint_auth_method",
        OidcClientConfig { token_endpoint_auth_method: -1, ..none() },
    ));
    rows.push((
        "oidc_client.config.application_type",
        OidcClientConfig { application_type: 3, ..none() },
    ));
    for other in [json!({ "hub_title": "x" }), json!({ "client_secret": "x" })] {
        rows.push((
            "oidc_client.config.other",
            OidcClientConfig { other: Some(structure(&other)), ..none() },
        ));
    }
    for (field, config) in rows {
        let answer = manager(&rig).create_oidc_client(create(with(config.clone()))).await;
        assert_field(answer, field);
        let id = "oc_shop".to_owned();
        assert_field(update(&rig, OidcClient { id, ..with(config) }, &["config"]).await, field);
    }
    assert_eq!(asked(&rig), 0);
}

/// Ids that are empty, lead elsewhere, or are words of Rownd's API.
const ODD: [&str; 33] = [
    "",
    ".",
    "..",
    "...//",
    "/",
    "a/b",
    "../oc_shop",
    "a/../b",
    "%2e%2e",
    "%252e%252e",
    "a%2fb",
    "a%5cb",
    "a\\b",
    "..;x",
    "__sample__",
    "__default__",
    "__uuid__",
    "__UUID__",
    "%5f_uuid_%5f",
    "oc_shop/",
    "/oc_shop",
    "oc_shop\n",
    "\u{0}",
    " oc_shop",
    "oc_shop ",
    "oc_shop\t",
    "oc_shop\u{a0}",
    "oc_shop/logo/light",
    "oc_shop%00",
    "..%2f..%2fusers",
    ". .//",
    "\r\n",
    "%2F",
];

#[tokio::test]
async fn an_odd_id_reaches_no_other_path() {
    let rig = rig().await;
    let long = "x".repeat(257);
    for id in ODD.into_iter().chain([long.as_str()]) {
        let (app_id, id) = (Some(APP.to_owned()), id.to_owned());
        let get =
            GetOidcClientRequest { app_id: app_id.clone(), id: id.clone(), ..Default::default() };
        assert_field(manager(&rig).get_oidc_client(get).await, "id");
        let delete = DeleteOidcClientRequest {
            app_id: app_id.clone(),
            id: id.clone(),
            ..Default::default()
        };
        assert_field(manager(&rig).delete_oidc_client(delete).await, "id");
        let logo = UploadOidcClientLogoRequest {
            app_id,
            id: id.clone(),
            background: 1,
            content: "<svg xmlns=\"http://www.w3.org/2000/svg\"/>".into(),
            ..Default::default()
        };
        assert_field(manager(&rig).upload_oidc_client_logo(logo).await, "id");
        let client = OidcClient { id, ..named("Web") };
        assert_field(update(&rig, client, &["name"]).await, "oidc_client.id");
    }
    assert_eq!(asked(&rig), 0);
    // Odd, and one segment of a path still: there is no such client.
    for id in ["oc shop", "oc?x=1", "oc#a", "日本", "100%", "..a", "o'c;--", "a,b", "\u{1f6d2}"] {
        let get = GetOidcClientRequest {
            app_id: Some(APP.to_owned()),
            id: id.to_owned(),
            ..Default::default()
        };
        let answer = manager(&rig).get_oidc_client(get).await;
        super::super::said(answer).is(tonic::Code::NotFound, "OIDC_CLIENT_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_request_without_a_client_or_with_fields_of_rownd_is_a_mistake() {
    use rownd_authz::grpc::pb::rownd::auth::v1::{
        CreateOidcClientRequest, OidcClientCredential, UpdateOidcClientRequest,
    };
    let rig = rig().await;
    let app_id = Some(APP.to_owned());
    let new = CreateOidcClientRequest { app_id: app_id.clone(), ..Default::default() };
    assert_field(manager(&rig).create_oidc_client(new).await, "oidc_client");
    let change = UpdateOidcClientRequest {
        app_id,
        update_mask: Some(mask(&["name"])),
        ..Default::default()
    };
    assert_field(manager(&rig).update_oidc_client(change).await, "oidc_client");
    for (client, field) in [
        (named(""), "oidc_client.name"),
        (named(" \t"), "oidc_client.name"),
        (named("a\nb"), "oidc_client.name"),
        (named(&"x".repeat(257)), "oidc_client.name"),
        (OidcClient { id: "oc_1".into(), ..named("a") }, "oidc_client.id"),
        (OidcClient { etag: "x".into(), ..named("a") }, "oidc_client.etag"),
        (OidcClient { app_id: "x".into(), ..named("a") }, "oidc_client.app_id"),
        (
            OidcClient { credentials: vec![OidcClientCredential::default()], ..named("a") },
            "oidc_client.credentials",
        ),
        (
            OidcClient { description: Some("x".repeat(2049)), ..named("a") },
            "oidc_client.description",
        ),
    ] {
        assert_field(manager(&rig).create_oidc_client(create(client)).await, field);
    }
    assert_eq!(asked(&rig), 0);
}
