//! The shop of docs/policy.md: each line of its table is asked of the whole service.

use std::collections::BTreeSet;

use rownd_authz::config;
use serde_json::json;

use crate::support::{
    Answer, Ask, TestApp,
    shop::{self, Line, Shop},
};

/// The service with the shop's configuration.
async fn service(shop: &Shop) -> TestApp {
    let mut settings = shop.config();
    settings["listeners"] = json!({
        "grpc": { "address": "127.0.0.1:0", "workers": 1 },
        "ops": { "address": "127.0.0.1:0" },
    });
    TestApp::ready(&settings).await
}

async fn ask(service: &TestApp, shop: &Shop, line: &Line) -> Answer {
    let ask = Ask::get(line.path.clone()).method(&line.method).host(line.host.clone());
    let ask = match shop.token(&line.caller) {
        Some(token) => ask.bearer(token),
        None => ask,
    };
    service.check(&ask).await
}

#[tokio::test]
async fn the_service_answers_every_line_of_the_page() {
    let shop = Shop::open().await;
    let service = service(&shop).await;
    let mut decided = BTreeSet::new();
    let mut wrong = Vec::new();
    for line in shop::lines() {
        let answer = ask(&service, &shop, &line).await;
        let said = if answer.is_allowed() {
            (200, "")
        } else {
            (u16::try_from(answer.http_status()).unwrap(), answer.reason())
        };
        if said != (line.status, line.reason.as_str()) {
            wrong.push(format!("{line:?}: {said:?}"));
        }
        decided.insert((answer.fact("rule").to_owned(), answer.is_allowed()));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Each rule has let somebody pass and denied somebody, unless it can do only one of them.
    let config = shop.config();
    let one_sided = ["home", "products", "closed", "default"];
    for rule in config["routes"].as_array().unwrap() {
        let id = rule["id"].as_str().unwrap();
        for allowed in [true, false] {
            let seen = decided.contains(&(id.to_owned(), allowed));
            assert!(seen || one_sided.contains(&id), "{id}: no line with {allowed}: {decided:?}");
        }
    }
}

#[test]
fn the_page_shows_the_file_whole_and_uses_every_caller() {
    let page = shop::page();
    let blocks = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let block = blocks.max_by_key(|block| block.len()).expect("the shop");
    // The file has one line more, for editors.
    let shipped = shop::shipped();
    let (editors, rest) = shipped.split_once('\n').expect("lines");
    assert!(editors.starts_with("# yaml-language-server: "), "{editors}");
    assert_eq!(block, rest);
    let used: BTreeSet<String> = shop::lines().into_iter().map(|line| line.caller).collect();
    assert_eq!(used, shop::callers().into_iter().collect());
    assert!(shop::lines().len() > 40, "{} lines", shop::lines().len());
}

#[test]
fn no_rule_of_the_shop_is_in_vain() {
    let config = config::parse("shop.yaml", &shop::shipped(), &std::collections::BTreeMap::new());
    let config = config.unwrap_or_else(|problems| panic!("{problems}"));
    let warnings = rownd_authz::app::warnings_anywhere(&config);
    assert!(warnings.is_empty(), "{warnings:?}");
}
