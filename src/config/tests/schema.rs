//! The JSON Schema says what the reader takes, and the committed copy is the current one.

use serde_json::{Value, json};

use super::{APP, environment, good, read};
use crate::config::{Config, json_schema, parse_with, sections::WrittenConfig, structure};

#[test]
fn the_committed_schema_is_the_current_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/config.schema.json");
    let committed: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(committed == json_schema(), "docs/config.schema.json is old: run `make docs`");
}

/// The settings that an issuer of this kind needs.
fn issuer(kind: &str) -> Value {
    match kind {
        "rownd" => json!({"name": "a", "kind": kind,
            "apps": [{"id": "x", "key": "k", "secret": "s"}]}),
        "supertokens" => json!({"name": "a", "kind": kind, "base_url": "https://a.test/auth"}),
        "oidc" => json!({"name": "a", "kind": kind, "issuer": "https://a.test",
            "audiences": ["x"], "algorithms": ["RS256"]}),
        "firebase" => json!({"name": "a", "kind": kind, "project": "my-project"}),
        "static" => json!({"name": "a", "kind": kind, "issuer": "a", "audiences": ["x"],
            "key_set": "{}"}),
        other => panic!("{other} needs a row"),
    }
}

/// A header or parameter that takes every format and every part of the identity.
fn told(name: &str) -> Value {
    json!({"name": name, "from": {"identity": "user_id"}, "format": "json"})
}

/// A configuration in which every list has an entry, with an issuer of this kind.
fn whole(kind: &str) -> Value {
    json!({
        "issuers": [issuer(kind)],
        "credentials": [{"cookie": "session"}, {"header": "authorization"},
            {"query": "access_token"}, {"websocket_protocol": "bearer"}],
        "roles": {"viewer": {"permissions": ["a:*"]}, "editor": {"inherits": ["viewer"]}},
        "role_sources": [{"claim": "roles", "prefix": "x:"}],
        "guards": [{"id": "g", "match": "any", "require": {"anonymous": false}}],
        "headers": [told("x-a")],
        "response_headers": [told("x-a")],
        "routes": [{"id": "r", "match": "any", "headers": [told("x-a")],
            "response_headers": [told("x-a")], "query": {"set": [told("a")]}}],
    })
}

/// With a caller, whose secret is not printed and so not read again, and an OpenID client of the
/// issuer, which is of kind `oidc`.
fn with_service(mut document: Value) -> Value {
    document["rownd_auth"] = json!({
        "callers": [{"name": "c", "allow": ["verify"], "secret": "a-secret-of-some-length"}],
        "oidc_clients": [{
            "name": "web", "issuer": document["issuers"][0]["name"], "client_id": "id",
            "redirect_uris": ["https://a.com/cb"],
        }],
    });
    document
}

/// JSON pointer and words of every setting that is one of a few words.
fn enumerations(schema: &Value, pointer: &str, found: &mut Vec<(String, Vec<String>)>) {
    if let Some(options) = schema.get("oneOf").and_then(Value::as_array) {
        // The other `oneOf` is "exactly one of these settings".
        let words = options.iter().filter_map(|option| option["const"].as_str());
        let words: Vec<String> = words.map(str::to_owned).collect();
        if !words.is_empty() {
            found.push((pointer.to_owned(), words));
        }
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        let words = words.iter().map(|word| word.as_str().unwrap().to_owned());
        found.push((pointer.to_owned(), words.collect()));
    }
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        for (name, property) in properties {
            enumerations(property, &format!("{pointer}/{name}"), found);
        }
    }
    if let Some(items) = schema.get("items") {
        enumerations(items, &format!("{pointer}/0"), found);
    }
}

fn set(value: &mut Value, pointer: &str, word: &str) {
    let mut node = value;
    for segment in pointer.split('/').skip(1) {
        node = match segment.parse::<usize>() {
            Ok(_) if node.is_null() => {
                *node = json!([null]);
                &mut node[0]
            }
            Ok(index) => &mut node[index],
            Err(_) => &mut node[segment],
        };
    }
    *node = json!(word);
}

/// With the listener `http` and what it serves. The text of a key is not looked at here.
fn with_http(mut document: Value) -> Value {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    document["listeners"] = json!({ "http": { "serve": ["passport_keys"] } });
    document["protected_resource"] = json!({ "resource": "https://api.test",
        "authorization_servers": ["https://id.test"] });
    document["passport"] = json!({ "issuer": "https://us.test", "keys": [{ "file": file }] });
    document
}

