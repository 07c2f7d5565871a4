//! Certificates that are wrong at the start, and certificates that change.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::symlink,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use rownd_authz::{app::ReloadOutcome, config};
use serde_json::{Value, json};

use super::{Authority, Client, House, Issuer, Key, TestApp, ask_on, der, tls};
use crate::support::{binary, until};

/// Name, what is done to the files, and setting and words of every problem.
type Case = (&'static str, fn(&Path), &'static [(&'static str, &'static str)]);

const BAD: &[Case] = &[
    (
        "nothing there",
        |dir| {
            for name in ["server.crt", "server.key", "clients.crt"] {
                fs::remove_file(dir.join(name)).unwrap();
            }
        },
        &[
            ("cert_file", "cannot be read"),
            ("key_file", "cannot be read"),
            ("client_ca_file", "cannot be read"),
        ],
    ),
    (
        "a directory",
        |dir| {
            fs::remove_file(dir.join("server.crt")).unwrap();
            fs::create_dir(dir.join("server.crt")).unwrap();
        },
        &[("cert_file", "not a regular file")],
    ),
    (
        "no PEM",
        |dir| {
            for name in ["server.crt", "server.key", "clients.crt"] {
                fs::write(dir.join(name), "nonsense").unwrap();
            }
        },
        &[
            ("cert_file", "holds no certificate"),
            ("key_file", "holds no private key"),
            ("client_ca_file", "holds no certificate"),
        ],
    ),
    (
        "swapped",
        |dir| {
            fs::rename(dir.join("server.crt"), dir.join("x")).unwrap();
            fs::rename(dir.join("server.key"), dir.join("server.crt")).unwrap();
            fs::rename(dir.join("x"), dir.join("server.key")).unwrap();
        },
        &[
            ("cert_file", "holds a private key, and no certificate; write the file that has"),
            ("key_file", "holds a certificate, and no private key; write the file that has"),
        ],
    ),
    (
        "other blocks",
        |dir| {
            let block =
                |label: &str| format!("-----BEGIN {label}-----\nMAMCAQE=\n-----END {label}-----\n");
            fs::write(dir.join("server.crt"), block("CERTIFICATE REQUEST")).unwrap();
            fs::write(dir.join("server.key"), block("PUBLIC KEY")).unwrap();
        },
        &[
            ("cert_file", "holds a request for a certificate, and no certificate"),
            ("key_file", "holds a public key, and no private key"),
        ],
    ),
    (
        "an encrypted key",
        |dir| {
            let label = "ENCRYPTED PRIVATE KEY";
            let text = format!("-----BEGIN {label}-----\nMAMCAQE=\n-----END {label}-----\n");
            fs::write(dir.join("server.key"), text).unwrap();
        },
        &[("key_file", "holds an encrypted key; decrypt it")],
    ),
    (
        "DER",
        |dir| {
            for name in ["server.crt", "server.key"] {
                fs::write(dir.join(name), [0x30, 0x03, 0x02, 0x01, 0x01]).unwrap();
            }
        },
        &[
            ("cert_file", "convert it: openssl x509 -inform der"),
            ("key_file", "convert it: openssl pkey -inform der"),
        ],
    ),
    (
        "cut short",
        |dir| {
            let text = fs::read_to_string(dir.join("server.crt")).unwrap();
            fs::write(dir.join("server.crt"), &text[..text.len() / 2]).unwrap();
        },
        &[("cert_file", "server.crt:1: a block begins here and has no end")],
    ),
    (
        "no base64",
        |dir| {
            let text = fs::read_to_string(dir.join("server.crt")).unwrap();
            fs::write(dir.join("server.crt"), text.replacen("\nM", "\n!", 1)).unwrap();
        },
        &[("cert_file", "not base64 as PEM has it; copy the file again")],
    ),
    (
        "another's key",
        |dir| fs::write(dir.join("server.key"), Authority::new().issue().key).unwrap(),
        &[("key_file", "does not belong to")],
    ),
    (
        "a certificate that is none: the key is not to blame",
        |dir| {
            let text = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
            fs::write(dir.join("server.crt"), text).unwrap();
        },
        &[("cert_file", "cannot be read")],
    ),
    (
        "expired",
        |dir| Authority::new().issue_until(2020).write(dir, "server"),
        &[("cert_file", "expired at")],
    ),
];

