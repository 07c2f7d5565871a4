//! The profile room itself, against a server: one request for a user for any number of callers,
//! also if a caller leaves; bounded; kept for a time, and forgotten by command.

use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};

use futures_util::future::join_all;
use rownd_authz::{
    config,
    health::Readiness,
    issuer_api::{self, ApiError},
    metrics::{Labels, Metrics},
    model::{AuthLevel, IdentityFacts, Profile},
    profile::{self, MaxAge, ProfileError, Profiles},
    single_flight::Missed,
    upstream::{Client, UpstreamError},
    verify::{self, MemoryRevocations, Verifier, VerifierLimits},
};
use serde_json::{Value, json};
use tokio::{sync::Semaphore, task::AbortHandle, time::Instant};

use super::settings;
use crate::support::{Issuer, Reply, forge::APP, in_time, page};

/// Profiles and the task that fetches them.
struct Rig {
    profiles: Arc<Profiles>,
    metrics: Arc<Metrics>,
    fetcher: AbortHandle,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.fetcher.abort();
    }
}

fn rig(issuer: &Issuer, profiles: &Value) -> Rig {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let text = settings(issuer, profiles).to_string();
    let config = config::parse("test", &text, &BTreeMap::new()).unwrap_or_else(|e| panic!("{e}"));
    let mut labels = Labels::of_issuers(["rownd".to_owned()]);
    verify::add_labels(&mut labels);
    issuer_api::add_labels(&mut labels);
    profile::add_labels(&mut labels);
    let metrics = Metrics::build(&labels).unwrap();
    let client = Client::build(&config::Network::default(), &[], Duration::from_secs(5)).unwrap();
    let limits =
        VerifierLimits { max_token_bytes: 8192, claims_cache_bytes: 0, refusal_cache_bytes: 0 };
    let revocations = MemoryRevocations::new(&config.revocation, &metrics);
    let readiness = Readiness::new();
    let parts =
        Verifier::build(&config.issuers, limits, revocations, &client, &metrics, &readiness)
            .unwrap();
    let clients = issuer_api::build(&config.issuers, &client, &metrics);
    let issuers = parts.verifier.issuers();
    let (profiles, fetcher) = Profiles::build(&config.profiles, issuers, &clients, &metrics);
    Rig { profiles, metrics, fetcher: tokio::spawn(fetcher.run()).abort_handle() }
}

fn who(user: &str) -> IdentityFacts {
    IdentityFacts {
        app_id: Some(APP.to_owned()),
        ..IdentityFacts::new(user.to_owned(), "rownd".into(), AuthLevel::Verified)
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

/// The profile says whose it is.
fn named(user: &str) -> Reply {
    Reply::json(&json!({ "rownd_user": user }))
}

/// A profile of the user `u`, distinguished by its state.
fn marked(state: &str) -> Reply {
    Reply::json(&json!({ "rownd_user": "u", "state": state }))
}

fn path(user: &str) -> String {
    format!("/applications/{APP}/users/{user}/data")
}

impl Rig {
    async fn get(&self, user: &str) -> Result<Arc<Profile>, ProfileError> {
        self.profiles.get(&who(user), None, soon()).await.map(|known| known.profile)
    }

    fn looked_up(&self, result: &str) -> f64 {
        let text = self.metrics.render();
        page::metric(&text, "rownd_authz_profile_lookups_total", &[("result", result)])
    }
}

fn gate() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(0))
}

#[tokio::test]
async fn many_ask_for_many_users_and_each_gets_their_own_by_one_request() {
    let issuer = Issuer::start();
    let rig = rig(&issuer, &json!({ "max_in_flight": 4 }));
    let users: Vec<String> = (0..20).map(|index| format!("user_{index}")).collect();
    for user in &users {
        issuer.set(&path(user), named(user));
    }
    let all = (0..500).map(|index| {
        let (rig, user) = (&rig, &users[index % users.len()]);
        async move {
            let profile = rig.get(user).await.unwrap();
            assert_eq!(profile.user_id.as_ref(), Some(user));
        }
    });
    in_time("500 callers", join_all(all)).await;
    for user in &users {
        assert_eq!(issuer.hits(&path(user)), 1, "{user}");
    }
    assert_eq!(rig.looked_up("fetched"), 500.0);
    rig.get("user_0").await.unwrap();
    assert_eq!(rig.looked_up("cached"), 1.0);
    let bytes = page::metric(&rig.metrics.render(), "rownd_authz_profile_cache_bytes", &[]);
    assert!(bytes > 20.0 * 256.0, "{bytes}");
}

