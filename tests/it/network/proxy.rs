//! `network.proxy`: what goes through it, what may not, and what is said where it fails.

use std::{collections::BTreeMap, fs};

use rownd_authz::{app, config};
use serde_json::{Value, json};

use super::{Secure, failed, last_error};
use crate::support::{
    Issuer, Key, Reply, TestApp,
    binary::run,
    config_with, eventually,
    issuer::{KEYS, METADATA},
    proxy::{ForwardProxy, Manner},
    tls_front::TlsFront,
};

/// An issuer behind TLS, by a name that the proxy alone knows.
struct Remote {
    secure: Secure,
    /// `id.test:PORT`.
    host: String,
    proxy: ForwardProxy,
}

impl Remote {
    async fn start(manner: Manner) -> Self {
        Self::with(manner, &[]).await
    }

    /// The proxy knows these names too.
    async fn with(manner: Manner, more: &[(&str, std::net::SocketAddr)]) -> Self {
        let secure = Secure::start().await;
        let address = secure.front.address();
        let host = format!("id.test:{}", address.port());
        let own = address.to_string();
        let plain = format!("id.test:{}", secure.issuer.address().port());
        let known = [(&*host, address), (&*own, address), (&*plain, secure.issuer.address())];
        let names: Vec<_> = known.into_iter().chain(more.iter().copied()).collect();
        let proxy = ForwardProxy::start(manner, &names).await;
        Self { secure, host, proxy }
    }

    fn url(&self) -> String {
        format!("https://{}", self.host)
    }

    fn config(&self, change: impl FnOnce(&mut Value)) -> Value {
        self.secure.config(|config| {
            config["issuers"][0]["base_url"] = json!(self.url());
            config["network"] = json!({ "proxy": self.proxy.url() });
            change(config);
        })
    }

    /// The metadata of the issuer lead here.
    fn lead_to(&self, keys: &str) {
        let metadata = json!({ "issuer": self.url(), "jwks_uri": keys });
        self.secure.issuer.set(METADATA, Reply::json(&metadata));
    }

    /// Nothing on the pages shows a part of the password.
    async fn keeps_secrets(&self, app: &TestApp) {
        let shown = app.page("/status").await.body + &app.metrics.render();
        for secret in ["pa ss", "pa%20ss", "dXNlcjpwYSBzcw", "user:"] {
            assert!(!shown.contains(secret), "{secret}: {shown}");
        }
    }
}

#[tokio::test]
async fn an_issuer_is_reached_through_the_proxy_which_alone_knows_its_name() {
    let remote = Remote::start(Manner::Forward).await;
    let app = TestApp::ready(&remote.config(|_| {})).await;
    assert!(remote.proxy.was_asked_for(&remote.host), "{:?}", remote.proxy.heads());
    let tunnelled = |head: &String| head.starts_with(&format!("CONNECT {} ", remote.host));
    assert!(remote.proxy.heads().iter().all(tunnelled), "{:?}", remote.proxy.heads());
    drop(app);

    // By http the proxy gets the whole address (RFC 9112 section 3.2.2).
    let plain = format!("http://id.test:{}", remote.secure.issuer.address().port());
    let app = TestApp::ready(&remote.config(|config| {
        config["issuers"][0]["base_url"] = json!(plain);
        config["issuers"][0]["allow_insecure_http"] = json!(true);
    }))
    .await;
    let asked = |head: &String| head.starts_with(&format!("GET {plain}{KEYS} "));
    assert!(remote.proxy.heads().iter().any(asked), "{:?}", remote.proxy.heads());
    drop(app);
}

#[tokio::test]
async fn without_a_proxy_or_for_an_exception_it_is_not_asked() {
    let remote = Remote::start(Manner::Forward).await;
    for network in [
        json!({}),
        json!({ "proxy": "none" }),
        json!({ "proxy": remote.proxy.url(), "no_proxy": ["localhost"] }),
        json!({ "proxy": remote.proxy.url(), "no_proxy": ["a.test", "127.0.0.0/8", "localhost"] }),
    ] {
        let app = TestApp::ready(&remote.config(|config| {
            config["issuers"][0]["base_url"] = json!(remote.secure.front.url());
            config["network"] = network.clone();
        }))
        .await;
        assert_eq!(remote.proxy.heads(), Vec::<String>::new(), "{network}");
        drop(app);
    }
}

