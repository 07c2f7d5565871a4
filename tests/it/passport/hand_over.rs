//! The passport that the service behind gets: what it states, when it ends, when it is a new one, and
//! when there is none.

use rownd_authz::model::DenyReason;
use serde_json::{Value, json};

use super::{House, OWN_ISS};
use crate::support::{
    Ask, Claims, Key,
    control::order,
    forge::{APP, USER, now},
    issuer::KEYS,
    passport::{self, JWKS},
};

const HEADER: &str = "x-rownd-passport";

/// One rule for everything, with this passport.
fn with_passport(passport: Value) -> impl FnOnce(&mut Value, &tempfile::TempDir) {
    move |settings, dir| {
        settings["routes"] = json!([
            { "id": "public", "match": { "path": { "prefix": "/public" } }, "auth": "none" },
            { "id": "plain", "match": { "path": { "prefix": "/plain" } } },
            {
                "id": "orders",
                "match": { "path": { "regex": "/orders(/(?P<order>[^/]*))?" } },
                "auth": "optional",
                "passport": passport,
            },
        ]);
        let socket = format!("unix:{}", dir.path().join("control.sock").display());
        settings["listeners"]["control"] = json!({ "address": socket });
    }
}

/// Header and claims of a passport, whose signature has to be that of the published key.
async fn opened(house: &House, passport: &str) -> (Value, Value) {
    passport::opened(&house.get(JWKS).await.json(), passport)
}

impl House {
    fn claims(&self) -> Claims {
        Claims::of(&self.issuer.url())
    }

    fn ask(&self, path: &str, claims: &Claims) -> Ask {
        Ask::get(path).bearer(self.key.token(claims))
    }

    /// The passport of an allowed request.
    async fn passport(&self, ask: &Ask) -> String {
        let answer = self.app.check(ask).await;
        answer.assert_allowed("with a passport", "authenticated");
        answer.set(HEADER).expect("a passport").to_owned()
    }

    fn counted(&self, result: &str) -> f64 {
        self.app.metric("rownd_authz_passports_total", &[("result", result)])
    }
}

#[tokio::test]
async fn a_passport_states_what_the_rule_chooses() {
    let chosen = json!({
        "user": { "identity": "user_id" },
        "level": { "identity": "auth_level" },
        "verified": { "identity": "verified" },
        "app": { "identity": "app_id" },
        "from": { "identity": "issuer" },
        "tenant": { "identity": "tenant" },
        "plan": { "claim": "plan" },
        "deep": { "claim": "/org/unit" },
        "absent": { "claim": "absent" },
        "order": { "path": "order" },
        "region": { "constant": "eu" },
    });
    let passport = json!({ "audience": "orders", "claims": chosen });
    let house = House::open(with_passport(passport)).await;
    let claims = house.claims().with("plan", "pro").with("org", json!({ "unit": [1, "b"] }));
    let before = now();
    let passport = house.passport(&house.ask("/orders/a%20b%c3%a9", &claims)).await;
    let (header, mut stated) = opened(&house, &passport).await;
    assert_eq!(header, json!({ "alg": "ES256", "kid": "one", "typ": "rownd-passport+jwt" }));
    let (issued, expires) = (stated["iat"].as_i64().unwrap(), stated["exp"].as_i64().unwrap());
    assert!((before..=now()).contains(&issued) && expires == issued + 60, "{stated}");
    assert_eq!(stated["jti"].as_str().unwrap().len(), 22);
    for name in ["iat", "exp", "jti"] {
        stated.as_object_mut().unwrap().remove(name);
    }
    let expected = json!({
        "iss": OWN_ISS, "aud": "orders", "sub": USER, "idp": "rownd",
        "user": USER, "level": "verified", "verified": true, "app": APP, "from": "rownd",
        "plan": "pro", "deep": [1, "b"], "order": "a bé", "region": "eu",
    });
    assert_eq!(stated, expected);
}

