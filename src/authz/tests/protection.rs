//! A check that cannot be carried out ends in a denial and is counted: lateness, panics, overload,
//! cancellation.

use std::{cell::Cell, future::pending, pin::pin, time::Duration};

use tokio::time::{Instant, sleep};

use super::{judged, request, rig, soon};
use crate::{
    authz::{CheckApi, CheckOutcome},
    authz::{Verdict, outcome, protect::protect},
    model::{AllowReason, Denial, DenialClass, DenyReason},
};

const OPEN: &str = "default: { auth: none }";

async fn reason(
    judgement: impl Future<Output = Result<(), Denial>>,
    deadline: Instant,
) -> Option<DenyReason> {
    protect(pin!(judgement), deadline).await.err().map(|denial| denial.reason())
}

#[tokio::test(start_paused = true)]
async fn a_judgement_in_time_stands() {
    assert_eq!(reason(async { Ok(()) }, soon()).await, None);
    let denied = async { Err(DenyReason::KidUnknown.into()) };
    assert_eq!(reason(denied, soon()).await, Some(DenyReason::KidUnknown));
    let late_enough = async {
        sleep(Duration::from_millis(499)).await;
        Ok(())
    };
    assert_eq!(reason(late_enough, soon()).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_late_judgement_is_a_denial_at_the_deadline() {
    let began = Instant::now();
    assert_eq!(reason(pending(), soon()).await, Some(DenyReason::DeadlineExceeded));
    assert_eq!(began.elapsed(), Duration::from_millis(500));
    let slow = async {
        sleep(Duration::from_secs(60)).await;
        Ok(())
    };
    assert_eq!(reason(slow, soon()).await, Some(DenyReason::DeadlineExceeded));
}

#[tokio::test(start_paused = true)]
async fn behind_the_deadline_nothing_is_judged() {
    let asked = Cell::new(false);
    sleep(Duration::from_millis(10)).await;
    for deadline in [Instant::now(), Instant::now() - Duration::from_millis(5)] {
        let judgement = async {
            asked.set(true);
            Ok(())
        };
        assert_eq!(reason(judgement, deadline).await, Some(DenyReason::DeadlineExceeded));
    }
    assert!(!asked.get());
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_denial_wherever_it_happens() {
    let at_once = async { panic!("as the test says") };
    assert_eq!(reason(at_once, soon()).await, Some(DenyReason::Internal));
    let after_waiting = async {
        sleep(Duration::from_millis(10)).await;
        panic!("as the test says, later")
    };
    assert_eq!(reason(after_waiting, soon()).await, Some(DenyReason::Internal));
}

#[tokio::test(start_paused = true)]
async fn a_check_behind_its_deadline_is_denied_even_on_a_public_rule() {
    let rig = rig(OPEN);
    let verdict = rig
        .authorizer
        .begin(CheckApi::ExtAuthz)
        .check(&request("GET", "/", &[]), Instant::now())
        .await;
    assert_eq!(judged(&verdict), Err(DenyReason::DeadlineExceeded));
    assert_eq!(rig.ended("unavailable", "deadline_exceeded"), 1.0);
    assert_eq!(rig.ended("allow", "public"), 0.0);
}

#[tokio::test]
async fn more_checks_than_allowed_are_denied_at_once() {
    let rig = rig(&format!("{OPEN}\ncheck: {{ max_in_flight: 2 }}"));
    let open = request("GET", "/", &[]);
    let (first, second, third) = (
        rig.authorizer.begin(CheckApi::ExtAuthz),
        rig.authorizer.begin(CheckApi::ExtAuthz),
        rig.authorizer.begin(CheckApi::ExtAuthz),
    );
    assert_eq!([&first, &second, &third].map(|pending| pending.overloaded()), [false, false, true]);
    assert_eq!(rig.in_flight(), 3.0);
    assert_eq!(judged(&third.check(&open, soon()).await), Err(DenyReason::Overloaded));
    assert_eq!(judged(&first.check(&open, soon()).await), Ok(AllowReason::Public));
    // A check counts until it is dropped, answered or not.
    assert!(rig.authorizer.begin(CheckApi::ExtAuthz).overloaded());
    drop((first, third));
    assert!(!rig.authorizer.begin(CheckApi::ExtAuthz).overloaded());
    drop(second);
    assert_eq!((rig.in_flight(), rig.ended("unavailable", "overloaded")), (0.0, 1.0));
}

#[tokio::test]
async fn a_check_that_nobody_waits_for_is_counted_as_cancelled() {
    let rig = rig(OPEN);
    drop(rig.authorizer.begin(CheckApi::ExtAuthz));
    assert_eq!((rig.ended("unavailable", "cancelled"), rig.in_flight()), (1.0, 0.0));
    // An answered one is not.
    let pending = rig.authorizer.begin(CheckApi::ExtAuthz);
    pending.check(&request("GET", "/", &[]), soon()).await;
    drop(pending);
    assert_eq!((rig.ended("unavailable", "cancelled"), rig.ended("allow", "public")), (1.0, 1.0));
}

#[tokio::test(start_paused = true)]
async fn a_check_cancelled_in_the_middle_is_counted_once() {
    let rig = rig("");
    // A token whose keys are waited for.
    let token =
        "Bearer eyJhbGciOiJFZERTQSIsImtpZCI6ImsifQ.eyJpc3MiOiJodHRwczovL2FwaS5yb3duZC5pbyJ9.AAAA";
    let request = request("GET", "/", &[("authorization", token)]);
    let pending = rig.authorizer.begin(CheckApi::ExtAuthz);
    tokio::select! {
        verdict = pending.check(&request, soon()) => panic!("{verdict:?}"),
        () = sleep(Duration::from_millis(100)) => {}
    }
    assert_eq!(rig.in_flight(), 1.0);
    drop(pending);
    assert_eq!((rig.in_flight(), rig.ended("unavailable", "cancelled")), (0.0, 1.0));
}

#[tokio::test]
async fn only_the_first_answer_counts() {
    let rig = rig(OPEN);
    let pending = rig.authorizer.begin(CheckApi::ExtAuthz);
    assert_eq!(
        judged(&pending.check(&request("GET", "/", &[]), soon()).await),
        Ok(AllowReason::Public)
    );
    // The door could not send it and denies instead.
    let late = pending.deny(DenyReason::DeadlineExceeded);
    assert_eq!(judged(&late), Err(DenyReason::DeadlineExceeded));
    drop(pending);
    assert_eq!(rig.ended("allow", "public"), 1.0);
    assert_eq!(rig.ended("unavailable", "deadline_exceeded"), 0.0);
    assert_eq!(
        rig.metric("rownd_authz_check_duration_seconds_count{api=\"ext_authz\",outcome=\"allow\"}"),
        1.0
    );
}

#[tokio::test]
async fn every_reason_is_counted_under_its_own_word() {
    let rig = rig("");
    for reason in DenyReason::ALL {
        let verdict = rig.authorizer.begin(CheckApi::ExtAuthz).deny(*reason);
        assert_eq!(verdict.reason_code(), reason.code());
        let Verdict::Deny { denial, facts, .. } = verdict else { panic!("{reason:?}") };
        assert_eq!((denial.reason(), denial.is_for_everybody()), (*reason, false));
        assert_eq!((&*facts.rule, facts.identity, facts.request_id.len()), ("-", None, 0));
        let word = match outcome(*reason) {
            CheckOutcome::Unavailable => "unavailable",
            CheckOutcome::Deny => "deny",
            CheckOutcome::Allow => panic!("{reason:?} is no allow"),
        };
        assert_eq!(rig.ended(word, reason.code()), 1.0, "{reason:?}");
        assert_eq!(word == "unavailable", reason.class() == DenialClass::Unavailable, "{reason:?}");
    }
    assert_eq!(rig.in_flight(), 0.0);
}

#[tokio::test]
async fn a_flood_of_denials_is_no_flood_of_logs() {
    let rig = rig("log: { denials_per_second: 1 }");
    for _ in 0..500 {
        assert_eq!(rig.judge("GET", "/", &[]).await, Err(DenyReason::CredentialMissing));
    }
    let dropped = |reason: &str| {
        rig.metric(&format!("rownd_authz_denial_logs_dropped_total{{reason=\"{reason}\"}}"))
    };
    assert_eq!(rig.ended("deny", "credential_missing"), 500.0);
    assert!(dropped("credential_missing") > 400.0, "{}", dropped("credential_missing"));
    // Another reason has its own share.
    assert_eq!(dropped("path_refused"), 0.0);
    assert_eq!(rig.judge("GET", "", &[]).await, Err(DenyReason::PathRefused));
    assert_eq!(dropped("path_refused"), 0.0);
}

/// The other way for a snapshot to come into force is a reload.
#[tokio::test]
async fn a_check_that_has_arrived_is_judged_by_the_configuration_it_found() {
    let rig = rig("{ default: { auth: none }, check: { realm: before } }");
    let after = super::rig("{ default: { auth: required }, check: { realm: after } }");
    let early = rig.authorizer.begin(CheckApi::ExtAuthz);
    let snapshot = std::sync::Arc::into_inner({
        let snapshot = after.authorizer.snapshot();
        drop(after);
        snapshot
    });
    rig.authorizer.put_in_force(snapshot.unwrap());
    let late = rig.authorizer.begin(CheckApi::ExtAuthz);
    let request = request("GET", "/", &[]);
    for (pending, realm, expected) in [
        (late, "after", Err(DenyReason::CredentialMissing)),
        (early, "before", Ok(AllowReason::Public)),
    ] {
        assert_eq!(pending.settings().realm, realm);
        assert_eq!(judged(&pending.check(&request, soon()).await), expected, "{realm}");
    }
}

#[test]
fn a_command_reaches_the_configuration_that_takes_over_while_it_is_carried_out() {
    let (rig, next) = (rig(OPEN), rig("default: { auth: optional }"));
    let (before, after) = (rig.authorizer.snapshot(), next.authorizer.snapshot());
    let told = std::cell::RefCell::new(Vec::new());
    rig.authorizer.command(|snapshot| {
        told.borrow_mut().push(std::ptr::from_ref(snapshot));
        rig.authorizer.snapshot.store(after.clone());
    });
    assert_eq!(
        told.into_inner(),
        [std::sync::Arc::as_ptr(&before), std::sync::Arc::as_ptr(&after)]
    );
    let once = Cell::new(0);
    rig.authorizer.command(|_| once.set(once.get() + 1));
    assert_eq!(once.get(), 1);
}
