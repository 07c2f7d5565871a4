//! Key sets on disk: what a start during an outage may trust, and what it must not.

mod damage;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use serde_json::json;
use tempfile::TempDir;
use tokio::time::sleep;

use super::{CommandTarget, ISS, Rig, Signer, access, issuer, key_set, rig_of};
use crate::{
    config::{KeySnapshots, Span},
    model::DenyReason,
    verify::key_snapshot::{KeySnapshot, LoadError},
    verify::key_source::FetchResult,
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

struct Disk(TempDir);

impl Disk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn directory(&self) -> PathBuf {
        self.0.path().join("keys")
    }

    fn file(&self) -> PathBuf {
        self.directory().join("one.keys")
    }

    fn settings(&self) -> KeySnapshots {
        let directory = self.directory().to_str().unwrap().to_owned();
        KeySnapshots { directory, max_age: Span::from_secs(86_400) }
    }

    fn yaml(&self) -> String {
        format!("key_snapshots: {{directory: {}}}", self.directory().display())
    }

    fn snapshot(&self) -> KeySnapshot {
        KeySnapshot::new(&self.settings(), "one", ISS, ISS)
    }

    /// Written so long ago.
    fn written(&self, document: &[u8], ago: Duration) {
        self.snapshot().write(document, SystemTime::now() - ago, || true).unwrap();
    }

    /// A process that keeps its keys here, with this issuer's keys.
    fn rig(&self, keys: &[&Signer]) -> Rig {
        let yaml = format!("{{issuers: [{}], {}}}", issuer("one", ISS), self.yaml());
        rig_of(&yaml, &[key_set(keys)])
    }

    /// A process that starts while the issuer cannot be reached.
    fn outage(&self) -> Rig {
        let rig = self.rig(&[]);
        rig.script().fail(FetchResult::Network);
        rig
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn count(rig: &Rig, result: &str) -> f64 {
    rig.metric(&format!("rownd_authz_key_snapshots_total{{issuer=\"one\",result=\"{result}\"}}"))
}

async fn settled(rig: &Rig) {
    while rig.verifier.issuers()[0].key_status().attempts == 0 {
        sleep(SECOND / 10).await;
    }
    sleep(SECOND / 10).await;
}

#[tokio::test(start_paused = true)]
async fn a_start_during_an_outage_verifies_with_the_keys_of_before() {
    let key = Signer::new("k", 1);
    let token = key.token(&access());
    let disk = Disk::new();
    disk.rig(&[&key])
        .run_with_keys(async |rig| {
            settled(rig).await;
            assert_eq!((count(rig, "absent"), count(rig, "written")), (1.0, 1.0));
        })
        .await;
    assert_eq!(disk.names(), ["one.keys"], "nothing unfinished stays behind");
    assert_eq!(fs::metadata(disk.directory()).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(disk.file()).unwrap().permissions().mode() & 0o777, 0o600);

    disk.outage()
        .run(async |rig| {
            settled(rig).await;
            assert!(rig.verify(&token).await.is_ok());
            assert!(rig.readiness.is_ready(), "{:?}", rig.readiness.waiting_for());
            assert_eq!(count(rig, "loaded"), 1.0);
            let status = rig.verifier.issuers()[0].key_status();
            assert!(status.stale && status.last_error.is_some(), "{status:?}");
            assert_eq!(rig.metric("rownd_authz_keys_stale{issuer=\"one\"}"), 1.0);
            // The issuer returns, with other keys.
            let new = Signer::new("new", 2);
            rig.script().answer(key_set(&[&new]));
            sleep(61 * SECOND).await;
            assert!(rig.verify(&new.token(&access())).await.is_ok());
            let denied = rig.verify(&token).await.unwrap_err();
            assert_eq!(denied.reason(), DenyReason::KidUnknown);
            assert_eq!(rig.metric("rownd_authz_keys_stale{issuer=\"one\"}"), 0.0);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn the_true_age_counts() {
    let key = Signer::new("k", 1);
    let disk = Disk::new();
    disk.written(&key_set(&[&key]), 20 * HOUR);
    disk.outage()
        .run(async |rig| {
            settled(rig).await;
            let status = rig.verifier.issuers()[0].key_status();
            assert!(status.age_seconds >= Some(20 * 3600) && status.overdue, "{status:?}");
            assert!(rig.verify(&key.token(&access())).await.is_ok());
            // `max_stale` is 24 h for restored keys, too.
            sleep(4 * HOUR + HOUR / 2).await;
            let denied = rig.verify(&key.token(&access())).await.unwrap_err();
            assert_eq!(denied.reason(), DenyReason::KeysUnavailable);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn keys_of_the_configuration_before_are_not_replaced_by_older_ones() {
    let (old, new) = (Signer::new("k", 1), Signer::new("k", 2));
    let disk = Disk::new();
    disk.written(&key_set(&[&old]), HOUR);
    let yaml = format!("issuers: [{}]", issuer("one", ISS));
    rig_of(&yaml, &[key_set(&[&new])])
        .run_with_keys(async |before| {
            let mut rig = disk.outage();
            rig.verifier.issuers()[0].rings[0]
                .keys
                .adopt(&before.verifier.issuers()[0].rings[0].keys);
            rig.run(async |rig| {
                settled(rig).await;
                assert!(rig.verify(&new.token(&access())).await.is_ok());
                assert_eq!((count(rig, "loaded"), count(rig, "absent")), (0.0, 0.0));
            })
            .await;
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn keys_from_the_disk_are_checked_like_those_from_the_network() {
    let key = Signer::new("k", 1);
    let disk = Disk::new();
    let document = json!({"keys": [key.jwk(), {"kty": "oct", "k": "AA", "kid": "weak"}]});
    disk.written(document.to_string().as_bytes(), SECOND);
    disk.outage()
        .run(async |rig| {
            settled(rig).await;
            let status = rig.verifier.issuers()[0].key_status();
            assert_eq!((status.usable, status.refused.len()), (1, 1));
        })
        .await;
    for document in ["", "{}", r#"{"keys":[]}"#, r#"{"keys":[{"kty":"oct","k":"AA"}]}"#] {
        disk.written(document.as_bytes(), SECOND);
        disk.outage()
            .run(async |rig| {
                settled(rig).await;
                assert_eq!(count(rig, "refused"), 1.0, "{document}");
                assert!(!rig.readiness.is_ready());
            })
            .await;
    }
}

fn refusal(disk: &Disk) -> String {
    match disk.snapshot().load(SystemTime::now()) {
        Ok(_) => "taken".to_owned(),
        Err(LoadError::Absent) => "absent".to_owned(),
        Err(LoadError::Refused(reason)) => reason,
    }
}

#[test]
fn only_the_keys_of_this_issuer_from_this_place_are_taken() {
    let disk = Disk::new();
    let settings = disk.settings();
    disk.written(&key_set(&[&Signer::new("k", 1)]), HOUR);
    for (name, iss, source, expected) in [
        ("one", ISS, ISS, "taken"),
        ("one", "https://another.test", ISS, "another issuer"),
        ("one", ISS, "https://another.test/keys", "another place"),
        ("two", ISS, ISS, "absent"),
    ] {
        let snapshot = KeySnapshot::new(&settings, name, iss, source);
        let found = match snapshot.load(SystemTime::now()) {
            Ok(_) => "taken".to_owned(),
            Err(LoadError::Absent) => "absent".to_owned(),
            Err(LoadError::Refused(reason)) => reason,
        };
        assert!(found.contains(expected), "{name} {iss} {source}: {found}");
    }
    // Another issuer's file under this one's name.
    fs::copy(disk.file(), disk.directory().join("two.keys")).unwrap();
    let stolen = KeySnapshot::new(&settings, "two", ISS, ISS).load(SystemTime::now());
    assert!(matches!(stolen, Err(LoadError::Refused(_))));
}

#[test]
fn a_clock_that_was_set_does_not_make_old_keys_young() {
    let disk = Disk::new();
    disk.written(&key_set(&[&Signer::new("k", 1)]), Duration::ZERO);
    let now = SystemTime::now();
    for (name, now, expected) in [
        ("now", now, "taken"),
        ("a little back", now - 50 * SECOND, "taken"),
        ("an hour back", now - HOUR, "from the future"),
        ("to 1970", SystemTime::UNIX_EPOCH, "from the future"),
        ("23 h on", now + 23 * HOUR, "taken"),
        ("25 h on", now + 25 * HOUR, "older than"),
        ("ten years on", now + 87_600 * HOUR, "older than"),
    ] {
        let found = match disk.snapshot().load(now) {
            Ok(restored) => format!("taken, {} s", restored.age.as_secs()),
            Err(error) => format!("{error:?}"),
        };
        assert!(found.contains(expected), "{name}: {found}");
    }
}

#[tokio::test(start_paused = true)]
async fn forgotten_keys_are_forgotten_on_disk_too() {
    let key = Signer::new("k", 1);
    let disk = Disk::new();
    disk.rig(&[&key])
        .run_with_keys(async |rig| {
            settled(rig).await;
            assert!(disk.file().exists());
            rig.script().fail(FetchResult::Network);
            rig.verifier.forget_keys(CommandTarget::default());
            assert!(!disk.file().exists(), "at once");
            sleep(10 * SECOND).await;
            assert!(!disk.file().exists());
        })
        .await;
    disk.outage()
        .run(async |rig| {
            settled(rig).await;
            assert!(rig.verify(&key.token(&access())).await.is_err());
        })
        .await;
}

#[test]
fn a_document_fetched_before_the_command_is_never_put_in_place() {
    let disk = Disk::new();
    disk.snapshot().write(b"{}", SystemTime::now(), || false).unwrap();
    assert_eq!(disk.names(), Vec::<String>::new());
    disk.snapshot().remove().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_cannot_be_written_stops_nothing() {
    let key = Signer::new("k", 1);
    let disk = Disk::new();
    let mut rig = disk.rig(&[&key]);
    // A file stands where the directory should be.
    fs::write(disk.directory(), "").unwrap();
    rig.run_with_keys(async |rig| {
        settled(rig).await;
        assert!(rig.verify(&key.token(&access())).await.is_ok());
        sleep(HOUR).await;
        assert!(rig.verify(&key.token(&access())).await.is_ok());
        assert!(count(rig, "write_failed") >= 6.0);
        assert_eq!(count(rig, "written"), 0.0);
        // It is mended, and nobody has to restart anything.
        fs::remove_file(disk.directory()).unwrap();
        sleep(HOUR).await;
        assert!(count(rig, "written") >= 5.0);
    })
    .await;
    assert_eq!(refusal(&disk), "taken");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_finished_leaves_the_one_of_before() {
    let key = Signer::new("k", 1);
    let disk = Disk::new();
    disk.written(&key_set(&[&key]), HOUR);
    let before = fs::read(disk.file()).unwrap();
    // The place of the new file is taken by a directory: the rename fails after the write.
    fs::rename(disk.file(), disk.directory().join("kept")).unwrap();
    fs::create_dir(disk.file()).unwrap();
    assert!(disk.snapshot().write(b"{}", SystemTime::now(), || true).is_err());
    fs::remove_dir(disk.file()).unwrap();
    fs::rename(disk.directory().join("kept"), disk.file()).unwrap();
    assert_eq!(disk.names(), ["one.keys"], "what was not finished is gone");
    assert_eq!(fs::read(disk.file()).unwrap(), before);
}

#[test]
fn only_unfinished_files_of_a_killed_process_are_removed() {
    let disk = Disk::new();
    disk.written(&key_set(&[&Signer::new("k", 1)]), HOUR);
    for name in [".one.0000000000000001.tmp", ".two.0000000000000001.tmp", "notes.txt"] {
        fs::write(disk.directory().join(name), "x").unwrap();
    }
    let load = |now| disk.snapshot().load(now).is_ok();
    assert!(load(SystemTime::now()));
    assert_eq!(disk.names().len(), 4, "it may still be written");
    assert!(load(SystemTime::now() + HOUR));
    assert_eq!(disk.names(), [".two.0000000000000001.tmp", "notes.txt", "one.keys"]);
}

#[test]
fn the_settings_reach_every_issuer_with_its_own_file() {
    let disk = Disk::new();
    let yaml = format!(
        "{{issuers: [{}, {}], {}}}",
        issuer("one", ISS),
        issuer("two", "https://two.test"),
        disk.yaml()
    );
    let rig = rig_of(&yaml, &[key_set(&[]), key_set(&[])]);
    let paths: Vec<PathBuf> = rig
        .verifier
        .issuers()
        .iter()
        .map(|issuer| issuer.rings[0].keys.snapshot.get().unwrap().path())
        .collect();
    assert_eq!(paths, ["one.keys", "two.keys"].map(|name| disk.directory().join(name)));
}
