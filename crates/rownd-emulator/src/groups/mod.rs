//! Groups of users, with roles.
//!
//! In: the seed and the group endpoints. Out: groups, members and invites in Rownd's
//! shapes, and a user's place in each for the profile.

pub(super) mod api;
mod invites;
mod members;

use std::collections::BTreeMap;

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
    invites: BTreeMap<String, invites::Invite>,
}

/// The one role that means something to Rownd itself.
const OWNER: &str = "owner";

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
        Self::new(seed.id.clone(), seed.name.clone(), app, seed.admission_policy)
    }

    fn new(id: String, name: String, app: &str, admission_policy: Admission) -> Self {
        Self {
            id,
            name,
            app_id: app.to_owned(),
            admission_policy,
            meta: Value::Null,
            created_at: now(),
            updated_at: now(),
            members: Vec::new(),
            invites: BTreeMap::new(),
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

    fn is_owned_by(&self, user: &str) -> bool {
        self.members.iter().any(|member| member.user_id == user && member.is_owner())
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

    fn is_owner(&self) -> bool {
        self.roles.iter().any(|role| role == OWNER)
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
