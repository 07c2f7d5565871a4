//! Groups, members and invites, by a backend and by those who own them.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Value, json};

use super::{ask, get, members, state};
use crate::{Minter, TokenOrder, state::State};

/// A backend, or a user by name.
struct Caller {
    state: Arc<State>,
    base: String,
    headers: Vec<(&'static str, String)>,
}

impl Caller {
    fn backend(state: &Arc<State>) -> Self {
        let settings = &state.settings;
        let headers = vec![
            ("x-rownd-app-key", settings.app_key.clone()),
            ("x-rownd-app-secret", settings.app_secret.clone()),
        ];
        let base = format!("/applications/{}/groups", settings.app_id);
        Self { state: Arc::clone(state), base, headers }
    }

    fn user(state: &Arc<State>, name: &str) -> Self {
        let token = Minter::new(Arc::clone(state)).mint(&TokenOrder::of(name)).unwrap();
        let headers = vec![("authorization", format!("Bearer {token}"))];
        Self { state: Arc::clone(state), base: "/me/groups".to_owned(), headers }
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let headers: Vec<(&str, &str)> =
            self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let path = format!("{}{path}", self.base);
        let (status, body) = ask(&self.state, (method, &path), &headers, body).await;
        (status.as_u16(), body)
    }

    /// The request has to succeed.
    async fn done(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let (status, answer) = self.ask(method, path, body).await;
        assert!(status < 300, "{method} {path}: {status} {answer}");
        answer
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[tokio::test]
async fn a_backend_keeps_groups_and_members() {
    let state = state();
    let backend = Caller::backend(&state);
    let group = backend.done("POST", "", Some(json!({ "name": "Staff" }))).await;
    let expected = [
        "id",
        "name",
        "member_count",
        "app_id",
        "admission_policy",
        "meta",
        "created_at",
        "updated_at",
    ];
    assert_eq!(members(&group), BTreeSet::from(expected));
    assert_eq!(
        (&group["admission_policy"], &group["member_count"]),
        (&json!("invite_only"), &json!(0))
    );
    let at = format!("/{}", text(&group["id"]));
    let open = json!({ "admission_policy": "open", "meta": { "k": 1 } });
    let changed = backend.done("PUT", &at, Some(open)).await;
    assert_eq!((&changed["name"], &changed["meta"]), (&json!("Staff"), &json!({ "k": 1 })));

    let members_at = format!("{at}/members");
    let add = |user: &str, roles: Value| Some(json!({ "user_id": user, "roles": roles }));
    let first = backend.done("POST", &members_at, add("user_guest", json!(["editor"]))).await;
    assert_eq!(first["roles"], json!(["editor", "owner"]), "the first one owns");
    assert!(first["profile"].is_object());
    let second = backend.done("POST", &members_at, add("user_unverified", json!(["editor"]))).await;
    assert_eq!(second["roles"], json!(["editor"]));
    assert_eq!(second["profile"]["email"], "uma@example.com");
    for (user, expected) in [("user_guest", 400), ("user_nobody", 404)] {
        let (status, _) = backend.ask("POST", &members_at, add(user, json!([]))).await;
        assert_eq!(status, expected, "{user}");
    }
    let list = backend.done("GET", &format!("{members_at}?page_size=1"), None).await;
    assert_eq!((&list["total_results"], list["results"].as_array().unwrap().len()), (&json!(2), 1));

    let owner = format!("{members_at}/{}", text(&first["id"]));
    let none = Some(json!({ "roles": ["viewer"] }));
    assert_eq!(backend.ask("PUT", &owner, none.clone()).await.1["code"], "E_LAST_OWNER");
    assert_eq!(backend.ask("DELETE", &owner, None).await.1["code"], "E_LAST_OWNER");
    let other = format!("{members_at}/{}", text(&second["id"]));
    backend.done("PUT", &other, Some(json!({ "roles": ["owner"] }))).await;
    assert_eq!(backend.done("PUT", &owner, none).await["roles"], json!(["viewer"]));
    assert_eq!(backend.ask("DELETE", &owner, None).await, (204, Value::Null));
    assert_eq!(backend.ask("GET", &owner, None).await.0, 404);

    let path = format!("/applications/{}/users/user_unverified/data", state.settings.app_id);
    let headers: Vec<(&str, &str)> =
        backend.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (_, profile) = get(&state, &path, &headers).await;
    assert_eq!(profile["groups"][0]["group"]["name"], "Staff");
    assert_eq!(profile["groups"][0]["member"]["roles"], json!(["owner"]));
    assert_eq!(backend.ask("DELETE", &at, None).await.0, 204);
    let (_, profile) = get(&state, &path, &headers).await;
    assert_eq!(profile["groups"], json!([]));
}

#[tokio::test]
async fn lists_are_paged_in_the_order_of_ids() {
    let state = state();
    let backend = Caller::backend(&state);
    for name in ["a", "b", "c"] {
        backend.done("POST", "", Some(json!({ "name": name }))).await;
    }
    let mut seen: Vec<String> = Vec::new();
    for _ in 0..4 {
        let after = seen.last().map(|id| format!("&after={id}")).unwrap_or_default();
        let page = backend.done("GET", &format!("?page_size=1{after}"), None).await;
        assert_eq!(page["total_results"], 4, "with the demo's own");
        seen.extend(page["results"].as_array().unwrap().iter().map(|g| text(&g["id"]).to_owned()));
    }
    let mut sorted = seen.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!((seen.len(), &seen), (4, &sorted));
    for query in ["?page_size=0", "?page_size=101"] {
        assert_eq!(backend.ask("GET", query, None).await.0, 400, "{query}");
    }
}

#[tokio::test]
async fn only_owners_change_a_group() {
    let state = state();
    let (owner, guest) = (Caller::user(&state, "verified"), Caller::user(&state, "guest"));
    let own = owner.done("GET", "", None).await;
    assert_eq!(own["results"][0]["group"]["id"], "group_demo");
    assert_eq!(own["results"][0]["member"]["roles"], json!(["owner", "editor"]));
    assert_eq!(guest.done("GET", "", None).await["total_results"], 0);
    for (method, path, body) in [
        ("GET", "/group_demo", None),
        ("PUT", "/group_demo", Some(json!({ "name": "mine" }))),
        ("DELETE", "/group_demo", None),
        ("GET", "/group_demo/members", None),
        ("POST", "/group_demo/members", Some(json!({ "user_id": "user_guest" }))),
        ("POST", "/group_demo/invites", Some(json!({ "user_id": "user_guest" }))),
    ] {
        assert_eq!(guest.ask(method, path, body).await.0, 403, "{method} {path}");
    }
    let made = guest.done("POST", "", Some(json!({ "name": "mine" }))).await;
    assert_eq!(made["member"]["roles"], json!(["owner"]));
    let at = format!("/{}", text(&made["group"]["id"]));
    guest.done("PUT", &at, Some(json!({ "name": "still mine" }))).await;
    assert_eq!(owner.ask("GET", &at, None).await.0, 403);
    assert_eq!(guest.ask("POST", "", Some(json!({ "name": " " }))).await.0, 400);
    assert_eq!(guest.ask("GET", "/group_none", None).await.0, 404);
}

#[tokio::test]
async fn an_invite_makes_a_member_of_who_is_meant() {
    let state = state();
    let owner = Caller::user(&state, "verified");
    let at = "/group_demo/invites";
    let order = json!({ "email": "new@example.com", "roles": ["editor"], "redirect_url": "/in" });
    let made = owner.done("POST", at, Some(order)).await;
    assert_eq!(members(&made), BTreeSet::from(["link", "invitation"]));
    let invitation = &made["invitation"];
    assert_eq!(invitation["state"], "pending");
    assert_eq!(invitation["user_lookup_value"], "new@example.com");
    assert_eq!(invitation["created_by"], "user_verified");
    let invited = text(&invitation["ensured_user_id"]);
    let below = format!("{at}/{}", text(&invitation["id"]));
    let accept = format!("{below}/accept");
    assert_eq!(Caller::user(&state, "guest").ask("POST", &accept, None).await.0, 403);

    let newcomer = Caller::user(&state, invited);
    let accepted = newcomer.done("POST", &accept, None).await;
    assert_eq!(members(&accepted), BTreeSet::from(["result", "accepted_by", "group"]));
    assert_eq!(accepted["accepted_by"], invited);
    assert_eq!(newcomer.ask("POST", &accept, None).await.0, 400, "once");
    let members = owner.done("GET", "/group_demo/members", None).await;
    let members = members["results"].as_array().unwrap();
    let member = members.iter().find(|member| member["user_id"] == invited).unwrap();
    assert_eq!(member["roles"], json!(["editor"]));
    assert_eq!(member["invited_by"], "user_verified");

    let backend = Caller::backend(&state);
    assert_eq!(backend.done("GET", at, None).await["total_results"], 1);
    let roles = backend.done("PUT", &below, Some(json!({ "roles": ["viewer"] }))).await;
    assert_eq!(roles["roles"], json!(["viewer"]));
    assert_eq!(backend.ask("DELETE", &below, None).await.0, 204);
    assert_eq!(backend.ask("GET", &below, None).await.0, 404);
    for order in [
        json!({}),
        json!({ "email": "a@example.com", "user_id": "user_guest" }),
        json!({ "email": "no address" }),
        json!({ "user_id": "user_guest", "redirect_url": "nowhere" }),
    ] {
        assert_eq!(backend.ask("POST", at, Some(order.clone())).await.0, 400, "{order}");
    }
}
