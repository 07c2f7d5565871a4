//! A host that fails before, in and after a request.

use rownd_authz::grpc::pb::rownd::auth::v1::{
    DeleteOidcClientRequest, OidcClient, OidcLogoBackground, UploadOidcClientLogoRequest,
};
use rownd_emulator::{Endpoint, Fault};
use tonic::Code;

use super::{asked, create, list, made, manager, named, read, rig, update, web};
use crate::{
    it::rownd_auth::{APP, Rig, said},
    support::until,
};

fn inject(rig: &Rig, fault: Fault) {
    rig.controls.clear_faults();
    rig.controls.clear_hits();
    rig.controls.inject(fault).unwrap();
}

fn rename(id: &str) -> OidcClient {
    OidcClient { id: id.into(), ..named("Renamed") }
}

#[tokio::test]
async fn a_write_is_sent_once_and_its_outcome_is_said_to_be_unknown() {
    let rig = rig().await;
    let fault = || Fault::status(Endpoint::OidcClients, 503);
    for fault in [fault(), fault().after(), Fault::garbage(Endpoint::OidcClients).after()] {
        inject(&rig, fault);
        let answer = manager(&rig).create_oidc_client(create(web())).await;
        said(answer).is(Code::Unavailable, "WRITE_OUTCOME_UNKNOWN");
        assert_eq!(asked(&rig), 1);
    }
}

/// A page of a server in between, with status 200: nothing was done.
#[tokio::test]
async fn an_answer_that_says_nothing_is_no_success() {
    let rig = rig().await;
    let client = made(&rig, web()).await;
    let delete = || DeleteOidcClientRequest {
        app_id: Some(APP.into()),
        id: client.id.clone(),
        ..Default::default()
    };
    for fault in
        [Fault::garbage(Endpoint::OidcClients), Fault::body(Endpoint::OidcClients, "<html>")]
    {
        inject(&rig, fault.times(1));
        let answer = manager(&rig).delete_oidc_client(delete()).await;
        said(answer).is(Code::Unavailable, "WRITE_OUTCOME_UNKNOWN");
    }
    inject(&rig, Fault::garbage(Endpoint::OidcClients).times(1));
    let logo = UploadOidcClientLogoRequest {
        app_id: Some(APP.into()),
        id: client.id.clone(),
        background: OidcLogoBackground::Light.into(),
        content: b"<svg xmlns=\"http://www.w3.org/2000/svg\"><path d=\"M0 0h8v8z\"/></svg>"
            .to_vec()
            .into(),
        ..Default::default()
    };
    let answer = manager(&rig).upload_oidc_client_logo(logo).await;
    said(answer).is(Code::Unavailable, "WRITE_OUTCOME_UNKNOWN");
    assert_eq!(read(&rig, &client.id).await.unwrap().name, "Web", "it is there still");
    inject(&rig, Fault::body(Endpoint::OidcClients, "").after().times(1));
    manager(&rig).delete_oidc_client(delete()).await.unwrap();
}

#[tokio::test]
async fn a_lost_answer_with_a_request_id_makes_no_second_client() {
    let rig = rig().await;
    inject(&rig, Fault::status(Endpoint::OidcClients, 503).after().times(1));
    let mut request = create(named("Lost"));
    request.request_id = "lost".into();
    for _ in 0..2 {
        let answer = manager(&rig).create_oidc_client(request.clone()).await;
        said(answer).is(Code::Unavailable, "WRITE_OUTCOME_UNKNOWN");
    }
    assert_eq!(asked(&rig), 1);
    let clients = list(&rig, 0, "", "").await.unwrap().oidc_clients;
    assert_eq!(clients.iter().filter(|client| client.name == "Lost").count(), 1);
}

#[tokio::test]
async fn an_update_that_fails_half_way_changes_nothing_else() {
    let rig = rig().await;
    let client = made(&rig, web()).await;
    // The read is the first request, the write the second.
    let delay = std::time::Duration::from_millis(1);
    inject(&rig, Fault::delay(Endpoint::OidcClients, delay).times(1));
    rig.controls.inject(Fault::status(Endpoint::OidcClients, 502).times(1)).unwrap();
    let answer = update(&rig, rename(&client.id), &["name"]).await;
    said(answer).is(Code::Unavailable, "WRITE_OUTCOME_UNKNOWN").tells("upstream_status", "502");
    assert_eq!(asked(&rig), 2, "the write is not repeated");
    assert_eq!(read(&rig, &client.id).await.unwrap().name, "Web");
    // Where the read fails, nothing is written.
    inject(&rig, Fault::status(Endpoint::OidcClients, 404).times(1));
    let answer = update(&rig, rename(&client.id), &["name"]).await;
    said(answer).is(Code::NotFound, "OIDC_CLIENT_NOT_FOUND");
    assert_eq!(asked(&rig), 1);
}

