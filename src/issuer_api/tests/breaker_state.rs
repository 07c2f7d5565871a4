//! The states of one breaker: closed, open, one trial, closed again.

use std::time::Duration;

use tokio::time::advance;

use crate::issuer_api::breaker::{Breaker, End, Pass, Pause, PauseCause};

const FAILED: End = End::Failed(PauseCause::Failures);

fn ended(mut pass: Pass<'_>, end: End) {
    pass.note(end);
}

#[tokio::test(start_paused = true)]
async fn a_breaker_opens_admits_one_trial_and_closes() {
    let breaker = Breaker::default();
    for failure in 0..5 {
        ended(breaker.admit().unwrap_or_else(|_| panic!("failure {failure}")), FAILED);
    }
    assert!(breaker.admit().is_err(), "open");
    advance(Duration::from_secs(2)).await;
    let trial = breaker.admit().unwrap();
    assert!(breaker.admit().is_err(), "one at a time");
    drop(trial);
    let trial = breaker.admit().expect("who gave up does not hold up the others");
    ended(trial, FAILED);
    let Pause { wait, cause } = breaker.admit().unwrap_err();
    assert!(wait > Duration::from_secs(1), "longer the second time: {wait:?}");
    assert_eq!(cause, PauseCause::Failures);
    advance(Duration::from_secs(3)).await;
    ended(breaker.admit().unwrap(), End::Good);
    for _ in 0..4 {
        ended(breaker.admit().unwrap(), FAILED);
    }
    ended(breaker.admit().expect("closed, and four failures are not five"), End::Good);
    for _ in 0..100 {
        while let Ok(pass) = breaker.admit() {
            ended(pass, FAILED);
        }
        let wait = breaker.admit().unwrap_err().wait;
        assert!(wait <= Duration::from_secs(30), "{wait:?}");
        advance(wait).await;
    }
    let day = Pause { wait: Duration::from_secs(86_400), cause: PauseCause::Limit };
    ended(breaker.admit().unwrap(), End::Asked(day));
    let Pause { wait, cause } = breaker.admit().unwrap_err();
    assert!(wait <= Duration::from_secs(60), "nobody is told a day");
    assert_eq!(cause, PauseCause::Limit);
}

#[tokio::test(start_paused = true)]
async fn requests_from_before_a_pause_do_not_count_after_it() {
    // A hundred requests fail by one cause: that is one pause, and not twenty.
    let breaker = Breaker::default();
    let passes: Vec<_> = (0..100).map(|_| breaker.admit().unwrap()).collect();
    passes.into_iter().for_each(|pass| ended(pass, FAILED));
    let wait = breaker.admit().unwrap_err().wait;
    assert!(wait <= Duration::from_secs(1), "{wait:?}");
    // A late success of before does not end the pause, nor a trial.
    let breaker = Breaker::default();
    let late = breaker.admit().unwrap();
    for _ in 0..5 {
        ended(breaker.admit().unwrap(), FAILED);
    }
    ended(late, End::Good);
    assert!(breaker.admit().is_err(), "still open");
    advance(Duration::from_secs(1)).await;
    let trial = breaker.admit().unwrap();
    assert!(breaker.admit().is_err(), "one at a time");
    ended(trial, End::Good);
    ended(breaker.admit().expect("closed"), End::Good);
}
