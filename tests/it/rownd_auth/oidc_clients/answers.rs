//! Clients as they are made, read and listed; where the secret is, and where it is not.

use rownd_authz::grpc::pb::rownd::auth::v1::OidcClient;
use tonic::Code;

use super::{create, list, made, manager, named, read, rig, stub, web};
use crate::it::rownd_auth::{ADMIN, APP, assert_field, said};

#[tokio::test]
async fn a_client_is_made_with_every_setting_and_read_back() {
    let rig = rig().await;
    let client = made(&rig, web()).await;
    assert!(client.id.starts_with("oc_"), "{}", client.id);
    assert_eq!((client.name.as_str(), client.app_id.as_str()), ("Web", APP));
    assert!(client.create_time.is_some() && client.update_time.is_some());
    assert_eq!(client.config, web().config, "with the setting that no release knows");
    assert_eq!(client.credentials.len(), 1);
    let secret = client.credentials[0].secret.clone().expect("the one answer with the secret");
    assert!(!secret.is_empty() && !secret.contains("argon2"));
    assert!(client.credentials[0].client_id.starts_with("key_"));

    // No later answer has the secret or a hash of it, and the rest is the same.
    let mut expected = client.clone();
    expected.credentials[0].secret = None;
    let again = read(&rig, &client.id).await.unwrap();
    assert_eq!(again, expected, "the etag too");
    let listed = list(&rig, 0, "", "").await.unwrap();
    let in_list = listed.oidc_clients.iter().find(|one| one.id == client.id).unwrap();
    assert_eq!(*in_list, expected);
    assert!(!format!("{client:?}").contains(&secret), "Debug shows no secret");
}

#[tokio::test]
async fn a_call_with_the_same_request_id_makes_one_client() {
    let rig = rig().await;
    let mut request = create(web());
    request.request_id = "4f9c1b".into();
    let first = manager(&rig).create_oidc_client(request.clone()).await.unwrap().into_inner();
    let again = manager(&rig).create_oidc_client(request.clone()).await.unwrap().into_inner();
    assert_eq!(first, again);
    let secret = |client: &OidcClient| client.credentials[0].secret.clone();
    assert!(secret(first.oidc_client.as_ref().unwrap()).is_some());
    assert_eq!(super::asked(&rig), 1);
    // Another request with the id is a mistake, and another id makes another client.
    request.oidc_client = Some(named("Other"));
    assert_field(manager(&rig).create_oidc_client(request.clone()).await, "request_id");
    request.request_id = "other".into();
    manager(&rig).create_oidc_client(request.clone()).await.unwrap();
    assert_eq!(super::asked(&rig), 2);
    for id in ["a b", "\u{e9}", &"x".repeat(129)] {
        request.request_id = (*id).to_owned();
        assert_field(manager(&rig).create_oidc_client(request.clone()).await, "request_id");
    }
    assert_eq!(super::asked(&rig), 2);
}

#[tokio::test]
async fn calls_at_the_same_time_with_one_request_id_make_one_client() {
    let rig = rig().await;
    let mut request = create(web());
    request.request_id = "at-once".into();
    let calls = (0..20).map(|_| {
        let (mut stub, request) = (manager(&rig), request.clone());
        async move { stub.create_oidc_client(request).await.unwrap().into_inner() }
    });
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(super::asked(&rig), 1);
}

#[tokio::test]
async fn pages_have_every_client_once_in_either_order() {
    let rig = rig().await;
    // The seed has two.
    for number in 0..5 {
        made(&rig, named(&format!("Client {number}"))).await;
    }
    for (order, sizes) in [("", [1, 2, 3, 7]), ("id desc", [1, 2, 3, 1000])] {
        let mut lists = Vec::new();
        for size in sizes {
            let (mut ids, mut token) = (Vec::new(), String::new());
            loop {
                let page = list(&rig, size, &token, order).await.unwrap();
                assert!(page.oidc_clients.len() <= usize::try_from(size).unwrap());
                assert_eq!(page.total_size, Some(7));
                ids.extend(page.oidc_clients.into_iter().map(|client| client.id));
                assert!(ids.len() <= 7, "{ids:?}");
                token = page.next_page_token;
                if token.is_empty() {
                    break;
                }
            }
            lists.push(ids);
        }
        let mut sorted = lists[0].clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), 7);
        if !order.is_empty() {
            sorted.reverse();
        }
        assert!(lists.iter().all(|ids| *ids == sorted), "{lists:?}");
    }
    // A token belongs to its app and its order.
    let token = list(&rig, 2, "", "").await.unwrap().next_page_token;
    assert_field(list(&rig, 2, &token, "id desc").await, "page_token");
    assert_field(list(&rig, 2, "x", "").await, "page_token");
    assert_field(list(&rig, -1, "", "").await, "page_size");
    assert_field(list(&rig, 2, "", "name").await, "order_by");
}

#[tokio::test]
async fn a_deleted_client_is_gone() {
    use rownd_authz::grpc::pb::rownd::auth::v1::DeleteOidcClientRequest;
    let rig = rig().await;
    let client = made(&rig, web()).await;
    let delete = |etag: &str| DeleteOidcClientRequest {
        app_id: Some(APP.into()),
        id: client.id.clone(),
        etag: etag.into(),
        ..DeleteOidcClientRequest::default()
    };
    let stale = manager(&rig).delete_oidc_client(delete("W/\"other\"")).await;
    said(stale).is(Code::Aborted, "ETAG_MISMATCH");
    manager(&rig).delete_oidc_client(delete(&client.etag)).await.unwrap();
    said(read(&rig, &client.id).await).is(Code::NotFound, "OIDC_CLIENT_NOT_FOUND");
    let again = manager(&rig).delete_oidc_client(delete("")).await;
    said(again).is(Code::NotFound, "OIDC_CLIENT_NOT_FOUND").tells("upstream_status", "404");
    // Another caller does not have the right.
    said(stub(&rig, ADMIN).delete_oidc_client(delete("")).await)
        .is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
}
