//! Groups of users, with roles.
//!
//! In: the seed and the group endpoints. Out: groups, members and invites in Rownd's
//! shapes, and a user's place in each for the profile.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    seed::GroupSeed,
    users::{ids, now},
};

/// Who may join a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Admission {
    /// Who is invited.
    #[default]
    InviteOnly,
    /// Everybody.
    Open,
}

/// A group.
#[derive(Clone)]
pub(super) struct Group {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) app_id: String,
    pub(super) admission_policy: Admission,
    pub(super) meta: Value,
    pub(super) created_at: String,
    pub(super) updated_at: String,
    pub(super) members: Vec<Member>,
}

/// A user's place in a group.
#[derive(Clone)]
pub(super) struct Member {
    pub(super) id: String,
    pub(super) user_id: String,
    pub(super) roles: Vec<String>,
    pub(super) state: &'static str,
    pub(super) invited_by: Option<String>,
    pub(super) added_by: Option<String>,
}

impl Group {
    pub(super) fn seeded(app: &str, seed: &GroupSeed) -> Self {
        Self {
            id: seed.id.clone(),
            name: seed.name.clone(),
            app_id: app.to_owned(),
            admission_policy: seed.admission_policy,
            meta: Value::Null,
            created_at: now(),
            updated_at: now(),
            members: Vec::new(),
        }
    }

    /// As the API shows it: the count of members is always 0 there.
    pub(super) fn document(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "member_count": 0,
            "app_id": self.app_id,
            "admission_policy": self.admission_policy,
            "meta": self.meta,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        })
    }

    /// A user's entry under `groups` of the profile.
    pub(super) fn place_of(&self, user: &str) -> Option<Value> {
        let member = self.members.iter().find(|member| member.user_id == user)?;
        Some(json!({ "group": self.document(), "member": member.document(&self.id) }))
    }
}

impl Member {
    pub(super) fn new(user: &str, roles: Vec<String>) -> Self {
        Self {
            id: ids::rownd("member"),
            user_id: user.to_owned(),
            roles,
            state: "active",
            invited_by: None,
            added_by: None,
        }
    }

    pub(super) fn document(&self, group: &str) -> Value {
        json!({
            "id": self.id,
            "user_id": self.user_id,
            "roles": self.roles,
            "state": self.state,
            "invited_by": self.invited_by,
            "added_by": self.added_by,
            "group_id": group,
        })
    }
}
