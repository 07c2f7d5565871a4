//! Passports, and the listener `http` that serves their public keys.
//!
//! In: key files that are made, replaced and damaged, requests of every kind. Out: documents that
//! hold public keys alone, and tokens that another library verifies.

mod hand_over;
mod listener;
mod page;
mod rotation;

use std::{fs, net::SocketAddr, path::PathBuf};

use rownd_authz::app::ListenAddress;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    Ask, Claims, Issuer, Key, TestApp, config,
    http::{self, Answer},
    passport::{JWKS, ed25519, p256},
};

const DISCOVERY: &str = "/.well-known/openid-configuration";
const OWN_ISS: &str = "https://authz.example.com";

/// A service that signs passports, and the files that it follows.
struct House {
    issuer: Issuer,
    key: Key,
    app: TestApp,
    settings: Value,
    dir: TempDir,
}

impl House {
    /// With one key of P-256, in `one.pem`.
    async fn open(change: impl FnOnce(&mut Value, &TempDir)) -> Self {
        let key = Key::new("sig-1");
        let issuer = Issuer::with_keys(&[&key]);
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("one.pem"), p256()).unwrap();
        let mut settings = config(&issuer);
        settings["listeners"]["http"] =
            json!({ "address": "127.0.0.1:0", "serve": ["passport_keys"] });
        let file = dir.path().join("one.pem");
        settings["passport"] =
            json!({ "issuer": OWN_ISS, "keys": [{ "file": file, "kid": "one" }] });
        change(&mut settings, &dir);
        let file = dir.path().join("rownd-authz.yaml");
        fs::write(&file, settings.to_string()).unwrap();
        let app = TestApp::follow(&file).await;
        app.is_ready().await;
        Self { issuer, key, app, settings, dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Puts a file in place, as a careful writer does.
    fn write(&self, name: &str, text: &str) {
        let new = self.path("new");
        fs::write(&new, text).unwrap();
        fs::rename(&new, self.path(name)).unwrap();
    }

    /// Changes the settings and writes them.
    fn change(&mut self, change: impl FnOnce(&mut Value)) {
        change(&mut self.settings);
        self.write("rownd-authz.yaml", &self.settings.to_string());
    }

    /// The address of the listener `http`.
    fn http(&self) -> SocketAddr {
        match self.app.http.as_ref().expect("it is configured") {
            ListenAddress::Tcp(address) => *address,
            ListenAddress::Unix(path) => panic!("it listens at {}", path.display()),
        }
    }

    async fn request(&self, line: &str, headers: &str) -> Answer {
        http::request(self.http(), line, headers, "").await
    }

    async fn get(&self, path: &str) -> Answer {
        self.request(&format!("GET {path}"), "").await
    }

    /// The names of the published keys.
    async fn kids(&self) -> Vec<String> {
        let set = self.get(JWKS).await.json();
        let keys = set["keys"].as_array().unwrap().iter();
        keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    }

    fn good(&self) -> Ask {
        Ask::with_token(self.key.token(&Claims::of(&self.issuer.url())))
    }
}
