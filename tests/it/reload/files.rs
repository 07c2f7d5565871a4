//! Changes of the file, and the configuration afterwards.

use std::{
    fs,
    os::unix::fs::symlink,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use rownd_authz::{app::ReloadOutcome, model::DenyReason};
use serde_json::{Value, json};

use super::{Ask, House, open_to_all};
use crate::support::{TestApp, config_with, forge::APP, until};

#[tokio::test]
async fn a_changed_file_is_in_force_without_anybody_asking() {
    let mut house = House::open(|_| {}).await;
    let before = house.status().await;
    house.check(&Ask::get("/")).await.assert_denied("before", DenyReason::CredentialMissing);
    house.change(open_to_all);
    house.in_force_by_itself(2).await;
    house.check(&Ask::get("/")).await.assert_allowed("after", "public");
    let after = house.status().await;
    assert_eq!((&before["epoch"], &after["epoch"]), (&json!(1), &json!(2)));
    assert_ne!(before["config_hash"], after["config_hash"]);
    assert_eq!(after["refused"], json!({}));
    assert!(house.app.readiness.is_ready());
}

/// Name, what is done to the file, and words that the refusal must hold.
type Case = (&'static str, fn(&House), &'static [&'static str]);

const BAD: &[Case] = &[
    ("garbage", |house| house.replace("{{{ nonsense"), &["rownd-authz.yaml:1"]),
    ("empty", |house| fs::write(&house.file, "").unwrap(), &["is empty"]),
    ("comments only", |house| house.replace("# nothing\n\n"), &["is empty"]),
    ("deleted", |house| fs::remove_file(&house.file).unwrap(), &["cannot be read"]),
    (
        "a directory in its place",
        |house| {
            fs::remove_file(&house.file).unwrap();
            fs::create_dir(&house.file).unwrap();
        },
        &["is not a regular file"],
    ),
    (
        "half written",
        |house| {
            let text = house.settings.to_string();
            fs::write(&house.file, &text[..text.len() / 2]).unwrap();
        },
        &["rownd-authz.yaml"],
    ),
    (
        "two faults",
        |house| {
            let mut settings = house.settings.clone();
            settings["check"]["timeout"] = json!("never");
            settings["routes"][0]["auht"] = json!("none");
            house.replace(&settings.to_string());
        },
        &["check.timeout: `never`", "routes[0].auht: unknown field; did you mean `auth`?"],
    ),
    (
        "a secret's file that is not there",
        |house| {
            let mut settings = house.settings.clone();
            settings["issuers"][0]["apps"][0]["secret"] = json!("file:/no/such/file");
            house.replace(&settings.to_string());
        },
        &["issuers[0].apps[0].secret: the file /no/such/file cannot be read"],
    ),
    (
        "a restart, and nothing but the names of what needs it",
        |house| {
            let mut settings = house.settings.clone();
            open_to_all(&mut settings);
            settings["listeners"]["grpc"]["address"] = json!("127.0.0.1:50999");
            settings["log"] = json!({ "level": "debug" });
            house.replace(&settings.to_string());
        },
        &[
            "listeners.grpc.address: needs a restart: `",
            "and `127.0.0.1:50999` stands here",
            "log.level: needs a restart: `",
        ],
    ),
];

#[tokio::test]
async fn a_bad_file_changes_nothing_and_is_told_everywhere() {
    let house = House::open(|_| {}).await;
    for (name, spoil, words) in BAD {
        spoil(&house);
        let problems = house.refused().await;
        for word in *words {
            assert!(problems.contains(word), "{name}: {word}: {problems}");
        }
        assert!(house.failed(), "{name}: the gauge");
        assert_eq!(house.epoch(), 1, "{name}");
        let told = house.status().await["refused"]["config"]["problems"].to_string();
        assert!(told.contains(words[0]), "{name}: {told}");
        let denied = house.check(&Ask::get("/")).await;
        denied.assert_denied(name, DenyReason::CredentialMissing);
        house.check(&house.good()).await.assert_allowed(name, "authenticated");
        if house.file.is_dir() {
            fs::remove_dir(&house.file).unwrap();
        }
        house.replace(&house.settings.to_string());
        assert_eq!(house.app.reload().await, ReloadOutcome::Unchanged(1), "{name}");
        assert!(!house.failed(), "{name}: the gauge after");
        assert_eq!(house.status().await["refused"], json!({}), "{name}");
    }
    assert!(house.reloads("refused") >= BAD.len() as f64);
    assert_eq!(house.reloads("ok"), 0.0);
}

#[tokio::test]
async fn a_file_that_comes_back_is_found() {
    let mut house = House::open(|_| {}).await;
    fs::remove_file(&house.file).unwrap();
    until("the refusal", || house.failed()).await;
    house.check(&house.good()).await.assert_allowed("without a file", "authenticated");
    house.change(open_to_all);
    house.in_force_by_itself(2).await;
    assert!(!house.failed());
}

#[tokio::test]
async fn the_swapped_link_of_a_mount_is_seen() {
    let house = House::open(|_| {}).await;
    let mount = house.dir.path().join("mount");
    let write = |name: &str, settings: &Value| {
        fs::create_dir(mount.join(name)).unwrap();
        fs::write(mount.join(name).join("config.yaml"), settings.to_string()).unwrap();
        // Like the kubelet: a link is made and renamed over `..data`.
        symlink(name, mount.join("..data_tmp")).unwrap();
        fs::rename(mount.join("..data_tmp"), mount.join("..data")).unwrap();
    };
    fs::create_dir(&mount).unwrap();
    write("..1", &house.settings);
    symlink("..data/config.yaml", mount.join("config.yaml")).unwrap();
    let app = TestApp::follow(&mount.join("config.yaml")).await;
    app.is_ready().await;
    write("..2", &config_with(&house.issuer, open_to_all));
    fs::remove_dir_all(mount.join("..1")).unwrap();
    until("the swap", || app.metric("rownd_authz_config_epoch", &[]) == 2.0).await;
    app.check(&Ask::get("/")).await.assert_allowed("after the swap", "public");
}

#[tokio::test]
async fn a_rotated_secret_is_read_again() {
    let secrets = tempfile::tempdir().unwrap();
    let secret = secrets.path().join("secret");
    fs::write(&secret, "ras_first").unwrap();
    let house = House::open(|settings| {
        let app = json!({ "id": APP, "secret": format!("file:{}", secret.display()) });
        settings["issuers"][0]["apps"] = json!([app]);
    })
    .await;
    fs::write(&secret, "ras_second").unwrap();
    house.in_force_by_itself(2).await;
    fs::write(&secret, "").unwrap();
    until("the refusal", || house.failed()).await;
    assert_eq!(house.epoch(), 2);
    let told = house.status().await.to_string();
    assert!(told.contains("issuers[0].apps[0].secret") && !told.contains("ras_"), "{told}");
    house.check(&house.good()).await.assert_allowed("after all", "authenticated");
}

#[tokio::test]
async fn a_writer_that_never_rests_harms_nothing() {
    let mut house = House::open(|_| {}).await;
    let stop = Arc::new(AtomicBool::new(false));
    let (file, settings) = (house.file.clone(), house.settings.to_string());
    let stopped = stop.clone();
    let writer = thread::spawn(move || {
        let mut writes = 0;
        while !stopped.load(Ordering::SeqCst) {
            // Written in place: a reader may find an empty file, or a part of it.
            fs::write(&file, &settings[..settings.len() * (writes % 4) / 4]).unwrap();
            fs::write(&file, &settings).unwrap();
            writes += 1;
            thread::sleep(Duration::from_millis(10));
        }
        writes
    });
    for _ in 0..200 {
        house.check(&house.good()).await.assert_allowed("meanwhile", "authenticated");
        let denied = house.check(&Ask::get("/")).await;
        denied.assert_denied("meanwhile", DenyReason::CredentialMissing);
        house.app.reload().await;
    }
    stop.store(true, Ordering::SeqCst);
    assert!(writer.join().unwrap() > 10);
    assert_eq!(house.epoch(), 1, "nothing but one configuration was ever whole");
    house.change(open_to_all);
    house.in_force_by_itself(2).await;
    house.check(&Ask::get("/")).await.assert_allowed("at last", "public");
}
