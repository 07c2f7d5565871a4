//! `ca_file`: whom it replaces, what is wrong with it, and when it is read again.

use std::{collections::BTreeMap, fs};

use rownd_authz::{
    app::{self, ReloadOutcome},
    config,
};
use serde_json::{Value, json};

use super::{FETCHES, Secure, failed, last_error};
use crate::support::{TestApp, binary::run, certs::Authority, until};

#[tokio::test]
async fn the_file_of_an_issuer_replaces_that_of_all_which_replaces_the_systems() {
    let secure = Secure::start().await;
    secure.write("other.crt", &Authority::new().pem());
    secure.write("both.crt", &(Authority::new().pem() + &secure.authority.pem()));
    let (right, wrong) = (secure.path("ca.crt"), secure.path("other.crt"));
    let both = secure.path("both.crt");
    for (what, own, all, good) in [
        ("its own", Some(&right), None, true),
        ("that of all", None, Some(&right), true),
        ("its own, among others", Some(&both), None, true),
        ("its own before that of all", Some(&right), Some(&wrong), true),
        ("its own wrong one before that of all", Some(&wrong), Some(&right), false),
        ("a wrong one", Some(&wrong), None, false),
        ("the system's", None, None, false),
    ] {
        let app = TestApp::start(&secure.config(|config| {
            config["issuers"][0]["tls"] = own.map_or(json!({}), |file| json!({ "ca_file": file }));
            config["network"] = all.map_or(json!({}), |file| json!({ "tls": { "ca_file": file } }));
        }))
        .await;
        if good {
            app.is_ready().await;
            secure.judge(&app).await.assert_allowed(what, "authenticated");
        } else {
            failed(&app, "network").await;
            let error = last_error(&app).await;
            assert!(error.contains("invalid peer certificate"), "{what}: {error}");
            assert!(!app.readiness.is_ready(), "{what}");
        }
    }
}

/// What is wrong, the content of the file, the line that is told, and what is said.
type Spoilt = (&'static str, Vec<u8>, Option<usize>, &'static str);

