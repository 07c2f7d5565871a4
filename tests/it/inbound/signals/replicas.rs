//! Two replicas that share their state: a signed event that comes to both is obeyed once, and neither
//! refuses it.

use futures_util::future::join;
use serde_json::json;

use super::{CAEP, FORM, Rig, SET};
use crate::{
    it::{inbound::send, shared::shared_in},
    support::{
        Ask, Claims, TestApp, eventually,
        redis::Kind,
        redis_sets::{Form, RedisSet},
    },
};

/// The rig is the first replica.
struct Two {
    set: RedisSet,
    rig: Rig,
    second: TestApp,
}

impl Two {
    async fn open() -> Self {
        let set = RedisSet::start(Form::One(Kind::Redis)).await;
        let rig = Rig::with(|config| config["shared"] = shared_in(&set)).await;
        let second = TestApp::ready(&rig.settings).await;
        Self { set, rig, second }
    }

    fn event(&self, user: &str) -> String {
        let event = format!("{CAEP}/session-revoked");
        self.rig.signed("secevent+jwt", &self.rig.set(&event, self.rig.user(user)))
    }

    async fn push_to_second(&self, token: &str) -> u16 {
        send(&self.second, "POST /webhooks/idp", SET, token).await.status
    }

    async fn reason_of_second(&self, claims: &Claims) -> String {
        self.second.check(&Ask::with_token(self.rig.key.token(claims))).await.reason().to_owned()
    }

    /// How often each replica has ended a push in this way.
    fn counted(&self, result: &str) -> (f64, f64) {
        let labels = [("kind", "shared_signals_push"), ("result", result)];
        let second = self.second.metric("rownd_authz_inbound_requests_total", &labels);
        (self.rig.counted("shared_signals_push", result), second)
    }
}

#[tokio::test]
async fn an_event_that_comes_to_two_replicas_is_obeyed_once_and_taken_by_both() {
    let two = Two::open().await;
    let token = two.event("ann");
    let before = two.rig.access("ann", 60);
    assert_eq!(two.reason_of_second(&before).await, "authenticated");
    assert_eq!(two.rig.push_raw(&token).await.0, 202);
    assert_eq!(two.reason_of_second(&before).await, "revoked", "at the very next check");
    for _ in 0..2 {
        assert_eq!(two.push_to_second(&token).await, 202);
    }
    assert_eq!((two.counted("ok"), two.counted("duplicate")), ((1.0, 0.0), (0.0, 2.0)));
    // The first replica knows it from memory.
    assert_eq!(two.rig.push_raw(&token).await.0, 202);
    assert_eq!(two.counted("duplicate"), (1.0, 2.0));
}

/// At the same moment both may obey it, which revokes the same as once.
#[tokio::test]
async fn events_that_come_to_both_at_once_are_taken_by_both() {
    let two = Two::open().await;
    for index in 0..20 {
        let user = format!("user-{index}");
        let token = two.event(&user);
        let (first, second) = join(two.rig.push_raw(&token), two.push_to_second(&token)).await;
        assert_eq!((first.0, second), (202, 202), "{user}");
        let before = two.rig.access(&user, 60);
        assert_eq!(two.rig.reason(&before).await, "revoked", "{user}");
        assert_eq!(two.reason_of_second(&before).await, "revoked", "{user}");
    }
    let (ok, again) = (two.counted("ok"), two.counted("duplicate"));
    assert_eq!(ok.0 + ok.1 + again.0 + again.1, 40.0, "each is counted");
    assert!(ok.0 + ok.1 >= 20.0, "each was obeyed");
}

/// A revocation that could not be shared is not acknowledged, so that its sender sends it again.
#[tokio::test]
async fn an_event_is_not_acknowledged_before_all_have_it() {
    let two = Two::open().await;
    two.set.server().kill();
    let token = two.event("bob");
    let (status, body) = two.rig.push_raw(&token).await;
    assert_eq!((status, &body["reason"]), (503, &json!("not_shared")), "{body}");
    let before = two.rig.access("bob", 60);
    assert_eq!(two.rig.reason(&before).await, "revoked", "obeyed here all the same");
    assert_eq!(two.reason_of_second(&before).await, "authenticated");
    two.set.server().restart().await;
    eventually("the event taken by the other replica", async || {
        (two.push_to_second(&token).await == 202).then_some(())
    })
    .await;
    assert_eq!(two.reason_of_second(&before).await, "revoked");
}

/// A provider sends a logout token once: the second replica refuses it, and the logout holds at both.
#[tokio::test]
async fn a_logout_token_is_taken_by_one_replica_alone() {
    let two = Two::open().await;
    let token = two.rig.signed("logout+jwt", &two.rig.logout("sub", "eve"));
    assert_eq!(two.rig.log_out(&token).await.0, 200);
    let body = format!("logout_token={token}");
    let answer = send(&two.second, "POST /webhooks/logout", FORM, &body).await;
    assert_eq!((answer.status, answer.json()["error"].clone()), (400, json!("invalid_request")));
    for replica in [&two.rig.app, &two.second] {
        let ask = Ask::with_token(two.rig.key.token(&two.rig.access("eve", 60)));
        assert_eq!(replica.check(&ask).await.reason(), "revoked");
    }
}
