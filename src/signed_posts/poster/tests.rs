//! Messages to a real server, which answers as a misbehaving one would.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use test_support::issuer::{Issuer, Reply};
use tokio::sync::Semaphore;

use super::{MessageId, Post, PostKind, SignedPoster, Signer};
use crate::{
    config::{self, OutboundTls, PostTarget, SigningSecret, WebAddress},
    upstream::{BodyKind, Client, HttpAnswer, UpstreamError},
};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const KIND: PostKind = PostKind { body: BodyKind::Json, max_answer_bytes: 100 };

fn poster(receiver: &Issuer, path: &str, kind: PostKind) -> SignedPoster {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let config = config::parse("test.yaml", "", &BTreeMap::from([app()])).unwrap();
    let client = Client::of_config(&config, Duration::from_secs(5)).unwrap();
    let target = PostTarget {
        url: WebAddress::document(&format!("{}{path}", receiver.url()), false).unwrap(),
        secrets: vec![SigningSecret::parse(SECRET).unwrap()],
        allow_insecure_http: false,
        tls: OutboundTls::default(),
    };
    SignedPoster::new(&client, &target, kind)
}

fn app() -> (String, String) {
    ("ROWND_APP_ID".to_owned(), "app_test".to_owned())
}

async fn post(poster: &SignedPoster, timeout: Duration) -> Result<HttpAnswer, UpstreamError> {
    let id = MessageId::of("msg_1").unwrap();
    poster.post(Post { id: &id, body: Bytes::from_static(b"{\"a\":1}"), timeout }).await
}

const LONG: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_message_is_sent_once_with_a_signature_of_its_bytes() {
    let receiver = Issuer::start();
    receiver.set("/in", Reply::text("{}"));
    let answer = post(&poster(&receiver, "/in?to=us", KIND), LONG).await.unwrap();
    assert_eq!((answer.status, &*answer.body), (200, &b"{}"[..]));
    let received = receiver.received();
    let [request] = received.as_slice() else { panic!("{received:?}") };
    assert!(request.head.starts_with("POST /in?to=us HTTP/1.1\r\n"), "{}", request.head);
    assert_eq!(request.body, b"{\"a\":1}");
    assert_eq!(request.header("content-type"), ["application/json"]);
    assert_eq!(request.header("webhook-id"), ["msg_1"]);
    let time: u64 = request.header("webhook-timestamp")[0].parse().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert!(now - time < 60, "{time} {now}");
    let signer = Signer::new(&[SigningSecret::parse(SECRET).unwrap()]);
    let expected = signer.sign(&MessageId::of("msg_1").unwrap(), time, &request.body);
    assert_eq!(request.header("webhook-signature"), [expected]);
}

#[tokio::test]
async fn an_event_has_the_type_of_events() {
    let receiver = Issuer::start();
    let kind = PostKind { body: BodyKind::CloudEvent, ..KIND };
    assert_eq!(post(&poster(&receiver, "/none", kind), LONG).await.unwrap().status, 404);
    assert_eq!(receiver.received()[0].header("content-type"), ["application/cloudevents+json"]);
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let receiver = Issuer::start();
    for status in [301, 302, 307, 308] {
        receiver.set("/in", Reply::redirect(status, "/other"));
        assert_eq!(post(&poster(&receiver, "/in", KIND), LONG).await.unwrap().status, status);
    }
    assert_eq!(receiver.hits("/other"), 0);
}

#[tokio::test]
async fn a_misbehaving_receiver_costs_bounded_time_and_memory() {
    let receiver = Issuer::start();
    let poster = poster(&receiver, "/in", KIND);
    let short = Duration::from_millis(300);
    for (name, reply, timeout, expected) in [
        ("endless", Reply::Endless, LONG, UpstreamError::TooLarge),
        ("too large", Reply::text(vec![b' '; 101]), LONG, UpstreamError::TooLarge),
        ("silent", Reply::Hang, short, UpstreamError::Timeout),
        ("slow", Reply::Drip, short, UpstreamError::Timeout),
    ] {
        receiver.set("/in", reply);
        assert_eq!(post(&poster, timeout).await.err(), Some(expected), "{name}");
    }
    receiver.set("/in", Reply::Reset);
    let error = post(&poster, LONG).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Network(_)), "{error:?}");
    let wait = vec![("retry-after", "7".to_owned())];
    receiver.set("/in", Reply::Answer(503, wait, Vec::new()));
    let expected = UpstreamError::RetryLater(503, Duration::from_secs(7));
    assert_eq!(post(&poster, LONG).await.unwrap().error(), expected);
}

#[tokio::test]
async fn a_message_that_is_given_up_is_not_sent_again() {
    let receiver = Issuer::start();
    let gate = Arc::new(Semaphore::new(0));
    receiver.set("/in", Reply::Gated(gate.clone(), Box::new(Reply::text("{}"))));
    let poster = poster(&receiver, "/in", KIND);
    assert_eq!(post(&poster, Duration::from_millis(300)).await.err(), Some(UpstreamError::Timeout));
    gate.add_permits(1);
    assert_eq!(post(&poster, LONG).await.unwrap().status, 200);
    assert_eq!(receiver.hits("/in"), 2);
}