#[tokio::test]
async fn a_user_and_a_password_are_shown_to_the_proxy_and_to_nobody_else() {
    let remote = Remote::start(Manner::AskForPassword).await;
    let plain = format!("http://id.test:{}", remote.secure.issuer.address().port());
    for base_url in [remote.url(), plain] {
        for (user, good) in [("user:pa%20ss", true), ("user:wr%6Fng", false), ("", false)] {
            let url = match user {
                "" => remote.proxy.url(),
                user => remote.proxy.url_with(user),
            };
            let app = TestApp::start(&remote.config(|config| {
                config["issuers"][0]["base_url"] = json!(base_url);
                config["issuers"][0]["allow_insecure_http"] = json!(true);
                config["network"] = json!({ "proxy": url });
            }))
            .await;
            if good {
                app.is_ready().await;
            } else {
                failed(&app, "proxy").await;
                let error = last_error(&app).await;
                assert!(error.contains("407") && error.contains("network.proxy"), "{error}");
                assert!(!error.contains("wr"), "{error}");
            }
            remote.keeps_secrets(&app).await;
        }
    }
    let heads = remote.secure.issuer.heads().concat();
    assert!(!heads.contains("proxy-authorization"), "{heads}");
}

#[tokio::test]
async fn a_proxy_that_fails_is_told_from_an_issuer_that_fails() {
    let cases = [
        (Manner::Forbid, "proxy", "refuses to connect"),
        (Manner::Garbage, "proxy", "no HTTP proxy"),
        (Manner::Close, "proxy", "closed the connection"),
        (Manner::Endless, "proxy", "no HTTP proxy"),
        (Manner::Hang, "proxy", "no connection in time"),
        (Manner::HangMidway, "proxy", "no connection in time"),
        (Manner::CloseMidway, "network", "eof"),
    ];
    let judged = cases.map(async |(manner, result, said)| {
        let remote = Remote::start(manner).await;
        let url = remote.proxy.url_with("user:pa%20ss");
        let settings = remote.config(|config| config["network"] = json!({ "proxy": url }));
        let app = TestApp::start(&settings).await;
        failed(&app, result).await;
        let error = last_error(&app).await;
        assert!(error.contains(said), "{manner:?}: {error}");
        remote.keeps_secrets(&app).await;
        // It recovers by itself.
        remote.proxy.behave(Manner::Forward);
        app.is_ready().await;
    });
    futures_util::future::join_all(judged).await;

    let key = Key::new("sig-1");
    let gone = Issuer::closed();
    let settings = config_with(&Issuer::with_keys(&[&key]), |config| {
        config["issuers"][0]["base_url"] = json!("https://id.test");
        config["network"] = json!({ "proxy": gone.url() });
    });
    let app = TestApp::start(&settings).await;
    failed(&app, "proxy").await;
    let error = last_error(&app).await;
    assert!(error.contains("no connection to it"), "{error}");
}

