//! Three replicas, real processes with a real Redis, behind one Envoy: one of them is told, and all
//! obey; one of them is killed, and nothing that was acknowledged is lost.
//!
//! In: the emulator as the issuer, commands and calls to one replica. Out: the decisions of Envoy, the
//! requests that the issuer has seen.

use std::{collections::HashSet, path::PathBuf, time::Duration};

use futures_util::future::{join, join_all};
use rownd_authz::grpc::pb::rownd::auth::v1::{
    ExchangeRequest, RefreshTokenGrant, SignOutUserRequest, exchange_request::Grant,
    exchange_response::Outcome, rownd_auth_client::RowndAuthClient,
    user_service_client::UserServiceClient,
};
use rownd_emulator::{Controls, Endpoint as Asked, Fault, Minter, TokenOrder};
use serde_json::{Value, json};
use tempfile::TempDir;
use tonic::{Request, Status, transport::Channel};
use tonic_types::StatusExt as _;

use super::stack::No;
use crate::support::{
    background,
    control::order,
    echo::Echo,
    envoy::{Endpoint, Envoy, EnvoyBuilder},
    eventually,
    gate::Gate,
    product::{Product, Until},
    raw::{Answer, Raw},
    redis::{Kind, RedisServer},
    until,
};

/// A gate for each replica, and one for all of them in turn.
const GATES: [&str; 3] = ["a", "b", "c"];
const ALL: &str = "all";
const SECRET: &str = "the-secret-of-a-backend-of-ours";
const KEY: &str = "c2l4dGVlbi1ieXRlcyEhc2l4dGVlbi1ieXRlcz8/c2g=";

struct Three {
    replicas: Vec<Product>,
    sockets: Vec<PathBuf>,
    envoy: Envoy,
    minter: Minter,
    controls: Controls,
    _server: RedisServer,
    _files: TempDir,
}

/// The gate to these replicas, as the shipped files have it: a replica that is gone is passed over.
fn gate(name: &'static str) -> Gate {
    let again = json!({
        "envoy_grpc": { "cluster_name": name },
        "timeout": "5s",
        "retry_policy": {
            "retry_on": "connect-failure,refused-stream,reset,unavailable",
            "num_retries": 2,
            "retry_host_predicate": [{
                "name": "envoy.retry_host_predicates.previous_hosts",
                "typed_config": { "@type": "type.googleapis.com/envoy.extensions.retry.host\
                                            .previous_hosts.v3.PreviousHostsPredicate" },
            }],
            "host_selection_retry_max_attempts": 10,
        },
    });
    Gate { authz: name, extra: json!({ "grpc_service": again }), ..Gate::new(name) }
}

impl Three {
    async fn start() -> Self {
        let server = RedisServer::start(Kind::Redis).await;
        let any = "127.0.0.1:0".parse().unwrap();
        let bound = background().spawn(rownd_emulator::bind(rownd_emulator::Settings::demo(any)));
        let bound = bound.await.unwrap().unwrap();
        let (minter, controls, app) = (bound.minter(), bound.controls(), bound.settings().clone());
        let config = json!({
            "issuers": [{
                "name": "rownd", "kind": "rownd", "base_url": bound.base_url(),
                "apps": [{ "id": app.app_id, "key": app.app_key, "secret": app.app_secret }],
            }],
            "shared": { "url": server.url(), "key": KEY },
            "rownd_auth": {
                "callers": [{ "name": "backend", "secret": SECRET,
                    "allow": ["exchange", "sign_out_users"] }],
                "timeout": "4s",
            },
            "check": { "timeout": "4s" },
        });
        background().spawn(bound.run(std::future::pending()));
        let (echo, files) = (Echo::start().await, TempDir::new().unwrap());
        let sockets: Vec<PathBuf> = GATES.iter().map(|name| files.path().join(name)).collect();
        let start = |socket: &PathBuf| {
            let mut config = config.clone();
            config["listeners"] =
                json!({ "control": { "address": format!("unix:{}", socket.display()) } });
            Product::start(config, Until::Ready)
        };
        let replicas = join_all(sockets.iter().map(start)).await;
        let endpoints: Vec<Endpoint> = replicas.iter().map(Product::endpoint).collect();
        let mut envoy = EnvoyBuilder::new(echo.address()).authz(ALL, &endpoints).gate(gate(ALL));
        for (name, endpoint) in GATES.into_iter().zip(endpoints) {
            envoy = envoy.authz(name, &[endpoint]).gate(gate(name));
        }
        let envoy = envoy.start().await;
        Self { replicas, sockets, envoy, minter, controls, _server: server, _files: files }
    }

