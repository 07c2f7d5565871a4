//! How issuers are reached: the authorities of their certificates, the credential of the fetches of
//! their keys, the proxy, and IPv6.

mod authorities;
mod credential;
mod proxy;
mod v6;

use serde_json::{Value, json};

use crate::support::{
    Answer, Ask, Claims, Issuer, Key, TestApp, certs::Authority, config_with, eventually,
    tls_front::TlsFront, until,
};

const FETCHES: &str = "rownd_authz_key_fetches_total";

/// An issuer behind TLS by a private authority.
struct Secure {
    authority: Authority,
    key: Key,
    issuer: Issuer,
    front: TlsFront,
    dir: tempfile::TempDir,
}

impl Secure {
    async fn start() -> Self {
        let (authority, key) = (Authority::new(), Key::new("sig-1"));
        let issuer = Issuer::with_keys(&[&key]);
        let front = TlsFront::start(&authority.issue(), issuer.address()).await;
        let dir = tempfile::tempdir().unwrap();
        let secure = Self { authority, key, issuer, front, dir };
        secure.write("ca.crt", &secure.authority.pem());
        secure
    }

    fn write(&self, name: &str, text: &str) {
        let new = self.path("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, self.path(name)).unwrap();
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    /// A configuration whose issuer is this one, with these settings more.
    fn config(&self, change: impl FnOnce(&mut Value)) -> Value {
        config_with(&self.issuer, |config| {
            config["issuers"][0]["base_url"] = json!(self.front.url());
            config["issuers"][0]["tls"] = json!({ "ca_file": self.path("ca.crt") });
            change(config);
        })
    }

    /// Its token is asked about.
    async fn judge(&self, app: &TestApp) -> Answer {
        app.check(&Ask::with_token(self.key.token(&Claims::of(&self.front.url())))).await
    }
}

/// The text of the last failed fetch of the first issuer, once there is one.
async fn last_error(app: &TestApp) -> String {
    eventually("a failed fetch", async || {
        let page = app.page("/status").await;
        let status: Value = serde_json::from_str(&page.body).unwrap();
        status["issuers"][0]["keys"]["last_error"].as_str().map(str::to_owned)
    })
    .await
}

async fn failed(app: &TestApp, result: &str) {
    until(&format!("a fetch that ends as {result}"), || {
        app.metric(FETCHES, &[("result", result)]) >= 1.0
    })
    .await;
}
