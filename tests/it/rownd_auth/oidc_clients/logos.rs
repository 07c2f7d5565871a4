//! Logos: what is taken, what is refused before it is sent, and the paths to which it is sent.

use bytes::Bytes;
use rownd_authz::grpc::pb::rownd::auth::v1::{
    OidcClient, OidcLogoBackground, UploadOidcClientLogoRequest,
};
use rownd_emulator::{Endpoint, Fault};
use serde_json::json;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::{asked, callers, made, manager, read, rig, web};
use crate::it::rownd_auth::{APP, Rig, assert_field, said};

const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\"><path d=\"M0 0h8v8z\"/></svg>";
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

fn png() -> Vec<u8> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD.decode(PNG).unwrap()
}

fn logo(id: &str, content: impl Into<Bytes>) -> UploadOidcClientLogoRequest {
    UploadOidcClientLogoRequest {
        app_id: Some(APP.into()),
        id: id.into(),
        background: OidcLogoBackground::Light.into(),
        content: content.into(),
        ..Default::default()
    }
}

async fn upload(rig: &Rig, request: UploadOidcClientLogoRequest) -> Result<OidcClient, Status> {
    let answer = manager(rig).upload_oidc_client_logo(request).await?;
    Ok(answer.into_inner().oidc_client.unwrap())
}

#[tokio::test]
async fn a_png_or_an_svg_becomes_the_logo_of_either_background() {
    let rig = rig().await;
    let client = made(&rig, web()).await;
    for content in [SVG.as_bytes().to_vec(), png()] {
        for background in [OidcLogoBackground::Light, OidcLogoBackground::Dark] {
            let request = UploadOidcClientLogoRequest {
                background: background.into(),
                file_name: Some("Our logo.bin".into()),
                ..logo(&client.id, content.clone())
            };
            let config = upload(&rig, request).await.unwrap().config.unwrap();
            let (uri, word) = match background {
                OidcLogoBackground::Dark => (config.logo_dark_mode_uri.unwrap(), "dark"),
                _ => (config.logo_uri.unwrap(), "light"),
            };
            assert!(uri.ends_with(&format!("{}/logo/{word}", client.id)), "{uri}");
            let sent = reqwest_get(&uri).await;
            assert_eq!(sent, content, "{word}");
        }
    }
    let config = read(&rig, &client.id).await.unwrap().config.unwrap();
    assert_eq!(config.other, web().config.unwrap().other, "the rest stays");
}

/// The body at this address, over plain HTTP/1.
async fn reqwest_get(uri: &str) -> Vec<u8> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let url = url::Url::parse(uri).unwrap();
    let address = (url.host_str().unwrap().to_owned(), url.port().unwrap());
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", url.path());
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    answer.split_off(end + 4)
}

#[tokio::test]
async fn a_file_that_is_no_logo_is_never_sent() {
    let rig = rig().await;
    let svg = |inner: &str| SVG.replace("<path", &format!("{inner}<path")).into_bytes();
    let files = [
        Vec::new(),
        svg("<script>alert(1)</script>"),
        svg("<foreignObject/>"),
        svg("<g onload=\"alert(1)\"/>"),
        svg("<a href=\"javascript:alert(1)\"/>"),
        svg("<use href=\"https://evil.test/x.svg#a\"/>"),
        svg("<image href=\"data:image/svg+xml;base64,PHN2Zy8+\"/>"),
        svg("<style>@import 'https://evil.test/x.css'</style>"),
        svg("<rect fill=\"url(https://evil.test/x)\"/>"),
        svg("<?xml-stylesheet href=\"https://evil.test/x\"?>"),
        [b"<!DOCTYPE svg [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>", SVG.as_bytes()].concat(),
        b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec(),
        b"PK\x03\x04".to_vec(),
        b"GIF89a".to_vec(),
        b"<html><body/></html>".to_vec(),
        [&png()[..], b"<script>"].concat(),
        png()[..40].to_vec(),
        [SVG, &" ".repeat(5_000_001 - SVG.len())].concat().into_bytes(),
        [SVG, &" ".repeat((5 << 20) + 1 - SVG.len())].concat().into_bytes(),
    ];
    for file in files {
        let shown = String::from_utf8_lossy(&file[..file.len().min(80)]).into_owned();
        let answer = upload(&rig, logo("oc_shop", file)).await;
        let said = said(answer).is(Code::InvalidArgument, "BAD_REQUEST");
        assert_eq!(said.field.as_deref(), Some("content"), "{shown}");
    }
    // More than a request may have is refused before it is read.
    let huge = vec![b' '; 5_400_000];
    let refused = upload(&rig, logo("oc_shop", huge)).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let reason = refused.get_error_details().error_info().unwrap().reason.clone();
    assert_eq!(reason, "MESSAGE_TOO_LARGE");
    assert_eq!(asked(&rig), 0);
    let most = [SVG, &" ".repeat(5_000_000 - SVG.len())].concat();
    upload(&rig, logo("oc_shop", most)).await.unwrap();
}