/// With what the group of this word serves, or the sources of events.
fn with_inbound(mut document: Value, word: &str) -> Value {
    let caller = json!({ "sources": ["192.0.2.1"] });
    if word == "token_validator" {
        document["token_validator"] =
            json!({ "issuers": ["a"], "caller": caller, "claims": { "email": "email" } });
        return document;
    }
    document["listeners"] = json!({ "http": { "serve": ["webhooks"] } });
    let mut source =
        json!({ "name": "s", "kind": "rownd_webhook", "issuer": "a", "caller": caller });
    if word == "shared_signals" || word == "back_channel_logout" {
        source["audiences"] = json!(["events"]);
    }
    document["events"] = json!({ "sources": [source] });
    document
}

/// Settings whose values are a few words; there are more.
const ENUMERATIONS: [&str; 32] = [
    "/check/unavailable",
    "/credentials/0/format",
    "/default/auth",
    "/default/auth_level",
    "/default/expired_cookie",
    "/default/freshness",
    "/default/odd_paths",
    "/default/require/auth_level",
    "/guards/0/applies_to",
    "/guards/0/mode",
    "/hooks/before_exchange/grants/0",
    "/hooks/before_exchange/on_failure",
    "/identity_headers/vendor_headers",
    "/issuers/0/accepts",
    "/issuers/0/algorithms/0",
    "/issuers/0/auth_level",
    "/issuers/0/kind",
    "/issuers/0/preset",
    "/listeners/grpc/tls/min_version",
    "/listeners/http/serve/0",
    "/log/format",
    "/log/level",
    "/passport/subject",
    "/routes/0/auth",
    "/routes/0/auth_level",
    "/routes/0/expired_cookie",
    "/routes/0/freshness",
    "/routes/0/mode",
    "/routes/0/odd_paths",
    "/routes/0/passport/format",
    "/rownd_auth/callers/0/allow/0",
    "/rownd_auth/oidc_clients/0/auth_method",
];

#[test]
#[expect(clippy::too_many_lines, reason = "a list of every enumeration")]
fn every_word_of_every_enumeration_is_read_and_printed_back() {
    let mut found = Vec::new();
    enumerations(&json_schema(), "", &mut found);
    let pointers: Vec<&str> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
    for expected in ENUMERATIONS {
        assert!(pointers.contains(&expected), "{expected} is not in {pointers:?}");
    }
    // A requirement is a tree: its words are read in the tests of requirements.
    for (pointer, words) in found.iter().filter(|(pointer, _)| !pointer.contains("/require/")) {
        assert!(!words.is_empty(), "{pointer}");
        for word in words {
            let kind = match pointer.rsplit('/').next() {
                Some("kind") if word == "rownd_webhook" || word == "browser_callbacks" => "rownd",
                Some("kind") if pointer.starts_with("/events/") => "oidc",
                Some("kind") => word.as_str(),
                Some(_) if word == "webhooks" => "rownd",
                Some("freshness") => "rownd",
                Some(_) if pointer.contains("/api_answers/") => "rownd",
                _ => "oidc",
            };
            let mut document = whole(kind);
            if pointer.starts_with("/listeners/grpc/tls/") {
                let tls = json!({ "cert_file": "/tls.crt", "key_file": "/tls.key" });
                document["listeners"] = json!({ "grpc": { "tls": tls } });
            }
            if pointer.starts_with("/listeners/http/") || pointer.contains("/passport/") {
                document = with_http(document);
            }
            if pointer.starts_with("/listeners/http/tls/") {
                let tls = json!({ "cert_file": "/tls.crt", "key_file": "/tls.key" });
                document["listeners"]["http"]["tls"] = tls;
            }
            if word == "rpc" {
                document = with_service(document);
                document["listeners"]["http"]["hosts"] = json!(["authz.test"]);
            }
            if pointer.starts_with("/events/sources/")
                || word == "webhooks"
                || word == "token_validator"
            {
                document = with_inbound(document, word);
            }
            if let Some(setting) = pointer.strip_prefix("/listeners/public_http/") {
                if word == "rpc" {
                    // Not on this listener.
                    continue;
                }
                document = with_http(document);
                document["listeners"] = json!({ "public_http": { "serve": ["passport_keys"] } });
                if setting.starts_with("tls/") {
                    let tls = json!({ "cert_file": "/tls.crt", "key_file": "/tls.key" });
                    document["listeners"]["public_http"]["tls"] = tls;
                }
            }
            if pointer.starts_with("/routes/0/passport/") {
                let is_txn_token = word == "txn-token";
                let needed = if is_txn_token { "scope" } else { "audience" };
                document["routes"][0]["passport"] = json!({ needed: "orders" });
                document["passport"]["trust_domain"] = json!("shop.test");
            }
            if pointer.starts_with("/shared/") {
                let key = "c2l4dGVlbi1ieXRlcyEhc2l4dGVlbi1ieXRlcz8/c2g=";
                document["shared"] = json!({ "url": "redis://127.0.0.1", "key": key });
            }
            if pointer.starts_with("/events/sinks/") {
                document["events"] = json!({ "sinks": [{ "name": "out", "stdout": {} }] });
            }
            if pointer.starts_with("/hooks/") {
                let secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"];
                let http = json!({ "url": "https://hooks.test", "secrets": secrets });
                document["hooks"] = json!({ "before_exchange": { "http": http } });
            }
            if pointer.starts_with("/rownd_auth/") {
                document = with_service(document);
                if pointer.ends_with("/auth_method") && word != "none" {
                    document["rownd_auth"]["oidc_clients"][0]["client_secret"] = json!("secret");
                }
            }
            if pointer == "/routes/0/auth" {
                // A rule that reads no credential tells nothing of an identity.
                document["routes"] = json!([{"id": "r", "match": "any"}]);
            }
            if let Some(rule) = pointer.strip_suffix("/expired_cookie") {
                set(&mut document, &format!("{rule}/auth"), "optional");
            }
            if pointer.ends_with("/preset") {
                // An address of this machine may be any provider's.
                document["issuers"][0]["issuer"] = json!("http://127.0.0.1:1");
            }
            set(&mut document, pointer, word);
            // Without a look at the certificates: here it is about words.
            let nothing = |_: &Config| Vec::new();
            let config =
                parse_with("test.yaml", &document.to_string(), &environment(&[]), nothing).unwrap();
            let printed = serde_json::to_value(&config).unwrap();
            // A list of one text may be printed as the text.
            let alone = pointer.strip_suffix("/0").and_then(|list| printed.pointer(list));
            let alone = alone.filter(|value| value.is_string());
            assert_eq!(printed.pointer(pointer).or(alone), Some(&json!(word)), "{pointer}");
        }
        let mut document = with_http(with_service(whole("oidc")));
        set(&mut document, pointer, "no_such_word");
        assert!(read(&document.to_string(), &[]).is_err(), "{pointer}");
    }
}

