//! Keys that are replaced while the process runs.

use std::fs;

use rownd_authz::app::ReloadOutcome;
use serde_json::json;

use super::{House, ed25519, p256};
use crate::support::until;

#[tokio::test]
async fn a_key_is_added_moved_to_the_front_and_removed() {
    let mut house = House::open(|_, _| {}).await;
    house.write("two.pem", &ed25519());
    let (one, two) = (house.path("one.pem"), house.path("two.pem"));
    let entry = |file, kid| json!({ "file": file, "kid": kid });
    for (epoch, keys, expected) in [
        (2, json!([entry(&one, "one"), entry(&two, "two")]), &["one", "two"][..]),
        (3, json!([entry(&two, "two"), entry(&one, "one")]), &["two", "one"]),
        (4, json!([entry(&two, "two")]), &["two"]),
    ] {
        house.change(|settings| settings["passport"]["keys"] = keys);
        house.app.put_in_force(epoch).await;
        assert_eq!(house.kids().await, expected);
    }
}

#[tokio::test]
async fn a_file_that_is_replaced_is_read_without_anybody_asking() {
    let house = House::open(|settings, _| {
        settings["passport"]["keys"][0].as_object_mut().unwrap().remove("kid");
    })
    .await;
    let before = house.kids().await;
    house.write("one.pem", &p256());
    until("the next epoch", || house.app.metric("rownd_authz_config_epoch", &[]) == 2.0).await;
    let after = house.kids().await;
    assert!(after.len() == 1 && after != before, "{before:?} {after:?}");
}

#[tokio::test]
async fn a_key_that_cannot_be_used_leaves_the_last_good_ones_in_force() {
    let mut house = House::open(|_, _| {}).await;
    let good = fs::read_to_string(house.path("one.pem")).unwrap();
    for (name, text, expected) in [
        ("empty", "", "passport/keys/0/file: the file"),
        ("garbage", "garbage", "no PEM block"),
        ("two keys", &format!("{good}{}", p256()), "several PEM blocks"),
    ] {
        house.write("one.pem", text);
        match house.app.reload().await {
            ReloadOutcome::Refused(problems) => {
                let problems = problems.join("\n");
                assert!(problems.contains(expected), "{name}: {problems}");
            }
            other => panic!("{name}: {other:?}"),
        }
        assert_eq!(house.kids().await, ["one"], "{name}");
    }
    house.write("one.pem", &good);
    let absent = house.path("absent.pem");
    house.change(|settings| settings["passport"]["keys"][0]["file"] = json!(absent));
    assert!(matches!(house.app.reload().await, ReloadOutcome::Refused(_)));
    assert_eq!(house.kids().await, ["one"]);
}
