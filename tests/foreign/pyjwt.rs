//! PyJWT mints from the shapes of real tokens; a plain file server serves its keys.
//!
//! In: the claim files beside `python/issuer.py`. Out: an [`Issuer`] with an address
//! and tokens, of which ours has no hand in any. The issuer in them is
//! `https://api.rownd.io`, their apps are [`APP`] and [`LEGACY_APP`].

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header, errors::ErrorKind, jwk::JwkSet,
};
use rownd_authz::model::DenyReason;
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{package, tool};
use crate::support::{Ask, TestApp};

/// The app of the newer tokens.
pub(crate) const APP: &str = "app_foreign000000000000000000001";
/// The app of the tokens shaped as in 2022, the refresh token among them.
pub(crate) const LEGACY_APP: &str = "290000000000000001";
/// The `iss` of all tokens.
pub(crate) const ISSUER: &str = "https://api.rownd.io";

/// Python imports and mints within a second; a loaded machine gets more.
const TIME_LIMIT: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
struct Started {
    pyjwt: String,
    port: u16,
    tokens: BTreeMap<String, String>,
}

/// A running issuer; it ends when dropped.
pub(crate) struct Issuer {
    /// The base of the file server.
    pub(crate) url: String,
    /// By name: `verified`, `guest`, `app_variant`, `legacy_2022`, `refresh`, and the
    /// two invalid ones: `expired` and `forged`.
    pub(crate) tokens: BTreeMap<String, String>,
    child: Child,
    _files: TempDir,
}

