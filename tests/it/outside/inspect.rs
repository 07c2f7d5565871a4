//! `token inspect`: the same yes and no as the server's, by its code, with a network or without.

use std::fs;

use rownd_authz::model::DenyReason;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::it::attacks::Kind;
use crate::support::{
    Ask, Claims, Issuer, Key, TestApp,
    binary::{run, run_reading},
    config_with,
    forge::now,
    until,
};

/// The answer of the command for a token: its exit status and its JSON.
fn inspect(settings: &Value, token: &str, more: &[&str]) -> (Option<i32>, Value) {
    let files = TempDir::new().unwrap();
    let path = files.path().join("rownd-authz.yaml");
    fs::write(&path, settings.to_string()).unwrap();
    let arguments = ["token", "inspect", "--json", "--config", path.to_str().unwrap()];
    let output = run_reading(&[&arguments[..], more].concat(), token);
    let said = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    let answer = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}{errors}"));
    let signature = token.rsplit('.').next().unwrap();
    assert!(signature.len() < 8 || !format!("{said}{errors}").contains(signature), "{said}");
    (output.status.code(), answer)
}

/// A configuration with one issuer of this kind, its keys in place.
fn settings(kind: Kind, issuer: &Issuer, key: &Key) -> Value {
    config_with(issuer, |config| {
        let mut settings = kind.settings(kind.name(), issuer, &[key]);
        settings["key_set"] = json!(json!({ "keys": [key.jwk()] }).to_string());
        config["issuers"] = json!([settings]);
    })
}

#[tokio::test]
async fn it_says_what_the_server_says() {
    for kind in Kind::ALL {
        let key = kind.key("sig-1");
        let issuer = Issuer::with_keys(&[&key]);
        let settings = settings(kind, &issuer, &key);
        let app = TestApp::ready(&settings).await;
        let good = kind.claims(kind.name(), &issuer);
        let other = json!({ "alg": "PS256", "kid": "sig-1" });
        let unsigned = json!({ "alg": "none" });
        let strange = json!({ "alg": key.header()["alg"], "kid": "sig-1", "crit": ["x"] });
        for (what, token) in [
            ("good", key.token(&good)),
            ("expired", key.token(&good.clone().with("exp", now() - 3600))),
            ("too early", key.token(&good.clone().with("nbf", now() + 3600))),
            ("without an end", key.token(&good.clone().without("exp"))),
            ("forged", kind.key("sig-1").token(&good)),
            ("a refresh token", key.token(&good.clone().rownd("jwt_type", "refresh_token"))),
            ("for another", key.token(&good.clone().with("aud", "app:other"))),
            ("no subject", key.token(&good.clone().without("sub"))),
            ("an odd claim", key.token(&good.clone().with("exp", "soon"))),
            ("another algorithm", key.token_under(&other, &good)),
            ("no algorithm", key.token_under(&unsigned, &good)),
            ("an extension", key.token_under(&strange, &good)),
            ("a stranger's", key.token(&good.clone().with("iss", "https://evil.example"))),
            (
                "with a slash more",
                key.token(&good.clone().with("iss", kind.iss("x", &issuer) + "/")),
            ),
            ("too long", key.token(&good.clone().with("x", "x".repeat(9_000)))),
            ("garbage", "a.b.c".to_owned()),
        ] {
            let what = format!("{kind:?} {what}");
            let answer = app.check(&Ask::with_token(&token)).await;
            let (status, said) = inspect(&settings, &token, &[]);
            if answer.is_allowed() {
                assert_eq!((status, &said["verdict"]), (Some(0), &json!("taken")), "{what}");
                let who = &said["identity"];
                for (name, header) in
                    [("user_id", "x-rownd-user-id"), ("auth_level", "x-rownd-auth-level")]
                {
                    assert_eq!(who[name].as_str(), answer.set(header), "{what}");
                }
            } else {
                assert_eq!((status, &said["verdict"]), (Some(1), &json!("refused")), "{what}");
                assert_eq!(said["reason"], answer.reason(), "{what}");
                assert_eq!(said["identity"], Value::Null, "{what}");
            }
            let picked = said["issuer"].as_str().unwrap_or_default();
            let named = if answer.is_allowed() { kind.name() } else { answer.fact("issuer") };
            assert_eq!(picked, named, "{what}");
        }
    }
}