#[tokio::test]
async fn one_token_has_one_passport_and_every_input_makes_another() {
    let passport = json!({ "audience": "orders", "claims": { "order": { "path": "order" } } });
    let mut house = House::open(with_passport(passport)).await;
    let claims = house.claims();
    let ask = house.ask("/orders/1", &claims);
    let first = house.passport(&ask).await;
    assert_eq!(house.passport(&ask).await, first);
    assert_eq!((house.counted("minted"), house.counted("reused")), (1.0, 1.0));
    let mut seen = vec![first];
    for (name, ask) in [
        ("another variable of the path", house.ask("/orders/2", &claims)),
        (
            "another token of the same user",
            house.ask("/orders/1", &claims.clone().with("jti", "x")),
        ),
        (
            "an actor",
            house.ask("/orders/1", &claims.clone().with("act", json!({ "sub": "admin" }))),
        ),
        ("another user", house.ask("/orders/1", &claims.clone().user("other"))),
    ] {
        let next = house.passport(&ask).await;
        assert!(!seen.contains(&next), "{name}");
        seen.push(next);
    }
    house.change(|settings| settings["check"]["max_headers"] = json!(99));
    house.app.put_in_force(2).await;
    assert!(!seen.contains(&house.passport(&ask).await), "another configuration");
    assert_eq!(house.counted("failed"), 0.0);
    assert!(house.app.metric("rownd_authz_passport_cache_bytes", &[]) > 0.0);
}

#[tokio::test]
async fn a_passport_never_outlives_the_token_of_its_caller() {
    let passport = json!({ "audience": "orders", "ttl": "2m" });
    let house = House::open(with_passport(passport)).await;
    for (name, left, expected) in [("a long token", 3600, 120), ("a short one", 30, 30)] {
        let claims = house.claims().with("exp", now() + left);
        let (_, stated) =
            opened(&house, &house.passport(&house.ask("/orders", &claims)).await).await;
        let (issued, expires) = (stated["iat"].as_i64().unwrap(), stated["exp"].as_i64().unwrap());
        assert!(expires <= claims.0["exp"].as_i64().unwrap(), "{name}");
        assert!((expires - issued - expected).abs() <= 1, "{name}: {stated}");
    }
    // The leeway for clocks lets it pass; a passport would begin dead.
    let late = house.claims().with("exp", now() - 2);
    let answer = house.app.check(&house.ask("/plain", &late)).await;
    answer.assert_allowed("within the leeway", "authenticated");
    let answer = house.app.check(&house.ask("/orders", &late)).await;
    answer.assert_denied("no life is left", DenyReason::TokenExpired);
    assert_eq!(house.counted("failed"), 1.0);
}

#[tokio::test]
async fn nothing_is_handed_out_after_a_revocation() {
    let house = House::open(with_passport(json!({ "audience": "orders" }))).await;
    let claims = house.claims();
    let ask = house.ask("/orders", &claims);
    let first = house.passport(&ask).await;
    assert_eq!(house.passport(&ask).await, first, "it is kept");
    let revoked = json!({ "jti": claims.0["jti"] });
    order(&house.path("control.sock"), "/revoke", &revoked).await;
    let answer = house.app.check(&ask).await;
    answer.assert_denied("revoked", DenyReason::Revoked);
    assert_eq!((house.counted("minted"), house.counted("reused")), (1.0, 1.0));
}

#[tokio::test]
async fn a_caller_that_is_not_known_gets_none_and_brings_none() {
    let house = House::open(with_passport(json!({ "audience": "orders" }))).await;
    let claims = house.claims();
    let forged = ["x-rownd-passport", "X_Rownd_Passport", "txn-token", "Txn.Token", "TXN_TOKEN"];
    for (name, ask, allowed) in [
        ("anonymous", Ask::get("/orders"), "anonymous"),
        ("public", Ask::get("/public"), "public"),
        ("a rule without a passport", house.ask("/plain", &claims), "authenticated"),
        ("a rule with one", house.ask("/orders", &claims), "authenticated"),
    ] {
        let ask = forged.iter().fold(ask, |ask, header| ask.header(header, "forged"));
        let answer = house.app.check(&ask).await;
        answer.assert_allowed(name, allowed);
        let passport = answer.set(HEADER);
        assert_eq!(passport.is_some(), name == "a rule with one", "{name}");
        assert_ne!(passport, Some("forged"), "{name}");
        for header in forged {
            // A header that is set replaces what was there.
            let removed = answer.removed().iter().any(|it| it.eq_ignore_ascii_case(header));
            assert!(removed || passport.is_some() && header == HEADER, "{name}: {header}");
        }
    }
    // They are removed even where the proxy shows none of them.
    let answer = house.app.check(&Ask::get("/public")).await;
    for header in [HEADER, "txn-token"] {
        assert!(answer.removed().iter().any(|removed| removed == header), "{header}");
    }
}

