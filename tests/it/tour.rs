//! `deploy/examples/policy-tour.yaml`: each of its rules lets somebody pass, and denies somebody else
//! for the reason that the pages name.

use std::collections::BTreeSet;

use rownd_emulator::TokenOrder;
use serde_json::{Value, json};

use crate::support::{
    Ask, TestApp,
    shop::{emulator, read},
};

const SEED: &str = r#"
apps:
  - id: app_tour
    key: key_tour
    secret: ras_tour
    name: Tour
    variants: [{ id: variant_outlet, key: key_outlet, name: Outlet }]
    groups: [{ id: group_1, name: One }]
    users:
      - id: user_1
        auth_level: verified
        attributes: { "tour:vip": true }
        groups: [{ group: group_1, roles: [editor] }]
      - { id: user_3, auth_level: guest }
"#;

/// A token of Rownd, with these claims.
const ROWND: &str = "rownd";
/// A token of the company, with these claims.
const COMPANY: &str = "company";
/// A token of a guest of Rownd.
const GUEST: &str = "guest";
/// The reasons.
const UNMET: &str = "requirement_unmet";
const UNKNOWN: &str = "requirement_unknown";

fn order(caller: &str, claims: &Value) -> TokenOrder {
    let user = if caller == GUEST { "user_3" } else { "user_1" };
    let mut order = TokenOrder { app: Some("app_tour".to_owned()), ..TokenOrder::of(user) };
    if caller == COMPANY {
        for (name, value) in
            [("iss", "https://id.company.example"), ("aud", "tour"), ("sub", "u-1")]
        {
            order = order.claim(name, value);
        }
    }
    for (name, value) in claims.as_object().unwrap() {
        order = match name.as_str() {
            "variant" => TokenOrder { variant: value.as_str().map(str::to_owned), ..order },
            "age" => order.issued(-value.as_i64().unwrap()),
            name => order.claim(name, value.clone()),
        };
    }
    order
}

