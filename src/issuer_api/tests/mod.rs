//! How answers are read, which requests are sent where, and which are tried again.

mod breaker_state;
mod breakers;
mod id_tokens;
mod profiles;
mod shared_refreshes;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::{ApiError, AppCredentials, IssuerApi, OwnUser, Rejection, build};
use crate::{
    config::{self, Secret},
    metrics::{Labels, Metrics},
    model::Profile,
    upstream::{Client as Upstream, UpstreamError},
};

const TIMEOUT: Duration = Duration::from_secs(5);

/// A server that gives these answers in turn, and the last one from then on.
#[derive(Clone, Default)]
struct Server {
    answers: Arc<Mutex<VecDeque<String>>>,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn say(&self, status: u16, headers: &str, body: &str) {
        let text =
            format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len());
        self.answers.lock().unwrap().push_back(text);
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    async fn serve(self, listener: TcpListener) {
        let mut open = futures_util::stream::FuturesUnordered::new();
        loop {
            tokio::select! {
                Ok((stream, _)) = listener.accept() => open.push(self.clone().talk(stream)),
                Some(_) = futures_util::StreamExt::next(&mut open), if !open.is_empty() => {}
            }
        }
    }

    async fn talk(self, mut stream: TcpStream) -> Option<()> {
        loop {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.ok()?);
            }
            self.heads.lock().unwrap().push(String::from_utf8(head).ok()?);
            let answer = {
                let mut answers = self.answers.lock().unwrap();
                if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }
            };
            stream.write_all(answer?.as_bytes()).await.ok()?;
        }
    }
}

/// Runs a test beside a server, with the clients of two issuers that are both there.
async fn beside(test: impl AsyncFnOnce(&Server, &Clients)) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let clients = clients(&format!("http://{}", listener.local_addr().unwrap()));
    let server = Server::default();
    tokio::select! {
        () = server.clone().serve(listener) => {}
        () = test(&server, &clients) => {}
    }
}

/// The APIs of two issuers, and what they count.
struct Clients {
    apis: Vec<IssuerApi>,
    metrics: Arc<Metrics>,
}

impl std::ops::Index<usize> for Clients {
    type Output = IssuerApi;

    fn index(&self, index: usize) -> &IssuerApi {
        &self.apis[index]
    }
}

/// The clients of two issuers whose APIs are below this URL.
fn clients(url: &str) -> Clients {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let issuer = |name: &str, base: &str| {
        json!({ "name": name, "kind": "rownd", "base_url": base, "issuer": format!("https://{name}.test"),
            "apps": [{ "id": "app" }] })
    };
    let settings = json!({ "issuers": [issuer("one", url), issuer("two", &format!("{url}/v2"))] });
    let config = config::parse("test", &settings.to_string(), &BTreeMap::new()).unwrap();
    let mut labels = Labels::of_issuers(["one", "two"].map(str::to_owned));
    super::add_labels(&mut labels);
    let metrics = Metrics::build(&labels).unwrap();
    let upstream =
        Upstream::build(&config::Network::default(), &[], Duration::from_secs(5)).unwrap();
    let apis = build(&config.issuers, &upstream, &metrics).into_iter().flatten().collect();
    Clients { apis, metrics }
}

async fn ask(client: &IssuerApi, user: &str) -> Result<Profile, ApiError> {
    let (key, secret) = (Secret::new("key_1"), Secret::new("ras_1"));
    let app = AppCredentials { id: "app", key: &key, secret: &secret };
    client.user_profiles.as_ref().unwrap().user(app, user, TIMEOUT).await
}

#[tokio::test]
async fn an_id_is_one_path_segment_and_key_and_secret_are_sent() {
    beside(async |server, clients| {
        server.say(200, "", "{\"state\":\"enabled\"}");
        for (user, segment) in [
            ("user_1", "user_1"),
            ("google-oauth2|1", "google-oauth2%7C1"),
            ("a/b", "a%2Fb"),
            ("100%", "100%25"),
            ("a b?c#d", "a%20b%3Fc%23d"),
            ("a\tb\\c", "a%09b%5Cc"),
            ("\u{e9}", "%C3%A9"),
            ("...", "..."),
        ] {
            ask(&clients[1], user).await.unwrap();
            let heads = server.heads();
            let head = heads.last().unwrap();
            let line = format!("GET /v2/applications/app/users/{segment}/data HTTP/1.1");
            assert_eq!(head.lines().next(), Some(line.as_str()), "{user}");
            assert!(head.contains("x-rownd-app-key: key_1\r\n"), "{head}");
            assert!(head.contains("x-rownd-app-secret: ras_1\r\n"), "{head}");
        }
        let asked = server.heads().len();
        for user in ["", ".", "..", "../x", "%2e%2e", "__sample__", "__UUID__"] {
            assert_eq!(ask(&clients[0], user).await, Err(ApiError::Id), "{user:?}");
        }
        assert_eq!(server.heads().len(), asked, "nobody was asked");
    })
    .await;
}

/// `RowndAuthzAppKeyRefused` takes a rate, which misses the event that makes a series.
#[tokio::test]
async fn requests_with_the_app_key_are_counted_from_zero() {
    beside(async |_server, clients| {
        let text = clients.metrics.render();
        for endpoint in ["app_config", "user"] {
            let line = format!(
                "rownd_authz_rownd_requests_total{{issuer=\"one\",endpoint=\"{endpoint}\",result=\"refused\"}} 0\n"
            );
            assert!(text.contains(&line), "{line} in\n{text}");
        }
    })
    .await;
}

