//! The steps between a permit and the headers: what they add reaches the verdict, and none runs for
//! a request that is denied.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::time::Instant;

use super::{judged, request, rig, soon};
use crate::{
    authz::CheckApi,
    authz::{Additions, PermitStep, StepEnd, Verdict},
    model::{DenyReason, NameValue, RequestContext},
    policy::Permit,
};

/// The effect of a step of these tests.
#[derive(Debug, Clone, Copy)]
enum Does {
    /// Adds this header, a cookie and an edit of the query.
    Add(&'static str),
    Deny(DenyReason),
    Hang,
}

#[derive(Debug)]
struct TestStep {
    does: Does,
    runs: Arc<AtomicUsize>,
}

impl PermitStep for TestStep {
    fn add<'a>(
        &'a self,
        _: &'a RequestContext,
        permit: &'a Permit,
        _: Instant,
        additions: &'a mut Additions,
    ) -> StepEnd<'a> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            match self.does {
                Does::Add(name) => {
                    let value = permit.reason().code().to_owned();
                    additions.headers.push((name.into(), value.into()));
                    additions.query.remove.push("access_token".into());
                    additions.response.cookies.push("a=1".to_owned());
                    Ok(())
                }
                Does::Deny(reason) => Err(reason.into()),
                Does::Hang => pending().await,
            }
        })
    }
}

/// The verdict on this path with these steps, and how often they ran.
async fn check(path: &str, lines: super::Lines<'_>, steps: &[Does]) -> (Verdict, usize) {
    let rig = rig("routes: [{ id: open, match: { path: { prefix: /open } }, auth: none }]");
    let runs = Arc::new(AtomicUsize::new(0));
    let step =
        |does: &Does| Arc::new(TestStep { does: *does, runs: runs.clone() }) as Arc<dyn PermitStep>;
    let snapshot = rig.authorizer.snapshot();
    rig.authorizer.snapshot.store(Arc::new(super::snapshot("")));
    let snapshot = Arc::into_inner(snapshot).unwrap();
    rig.authorizer.put_in_force(snapshot.with_permit_steps(steps.iter().map(step).collect()));
    let pending = rig.authorizer.begin(CheckApi::ExtAuthz);
    let verdict = pending.check(&request("GET", path, lines), soon()).await;
    (verdict, runs.load(Ordering::Relaxed))
}

#[tokio::test]
async fn what_a_step_adds_reaches_the_verdict() {
    let (verdict, runs) = check("/open", &[], &[Does::Add("x-a"), Does::Add("x-b")]).await;
    let Verdict::Allow(allowance) = verdict else { panic!("{verdict:?}") };
    let header = |name: &'static str| -> NameValue { (name.into(), "public".into()) };
    assert_eq!(allowance.request().headers, [header("x-a"), header("x-b")]);
    assert_eq!(allowance.request().query.remove.len(), 2);
    assert_eq!(allowance.response().cookies, ["a=1", "a=1"]);
    assert_eq!(runs, 2);
}

/// A header with the reserved prefix: every other spelling of it is a client's, and goes.
#[tokio::test]
async fn a_header_that_a_step_sets_is_not_removed_again() {
    let sent = [("x-rownd-token", "forged"), ("x_rownd_token", "forged")];
    let (verdict, _) = check("/open", &sent, &[Does::Add("x-rownd-token")]).await;
    let Verdict::Allow(allowance) = verdict else { panic!("{verdict:?}") };
    assert_eq!(allowance.request().headers.len(), 1);
    assert_eq!(allowance.request().spoofed, ["x_rownd_token"]);
    let (verdict, _) = check("/open", &sent, &[]).await;
    let Verdict::Allow(allowance) = verdict else { panic!("{verdict:?}") };
    assert_eq!(allowance.request().spoofed, ["x-rownd-token", "x_rownd_token"]);
}

/// The same for a name outside the reserved prefix, whose imitations only the step makes dangerous.
#[tokio::test]
async fn no_spelling_of_a_header_that_a_step_sets_arrives() {
    let sent = [("x-pass", "1"), ("x_pass", "1"), ("x.pass", "1"), ("x-passes", "1")];
    let (verdict, _) = check("/open", &sent, &[Does::Add("x-pass")]).await;
    let Verdict::Allow(allowance) = verdict else { panic!("{verdict:?}") };
    assert_eq!(allowance.request().spoofed, ["x_pass", "x.pass"]);
}

/// A server may read any of these as an identity header.
#[tokio::test]
async fn a_step_sets_no_spelling_of_an_identity_header() {
    for name in ["x-rownd-user-id", "X-Rownd-User-Id", "x_rownd_user_id", "x-rownd.roles"] {
        let (verdict, _) = check("/open", &[], &[Does::Add(name)]).await;
        let denied = verdict.result().map_err(|denial| denial.reason());
        assert_eq!(denied, Err(DenyReason::Internal), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_can_deny_and_none_runs_for_a_denied_request() {
    let add = Does::Add("x-a");
    let denied = |reason| Err(reason);
    for (name, path, steps, expected, runs) in [
        ("a denial by policy", "/", vec![add], DenyReason::CredentialMissing, 0),
        (
            "a denial by a step",
            "/open",
            vec![Does::Deny(DenyReason::Internal), add],
            DenyReason::Internal,
            1,
        ),
        ("a step that hangs", "/open", vec![Does::Hang, add], DenyReason::DeadlineExceeded, 1),
        (
            "an identity header",
            "/open",
            vec![Does::Add("X-Rownd-User-Id")],
            DenyReason::Internal,
            1,
        ),
    ] {
        let (verdict, ran) = check(path, &[], &steps).await;
        assert_eq!((judged(&verdict), ran), (denied(expected), runs), "{name}");
    }
}
