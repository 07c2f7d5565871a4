//! The vendor's `@rownd/node` 3.1.0 takes the emulator for Rownd.
//!
//! In: the emulator on a free port and tokens of every kind. Out: which of them the
//! vendor's own `validateToken` accepts, and what its `fetchUserInfo` reads.

use std::{collections::BTreeMap, path::Path, process::Stdio, time::Duration};

use rownd_authz::emulator::{self, Emulator, Rotation, Settings, SignedBy, TokenOrder};
use serde::Deserialize;
use serde_json::json;
use tokio::{io::AsyncWriteExt as _, process::Command, sync::oneshot, task::JoinHandle};

use super::{package, tool};

/// Node starts within a second; a loaded machine gets more.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Deserialize)]
struct Judgement {
    version: String,
    tokens: BTreeMap<String, Verdict>,
    users: BTreeMap<String, Verdict>,
}

#[derive(Debug, Deserialize)]
struct Verdict {
    ok: bool,
    #[serde(default)]
    user_id: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    auth_level: String,
    #[serde(default)]
    error: String,
}

struct Running {
    settings: Settings,
    base_url: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Running {
    fn start(emulator: Emulator) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        Self {
            settings: emulator.settings().clone(),
            base_url: emulator.base_url().to_owned(),
            stop,
            task: tokio::spawn(emulator.run(async move { stopped.await.unwrap_or(()) })),
        }
    }

    async fn end(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap().unwrap();
    }

    /// Puts tokens and users before a fresh process of the vendor's client.
    async fn judge(&self, tokens: &[(&str, String)], users: &[&str]) -> Judgement {
        let installed = tool("node/node_modules/@rownd/node/package.json");
        let modules = installed.ancestors().nth(3).unwrap();
        assert_fresh(
            &tool("node/package-lock.json"),
            &package("tests/foreign/node/package-lock.json"),
        );
        let question = json!({
            "api_url": self.base_url,
            "app_key": self.settings.app_key,
            "app_secret": self.settings.app_secret,
            "tokens": tokens.iter().cloned().collect::<BTreeMap<_, _>>(),
            "users": users,
        });
        let mut child = Command::new("node")
            .arg(package("tests/foreign/node/validate.cjs"))
            .env("NODE_PATH", modules)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("`node` runs: install Node.js 18 or newer");
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(question.to_string().as_bytes()).await.unwrap();
        drop(stdin);
        let output = tokio::time::timeout(PATIENCE, child.wait_with_output())
            .await
            .expect("the client answers in time")
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let judgement: Judgement = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(judgement.version, "3.1.0");
        judgement
    }
}

/// Ends the test if an installed list of packages is not the one in the tree.
fn assert_fresh(installed: &Path, wanted: &Path) {
    let read = |path: &Path| {
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    assert!(
        read(installed) == read(wanted),
        "{} is not what {} asks for: run `make tools` again",
        installed.display(),
        wanted.display(),
    );
}

/// Tokens that are no good, and what the vendor's client says of each.
fn spoilt(mint: impl Fn(TokenOrder) -> String) -> [(&'static str, String, &'static str); 5] {
    let forged = TokenOrder::default().signed_by(SignedBy::Foreign);
    let (guest, other) = (mint(TokenOrder::of("guest")), mint(TokenOrder::of("verified")));
    let signature = other.rsplit('.').next().unwrap();
    let tampered = format!("{}.{signature}", guest.rsplit_once('.').unwrap().0);
    [
        ("forged", mint(forged), "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"),
        ("signature of another", tampered, "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"),
        ("expired", mint(TokenOrder::default().issued(-7_200)), "ERR_JWT_EXPIRED"),
        (
            "unknown kid",
            mint(TokenOrder::default().header("kid", "sig-0")),
            "ERR_JWKS_NO_MATCHING_KEY",
        ),
        (
            "other algorithm",
            mint(TokenOrder::default().header("alg", "none")),
            "ERR_JOSE_NOT_SUPPORTED",
        ),
    ]
}

#[tokio::test]
async fn the_vendors_client_accepts_what_is_good_and_nothing_else() {
    let emulator = emulator::bind(Settings::demo("127.0.0.1:0".parse().unwrap())).await.unwrap();
    let minter = emulator.minter();
    let running = Running::start(emulator);
    let mint = |order: TokenOrder| minter.mint(&order).unwrap();
    let good = [
        ("verified", "user_verified"),
        ("unverified", "user_unverified"),
        ("guest", "user_guest"),
        ("instant", "user_instant"),
        ("disabled", "user_disabled"),
        ("auth0|somebody", "auth0|somebody"),
    ];
    let mut tokens: Vec<(&str, String)> =
        good.iter().map(|(name, _)| (*name, mint(TokenOrder::of(name)))).collect();
    let spoilt = spoilt(mint);
    tokens.extend(spoilt.iter().map(|(name, token, _)| (*name, token.clone())));

    let judgement = running.judge(&tokens, &[]).await;
    for (name, id) in good {
        let verdict = &judgement.tokens[name];
        assert!(verdict.ok, "{name}: {}", verdict.error);
        assert_eq!(verdict.user_id, id, "{name}");
    }
    for (name, _, error) in spoilt {
        let verdict = &judgement.tokens[name];
        assert!(!verdict.ok, "{name}");
        assert_eq!(verdict.error, error, "{name}");
    }
    running.end().await;
}

#[tokio::test]
async fn the_vendors_client_follows_rotations() {
    let emulator = emulator::bind(Settings::demo("127.0.0.1:0".parse().unwrap())).await.unwrap();
    let (minter, controls) = (emulator.minter(), emulator.controls());
    let running = Running::start(emulator);
    let first = minter.mint(&TokenOrder::default()).unwrap();
    controls.rotate(Rotation::default()).unwrap();
    let second = minter.mint(&TokenOrder::default()).unwrap();
    let tokens = [("first", first), ("second", second)];

    let beside = running.judge(&tokens, &[]).await.tokens;
    assert!(beside["first"].ok && beside["second"].ok, "{beside:?}");

    let how = Rotation { withdraw: true, ..Rotation::default() };
    controls.rotate(how).unwrap();
    let third = minter.mint(&TokenOrder::default()).unwrap();
    let tokens = [tokens.as_slice(), &[("third", third)]].concat();
    let after = running.judge(&tokens, &[]).await.tokens;
    assert!(!after["first"].ok && !after["second"].ok, "{after:?}");
    assert!(after["third"].ok, "{after:?}");
    running.end().await;
}

#[tokio::test]
async fn the_vendors_client_reads_profiles() {
    let emulator = emulator::bind(Settings::demo("127.0.0.1:0".parse().unwrap())).await.unwrap();
    let running = Running::start(emulator);
    let users = ["user_verified", "user_guest", "user_disabled", "user_nobody"];
    let read = running.judge(&[], &users).await.users;
    let expected = [
        ("user_verified", "enabled", "verified"),
        ("user_guest", "enabled", "guest"),
        ("user_disabled", "disabled", "verified"),
    ];
    for (id, state, level) in expected {
        let verdict = &read[id];
        assert!(verdict.ok, "{id}: {}", verdict.error);
        assert_eq!(verdict.user_id, id);
        assert_eq!(verdict.state, state, "{id}");
        assert_eq!(verdict.auth_level, level, "{id}");
    }
    assert!(!read["user_nobody"].ok);
    assert_eq!(read["user_nobody"].error, "ERR_NON_2XX_3XX_RESPONSE");
    running.end().await;
}
