//! Seed files, good and bad; and the rest of docs/emulator.md that can be run.

use std::sync::Arc;

use super::{ADDRESS, ask, get, state};
use crate::{Endpoint, Seed, Settings, state::State};

/// The example of docs/emulator.md.
fn documented() -> &'static str {
    let page = include_str!("../../../../docs/emulator.md");
    page.split("```\n").find(|block| block.starts_with("apps:")).unwrap()
}

#[tokio::test]
async fn the_documented_seed_loads_and_stands_beside_the_demo() {
    let seed = Seed::parse("seed.yaml", documented()).unwrap();
    let settings = Settings { seed, ..Settings::default() };
    let state = Arc::new(State::new(settings, ADDRESS).unwrap());
    for key in [state.settings.app_key.as_str(), "key_shop", "key_shop_outlet"] {
        let (status, _) = get(&state, "/hub/app-config", &[("x-rownd-app-key", key)]).await;
        assert_eq!(status, 200, "{key}");
    }
    let headers = [("x-rownd-app-key", "key_shop"), ("x-rownd-app-secret", "ras_shop")];
    let (status, body) = get(&state, "/applications/app_shop/users/ann/data", &headers).await;
    assert_eq!(status, 200);
    assert_eq!(body["groups"][0]["member"]["roles"], serde_json::json!(["owner"]));
}

#[test]
fn every_problem_of_a_seed_is_named_with_its_line() {
    let text = "\
apps:
  - id: app_a
    key: key_a
    secret: ras_a
    usres: []
    users:
      - id: ann
        auth_level: high
  - id: app_b
    key: key_b
";
    let problems = Seed::parse("seed.yaml", text).err().unwrap().to_string();
    for expected in [
        "seed.yaml:5: apps[0].usres: unknown key; did you mean `users`?",
        "seed.yaml:8: apps[0].users[0].auth_level: `high` is not known here",
        "seed.yaml:9: apps[1]: `secret` is missing",
    ] {
        assert!(problems.contains(expected), "{expected}\n---\n{problems}");
    }
}

#[test]
fn what_does_not_hold_together_is_named() {
    let text = "\
apps:
  - id: app_a
    key: key_a
    secret: ''
    token_validators:
      - kind: rest
        url: https://example.com
      - kind: jwks
        project: p
    oidc_clients:
      - id: oc
        redirect_uris: [/callback]
        allowed_scopes: [openid, shoe_size]
      - id: oc
        redirect_uris: []
    users:
      - id: ann
        data: { email: 7, shoe_size: 44 }
        groups: [{ group: g }]
      - id: ann
  - id: app_a
    key: key_a
    secret: s
";
    let problems = Seed::parse("seed.yaml", text).err().unwrap().to_string();
    for expected in [
        "seed.yaml:4: apps[0].secret: is empty",
        "seed.yaml:7: apps[0].token_validators[0].url: is https",
        "apps[0].token_validators[1].issuer: is missing",
        "seed.yaml:9: apps[0].token_validators[1].project: has no meaning",
        "apps[0].token_validators[1].jwks: is missing",
        "seed.yaml:12: apps[0].oidc_clients[0].redirect_uris[0]: `/callback` is not a full address",
        "seed.yaml:13: apps[0].oidc_clients[0].allowed_scopes[1]: `shoe_size` is not a scope",
        "seed.yaml:14: apps[0].oidc_clients[1].id: `oc` is another client's name",
        "seed.yaml:15: apps[0].oidc_clients[1].redirect_uris: is empty",
        "seed.yaml:18: apps[0].users[0].data.email: must be a string",
        "seed.yaml:18: apps[0].users[0].data.shoe_size: is in no schema",
        "seed.yaml:19: apps[0].users[0].groups[0].group: `g` is not a group of this app",
        "seed.yaml:20: apps[0].users[1].id: `ann` stands here and at `apps[0].users[0].id`",
        "seed.yaml:21: apps[1].id: `app_a` stands here and at `apps[0].id`",
        "seed.yaml:22: apps[1].key: `key_a` stands here and at `apps[0].key`",
    ] {
        assert!(problems.contains(expected), "{expected}\n---\n{problems}");
    }
}

/// The words of a line as a shell would see them: blanks outside single quotes part them.
fn words(line: &str) -> Vec<String> {
    let parts = line.split('\'').enumerate();
    let outside = |at: usize| at.is_multiple_of(2);
    let mut words = vec![String::new()];
    for (at, part) in parts {
        if !outside(at) {
            words.last_mut().unwrap().push_str(part);
            continue;
        }
        for (index, piece) in part.split(' ').enumerate() {
            if index > 0 {
                words.push(String::new());
            }
            words.last_mut().unwrap().push_str(piece);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[tokio::test]
async fn the_documented_lines_work() {
    let state = state();
    let page = include_str!("../../../../docs/emulator.md");
    let lines: Vec<&str> = page.lines().filter(|line| line.starts_with("curl ")).collect();
    assert_eq!(lines.len(), 9);
    for line in lines {
        let words = words(line);
        let (mut method, mut headers, mut body, mut path) = ("GET", Vec::new(), None, "");
        let mut rest = words.iter().skip(1).map(String::as_str);
        while let Some(word) = rest.next() {
            match word {
                "-s" => {}
                "-X" => method = rest.next().unwrap(),
                "-H" => headers.extend(rest.next().unwrap().split_once(": ")),
                "-d" => body = Some(serde_json::from_str(rest.next().unwrap()).unwrap()),
                url => path = url.strip_prefix("http://127.0.0.1:8787").unwrap(),
            }
        }
        headers.retain(|(name, _)| *name != "content-type");
        let (status, answer) = ask(&state, (method, path), &headers, body).await;
        assert!(status.is_success(), "{line}: {status} {answer}");
        assert_ne!(answer["status"], "ERROR", "{line}");
    }
}

#[test]
fn every_endpoint_is_documented() {
    let page = include_str!("../../../../docs/emulator.md");
    for endpoint in Endpoint::ALL {
        let name = serde_json::to_value(endpoint).unwrap();
        let name = format!("`{}`", name.as_str().unwrap());
        assert!(page.contains(&name), "{name} is not in docs/emulator.md");
    }
}
