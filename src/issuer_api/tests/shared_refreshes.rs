//! One refresh token at two replicas, over a store in memory: who sends it, who waits, and what is
//! never sent again. Time is steered.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, advance, sleep};

use crate::{
    config::{OnOutage, Shared},
    issuer_api::{
        ApiError, Granted, RefreshFault, Rejection, SharedRefreshes, Tokens,
        refreshes::{RefreshAnswer, RefreshKey},
        shared_refreshes::RefreshTimes,
    },
    metrics::{Labels, Metrics},
    shared::{LaterWork, MemoryStore, SharedStore, fakes::Gone, later_writes},
    upstream::UpstreamError,
};

const TIMES: RefreshTimes =
    RefreshTimes { timeout: Duration::from_secs(10), grace: Duration::from_secs(10) };
const HOUR: Duration = Duration::from_secs(3600);

fn replica(store: &Arc<dyn SharedStore>, on_outage: OnOutage) -> (Arc<SharedRefreshes>, LaterWork) {
    let mut labels = Labels::default();
    crate::issuer_api::add_labels(&mut labels);
    let settings = Shared::of_tests(on_outage);
    let (later, work) = later_writes(store.clone());
    let metrics = Metrics::build(&labels).unwrap();
    (SharedRefreshes::new(&settings, store.clone(), later, &metrics), work)
}

fn key(token: &str) -> RefreshKey {
    RefreshKey::of(&["issuer", "one", token])
}

/// An issuer that counts, and answers after a while.
#[derive(Default)]
struct Issuer(AtomicUsize);

