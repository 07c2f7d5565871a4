//! The blocks of docs/issuer-presets.md with a preset, or with a claim in the place of `aud`: each is
//! loaded as it stands in the page, except for the keys, and judged with tokens of the shapes that the
//! provider's documents show.
//!
//! In: the page, and the tables of tokens. Out: a user, or the reason of a denial, over gRPC.

mod access;
mod clients;
mod id;
mod shape;

use std::{collections::BTreeMap, fs};

use rownd_authz::model::DenyReason;
use serde_json::{Value, json};

use crate::support::{
    Ask, Issuer, Key, TestApp, config_with,
    forge::{Algorithm, now},
};
use shape::{Shape, Shapes, with};

/// The issuer of each block of the page that has a preset or `audience`, by its name.
fn documented() -> BTreeMap<String, Value> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/issuer-presets.md");
    let text = fs::read_to_string(page).unwrap();
    let blocks = text.split("```yaml\n# rownd-authz\n").skip(1);
    let issuers = blocks.flat_map(|block| {
        let yaml = block.split("```").next().unwrap();
        let value: Value = serde_saphyr::from_str(yaml).unwrap();
        value["issuers"].as_array().cloned().unwrap_or_default()
    });
    let ours =
        issuers.filter(|issuer| !issuer["preset"].is_null() || !issuer["audience"].is_null());
    let mut found = BTreeMap::new();
    for issuer in ours {
        let name = issuer["name"].as_str().unwrap().to_owned();
        assert!(found.insert(name.clone(), issuer).is_none(), "{name} is there twice");
    }
    found
}

/// The service with this issuer, whose keys are in place.
async fn service(mut issuer: Value, key: &Key) -> TestApp {
    issuer["keys"] = json!({ "fetch": false });
    issuer["key_set"] = json!(json!({ "keys": [key.jwk()] }).to_string());
    let unused = Issuer::with_keys(&[]);
    TestApp::ready(&config_with(&unused, |config| config["issuers"] = json!([issuer]))).await
}

/// A token of this shape, good for an hour where the shape does not say otherwise.
fn token(shape: &Shape, iss: &Value, key: &Key) -> String {
    let header = with(json!({"alg": key.algorithm().name(), "kid": key.kid}), &shape.header);
    let times = json!({"iss": iss, "iat": now() - 60, "exp": now() + 3_600});
    let mut claims = with(times, &shape.claims);
    if claims["exp"] == "none" {
        claims = with(claims, &json!({"exp": null}));
    }
    key.sign(header.to_string(), claims.to_string())
}

async fn judge(shapes: &Shapes, issuers: &BTreeMap<String, Value>) -> usize {
    let documented = issuers.get(shapes.issuer);
    let documented = documented.unwrap_or_else(|| panic!("no block has {}", shapes.issuer));
    let issuer = with(documented.clone(), &shapes.settings);
    let iss = issuer.get("issuer").cloned().unwrap_or_else(|| json!("https://accounts.google.com"));
    let has_preset = !issuer["preset"].is_null();
    let key = Key::of(Algorithm::Rs256, "sig-1");
    let app = service(issuer, &key).await;
    for (shape, headers) in &shapes.taken {
        let what = format!("{}: {}", shapes.issuer, shape.name);
        let answer = app.check(&Ask::with_token(token(shape, &iss, &key))).await;
        answer.assert_allowed(&what, "authenticated");
        for (name, value) in *headers {
            assert_eq!(answer.set(name), *value, "{what}: {name}");
        }
    }
    for (shape, reason) in &shapes.refused {
        let what = format!("{}: {}", shapes.issuer, shape.name);
        let answer = app.check(&Ask::with_token(token(shape, &iss, &key))).await;
        answer.assert_denied(&what, *reason);
    }
    // A mark of another kind is one beside everything that a good token says.
    let (good, _) = shapes.taken.first().unwrap();
    for (name, mark) in shapes.foreign_marks(has_preset) {
        let what = format!("{}: a good token with {name}", shapes.issuer);
        let marked = Shape { claims: with(good.claims.clone(), &mark), ..good.clone() };
        let answer = app.check(&Ask::with_token(token(&marked, &iss, &key))).await;
        answer.assert_denied(&what, DenyReason::TokenKindRefused);
    }
    for typ in ["logout+jwt", "LOGOUT+JWT", "secevent+jwt", "application/dpop+jwt", "id+jwt", ""] {
        let what = format!("{}: a good token under typ {typ:?}", shapes.issuer);
        let header = with(good.header.clone(), &json!({ "typ": typ }));
        let answer =
            app.check(&Ask::with_token(token(&Shape { header, ..good.clone() }, &iss, &key))).await;
        answer.assert_denied(&what, DenyReason::TokenHeaderRefused);
    }
    shapes.taken.len() + shapes.refused.len()
}

#[tokio::test]
async fn each_block_of_the_page_takes_the_tokens_of_its_provider_and_no_others() {
    let issuers = documented();
    let mut judged = 0;
    let google = vec![id::google()];
    let tables = [access::tables(), clients::tables(), google].concat();
    for shapes in &tables {
        judged += judge(shapes, &issuers).await;
    }
    for name in issuers.keys() {
        assert!(tables.iter().any(|shapes| shapes.issuer == name), "{name} has no tokens");
    }
    let presets = issuers.values().filter_map(|issuer| issuer["preset"].as_str());
    let presets: std::collections::BTreeSet<&str> = presets.collect();
    assert_eq!(presets.len(), 9, "{presets:?}");
    assert!(judged > 90, "{judged}");
}

#[tokio::test]
async fn a_block_that_accepts_id_tokens_takes_those_of_its_provider_and_no_others() {
    let issuers = documented();
    for shapes in &id::tables() {
        judge(shapes, &issuers).await;
    }
}
