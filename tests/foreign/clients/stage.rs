//! The stage that every program of `examples/` plays on: the emulator and the real server.
//!
//! In: the seed and the configuration that the examples ship with. Out: both running on free
//! ports, and the environment that the READMEs tell to set.

use std::{fs, path::Path};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::super::{package, talk::Running};
use crate::support::{
    envoy::Endpoint,
    free_port,
    product::{Product, Until},
};
use rownd_emulator::{Seed, Settings, TokenOrder};

/// The emulator's address in the files of `examples/`.
const EMULATOR: &str = "http://127.0.0.1:8787";
/// The callers of the configuration, in their order, each with a secret for the tests.
const CALLERS: [(&str, &str); 2] = [
    ("examples", "a-secret-of-the-clients-test-0001"),
    ("back-office", "a-secret-of-the-clients-test-0002"),
];

/// How the server listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    Tcp,
    Unix,
}

/// A running server before a running emulator.
pub(super) struct Stage {
    pub(super) running: Running,
    pub(super) product: Product,
    dir: TempDir,
}

fn example(name: &str, emulator: &str) -> String {
    let text = fs::read_to_string(package("examples").join(name)).unwrap();
    assert!(text.contains(EMULATOR), "{name}");
    text.replace(EMULATOR, emulator)
}

impl Stage {
    pub(super) async fn set(over: Over) -> Self {
        // Known beforehand: the seed says where the partner's keys are.
        let address = free_port();
        let url = format!("http://{address}");
        let seed = Seed::parse("seed.yaml", &example("seed.yaml", &url)).unwrap();
        let running = Running::with(Settings { seed, ..Settings::demo(address) }).await;
        let dir = tempfile::tempdir().unwrap();
        let mut config: Value = serde_saphyr::from_str(&example("rownd-authz.yaml", &url)).unwrap();
        for (index, (caller, secret)) in CALLERS.iter().enumerate() {
            let file = secret_file(dir.path(), caller);
            fs::write(&file, secret).unwrap();
            let written = &mut config["rownd_auth"]["callers"][index];
            assert_eq!(written["name"], *caller);
            written["secret"] = json!(format!("file:{file}"));
        }
        let product = match over {
            Over::Tcp => Product::start(config, Until::Ready).await,
            Over::Unix => Product::start_unix(config, &dir.path().join("grpc.sock")).await,
        };
        Self { running, product, dir }
    }

    /// Where gRPC clients find the server.
    pub(super) fn target(&self) -> String {
        match self.product.endpoint() {
            Endpoint::Tcp(address) => address.to_string(),
            Endpoint::Unix(path) => format!("unix://{}", path.display()),
        }
    }

    /// Ann's token.
    pub(super) fn token(&self) -> String {
        self.mint(&ann())
    }

    /// A token of ann with this claim.
    pub(super) fn token_with(&self, claim: &str, value: Value) -> String {
        self.mint(&ann().claim(claim, value))
    }

    /// An expired token of ann.
    pub(super) fn expired(&self) -> String {
        self.mint(&ann().issued(-7_200))
    }

    /// The environment that `examples/README.md` sets.
    pub(super) fn environment(&self) -> [(&'static str, String); 4] {
        let partner = TokenOrder::of("partner-1")
            .claim("iss", "https://partner.example.com")
            .claim("aud", "examples")
            .claim("email", "pat@example.com");
        [
            ("AUTHZ_TARGET", self.target()),
            ("AUTHZ_SECRET_FILE", secret_file(self.dir.path(), "examples")),
            ("TOKEN", self.token()),
            ("THIRD_PARTY_TOKEN", self.mint(&partner)),
        ]
    }

    /// The environment of `management`, which needs no token.
    pub(super) fn environment_of_back_office(&self) -> [(&'static str, String); 2] {
        let file = secret_file(self.dir.path(), "back-office");
        [("AUTHZ_TARGET", self.target()), ("AUTHZ_SECRET_FILE", file)]
    }

    /// How often Verify, Exchange and GetUser have been called.
    pub(super) async fn calls(&self) -> [u64; 3] {
        let mut calls = [0; 3];
        for (count, method) in calls.iter_mut().zip(["Verify", "Exchange", "GetUser"]) {
            let label = format!("method=\"{method}\"");
            // A counter: whole, and small.
            *count = self.product.metric("rownd_authz_rpcs_total", &[&label]).await as u64;
        }
        calls
    }

    fn mint(&self, order: &TokenOrder) -> String {
        self.running.minter.mint(order).unwrap()
    }

    pub(super) async fn end(self) {
        self.running.end().await;
    }
}

fn ann() -> TokenOrder {
    TokenOrder { app: Some("app_examples".to_owned()), ..TokenOrder::of("ann") }
}

fn secret_file(dir: &Path, caller: &str) -> String {
    dir.join(caller).display().to_string()
}