fn spoilt(secure: &Secure) -> Vec<Spoilt> {
    let pair = secure.authority.issue();
    let ca = secure.authority.pem();
    let lines = ca.lines().count();
    let text = |text: &str| text.as_bytes().to_vec();
    let before = |after: &str| text(&format!("# a comment\n{ca}{after}"));
    let der = pem::parse(&ca).unwrap().into_contents();
    let cut: String = ca.lines().take(3).map(|line| format!("{line}\n")).collect();
    vec![
        ("an empty file", text(""), None, "is empty"),
        ("blanks", text(" \n\n"), None, "is empty"),
        ("no PEM", text("nonsense"), None, "no certificate"),
        ("DER", der, None, "openssl x509"),
        ("bytes", vec![0xff, 0xfe], None, "UTF-8"),
        ("a key", text(&pair.key), Some(1), "private key"),
        ("a key behind", before(&pair.key), Some(lines + 2), "private key"),
        ("a server's certificate", text(&pair.cert), Some(1), "authority that issued it"),
        ("another behind", before(&pair.cert), Some(lines + 2), "authority that issued it"),
        ("cut short", text(&cut), Some(1), "no end"),
        ("cut short behind", before(&cut), Some(lines + 2), "no end"),
        ("no beginning", text("\n-----END CERTIFICATE-----\n"), Some(2), "beginning"),
        (
            "no base64",
            text("-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n"),
            Some(1),
            "base64",
        ),
        (
            "no X.509",
            text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            Some(1),
            "X.509",
        ),
        (
            "OpenSSL's own form",
            text(&ca.replace("CERTIFICATE", "TRUSTED CERTIFICATE")),
            Some(1),
            "openssl",
        ),
        ("a request", text(&ca.replace("CERTIFICATE", "CERTIFICATE REQUEST")), Some(1), "request"),
        ("a public key", text(&ca.replace("CERTIFICATE", "PUBLIC KEY")), Some(1), "no certificate"),
    ]
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_a_problem_with_both_lines() {
    let secure = Secure::start().await;
    let file = secure.path("ca.crt");
    let yaml = format!(
        "issuers:\n  - name: a\n    kind: oidc\n    issuer: https://a.test\n    audiences: [a]\n    \
         tls:\n      ca_file: {file}\nnetwork:\n  tls:\n    ca_file: {file}\n"
    );
    let read = || config::parse("test.yaml", &yaml, &BTreeMap::new());
    for (what, content, line, said) in spoilt(&secure) {
        fs::write(&file, content).unwrap();
        let problems = read().expect_err(what).0;
        let places: Vec<(&str, &str)> = problems
            .iter()
            .map(|problem| (problem.place.as_str(), problem.setting.as_str()))
            .collect();
        let expected =
            [("test.yaml:7", "issuers[0].tls.ca_file"), ("test.yaml:10", "network.tls.ca_file")];
        assert_eq!(places, expected, "{what}");
        let message = &problems[0].message;
        assert!(message.contains(said), "{what}: {message}");
        match line {
            Some(line) => assert!(message.starts_with(&format!("{file}:{line}: ")), "{message}"),
            None => assert!(message.contains(&file), "{what}: {message}"),
        }
    }
    fs::remove_file(&file).unwrap();
    assert!(read().expect_err("none").0[0].message.contains("No such file"));
    // Windows' line ends, a byte order mark, text between the certificates.
    let ca = secure.authority.pem();
    for good in
        [ca.replace('\n', "\r\n"), format!("\u{feff}{ca}"), format!("subject=x\n{ca}\n{ca}")]
    {
        fs::write(&file, &good).unwrap();
        read().unwrap_or_else(|problems| panic!("{good}: {problems}"));
    }
}

#[tokio::test]
async fn a_file_that_changes_is_read_again_and_a_bad_one_changes_nothing() {
    let secure = Secure::start().await;
    let file = secure.dir.path().join("config.yaml");
    fs::write(
        &file,
        secure
            .config(|config| config["issuers"][0]["keys"]["refresh_interval"] = json!("1s"))
            .to_string(),
    )
    .unwrap();
    let app = TestApp::follow(&file).await;
    app.is_ready().await;
    let reloads = |result: &str| {
        let labels = [("what", "authorities"), ("result", result)];
        app.metric("rownd_authz_reloads_total", &labels)
    };
    let bad = || app.metric("rownd_authz_reload_failed", &[("what", "authorities")]);
    let good_fetches = || app.metric(FETCHES, &[("result", "ok")]);

    secure.write("ca.crt", "half of a cert");
    until("the bad file to be found", || reloads("refused") >= 1.0).await;
    assert_eq!(bad(), 1.0);
    let status: Value = serde_json::from_str(&app.page("/status").await.body).unwrap();
    let told = status["refused"]["authorities"]["problems"].to_string();
    assert!(told.contains("no certificate"), "{status}");
    let before = good_fetches();
    until("a fetch by the last good one", || good_fetches() > before).await;
    let ReloadOutcome::Refused(problems) = app.reload().await else { panic!("it is still bad") };
    assert!(problems.join(";").contains("no certificate"), "{problems:?}");

    let next = Authority::new();
    secure.front.show(&next.issue());
    failed(&app, "network").await;
    secure.write("ca.crt", &next.pem());
    until("the new file", || reloads("ok") >= 1.0).await;
    assert_eq!(bad(), 0.0);
    let before = good_fetches();
    until("a fetch by the new one", || good_fetches() > before).await;

    // The old authority counts no more.
    secure.front.show(&secure.authority.issue());
    let before = app.metric(FETCHES, &[("result", "network")]);
    until("a refused server", || app.metric(FETCHES, &[("result", "network")]) > before).await;
}

#[tokio::test]
async fn a_reload_brings_an_issuer_with_a_file_of_its_own_or_is_refused_whole() {
    let secure = Secure::start().await;
    let file = secure.dir.path().join("config.yaml");
    let other = crate::support::config(&secure.issuer);
    fs::write(&file, other.to_string()).unwrap();
    let app = TestApp::follow(&file).await;
    app.is_ready().await;

    secure.write("bad.crt", "nonsense");
    let with = |name: &str| {
        secure.config(|config| {
            config["issuers"][0]["tls"] = json!({ "ca_file": secure.path(name) });
        })
    };
    fs::write(&file, with("bad.crt").to_string()).unwrap();
    let ReloadOutcome::Refused(problems) = app.reload().await else { panic!("it is bad") };
    assert!(problems.join(";").contains("bad.crt"), "{problems:?}");
    fs::write(&file, with("ca.crt").to_string()).unwrap();
    app.put_in_force(2).await;
    until("its keys", || app.metric("rownd_authz_keys", &[]) == 1.0).await;
    secure.judge(&app).await.assert_allowed("the new issuer", "authenticated");
}

#[tokio::test]
async fn an_authority_that_has_expired_is_a_warning_everywhere() {
    let secure = Secure::start().await;
    let all = secure.authority.pem() + &Authority::until(2001).pem();
    secure.write("ca.crt", &all);
    let settings = secure.config(|_| {});
    let read = config::parse("test.yaml", &settings.to_string(), &BTreeMap::new()).unwrap();
    let warned: Vec<String> = app::warnings(&read)
        .iter()
        .filter(|warning| warning.code == "ca_not_valid")
        .map(ToString::to_string)
        .collect();
    let line = secure.authority.pem().lines().count() + 1;
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert!(warned[0].contains(&format!("ca.crt:{line}: ")), "{warned:?}");
    assert!(warned[0].contains("expired"), "{warned:?}");
    let app = TestApp::ready(&settings).await;
    assert!(app.page("/status").await.body.contains("has expired"));
    let counted = app.page("/metrics").await.body;
    assert!(counted.contains("\nrownd_authz_configuration_warnings 1\n"), "{counted}");
    secure.write("ca.crt", &secure.authority.pem());
    app.reload().await;
    assert!(!app.page("/status").await.body.contains("has expired"));
}

#[test]
fn no_authority_of_the_system_matters_only_where_one_is_needed() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("empty.pem"), "").unwrap();
    fs::write(at("ca.crt"), Authority::new().pem()).unwrap();
    let key = crate::support::Key::new("k");
    fs::write(at("keys.json"), json!({ "keys": [key.jwk()] }).to_string()).unwrap();
    let oidc = "kind: oidc, issuer: 'https://id.test', audiences: [a]";
    let in_place =
        format!("kind: static, issuer: a, audiences: [a], key_set: 'file:{}'", at("keys.json"));
    let own = format!("{oidc}, tls: {{ ca_file: '{}' }}", at("ca.crt"));
    let plain = "kind: oidc, issuer: 'http://127.0.0.1:1', audiences: [a]".to_owned();
    for (name, settings, good) in [
        ("keys in place", in_place.as_str(), true),
        ("an authority of its own", &own, true),
        ("plain http", &plain, true),
        ("https", oidc, false),
    ] {
        let file = at("config.yaml");
        fs::write(&file, format!("issuers: [{{ name: shop, {settings} }}]")).unwrap();
        for bundle in [at("empty.pem"), at("absent.pem")] {
            let ran = run(
                &["config", "check", "--config", &file],
                &[("SSL_CERT_FILE", &bundle), ("SSL_CERT_DIR", "")],
            );
            let said = String::from_utf8_lossy(&ran.stderr);
            assert_eq!(ran.status.success(), good, "{name} {bundle}: {said}");
            if !good {
                for word in ["issuer shop", "ca_file", "SSL_CERT_FILE"] {
                    assert!(said.contains(word), "{name} {bundle}: {said}");
                }
            }
        }
    }
}