#[tokio::test]
async fn only_transient_errors_are_tried_again() {
    let status = |status| ApiError::Upstream(UpstreamError::Status(status));
    let rejected = |status| ApiError::Rejected(Rejection::new(status, None));
    for (answer, error, requests) in [
        (404, ApiError::NotFound, 1),
        (401, ApiError::KeyRefused(401), 1),
        (403, ApiError::KeyRefused(403), 1),
        (400, rejected(400), 1),
        (402, rejected(402), 1),
        (302, ApiError::Redirected(302), 1),
        (308, ApiError::Redirected(308), 1),
        (429, ApiError::Limited(None), 3),
        (408, status(408), 3),
        (500, status(500), 3),
        (503, status(503), 3),
    ] {
        beside(async |server, clients| {
            let body = json!({ "statusCode": answer, "message": "no" }).to_string();
            server.say(answer, "location: /elsewhere\r\n", &body);
            assert_eq!(ask(&clients[0], "u").await, Err(error));
            assert_eq!(server.heads().len(), requests, "{answer}");
            assert!(!server.heads().iter().any(|head| head.contains("/elsewhere")));
        })
        .await;
    }
    beside(async |server, clients| {
        server.say(500, "", "");
        server.say(200, "", "{\"state\":\"disabled\"}");
        assert!(!ask(&clients[0], "u").await.unwrap().enabled());
        assert_eq!(server.heads().len(), 2);
        let text = clients.metrics.render();
        for (result, count) in [("status", 1), ("ok", 1), ("paused", 0)] {
            let line = format!(
                "rownd_authz_rownd_requests_total{{issuer=\"one\",endpoint=\"user\",result=\"{result}\"}} {count}\n"
            );
            assert!(text.contains(&line), "{line} in\n{text}");
        }
    })
    .await;
}

/// A page of a proxy, an empty answer and the JSON of a gateway say nothing about the user, the token
/// or the key, and are no failure of the API either.
#[tokio::test]
async fn a_refusal_in_another_form_is_of_somebody_else() {
    let bodies =
        ["", "<html><h1>nginx</h1></html>", "{}", r#"{"message":"no Route matched"}"#, "[]"];
    for status in [400, 401, 402, 403, 404, 405, 410, 413, 431, 451] {
        beside(async |server, clients| {
            let token = Secret::new("x");
            for (number, body) in bodies.iter().enumerate() {
                server.say(status, "", body);
                server.say(status, "", body);
                let of_somebody = Err(ApiError::NotOfIssuer(status));
                assert_eq!(ask(&clients[0], "u").await.map(drop), of_somebody, "{body}");
                let key = clients[0].app_ids.as_ref().unwrap().app_of_key(&token, TIMEOUT).await;
                assert_eq!(key.map(drop), of_somebody, "{body}");
                let refresh = clients[0].refresh_tokens.as_ref().unwrap();
                let refreshed = refresh.refresh(&token, TIMEOUT).await;
                assert_eq!(refreshed.map(drop), of_somebody, "{body}");
                let redeem = clients[0].magic_links.as_ref().unwrap();
                let redeemed = redeem.redeem(&token, TIMEOUT).await;
                assert_eq!(redeemed.map(drop), of_somebody, "{body}");
                let own = clients[0].own_profiles.as_ref().unwrap();
                let who = OwnUser { app: Some("app"), id: "u" };
                let own = own.own_user(who, &token, TIMEOUT).unwrap().await;
                assert_eq!(own.map(drop), of_somebody, "{body}");
                assert_eq!(server.heads().len(), 5 * (number + 1), "each is sent, and sent once");
            }
        })
        .await;
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_of_another_shape_or_another_user_is_an_error() {
    beside(async |server, clients| {
        server.say(200, "", "[]");
        assert_eq!(ask(&clients[0], "u").await, Err(ApiError::Shape));
        for other in ["{\"rownd_user\":\"v\"}", "{\"data\":{\"user_id\":\"U\"}}"] {
            server.say(200, "", other);
            ask(&clients[0], "u").await.unwrap_err();
            assert_eq!(ask(&clients[0], "u").await, Err(ApiError::OtherUser), "{other}");
        }
        server.say(200, "", &" ".repeat((1 << 20) + 1));
        ask(&clients[0], "u").await.unwrap_err();
        assert_eq!(ask(&clients[0], "u").await, Err(ApiError::Upstream(UpstreamError::TooLarge)));
    })
    .await;
}

#[tokio::test]
async fn no_request_is_sent_before_the_time_that_the_host_asked_for() {
    beside(async |server, clients| {
        server.say(429, "retry-after: 120\r\n", "");
        let error = ask(&clients[0], "u").await;
        assert_eq!(error, Err(ApiError::Limited(Some(Duration::from_secs(120)))));
        assert_eq!(server.heads().len(), 1);
        // The other issuer's client is of the same host.
        for client in &clients.apis {
            assert!(matches!(ask(client, "u").await, Err(ApiError::Paused(_))));
        }
        assert_eq!(server.heads().len(), 1, "nobody asked");
    })
    .await;
    beside(async |server, clients| {
        server.say(503, "retry-after: 0\r\n", "");
        server.say(200, "", "{\"rownd_user\":\"u\"}");
        assert!(ask(&clients[0], "u").await.is_ok(), "a short wait is waited for");
    })
    .await;
}

#[tokio::test]
async fn a_failing_host_gets_few_requests_for_many_callers() {
    beside(async |server, clients| {
        server.say(503, "", "");
        for index in 0..200 {
            let _ = ask(&clients[index % 2], "u").await;
        }
        let asked = server.heads().len();
        assert!((5..=20).contains(&asked), "{asked} requests for 200 callers");
    })
    .await;
}