#[test]
fn bad_files_are_refused_at_the_start_with_every_problem_named() {
    for (name, spoil, expected) in BAD {
        let dir = tempfile::tempdir().unwrap();
        Authority::new().issue().write(dir.path(), "server");
        fs::write(dir.path().join("clients.crt"), Authority::new().pem()).unwrap();
        let settings = json!({ "listeners": { "grpc": { "tls": tls(dir.path(), true) } } });
        let app = BTreeMap::from([("ROWND_APP_ID".to_owned(), "app_x".to_owned())]);
        let read = || config::parse("test.yaml", &settings.to_string(), &app);
        assert!(read().is_ok(), "{name}: before");
        spoil(dir.path());
        let problems = read().expect_err(name).0;
        let found: Vec<(&str, &str)> =
            problems.iter().map(|p| (p.setting.as_str(), p.message.as_str())).collect();
        assert_eq!(found.len(), expected.len(), "{name}: {found:?}");
        for (setting, words) in *expected {
            let setting = format!("listeners.grpc.tls.{setting}");
            let holds = |(at, message): &(&str, &str)| *at == setting && message.contains(words);
            assert!(found.iter().any(holds), "{name}: {setting}: {words}: {found:?}");
        }
        assert!(problems.iter().all(|problem| problem.place == "test.yaml:1"), "{problems:?}");
        assert!(!format!("{problems:?}").contains("PRIVATE KEY"), "{name}: {problems:?}");
    }
}

fn reload_failed(house: &House) -> bool {
    house.app.metric("rownd_authz_reload_failed", &[("what", "certificate")]) == 1.0
}

#[tokio::test]
async fn a_new_certificate_is_used_without_anybody_asking_and_open_connections_go_on() {
    let house = House::open(true, |_| {}).await;
    let client = house.client(Some(&house.clients.issue()));
    let open = client.channel().await.unwrap();
    ask_on(open.clone(), &house.good()).await.unwrap().assert_allowed("before", "authenticated");
    let new = house.servers.issue_until(2050);
    new.write(house.dir.path(), "server");
    let end = || house.app.metric("rownd_authz_certificate_not_after_timestamp_seconds", &[]);
    until("the new certificate", || end() == 2_524_608_000.0).await;
    assert_eq!(client.certificate().await, der(&new));
    ask_on(open, &house.good()).await.unwrap().assert_allowed("the open one", "authenticated");
    house.is_well("a new one").await;
    assert!(!reload_failed(&house));
}

#[tokio::test]
async fn a_bad_pair_keeps_the_last_good_one_and_is_told() {
    for (name, spoil, expected) in BAD {
        let house = House::open(true, |_| {}).await;
        let client = house.client(Some(&house.clients.issue()));
        let before = client.certificate().await;
        spoil(house.dir.path());
        let ReloadOutcome::Refused(problems) = house.app.reload().await else { panic!("{name}") };
        assert_eq!(problems.len(), expected.len(), "{name}: {problems:?}");
        assert!(reload_failed(&house), "{name}");
        let status: Value = serde_json::from_str(&house.app.page("/status").await.body).unwrap();
        let told = status["refused"]["certificate"]["problems"].to_string();
        assert!(told.contains(expected[0].1), "{name}: {told}");
        assert_eq!(client.certificate().await, before, "{name}");
        house.is_well(name).await;
        // A configuration still becomes active.
        let text = fs::read_to_string(&house.file).unwrap();
        let mut settings: Value = serde_json::from_str(&text).unwrap();
        settings["default"] = json!({ "auth": "none" });
        fs::write(&house.file, settings.to_string()).unwrap();
        house.app.reload().await;
        assert_eq!(house.app.metric("rownd_authz_config_epoch", &[]), 2.0, "{name}");
    }
}

#[tokio::test]
async fn a_new_authority_of_clients_holds_for_new_connections() {
    let house = House::open(true, |_| {}).await;
    let old = house.clients.issue();
    let next = Authority::new();
    let new = next.issue();
    let ask = async |pair| house.client(Some(pair)).check(&house.good()).await.is_ok();
    assert!(ask(&old).await && !ask(&new).await);
    let both = house.clients.pem() + &next.pem();
    for (text, expected) in [(both, (true, true)), (next.pem(), (false, true))] {
        fs::write(house.dir.path().join("clients.crt"), text).unwrap();
        house.app.reload().await;
        assert_eq!((ask(&old).await, ask(&new).await), expected);
    }
}

