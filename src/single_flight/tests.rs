//! Which callers share work, which are refused, and what they get when work fails.

use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use tokio::{
    sync::Semaphore,
    time::{Instant, advance},
};

use super::{FlightBounds, InMemory, Landed, Missed, SingleFlight, Work};

const BOUNDS: FlightBounds =
    FlightBounds { waiting: 100, queued: 10, running: 10, kept: 10, drop_after: None };
const SECOND: Duration = Duration::from_secs(1);

type Flights = Arc<InMemory<&'static str, u32>>;

/// Runs a test beside the task that does the work.
async fn beside(bounds: FlightBounds, test: impl AsyncFnOnce(Flights)) {
    beside_hook(bounds, |_, _| (), test).await;
}

async fn beside_hook(
    bounds: FlightBounds,
    on_answer: impl Fn(&&'static str, &u32) + Send + Sync + 'static,
    test: impl AsyncFnOnce(Flights),
) {
    let (flights, runner) = InMemory::new(bounds, on_answer);
    tokio::select! {
        _ = runner.run(pending()) => {}
        () = test(flights) => {}
    }
}

/// Work with this answer, which counts how often it is begun and waits for the gate.
fn gated(answer: u32, begun: &Arc<AtomicUsize>, gate: &Arc<Semaphore>) -> Work<u32> {
    let (begun, gate) = (begun.clone(), gate.clone());
    Box::pin(async move {
        begun.fetch_add(1, Ordering::SeqCst);
        gate.acquire().await.unwrap().forget();
        Landed { answer, keep: Duration::ZERO, only_unheard: false }
    })
}

fn at_once(answer: u32, keep: Duration) -> Work<u32> {
    Box::pin(async move { Landed { answer, keep, only_unheard: false } })
}

fn in_a_minute() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

fn gate() -> (Arc<AtomicUsize>, Arc<Semaphore>) {
    (Arc::default(), Arc::new(Semaphore::new(0)))
}

#[tokio::test(start_paused = true)]
async fn callers_with_one_key_share_one_piece_of_work() {
    beside(BOUNDS, async |flights| {
        let (begun, gate) = gate();
        let callers =
            (0..50).map(|caller| flights.join("key", gated(caller, &begun, &gate), in_a_minute()));
        let open = async {
            tokio::time::sleep(SECOND).await;
            gate.add_permits(1);
        };
        let (answers, ()) = tokio::join!(join_all(callers), open);
        assert!(answers.iter().all(|answer| *answer == Ok(0)), "{answers:?}");
        assert_eq!(begun.load(Ordering::SeqCst), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn callers_with_different_keys_share_nothing() {
    beside(BOUNDS, async |flights| {
        let one = flights.join("one", at_once(1, SECOND), in_a_minute());
        let two = flights.join("two", at_once(2, SECOND), in_a_minute());
        assert_eq!(tokio::join!(one, two), (Ok(1), Ok(2)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_work_goes_on_when_the_caller_that_began_it_is_cancelled() {
    beside(BOUNDS, async |flights| {
        let (begun, gate) = gate();
        let first = flights.join("key", gated(1, &begun, &gate), in_a_minute());
        assert!(tokio::time::timeout(SECOND, first).await.is_err(), "the caller gives up");
        let follower = flights.join("key", gated(2, &begun, &gate), in_a_minute());
        let (answer, ()) = tokio::join!(follower, async { gate.add_permits(1) });
        assert_eq!(answer, Ok(1), "the answer of the first caller's work");
        assert_eq!(begun.load(Ordering::SeqCst), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_work_is_done_even_if_no_caller_waits_for_it() {
    let answers = Arc::new(Mutex::new(Vec::new()));
    let seen = answers.clone();
    let hook = move |key: &&'static str, answer: &u32| seen.lock().unwrap().push((*key, *answer));
    beside_hook(BOUNDS, hook, async |flights| {
        let (begun, gate) = gate();
        let left = flights.join("key", gated(7, &begun, &gate), Instant::now() + SECOND).await;
        assert_eq!(left, Err(Missed::Late));
        gate.add_permits(1);
        tokio::time::sleep(SECOND).await;
        assert_eq!(*answers.lock().unwrap(), [("key", 7)]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_ends_its_own_callers_and_no_other_work() {
    beside(BOUNDS, async |flights| {
        let panics: Work<u32> = Box::pin(async {
            tokio::time::sleep(SECOND).await;
            panic!("on purpose")
        });
        let leader = flights.join("key", panics, in_a_minute());
        let follower = flights.join("key", at_once(1, SECOND), in_a_minute());
        let other = flights.join("other", at_once(2, SECOND), in_a_minute());
        let answers = tokio::join!(leader, follower, other);
        assert_eq!(answers, (Err(Missed::Panicked), Err(Missed::Panicked), Ok(2)));
        let next = flights.join("key", at_once(3, SECOND), in_a_minute()).await;
        assert_eq!(next, Ok(3), "the panic is not kept");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn callers_do_not_hang_when_the_task_ends() {
    let (flights, runner) = InMemory::new(BOUNDS, |_: &&'static str, _: &u32| ());
    let waits = flights.join("key", Box::pin(pending()), in_a_minute());
    let ended = async {
        let _ = tokio::time::timeout(SECOND, runner.run(pending())).await;
    };
    let (answer, ()) = tokio::join!(waits, ended);
    assert_eq!(answer, Err(Missed::Stopped));
    let after = flights.join("another", at_once(1, SECOND), in_a_minute()).await;
    assert_eq!(after, Err(Missed::Stopped));
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_kept_for_the_time_that_the_work_says() {
    beside(BOUNDS, async |flights| {
        let ask = async |answer, keep| {
            flights.join("key", at_once(answer, keep), in_a_minute()).await.unwrap()
        };
        assert_eq!(ask(1, SECOND).await, 1);
        advance(Duration::from_millis(900)).await;
        assert_eq!(ask(2, SECOND).await, 1, "kept");
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(ask(3, Duration::ZERO).await, 3, "kept no longer");
        assert_eq!(ask(4, Duration::ZERO).await, 4, "zero keeps nothing");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn everything_is_bounded() {
    let bounds = FlightBounds { waiting: 3, queued: 1, running: 1, kept: 1, drop_after: None };
    beside(bounds, async |flights| {
        let (begun, gate) = gate();
        let ask = |key| flights.join(key, gated(1, &begun, &gate), in_a_minute());
        let (mut running, mut queued) = (ask("running"), ask("queued"));
        tokio::select! {
            biased;
            _ = &mut running => {}
            () = tokio::time::sleep(SECOND) => {}
        }
        tokio::select! {
            biased;
            _ = &mut queued => {}
            () = tokio::time::sleep(SECOND) => {}
        }
        assert_eq!(ask("third").await, Err(Missed::Busy), "the queue is full");
        let mut follower = ask("running");
        tokio::select! {
            biased;
            _ = &mut follower => {}
            () = tokio::time::sleep(SECOND) => {}
        }
        assert_eq!(ask("running").await, Err(Missed::Busy), "three callers wait already");
        assert_eq!(begun.load(Ordering::SeqCst), 1, "one piece of work at a time");
        gate.add_permits(2);
        assert_eq!(tokio::join!(running, queued, follower), (Ok(1), Ok(1), Ok(1)));
        // One answer is kept at a time.
        for (key, first, second) in [("a", 1, 1), ("b", 1, 2)] {
            let kept = flights.join(key, at_once(1, SECOND * 30), in_a_minute()).await;
            assert_eq!(kept, Ok(first), "{key}");
            let again = flights.join(key, at_once(2, SECOND * 30), in_a_minute()).await;
            assert_eq!(again, Ok(second), "{key}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn queued_work_is_dropped_only_if_it_is_old_and_no_caller_waits() {
    let bounds = FlightBounds { running: 1, drop_after: Some(SECOND), ..BOUNDS };
    beside(bounds, async |flights| {
        let (begun, gate) = gate();
        let slow = flights.join("slow", gated(1, &begun, &gate), in_a_minute());
        let others = async {
            let left = flights.join("left", gated(2, &begun, &gate), Instant::now() + SECOND);
            let waits = flights.join("waits", gated(3, &begun, &gate), in_a_minute());
            let open = async {
                tokio::time::sleep(SECOND * 2).await;
                gate.add_permits(3);
            };
            tokio::join!(left, waits, open)
        };
        let (slow, (left, waits, ())) = tokio::join!(slow, others);
        assert_eq!((slow, left, waits), (Ok(1), Err(Missed::Late), Ok(3)));
        assert_eq!(begun.load(Ordering::SeqCst), 2, "nobody waits for one of the three");
        let again = flights.join("left", at_once(4, SECOND), in_a_minute()).await;
        assert_eq!(again, Ok(4), "the next caller begins it again");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn callers_after_a_forget_get_no_answer_of_before() {
    let answers = Arc::new(Mutex::new(Vec::new()));
    let seen = answers.clone();
    let hook = move |_: &&'static str, answer: &u32| seen.lock().unwrap().push(*answer);
    beside_hook(BOUNDS, hook, async |flights| {
        let (begun, gate) = gate();
        let before = flights.join("key", gated(1, &begun, &gate), in_a_minute());
        let after = async {
            tokio::time::sleep(SECOND).await;
            flights.forget(&|key| *key == "key");
            let after = flights.join("key", at_once(2, SECOND * 30), in_a_minute()).await;
            gate.add_permits(1);
            after
        };
        assert_eq!(tokio::join!(before, after), (Ok(1), Ok(2)), "each gets an answer");
        assert_eq!(*answers.lock().unwrap(), [2], "the old answer is not recorded");
        let kept = flights.join("key", at_once(3, SECOND), in_a_minute()).await;
        assert_eq!(kept, Ok(2), "the end of the old work does not remove the newer answer");
        flights.forget(&|_| true);
        let fresh = flights.join("key", at_once(4, SECOND), in_a_minute()).await;
        assert_eq!(fresh, Ok(4), "a kept answer is forgotten too");
    })
    .await;
}

/// The runner is told to close after a second; work may go on for `grace` from then on. Beside it
/// the test asks; the result is the number of pieces of work that were cut off.
async fn closed_after_a_second(
    bounds: FlightBounds,
    grace: Duration,
    test: impl AsyncFnOnce(Flights),
) -> usize {
    let (flights, runner) = InMemory::new(bounds, |_: &&'static str, _: &u32| ());
    let closing = async {
        tokio::time::sleep(SECOND).await;
        Instant::now() + grace
    };
    tokio::join!(runner.run(closing), test(flights)).0
}

/// A caller that asks and gives up at once.
async fn ask_and_leave(flights: &Flights, key: &'static str, work: Work<u32>) {
    let asked = flights.join(key, work, in_a_minute());
    assert!(tokio::time::timeout(Duration::from_millis(1), asked).await.is_err(), "{key}");
}

#[tokio::test(start_paused = true)]
async fn closing_finishes_the_work_that_was_taken_and_takes_no_more() {
    let bounds = FlightBounds { running: 1, ..BOUNDS };
    let (begun, gate) = gate();
    let cut_off = closed_after_a_second(bounds, SECOND * 30, async |flights| {
        ask_and_leave(&flights, "running", gated(1, &begun, &gate)).await;
        ask_and_leave(&flights, "queued", gated(2, &begun, &gate)).await;
        tokio::time::sleep(SECOND * 2).await;
        let refused = flights.join("new", at_once(3, SECOND), in_a_minute()).await;
        assert_eq!(refused, Err(Missed::Stopped), "no work is taken any more");
        assert_eq!(begun.load(Ordering::SeqCst), 1, "one piece of work at a time");
        let joined = flights.join("queued", at_once(4, SECOND), in_a_minute());
        let (joined, ()) = tokio::join!(joined, async { gate.add_permits(2) });
        assert_eq!(joined, Ok(2), "work that was taken has its answer");
    });
    assert_eq!(cut_off.await, 0);
    assert_eq!(begun.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn work_that_outlasts_the_end_is_cut_off_and_counted() {
    let bounds = FlightBounds { running: 2, ..BOUNDS };
    let (begun, gate) = gate();
    let cut_off = closed_after_a_second(bounds, SECOND, async |flights| {
        ask_and_leave(&flights, "one", gated(1, &begun, &gate)).await;
        ask_and_leave(&flights, "queued", gated(2, &begun, &gate)).await;
        let waits = flights.join("two", gated(3, &begun, &gate), in_a_minute());
        let one_ends = async { gate.add_permits(1) };
        let (waits, ()) = tokio::join!(waits, one_ends);
        assert_eq!(waits, Err(Missed::Stopped), "its caller is told");
    });
    assert_eq!(cut_off.await, 2, "the one whose gate opened is done");
}

#[tokio::test(start_paused = true)]
async fn closing_waits_for_no_answer_that_is_kept() {
    let began = Instant::now();
    let cut_off = closed_after_a_second(BOUNDS, SECOND * 30, async |flights| {
        flights.join("key", at_once(1, SECOND * 20), in_a_minute()).await.unwrap();
    });
    assert_eq!(cut_off.await, 0);
    assert_eq!(began.elapsed(), SECOND, "it has ended as soon as it was told to");
}

/// An answer that may be given once is kept for the caller who comes back, and not for others.
#[tokio::test(start_paused = true)]
async fn an_answer_that_somebody_heard_is_not_kept_where_only_unheard_ones_are() {
    fn once(answer: u32, gate: &Arc<Semaphore>) -> Work<u32> {
        let gate = gate.clone();
        Box::pin(async move {
            gate.acquire().await.unwrap().forget();
            Landed { answer, keep: 10 * SECOND, only_unheard: true }
        })
    }
    beside(BOUNDS, async |flights| {
        let (_, gate) = gate();
        // Heard: by the caller who began it, and by another one who came meanwhile.
        let first = flights.join("heard", once(1, &gate), in_a_minute());
        let second = flights.join("heard", once(2, &gate), in_a_minute());
        let (first, second, ()) = tokio::join!(first, second, async { gate.add_permits(1) });
        assert_eq!((first, second), (Ok(1), Ok(1)));
        gate.add_permits(1);
        let third = flights.join("heard", once(3, &gate), in_a_minute()).await;
        assert_eq!(third, Ok(3), "nothing was kept");
        // Not heard: its only caller has left.
        let left = flights.join("unheard", once(4, &gate), in_a_minute());
        assert!(tokio::time::timeout(SECOND, left).await.is_err(), "the caller gives up");
        gate.add_permits(1);
        tokio::time::sleep(SECOND).await;
        let back = flights.join("unheard", once(5, &gate), in_a_minute()).await;
        assert_eq!(back, Ok(4), "the answer was kept");
        tokio::time::sleep(11 * SECOND).await;
        gate.add_permits(1);
        let late = flights.join("unheard", once(6, &gate), in_a_minute()).await;
        assert_eq!(late, Ok(6), "for its time only");
    })
    .await;
}
