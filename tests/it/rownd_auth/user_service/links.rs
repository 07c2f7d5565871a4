//! `CreateSignInLink`: links that sign in, and that appear nowhere but in the answer.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rownd_authz::grpc::pb::rownd::auth::v1::{
    CreateSignInLinkRequest, CreateSignInLinkResponse, create_sign_in_link_request::Address,
    user_service_client::UserServiceClient,
};
use rownd_emulator::{Endpoint, Fault};
use serde_json::json;
use tonic::{Code, Status, transport};

use super::{KEEPER, RIGHTS, Rig, data, keeper, read, rig, structure};
use crate::{
    it::rownd_auth::{Bearer, assert_field, said, settings},
    support::{binary::Binary, http::request as http},
};

fn order(user_id: &str) -> CreateSignInLinkRequest {
    CreateSignInLinkRequest {
        user_id: user_id.to_owned(),
        redirect_url: "https://shop.test/in".to_owned(),
        ..CreateSignInLinkRequest::default()
    }
}

fn to_email(email: &str) -> CreateSignInLinkRequest {
    CreateSignInLinkRequest { address: Some(Address::Email(email.to_owned())), ..order("") }
}

async fn link(
    rig: &Rig,
    request: CreateSignInLinkRequest,
) -> Result<CreateSignInLinkResponse, Status> {
    Ok(keeper(rig).create_sign_in_link(request).await?.into_inner())
}

/// Opens the link as an SDK does: the JSON with the tokens.
async fn open(rig: &Rig, link: &str) -> serde_json::Value {
    let path = link.split_once("/hub/").map(|(_, rest)| format!("/hub/{rest}")).unwrap();
    let line = format!("GET {path}");
    let page = http(rig.emulator, &line, "accept: application/json\r\n", "").await;
    serde_json::from_str(&page.body).unwrap_or_else(|error| panic!("{error}: {}", page.body))
}

#[tokio::test]
async fn a_link_signs_its_user_in() {
    let rig = rig().await;
    let made = link(&rig, order("ann")).await.unwrap();
    assert_eq!(made.user_id, "ann");
    let opened = open(&rig, &made.link).await;
    assert_eq!(
        (&opened["app_user_id"], &opened["redirect_url"]),
        (&json!("ann"), &json!("https://shop.test/in"))
    );
    // By an address that Rownd knows, whatever the id says; and by one that is new.
    let known =
        CreateSignInLinkRequest { user_id: "greg".to_owned(), ..to_email("ann@example.com") };
    assert_eq!(link(&rig, known).await.unwrap().user_id, "ann");
    let new = CreateSignInLinkRequest {
        data: structure(json!({ "plan": "pro" })),
        link_data: structure(json!({ "from": "mail" })),
        group_to_join: "group_staff".to_owned(),
        ..to_email("new@example.com")
    };
    let made = link(&rig, new).await.unwrap();
    let opened = open(&rig, &made.link).await;
    assert_eq!(opened["link_data"], json!({ "from": "mail" }));
    let user = read(&rig, &made.user_id).await.unwrap();
    assert_eq!(data(&user, "plan").as_deref(), Some("pro"));
    assert!(user.verified_data.unwrap().fields.contains_key("email"), "opening it proves it");
    assert_eq!(user.memberships[0].group_id, "group_staff");
    let phone = CreateSignInLinkRequest {
        address: Some(Address::PhoneNumber("+15555550100".to_owned())),
        ..order("")
    };
    let made = link(&rig, phone).await.unwrap();
    let user = read(&rig, &made.user_id).await.unwrap();
    assert_eq!(data(&user, "phone_number").as_deref(), Some("+15555550100"));
}

#[tokio::test]
async fn a_link_ends_when_it_says() {
    let rig = rig().await;
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    for (ttl, seconds) in [(None, 2_592_000), (Some(60), 60), (Some(90_000), 90_000)] {
        let ttl = ttl.map(|seconds| prost_types::Duration { seconds, nanos: 0 });
        let before = now();
        let made = link(&rig, CreateSignInLinkRequest { ttl, ..order("ann") }).await.unwrap();
        let end = u64::try_from(made.expire_time.unwrap().seconds).unwrap();
        assert!((before + seconds..=now() + seconds).contains(&end), "{seconds}");
    }
}

