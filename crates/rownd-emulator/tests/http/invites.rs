//! Invites: who is invited, what the link does, and that it works once.

use serde_json::{Value, json};

use super::{Emulator, text};

struct Group {
    emulator: Emulator,
    at: String,
}

impl Group {
    /// A group whose owner is the verified user, or nobody.
    fn start(owned: bool) -> Self {
        let emulator = Emulator::start();
        let group = emulator.done("POST", "/groups", Some(json!({ "name": "Invited" })));
        let at = format!("/groups/{}", text(&group["id"]));
        if owned {
            let owner = json!({ "user_id": "user_verified", "roles": ["owner"] });
            emulator.done("POST", &format!("{at}/members"), Some(owner));
        }
        Self { emulator, at }
    }

    fn invite(&self, order: Value) -> Value {
        self.emulator.done("POST", &format!("{}/invites", self.at), Some(order))
    }

    fn member(&self, user: &Value) -> Option<Value> {
        let list = self.emulator.done("GET", &format!("{}/members", self.at), None);
        list["results"].as_array().unwrap().iter().find(|m| m["user_id"] == *user).cloned()
    }

    /// Whether the user's profile says that they are an active member.
    fn is_active(&self, user: &Value) -> bool {
        self.member(user).is_some_and(|member| member["state"] == "active")
    }
}

#[test]
fn the_first_invited_is_an_owner_and_a_later_one_is_not() {
    let group = Group::start(false);
    let first = group.invite(json!({ "email": "one@example.com", "roles": ["editor"] }));
    assert_eq!(first["invitation"]["roles"], json!(["editor", "owner"]));
    let user = &first["invitation"]["ensured_user_id"];
    let member = group.member(user).unwrap();
    assert_eq!(
        (&member["state"], &member["roles"]),
        (&json!("invite_pending"), &json!(["editor", "owner"]))
    );
    let second = group.invite(json!({ "email": "two@example.com", "roles": ["editor"] }));
    assert_eq!(second["invitation"]["roles"], json!(["editor"]));

    // An owner who has not answered owns nothing yet.
    let at = format!("/me{}", group.at);
    let denied = group.emulator.user(text(user), "GET", &at, None);
    assert_eq!(denied.status, 403);
    assert_eq!(group.emulator.follow(text(&first["link"])).status, 200);
    let owner = group.emulator.user(text(user), "GET", &at, None).json();
    assert_eq!(
        (&owner["group"]["name"], &owner["member"]["state"]),
        (&json!("Invited"), &json!("active"))
    );
}

#[test]
fn a_link_joins_and_works_once() {
    let group = Group::start(true);
    for (case, order, headers) in [
        (
            "sdk",
            json!({ "email": "sdk@example.com", "roles": ["viewer"] }),
            ("User-Agent", "rownd sdk"),
        ),
        (
            "browser",
            json!({ "email": "web@example.com", "roles": ["viewer"], "redirect_url": "https://app.example.com/in?a=1#x" }),
            ("Accept", "text/html"),
        ),
    ] {
        let made = group.invite(order);
        let user = &made["invitation"]["ensured_user_id"];
        assert!(!group.is_active(user), "{case}");
        let path = group.emulator.path(text(&made["link"])).to_owned();
        let answer = group.emulator.ask("GET", &format!("{path}?utm=mail"), &[headers], None);
        if case == "sdk" {
            assert_eq!(answer.status, 200, "{case}");
            assert_eq!(answer.json()["app_user_id"], *user, "{case}");
        } else {
            assert_eq!(answer.status, 302, "{case}");
            assert_eq!(answer.header("location"), "https://app.example.com/in?a=1&utm=mail#x");
        }
        assert!(group.is_active(user), "{case}");
        let profile = format!("/users/{}/data", text(user));
        let profile = group.emulator.done("GET", &profile, None);
        assert_eq!(profile["groups"][0]["member"]["state"], "active", "{case}");
        let at = format!("{}/invites/{}", group.at, text(&made["invitation"]["id"]));
        let invite = group.emulator.done("GET", &at, None);
        assert_eq!(
            (&invite["state"], &invite["accepted_by"]),
            (&json!("accepted"), user),
            "{case}"
        );

        let again = group.emulator.ask("GET", &path, &[headers], None);
        assert_eq!((again.status, &again.json()["code"]), (400, &json!("E_INVITE_USED")), "{case}");
        let accept = format!("/me{}/invites/{}/accept", group.at, text(&made["invitation"]["id"]));
        let again = group.emulator.user(text(user), "POST", &accept, None);
        assert_eq!(again.json()["code"], "E_INVITE_USED", "{case}");
    }
}

