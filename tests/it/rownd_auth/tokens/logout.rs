//! `BuildLogoutUrl`: what is in the URL, and a browser that follows it.

use std::collections::HashMap;

use rownd_authz::grpc::pb::rownd::auth::v1::{BuildLogoutUrlRequest, BuildLogoutUrlResponse};
use tonic::{Code, Status};
use url::Url;

use super::{BLOGGER, READER, rig, signed_in};
use crate::{
    it::rownd_auth::{APP, Rig, assert_field, said},
    support::http,
};

fn of(client: &str) -> BuildLogoutUrlRequest {
    BuildLogoutUrlRequest { oidc_client: client.to_owned(), ..BuildLogoutUrlRequest::default() }
}

async fn build(
    rig: &Rig,
    request: BuildLogoutUrlRequest,
) -> Result<BuildLogoutUrlResponse, Status> {
    Ok(rig.admin().build_logout_url(request).await?.into_inner())
}

fn query(url: &str) -> HashMap<String, String> {
    Url::parse(url).unwrap().query_pairs().into_owned().collect()
}

#[tokio::test]
async fn the_url_has_the_client_the_way_back_and_a_state() {
    let rig = rig().await;
    let plain = build(&rig, of("web")).await.unwrap();
    assert_eq!(Url::parse(&plain.url).unwrap().path(), format!("/oidc/{APP}/session/end"));
    let asked = query(&plain.url);
    assert_eq!(asked["client_id"], "key_shop_web");
    assert_eq!(asked["post_logout_redirect_uri"], "http://localhost:3000/bye");
    assert_eq!(plain.post_logout_redirect_uri.as_deref(), Some("http://localhost:3000/bye"));
    assert_eq!(Some(&asked["state"]), plain.state.as_ref());
    assert!(asked["state"].len() >= 43, "a random one");
    assert!(!asked.contains_key("id_token_hint"));

    let id_token = signed_in(&rig, "web").await.id_token.unwrap();
    let wished = BuildLogoutUrlRequest {
        post_logout_redirect_uri: Some("https://shop.test/bye".into()),
        id_token_hint: Some(id_token.clone()),
        state: Some("a state & more".into()),
        logout_hint: Some("ann@example.com".into()),
        ui_locales: Some("fr-CA fr".into()),
        ..of("web")
    };
    let made = build(&rig, wished).await.unwrap();
    let asked = query(&made.url);
    for (name, value) in [
        ("id_token_hint", id_token.as_str()),
        ("post_logout_redirect_uri", "https://shop.test/bye"),
        ("state", "a state & more"),
        ("logout_hint", "ann@example.com"),
        ("ui_locales", "fr-CA fr"),
    ] {
        assert_eq!(asked[name], value, "{name}");
    }
    assert!(!format!("{made:?}").contains(&id_token), "Debug shows no token");
    // A client without a way back: the browser stays there.
    let stays = build(&rig, of("phone")).await.unwrap();
    assert_eq!((stays.state, stays.post_logout_redirect_uri), (None, None));
    assert_eq!(query(&stays.url).len(), 1);
}

#[tokio::test]
async fn a_browser_that_follows_the_url_comes_back_with_the_state() {
    // The provider has to know the address, too.
    let bye = "http://localhost:3000/bye";
    let rig = Rig::with_seed(
        |seed| {
            seed["apps"][0]["oidc_clients"][0]["post_logout_uris"] = serde_json::json!([bye]);
        },
        super::callers,
    )
    .await;
    let id_token = signed_in(&rig, "web").await.id_token;
    let asked = BuildLogoutUrlRequest { id_token_hint: id_token, ..of("web") };
    let made = build(&rig, asked).await.unwrap();
    let url = Url::parse(&made.url).unwrap();
    let target = format!("GET {}?{}", url.path(), url.query().unwrap());
    let answer = http::request(rig.emulator, &target, "", "").await;
    let back = Url::parse(answer.header("location")).unwrap();
    assert!(back.as_str().starts_with(bye), "{back}");
    assert_eq!(query(back.as_str()).get("state"), made.state.as_ref());
}

#[tokio::test]
async fn a_mistake_or_a_caller_without_the_right_gets_no_url() {
    let rig = rig().await;
    let to = |uri: &str| Some(uri.to_owned());
    for (request, field) in [
        (of(""), "oidc_client"),
        (of("nobody"), "oidc_client"),
        (
            BuildLogoutUrlRequest {
                post_logout_redirect_uri: to("https://evil.test"),
                ..of("web")
            },
            "post_logout_redirect_uri",
        ),
        (
            BuildLogoutUrlRequest { post_logout_redirect_uri: to(""), ..of("web") },
            "post_logout_redirect_uri",
        ),
        (
            BuildLogoutUrlRequest {
                post_logout_redirect_uri: to("http://localhost:3000/bye"),
                ..of("phone")
            },
            "post_logout_redirect_uri",
        ),
        (BuildLogoutUrlRequest { state: to("x"), ..of("phone") }, "state"),
        (BuildLogoutUrlRequest { state: to(""), ..of("web") }, "state"),
        (BuildLogoutUrlRequest { id_token_hint: to("a b"), ..of("web") }, "id_token_hint"),
        (BuildLogoutUrlRequest { id_token_hint: to(""), ..of("web") }, "id_token_hint"),
        (BuildLogoutUrlRequest { logout_hint: to(""), ..of("web") }, "logout_hint"),
    ] {
        assert_field(build(&rig, request).await, field);
    }
    for secret in [READER, BLOGGER] {
        let answer = rig.known(secret).build_logout_url(of("web")).await;
        said(answer).is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
    }
}