#[tokio::test]
async fn a_background_and_a_file_name_are_checked() {
    let rig = rig().await;
    for background in [0, 3, -1] {
        let request = UploadOidcClientLogoRequest { background, ..logo("oc_shop", SVG) };
        assert_field(upload(&rig, request).await, "background");
    }
    for name in ["", "../x.png", "a\r\nx: y", "a/b", "\u{e9}.png", ".x", &"a".repeat(101)] {
        let request = UploadOidcClientLogoRequest {
            file_name: Some((*name).to_owned()),
            ..logo("oc_shop", SVG)
        };
        assert_field(upload(&rig, request).await, "file_name");
    }
    assert_eq!(asked(&rig), 0);
    said(upload(&rig, logo("oc_nobody", SVG)).await).is(Code::NotFound, "OIDC_CLIENT_NOT_FOUND");
}

#[tokio::test]
async fn both_documented_paths_work_and_the_second_is_tried_after_a_404() {
    for (path, requests) in [("specification", 1), ("manual", 1), ("specification_then_manual", 1)]
    {
        let rig = Rig::with(|settings| {
            callers(settings);
            settings["issuers"][0]["api_answers"] = json!({ "logo_path": path });
        })
        .await;
        upload(&rig, logo("oc_shop", SVG)).await.unwrap();
        assert_eq!(asked(&rig), requests, "{path}");
        rig.controls.clear_hits();
        rig.controls.inject(Fault::status(Endpoint::OidcClients, 404).times(1)).unwrap();
        let answer = upload(&rig, logo("oc_shop", SVG)).await;
        if path == "specification_then_manual" {
            answer.unwrap();
            assert_eq!(asked(&rig), 2);
        } else {
            said(answer).is(Code::NotFound, "OIDC_CLIENT_NOT_FOUND");
            assert_eq!(asked(&rig), 1);
        }
    }
}

#[tokio::test]
async fn an_upload_whose_answer_is_no_client_is_followed_by_a_read() {
    let rig = rig().await;
    let client = made(&rig, web()).await;
    rig.controls.clear_hits();
    rig.controls.inject(Fault::body(Endpoint::OidcClients, "{}").after().times(1)).unwrap();
    let changed = upload(&rig, logo(&client.id, SVG)).await.unwrap();
    assert!(changed.config.unwrap().logo_uri.unwrap().ends_with("/logo/light"));
    assert_eq!(asked(&rig), 2);
    // A write that fails is not repeated.
    rig.controls.clear_hits();
    rig.controls.inject(Fault::status(Endpoint::OidcClients, 503).times(1)).unwrap();
    said(upload(&rig, logo(&client.id, SVG)).await).is(Code::Unavailable, "WRITE_OUTCOME_UNKNOWN");
    assert_eq!(asked(&rig), 1);
}
