//! The groups, members and invites of the Go client's live suite, step by step.

use serde_json::{Value, json};

use super::{Emulator, text};

fn add(user: &str, roles: &Value) -> Option<Value> {
    Some(json!({ "user_id": user, "roles": roles, "state": "active" }))
}

#[test]
fn the_suite_of_groups_passes() {
    let emulator = Emulator::start();
    let order = json!({ "name": "Test Group", "admission_policy": "invite_only" });
    let group = emulator.done("POST", "/groups", Some(order));
    assert_eq!(group["name"], "Test Group");
    let at = format!("/groups/{}", text(&group["id"]));
    let list = emulator.done("GET", "/groups", None);
    assert!(list["total_results"].as_u64().unwrap() > 0);
    let listed = list["results"].as_array().unwrap();
    assert!(listed.contains(&group), "{list}");

    let first = emulator.make_user(&json!({ "email": "grouptest@example.com" }));
    let members = format!("{at}/members");
    let member = emulator.done("POST", &members, add(&first, &json!(["member"])));
    assert_eq!(member["user_id"], first);
    let member_at = format!("{members}/{}", text(&member["id"]));
    let roles = add(&first, &json!(["member", "owner", "admin"]));
    let member = emulator.done("PUT", &member_at, roles);
    assert_eq!(member["roles"], json!(["member", "owner", "admin"]));

    let invite = json!({
        "email": "invite@example.com", "roles": ["member"],
        "redirect_url": "https://example.com/accept",
    });
    let invite = emulator.done("POST", &format!("{at}/invites"), Some(invite));
    assert!(!text(&invite["link"]).is_empty());
    assert_eq!(invite["invitation"]["user_lookup_value"], "invite@example.com");

    let second = emulator.make_user(&json!({ "email": "grouptest2@example.com" }));
    let owner = emulator.done("POST", &members, add(&second, &json!(["member", "owner"])));
    assert_eq!((&owner["user_id"], &owner["roles"][1]), (&json!(second), &json!("owner")));

    let list = emulator.done("GET", &members, None);
    assert_eq!(list["total_results"], 3);
    let in_state = |state: &str| {
        let all = list["results"].as_array().unwrap();
        all.iter().filter(|member| member["state"] == state).cloned().collect::<Vec<_>>()
    };
    let active = in_state("active");
    assert_eq!(active.len(), 2);
    assert!(
        active.iter().all(|member| member["roles"].as_array().unwrap().contains(&json!("owner")))
    );
    let pending = in_state("invite_pending");
    assert_eq!(pending.len(), 1);
    assert_eq!(pending[0]["roles"], json!(["member"]));
    assert_eq!(pending[0]["profile"]["email"], "invite@example.com");

    assert_eq!(emulator.backend("DELETE", &member_at, None).status, 204);
    let list = emulator.done("GET", &members, None);
    let gone = &member["id"];
    assert!(list["results"].as_array().unwrap().iter().all(|member| member["id"] != *gone));
    assert_eq!(emulator.backend("DELETE", &at, None).status, 204);
    for user in [first, second] {
        assert_eq!(emulator.backend("DELETE", &format!("/users/{user}/data"), None).status, 204);
    }
}

#[test]
fn groups_and_members_are_looked_up() {
    let emulator = Emulator::start();
    let order = |name: &str| Some(json!({ "name": name, "admission_policy": "open" }));
    let red = emulator.done("POST", "/groups", order("Red team"));
    emulator.done("POST", "/groups", order("Blue team"));
    let id = text(&red["id"]);
    let found = |path: &str, member: &str| {
        let list = emulator.done("GET", path, None);
        let results = list["results"].as_array().unwrap().clone();
        assert_eq!(list["total_results"], results.len(), "{path}");
        results.iter().map(|entry| text(&entry[member]).to_owned()).collect::<Vec<_>>()
    };
    for (filter, expected) in [
        ("Red%20team", vec!["Red team"]),
        ("Red%20team,Blue%20team", vec!["Blue team", "Red team"]),
        (id, vec!["Red team"]),
        ("Red", vec![]),
    ] {
        let mut names = found(&format!("/groups?lookup_filter={filter}"), "name");
        names.sort();
        assert_eq!(names, expected, "{filter}");
    }

    let ann = emulator.make_user(&json!({ "email": "ann@example.com" }));
    let bob = emulator.make_user(&json!({ "phone_number": "+19195550101" }));
    let members = format!("/groups/{id}/members");
    for user in [&ann, &bob] {
        emulator.done("POST", &members, add(user, &json!([])));
    }
    for (filter, expected) in [
        ("ann@example.com", vec![&ann]),
        ("ANN@example.com", vec![&ann]),
        ("19195550101", vec![&bob]),
        (bob.as_str(), vec![&bob]),
        ("vera@example.com", vec![]),
    ] {
        let users = found(&format!("{members}?lookup_filter={filter}"), "user_id");
        assert_eq!(users.iter().collect::<Vec<_>>(), expected, "{filter}");
    }
    let page = format!("{members}?lookup_filter=ann@example.com,19195550101&page_size=1");
    let page = emulator.done("GET", &page, None);
    assert_eq!((&page["total_results"], page["results"].as_array().unwrap().len()), (&json!(2), 1));
}

#[test]
fn a_member_is_added_by_address_and_with_a_state() {
    let emulator = Emulator::start();
    let group = emulator.done("POST", "/groups", Some(json!({ "name": "By address" })));
    let members = format!("/groups/{}/members", text(&group["id"]));
    let by = |order: Value| emulator.done("POST", &members, Some(order));

    let known = by(json!({ "email": "VERA@example.com", "roles": ["editor"] }));
    assert_eq!(known["user_id"], "user_verified", "the user who has the address");
    assert_eq!((&known["state"], &known["roles"]), (&json!("active"), &json!(["editor", "owner"])));
    let new = by(json!({ "email": "new@example.com", "roles": [], "state": "invite_pending" }));
    assert_eq!(
        (&new["state"], &new["profile"]["email"]),
        (&json!("invite_pending"), &json!("new@example.com"))
    );
    let phone = by(json!({ "phone": 19_195_550_102_u64, "roles": ["viewer"], "state": "" }));
    assert_eq!(
        (&phone["state"], &phone["profile"]["phone_number"]),
        (&json!("active"), &json!("+19195550102"))
    );

    let at = format!("{members}/{}", text(&new["id"]));
    let changed = emulator.done("PUT", &at, Some(json!({ "state": "active" })));
    assert_eq!(
        (&changed["state"], &changed["roles"]),
        (&json!("active"), &json!([])),
        "roles stay"
    );
    for order in [
        json!({ "roles": ["x"] }),
        json!({ "email": "a@example.com", "user_id": "user_guest" }),
        json!({ "email": "no address" }),
        json!({ "phone": "no number" }),
        json!({ "phone": -5 }),
        json!({ "user_id": "user_guest", "state": "asleep" }),
        json!({ "email": "new@example.com" }),
    ] {
        let answer = emulator.backend("POST", &members, Some(order.clone()));
        assert_eq!(answer.status, 400, "{order}");
    }
    let unknown = emulator.backend("POST", &members, Some(json!({ "user_id": "user_nobody" })));
    assert_eq!(unknown.status, 404);
}
