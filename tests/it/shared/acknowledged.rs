//! Calls that end tokens are answered when the store of all replicas has it: while it does not answer
//! they wait, without it they say so, and a replica that is killed after its answer loses nothing.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use rownd_authz::{
    grpc::pb::rownd::auth::v1::{
        BatchDeleteUsersRequest, CreateUserRequest, DeleteUserRequest, DisableUserRequest,
        RevokeTokenRequest, SignOutUserRequest, user_service_client::UserServiceClient,
    },
    model::DenyReason,
};
use serde_json::{Value, json};
use tonic::{Code, Request, Status, transport::Endpoint};

use super::{
    KEY,
    changes::{Two, settings_of},
    section,
};
use crate::{
    it::rownd_auth::{
        Bearer, Rig, said,
        tokens::{rig_with_jwts_and, signed_in},
        user_service::{KEEPER, Stub, keeper},
    },
    support::{
        Answer, Ask, TestApp,
        binary::Binary,
        eventually,
        redis::{Kind, Passage, RedisServer, Way},
        redis_sets::{Form, RedisSet},
    },
};

const METHODS: [&str; 4] = ["SignOutUser", "DisableUser", "DeleteUser", "BatchDeleteUsers"];

/// A store that may take so long for one answer that a call waits as long as the test wants.
fn patient(url: &str) -> Value {
    json!({ "url": url, "key": KEY, "timeout": "5s" })
}

async fn call(stub: &mut Stub, method: &str, user: &str) -> Result<(), Status> {
    let user_id = user.to_owned();
    match method {
        "SignOutUser" => {
            let request = SignOutUserRequest { user_id, ..SignOutUserRequest::default() };
            stub.sign_out_user(request).await.map(drop)
        }
        "DisableUser" => {
            let request = DisableUserRequest { user_id, ..DisableUserRequest::default() };
            stub.disable_user(request).await.map(drop)
        }
        "DeleteUser" => {
            let request = DeleteUserRequest { user_id, ..DeleteUserRequest::default() };
            stub.delete_user(request).await.map(drop)
        }
        _ => {
            let user_ids = vec![user_id];
            let request = BatchDeleteUsersRequest { user_ids, ..Default::default() };
            let results = stub.batch_delete_users(request).await?.into_inner().results;
            assert_eq!(results[0].error, None, "{method}");
            Ok(())
        }
    }
}

async fn create(rig: &Rig, user: &str) -> Ask {
    let request = CreateUserRequest { user_id: user.to_owned(), ..CreateUserRequest::default() };
    keeper(rig).create_user(request).await.unwrap();
    Ask::with_token(rig.token(user))
}

/// Whether it is denied as revoked; any other denial ends the test.
fn is_revoked(answer: &Answer) -> bool {
    if answer.is_allowed() {
        return false;
    }
    answer.assert_denied("a revoked token", DenyReason::Revoked);
    true
}

async fn denies(app: &TestApp, ask: &Ask) -> bool {
    is_revoked(&app.check(ask).await)
}

async fn denies_soon(app: &TestApp, what: &str, ask: &Ask) {
    eventually(what, async || denies(app, ask).await.then_some(())).await;
}

/// The number of revocations in the store.
fn stored(server: &RedisServer) -> usize {
    server.tell(&["HLEN", "{rownd-authz}:set:records"])
}

fn not_shared(app: &TestApp, method: &str) -> f64 {
    app.metric("rownd_authz_revocations_not_shared_total", &[("method", method)])
}

#[tokio::test]
async fn a_store_that_pauses_holds_the_answer_back_and_then_has_it() {
    for method in METHODS {
        let set = RedisSet::start(Form::One(Kind::Redis)).await;
        let shared = patient(&set.server().url());
        let two = Two::before(set, &shared, &shared).await;
        let ask = create(&two.rig, "bob").await;
        let server = two.set.server();
        server.stop();
        let mut stub = keeper(&two.rig);
        let answer = tokio::spawn(async move { call(&mut stub, method, "bob").await });
        denies_soon(&two.rig.app, method, &ask).await;
        assert!(!answer.is_finished(), "{method}: answered before the store could have it");
        assert!(two.other.check(&ask).await.is_allowed(), "{method}");
        server.go_on();
        answer.await.unwrap().unwrap_or_else(|status| panic!("{method}: {status:?}"));
        assert_eq!(stored(server), 1, "{method}: in the store when it is answered");
        denies_soon(&two.other, method, &ask).await;
        assert_eq!(not_shared(&two.rig.app, method), 0.0);
    }
}

