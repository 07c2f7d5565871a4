//! One upstream call for one refresh token, across replicas, and never a second one where nobody
//! knows the answer.

use std::{collections::HashSet, time::Duration};

use futures_util::future::join_all;
use rownd_authz::grpc::pb::rownd::auth::v1::{
    ExchangeRequest, Tokens, exchange_response::Outcome, rownd_auth_client::RowndAuthClient,
};
use rownd_emulator::{Endpoint, Fault};
use serde_json::{Value, json};
use tonic::{Code, Status};

use super::{section, shared_in};
use crate::{
    it::rownd_auth::{ADMIN, Bearer, Rig, refresh::grant, said, settings},
    support::{
        TestApp,
        binary::Binary,
        eventually,
        redis::{Kind, Passage, RedisServer, Way},
        redis_sets::{FORMS, Form, RedisSet},
        until,
    },
};

/// Three replicas before one emulator, which counts.
struct Three {
    set: RedisSet,
    rig: Rig,
    others: Vec<TestApp>,
    shared: Value,
}

async fn refresh_at(channel: tonic::transport::Channel, token: &str) -> Result<Outcome, Status> {
    let mut stub = RowndAuthClient::with_interceptor(channel, Bearer(ADMIN.into()));
    let request = ExchangeRequest { grant: Some(grant(token)), ..ExchangeRequest::default() };
    Ok(stub.exchange(request).await?.into_inner().outcome.unwrap())
}

fn tokens(outcome: Outcome) -> Tokens {
    match outcome {
        Outcome::Tokens(tokens) => tokens,
        Outcome::NoTokens(nothing) => panic!("{nothing:?}"),
    }
}

impl Three {
    async fn start(change: impl Fn(&mut Value)) -> Self {
        Self::in_form(Form::One(Kind::Redis), change).await
    }

    async fn in_form(form: Form, change: impl Fn(&mut Value)) -> Self {
        let set = RedisSet::start(form).await;
        let shared = shared_in(&set);
        Self::with(set, shared, change).await
    }

    async fn with(set: RedisSet, shared: Value, change: impl Fn(&mut Value)) -> Self {
        let change = |settings: &mut Value| {
            settings["shared"] = shared.clone();
            change(settings);
        };
        let rig = Rig::with(change).await;
        let mut others = Vec::new();
        for _ in 0..2 {
            let mut settings = settings(&format!("http://{}", rig.emulator));
            change(&mut settings);
            others.push(TestApp::ready(&settings).await);
        }
        Self { set, rig, others, shared }
    }

    fn token(&self) -> String {
        self.rig.mint(&Rig::order("ann").refresh())
    }

    fn hits(&self) -> u64 {
        self.rig.hits(Endpoint::Token)
    }

    /// A refresh at the replica of this number.
    async fn refresh(&self, replica: usize, token: &str) -> Result<Outcome, Status> {
        let app = match replica % 3 {
            0 => &self.rig.app,
            other => &self.others[other - 1],
        };
        refresh_at(app.channel(), token).await
    }

    /// The next answer of the issuer comes this late.
    fn delay(&self, delay: Duration) {
        let fault = Fault { times: Some(1), ..Fault::delay(Endpoint::Token, delay) };
        self.rig.controls.inject(fault).unwrap();
    }
}

#[tokio::test]
async fn two_hundred_refreshes_over_three_replicas_are_one_request() {
    for form in FORMS {
        let three = Three::in_form(form, |_| {}).await;
        let token = three.token();
        three.delay(Duration::from_millis(300));
        let answers = join_all((0..200).map(|index| three.refresh(index, &token))).await;
        let answers: Vec<Tokens> =
            answers.into_iter().map(|answer| tokens(answer.unwrap())).collect();
        assert_eq!(three.hits(), 1, "{form:?}");
        let distinct: HashSet<_> = answers.iter().map(|t| t.refresh_token.clone()).collect();
        assert_eq!(distinct.len(), 1, "{form:?}: all have the same tokens");
        assert!(answers.iter().all(|answer| answer.user_id.as_deref() == Some("ann")));
        // Shortly after, at any replica.
        for replica in 0..3 {
            assert_eq!(tokens(three.refresh(replica, &token).await.unwrap()), answers[0]);
        }
        assert_eq!(three.hits(), 1, "{form:?}");
        // The new refresh token is another one.
        let next = answers[0].refresh_token.clone().unwrap();
        tokens(three.refresh(1, &next).await.unwrap());
        assert_eq!(three.hits(), 2);
    }
}