#[tokio::test]
async fn a_read_is_tried_again_and_each_refusal_has_its_reason() {
    let rig = rig().await;
    let client = made(&rig, web()).await;
    inject(&rig, Fault::status(Endpoint::OidcClients, 503).times(1));
    read(&rig, &client.id).await.unwrap();
    assert_eq!(asked(&rig), 2);
    let at = Endpoint::OidcClients;
    let page = |status| Fault { status: Some(status), ..Fault::body(at, "<h1>nginx</h1>") };
    for (fault, code, reason) in [
        (Fault::status(at, 401), Code::FailedPrecondition, "APP_CREDENTIALS_REFUSED"),
        (Fault::status(at, 403), Code::FailedPrecondition, "APP_CREDENTIALS_REFUSED"),
        (Fault::status(at, 400), Code::FailedPrecondition, "REQUEST_REFUSED"),
        (Fault::status(at, 302), Code::Unavailable, "ISSUER_REDIRECTS"),
        (Fault::status(at, 404), Code::NotFound, "OIDC_CLIENT_NOT_FOUND"),
        (page(404), Code::Unavailable, "ROWND_UNAVAILABLE"),
        (page(401), Code::Unavailable, "ROWND_UNAVAILABLE"),
        (Fault::garbage(at), Code::Internal, "ROWND_ANSWER_INVALID"),
        (Fault::body(at, "[]"), Code::Internal, "ROWND_ANSWER_INVALID"),
        (Fault::body(at, "{\"id\":\"oc_other\"}"), Code::Internal, "ROWND_ANSWER_INVALID"),
        (Fault::status(at, 429), Code::ResourceExhausted, "ROWND_RATE_LIMITED"),
    ] {
        inject(&rig, fault.clone());
        said(read(&rig, &client.id).await).is(code, reason);
    }
}

/// An issuer that sends secrets where it should not gives none away.
#[tokio::test]
async fn a_hash_or_a_secret_in_a_later_answer_goes_no_further() {
    let rig = rig().await;
    let body = r#"{"id":"oc_1","name":"x","client_secret":"ras_leak",
        "credentials":[{"client_id":"key_1","secret":"ras_leak"}],
        "config":{"client_secret":"ras_leak","hub_title":"t"}}"#;
    inject(&rig, Fault::body(Endpoint::OidcClients, body));
    let client = read(&rig, "oc_1").await.unwrap();
    let encoded = prost::Message::encode_to_vec(&client);
    let leaked = encoded.windows(8).any(|bytes| bytes == b"ras_leak");
    assert!(!leaked, "{client:?}");
    assert_eq!(client.config.unwrap().hub_title.as_deref(), Some("t"));
}

/// A change goes on if its caller leaves, and the same call gets its answer with the secret.
#[tokio::test]
async fn a_caller_that_leaves_finds_its_client_and_the_secret() {
    let rig = rig().await;
    let slow = Fault::delay(Endpoint::OidcClients, std::time::Duration::from_millis(500));
    inject(&rig, slow.times(1));
    let mut request = create(named("Slow"));
    request.request_id = "slow".into();
    let (mut stub, first) = (manager(&rig), request.clone());
    let left = tokio::spawn(async move { stub.create_oidc_client(first).await });
    until("the request", || asked(&rig) == 1).await;
    left.abort();
    let answer = manager(&rig).create_oidc_client(request).await.unwrap().into_inner();
    assert!(answer.oidc_client.unwrap().credentials[0].secret.is_some());
    assert_eq!(asked(&rig), 1);
    // Its own deadline ends a call, and not the change.
    let slow = Fault::delay(Endpoint::OidcClients, std::time::Duration::from_millis(600));
    inject(&rig, slow.times(1));
    let mut hurried = create(named("Hurried"));
    hurried.request_id = "hurried".into();
    let mut short = tonic::Request::new(hurried.clone());
    short.set_timeout(std::time::Duration::from_millis(200));
    let answer = manager(&rig).create_oidc_client(short).await;
    assert_eq!(answer.unwrap_err().code(), Code::DeadlineExceeded);
    manager(&rig).create_oidc_client(hurried).await.unwrap();
    assert_eq!(asked(&rig), 1);
}
