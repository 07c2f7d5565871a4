//! Breakers: a failing kind of request for an app stops no other requests.

use std::time::Duration;

use serde_json::Map;
use tokio::{net::TcpListener, time::timeout};

use super::{ApiError, AppCredentials, IssuerApi, TIMEOUT, ask, beside, clients};
use crate::{
    config::Secret,
    issuer_api::{AppAndKey, ExchangeError, GuestLevel, Pause, PauseCause, ThirdPartyToken},
};

const GRANTED: &str = "{\"access_token\":\"a.b.c\",\"refresh_token\":\"r\"}";

/// A kind of request, by its word, and the app it is for.
type Request = (&'static str, &'static str);

const EXCHANGE: Request = ("exchange", "app");
/// All that Rownd is asked for users.
const ALL: [Request; 6] = [
    EXCHANGE,
    ("exchange", "other"),
    ("refresh", ""),
    ("guest", "app"),
    ("instant", "app"),
    ("user", "app"),
];

/// Whether it was asked for; an answer of the wrong shape counts as that.
async fn asked(client: &IssuerApi, (kind, app): Request) -> Result<(), ApiError> {
    let (key, secret) = (Secret::new("key"), Secret::new("secret"));
    let exchange = ThirdPartyToken {
        token: Secret::new("token"),
        intent: None,
        user_data: Map::new(),
        group_to_join: None,
        instant_user_id: None,
    };
    let of_api = |error| {
        let ExchangeError::Api(error) = error else { panic!("{error}") };
        error
    };
    let guest = async |key, level| {
        let guests = client.guests.as_ref().unwrap();
        guests.guest(Some(AppAndKey { id: app, key }), level, TIMEOUT).await.map_err(of_api)
    };
    let answer = match kind {
        "exchange" => {
            let app = AppAndKey { id: app, key: None };
            let api = client.third_party_tokens.as_ref().unwrap();
            api.exchange(app, &exchange, TIMEOUT).await.map(|_| ()).map_err(of_api)
        }
        "refresh" => {
            let api = client.refresh_tokens.as_ref().unwrap();
            api.refresh(&Secret::new("refresh"), TIMEOUT).await.map(|_| ())
        }
        "guest" => guest(None, GuestLevel::Guest).await.map(|_| ()),
        "instant" => guest(Some(&key), GuestLevel::Instant).await.map(|_| ()),
        _ => {
            let app = AppCredentials { id: app, key: &key, secret: &secret };
            client.user_profiles.as_ref().unwrap().user(app, "u", TIMEOUT).await.map(|_| ())
        }
    };
    if answer == Err(ApiError::Shape) { Ok(()) } else { answer }
}

#[tokio::test]
async fn a_rate_limit_stops_only_its_own_kind_of_request() {
    for (index, limited) in ALL.into_iter().enumerate() {
        beside(async |server, clients| {
            server.say(429, "retry-after: 60\r\n", "");
            server.say(200, "", GRANTED);
            let minute = Some(Duration::from_secs(60));
            assert_eq!(asked(&clients[0], limited).await, Err(ApiError::Limited(minute)));
            for (other, request) in ALL.into_iter().enumerate() {
                match asked(&clients[0], request).await {
                    Ok(()) => assert_ne!(other, index, "{request:?} is to be left out"),
                    Err(ApiError::Paused(Pause { wait, cause: PauseCause::Limit })) => {
                        assert_eq!(other, index, "{limited:?} holds up {request:?}");
                        assert!(wait > Duration::from_secs(50), "{wait:?}");
                    }
                    Err(error) => panic!("{limited:?}, then {request:?}: {error}"),
                }
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_broken_token_validator_stops_only_its_own_app() {
    beside(async |server, clients| {
        server.say(500, "", "");
        for _ in 0..5 {
            assert!(asked(&clients[0], EXCHANGE).await.is_err());
        }
        server.answers.lock().unwrap().clear();
        server.say(200, "", GRANTED);
        for request in ALL {
            let answer = asked(&clients[0], request).await;
            let paused =
                matches!(&answer, Err(ApiError::Paused(Pause { cause: PauseCause::Failures, .. })));
            assert_eq!(paused, request == EXCHANGE, "{request:?}: {answer:?}");
            assert!(paused || answer.is_ok(), "{request:?}: {answer:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn repeated_requests_of_one_call_count_once() {
    beside(async |server, clients| {
        server.say(503, "", "");
        for call in 0..5 {
            let answer = ask(&clients[0], "u").await;
            assert!(!matches!(answer, Err(ApiError::Paused(_))), "call {call}: {answer:?}");
        }
        assert!(server.heads().len() > 5, "no call was tried again: the test tests nothing");
        assert!(matches!(ask(&clients[0], "u").await, Err(ApiError::Paused(_))));
    })
    .await;
}

#[tokio::test]
async fn a_caller_that_gives_up_does_not_count_as_a_failure() {
    // It takes connections and never answers.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let clients = clients(&format!("http://{}", listener.local_addr().unwrap()));
    for request in ALL {
        for _ in 0..20 {
            let left = timeout(Duration::from_millis(5), asked(&clients[0], request)).await;
            assert!(left.is_err(), "{request:?}: {left:?}");
        }
    }
}