#[tokio::test]
async fn the_store_holds_no_token() {
    let three = Three::start(|_| {}).await;
    let token = three.token();
    let answer = tokens(three.refresh(0, &token).await.unwrap());
    let all = three.set.server().everything();
    let name = b"}:value:refresh:";
    assert!(all.windows(name.len()).any(|some| some == name), "the answer is there");
    let secrets = [Some(token), Some(answer.access_token), answer.refresh_token, answer.id_token];
    for secret in secrets.into_iter().flatten() {
        // A part would give it away as well.
        for part in secret.as_bytes().chunks(16).filter(|part| part.len() == 16) {
            assert!(!all.windows(16).any(|some| some == part), "a part of a token");
        }
    }
}

#[tokio::test]
async fn a_refusal_is_shared_for_a_moment_and_a_failure_is_tried_again() {
    let three =
        Three::start(|settings| settings["rownd_auth"]["refresh_grace"] = json!("0s")).await;
    let token = three.token();
    tokens(three.refresh(0, &token).await.unwrap());
    // The grace is over at once, except for replicas that wait at this moment.
    eventually("the end of the answer", async || {
        three.refresh(1, &token).await.is_err().then_some(())
    })
    .await;
    said(three.refresh(2, &token).await).is(Code::FailedPrecondition, "REFRESH_TOKEN_REFUSED");
    // The issuer fails: the next caller tries again, at any replica.
    let token = three.token();
    let before = three.hits();
    let fault = Fault { times: Some(1), ..Fault::status(Endpoint::Token, 503) };
    three.rig.controls.inject(fault).unwrap();
    said(three.refresh(0, &token).await).is(Code::Unavailable, "ROWND_UNAVAILABLE");
    tokens(three.refresh(1, &token).await.unwrap());
    assert_eq!(three.hits(), before + 2);
}

/// A real process is killed while the issuer answers: the token may be used up.
#[tokio::test]
async fn a_token_whose_answer_nobody_knows_is_not_sent_again() {
    let three = Three::start(|settings| settings["rownd_auth"]["timeout"] = json!("1s")).await;
    let mut settings = settings(&format!("http://{}", three.rig.emulator));
    settings["shared"] = three.shared.clone();
    settings["rownd_auth"]["timeout"] = json!("1s");
    let binary = Binary::start(&settings).await;
    binary.is_ready().await;
    let token = three.token();
    three.delay(Duration::from_secs(20));
    let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{}", binary.grpc));
    let channel = endpoint.unwrap().connect().await.unwrap();
    let sent = token.clone();
    let caller = tokio::spawn(async move { refresh_at(channel, &sent).await });
    until("the request at the issuer", || three.hits() == 1).await;
    binary.signal("KILL");
    assert!(caller.await.unwrap().is_err());
    eventually("the answer that nobody knows", async || {
        let status = three.refresh(1, &token).await.unwrap_err();
        (said::<()>(Err(status)).reason() == "REFRESH_OUTCOME_UNKNOWN").then_some(())
    })
    .await;
    for replica in 0..3 {
        said(three.refresh(replica, &token).await).is(Code::Unavailable, "REFRESH_OUTCOME_UNKNOWN");
    }
    assert_eq!(three.hits(), 1, "never a second use");
    // Other tokens are not concerned.
    tokens(three.refresh(0, &three.token()).await.unwrap());
}

/// The issuer took the token and did not answer in time.
#[tokio::test]
async fn a_token_that_may_be_used_up_is_not_sent_again() {
    let three = Three::start(|settings| settings["rownd_auth"]["timeout"] = json!("500ms")).await;
    let token = three.token();
    three.delay(Duration::from_secs(5));
    assert!(three.refresh(0, &token).await.is_err());
    eventually("the answer that nobody knows", async || {
        let status = three.refresh(1, &token).await.unwrap_err();
        (said::<()>(Err(status)).reason() == "REFRESH_OUTCOME_UNKNOWN").then_some(())
    })
    .await;
    assert_eq!(three.hits(), 1);
}