#[tokio::test]
async fn a_passport_is_no_credential() {
    let house = House::open(with_passport(json!({ "audience": "orders" }))).await;
    let passport = house.passport(&house.ask("/orders", &house.claims())).await;
    let answer = house.app.check(&Ask::get("/orders").bearer(&passport)).await;
    answer.assert_denied("our own", DenyReason::TokenHeaderRefused);

    // An issuer that publishes the very keys of passports, under another name.
    let keys = house.get(JWKS).await.json();
    let trusting = House::open(|settings, _| {
        settings["issuers"] = json!([{
            "name": "us", "kind": "static", "issuer": "https://partner.test", "audiences": ["orders"],
            "algorithms": ["ES256"], "key_set": keys.to_string(),
        }]);
        settings["routes"] = json!([]);
    })
    .await;
    let answer = trusting.app.check(&Ask::get("/").bearer(&passport)).await;
    answer.assert_denied("in the hands of one who trusts the key", DenyReason::TokenHeaderRefused);

    // The same claims by a key of an issuer that is trusted, as a plain token: nobody is our `iss`.
    let claims = house.claims().with("iss", OWN_ISS);
    let answer = house.app.check(&house.ask("/orders", &claims)).await;
    answer.assert_denied("our iss", DenyReason::IssuerUntrusted);
    for typ in ["rownd-passport+jwt", "application/Rownd-Passport+JWT", "txntoken+jwt"] {
        let mut header = house.key.header();
        header["typ"] = json!(typ);
        let token = house.key.token_under(&header, &house.claims());
        let answer = house.app.check(&Ask::get("/orders").bearer(token)).await;
        answer.assert_denied(typ, DenyReason::TokenHeaderRefused);
    }
}

#[tokio::test]
async fn an_actor_is_stated_and_never_left_out() {
    let house = House::open(with_passport(json!({ "audience": "orders" }))).await;
    let act = json!({ "sub": "admin", "iss": "https://id.test", "act": { "sub": "batch" } });
    let claims = house.claims().with("act", act.clone());
    let (_, stated) = opened(&house, &house.passport(&house.ask("/orders", &claims)).await).await;
    assert_eq!((&stated["act"], &stated["sub"]), (&act, &json!(USER)));
    for (name, act) in [
        ("text", json!("admin")),
        ("nobody", json!({})),
        ("no text", json!({ "sub": 7 })),
        ("a false one behind a good one", json!({ "sub": "a", "act": [] })),
    ] {
        let ask = house.ask("/orders", &house.claims().with("act", act));
        house.app.check(&ask).await.assert_denied(name, DenyReason::ClaimsInvalid);
    }
    let elsewhere = house.claims().with("_claim_names", json!({ "act": "src1" }));
    let answer = house.app.check(&house.ask("/orders", &elsewhere)).await;
    answer.assert_denied("one that is elsewhere", DenyReason::ClaimsInvalid);
}

#[tokio::test]
async fn a_transaction_token_is_of_the_draft_and_each_request_has_its_own() {
    let passport = json!({
        "format": "txn-token", "scope": "orders.read orders.write",
        "claims": { "level": { "identity": "auth_level" } },
    });
    let house = House::open(|settings, dir| {
        with_passport(passport)(settings, dir);
        settings["passport"]["trust_domain"] = json!("shop.example.com");
        settings["passport"]["subject"] = json!("issuer_and_user_id");
    })
    .await;
    let ask = house.ask("/orders", &house.claims());
    let mut transactions = Vec::new();
    for _ in 0..2 {
        let answer = house.app.check(&ask).await;
        answer.assert_allowed("a transaction", "authenticated");
        assert_eq!(answer.set(HEADER), None);
        let token = answer.set("txn-token").expect("a transaction token").to_owned();
        let (header, stated) = opened(&house, &token).await;
        assert_eq!(header["typ"], "txntoken+jwt");
        for (name, expected) in [
            ("iss", json!(OWN_ISS)),
            ("aud", json!("shop.example.com")),
            ("sub", json!(format!("rownd|{USER}"))),
            ("scope", json!("orders.read orders.write")),
            ("req_wl", json!(OWN_ISS)),
            ("tctx", json!({ "idp": "rownd", "level": "verified" })),
        ] {
            assert_eq!(stated[name], expected, "{name}");
        }
        assert_eq!(stated["rctx"]["authn"], "urn:ietf:rfc:6750");
        assert!(stated.get("jti").is_none(), "{stated}");
        transactions.push(stated["txn"].as_str().unwrap().to_owned());
    }
    assert_ne!(transactions[0], transactions[1]);
    assert_eq!((house.counted("minted"), house.counted("reused")), (2.0, 0.0));
}