#[tokio::test]
async fn a_learned_address_goes_through_it_only_to_hosts_that_are_written_or_allowed() {
    let other = Secure::start().await;
    other.issuer.publish(&[&other.key]);
    let elsewhere = other.front.address();
    let keys = format!("keys.test:{}", elsewhere.port());
    let beside = format!("id.test:{}", elsewhere.port());
    let literal = elsewhere.to_string();
    let names = [(&*keys, elsewhere), (&*beside, elsewhere), (&*literal, elsewhere)];
    let remote = Remote::with(Manner::Forward, &names).await;
    remote.secure.write("ca.crt", &(remote.secure.authority.pem() + &other.authority.pem()));
    let exact = |host: &str| json!([format!("https://{host}")]);
    // (where the metadata lead, what is allowed, exceptions, asked through the proxy, what is said)
    let rows = [
        (&beside, json!([]), json!([]), true, None),
        (&keys, exact(&keys), json!([]), true, None),
        (&keys, json!([]), json!([]), false, Some("issuers[].allowed_origins")),
        (&keys, exact("keys.test:1"), json!([]), true, None),
        (&keys, exact("a.keys.test"), json!([]), false, Some("issuers[].allowed_origins")),
        (&literal, json!([]), json!([]), false, Some("issuers[].allowed_origins")),
        (&literal, exact(&literal), json!([]), false, Some("network.no_proxy")),
        (&literal, exact(&literal), json!(["127.0.0.1"]), false, None),
    ];
    for (to, allowed, exceptions, through, said) in rows {
        let asked_before = remote.proxy.heads().len();
        remote.lead_to(&format!("https://{to}{KEYS}"));
        let app = TestApp::start(&remote.config(|config| {
            config["issuers"][0]["allowed_origins"] = allowed.clone();
            config["network"]["no_proxy"] = exceptions;
        }))
        .await;
        match said {
            None => app.is_ready().await,
            Some(said) => {
                failed(&app, "network").await;
                let error = last_error(&app).await;
                assert!(error.contains(said), "{to} {allowed}: {error}");
            }
        }
        let asked: Vec<String> = remote.proxy.heads().split_off(asked_before);
        let is_there = asked.iter().any(|head| head.starts_with(&format!("CONNECT {to} ")));
        assert_eq!(is_there, through, "{to} {allowed}: {asked:?}");
    }
}

#[tokio::test]
async fn metadata_addresses_and_redirects_stay_refused_behind_a_proxy() {
    for to in [
        "https://169.254.169.254/latest",
        "http://169.254.169.254/latest",
        "https://[fd00:ec2::254]/latest",
        "https://2852039166/latest",
        "https://10.0.0.1/keys",
        "https://[64:ff9b::a9fe:a9fe]/keys",
        "http://keys.test/keys",
        "https://metadata.google.internal/keys",
        "https://localhost/keys",
    ] {
        let remote = Remote::start(Manner::Forward).await;
        remote.lead_to(to);
        let app = TestApp::start(&remote.config(|_| {})).await;
        failed(&app, "network").await;
        let strays: Vec<String> = remote.proxy.heads();
        let home = format!("CONNECT {} ", remote.host);
        assert!(strays.iter().all(|head| head.starts_with(&home)), "{to}: {strays:?}");
        drop(app);
    }
    let remote = Remote::start(Manner::Forward).await;
    remote.secure.issuer.set(METADATA, Reply::redirect(302, "https://keys.test/keys"));
    remote.secure.issuer.set(KEYS, Reply::redirect(307, "https://keys.test/keys"));
    let app = TestApp::start(&remote.config(|_| {})).await;
    failed(&app, "status").await;
    assert!(!remote.proxy.was_asked_for("keys.test:443"), "{:?}", remote.proxy.heads());
    drop(app);

    // Written by the operator: an address may be asked for, and one of these never.
    let literal = remote.secure.front.address().to_string();
    remote.secure.issuer.publish(&[&remote.secure.key]);
    remote.secure.issuer.set(METADATA, Reply::status(404));
    let app = TestApp::ready(&remote.config(|config| {
        config["issuers"][0]["base_url"] = json!(format!("https://{literal}"));
    }))
    .await;
    assert!(remote.proxy.was_asked_for(&literal));
    drop(app);
    let settings = remote.config(|config| {
        config["issuers"][0]["base_url"] = json!("https://169.254.169.254");
    });
    let app = TestApp::start(&settings).await;
    failed(&app, "network").await;
    assert!(!remote.proxy.was_asked_for("169.254.169.254:443"));
    let read = config::parse("test.yaml", &settings.to_string(), &BTreeMap::new()).unwrap();
    let problems = app::problems_anywhere(&read);
    assert!(problems.iter().any(|one| one.message.contains("169.254.169.254")), "{problems:?}");
}

