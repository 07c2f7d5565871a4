//! Key sets and metadata as issuers publish them: packed without being asked, behind a byte order
//! mark, one key without a set around it; and sets of which nothing can be used.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use super::{fetched, judge};
use crate::support::{
    Ask, Claims, Issuer, Key, Reply, TestApp, config, config_with, eventually, forge::APP,
    issuer::KEYS,
};

const METADATA: &str = "/.well-known/openid-configuration";

fn packed(text: &str) -> Reply {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    let headers = vec![("content-encoding", "gzip".to_owned())];
    Reply::Answer(200, headers, encoder.finish().unwrap())
}

/// Ways to publish a document that make no difference to a reader.
fn spellings(text: &str) -> Vec<(&'static str, Reply)> {
    let marked = format!("\u{feff}{text}");
    vec![
        ("plain", Reply::text(text)),
        ("marked", Reply::text(marked.clone())),
        ("packed", packed(text)),
        ("marked and packed", packed(&marked)),
    ]
}

#[tokio::test]
async fn metadata_and_keys_are_read_in_every_usual_spelling() {
    let key = Key::new("sig-1");
    let issuer = Issuer::start();
    let metadata = json!({ "issuer": issuer.url(), "jwks_uri": format!("{}{KEYS}", issuer.url()) });
    let settings = config_with(&issuer, |c| {
        c["issuers"][0] = json!({ "name": "partner", "kind": "oidc", "issuer": issuer.url(),
            "base_url": issuer.url(), "audiences": [format!("app:{APP}")],
            "allow_insecure_http": true, "keys": { "cooldown": "100ms" } });
    });
    let set = json!({ "keys": [key.jwk()] }).to_string();
    for (how, metadata) in spellings(&metadata.to_string()) {
        for (what, keys) in spellings(&set).into_iter().chain(spellings(&key.jwk().to_string())) {
            issuer.set(METADATA, metadata.clone());
            issuer.set(KEYS, keys);
            let app = TestApp::ready(&settings).await;
            let token = key.token(&Claims::of(&issuer.url()));
            let answer = app.check(&Ask::with_token(token)).await;
            answer.assert_allowed(&format!("metadata {how}, keys {what}"), "authenticated");
        }
    }
}

#[tokio::test]
async fn another_encoding_or_coding_is_told_and_the_last_good_keys_stay() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let app = TestApp::ready(&config(&issuer)).await;
    let set = json!({ "keys": [key.jwk()] }).to_string();
    let wide: Vec<u8> =
        "\u{feff}".encode_utf16().chain(set.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let coded = |coding: &str, body: &[u8]| {
        Reply::Answer(200, vec![("content-encoding", coding.to_owned())], body.to_vec())
    };
    for (name, reply, said) in [
        ("UTF-16", Reply::text(wide), "UTF-8"),
        ("deflate", coded("deflate", set.as_bytes()), "content-encoding is not gzip"),
        ("br", coded("br", set.as_bytes()), "content-encoding is not gzip"),
        ("gzip twice", coded("gzip, gzip", set.as_bytes()), "content-encoding is not gzip"),
        ("no gzip at all", coded("gzip", set.as_bytes()), "damaged or not gzip"),
    ] {
        let before = app.metric(super::FETCHES, &[]);
        issuer.set(KEYS, reply);
        fetched(&app, &issuer, before + 1.0).await;
        let keys = eventually(name, async || {
            let status: Value = serde_json::from_str(&app.page("/status").await.body).unwrap();
            let keys = status["issuers"][0]["keys"].clone();
            keys["last_error"].as_str().is_some_and(|error| error.contains(said)).then_some(keys)
        })
        .await;
        assert_eq!(keys["usable"], 1, "{name}: {keys}");
        judge(&app, &issuer, &key).await.assert_allowed(name, "authenticated");
    }
}

/// The reasons are said by `/status` and by the metric when not one key can be used.
#[tokio::test]
async fn a_set_without_a_usable_key_says_why() {
    let issuer = Issuer::start();
    let mut encryption = Key::new("enc-1").jwk();
    encryption["use"] = json!("enc");
    issuer.set(KEYS, Reply::json(&json!({ "keys": [encryption, null] })));
    let app = TestApp::start(&config(&issuer)).await;
    let keys = eventually("the reasons", async || {
        let status: Value = serde_json::from_str(&app.page("/status").await.body).unwrap();
        let keys = status["issuers"][0]["keys"].clone();
        (keys["refused"].as_array().is_some_and(|refused| !refused.is_empty())).then_some(keys)
    })
    .await;
    let expected =
        ["not a signature key (use) (kid enc-1)", "not an object of strict JSON (no kid)"];
    assert_eq!(keys["refused"], json!(expected), "{keys}");
    assert_eq!(keys["usable"], 0, "{keys}");
    let error = keys["last_error"].as_str().unwrap();
    assert_eq!(error, format!("the document holds no usable key: {}", expected.join("; ")));
    for (reason, count) in [("use", 1.0), ("not_strict", 1.0), ("secret", 0.0)] {
        let labels = [("reason", reason)];
        assert_eq!(app.metric("rownd_authz_keys_refused", &labels), count, "{reason}");
    }
}
