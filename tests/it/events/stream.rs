//! `EventService.StreamEvents`: who may read, from where, and how a stream ends.

use rownd_authz::grpc::pb::rownd::auth::v1::{
    Event, StreamEventsRequest, StreamEventsResponse, event_service_client::EventServiceClient,
};
use serde_json::{Value, json};
use tonic::{Code, Request, Status, Streaming};
use tonic_types::StatusExt as _;

use super::{anonymous, token};
use crate::support::{Ask, Issuer, Key, TestApp, config, in_time};

const READER: &str = "a-reader-secret-of-this-test";
const BOUNDED: &str = "a-bounded-secret-of-this-test";
const OTHER: &str = "another-secret-of-this-test";

fn settings(issuer: &Issuer) -> Value {
    let mut settings = config(issuer);
    settings["events"] =
        json!({ "sinks": [{ "name": "readers", "stream": { "keep_events": 50 } }] });
    settings["rownd_auth"] = json!({ "callers": [
        { "name": "reader", "secret": READER, "allow": ["read_events"] },
        { "name": "bounded", "secret": BOUNDED, "allow": ["read_events"], "issuers": ["rownd"] },
        { "name": "other", "secret": OTHER, "allow": ["verify"] },
    ] });
    settings
}

async fn stream(
    app: &TestApp,
    secret: &str,
    request: StreamEventsRequest,
) -> Result<Streaming<StreamEventsResponse>, Status> {
    let mut request = Request::new(request);
    request.metadata_mut().insert("authorization", format!("Bearer {secret}").parse().unwrap());
    let mut client = EventServiceClient::new(app.channel());
    let opened = client.stream_events(request);
    in_time("the beginning of a stream", opened).await.map(tonic::Response::into_inner)
}

async fn next(stream: &mut Streaming<StreamEventsResponse>) -> (String, Event) {
    let message = in_time("an event", stream.message()).await.unwrap().unwrap();
    (message.cursor, message.event.unwrap())
}

async fn end(stream: &mut Streaming<StreamEventsResponse>) -> Status {
    in_time("the end of a stream", async {
        loop {
            if let Err(status) = stream.message().await {
                return status;
            }
        }
    })
    .await
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

async fn deny(app: &TestApp, times: usize) {
    let (ask, reason) = anonymous();
    for _ in 0..times {
        app.check(&ask).await.assert_denied("no token", reason);
    }
}

async fn open() -> (Key, Issuer, TestApp) {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let app = TestApp::ready(&settings(&issuer)).await;
    (key, issuer, app)
}

fn all() -> StreamEventsRequest {
    StreamEventsRequest { from_oldest: true, ..Default::default() }
}

#[tokio::test]
async fn events_come_in_order_and_a_cursor_takes_up_behind_the_last_one() {
    let (_key, _issuer, app) = open().await;
    deny(&app, 3).await;
    let mut one = stream(&app, READER, all()).await.unwrap();
    let (_, first) = next(&mut one).await;
    let (cursor, second) = next(&mut one).await;
    assert_eq!(first.r#type, "io.rownd.auth.v1.check.denied");
    assert!(first.time.is_some() && first.data.unwrap().fields.contains_key("reason"));
    drop(one);
    let behind = StreamEventsRequest { cursor, ..Default::default() };
    let mut two = stream(&app, READER, behind).await.unwrap();
    let (_, third) = next(&mut two).await;
    let number = |event: &Event| event.id.rsplit('-').next().unwrap().parse::<u64>().unwrap();
    assert!(number(&second) < number(&third));
    deny(&app, 1).await;
    let (_, fourth) = next(&mut two).await;
    assert!(number(&third) < number(&fourth));
    let from_now = stream(&app, READER, StreamEventsRequest::default()).await;
    let mut from_now = from_now.unwrap();
    deny(&app, 1).await;
    let (_, fifth) = next(&mut from_now).await;
    assert!(number(&fourth) < number(&fifth), "only what comes next");
}

#[tokio::test]
async fn a_reader_gets_its_types_and_its_issuers() {
    let (key, issuer, app) = open().await;
    deny(&app, 1).await;
    let ask = Ask::with_token(token(&key, &issuer, "1"));
    app.check(&ask).await.assert_allowed("a good token", "authenticated");
    let verified = StreamEventsRequest { types: vec!["token.verified".to_owned()], ..all() };
    let (_, event) = next(&mut stream(&app, READER, verified).await.unwrap()).await;
    assert_eq!(event.r#type, "io.rownd.auth.v1.token.verified");
    // A denial without a token is of no issuer, so it is none of the bounded caller's.
    let (_, event) = next(&mut stream(&app, BOUNDED, all()).await.unwrap()).await;
    assert_eq!(event.r#type, "io.rownd.auth.v1.token.verified");
}

#[tokio::test]
async fn a_stream_that_cannot_begin_says_why() {
    let (_key, issuer, app) = open().await;
    let cursor =
        |cursor: &str| StreamEventsRequest { cursor: cursor.to_owned(), ..Default::default() };
    let both = StreamEventsRequest { from_oldest: true, ..cursor("x") };
    let unknown = StreamEventsRequest { types: vec!["user.delete".to_owned()], ..all() };
    for (name, secret, request, code, expected) in [
        ("another right", OTHER, all(), Code::PermissionDenied, "CALLER_NOT_GRANTED"),
        (
            "nobody",
            "an-unknown-secret-of-this-test",
            all(),
            Code::PermissionDenied,
            "CALLER_UNKNOWN",
        ),
        ("no cursor of ours", READER, cursor("x"), Code::FailedPrecondition, "EVENTS_GONE"),
        ("both", READER, both, Code::InvalidArgument, "BAD_REQUEST"),
        ("an unknown type", READER, unknown, Code::InvalidArgument, "BAD_REQUEST"),
    ] {
        let status = stream(&app, secret, request).await.map(|_| ()).unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (code, expected), "{name}");
    }
    let mut without = settings(&issuer);
    without["events"]["sinks"][0] =
        json!({ "name": "out", "stdout": {}, "types": ["user.deleted"] });
    let app = TestApp::ready(&without).await;
    let status = stream(&app, READER, all()).await.map(|_| ()).unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::FailedPrecondition, "EVENTS_NOT_KEPT")
    );
}

#[tokio::test]
async fn a_drain_ends_a_stream_with_a_reason() {
    let (_key, _issuer, mut app) = open().await;
    deny(&app, 1).await;
    let mut open = stream(&app, READER, all()).await.unwrap();
    let _ = next(&mut open).await;
    app.stop();
    let status = end(&mut open).await;
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Unavailable, "EVENT_STREAM_ENDED")
    );
    app.ended().await;
}

#[tokio::test]
async fn the_time_of_the_caller_ends_a_stream() {
    let (_key, _issuer, app) = open().await;
    let mut request = Request::new(StreamEventsRequest::default());
    request.metadata_mut().insert("authorization", format!("Bearer {READER}").parse().unwrap());
    request.metadata_mut().insert("grpc-timeout", "300m".parse().unwrap());
    let opened = EventServiceClient::new(app.channel()).stream_events(request).await;
    let status = end(&mut opened.unwrap().into_inner()).await;
    assert_eq!(status.code(), Code::DeadlineExceeded);
}