#[tokio::test]
async fn whoever_asked_first_may_give_up() {
    let issuer = Issuer::start();
    let rig = rig(&issuer, &json!({ "timeout": "30s" }));
    let gate = gate();
    issuer.set(&path("u"), Reply::Gated(gate.clone(), Box::new(named("u"))));
    // Dropped at every point on its way, while it waits too.
    for polls in 0..5 {
        let mut asked = Box::pin(rig.get("u"));
        for _ in 0..polls {
            let once = std::future::poll_fn(|cx| {
                let _ = asked.as_mut().poll(cx);
                std::task::Poll::Ready(())
            });
            once.await;
            tokio::task::yield_now().await;
        }
    }
    let late = Instant::now() + Duration::from_millis(10);
    let result = rig.profiles.get(&who("u"), None, late).await;
    assert_eq!(result.unwrap_err(), ProfileError::Missed(Missed::Late));
    issuer.asked(&path("u"), 1).await;
    let (follower, ()) = tokio::join!(rig.get("u"), async { gate.add_permits(1) });
    assert_eq!(follower.unwrap().user_id.as_deref(), Some("u"));
    assert_eq!(issuer.hits(&path("u")), 1);
}

#[tokio::test]
async fn requests_at_a_time_are_bounded_and_one_slow_user_holds_up_nobody() {
    let issuer = Issuer::start();
    let rig = rig(&issuer, &json!({ "max_in_flight": 2, "timeout": "30s" }));
    let gate = gate();
    issuer.set(&path("slow"), Reply::Gated(gate.clone(), Box::new(named("slow"))));
    for index in 0..50 {
        issuer.set(&path(&format!("user_{index}")), named(&format!("user_{index}")));
    }
    let slow = rig.get("slow");
    let others = async {
        issuer.asked(&path("slow"), 1).await;
        for index in 0..50 {
            in_time("the others", rig.get(&format!("user_{index}"))).await.unwrap();
        }
        gate.add_permits(1);
    };
    let (slow, ()) = tokio::join!(slow, others);
    slow.unwrap();
    assert!(issuer.connections() <= 2, "{} connections", issuer.connections());
}

#[tokio::test]
async fn nobody_is_remembered_for_a_short_time_and_failures_never() {
    let issuer = Issuer::start();
    let rig = rig(&issuer, &json!({ "not_found_ttl": "10m", "ttl": "10m" }));
    for _ in 0..3 {
        assert_eq!(rig.get("nobody").await.unwrap_err(), ProfileError::NotFound);
    }
    assert_eq!(issuer.hits(&path("nobody")), 1);
    issuer.set(&path("u"), Reply::refusal(401));
    let refused = ProfileError::Unavailable(ApiError::KeyRefused(401));
    assert_eq!(rig.get("u").await.unwrap_err(), refused);
    issuer.set(&path("u"), named("u"));
    rig.get("u").await.expect("a failure is not remembered");
    for odd in [".", "..", ""] {
        assert_eq!(rig.get(odd).await.unwrap_err(), ProfileError::NotFound, "{odd:?}");
    }
}

#[tokio::test]
async fn an_issuer_or_app_that_is_not_known_has_no_profiles() {
    let issuer = Issuer::start();
    let rig = rig(&issuer, &json!({}));
    let foreign = IdentityFacts { issuer: "another".into(), ..who("u") };
    let another = IdentityFacts { app_id: Some("app_other".to_owned()), ..who("u") };
    let none = IdentityFacts { app_id: None, ..who("u") };
    for who in [foreign, another, none] {
        let result = rig.profiles.get(&who, None, soon()).await;
        assert_eq!(result.unwrap_err(), ProfileError::Unsupported, "{who:?}");
    }
    assert_eq!(rig.looked_up("unsupported"), 3.0);
    assert_eq!(issuer.connections(), 0);
}

#[tokio::test]
async fn a_caller_may_ask_for_a_younger_profile_and_never_gets_an_older_one() {
    let issuer = Issuer::start();
    let rig = rig(&issuer, &json!({ "ttl": "10m" }));
    issuer.set(&path("u"), named("u"));
    let minute = Duration::from_secs(60);
    let ask = async |max_age: Option<Duration>, allowed: bool| {
        let may_fetch = || if allowed { Ok(()) } else { Err(minute) };
        let younger = max_age.map(|max_age| MaxAge { max_age, may_fetch: &may_fetch });
        rig.profiles.get(&who("u"), younger, soon()).await
    };
    // No limit applies if there is no profile yet, or if the profile is young enough.
    ask(Some(Duration::ZERO), false).await.unwrap();
    ask(None, false).await.unwrap();
    ask(Some(Duration::from_secs(3600)), false).await.unwrap();
    assert_eq!(issuer.hits(&path("u")), 1);
    for younger in [Duration::ZERO, Duration::from_nanos(1)] {
        let refused = ask(Some(younger), false).await;
        assert_eq!(refused.unwrap_err(), ProfileError::TooOften(minute));
    }
    assert_eq!(issuer.hits(&path("u")), 1);
    ask(Some(Duration::ZERO), true).await.unwrap();
    assert_eq!(issuer.hits(&path("u")), 2);
}

