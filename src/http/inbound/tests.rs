//! The gate, users that are read again, and the fields of an answer about a token.

use std::{num::NonZeroU32, time::Duration};

use http::{HeaderMap, HeaderName};
use serde_json::{Map, Value, json};

use super::{
    answer::Refusal,
    gate::{Gate, InboundPeer, Shown},
    rereads::Rereads,
    rownd_webhook::Told,
};
use crate::{
    config::{InboundCaller, Secret, TokenValidator, parse},
    model::PeerName,
};

fn caller(secret: Option<&str>, sources: &[&str]) -> InboundCaller {
    InboundCaller {
        secret: secret.map(Secret::new),
        header: None,
        sources: sources.iter().map(|net| net.parse().unwrap()).collect(),
        uris: Vec::new(),
        dns_names: Vec::new(),
        per_second: NonZeroU32::new(2).unwrap(),
    }
}

fn admitted(gate: &Gate, path: &str, headers: &HeaderMap, peer: &InboundPeer) -> bool {
    match gate.admit(Shown { path, headers, peer }) {
        Ok(_) => true,
        Err(Refusal::Caller) => false,
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn every_proof_that_is_configured_is_needed() {
    let (secret, nets) = (Some("s"), &["192.0.2.0/24", "2001:db8::/32"][..]);
    for (name, secret, sources, shown, from, expected) in [
        ("the secret", secret, &[][..], "s", "198.51.100.1", true),
        ("another secret", secret, &[][..], "S", "198.51.100.1", false),
        ("more than the secret", secret, &[][..], "s/", "198.51.100.1", false),
        ("no secret", secret, &[][..], "", "198.51.100.1", false),
        ("a source", None, nets, "", "192.0.2.255", true),
        ("a source of IPv6", None, nets, "", "2001:db8::1", true),
        ("a source as IPv6 writes it", None, nets, "", "::ffff:192.0.2.1", true),
        ("another source", None, nets, "", "192.0.3.0", false),
        ("a source with a path behind it", None, nets, "s", "192.0.2.1", false),
        ("a Unix socket has no address", None, nets, "", "", false),
        ("a Unix socket with the secret", secret, &[][..], "s", "", true),
        ("both", secret, nets, "s", "192.0.2.1", true),
        ("the secret from elsewhere", secret, nets, "s", "198.51.100.1", false),
        ("a source without the secret", secret, nets, "", "192.0.2.1", false),
    ] {
        let gate = Gate::build(Some(&caller(secret, sources)));
        let address = (!from.is_empty()).then(|| from.parse().unwrap());
        let peer = InboundPeer { address, names: Vec::new() };
        assert_eq!(admitted(&gate, shown, &HeaderMap::new(), &peer), expected, "{name}");
    }
}

#[test]
fn a_secret_in_a_header_stands_there_once_and_not_in_the_path() {
    for (name, header, lines, path, expected) in [
        ("the header", "x-secret", &[("x-secret", "s")][..], "", true),
        ("another value", "x-secret", &[("x-secret", "s ")][..], "", false),
        ("another header", "x-secret", &[("x-secrets", "s")][..], "", false),
        ("twice", "x-secret", &[("x-secret", "s"), ("x-secret", "s")][..], "", false),
        ("in the path", "x-secret", &[][..], "s", false),
        ("in both", "x-secret", &[("x-secret", "s")][..], "s", false),
        ("a bearer token", "authorization", &[("authorization", "bearer s")][..], "", true),
        ("no scheme", "authorization", &[("authorization", "s")][..], "", false),
        ("another scheme", "authorization", &[("authorization", "Basic s")][..], "", false),
    ] {
        let header = Some(HeaderName::from_static(header));
        let gate = Gate::build(Some(&InboundCaller { header, ..caller(Some("s"), &[]) }));
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        assert_eq!(admitted(&gate, path, &headers, &InboundPeer::default()), expected, "{name}");
    }
}

#[test]
fn a_certificate_has_one_of_the_names() {
    let uri = |uri: &str| PeerName::Uri(uri.to_owned());
    let dns = |dns: &str| PeerName::Dns(dns.to_owned());
    let by_name = InboundCaller {
        uris: vec!["spiffe://a/hooks".to_owned()],
        dns_names: vec!["hooks.example".to_owned()],
        ..caller(None, &[])
    };
    for (name, names, expected) in [
        ("the URI", vec![uri("spiffe://a/hooks")], true),
        ("the DNS name, among others", vec![dns("x.example"), dns("Hooks.example")], true),
        ("another URI", vec![uri("spiffe://a/Hooks")], false),
        ("a URI as a DNS name", vec![dns("spiffe://a/hooks")], false),
        ("none", vec![], false),
    ] {
        let gate = Gate::build(Some(&by_name));
        let peer = InboundPeer { address: None, names };
        assert_eq!(admitted(&gate, "", &HeaderMap::new(), &peer), expected, "{name}");
    }
}

#[test]
fn only_a_server_that_has_proved_itself_uses_the_limits_up() {
    let gate = Gate::build(Some(&caller(Some("s"), &[])));
    let (headers, peer) = (HeaderMap::new(), InboundPeer::default());
    for _ in 0..100 {
        assert!(!admitted(&gate, "x", &headers, &peer));
    }
    let own = Shown { path: "s", headers: &headers, peer: &peer };
    assert!(gate.admit(own).is_ok());
    assert!(gate.admit(own).is_ok());
    assert!(matches!(gate.admit(own), Err(Refusal::TooOften(_))));
    assert!(!admitted(&gate, "x", &headers, &peer));

    let many = NonZeroU32::new(10_000).unwrap();
    let gate = Gate::build(Some(&InboundCaller { per_second: many, ..caller(Some("s"), &[]) }));
    let under_way: Vec<_> = (0..64).map(|_| gate.admit(own).unwrap()).collect();
    assert!(matches!(gate.admit(own), Err(Refusal::NotObeyed(..))));
    drop(under_way);
    assert!(gate.admit(own).is_ok());
}

#[test]
fn a_body_that_is_there_takes_the_place_of_its_size_alone() {
    let many = NonZeroU32::new(100_000).unwrap();
    for (bytes, expected) in
        [(0, 4033), (1, 4033), (4 << 10, 4033), ((4 << 10) + 1, 2017), (256 << 10, 64)]
    {
        let gate = Gate::build(Some(&InboundCaller { per_second: many, ..caller(None, &[]) }));
        let (headers, peer) = (HeaderMap::new(), InboundPeer::default());
        let shown = Shown { path: "", headers: &headers, peer: &peer };
        let mut under_way = Vec::new();
        while let Ok(mut request) = gate.admit(shown) {
            request.has_body(bytes);
            under_way.push(request);
        }
        assert_eq!(under_way.len(), expected, "{bytes} bytes");
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_who_could_not_be_read_waits_once_and_ever_longer() {
    let rereads = Rereads::default();
    let told = |user: &str| Told { operation: "delete", user: user.to_owned() };
    rereads.note("a", &told("u1"));
    rereads.note("a", &told("u1"));
    rereads.note("b", &told("u1"));
    rereads.note("a", &told("u2"));
    rereads.unless_done("a", &told("u2")).done();
    let begin = tokio::time::Instant::now();
    let first = rereads.next().await;
    assert_eq!((first.source.as_str(), begin.elapsed()), ("a", Duration::from_secs(1)));
    assert_eq!(rereads.next().await.source, "b");
    assert!(rereads.note_again(first).is_none());
    let mut waiting = rereads.next().await;
    assert_eq!((waiting.source.as_str(), begin.elapsed()), ("a", Duration::from_secs(3)));
    let mut tries = 2;
    while rereads.note_again(waiting.clone()).is_none() {
        waiting = rereads.next().await;
        tries += 1;
    }
    assert!(begin.elapsed() >= Duration::from_secs(3600), "{:?}", begin.elapsed());
    assert!(tries < 80, "{tries}");
}

#[test]
fn a_user_whose_webhook_is_cut_off_is_read_again() {
    let (rereads, told) = (Rereads::default(), Told { operation: "delete", user: "u".to_owned() });
    drop(rereads.unless_done("a", &told));
    assert_eq!(rereads.len(), 1);
    rereads.unless_done("a", &told).done();
    assert_eq!(rereads.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn each_one_that_reads_again_gets_a_user_as_soon_as_it_is_due() {
    let rereads = Rereads::default();
    let begin = tokio::time::Instant::now();
    let told = |user: &str| Told { operation: "delete", user: user.to_owned() };
    let noting = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        for user in ["u1", "u2", "u3"] {
            rereads.note("a", &told(user));
        }
    };
    // All of them wait before there is a user.
    let reading = futures_util::future::join_all((0..3).map(|_| rereads.next()));
    let (got, ()) = tokio::join!(reading, noting);
    let mut users: Vec<&str> = got.iter().map(|waiting| waiting.told.user.as_str()).collect();
    users.sort_unstable();
    assert_eq!((users, begin.elapsed()), (vec!["u1", "u2", "u3"], Duration::from_secs(6)));
}

#[test]
fn the_list_of_users_to_be_read_again_is_bounded() {
    let rereads = Rereads::default();
    for user in 0..10_100 {
        rereads.note("a", &Told { operation: "delete", user: user.to_string() });
    }
    assert_eq!(rereads.len(), 10_000);
}

fn validator(section: &Value) -> TokenValidator {
    let mut section = section.clone();
    section["issuers"] = json!(["partner"]);
    section["caller"] = json!({ "sources": ["192.0.2.1"] });
    let config = json!({
        "issuers": [{
            "name": "partner", "kind": "oidc", "issuer": "https://partner.example",
            "audiences": ["shop"],
        }],
        "listeners": { "http": { "serve": ["token_validator"] } },
        "token_validator": section,
    });
    let config = parse("test.yaml", &config.to_string(), &std::collections::BTreeMap::new());
    config.unwrap().token_validator.unwrap()
}

fn answer(section: &Value, claims: Value) -> Option<Map<String, Value>> {
    let Value::Object(claims) = claims else { panic!("an object") };
    super::fields::answer(&validator(section), &claims)
}

#[test]
fn an_id_of_a_user_is_a_text_or_a_whole_number() {
    let section = json!({ "user_id": { "claim": "/user/id", "prefix": "p:", "field": "uid" } });
    for (id, expected) in [
        (json!("u1"), Some("p:u1")),
        (json!(17), Some("p:17")),
        (json!(-1), Some("p:-1")),
        (json!(1.5), None),
        (json!(""), None),
        (json!(true), None),
        (json!(null), None),
        (json!(["u1"]), None),
        (json!({ "id": "u1" }), None),
    ] {
        let fields = answer(&section, json!({ "user": { "id": id } }));
        let found = fields.as_ref().map(|fields| fields["uid"].as_str().unwrap());
        assert_eq!(found, expected, "{id}");
    }
    assert_eq!(answer(&section, json!({ "id": "u1" })), None);
}

#[test]
fn the_answer_is_flat() {
    let section = json!({ "claims": {
        "email": { "claim": "email", "only_if": "email_verified" },
        "plan": "/account/plan",
        "seats": "seats",
        "groups": "groups",
    } });
    for (name, claims, expected) in [
        (
            "all",
            json!({ "email": "a@b.c", "email_verified": true, "account": { "plan": "x" },
            "seats": 7 }),
            json!({ "email": "a@b.c", "plan": "x", "seats": 7 }),
        ),
        ("an address that is not proved", json!({ "email": "a@b.c" }), json!({})),
        (
            "a proof that is a text",
            json!({ "email": "a@b.c", "email_verified": "true" }),
            json!({}),
        ),
        (
            "lists, objects and null",
            json!({ "groups": ["a"], "account": { "plan": {} },
            "seats": null }),
            json!({}),
        ),
    ] {
        assert_eq!(answer(&section, claims).map(Value::Object), Some(expected), "{name}");
    }
}