/// The caller hears within its own time what was done and what was not; one that hangs up changes
/// nothing.
#[tokio::test]
async fn a_caller_whose_time_is_over_or_who_leaves_loses_nothing_but_the_answer() {
    let set = RedisSet::start(Form::One(Kind::Redis)).await;
    let shared = patient(&set.server().url());
    let two = Two::before(set, &shared, &shared).await;
    let (left, late) = (create(&two.rig, "left").await, create(&two.rig, "late").await);
    let server = two.set.server();
    server.stop();
    let mut stub = keeper(&two.rig);
    let leaves = tokio::spawn(async move { call(&mut stub, "SignOutUser", "left").await });
    denies_soon(&two.rig.app, "the local denial", &left).await;
    leaves.abort();
    assert!(leaves.await.unwrap_err().is_cancelled());
    let user_id = "late".to_owned();
    let mut request = Request::new(SignOutUserRequest { user_id, ..Default::default() });
    request.set_timeout(Duration::from_secs(3));
    let answer = keeper(&two.rig).sign_out_user(request).await;
    said(answer).is(Code::Unavailable, "REVOCATION_NOT_SHARED");
    assert!(denies(&two.rig.app, &late).await);
    assert!(two.other.check(&late).await.is_allowed());
    server.go_on();
    for ask in [&left, &late] {
        denies_soon(&two.other, "what nobody was told of", ask).await;
    }
}

#[tokio::test]
async fn without_the_store_the_answer_says_so_and_a_repeat_shares_it() {
    for method in METHODS {
        let two = Two::start().await;
        let ask = create(&two.rig, "bob").await;
        two.set.server().kill();
        let before = std::time::Instant::now();
        for turn in 1..=2 {
            let answer = call(&mut keeper(&two.rig), method, "bob").await;
            said(answer)
                .is(Code::Unavailable, "REVOCATION_NOT_SHARED")
                .tells("done", "issuer,this_replica")
                .tells("not_done", "other_replicas");
            assert_eq!(not_shared(&two.rig.app, method), f64::from(turn), "{method}");
            assert!(denies(&two.rig.app, &ask).await, "{method}: obeyed here");
            assert!(two.other.check(&ask).await.is_allowed(), "{method}");
        }
        assert!(before.elapsed() < Duration::from_secs(15), "{method}: {:?}", before.elapsed());
        two.set.server().restart().await;
        let mut stub = keeper(&two.rig);
        eventually("the repeat", async || call(&mut stub, method, "bob").await.ok()).await;
        assert_eq!(stored(two.set.server()), 1, "{method}");
        denies_soon(&two.other, method, &ask).await;
    }
}

/// The revocation that had no answer goes out by itself.
#[tokio::test]
async fn a_call_that_is_not_repeated_is_shared_later() {
    let two = Two::start().await;
    let ask = create(&two.rig, "bob").await;
    two.set.server().kill();
    said(call(&mut keeper(&two.rig), "SignOutUser", "bob").await)
        .is(Code::Unavailable, "REVOCATION_NOT_SHARED");
    two.set.server().restart().await;
    denies_soon(&two.other, "the other replica", &ask).await;
}

/// The replica that deleted the user cannot reach the store, and may be gone: the repeat comes to
/// another one, where the user is not there any more.
#[tokio::test]
async fn a_deletion_can_be_repeated_at_another_replica() {
    let set = RedisSet::start(Form::One(Kind::Redis)).await;
    let way = Way::to(set.server().address).await;
    let direct = section(&set.server().url());
    let two = Two::before(set, &section(&way.url()), &direct).await;
    for (method, user) in [("DeleteUser", "bob"), ("BatchDeleteUsers", "eve")] {
        way.set(Passage::Open);
        let ask = create(&two.rig, user).await;
        way.set(Passage::Cut);
        said(call(&mut keeper(&two.rig), method, user).await)
            .is(Code::Unavailable, "REVOCATION_NOT_SHARED");
        assert!(two.other.check(&ask).await.is_allowed(), "{method}");
        let user_id = user.to_owned();
        if method == "DeleteUser" {
            // The tokens end in any case; whether a missing user is an error, the caller says.
            let answer = call(&mut two.second(), method, user).await;
            said(answer).is(Code::NotFound, "USER_NOT_FOUND");
            assert!(denies(&two.other, &ask).await, "{method}");
            let gladly = DeleteUserRequest { user_id, allow_missing: true, ..Default::default() };
            two.second().delete_user(gladly).await.unwrap();
        } else {
            let request = BatchDeleteUsersRequest { user_ids: vec![user_id], ..Default::default() };
            let answer = two.second().batch_delete_users(request).await.unwrap().into_inner();
            assert_eq!(answer.results[0].error.as_ref().unwrap().reason, "USER_NOT_FOUND");
        }
        assert!(denies(&two.other, &ask).await, "{method}");
    }
}

