//! The users and groups of the demo app.

use serde_json::{Map, Value, json};

use crate::data::{
    groups::Admission,
    people::{SeedGroup, SeedMembership, SeedUser},
    users::{AccountState, AuthLevel},
};

/// The people of the demo app: one per auth level, and one who was disabled.
pub(crate) fn users() -> Vec<SeedUser> {
    let person = |name: &str, level: AuthLevel, email: Option<&str>| {
        let mut data = Map::new();
        if let Some(email) = email {
            data.insert("email".to_owned(), json!(email));
            data.insert("first_name".to_owned(), json!("Demo"));
            data.insert("last_name".to_owned(), json!(name));
        }
        if level.is_anonymous() {
            data.insert("anonymous_id".to_owned(), json!(format!("anon_{name}")));
        }
        SeedUser {
            id: format!("user_{name}"),
            name: Some(name.to_owned()),
            sub: None,
            auth_level: level,
            state: AccountState::Enabled,
            data,
            verified_data: None,
            attributes: Map::new(),
            groups: Vec::new(),
            meta: demo_meta(level),
        }
    };
    let mut vera = person("verified", AuthLevel::Verified, Some("vera@example.com"));
    vera.attributes.insert("demo:tags".to_owned(), json!(["premium"]));
    vera.groups.push(SeedMembership {
        group: "group_demo".to_owned(),
        roles: vec!["owner".to_owned(), "editor".to_owned()],
    });
    let mut dora = person("disabled", AuthLevel::Verified, Some("dora@example.com"));
    dora.state = AccountState::Disabled;
    vec![
        vera,
        person("unverified", AuthLevel::Unverified, Some("uma@example.com")),
        person("guest", AuthLevel::Guest, None),
        person("instant", AuthLevel::Instant, None),
        dora,
    ]
}

/// The one group of the demo app, in which the verified user has two roles.
pub(crate) fn groups() -> Vec<SeedGroup> {
    vec![SeedGroup {
        id: "group_demo".to_owned(),
        name: "Demo group".to_owned(),
        admission_policy: Admission::InviteOnly,
    }]
}

fn demo_meta(level: AuthLevel) -> Map<String, Value> {
    const CREATED: &str = "2026-01-05T09:00:00.000Z";
    const SEEN: &str = "2026-06-01T12:30:00.000Z";
    let method = if level.is_anonymous() { "anonymous" } else { "email" };
    let meta = [
        ("created", CREATED),
        ("modified", SEEN),
        ("first_sign_in", CREATED),
        ("first_sign_in_method", method),
        ("last_sign_in", SEEN),
        ("last_sign_in_method", method),
        ("last_active", SEEN),
    ];
    meta.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect()
}
