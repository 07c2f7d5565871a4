//! Two replicas with one Redis, before one emulator: what one of them was told, the other knows.

use futures_util::future::join_all;
use rownd_authz::grpc::pb::rownd::auth::v1::{
    CreateUserRequest, CreateUserResponse, DeleteUserRequest, DisableUserRequest,
    SignOutUserRequest, user_service_client::UserServiceClient,
};
use rownd_emulator::{Endpoint, Fault};
use serde_json::{Value, json};
use tonic::{Code, Status};

use super::shared_in;
use crate::{
    it::rownd_auth::{
        Bearer, Rig, assert_field, said, settings,
        user_service::{KEEPER, RIGHTS, Stub, keeper, rig_with, user_of},
    },
    support::{
        Ask, TestApp, eventually,
        redis::Kind,
        redis_sets::{FORMS, Form, RedisSet},
    },
};

/// Two replicas of a service.
pub(super) struct Two {
    pub(super) set: RedisSet,
    pub(super) rig: Rig,
    pub(super) other: TestApp,
}

impl Two {
    pub(super) async fn start() -> Self {
        Self::in_form(Form::One(Kind::Redis)).await
    }

    async fn in_form(form: Form) -> Self {
        let set = RedisSet::start(form).await;
        let shared = shared_in(&set);
        Self::before(set, &shared, &shared).await
    }

    /// The first replica with one section `shared`, and the second with another.
    pub(super) async fn before(set: RedisSet, first: &Value, second: &Value) -> Self {
        let rig = rig_with(|settings| settings["shared"] = first.clone()).await;
        let other = TestApp::ready(&settings_of(&rig, second)).await;
        Self { set, rig, other }
    }

    /// A stub of the keeper at the second replica.
    pub(super) fn second(&self) -> Stub {
        UserServiceClient::with_interceptor(self.other.channel(), Bearer(KEEPER.into()))
    }

    /// Each replica in turn.
    fn of_turn(&self, turn: usize) -> Stub {
        if turn.is_multiple_of(2) { keeper(&self.rig) } else { self.second() }
    }
}

/// The settings of another replica before the same emulator.
pub(super) fn settings_of(rig: &Rig, shared: &Value) -> Value {
    let mut settings = settings(&format!("http://{}", rig.emulator));
    settings["shared"] = shared.clone();
    let keeper = json!({ "name": "keeper", "secret": KEEPER, "allow": RIGHTS });
    settings["rownd_auth"]["callers"].as_array_mut().unwrap().push(keeper);
    settings
}

fn new(request_id: &str, plan: &str) -> CreateUserRequest {
    CreateUserRequest {
        user: user_of(json!({ "plan": plan })),
        request_id: request_id.to_owned(),
        ..CreateUserRequest::default()
    }
}

async fn create(mut stub: Stub, request: CreateUserRequest) -> Result<CreateUserResponse, Status> {
    Ok(stub.create_user(request).await?.into_inner())
}

#[tokio::test]
async fn a_user_whose_tokens_end_at_one_replica_is_denied_by_the_other() {
    let two = Two::start().await;
    let bob = CreateUserRequest { user_id: "bob".to_owned(), ..new("", "a") };
    create(keeper(&two.rig), bob).await.unwrap();
    for (method, user) in [("SignOutUser", "ann"), ("DisableUser", "greg"), ("DeleteUser", "bob")] {
        let ask = Ask::with_token(two.rig.token(user));
        assert!(two.other.check(&ask).await.is_allowed(), "{method}");
        let (mut stub, user_id) = (keeper(&two.rig), user.to_owned());
        let done = match method {
            "SignOutUser" => {
                let request = SignOutUserRequest { user_id, ..SignOutUserRequest::default() };
                stub.sign_out_user(request).await.map(drop)
            }
            "DisableUser" => {
                let request = DisableUserRequest { user_id, ..DisableUserRequest::default() };
                stub.disable_user(request).await.map(drop)
            }
            _ => {
                let request = DeleteUserRequest { user_id, ..DeleteUserRequest::default() };
                stub.delete_user(request).await.map(drop)
            }
        };
        done.unwrap_or_else(|status| panic!("{method}: {status:?}"));
        eventually(method, async || {
            let answer = two.other.check(&ask).await;
            (!answer.is_allowed()).then(|| {
                answer.assert_denied(method, rownd_authz::model::DenyReason::Revoked);
            })
        })
        .await;
    }
}

#[tokio::test]
async fn a_request_id_is_one_change_at_all_replicas() {
    for form in FORMS {
        let two = Two::in_form(form).await;
        let slow = Fault::delay(Endpoint::UserData, std::time::Duration::from_millis(300));
        two.rig.controls.inject(Fault { times: Some(1), ..slow }).unwrap();
        let calls = (0..10).map(|turn| create(two.of_turn(turn), new("once-1", "a")));
        let made: Vec<_> = join_all(calls).await.into_iter().map(Result::unwrap).collect();
        assert!(made.iter().all(|answer| answer == &made[0]), "{form:?}: {made:?}");
        assert_eq!(two.rig.hits(Endpoint::UserData), 1);
        assert_field(create(two.second(), new("once-1", "b")).await, "request_id");
        // Nothing of the change is in Redis in clear text.
        let all = two.set.server().everything();
        let id = &made[0].user.as_ref().unwrap().id;
        let holds = |part: &str| all.windows(part.len()).any(|window| window == part.as_bytes());
        assert!(holds("change:") && !holds(id) && !holds("once-1"));
    }
}

#[tokio::test]
async fn an_outcome_that_one_replica_does_not_know_no_other_tries_again() {
    let two = Two::start().await;
    let lost = Fault::status(Endpoint::UserData, 503).after().times(1);
    two.rig.controls.inject(lost).unwrap();
    for turn in 0..4 {
        let answer = create(two.of_turn(turn), new("lost", "a")).await;
        said(answer).is(Code::Unavailable, "WRITE_OUTCOME_UNKNOWN");
    }
    assert_eq!(two.rig.hits(Endpoint::UserData), 1);
}

/// A refusal has changed nothing, so any replica may make the change afterwards.
#[tokio::test]
async fn a_change_that_was_refused_can_be_made_at_the_other_replica() {
    let two = Two::start().await;
    two.rig.controls.inject(Fault::status(Endpoint::UserData, 402).times(1)).unwrap();
    let refused = create(keeper(&two.rig), new("again", "a")).await;
    said(refused).is(Code::FailedPrecondition, "REQUEST_REFUSED");
    eventually("the change at the other replica", async || {
        create(two.second(), new("again", "a")).await.ok()
    })
    .await;
}

#[tokio::test]
async fn without_redis_no_change_with_a_request_id_is_sent() {
    let two = Two::start().await;
    two.set.server().kill();
    let refused = create(two.second(), new("down", "a")).await;
    said(refused).is(Code::Unavailable, "SHARED_STATE_UNAVAILABLE");
    assert_eq!(two.rig.hits(Endpoint::UserData), 0);
    // One without an id needs nothing that is shared.
    create(two.second(), new("", "a")).await.unwrap();
}