#[tokio::test]
async fn an_old_profile_is_taken_on_errors_where_the_operator_says_so() {
    for (stale, taken) in [("10m", true), ("0s", false)] {
        let issuer = Issuer::start();
        let rig = rig(&issuer, &json!({ "ttl": "0s", "stale_on_error": stale }));
        issuer.set(&path("u"), named("u"));
        rig.get("u").await.unwrap();
        for reply in [Reply::refusal(401), Reply::text("x"), Reply::Reset] {
            issuer.set(&path("u"), reply);
            match rig.profiles.get(&who("u"), None, soon()).await {
                Ok(known) => assert!(taken && known.stale, "{stale}"),
                Err(ProfileError::Unavailable(_)) => assert!(!taken, "{stale}"),
                Err(error) => panic!("{stale}: {error:?}"),
            }
        }
        // A deleted user stays deleted.
        issuer.set(&path("u"), Reply::refusal(404));
        assert_eq!(rig.get("u").await.unwrap_err(), ProfileError::NotFound);
    }
}

#[tokio::test]
async fn what_is_invalidated_is_asked_for_again_even_while_it_is_being_fetched() {
    let issuer = Issuer::start();
    let rig = rig(&issuer, &json!({ "ttl": "10m", "timeout": "30s" }));
    issuer.set(&path("u"), named("u"));
    issuer.set(&path("v"), named("v"));
    for user in ["u", "v"] {
        rig.get(user).await.unwrap();
    }
    assert_eq!(rig.profiles.invalidate(Some("u")), 1);
    assert_eq!(rig.profiles.invalidate(Some("nobody")), 0);
    for user in ["u", "v"] {
        rig.get(user).await.unwrap();
    }
    assert_eq!((issuer.hits(&path("u")), issuer.hits(&path("v"))), (2, 1));
    assert_eq!(rig.profiles.invalidate(None), 2);
    // A fetch is under way when the command comes: what it brings is old already.
    let gate = gate();
    issuer.set(&path("u"), Reply::Gated(gate.clone(), Box::new(marked("old"))));
    let before = rig.get("u");
    let after = async {
        issuer.asked(&path("u"), 3).await;
        rig.profiles.invalidate(Some("u"));
        issuer.set(&path("u"), marked("new"));
        let new = rig.get("u").await.unwrap();
        assert_eq!(new.state.as_deref(), Some("new"));
        gate.add_permits(1);
    };
    let (old, ()) = tokio::join!(before, after);
    assert_eq!(old.unwrap().state.as_deref(), Some("old"), "who asked before gets an answer");
    let kept = rig.get("u").await.unwrap();
    assert_eq!(kept.state.as_deref(), Some("new"), "and it is not kept");
    assert_eq!(issuer.hits(&path("u")), 4);
}

#[tokio::test]
async fn an_old_answer_does_not_stand_in_for_a_newer_one_under_way() {
    let issuer = Issuer::start();
    let rig = rig(&issuer, &json!({ "ttl": "10m", "timeout": "30s" }));
    let (first, second) = (gate(), gate());
    let gated = |gate: &Arc<Semaphore>, mark| Reply::Gated(gate.clone(), Box::new(marked(mark)));
    issuer.set(&path("u"), gated(&first, "old"));
    let before = async {
        let old = rig.get("u").await.unwrap();
        assert_eq!(old.state.as_deref(), Some("old"));
        second.add_permits(1);
    };
    let after = async {
        issuer.asked(&path("u"), 1).await;
        rig.profiles.invalidate(Some("u"));
        issuer.set(&path("u"), gated(&second, "new"));
        let asked = rig.get("u");
        let released = async {
            issuer.asked(&path("u"), 2).await;
            first.add_permits(1);
        };
        let (new, ()) = tokio::join!(asked, released);
        assert_eq!(new.unwrap().state.as_deref(), Some("new"));
    };
    tokio::join!(before, after);
    let kept = rig.get("u").await.unwrap();
    assert_eq!(kept.state.as_deref(), Some("new"));
    assert_eq!(issuer.hits(&path("u")), 2, "the newer one was kept");
}

#[tokio::test]
async fn what_piled_up_behind_an_outage_is_asked_for_only_if_somebody_still_waits() {
    let issuer = Issuer::start();
    let rig = rig(&issuer, &json!({ "max_in_flight": 1, "timeout": "100ms" }));
    for user in ["slow", "gone", "waited_for"] {
        issuer.set(&path(user), if user == "slow" { Reply::Hang } else { named(user) });
    }
    let slow = rig.get("slow");
    let others = async {
        issuer.asked(&path("slow"), 1).await;
        let late = Instant::now() + Duration::from_millis(1);
        let gone = rig.profiles.get(&who("gone"), None, late).await;
        assert_eq!(gone.unwrap_err(), ProfileError::Missed(Missed::Late));
        rig.get("waited_for").await.expect("its turn comes");
    };
    let (slow, ()) = tokio::join!(slow, others);
    let late = ApiError::Upstream(UpstreamError::Timeout);
    assert_eq!(slow.unwrap_err(), ProfileError::Unavailable(late));
    assert_eq!(issuer.hits(&path("waited_for")), 1);
    assert_eq!(issuer.hits(&path("gone")), 0, "nobody wants it any more");
    rig.get("gone").await.expect("it is fetched for the next who asks");
}
