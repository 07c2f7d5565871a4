//! Where the key set is asked for: configured, learned from the metadata, or where it always
//! was. Asked of the emulator on a loopback port.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use serde_json::json;

use crate::{
    config,
    upstream::Client,
    verify::key_source::FetchResult,
    verify::key_source::{KeyDocuments, KeySource},
};
use rownd_emulator::{Controls, Endpoint, Fault, Settings};

/// Runs a test beside an emulator; `more` are settings of the issuer, `%` its base URL.
async fn beside(more: &str, test: impl AsyncFnOnce(&mut KeySource, &Controls, &str)) {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let emulator = rownd_emulator::bind(Settings::demo(free)).await.unwrap();
    let (controls, base) = (emulator.controls(), emulator.base_url().to_owned());
    let more = more.replace('%', &base);
    let yaml = format!(
        "issuers: [{{ name: one, kind: rownd, base_url: '{base}', apps: [{{ id: x }}], {more} }}]"
    );
    let config =
        config::parse("test.yaml", &yaml, &BTreeMap::new()).unwrap_or_else(|e| panic!("{e}"));
    let issuer = &config.issuers[0];
    let client = Client::build(&config::Network::default(), &[], Duration::from_secs(1)).unwrap();
    let mut source = KeySource::build(issuer, &client).unwrap();
    tokio::select! {
        ended = emulator.run(std::future::pending()) => panic!("{ended:?}"),
        () = test(&mut source, &controls, &base) => {}
    }
}

fn hits(controls: &Controls) -> (u64, u64) {
    (controls.hits(Endpoint::Metadata), controls.hits(Endpoint::Keys))
}

async fn failure(source: &mut KeySource) -> FetchResult {
    source.fetch().await.unwrap_err().result()
}

#[tokio::test]
async fn the_metadata_is_asked_once_and_again_after_a_failure() {
    beside("", async |source, controls, _| {
        let document = source.fetch().await.unwrap();
        assert_eq!(document.max_age, Some(Duration::from_secs(300)));
        assert!(source.fetch().await.is_ok());
        assert_eq!(hits(controls), (1, 2));
        controls.inject(Fault::status(Endpoint::Keys, 500).times(1)).unwrap();
        assert_eq!(failure(source).await, FetchResult::Status);
        assert!(source.fetch().await.is_ok());
        assert_eq!(hits(controls), (2, 4));
        // A document that is of no use counts as a failure too.
        source.forget();
        assert!(source.fetch().await.is_ok());
        assert_eq!(hits(controls), (3, 5));
    })
    .await;
}

#[tokio::test]
async fn a_configured_address_needs_no_metadata() {
    beside("jwks_url: '%/hub/auth/keys'", async |source, controls, _| {
        assert!(source.fetch().await.is_ok());
        assert_eq!(hits(controls), (0, 1));
    })
    .await;
}

#[tokio::test]
async fn without_metadata_the_keys_are_where_they_always_were() {
    beside("", async |source, controls, _| {
        controls.inject(Fault::status(Endpoint::Metadata, 404)).unwrap();
        assert!(source.fetch().await.is_ok());
        assert!(source.fetch().await.is_ok());
        assert_eq!(hits(controls), (2, 2), "the metadata may come back");
    })
    .await;
}

#[tokio::test]
async fn metadata_of_another_issuer_lead_nowhere() {
    beside("issuer: 'https://another.test'", async |source, controls, _| {
        assert_eq!(failure(source).await, FetchResult::Invalid);
        assert_eq!(hits(controls), (1, 0));
    })
    .await;
}

#[tokio::test]
async fn a_learned_address_leads_to_public_https_or_to_the_issuer_itself() {
    beside("", async |source, controls, base| {
        let metadata = |keys: &str| json!({"issuer": base, "jwks_uri": keys}).to_string();
        let port = base.rsplit(':').next().unwrap();
        for (keys, expected) in [
            (format!("http://localhost:{port}/hub/auth/keys"), FetchResult::Network),
            ("http://169.254.169.254/latest/meta-data".to_owned(), FetchResult::Network),
            ("https://127.0.0.1:1/keys".to_owned(), FetchResult::Network),
            ("https://10.0.0.1/keys".to_owned(), FetchResult::Network),
            ("http://keys.test/keys".to_owned(), FetchResult::Network),
            ("file:///etc/passwd".to_owned(), FetchResult::Network),
            ("nonsense".to_owned(), FetchResult::Invalid),
        ] {
            controls.clear_faults();
            controls.inject(Fault::body(Endpoint::Metadata, metadata(&keys))).unwrap();
            assert_eq!(failure(source).await, expected, "{keys}");
        }
        assert_eq!(controls.hits(Endpoint::Keys), 0);
        controls.clear_faults();
        controls
            .inject(Fault::body(Endpoint::Metadata, metadata(&format!("{base}/hub/auth/keys"))))
            .unwrap();
        assert!(source.fetch().await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn metadata_that_cannot_be_read_are_a_failure() {
    beside("", async |source, controls, _| {
        for body in ["<html>", "{}", "[]", r#"{"issuer":"x"}"#, r#"{"issuer":1,"jwks_uri":2}"#] {
            controls.clear_faults();
            controls.inject(Fault::body(Endpoint::Metadata, body)).unwrap();
            assert_eq!(failure(source).await, FetchResult::Invalid, "{body}");
        }
    })
    .await;
}

#[tokio::test]
async fn each_kind_of_failure_is_told_apart() {
    beside(
        "jwks_url: '%/hub/auth/keys', keys: { fetch_timeout: 100ms }",
        async |source, controls, _| {
            for (fault, expected) in [
                (Fault::status(Endpoint::Keys, 404), FetchResult::Status),
                (Fault::status(Endpoint::Keys, 204), FetchResult::Status),
                (Fault::status(Endpoint::Keys, 302), FetchResult::Status),
                (Fault::status(Endpoint::Keys, 503), FetchResult::Status),
                (Fault::delay(Endpoint::Keys, Duration::from_secs(60)), FetchResult::Timeout),
                (Fault::body(Endpoint::Keys, "x".repeat((1 << 20) + 1)), FetchResult::Invalid),
            ] {
                controls.clear_faults();
                controls.inject(fault.clone()).unwrap();
                assert_eq!(
                    failure(source).await,
                    expected,
                    "{:?} {:?}",
                    fault.status,
                    fault.delay_ms
                );
            }
            controls.clear_faults();
            controls.inject(Fault::body(Endpoint::Keys, "x".repeat(1 << 20))).unwrap();
            assert_eq!(source.fetch().await.unwrap().body.len(), 1 << 20);
        },
    )
    .await;
}