#[tokio::test]
async fn readings_that_need_different_passports_are_denied() {
    let house = House::open(|settings, _| {
        let rule = |id: &str, prefix: &str, audience: &str| {
            json!({
                "id": id, "match": { "path": { "prefix": prefix } }, "odd_paths": "judge",
                "passport": { "audience": audience },
            })
        };
        settings["routes"] = json!([
            rule("a", "/a", "orders"),
            rule("b", "/b", "payments"),
            rule("c", "/c", "orders"),
        ]);
    })
    .await;
    let claims = house.claims();
    let answer = house.app.check(&house.ask("/a/../b", &claims)).await;
    answer.assert_denied("two audiences", DenyReason::PassportAmbiguous);
    // Some servers decode twice, and would read another order.
    let passport = json!({ "audience": "orders", "claims": { "order": { "path": "order" } } });
    let stating = House::open(with_passport(passport)).await;
    let answer = stating.app.check(&stating.ask("/orders/%2541", &stating.claims())).await;
    answer.assert_denied("two orders", DenyReason::PassportAmbiguous);
    let passport = house.passport(&house.ask("/a/../c", &claims)).await;
    assert_eq!(opened(&house, &passport).await.1["aud"], "orders");
}

#[tokio::test]
async fn a_passport_that_no_server_takes_is_a_denial() {
    let passport = json!({ "audience": "orders", "claims": { "long": { "claim": "long" } } });
    let house = House::open(|settings, dir| {
        with_passport(passport)(settings, dir);
        settings["passport"]["max_bytes"] = json!(1024);
    })
    .await;
    let claims = house.claims().with("long", "x".repeat(1000));
    let answer = house.app.check(&house.ask("/orders", &claims)).await;
    answer.assert_denied("too large", DenyReason::IdentityTooLarge);
    assert!(answer.body()["message"].as_str().unwrap().ends_with("x-rownd-passport"));
    house.passport(&house.ask("/orders", &house.claims())).await;
}

#[tokio::test]
async fn the_next_key_signs_after_it_moved_to_the_front() {
    let mut house = House::open(with_passport(json!({ "audience": "orders" }))).await;
    house.write("two.pem", &super::p256());
    let (one, two) = (house.path("one.pem"), house.path("two.pem"));
    let claims = house.claims();
    for (epoch, keys, expected) in [
        (2, json!([{ "file": one, "kid": "one" }, { "file": two, "kid": "two" }]), "one"),
        (3, json!([{ "file": two, "kid": "two" }, { "file": one, "kid": "one" }]), "two"),
    ] {
        house.change(|settings| settings["passport"]["keys"] = keys);
        house.app.put_in_force(epoch).await;
        let passport = house.passport(&house.ask("/orders", &claims)).await;
        assert_eq!(opened(&house, &passport).await.0["kid"], expected);
    }
}

#[tokio::test]
async fn a_key_of_an_issuer_that_is_gone_ends_its_passports() {
    let passport = json!({ "audience": "orders" });
    let house = House::open(|settings, dir| {
        with_passport(passport)(settings, dir);
        settings["issuers"][0]["keys"]["refresh_interval"] = json!("1s");
    })
    .await;
    let ask = house.ask("/orders", &house.claims());
    house.passport(&ask).await;
    let other = Key::new("sig-2");
    house.issuer.set(KEYS, crate::support::Reply::json(&json!({ "keys": [other.jwk()] })));
    let gone = crate::support::eventually("the key is gone", async || {
        (!house.app.check(&ask).await.is_allowed()).then_some(())
    });
    gone.await;
}