    fn token(&self, order: Value) -> String {
        let order: TokenOrder = serde_json::from_value(order).unwrap();
        self.minter.mint(&order).unwrap()
    }

    async fn ask(&self, gate: &str, token: &str) -> Answer {
        Raw::get("/orders").bearer(token).send(self.envoy.gate(gate)).await
    }

    /// The service is reached through this gate.
    async fn passes(&self, gate: &str, token: &str) {
        let answer = self.ask(gate, token).await;
        assert_eq!(answer.status, 200, "@ {gate}: {}", answer.text());
    }

    async fn is_revoked(&self, gate: &str, token: &str) {
        No::BadCredential.check(&self.ask(gate, token).await, "revoked", gate);
    }

    /// A connection to one replica, as a backend has it.
    async fn channel(&self, replica: usize) -> Channel {
        let Endpoint::Tcp(address) = self.replicas[replica].endpoint() else { panic!("a port") };
        let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{address}"));
        endpoint.unwrap().connect().await.unwrap()
    }

    /// The requests for tokens that the issuer has seen.
    fn requests(&self) -> u64 {
        self.controls.hits(Asked::Token)
    }
}

fn with_secret<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    let secret = format!("Bearer {SECRET}").parse().unwrap();
    request.metadata_mut().insert("authorization", secret);
    request
}

/// The new refresh token for this one.
async fn refresh(channel: Channel, token: &str) -> Result<String, Status> {
    let grant = RefreshTokenGrant { refresh_token: token.to_owned(), ..Default::default() };
    let grant = Some(Grant::RefreshToken(grant));
    let request = with_secret(ExchangeRequest { grant, ..ExchangeRequest::default() });
    match RowndAuthClient::new(channel).exchange(request).await?.into_inner().outcome {
        Some(Outcome::Tokens(tokens)) => Ok(tokens.refresh_token.unwrap()),
        other => panic!("{other:?}"),
    }
}

fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    details.error_info().map(|info| info.reason.clone()).unwrap_or_default()
}

#[tokio::test]
async fn a_user_who_is_signed_out_at_one_replica_is_denied_by_all() {
    let three = Three::start().await;
    let (mine, other) =
        (three.token(json!({ "user": "verified" })), three.token(json!({ "user": "guest" })));
    // Twice: the second time the claims are cached.
    for _ in 0..2 {
        for gate in GATES {
            three.passes(gate, &mine).await;
            three.passes(gate, &other).await;
        }
    }
    let request =
        SignOutUserRequest { user_id: "user_verified".to_owned(), ..SignOutUserRequest::default() };
    let mut users = UserServiceClient::new(three.channel(0).await);
    users.sign_out_user(with_secret(request)).await.unwrap();
    // At once, unless a replica has had no CPU time for a second.
    for gate in GATES {
        eventually("the denial", async || {
            (three.ask(gate, &mine).await.status != 200).then_some(())
        })
        .await;
        three.is_revoked(gate, &mine).await;
        three.passes(gate, &other).await;
    }
    for _ in 0..12 {
        three.is_revoked(ALL, &mine).await;
    }
    // A command does the same, and says which replicas have it: those deny at the very next check.
    let command = json!({ "user_id": "user_guest" });
    eventually("an answer of all replicas", async || {
        let answer = order(&three.sockets[0], "/revoke", &command).await;
        (answer["replicas"] == json!({ "have": 3, "known": 3 })).then_some(())
    })
    .await;
    for gate in GATES {
        three.is_revoked(gate, &other).await;
    }
}