/// Nobody is asked, so that without keys there is a no, but never a yes.
#[tokio::test(flavor = "multi_thread")]
async fn without_keys_there_is_no_yes() {
    for kind in Kind::FETCHED {
        let key = kind.key("sig-1");
        let issuer = Issuer::with_keys(&[&key]);
        let settings = config_with(&issuer, |config| {
            config["issuers"] = json!([kind.settings(kind.name(), &issuer, &[])]);
        });
        let claims = kind.claims(kind.name(), &issuer);
        let old = claims.clone().with("exp", now() - 3600);
        for (what, token, expected) in [
            ("good", key.token(&claims), (Some(2), "undecided", Value::Null)),
            ("forged", kind.key("sig-1").token(&claims), (Some(2), "undecided", Value::Null)),
            ("expired", key.token(&old), (Some(1), "refused", json!("token_expired"))),
        ] {
            let (status, said) = inspect(&settings, &token, &[]);
            let verdict = said["verdict"].as_str().unwrap();
            assert_eq!((status, verdict, said["reason"].clone()), expected, "{kind:?} {what}");
            assert_eq!(said["issuers"][0]["signature"], "no_keys", "{kind:?} {what}");
        }
        assert_eq!(issuer.connections(), 0, "{kind:?}: it is offline");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_here_may_be_elsewhere_unless_nothing_is_fetched() {
    for (kind, status, reason) in [
        (Kind::Rownd, 2, Value::Null),
        (Kind::Oidc, 2, Value::Null),
        (Kind::Static, 1, json!(DenyReason::KidUnknown.code())),
    ] {
        let (key, next) = (kind.key("sig-1"), kind.key("sig-2"));
        let issuer = Issuer::start();
        let token = next.token(&kind.claims(kind.name(), &issuer));
        let (code, said) = inspect(&settings(kind, &issuer, &key), &token, &[]);
        assert_eq!((code, &said["reason"]), (Some(status), &reason), "{kind:?}");
        assert_eq!(said["issuers"][0]["signature"], "no_such_key", "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_issuer_has_its_answer_and_an_app_without_an_id_none() {
    let key = Key::new("sig-1");
    let (rownd, partner) = (Issuer::start(), Issuer::start());
    let settings = config_with(&rownd, |config| {
        config["issuers"][0]["apps"] = json!([{ "key": "key_1" }]);
        config["issuers"][0]["key_set"] = json!(json!({ "keys": [key.jwk()] }).to_string());
        let second = Kind::Static.settings("partner", &partner, &[&key]);
        config["issuers"].as_array_mut().unwrap().push(second);
    });
    let (status, said) = inspect(&settings, &key.token(&Claims::of(&rownd.url())), &[]);
    assert_eq!((status, &said["reason"]), (Some(2), &json!("app_unknown")));
    let answers: Vec<_> = said["issuers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["name"].as_str().unwrap(), row["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(answers, [("rownd", "app_unknown"), ("partner", "issuer_untrusted")]);
    assert_eq!(rownd.connections() + partner.connections(), 0);
}

#[tokio::test]
async fn a_snapshot_of_keys_is_as_good_as_for_a_start() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let disk = TempDir::new().unwrap();
    let directory = disk.path().join("keys");
    let settings = config_with(&issuer, |config| {
        config["key_snapshots"] = json!({ "directory": directory.to_str().unwrap() });
    });
    let app = TestApp::ready(&settings).await;
    let written = [("result", "written")];
    until("it", || app.metric("rownd_authz_key_snapshots_total", &written) >= 1.0).await;
    drop(app);
    let token = key.token(&Claims::of(&issuer.url()));
    let (status, said) = inspect(&settings, &token, &[]);
    assert_eq!((status, &said["issuers"][0]["signature"]), (Some(0), &json!("good")));
    assert!(said["issuers"][0]["snapshot"]["age_seconds"].is_u64(), "{said}");
    let (status, said) =
        inspect(&settings, &Key::new("sig-1").token(&Claims::of(&issuer.url())), &[]);
    assert_eq!((status, &said["reason"]), (Some(1), &json!("signature_invalid")));
    // One that was tampered with is no key, and it says so.
    let file = directory.join("rownd.keys");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("sig-1", "sig-2")).unwrap();
    let (status, said) = inspect(&settings, &token, &[]);
    assert_eq!((status, &said["issuers"][0]["signature"]), (Some(2), &json!("no_keys")));
    assert!(said["issuers"][0]["snapshot"]["refused"].is_string(), "{said}");
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "nothing is written");
}

/// With the keys of the issuer, fetched now, there is a yes or a no for every token.
#[tokio::test(flavor = "multi_thread")]
async fn online_the_issuers_are_asked_for_their_keys() {
    for kind in Kind::FETCHED {
        let (key, stranger) = (kind.key("sig-1"), kind.key("sig-2"));
        let issuer = Issuer::with_keys(&[&key]);
        let settings = config_with(&issuer, |config| {
            config["issuers"] = json!([kind.settings(kind.name(), &issuer, &[])]);
        });
        let claims = kind.claims(kind.name(), &issuer);
        for (what, token, status, reason) in [
            ("good", key.token(&claims), 0, Value::Null),
            ("forged", kind.key("sig-1").token(&claims), 1, json!("signature_invalid")),
            ("of an unknown key", stranger.token(&claims), 1, json!("kid_unknown")),
            ("malformed", "a.b.c".to_owned(), 1, json!("token_malformed")),
        ] {
            let (code, said) = inspect(&settings, &token, &["--online"]);
            assert_eq!((code, &said["reason"]), (Some(status), &reason), "{kind:?} {what}");
        }
        assert!(issuer.connections() > 0, "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn online_an_app_id_is_asked_for_as_well() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let settings = config_with(&issuer, |config| {
        config["issuers"][0]["apps"] = json!([{ "key": "key_1" }]);
        config["issuers"][0]["keys"]["fetch_timeout"] = json!("2s");
    });
    let token = key.token(&Claims::of(&issuer.url()));
    let (offline, _) = inspect(&settings, &token, &[]);
    assert_eq!(offline, Some(2));
    let (status, said) = inspect(&settings, &token, &["--online"]);
    let decided = (status, said["reason"].as_str());
    assert!([(Some(0), None), (Some(2), Some("app_unknown"))].contains(&decided), "{said}");
    assert_eq!(said["issuers"][0]["signature"], "good", "{said}");
}

#[test]
fn without_any_configuration_a_token_is_read() {
    let token = "eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJ1cm46eCJ9.c2lnbmF0dXJl";
    for (text, status, parts) in [
        (
            token.to_owned(),
            2,
            &["undecided: there is no configuration", "urn:x", "Not judged:"][..],
        ),
        (format!("Bearer {token}\n"), 2, &["urn:x"]),
        (format!("\"{token}\""), 1, &["refused: token_malformed", "a quote"]),
        (format!("{token}.x"), 1, &["4 parts"]),
        ("Bearer".to_owned(), 1, &["`Bearer` stands before it"]),
    ] {
        let output = run_reading(&["token", "inspect"], &text);
        let said = String::from_utf8(output.stdout.clone()).unwrap();
        assert_eq!(output.status.code(), Some(status), "{text:?}: {output:?}");
        for part in parts {
            assert!(said.contains(part), "{part} in {said}");
        }
        assert!(!said.contains("c2lnbmF0dXJl"), "{said}");
    }
    let output = run_reading(&["token", "inspect", "--online"], token);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("--config"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_time_gives_another_answer() {
    let key = Kind::Static.key("sig-1");
    let issuer = Issuer::start();
    let settings = settings(Kind::Static, &issuer, &key);
    let claims = Kind::Static.claims("static", &issuer);
    let token = key.token(&claims.with("iat", 1_799_990_000).with("exp", 1_800_000_000));
    for (at, status, reason) in [
        ("1799999999", 0, Value::Null),
        ("2027-01-15T07:59:59Z", 0, Value::Null),
        ("1800000060", 1, json!("token_expired")),
        ("1799980000", 1, json!("token_not_yet_valid")),
    ] {
        let (code, said) = inspect(&settings, &token, &["--at", at]);
        assert_eq!((code, &said["reason"]), (Some(status), &reason), "{at}");
    }
}

#[test]
fn a_token_in_the_wrong_place_is_refused_and_not_repeated() {
    let files = TempDir::new().unwrap();
    let config = files.path().join("rownd-authz.yaml");
    fs::write(&config, "issuers: [{ name: rownd, kind: rownd, apps: [{ id: app_x }] }]").unwrap();
    let config = config.to_str().unwrap();
    let token = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ1In0.c2lnbmF0dXJl";
    for (what, arguments, hint) in [
        ("as an argument", vec![token], "--file"),
        ("after a dash", vec!["--", token], "--file"),
        ("two of them", vec![token, token], "--file"),
        ("as a file", vec!["--file", token], "--file"),
        ("nothing to read", vec![], "no token"),
        ("an empty file", vec!["--file", "/dev/null"], "no token"),
        ("no time", vec!["--at", "tomorrow"], "2026-01-31T12:00:00Z"),
        ("no configuration", vec!["--config", "/nowhere/at/all.yaml"], "/nowhere/at/all.yaml"),
    ] {
        let own = if what == "no configuration" { vec![] } else { vec!["--config", config] };
        let output = run_reading(&[&["token", "inspect"][..], &own, &arguments].concat(), " \n");
        let said = format!("{output:?}");
        assert_eq!(output.status.code(), Some(2), "{what}: {said}");
        assert!(said.contains(hint), "{what}: {said}");
        assert!(!said.contains("eyJ"), "{what}: {said}");
    }
    // From a file it is read, with what surrounds it.
    let path = files.path().join("token.txt");
    fs::write(&path, format!("Bearer {token}\n")).unwrap();
    let arguments = ["token", "inspect", "--config", config, "--file", path.to_str().unwrap()];
    let output = run(&arguments, &[]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("refused: issuer_untrusted, "), "{said}");
}
