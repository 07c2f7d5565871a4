//! The fetches of all tenants of an issuer together, and the checks that wait for them.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{
    FetchedIssuer, KeyRefresher, NOW, Rig, Script, Signer, at, key_set, rig_of,
    tenants::{claims, yaml},
};
use crate::{
    blocking::BlockingRunner,
    model::DenyReason,
    verify::{key_refresher::FetchedTenant, key_source::FetchResult},
};

#[tokio::test(start_paused = true)]
async fn the_checks_of_all_tenants_wait_in_a_bounded_number_of_places() {
    let names: Vec<String> = (0..8).map(|index| format!("t{index}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let rig = rig_of(&yaml(&names, ""), &[]);
    let key = Signer::new("k", 1);
    let began = Instant::now();
    let judged = join_all((0..800).map(|index| {
        let claims = claims(names[index % 8], &json!({ "jti": index.to_string() }));
        let token = key.token(&claims);
        let (rig, began) = (&rig, began);
        async move {
            let denial = rig.verify(&token).await.unwrap_err();
            assert_eq!(denial.reason(), DenyReason::KeysUnavailable);
            began.elapsed().is_zero()
        }
    }))
    .await;
    // Sixty-four of each tenant, 256 of all of them; everybody else is answered at once.
    assert_eq!(judged.iter().filter(|at_once| !**at_once).count(), 256);
    let one = join_all((0..100).map(|index| {
        let token = key.token(&claims(names[0], &json!({ "jti": format!("x{index}") })));
        let (rig, began) = (&rig, Instant::now());
        async move {
            let _ = rig.verify(&token).await;
            began.elapsed().is_zero()
        }
    }))
    .await;
    assert_eq!(one.iter().filter(|at_once| !**at_once).count(), 64);
}

/// The task of a tenant with answers of a script, among the fetches of all tenants.
fn refresher(rig: &Rig, place: usize, script: &Script) -> KeyRefresher {
    let issuer = &rig.verifier.issuers()[0];
    let ring = &issuer.rings[place];
    let name = ring.tenant.clone().unwrap();
    let tenant = Some(FetchedTenant { name, lanes: issuer.lanes.clone().unwrap() });
    let series = FetchedIssuer { name: issuer.name().into(), label: issuer.label(), tenant };
    let (keys, source) = (ring.keys.clone(), Box::new(script.clone()));
    KeyRefresher::new(series, keys, source, rig.metrics.clone(), None)
}

#[tokio::test(start_paused = true)]
async fn every_tenant_gets_its_turn_and_the_first_token_of_one_comes_before_it() {
    let names: Vec<String> = (0..64).map(|index| format!("t{index:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let rig = rig_of(&yaml(&names, ", keys: {refresh_interval: 10m}"), &[]);
    let key = Signer::new("k", 1);
    let scripts: Vec<Script> = names.iter().map(|_| Script::new(key_set(&[&key]))).collect();
    scripts.iter().for_each(|script| script.takes(Duration::from_millis(400)));
    let tasks = scripts.iter().enumerate().map(|(place, script)| refresher(&rig, place, script));
    let tasks = join_all(tasks.map(|task| task.run(BlockingRunner::new())));
    let test = async {
        let began = Instant::now();
        // The last in the queue, which is 64 / 8 * 400 ms long.
        let token = key.token(&claims("t63", &json!({})));
        let first = rig.verifier.verify(&token, at(NOW), began + Duration::from_secs(2)).await;
        assert!(first.is_ok(), "{first:?}");
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        let with_keys = || rig.verifier.issuers()[0].tenants_status().unwrap().fresh;
        while with_keys() < 64 && began.elapsed() < Duration::from_secs(6) {
            sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(with_keys(), 64);
        assert!(began.elapsed() >= Duration::from_millis(64 / 8 * 400), "{:?}", began.elapsed());
        assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
        // And every tenant its next turn: no place is held by a task that waits.
        sleep(Duration::from_secs(620)).await;
        assert!(scripts.iter().all(|script| script.fetches() == 2));
    };
    tokio::select! {
        _ = tasks => panic!("a refresher never ends"),
        () = test => {}
    }
}

#[tokio::test(start_paused = true)]
async fn tenants_that_all_fail_ask_no_more_often_together_than_a_few_may() {
    let names: Vec<String> = (0..64).map(|index| format!("t{index:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let rig = rig_of(&yaml(&names, ""), &[]);
    let script = Script::new(Vec::new());
    script.fail(FetchResult::Network);
    let tasks = (0..names.len()).map(|place| refresher(&rig, place, &script));
    let tasks = join_all(tasks.map(|task| task.run(BlockingRunner::new())));
    tokio::select! {
        _ = tasks => panic!("a refresher never ends"),
        () = sleep(Duration::from_secs(100)) => {}
    }
    let began = script.fetched_at()[0];
    for second in 10..100 {
        let within = script.fetched_at().into_iter().filter(|at| (*at - began).as_secs() == second);
        assert!(within.count() <= 80, "in second {second}");
    }
    let fetches = script.fetches();
    assert!((64 * 5..64 * 16).contains(&fetches), "{fetches} fetches in 100 s");
}