#[tokio::test]
async fn the_environment_names_the_proxy_where_the_configuration_says_so() {
    let remote = Remote::start(Manner::Forward).await;
    let settings = remote.config(|config| config["network"] = json!({ "proxy": "environment" }));
    let plain = Issuer::start();
    let set = |list: &[(&str, &str)]| -> BTreeMap<String, String> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let url = remote.proxy.url();
    let bare = url.trim_start_matches("http://").to_owned();
    for environment in [
        set(&[("HTTPS_PROXY", &url), ("HTTP_PROXY", &plain.url())]),
        set(&[("https_proxy", &bare)]),
        set(&[("ALL_PROXY", &url), ("NO_PROXY", "a.test,.b.test")]),
    ] {
        let before = remote.proxy.heads().len();
        let app = TestApp::start_in(&settings, &environment).await;
        app.is_ready().await;
        assert!(remote.proxy.heads().len() > before, "{environment:?}");
        assert_eq!(plain.connections(), 0, "{environment:?}");
    }
    let before = remote.proxy.heads().len();
    let environment = set(&[("HTTPS_PROXY", &url), ("NO_PROXY", "x.test, .test")]);
    let app = TestApp::start_in(&settings, &environment).await;
    failed(&app, "network").await;
    assert_eq!(remote.proxy.heads().len(), before, "an exception of the environment");
    drop(app);
}

#[tokio::test]
async fn a_password_that_changes_in_its_file_is_used_without_a_restart() {
    let remote = Remote::start(Manner::AskForPassword).await;
    remote.secure.write("proxy", &remote.proxy.url_with("user:old"));
    let file = remote.secure.dir.path().join("config.yaml");
    let settings = remote.config(|config| {
        config["network"] = json!({ "proxy": format!("file:{}", remote.secure.path("proxy")) });
    });
    fs::write(&file, settings.to_string()).unwrap();
    let app = TestApp::follow(&file).await;
    failed(&app, "proxy").await;
    remote.secure.write("proxy", &remote.proxy.url_with("user:pa%20ss"));
    app.is_ready().await;
    eventually("the epoch", async || {
        (app.metric("rownd_authz_config_epoch", &[]) == 2.0).then_some(())
    })
    .await;
    remote.keeps_secrets(&app).await;
}

#[tokio::test]
async fn a_proxy_variable_that_is_not_used_is_a_warning() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.yaml");
    let variable = [("HTTPS_PROXY", "http://user:hunter2@proxy.test:3128")];
    for (network, warned) in [(json!({}), true), (json!({ "proxy": "none" }), false)] {
        let settings = config_with(&issuer, |config| config["network"] = network.clone());
        fs::write(&file, settings.to_string()).unwrap();
        let path = file.to_str().unwrap().to_owned();
        let checked = tokio::task::spawn_blocking(move || {
            run(&["config", "check", "--config", &path], &variable)
        });
        let checked = checked.await.unwrap();
        let text =
            String::from_utf8(checked.stdout).unwrap() + &String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success(), "{text}");
        assert_eq!(text.contains("HTTPS_PROXY is set and not used"), warned, "{network}: {text}");
        let environment: BTreeMap<String, String> = variable
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let app = TestApp::start_in(&settings, &environment).await;
        app.is_ready().await;
        let page = app.page("/status").await.body;
        assert_eq!(page.contains("HTTPS_PROXY is set and not used"), warned, "{network}: {page}");
        let counted = app.page("/metrics").await.body;
        let line = format!("\nrownd_authz_configuration_warnings {}\n", u8::from(warned));
        assert!(counted.contains(&line), "{network}: {counted}");
        assert!(!(text + &page).contains("hunter2"), "{network}");
    }
}

#[tokio::test]
async fn a_proxy_that_speaks_tls_is_trusted_by_the_same_file() {
    let remote = Remote::start(Manner::Forward).await;
    let address = remote.proxy.url().trim_start_matches("http://").parse().unwrap();
    let front = TlsFront::start(&remote.secure.authority.issue(), address).await;
    let app = TestApp::ready(&remote.config(|config| {
        config["network"] = json!({ "proxy": front.url() });
    }))
    .await;
    assert!(remote.proxy.was_asked_for(&remote.host));
    drop(app);
}