/// An issuer that cannot be reached has not got the token.
#[tokio::test]
async fn a_token_that_never_arrived_is_sent_when_the_issuer_is_there_again() {
    let server = RedisServer::start(Kind::Redis).await;
    let rig = Rig::start().await;
    let way = Way::to(rig.emulator).await;
    let address = way.address;
    let mut settings = settings(&format!("http://{}", rig.emulator));
    settings["shared"] = section(&server.url());
    settings["issuers"][0]["issuer"] = json!(format!("http://{}", rig.emulator));
    settings["issuers"][0]["base_url"] = json!(format!("http://{address}"));
    settings["issuers"][0]["jwks_url"] = json!(format!("http://{}/hub/auth/keys", rig.emulator));
    let app = TestApp::start(&settings).await;
    until("readiness", || app.readiness.is_ready()).await;
    let token = rig.mint(&Rig::order("ann").refresh());
    drop(way);
    for _ in 0..2 {
        let reason = said(refresh_at(app.channel(), &token).await).reason();
        assert_eq!(reason, "ROWND_UNAVAILABLE", "nothing was sent, so it may be tried again");
    }
    let _way = Way::at(address, rig.emulator).await;
    eventually("the token sent", async || refresh_at(app.channel(), &token).await.ok()).await;
    assert_eq!(rig.hits(Endpoint::Token), 1);
}

#[tokio::test]
async fn while_the_store_is_gone_nothing_is_sent_or_each_sends_as_configured() {
    let three = Three::start(|_| {}).await;
    let token = three.token();
    three.set.server().kill();
    let began = std::time::Instant::now();
    for replica in 0..3 {
        said(three.refresh(replica, &token).await)
            .is(Code::Unavailable, "SHARED_STATE_UNAVAILABLE");
    }
    assert!(began.elapsed() < Duration::from_secs(6), "each in bounded time");
    assert_eq!(three.hits(), 0, "nothing was sent");
    three.set.server().restart().await;
    eventually("the token sent once", async || three.refresh(0, &token).await.ok()).await;
    assert_eq!(three.hits(), 1);

    let local = Three::start(|settings| settings["shared"]["on_outage"] = json!("local")).await;
    let token = local.token();
    local.set.server().kill();
    tokens(local.refresh(1, &token).await.unwrap());
    assert_eq!(local.hits(), 1, "sent without the store");
}

/// The store wrote the mark, and its answer was lost: nothing was sent, so the token must not count
/// as used.
#[tokio::test]
async fn a_mark_whose_answer_was_lost_is_taken_back() {
    let set = RedisSet::start(Form::One(Kind::Redis)).await;
    let way = Way::to(set.server().address).await;
    let shared = section(&way.url());
    let three = Three::with(set, shared, |_| {}).await;
    let token = three.token();
    way.set(Passage::Deaf);
    said(three.refresh(0, &token).await).is(Code::Unavailable, "SHARED_STATE_UNAVAILABLE");
    assert_eq!(three.hits(), 0);
    way.set(Passage::Open);
    eventually("the token sent once", async || three.refresh(1, &token).await.ok()).await;
    assert_eq!(three.hits(), 1);
}

/// The mark itself comes late, on a connection that was given up: it is removed when it is there.
#[tokio::test]
async fn a_mark_that_comes_late_is_taken_back() {
    let set = RedisSet::start(Form::One(Kind::Redis)).await;
    let way = Way::to(set.server().address).await;
    let shared = section(&way.url());
    let three = Three::with(set, shared, |_| {}).await;
    let token = three.token();
    way.set(Passage::Silent);
    said(three.refresh(0, &token).await).is(Code::Unavailable, "SHARED_STATE_UNAVAILABLE");
    way.set(Passage::Open);
    eventually("the token sent once", async || three.refresh(1, &token).await.ok()).await;
    assert_eq!(three.hits(), 1);
}

/// Another key cannot read the answers, and does not take them for a refusal.
#[tokio::test]
async fn an_answer_that_was_changed_is_an_answer_that_nobody_knows() {
    let three = Three::start(|_| {}).await;
    let token = three.token();
    tokens(three.refresh(0, &token).await.unwrap());
    let names: Vec<String> = three.set.server().tell(&["KEYS", "*value:refresh:*"]);
    assert_eq!(names.len(), 1);
    let mut connection = three.set.server().connection();
    let () = redis::cmd("SETRANGE").arg(&names[0]).arg(30).arg("x").query(&mut connection).unwrap();
    said(three.refresh(1, &token).await).is(Code::Unavailable, "REFRESH_OUTCOME_UNKNOWN");
    assert_eq!(three.hits(), 1);
}