#[tokio::test]
async fn a_link_that_cannot_be_meant_is_refused() {
    let rig = rig().await;
    let ttl = |seconds, nanos| Some(prost_types::Duration { seconds, nanos });
    let to = |url: &str| CreateSignInLinkRequest { redirect_url: url.to_owned(), ..order("ann") };
    let phone = |number: &str| CreateSignInLinkRequest {
        address: Some(Address::PhoneNumber(number.to_owned())),
        ..order("")
    };
    let with = |data| CreateSignInLinkRequest { data: structure(data), ..to_email("a@b.test") };
    for (name, request, field) in [
        ("nobody", order(""), "user_id"),
        ("a word of the API", order("__default__"), "user_id"),
        ("no address", to_email("ann"), "email"),
        ("two addresses", to_email("a@b.test,c@d.test"), "email"),
        ("no phone", phone("5550100"), "phone_number"),
        ("nowhere", to(""), "redirect_url"),
        ("a script", to("javascript:alert(1)"), "redirect_url"),
        ("plain http", to("http://shop.test/"), "redirect_url"),
        ("another host by a path", to("//evil.test/"), "redirect_url"),
        ("a backslash", to("/\\evil.test"), "redirect_url"),
        ("a password", to("https://shop.test@evil.test/"), "redirect_url"),
        ("no time", CreateSignInLinkRequest { ttl: ttl(0, 0), ..order("ann") }, "ttl"),
        ("31 days", CreateSignInLinkRequest { ttl: ttl(2_592_001, 0), ..order("ann") }, "ttl"),
        ("a fraction", CreateSignInLinkRequest { ttl: ttl(1, 5), ..order("ann") }, "ttl"),
        ("less than nothing", CreateSignInLinkRequest { ttl: ttl(-5, 0), ..order("ann") }, "ttl"),
        ("two addresses by data", with(json!({ "email": "c@d.test" })), "data"),
        ("null", with(json!({ "plan": null })), "data"),
    ] {
        println!("{name}");
        assert_field(link(&rig, request).await, field);
    }
    assert_eq!(rig.hits(Endpoint::Magic), 0, "nothing was sent");
    for (group, code, reason) in [
        ("group_none", Code::NotFound, "GROUP_NOT_FOUND"),
        ("group_board", Code::FailedPrecondition, "GROUP_NOT_OPEN"),
    ] {
        let request = CreateSignInLinkRequest { group_to_join: group.to_owned(), ..order("ann") };
        said(link(&rig, request).await).is(code, reason);
    }
    let refused = said(link(&rig, with(json!({ "score": "many" }))).await);
    let refused = refused.is(Code::InvalidArgument, "USER_DATA_REFUSED");
    assert_eq!(refused.field.as_deref(), Some("data.score"));
}

#[tokio::test]
async fn a_link_of_another_shape_is_none() {
    let rig = rig().await;
    for body in [
        json!({}),
        json!({ "link": "", "app_user_id": "ann" }),
        json!({ "link": "javascript:alert(1)", "app_user_id": "ann" }),
        json!({ "link": "https://x.test/l", "app_user_id": "" }),
        json!({ "link": 7, "app_user_id": "ann" }),
    ] {
        let fault = Fault::body(Endpoint::Magic, body.to_string()).times(1);
        rig.controls.inject(fault).unwrap();
        said(link(&rig, order("ann")).await).is(Code::Unavailable, "WRITE_OUTCOME_UNKNOWN");
    }
}

#[tokio::test]
async fn a_request_id_makes_one_link() {
    let rig = rig().await;
    let request = CreateSignInLinkRequest { request_id: "mail-7".to_owned(), ..order("ann") };
    let first = link(&rig, request.clone()).await.unwrap();
    assert_eq!(link(&rig, request.clone()).await.unwrap(), first);
    assert_eq!(rig.hits(Endpoint::Magic), 1);
    let other = CreateSignInLinkRequest { user_id: "greg".to_owned(), ..request };
    assert_field(link(&rig, other).await, "request_id");
}

/// The real binary, which logs everything it can.
#[tokio::test]
async fn a_link_appears_in_no_log() {
    let rig = Rig::start().await;
    let mut settings = settings(&format!("http://{}", rig.emulator));
    settings["log"] = json!({ "level": "debug", "format": "json" });
    let callers = settings["rownd_auth"]["callers"].as_array_mut().unwrap();
    callers.push(json!({ "name": "keeper", "secret": KEEPER, "allow": RIGHTS }));
    let binary = Binary::start(&settings).await;
    binary.is_ready().await;
    let endpoint = transport::Endpoint::from_shared(format!("http://{}", binary.grpc)).unwrap();
    let channel = endpoint.connect().await.unwrap();
    let mut stub = UserServiceClient::with_interceptor(channel, Bearer(KEEPER.into()));
    let request =
        CreateSignInLinkRequest { request_id: "mail-8".to_owned(), ..to_email("zoe@example.com") };
    let made = stub.create_sign_in_link(request).await.unwrap().into_inner();
    let answer = stub.create_sign_in_link(order("ann\u{65e5}")).await.unwrap().into_inner();
    let line = binary.logged(&["a change was asked for", "ann"]).await;
    for (name, value) in [
        ("caller", "keeper"),
        ("method", "CreateSignInLink"),
        ("subject", "user ann\u{65e5}"),
        ("code", "Ok"),
    ] {
        assert!(line.to_string().contains(&format!("\"{name}\":\"{value}\"")), "{name}: {line}");
    }
    tokio::time::timeout(Duration::from_secs(5), binary.logged(&["the user of an address"]))
        .await
        .unwrap();
    for secret in [&made.link, &answer.link, "ras_shop", KEEPER, "zoe@example.com"] {
        let id = secret.rsplit('/').next().unwrap();
        let found: Vec<_> = binary.log().into_iter().filter(|line| line.contains(id)).collect();
        assert_eq!(found, [] as [String; 0], "{secret}");
    }
}
