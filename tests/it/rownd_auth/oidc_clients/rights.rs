//! Callers without the right, and callers out of their bounds.

use rownd_authz::grpc::pb::rownd::auth::v1::{
    CreateOidcClientRequest, DeleteOidcClientRequest, GetOidcClientRequest, ListOidcClientsRequest,
    UpdateOidcClientRequest, UploadOidcClientLogoRequest,
    oidc_client_service_client::OidcClientServiceClient,
};
use tonic::{Code, Status, body::Body, client::GrpcService, codegen::StdError};

use super::{BLOGGER, asked, callers, create, manager, named, rig, stub};
use crate::it::rownd_auth::{ADMIN, APP, BLOG, Rig, TRADER, assert_field, said};

/// Every method, with a good request about this app.
async fn all<T>(mut stub: OidcClientServiceClient<T>, app: Option<&str>) -> Vec<Result<(), Status>>
where
    T: GrpcService<Body>,
    T::Error: Into<StdError>,
    T::ResponseBody: tonic::codegen::Body<Data = bytes::Bytes> + Send + 'static,
    <T::ResponseBody as tonic::codegen::Body>::Error: Into<StdError> + Send,
{
    let (issuer, app_id) = (None, app.map(str::to_owned));
    let id = "oc_shop".to_owned();
    let client = Some(named("Web"));
    let content = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>".into();
    let (list, get) = (
        ListOidcClientsRequest { app_id: app_id.clone(), ..Default::default() },
        GetOidcClientRequest { app_id: app_id.clone(), id: id.clone(), issuer: None },
    );
    let new = CreateOidcClientRequest {
        app_id: app_id.clone(),
        oidc_client: client.clone(),
        ..Default::default()
    };
    let mut change = UpdateOidcClientRequest {
        app_id: app_id.clone(),
        oidc_client: client,
        ..Default::default()
    };
    change.oidc_client.as_mut().unwrap().id.clone_from(&id);
    let logo = UploadOidcClientLogoRequest {
        app_id: app_id.clone(),
        id: id.clone(),
        background: 1,
        content,
        ..Default::default()
    };
    let delete = DeleteOidcClientRequest { issuer, app_id, id, etag: String::new() };
    vec![
        stub.list_oidc_clients(list).await.map(|_| ()),
        stub.get_oidc_client(get).await.map(|_| ()),
        stub.create_oidc_client(new).await.map(|_| ()),
        stub.update_oidc_client(change).await.map(|_| ()),
        stub.upload_oidc_client_logo(logo).await.map(|_| ()),
        stub.delete_oidc_client(delete).await.map(|_| ()),
    ]
}

#[tokio::test]
async fn nobody_manages_clients_without_the_right() {
    let rig = rig().await;
    for secret in [ADMIN, TRADER] {
        for answer in all(stub(&rig, secret), Some(APP)).await {
            said(answer).is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
        }
    }
    let nobody = OidcClientServiceClient::new(rig.app.channel());
    for answer in all(nobody, Some(APP)).await {
        said(answer).is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
    }
    for answer in all(stub(&rig, "an-unknown-secret-of-this-test"), Some(APP)).await {
        said(answer).is(Code::PermissionDenied, "CALLER_UNKNOWN");
    }
    assert_eq!(asked(&rig), 0);
    for answer in all(manager(&rig), Some(APP)).await {
        answer.unwrap();
    }
}

#[tokio::test]
async fn a_caller_keeps_to_its_apps() {
    let rig = rig().await;
    for answer in all(stub(&rig, BLOGGER), Some(APP)).await {
        said(answer).is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
    }
    assert_eq!(asked(&rig), 0);
    // Its only app need not be named.
    let answer = stub(&rig, BLOGGER).list_oidc_clients(ListOidcClientsRequest::default()).await;
    assert!(answer.unwrap().into_inner().oidc_clients.is_empty());
    // Another caller has to say which of the two.
    for answer in all(manager(&rig), None).await {
        assert_field(answer, "app_id");
    }
    let of_blog = CreateOidcClientRequest { app_id: Some(BLOG.into()), ..create(named("Blog")) };
    let made = stub(&rig, BLOGGER).create_oidc_client(of_blog).await.unwrap().into_inner();
    assert_eq!(made.oidc_client.unwrap().app_id, BLOG);
}

#[tokio::test]
async fn an_issuer_or_an_app_that_cannot_is_told() {
    let rig = Rig::with(|settings| {
        callers(settings);
        let apps = settings["issuers"][0]["apps"].as_array_mut().unwrap();
        apps.push(serde_json::json!({ "id": "app_without_secret" }));
    })
    .await;
    let list = |issuer: &str, app: &str| ListOidcClientsRequest {
        issuer: Some(issuer.into()),
        app_id: Some(app.into()),
        ..Default::default()
    };
    let list =
        async |issuer: &str, app: &str| manager(&rig).list_oidc_clients(list(issuer, app)).await;
    for issuer in ["sessions", "provider"] {
        said(list(issuer, APP).await)
            .is(Code::Unimplemented, "ISSUER_UNSUPPORTED")
            .tells("issuer", issuer);
    }
    assert_field(list("nobody", APP).await, "issuer");
    assert_field(list("rownd", "app_other").await, "app_id");
    said(list("rownd", "app_without_secret").await)
        .is(Code::FailedPrecondition, "APP_SECRET_MISSING");
    assert_eq!(asked(&rig), 0);
}
