//! A configuration that changes while the service runs.
//!
//! In: files that are rewritten, swapped, cut short and deleted, issuers that come and go,
//! checks all the while. Out: the new configuration whole, or the last good one whole.

mod files;
mod issuers;
mod load;
mod process;

use std::{fs, path::PathBuf};

use rownd_authz::app::ReloadOutcome;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Answer, Ask, Claims, Issuer, Key, TestApp, config, until};

/// A service, the file that it follows, and whose tokens it takes.
struct House {
    issuer: Issuer,
    key: Key,
    app: TestApp,
    settings: Value,
    file: PathBuf,
    dir: TempDir,
}

impl House {
    async fn open(change: impl FnOnce(&mut Value)) -> Self {
        let key = Key::new("sig-1");
        let issuer = Issuer::with_keys(&[&key]);
        let mut settings = config(&issuer);
        change(&mut settings);
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("rownd-authz.yaml");
        fs::write(&file, settings.to_string()).unwrap();
        let app = TestApp::follow(&file).await;
        app.is_ready().await;
        Self { issuer, key, app, settings, file, dir }
    }

    /// Puts another text in the place of the file, as a careful writer does.
    fn replace(&self, text: &str) {
        let new = self.dir.path().join("new");
        fs::write(&new, text).unwrap();
        fs::rename(&new, &self.file).unwrap();
    }

    /// Changes the settings and writes them.
    fn change(&mut self, change: impl FnOnce(&mut Value)) {
        change(&mut self.settings);
        self.replace(&self.settings.to_string());
    }

    /// Changes the settings, has them read, and expects them to be in force.
    async fn put_in_force(&mut self, change: impl FnOnce(&mut Value)) {
        let before = self.epoch();
        self.change(change);
        self.app.put_in_force(before + 1).await;
    }

    /// Has the file read and expects a refusal; gives the problems in one text.
    async fn refused(&self) -> String {
        match self.app.reload().await {
            ReloadOutcome::Refused(problems) => problems.join("\n"),
            other => panic!("not refused: {other:?}"),
        }
    }

    fn epoch(&self) -> u64 {
        self.app.metric("rownd_authz_config_epoch", &[]) as u64
    }

    fn failed(&self) -> bool {
        self.app.metric("rownd_authz_reload_failed", &[("what", "config")]) == 1.0
    }

    fn reloads(&self, result: &str) -> f64 {
        self.app.metric("rownd_authz_reloads_total", &[("what", "config"), ("result", result)])
    }

    async fn status(&self) -> Value {
        serde_json::from_str(&self.app.page("/status").await.body).unwrap()
    }

    /// Waits until the configuration of this number is in force, which nobody asks for.
    async fn in_force_by_itself(&self, epoch: u64) {
        until(&format!("epoch {epoch}"), || self.epoch() == epoch).await;
    }

    fn good(&self) -> Ask {
        Ask::with_token(self.key.token(&Claims::of(&self.issuer.url())))
    }

    async fn check(&self, ask: &Ask) -> Answer {
        self.app.check(ask).await
    }
}

/// Nobody needs a credential.
fn open_to_all(settings: &mut Value) {
    settings["default"] = json!({ "auth": "none" });
}