#[tokio::test]
async fn the_swapped_link_of_a_mounted_secret_is_seen() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let servers = Authority::new();
    let mount = tempfile::tempdir().unwrap();
    let at = |name: &str| mount.path().join(name);
    let write = |name: &str| {
        fs::create_dir(at(name)).unwrap();
        let pair = servers.issue();
        pair.write(&at(name), "server");
        symlink(name, at("..data_tmp")).unwrap();
        fs::rename(at("..data_tmp"), at("..data")).unwrap();
        pair
    };
    let first = write("..1");
    for name in ["server.crt", "server.key"] {
        symlink(format!("..data/{name}"), at(name)).unwrap();
    }
    let mut settings = crate::support::config(&issuer);
    settings["listeners"]["grpc"]["tls"] = tls(mount.path(), false);
    fs::write(at("config.yaml"), settings.to_string()).unwrap();
    let app = TestApp::follow(&at("config.yaml")).await;
    let client = Client::new(app.address(), &servers, None);
    assert_eq!(client.certificate().await, der(&first));
    let second = write("..2");
    fs::remove_dir_all(at("..1")).unwrap();
    let ok = [("what", "certificate"), ("result", "ok")];
    until("the swap", || app.metric("rownd_authz_reloads_total", &ok) >= 1.0).await;
    assert_eq!(client.certificate().await, der(&second));
    assert_eq!(app.metric("rownd_authz_reload_failed", &[("what", "certificate")]), 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_rotations_under_load_cost_no_connection_and_no_check() {
    let house = House::open(true, |_| {}).await;
    let client = house.client(Some(&house.clients.issue()));
    let good = house.good();
    let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let (client, good, stop, asked) =
            (client.clone(), good.clone(), stop.clone(), asked.clone());
        clients.spawn(async move {
            while !stop.load(Ordering::SeqCst) {
                // A connection for each check: each meets a certificate of its own.
                if !client.check(&good).await?.is_allowed() {
                    return Err("denied".to_owned());
                }
                asked.fetch_add(1, Ordering::SeqCst);
            }
            Ok(())
        });
    }
    for turn in 0..50 {
        house.servers.issue().write(house.dir.path(), "server");
        let outcome = house.app.reload().await;
        assert!(!matches!(outcome, ReloadOutcome::Refused(_)), "{turn}: {outcome:?}");
        let before = asked.load(Ordering::SeqCst);
        until("the load to go on", || asked.load(Ordering::SeqCst) > before || clients.len() < 2)
            .await;
    }
    stop.store(true, Ordering::SeqCst);
    for ended in clients.join_all().await {
        ended.unwrap();
    }
    assert_eq!(house.result("tls_failed"), 0.0);
}

#[tokio::test]
async fn the_health_check_asks_over_tls_whatever_the_certificate_is() {
    for mutual in [false, true] {
        let mut house = House::open(mutual, |_| {}).await;
        let address = house.app.address().to_string();
        let file = house.file.display().to_string();
        // It asks with the server's own certificate, which the clients' authority must have signed.
        house.clients.issue().write(house.dir.path(), "server");
        let asked = |arguments: Vec<String>| {
            let address = address.clone();
            tokio::task::spawn_blocking(move || {
                let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
                let environment = [("ROWND_AUTHZ__LISTENERS__GRPC__ADDRESS", address.as_str())];
                binary::run(&arguments, &environment)
            })
        };
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let good = asked(words(&["healthcheck", "--config", &file])).await.unwrap();
        assert_eq!(good.status.code(), Some(0), "mutual: {mutual}: {good:?}");
        let bare = asked(words(&["healthcheck", "--address", &address])).await.unwrap();
        assert_eq!(bare.status.code(), Some(1), "plain text: {bare:?}");
        let mut by_hand = vec!["healthcheck", "--address", &address, "--tls"];
        let at = |name: &str| house.dir.path().join(name).display().to_string();
        let (cert, key) = (at("server.crt"), at("server.key"));
        if mutual {
            by_hand.extend(["--cert", &cert, "--key", &key]);
        }
        let by_hand = asked(words(&by_hand)).await.unwrap();
        assert_eq!(by_hand.status.code(), Some(0), "mutual: {mutual}: {by_hand:?}");
        house.app.stop();
        house.app.ended().await;
    }
}

#[tokio::test]
async fn the_health_check_asks_only_whom_an_authority_vouches_for_where_it_is_told_to() {
    let mut house = House::open(false, |_| {}).await;
    let port = house.app.address().port();
    let (good, other) = (house.dir.path().join("good.crt"), house.dir.path().join("other.crt"));
    let empty = house.dir.path().join("empty.crt");
    fs::write(&good, house.servers.pem()).unwrap();
    fs::write(&other, house.clients.pem()).unwrap();
    fs::write(&empty, "").unwrap();
    let socket = format!("unix:{}", house.dir.path().join("nobody").display());
    let at = |host: &str| format!("{host}:{port}");
    for (name, ca, address, expected) in [
        ("signed for the address", &good, at("127.0.0.1"), 0),
        ("signed for the name", &good, at("localhost"), 0),
        ("signed for another name", &good, at("127.0.0.2"), 1),
        ("signed by another", &other, at("127.0.0.1"), 1),
        ("no authority at all", &empty, at("127.0.0.1"), 2),
        ("no host to compare with", &good, socket, 2),
    ] {
        let ca = ca.display().to_string();
        let asked = tokio::task::spawn_blocking(move || {
            binary::run(&["healthcheck", "--address", &address, "--ca", &ca], &[])
        });
        let answer = asked.await.unwrap();
        assert_eq!(answer.status.code(), Some(expected), "{name}: {answer:?}");
    }
    house.app.stop();
    house.app.ended().await;
}