/// Nothing is waited for, and a second deletion is refused as ever.
#[tokio::test]
async fn a_user_who_was_never_there_is_not_found() {
    let two = Two::start().await;
    let answer = call(&mut keeper(&two.rig), "DeleteUser", "nobody").await;
    said(answer).is(Code::NotFound, "USER_NOT_FOUND");
    create(&two.rig, "bob").await;
    call(&mut keeper(&two.rig), "DeleteUser", "bob").await.unwrap();
    let answer = call(&mut keeper(&two.rig), "DeleteUser", "bob").await;
    said(answer).is(Code::NotFound, "USER_NOT_FOUND");
}

#[tokio::test]
async fn a_token_that_is_revoked_at_its_provider_is_answered_when_the_store_has_it() {
    let server = RedisServer::start(Kind::Redis).await;
    let shared = section(&server.url());
    let rig = rig_with_jwts_and(|settings| settings["shared"] = shared.clone()).await;
    let revoke = async || {
        let request = RevokeTokenRequest {
            token: signed_in(&rig, "web").await.access_token,
            oidc_client: Some("web".to_owned()),
            token_kind: 0,
        };
        (request.clone(), rig.admin().revoke_token(request).await)
    };
    let (_, answer) = revoke().await;
    assert!(answer.unwrap().into_inner().revoked_here);
    assert_eq!(stored(&server), 1);
    server.kill();
    let (request, answer) = revoke().await;
    said(answer).is(Code::Unavailable, "REVOCATION_NOT_SHARED");
    assert!(denies(&rig.app, &Ask::with_token(request.token.clone())).await);
    assert_eq!(not_shared(&rig.app, "RevokeToken"), 1.0);
    // The token is on the list here already, and the repeat still waits for the store.
    said(rig.admin().revoke_token(request.clone()).await)
        .is(Code::Unavailable, "REVOCATION_NOT_SHARED");
    server.restart().await;
    eventually("the repeat", async || rig.admin().revoke_token(request.clone()).await.ok()).await;
    assert!(stored(&server) >= 1, "in the store when it is answered");
    eventually("the first one, which is put back", async || (stored(&server) == 2).then_some(()))
        .await;
}

/// Two processes and one store. One is killed right after the answer, and what it was told of
/// success is denied by the other, user by user.
#[tokio::test]
async fn nothing_that_a_killed_replica_answered_is_lost() {
    let two = Two::start().await;
    let shared = section(&two.set.server().url());
    let users: Vec<String> = (0..60).map(|number| format!("user-{number}")).collect();
    let mut asks = Vec::new();
    for user in &users {
        asks.push(create(&two.rig, user).await);
    }
    for kill_after in [1, 20] {
        let mut a = Binary::start(&settings_of(&two.rig, &shared)).await;
        a.is_ready().await;
        let channel = Endpoint::from_shared(format!("http://{}", a.grpc)).unwrap();
        let stub =
            UserServiceClient::with_interceptor(channel.connect_lazy(), Bearer(KEEPER.into()));
        let begin = if kill_after == 1 { 0 } else { 20 };
        let calls = users[begin..begin + kill_after + 20].iter().enumerate().map(|(at, user)| {
            let (mut stub, method) = (stub.clone(), METHODS[at % METHODS.len()]);
            async move { (begin + at, call(&mut stub, method, user).await) }
        });
        let mut answers = stream::iter(calls).buffer_unordered(4);
        let (mut acknowledged, mut is_killed) = (Vec::new(), false);
        while let Some((at, answer)) = answers.next().await {
            if answer.is_ok() {
                acknowledged.push(at);
            }
            if acknowledged.len() == kill_after && !is_killed {
                a.signal("KILL");
                is_killed = true;
            }
        }
        a.ended().await;
        assert!(acknowledged.len() >= kill_after);
        for at in acknowledged {
            denies_soon(&two.other, &users[at], &asks[at]).await;
        }
    }
}

/// The line in the log about a change says that the others do not know of it.
#[tokio::test]
async fn the_line_about_the_change_has_the_reason() {
    let two = Two::start().await;
    let shared = section(&two.set.server().url());
    create(&two.rig, "bob").await;
    let a = Binary::start(&settings_of(&two.rig, &shared)).await;
    a.is_ready().await;
    two.set.server().kill();
    let channel = Endpoint::from_shared(format!("http://{}", a.grpc)).unwrap().connect_lazy();
    let mut stub = UserServiceClient::with_interceptor(channel, Bearer(KEEPER.into()));
    said(call(&mut stub, "SignOutUser", "bob").await)
        .is(Code::Unavailable, "REVOCATION_NOT_SHARED");
    let line = a.logged(&["a change was asked for", "REVOCATION_NOT_SHARED"]).await;
    assert_eq!((&line["caller"], &line["subject"]), (&json!("keeper"), &json!("user bob")));
    assert_eq!(line["method"], "SignOutUser");
    a.logged(&["a revocation is obeyed here", "SignOutUser"]).await;
}