#[tokio::test]
async fn two_hundred_refreshes_over_three_processes_are_one_request() {
    let three = Three::start().await;
    let token = three.token(json!({ "user": "verified", "refresh": true }));
    // All of them come while the first is under way.
    let delay = Fault::delay(Asked::Token, Duration::from_millis(300));
    three.controls.inject(delay.times(1)).unwrap();
    let channels = [three.channel(0).await, three.channel(1).await, three.channel(2).await];
    let all = (0..200).map(|number| refresh(channels[number % 3].clone(), &token));
    let answers: Vec<String> =
        join_all(all).await.into_iter().collect::<Result<_, Status>>().unwrap();
    assert_eq!(three.requests(), 1);
    let distinct: HashSet<&String> = answers.iter().collect();
    assert_eq!(distinct.len(), 1, "all have the same token");
    // It is a good one, at another replica than the one that was asked first.
    refresh(channels[2].clone(), &answers[0]).await.unwrap();
    assert_eq!(three.requests(), 2);
}

/// The replica that has sent a refresh token is killed before the answer comes: the token may be used
/// up, so that no other one sends it, and all callers are told so.
#[tokio::test]
async fn a_replica_that_is_killed_in_a_refresh_leaves_one_request() {
    let mut three = Three::start().await;
    let token = three.token(json!({ "user": "verified", "refresh": true }));
    let delay = Fault::delay(Asked::Token, Duration::from_secs(20));
    three.controls.inject(delay.times(1)).unwrap();
    let [a, b, c] = [three.channel(0).await, three.channel(1).await, three.channel(2).await];
    let sent = token.clone();
    let first = tokio::spawn(async move { refresh(a, &sent).await });
    until("the request at the issuer", || three.requests() == 1).await;
    let others = (0..200).map(|number| {
        let channel = if number % 2 == 0 { b.clone() } else { c.clone() };
        refresh(channel, &token)
    });
    let child = &mut three.replicas[0];
    let kill = async {
        child.child().signal("KILL");
        child.child().exit().await;
    };
    let (answers, ()) = join(join_all(others), kill).await;
    assert!(first.await.unwrap().is_err());
    for answer in answers {
        let reason = reason(&answer.unwrap_err());
        // A caller whose time is over before that of the mark.
        let known = ["REFRESH_OUTCOME_UNKNOWN", "DEADLINE_EXCEEDED"].contains(&reason.as_str());
        assert!(known, "{reason}");
    }
    three.replicas[0].kill_and_start(Until::Ready).await;
    for replica in 0..3 {
        eventually("the outcome that nobody knows", async || {
            let answer = refresh(three.channel(replica).await, &token).await;
            (reason(&answer.unwrap_err()) == "REFRESH_OUTCOME_UNKNOWN").then_some(())
        })
        .await;
    }
    assert_eq!(three.requests(), 1, "never a second use");
}

#[tokio::test]
async fn a_replica_that_is_killed_takes_no_revocation_with_it() {
    let mut three = Three::start().await;
    let good = three.token(json!({ "user": "guest" }));
    let mut acknowledged = Vec::new();
    for number in 0..30 {
        let jti = format!("stolen-{number}");
        let token = three.token(json!({ "user": "verified", "claims": { "jti": jti } }));
        three.passes(GATES[number % 3], &token).await;
        let answer = order(&three.sockets[0], "/revoke", &json!({ "jti": jti })).await;
        assert_eq!(answer["revoked"], true, "{answer}");
        acknowledged.push(token);
    }
    three.replicas[0].child().signal("KILL");
    // Envoy finds out by asking: it asks another replica then.
    for token in &acknowledged {
        three.passes(ALL, &good).await;
        three.is_revoked(ALL, token).await;
        three.is_revoked("b", token).await;
        three.is_revoked("c", token).await;
    }
    three.replicas[0].kill_and_start(Until::Ready).await;
    eventually("the replica behind Envoy", || async {
        (three.ask("a", &good).await.status == 200).then_some(())
    })
    .await;
    for token in &acknowledged {
        three.is_revoked("a", token).await;
    }
}
