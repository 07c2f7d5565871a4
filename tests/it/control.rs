//! The control socket of the running service: what a command changes is seen by the very next
//! check; the file, the log, and every line of the manual.

use std::{
    fs,
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use rownd_authz::model::DenyReason;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::freshness;
use crate::support::{
    Ask, Claims, Issuer, Key, Reply, TestApp,
    binary::Binary,
    control::{command, order},
    eventually,
    forge::{USER, now},
    issuer::KEYS,
};

/// A running service that takes commands.
struct House {
    key: Key,
    issuer: Issuer,
    app: TestApp,
    socket: PathBuf,
    files: TempDir,
}

fn with_control(issuer: &Issuer, socket: &Path) -> Value {
    let mut settings = freshness::settings(issuer, &json!({ "ttl": "10m" }));
    settings["listeners"]["control"] = json!({ "address": format!("unix:{}", socket.display()) });
    settings
}

impl House {
    async fn open() -> Self {
        let key = Key::new("sig-1");
        let issuer = Issuer::with_keys(&[&key]);
        let files = TempDir::new().unwrap();
        let socket = files.path().join("control.sock");
        let app = TestApp::ready(&with_control(&issuer, &socket)).await;
        Self { key, issuer, app, socket, files }
    }

    fn token(&self, jti: &str) -> Ask {
        Ask::with_token(self.key.token(&Claims::of(&self.issuer.url()).with("jti", jti)))
    }

    async fn order(&self, path: &str, body: Value) -> Value {
        order(&self.socket, path, &body).await
    }
}

#[tokio::test]
async fn a_revoked_token_is_denied_at_the_very_next_check() {
    let house = House::open().await;
    let (stolen, other) = (house.token("stolen"), house.token("other"));
    for _ in 0..2 {
        house.app.check(&stolen).await.assert_allowed("before", "authenticated");
    }
    let cached = [("result", "cached")];
    assert!(house.app.metric("rownd_authz_verifications_total", &cached) >= 1.0, "it is cached");
    house.order("/revoke", json!({ "jti": "stolen" })).await;
    let denied = house.app.check(&stolen).await;
    denied.assert_denied("after", DenyReason::Revoked);
    assert!(denied.header("www-authenticate").unwrap().contains("error=\"invalid_token\""));
    house.app.check(&other).await.assert_allowed("another token", "authenticated");
    assert_eq!(house.app.counted("revoked"), 1.0);
    house.order("/unrevoke", json!({ "jti": "stolen" })).await;
    house.app.check(&stolen).await.assert_allowed("taken back", "authenticated");
}

/// A container has no curl.
#[tokio::test]
async fn the_program_itself_gives_commands() {
    let house = House::open().await;
    let stolen = house.token("stolen");
    let file = house.files.path().join("rownd-authz.yaml");
    let listener =
        format!("listeners: {{ control: {{ address: \"unix:{}\" }} }}", house.socket.display());
    std::fs::write(&file, listener).unwrap();
    let socket = house.socket.to_str().unwrap();
    for (name, arguments, code, said) in [
        ("a listing", vec!["revocations"], 0, "\"tokens\":0"),
        ("a revocation", vec!["revoke", r#"{"jti": "stolen"}"#], 0, "{"),
        ("a socket by name", vec!["revocations", "--socket", socket], 0, "\"tokens\":1"),
        ("nothing to revoke", vec!["revoke", "{}"], 1, ""),
        ("no JSON", vec!["revoke", "stolen"], 1, ""),
        ("nobody there", vec!["reload", "--socket", "/nowhere/control.sock"], 2, ""),
        ("an unknown command", vec!["stop"], 2, ""),
    ] {
        let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_rownd-authz"))
            .arg("control")
            .args(&arguments)
            .env("ROWND_AUTHZ_CONFIG", &file)
            .output()
            .await
            .unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        let problem = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{name}: {told} {problem}");
        assert!(told.contains(said), "{name}: {told}");
        assert_eq!(problem.is_empty(), code == 0, "{name}: {problem}");
    }
    house.app.check(&stolen).await.assert_denied("after", DenyReason::Revoked);
}

#[tokio::test]
async fn a_user_is_signed_out_up_to_now_and_may_come_back() {
    let house = House::open().await;
    let issued = |iat: i64| {
        Ask::with_token(house.key.token(&Claims::of(&house.issuer.url()).with("iat", iat)))
    };
    let before = issued(now() - 10);
    house.app.check(&before).await.assert_allowed("before", "authenticated");
    house.order("/revoke", json!({ "user_id": USER, "issuer": "rownd" })).await;
    house.app.check(&before).await.assert_denied("after", DenyReason::Revoked);
    // The second of the command counts as before it.
    let again = issued(now() + 2);
    house.app.check(&again).await.assert_allowed("signed in again", "authenticated");
}

#[tokio::test]
async fn forgotten_keys_are_trusted_no_more_until_they_come_anew() {
    let house = House::open().await;
    let ask = house.token("t");
    house.app.check(&ask).await.assert_allowed("before", "authenticated");
    let fetched = house.issuer.hits(KEYS);
    // The issuer has another key by now, and nobody noticed: the old one was compromised.
    let new = Key::new("sig-2");
    house.issuer.publish(&[&new]);
    assert_eq!(house.order("/keys/forget", json!({})).await, json!({ "issuers": 1 }));
    house.issuer.asked(KEYS, fetched + 1).await;
    let denied = house.app.check(&ask).await;
    assert!(!denied.is_allowed(), "{denied:?}");
    let good = Ask::with_token(new.token(&Claims::of(&house.issuer.url())));
    eventually("the new key", async || house.app.check(&good).await.is_allowed().then_some(()))
        .await;
    house.app.check(&ask).await.assert_denied("the old key", DenyReason::KidUnknown);
}

#[tokio::test]
async fn a_forgotten_profile_is_read_again() {
    let house = House::open().await;
    house.issuer.set(&freshness::path(), Reply::json(&json!({ "state": "enabled" })));
    let ask = Ask::get("/fresh").bearer(house.key.token(&Claims::of(&house.issuer.url())));
    house.app.check(&ask).await.assert_allowed("before", "authenticated");
    house.issuer.set(&freshness::path(), Reply::json(&json!({ "state": "disabled" })));
    house.app.check(&ask).await.assert_allowed("within the ttl", "authenticated");
    let answer = house.order("/profiles/invalidate", json!({ "user_id": USER })).await;
    assert_eq!(answer, json!({ "profiles": 1 }));
    house.app.check(&ask).await.assert_denied("after", DenyReason::UserDisabled);
}

#[tokio::test]
async fn the_socket_is_for_its_owner_and_goes_with_the_service() {
    let mut house = House::open().await;
    let metadata = fs::symlink_metadata(&house.socket).unwrap();
    assert!(metadata.file_type().is_socket());
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    let taken = TestApp::build(&with_control(&house.issuer, &house.socket)).await.unwrap_err();
    assert!(taken.to_string().contains("listeners.control.address"), "{taken}");
    // Peers that say nothing do not hold up a command.
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(tokio::net::UnixStream::connect(&house.socket).await.unwrap());
    }
    let (status, _) = command(&house.socket, "GET", "/revocations", "").await;
    assert_eq!(status, 200);
    house.app.stop();
    house.app.ended().await;
    assert!(!house.socket.exists(), "it is removed");
}

#[tokio::test]
async fn who_gave_which_command_stands_in_the_log_and_its_level_follows_one() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let files = TempDir::new().unwrap();
    let socket = files.path().join("control.sock");
    let binary = Binary::start(&with_control(&issuer, &socket)).await;
    binary.is_ready().await;
    order(&socket, "/revoke", &json!({ "jti": "stolen\n{}", "ttl": "1h" })).await;
    let line = binary.logged(&["\"command\":\"revoke\""]).await;
    let uid = fs::metadata(&socket).map(|file| std::os::unix::fs::MetadataExt::uid(&file)).unwrap();
    assert_eq!(
        (&line["message"], &line["uid"]),
        (&json!("a command was carried out"), &json!(uid)),
        "{line}"
    );
    assert_eq!(line["pid"], std::process::id(), "{line}");
    assert_eq!(line["about"], "jti stolen\n{} of every issuer", "{line}");
    let (status, _) = command(&socket, "POST", "/revoke", "{\"jti\":\"x\",\"ttl\":\"9d\"}").await;
    assert_eq!(status, 400);
    let line = binary.logged(&["a command was refused"]).await;
    assert_eq!(line["result"], "invalid", "{line}");
    assert!(line["why"].as_str().unwrap().contains("revocation.max_ttl"), "{line}");

    let ask = Ask::with_token(key.token(&Claims::of(&issuer.url())));
    let allowed = || binary.log().iter().filter(|line| line.contains("\"allowed\"")).count();
    binary.check(&ask).await.assert_allowed("at info", "authenticated");
    assert_eq!(allowed(), 0);
    order(&socket, "/log-level", &json!({ "level": "debug" })).await;
    eventually("an allowed check in the log", async || {
        binary.check(&ask).await.assert_allowed("at debug", "authenticated");
        (allowed() > 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn every_command_of_the_manual_answers_as_it_says() {
    let issuer = Issuer::with_keys(&[&Key::new("sig-1")]);
    let files = TempDir::new().unwrap();
    let socket = files.path().join("control.sock");
    // The real binary: the log of a test process is not the service's.
    let binary = Binary::start(&with_control(&issuer, &socket)).await;
    binary.is_ready().await;
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/revocation.md");
    let page = fs::read_to_string(page).unwrap();
    let mut given = 0;
    for line in page.lines().filter(|line| line.starts_with("curl ")) {
        let (line, status) = line.rsplit_once(" # -> ").expect(line);
        let rest = line.split_once(" http://localhost").expect(line).1;
        let (path, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let body = rest.split('\'').nth(1).unwrap_or_default();
        let method = if rest.contains("-d ") || rest.contains("-X POST") { "POST" } else { "GET" };
        let (got, answer) = command(&socket, method, path, body).await;
        assert_eq!(got.to_string(), status.trim(), "{line}: {answer}");
        given += 1;
    }
    assert!(given >= 8, "{given} commands");
}