#[expect(clippy::too_many_lines, reason = "one table, a row or two for each rule")]
#[tokio::test]
async fn every_rule_of_the_tour_lets_somebody_pass_and_denies_somebody() {
    let (base, minter) = emulator(SEED).await;
    let text = read("deploy/examples/policy-tour.yaml");
    let mut settings: Value = serde_saphyr::from_str(&text).unwrap();
    settings["issuers"][0]["base_url"] = json!(base);
    settings["issuers"][1]["jwks_url"] = json!(format!("{base}/hub/auth/keys"));
    settings["listeners"] = json!({
        "grpc": { "address": "127.0.0.1:0", "workers": 1 },
        "ops": { "address": "127.0.0.1:0" },
    });
    settings["check"] = json!({ "timeout": "20s" });
    settings["shutdown"] = json!({ "drain_delay": "0s", "grace": "5s" });
    let service = TestApp::ready(&settings).await;
    let mut decided = BTreeSet::new();
    let none = || json!({});
    for (path, caller, claims, expected) in [
        ("/auth-level", ROWND, none(), ""),
        ("/auth-level", GUEST, none(), "auth_level_too_low"),
        ("/try", GUEST, none(), ""),
        ("/try", ROWND, none(), UNMET),
        ("/proved", COMPANY, json!({ "email_verified": true }), ""),
        ("/proved", COMPANY, json!({ "email_verified": false }), UNMET),
        ("/proved", COMPANY, json!({ "email_verified": "true" }), UNKNOWN),
        ("/proved", GUEST, none(), UNMET),
        ("/variant", ROWND, json!({ "variant": "variant_outlet" }), ""),
        ("/variant", ROWND, none(), UNKNOWN),
        ("/single", ROWND, none(), ""),
        ("/single", GUEST, none(), UNMET),
        ("/single", COMPANY, none(), UNMET),
        ("/group", COMPANY, json!({ "groups": ["a", "board"] }), ""),
        ("/group", COMPANY, json!({ "groups": ["Board"] }), UNMET),
        ("/group-role", ROWND, none(), ""),
        ("/group-role", GUEST, none(), UNMET),
        ("/attribute", ROWND, none(), ""),
        ("/attribute", GUEST, none(), UNKNOWN),
        ("/claim/in", COMPANY, json!({ "plan": "team" }), ""),
        ("/claim/in", COMPANY, json!({ "plan": "free" }), UNMET),
        ("/claim/in", COMPANY, json!({ "plan": ["team"] }), UNKNOWN),
        ("/claim/matches", COMPANY, json!({ "org": { "code": "DE-1234" } }), ""),
        ("/claim/matches", COMPANY, json!({ "org": { "code": "xDE-1234" } }), UNMET),
        ("/claim/matches", COMPANY, json!({ "org": "DE-1234" }), UNKNOWN),
        ("/claim/contains", COMPANY, json!({ "features": ["a", "beta"] }), ""),
        ("/claim/contains", COMPANY, json!({ "features": "beta" }), UNKNOWN),
        ("/claim/exists", COMPANY, json!({ "badge": 0 }), ""),
        ("/claim/exists", COMPANY, json!({ "badge": null }), UNMET),
        ("/claim/numbers", COMPANY, json!({ "seats": 5 }), ""),
        ("/claim/numbers", COMPANY, json!({ "seats": 4 }), UNMET),
        ("/claim/numbers", COMPANY, json!({ "seats": "5" }), UNKNOWN),
        ("/tenants/acme/x/y", COMPANY, json!({ "tenant": "acme" }), ""),
        ("/tenants/acme/x", COMPANY, json!({ "tenant": "other" }), UNMET),
        ("/tenants/acme/x", COMPANY, none(), UNKNOWN),
        ("/sessions/s-1", COMPANY, json!({ "sid": "s-1" }), ""),
        ("/sessions/s-1", COMPANY, json!({ "sid": "s-2" }), UNMET),
        ("/young", ROWND, none(), ""),
        ("/young", ROWND, json!({ "age": 700 }), "token_too_old"),
        ("/both", COMPANY, json!({ "scope": "write read" }), ""),
        ("/both", COMPANY, json!({ "scope": "write" }), "scope_missing"),
        ("/either", COMPANY, json!({ "scope": "write" }), ""),
        ("/either", ROWND, none(), ""),
        ("/either", GUEST, none(), UNMET),
        ("/paid", COMPANY, json!({ "plan": "pro" }), ""),
        ("/paid", COMPANY, json!({ "plan": "free" }), UNMET),
        ("/paid", COMPANY, none(), UNKNOWN),
        ("/expression", COMPANY, json!({ "seats": 2, "users": ["a"] }), ""),
        ("/expression", COMPANY, json!({ "seats": 1, "users": ["a"] }), UNMET),
        ("/expression", COMPANY, json!({ "seats": 2 }), "expression_failed"),
        ("/closed", ROWND, none(), UNMET),
        ("/elsewhere", ROWND, none(), UNMET),
    ] {
        let token = minter.mint(&order(caller, &claims)).unwrap();
        let answer = service.check(&Ask::get(path).bearer(token)).await;
        let said = if answer.is_allowed() { "" } else { answer.reason() };
        assert_eq!(said, expected, "{path} {caller} {claims}");
        decided.insert((answer.fact("rule").to_owned(), said.is_empty()));
    }
    for rule in settings["routes"].as_array().unwrap() {
        let id = rule["id"].as_str().unwrap();
        for allowed in [true, false] {
            let can = rule["mode"] != "shadow" && !(allowed && rule["require"] == "never");
            assert_eq!(decided.contains(&(id.to_owned(), allowed)), can, "{id} {allowed}");
        }
    }
    // A token in an address is taken, but not where the rule or the guard says otherwise.
    let company = order(COMPANY, &json!({ "tenant": "acme", "badge": 1 }));
    let token = minter.mint(&company).unwrap();
    for (path, expected) in
        [("/claim/exists", ""), ("/young", UNMET), ("/tenants/acme/x", "guard_refused")]
    {
        let answer = service.check(&Ask::get(format!("{path}?access_token={token}"))).await;
        let said = if answer.is_allowed() { "" } else { answer.reason() };
        assert_eq!(said, expected, "{path}");
    }
    // The guard of a tenant denies those without an identity, too.
    for (caller, expected) in [
        (Some(order(COMPANY, &json!({ "tenant": "acme", "email_verified": true }))), ""),
        (Some(order(COMPANY, &json!({ "tenant": "x", "email_verified": true }))), "guard_refused"),
        (Some(order(ROWND, &none())), "guard_refused"),
        (None, "credential_missing"),
    ] {
        let ask = Ask::get("/proved").host("acme.example.com");
        let ask = match &caller {
            Some(order) => ask.bearer(minter.mint(order).unwrap()),
            None => ask,
        };
        let answer = service.check(&ask).await;
        let said = if answer.is_allowed() { "" } else { answer.reason() };
        assert_eq!(said, expected, "{caller:?}");
    }
}