#[test]
fn an_invite_is_accepted_by_the_invited_user_alone() {
    let group = Group::start(true);
    let made = group.invite(json!({ "user_id": "user_guest", "roles": ["viewer"] }));
    let invitation = &made["invitation"];
    assert_eq!(invitation["ensured_user_id"], "user_guest");
    let accept = format!("/me{}/invites/{}/accept", group.at, text(&invitation["id"]));
    assert_eq!(group.emulator.user("unverified", "POST", &accept, None).status, 403);
    let accepted = group.emulator.user("guest", "POST", &accept, Some(json!({}))).json();
    assert_eq!(accepted["result"], "accepted");
    assert_eq!(
        (&accepted["accepted_by"], &accepted["group"]["name"]),
        (&json!("user_guest"), &json!("Invited"))
    );
    assert!(group.is_active(&json!("user_guest")));
    let link = group.emulator.follow(text(&made["link"]));
    assert_eq!(link.json()["code"], "E_INVITE_USED");
    let again = json!({ "user_id": "user_guest", "roles": ["viewer"] });
    let again = group.emulator.backend("POST", &format!("{}/invites", group.at), Some(again));
    assert_eq!(again.json()["code"], "E_ALREADY_MEMBER");
}

#[test]
fn phones_may_be_numbers_and_invites_are_found_by_the_ensured_user() {
    let group = Group::start(true);
    let number = group.invite(json!({ "phone": 19_199_993_333_u64, "roles": ["viewer"] }));
    let invitation = &number["invitation"];
    assert_eq!(invitation["phone"], 19_199_993_333_u64, "the Go client reads a number");
    assert_eq!(invitation["user_lookup_value"], "+19199993333");
    let user = &invitation["ensured_user_id"];
    assert_eq!(group.member(user).unwrap()["profile"]["phone_number"], "+19199993333");
    let other = Group { at: group.at.clone(), ..group };
    let text_form = other.invite(json!({ "phone": "+1 (919) 999-3333", "roles": ["editor"] }));
    assert_eq!(text_form["invitation"]["ensured_user_id"], *user, "the same number, the same user");
    other.invite(json!({ "email": "else@example.com", "roles": [] }));

    let invites = format!("{}/invites", other.at);
    let list = other.emulator.done("GET", &invites, None);
    assert_eq!(list["total_results"], 3);
    let list = format!("{invites}?ensured_user_id={}", text(user));
    let list = other.emulator.done("GET", &list, None);
    assert_eq!(list["total_results"], 2);
    assert!(list["results"].as_array().unwrap().iter().all(|i| i["ensured_user_id"] == *user));
    assert_eq!(other.member(user).unwrap()["roles"], json!(["editor"]), "one member, two invites");

    let followed = other.emulator.follow(text(&number["link"])).json();
    assert_eq!(followed["last_sign_in"], "phone");
    let profile = format!("/users/{}/data", text(user));
    let profile = other.emulator.done("GET", &profile, None);
    assert_eq!(profile["verified_data"], json!({ "phone_number": "+19199993333" }));
}

#[test]
fn a_withdrawn_or_rejected_invite_lets_nobody_in() {
    let group = Group::start(true);
    let made = group.invite(json!({ "email": "w@example.com", "roles": ["viewer"] }));
    let (user, id) = (&made["invitation"]["ensured_user_id"], text(&made["invitation"]["id"]));
    let at = format!("{}/invites/{id}", group.at);
    let changed = json!({ "roles": ["editor"], "redirect_url": "https://app.example.com/new" });
    let changed = group.emulator.done("PUT", &at, Some(changed));
    assert_eq!(changed["roles"], json!(["editor"]));
    assert_eq!(
        group.member(user).unwrap()["roles"],
        json!(["editor"]),
        "the pending member's, too"
    );
    assert_eq!(group.emulator.backend("DELETE", &at, None).status, 204);
    assert!(group.member(user).is_none());
    assert_eq!(group.emulator.follow(text(&made["link"])).status, 404);

    for (case, reject) in [("rejected", true), ("removed", false)] {
        let email = format!("{case}@example.com");
        let made = group.invite(json!({ "email": email, "roles": ["viewer"] }));
        let user = &made["invitation"]["ensured_user_id"];
        let member = group.member(user).unwrap();
        let member = format!("{}/members/{}", group.at, text(&member["id"]));
        if reject {
            let state = json!({ "state": "invite_rejected" });
            assert_eq!(
                group.emulator.done("PUT", &member, Some(state))["state"],
                "invite_rejected"
            );
        } else {
            assert_eq!(group.emulator.backend("DELETE", &member, None).status, 204);
        }
        let followed = group.emulator.follow(text(&made["link"]));
        assert_eq!(followed.json()["code"], "E_INVITE_USED", "{case}");
        assert!(!group.is_active(user), "{case}");
    }
}