#[test]
fn what_is_printed_can_be_read_again() {
    let kinds = ["rownd", "supertokens", "oidc", "firebase", "static"];
    let each = kinds.map(|kind| with_http(whole(kind)).to_string());
    for yaml in each.iter().map(String::as_str).chain([""]) {
        let config = good(yaml, &[APP]);
        let printed = serde_json::to_value(&config).unwrap();
        assert_eq!(structure::problems_of(&printed, &|_| None), [], "{yaml}");
        let again = good(&printed.to_string(), &[]);
        assert_eq!(serde_json::to_value(&again).unwrap(), printed, "{yaml}");
    }
}

#[test]
fn the_defaults_of_the_schema_are_those_of_the_reader() {
    fn compare(schema: &Value, value: &Value, path: &str, count: &mut usize) {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
        for (name, property) in properties {
            let path = format!("{path}.{name}");
            let Some(actual) = value.get(name) else { continue };
            if let Some(default) = property.get("default") {
                assert_eq!(default, actual, "{path}");
                *count += 1;
            }
            compare(property, actual, &path, count);
        }
    }
    let mut count = 0;
    let defaults = serde_json::to_value(WrittenConfig::default()).unwrap();
    compare(&json_schema(), &defaults, "", &mut count);
    assert!(count > 30, "{count}");
}

#[test]
fn every_setting_is_described_and_no_map_takes_unknown_keys() {
    fn walk(schema: &Value, path: &str, count: &mut usize) {
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            assert_eq!(schema["additionalProperties"], json!(false), "{path}");
            for (name, property) in properties {
                let path = format!("{path}.{name}");
                let text = property.get("description").and_then(Value::as_str).unwrap_or_default();
                assert!(!text.is_empty(), "{path} has no description");
                *count += 1;
                walk(property, &path, count);
            }
        }
        if let Some(items) = schema.get("items") {
            walk(items, &format!("{path}[]"), count);
        }
        if let Some(entry) = schema.get("additionalProperties") {
            walk(entry, &format!("{path}.NAME"), count);
        }
    }
    let mut count = 0;
    walk(&json_schema(), "", &mut count);
    assert!(count > 60, "{count}");
}