impl Issuer {
    /// Where the key set is.
    pub(crate) fn jwks_url(&self) -> String {
        format!("{}/jwks.json", self.url)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        // Both fail only if it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the issuer and waits for its tokens.
pub(crate) fn start() -> Issuer {
    let files = TempDir::new().unwrap();
    let mut child = Command::new(tool("venv/bin/python"))
        .arg(package("tests/foreign/python/issuer.py"))
        .arg("--claims")
        .arg(package("tests/foreign/python"))
        .arg("--out")
        .arg(files.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().unwrap();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut line = String::new();
        let read = BufReader::new(stdout).read_line(&mut line);
        // Nobody listens any more if it came too late.
        let _ = sender.send(read.map(|_| line));
    });
    // From here on the child ends with the value, whatever panics.
    let mut issuer = Issuer { url: String::new(), tokens: BTreeMap::new(), child, _files: files };
    let line = receiver.recv_timeout(TIME_LIMIT).unwrap().unwrap();
    let started: Started = serde_json::from_str(&line)
        .unwrap_or_else(|error| panic!("the issuer said {line:?} ({error}): run `make tools`"));
    let wanted = package("tests/foreign/python/requirements.txt");
    let wanted = std::fs::read_to_string(wanted).unwrap();
    assert!(
        wanted.contains(&format!("PyJWT=={}\n", started.pyjwt)),
        "PyJWT {} is not the one in requirements.txt: run `make tools` again",
        started.pyjwt
    );
    issuer.url = format!("http://127.0.0.1:{}", started.port);
    issuer.tokens = started.tokens;
    issuer
}

/// A plain GET; the file server closes after its answer.
fn fetch(url: &str) -> String {
    let (host, path) = url.strip_prefix("http://").and_then(|rest| rest.split_once('/')).unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(TIME_LIMIT)).unwrap();
    write!(stream, "GET /{path} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(" 200 "), "{head}");
    body.to_owned()
}

fn verify(set: &JwkSet, token: &str) -> Result<Value, ErrorKind> {
    let kid = decode_header(token).unwrap().kid.unwrap();
    let key = DecodingKey::from_jwk(set.find(&kid).unwrap()).unwrap();
    let mut rules = Validation::new(Algorithm::EdDSA);
    rules.set_issuer(&[ISSUER]);
    rules.set_audience(&[format!("app:{APP}"), format!("app:{LEGACY_APP}")]);
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    decode(token, &key, &rules).map(|data| data.claims).map_err(|error| error.into_kind())
}

#[test]
fn pyjwts_tokens_verify_under_its_key_set() {
    let issuer = start();
    let set: JwkSet = serde_json::from_str(&fetch(&issuer.jwks_url())).unwrap();
    let names: Vec<&str> = issuer.tokens.keys().map(String::as_str).collect();
    let expected =
        ["app_variant", "expired", "forged", "guest", "legacy_2022", "refresh", "verified"];
    assert_eq!(names, expected);
    for (name, token) in &issuer.tokens {
        assert_eq!(decode_header(token).unwrap().typ, None, "{name}");
        let judged = verify(&set, token);
        match name.as_str() {
            "expired" => assert_eq!(judged, Err(ErrorKind::ExpiredSignature), "{name}"),
            "forged" => assert_eq!(judged, Err(ErrorKind::InvalidSignature), "{name}"),
            _ => {
                let claims = judged.unwrap_or_else(|error| panic!("{name}: {error:?}"));
                let id = &claims["https://auth.rownd.io/app_user_id"];
                assert_eq!(
                    *id == claims["sub"],
                    !["legacy_2022", "refresh"].contains(&name.as_str()),
                    "{name}"
                );
            }
        }
    }
}

/// The service that trusts this issuer and both of its apps.
async fn service(issuer: &Issuer) -> TestApp {
    let settings = json!({
        "listeners": {
            "grpc": { "address": "127.0.0.1:0", "workers": 1 },
            "ops": { "address": "127.0.0.1:0" },
        },
        "issuers": [{
            "name": "rownd",
            "kind": "rownd",
            "issuer": ISSUER,
            "jwks_url": issuer.jwks_url(),
            "apps": [{ "id": APP }, { "id": LEGACY_APP }],
        }],
        "shutdown": { "drain_delay": "0s" },
    });
    TestApp::ready(&settings).await
}

#[tokio::test]
async fn pyjwts_tokens_are_judged_right() {
    let issuer = start();
    let app = service(&issuer).await;
    let ask = async |name: &str| app.check(&Ask::with_token(&issuer.tokens[name])).await;
    // Name; user, app and variant; level, verified, anonymous.
    let rows = [
        ("verified", "user_foreign0000000000000001", APP, None, ["verified", "true", "false"]),
        ("guest", "user_foreign0000000000000002", APP, None, ["guest", "false", "true"]),
        (
            "app_variant",
            "user_foreign0000000000000003",
            APP,
            Some("cmforeignvariant000000001"),
            ["verified", "true", "false"],
        ),
        (
            "legacy_2022",
            "3f0c5a52-6f0e-4a5c-9a3e-0d6a5c1baaaa",
            LEGACY_APP,
            None,
            ["verified", "true", "false"],
        ),
    ];
    for (name, user, app_id, variant, [level, verified, anonymous]) in rows {
        let answer = ask(name).await;
        answer.assert_allowed(name, "authenticated");
        for (header, expected) in [
            ("x-rownd-user-id", Some(user)),
            ("x-rownd-app-id", Some(app_id)),
            ("x-rownd-app-variant", variant),
            ("x-rownd-auth-level", Some(level)),
            ("x-rownd-verified", Some(verified)),
            ("x-rownd-anonymous", Some(anonymous)),
            ("x-rownd-issuer", Some("rownd")),
        ] {
            assert_eq!(answer.set(header), expected, "{name}: {header}");
        }
    }
    for (name, reason) in [
        ("refresh", DenyReason::TokenKindRefused),
        ("expired", DenyReason::TokenExpired),
        ("forged", DenyReason::SignatureInvalid),
    ] {
        ask(name).await.assert_denied(name, reason);
    }
    assert_eq!(issuer.tokens.len(), 7, "every one of them is judged here");
}
