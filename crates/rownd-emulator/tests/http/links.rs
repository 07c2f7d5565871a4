//! Magic links: whom they match, and what becomes of their query.

use serde_json::{Value, json};

use super::{Emulator, text};

fn link(emulator: &Emulator, more: &Value) -> Value {
    let mut order = json!({ "purpose": "auth", "redirect_url": "https://app.example.com/welcome" });
    order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = emulator.with_secret("POST", "/hub/auth/magic", Some(order));
    assert_eq!(answer.status, 200, "{}", answer.json());
    answer.json()
}

/// The ids of the users who proved the address.
fn provers(emulator: &Emulator, address: &str) -> Vec<String> {
    let list = emulator.done("GET", "/users/data", None);
    let proved = |user: &&Value| {
        let proofs = user["verified_data"].as_object().unwrap();
        proofs.values().any(|proof| proof.as_str().is_some_and(|p| p.eq_ignore_ascii_case(address)))
    };
    let users = list["results"].as_array().unwrap().iter();
    users.filter(proved).map(|user| text(&user["rownd_user"]).to_owned()).collect()
}

#[test]
fn two_links_for_one_address_sign_in_one_user() {
    let emulator = Emulator::start();
    let by = |email: &str| json!({ "verification_type": "email", "data": { "email": email } });
    let first = link(&emulator, &by("juliet@example.com"));
    let second = link(&emulator, &by("Juliet@Example.com"));
    assert_eq!(first["app_user_id"], second["app_user_id"]);
    for made in [&first, &second, &first] {
        let signed_in = emulator.follow(text(&made["link"])).json();
        assert_eq!(signed_in["app_user_id"], first["app_user_id"]);
    }
    assert_eq!(provers(&emulator, "juliet@example.com"), [text(&first["app_user_id"])]);
}

#[test]
fn a_link_matches_who_has_the_address_whatever_the_user_id_says() {
    let emulator = Emulator::start();
    let romeo = emulator.make_user(&json!({ "email": "romeo@example.com" }));
    let phone = emulator.make_user(&json!({ "phone_number": "+19195550103" }));
    let google = emulator.make_user(&json!({ "google_id": "g-1" }));
    for (case, data, user_id, expected) in [
        ("proved", json!({ "email": "vera@example.com" }), "__default__", "user_verified"),
        ("not proved", json!({ "email": "romeo@example.com" }), "__default__", &romeo),
        ("a generator", json!({ "email": "romeo@example.com" }), "__UUID__", &romeo),
        ("another id", json!({ "email": "romeo@example.com" }), "somebody-else", &romeo),
        ("a phone", json!({ "phone": "+19195550103" }), "__default__", &phone),
        ("a numeric phone", json!({ "phone_number": 19_195_550_103_u64 }), "__default__", &phone),
        ("an id at a provider", json!({ "google_id": "g-1" }), "x", &google),
        ("nobody yet", json!({ "email": "new@example.com" }), "my-own-id", "my-own-id"),
    ] {
        let made = link(&emulator, &json!({ "data": data, "user_id": user_id }));
        assert_eq!(made["app_user_id"], *expected, "{case}");
    }
    let made = link(
        &emulator,
        &json!({ "data": { "email": "fresh@example.com" }, "user_id": "__UUID__" }),
    );
    assert_eq!(text(&made["app_user_id"]).len(), 36, "an id is generated for a new user");
}

#[test]
fn an_address_that_another_user_proved_since_is_theirs() {
    let emulator = Emulator::start();
    let early = link(
        &emulator,
        &json!({ "verification_type": "email", "data": { "email": "one@example.com" } }),
    );
    // The user of the link gives the address up, another one takes it and proves it.
    let former = text(&early["app_user_id"]);
    emulator.done("PUT", &format!("/users/{former}/data"), Some(json!({ "data": {} })));
    let owner = link(
        &emulator,
        &json!({ "verification_type": "email", "data": { "email": "one@example.com" } }),
    );
    assert_ne!(owner["app_user_id"], early["app_user_id"]);
    emulator.follow(text(&owner["link"]));
    let late = emulator.follow(text(&early["link"])).json();
    assert_eq!(late["app_user_id"], owner["app_user_id"]);
    assert_eq!(provers(&emulator, "one@example.com"), [text(&owner["app_user_id"])]);
}

#[test]
fn the_query_of_a_link_is_passed_on() {
    let emulator = Emulator::start();
    for (target, query, expected) in [
        ("https://a.example.com/w", "x=1", "https://a.example.com/w?x=1"),
        ("https://a.example.com/w", "", "https://a.example.com/w"),
        ("https://a.example.com/w?a=b", "x=1&y=%20z", "https://a.example.com/w?a=b&x=1&y=%20z"),
        ("https://a.example.com/w?", "x=1", "https://a.example.com/w?x=1"),
        ("https://a.example.com/w#part", "x=1", "https://a.example.com/w?x=1#part"),
        ("https://a.example.com/w?a#part", "x", "https://a.example.com/w?a&x#part"),
        ("myapp://open/it", "x=1", "myapp://open/it?x=1"),
        ("com.example.app:/open", "x=1", "com.example.app:/open?x=1"),
    ] {
        let made = link(&emulator, &json!({ "redirect_url": target, "data": {} }));
        let path = format!("{}?{query}", emulator.path(text(&made["link"])));
        let browser = emulator.ask("GET", &path, &[], None);
        assert_eq!(
            (browser.status, browser.header("location")),
            (302, expected),
            "{target} {query}"
        );
        let sdk = emulator.ask("GET", &path, &[("accept", "application/json")], None);
        assert_eq!(sdk.json()["redirect_url"], expected, "{target} {query}");
        let short = link(&emulator, &json!({ "purpose": "shorten", "redirect_url": target }));
        let path = format!("{}?{query}", emulator.path(text(&short["link"])));
        assert_eq!(emulator.ask("GET", &path, &[], None).header("location"), expected);
    }
}