impl Issuer {
    async fn ask(&self, answer: Result<Granted, ApiError>) -> Result<Granted, ApiError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        sleep(Duration::from_secs(1)).await;
        answer
    }

    fn asked(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

fn granted(token: &str) -> Result<Granted, ApiError> {
    Ok(Granted::Tokens(Box::new(Tokens::new(token))))
}

#[tokio::test(start_paused = true)]
async fn one_replica_sends_and_the_other_gets_its_answer() {
    let store: Arc<dyn SharedStore> = Arc::new(MemoryStore::new());
    let (a, b) = (replica(&store, OnOutage::Refuse), replica(&store, OnOutage::Refuse));
    for (name, answer) in [
        ("tokens", granted("new")),
        ("nothing", Ok(Granted::Nothing(None))),
        ("a refusal", Err(ApiError::Rejected(Rejection::new(400, None)))),
        ("a failure", Err(ApiError::Upstream(UpstreamError::Status(502)))),
    ] {
        let (issuer, key) = (Issuer::default(), key(name));
        let (first, second) = tokio::join!(
            a.0.once(&key, TIMES, issuer.ask(answer.clone())),
            b.0.once(&key, TIMES, issuer.ask(granted("of another request"))),
        );
        let expected: RefreshAnswer = answer.map_err(RefreshFault::Api);
        assert_eq!((&first.0, &second.0), (&expected, &expected), "{name}");
        assert_eq!(issuer.asked(), 1, "{name}");
    }
    // Another token is another request.
    let issuer = Issuer::default();
    let other = b.0.once(&key("other"), TIMES, issuer.ask(granted("other"))).await;
    assert_eq!((other.0.is_ok(), issuer.asked()), (true, 1));
}

#[tokio::test(start_paused = true)]
async fn a_failure_says_nothing_about_the_token_to_a_later_caller() {
    let store: Arc<dyn SharedStore> = Arc::new(MemoryStore::new());
    let (a, b) = (replica(&store, OnOutage::Refuse), replica(&store, OnOutage::Refuse));
    for (name, failure) in [
        ("a status", UpstreamError::Status(503)),
        ("no connection", UpstreamError::Unreached("refused".to_owned())),
        ("no connection in time", UpstreamError::UnreachedInTime),
    ] {
        let (issuer, key) = (Issuer::default(), key(name));
        let failed = a.0.once(&key, TIMES, issuer.ask(Err(ApiError::Upstream(failure)))).await;
        assert!(matches!(failed.0, Err(RefreshFault::Api(_))), "{name}");
        let later = b.0.once(&key, TIMES, issuer.ask(granted("new"))).await;
        assert_eq!((later.0.is_ok(), issuer.asked()), (true, 2), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_may_be_used_up_is_not_sent_again_for_the_time_that_is_set() {
    let store: Arc<dyn SharedStore> = Arc::new(MemoryStore::new());
    let (a, b) = (replica(&store, OnOutage::Refuse), replica(&store, OnOutage::Refuse));
    for (name, failure) in [
        ("no answer in time", ApiError::Upstream(UpstreamError::Timeout)),
        ("a connection that broke", ApiError::Upstream(UpstreamError::Network("reset".to_owned()))),
        ("an answer that is too large", ApiError::Upstream(UpstreamError::TooLarge)),
        ("an answer that is packed", ApiError::Upstream(UpstreamError::Packed("damaged"))),
        ("an answer of another form", ApiError::Shape),
    ] {
        let (issuer, key) = (Issuer::default(), key(name));
        let lost = a.0.once(&key, TIMES, issuer.ask(Err(failure))).await;
        assert_eq!(lost.0, Err(RefreshFault::Unknown), "{name}");
        for replica in [&a, &b] {
            let later = replica.0.once(&key, TIMES, issuer.ask(granted("new"))).await;
            assert_eq!(later.0, Err(RefreshFault::Unknown), "{name}");
        }
        assert_eq!(issuer.asked(), 1, "{name}: never a second use");
        advance(HOUR).await;
        let at_last = b.0.once(&key, TIMES, issuer.ask(granted("new"))).await;
        assert_eq!((at_last.0.is_ok(), issuer.asked()), (true, 2), "{name}");
    }
}

/// A server that is restarted empty: who knows that the token was sent puts the mark back.
#[tokio::test(start_paused = true)]
async fn a_token_under_way_is_not_sent_again_when_the_store_loses_its_mark() {
    let memory = Arc::new(MemoryStore::new());
    let store: Arc<dyn SharedStore> = memory.clone();
    let [a, b, c] = [(); 3].map(|()| replica(&store, OnOutage::Refuse));
    for (name, lost_after, answer) in [
        ("soon", 300, granted("new")),
        ("late", 900, granted("new")),
        ("unknown", 300, Err(ApiError::Shape)),
    ] {
        let (issuer, key) = (Issuer::default(), key(name));
        let other = || issuer.ask(granted("of another request"));
        let after = |millis: u64| sleep(Duration::from_millis(millis));
        let (sent, waited, (), later) = tokio::join!(
            a.0.once(&key, TIMES, issuer.ask(answer.clone())),
            async {
                after(100).await;
                b.0.once(&key, TIMES, other()).await
            },
            async {
                after(lost_after).await;
                memory.lose_values();
            },
            async {
                after(lost_after + 60).await;
                c.0.once(&key, TIMES, other()).await
            },
        );
        assert_eq!(
            waited.0,
            Err(RefreshFault::Unknown),
            "{name}: it saw the mark and then nothing"
        );
        let afterwards = b.0.once(&key, TIMES, other()).await;
        assert_eq!((&later.0, &afterwards.0), (&sent.0, &sent.0), "{name}");
        assert_eq!(issuer.asked(), 1, "{name}: never a second use");
    }
}

/// Without another replica that waits, the replica that sends puts its own mark back.
#[tokio::test(start_paused = true)]
async fn a_replica_keeps_its_mark_while_it_sends() {
    let memory = Arc::new(MemoryStore::new());
    let store: Arc<dyn SharedStore> = memory.clone();
    let (a, b) = (replica(&store, OnOutage::Refuse), replica(&store, OnOutage::Refuse));
    let (issuer, key) = (Issuer::default(), key("alone"));
    let (sent, (), later) = tokio::join!(
        a.0.once(&key, TIMES, issuer.ask(granted("new"))),
        async {
            sleep(Duration::from_millis(100)).await;
            memory.lose_values();
        },
        async {
            sleep(Duration::from_millis(700)).await;
            b.0.once(&key, TIMES, issuer.ask(granted("other"))).await
        },
    );
    assert_eq!((later.0, issuer.asked()), (sent.0, 1));
}

/// The replica that sent the token is gone before its answer came.
#[tokio::test(start_paused = true)]
async fn a_replica_that_is_gone_is_waited_for_no_longer_than_its_request_could_last() {
    let store: Arc<dyn SharedStore> = Arc::new(MemoryStore::new());
    let (a, b) = (replica(&store, OnOutage::Refuse), replica(&store, OnOutage::Refuse));
    let (issuer, key) = (Issuer::default(), key("lost"));
    {
        let sending = a.0.once(&key, TIMES, issuer.ask(granted("lost")));
        tokio::select! {
            _ = sending => panic!("it cannot have ended"),
            () = sleep(Duration::from_millis(500)) => {}
        }
    }
    let began = Instant::now();
    let later = b.0.once(&key, TIMES, issuer.ask(granted("new"))).await;
    assert_eq!((later.0, issuer.asked()), (Err(RefreshFault::Unknown), 1));
    assert!(began.elapsed() <= TIMES.timeout + Duration::from_secs(3), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_kept_for_the_grace_and_no_longer() {
    let store: Arc<dyn SharedStore> = Arc::new(MemoryStore::new());
    let (a, b) = (replica(&store, OnOutage::Refuse), replica(&store, OnOutage::Refuse));
    let (issuer, key) = (Issuer::default(), key("kept"));
    let first = a.0.once(&key, TIMES, issuer.ask(granted("new"))).await;
    advance(TIMES.grace / 2).await;
    let within = b.0.once(&key, TIMES, issuer.ask(granted("other"))).await;
    assert_eq!(within.0, first.0);
    assert!(within.1 <= TIMES.grace / 2, "not longer than at the first: {:?}", within.1);
    advance(TIMES.grace).await;
    let after = b.0.once(&key, TIMES, issuer.ask(granted("other"))).await;
    assert_eq!((after.0 != first.0, issuer.asked()), (true, 2));
}

/// Another replica has sent the token: not even `on_outage: local` may send it again.
#[tokio::test(start_paused = true)]
async fn a_store_that_goes_while_another_replica_sends_is_no_leave_to_send() {
    let store: Arc<dyn SharedStore> = Arc::new(Gone { mark: Some(b"started by another") });
    for on_outage in [OnOutage::Refuse, OnOutage::Local] {
        let issuer = Issuer::default();
        let replica = replica(&store, on_outage);
        let answer = replica.0.once(&key("sent"), TIMES, issuer.ask(granted("new"))).await;
        assert_eq!((answer.0, issuer.asked()), (Err(RefreshFault::Unknown), 0), "{on_outage:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_store_nothing_is_sent_unless_that_is_configured() {
    let store: Arc<dyn SharedStore> = Arc::new(Gone { mark: None });
    let issuer = Issuer::default();
    let refuses = replica(&store, OnOutage::Refuse);
    // Far more than may wait to be taken back: they are bounded.
    for index in 0..3000 {
        let key = key(&format!("{index}"));
        let refused = refuses.0.once(&key, TIMES, issuer.ask(granted("new"))).await;
        assert_eq!(refused.0, Err(RefreshFault::NotShared));
    }
    assert_eq!(issuer.asked(), 0);
    let local = replica(&store, OnOutage::Local);
    let sent = local.0.once(&key("local"), TIMES, issuer.ask(granted("new"))).await;
    assert_eq!((sent.0.is_ok(), issuer.asked()), (true, 1));
}
