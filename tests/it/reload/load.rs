//! Two hundred reloads under load: each answer is wholly of one configuration.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use rownd_authz::grpc::pb::authorization_client::AuthorizationClient;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{Answer, Ask, Claims, House};

/// How often the configuration changes.
const RELOADS: usize = 200;

/// Everything that differs is told by an answer: where the credential is taken from, what the
/// route asks for, and how the denial is worded.
fn is(settings: &mut Value, name: &str) {
    let (header, level, retry) = match name {
        "one" => ("x-token-one", "verified", "11s"),
        _ => ("x-token-two", "guest", "22s"),
    };
    settings["credentials"] = json!([{ "header": header }, { "header": "authorization" }]);
    settings["routes"] = json!([{
        "id": name, "match": { "path": { "prefix": "/both" } }, "auth_level": level,
    }]);
    settings["check"]["realm"] = json!(name);
    settings["check"]["retry_after"] = json!(retry);
}

/// A guest's token for the first configuration, which asks for more; no token for the second.
/// Any mixture of the two is an answer that neither gives.
fn of_one_configuration(answer: &Answer) -> Result<&'static str, String> {
    let name = match answer.fact("rule") {
        "one" => "one",
        "two" => "two",
        rule => return Err(format!("rule {rule}: {answer:?}")),
    };
    let reason = if name == "one" { "auth_level_too_low" } else { "token_malformed" };
    let challenge = answer.header("www-authenticate").unwrap_or_default();
    let realm = format!("Bearer realm=\"{name}\"");
    if answer.reason() == reason && challenge.starts_with(&realm) {
        Ok(name)
    } else {
        Err(format!("{name}: {answer:?}"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_reloads_under_load_cost_no_check_and_mix_nothing() {
    let mut house = House::open(|settings| is(settings, "one")).await;
    let guest = house.key.token(&Claims::of(&house.issuer.url()).level("guest"));
    let both = Ask::get("/both").header("x-token-one", guest).header("x-token-two", "nonsense");
    let good = house.good();
    let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut clients = JoinSet::new();
    for _ in 0..4 {
        let (stop, asked) = (stop.clone(), asked.clone());
        let (both, good, channel) = (both.clone(), good.clone(), house.app.channel());
        clients.spawn(async move {
            let mut seen = std::collections::BTreeMap::<_, u64>::new();
            while !stop.load(Ordering::SeqCst) {
                let mut client = AuthorizationClient::new(channel.clone());
                let answer = client.check(both.message()).await.expect("never an RPC error");
                let answer = Answer::sound(answer.into_inner());
                *seen.entry(of_one_configuration(&answer)?).or_default() += 1;
                let answer = client.check(good.message()).await.expect("never an RPC error");
                let answer = Answer::sound(answer.into_inner());
                if !answer.is_allowed() {
                    return Err(format!("a good one was denied: {answer:?}"));
                }
                asked.fetch_add(2, Ordering::SeqCst);
            }
            Ok(seen)
        });
    }
    for turn in 0..RELOADS {
        let name = if turn % 2 == 0 { "two" } else { "one" };
        house.put_in_force(|settings| is(settings, name)).await;
        assert!(house.app.readiness.is_ready(), "{turn}");
        // Each configuration is in force while at least one check arrives.
        let before = asked.load(Ordering::SeqCst);
        crate::support::until("the load to go on", || {
            asked.load(Ordering::SeqCst) > before || clients.len() < 4
        })
        .await;
    }
    stop.store(true, Ordering::SeqCst);
    for seen in clients.join_all().await {
        let seen = seen.unwrap();
        assert!(seen.len() == 2, "both configurations were seen: {seen:?}");
    }
    assert_eq!(house.epoch(), 1 + RELOADS as u64);
    assert!(house.reloads("ok") >= RELOADS as f64);
    assert_eq!(house.issuer.hits(crate::support::issuer::KEYS), 1, "its keys were there");
}
