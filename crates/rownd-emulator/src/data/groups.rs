//! The groups of an app: members with roles and a state.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{error::DataError, ids, invites::Invite, time::timestamp};

/// The users who may join a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Admission {
    /// Only users who are invited.
    #[default]
    InviteOnly,
    /// Every user of the app.
    Open,
}

/// A group of users of one app.
#[derive(Clone)]
pub(crate) struct Group {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) app_id: String,
    pub(crate) admission_policy: Admission,
    pub(crate) meta: Value,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
    pub(crate) members: Vec<Member>,
    pub(crate) invites: BTreeMap<String, Invite>,
}

/// The role that may change the group: the only one that Rownd knows.
pub(crate) const OWNER: &str = "owner";

/// Whether a member takes part in the group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MemberState {
    /// The user is a member.
    #[default]
    Active,
    /// The user was invited and has not answered.
    InvitePending,
    /// The user was invited and does not want to be a member.
    InviteRejected,
}

/// The membership of a user in a group.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) id: String,
    pub(crate) user_id: String,
    pub(crate) roles: Vec<String>,
    pub(crate) state: MemberState,
    pub(crate) invited_by: Option<String>,
    pub(crate) added_by: Option<String>,
}

impl Group {
    /// An empty group.
    pub(crate) fn new(id: String, name: String, app: &str, admission_policy: Admission) -> Self {
        Self {
            id,
            name,
            app_id: app.to_owned(),
            admission_policy,
            meta: Value::Null,
            created_at: timestamp(),
            updated_at: timestamp(),
            members: Vec::new(),
            invites: BTreeMap::new(),
        }
    }

    /// The group as Rownd's API shows it, in which the count of members is always 0.
    pub(crate) fn to_json(&self) -> Value {
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

    /// The membership of a user.
    pub(crate) fn member_of(&self, user: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.user_id == user)
    }

    /// Whether the user is one of the owners. A user who is only invited is none yet.
    pub(crate) fn is_owned_by(&self, user: &str) -> bool {
        self.member_of(user).is_some_and(Member::is_active_owner)
    }

    /// Adds a member, the first one as an owner, and returns the id of the membership.
    pub(crate) fn admit(&mut self, mut member: Member) -> Result<String, DataError> {
        if self.member_of(&member.user_id).is_some() {
            return Err(DataError::AlreadyMember);
        }
        if self.members.is_empty() && !member.is_owner() {
            member.roles.push(OWNER.to_owned());
        }
        let id = member.id.clone();
        self.members.push(member);
        Ok(id)
    }

    /// Changes the members. A group with members has to keep an owner who takes part, if it has one.
    pub(crate) fn set_members(&mut self, members: Vec<Member>) -> Result<(), DataError> {
        let owned = |members: &[Member]| members.iter().any(Member::is_active_owner);
        if members.is_empty() || owned(&members) || !owned(&self.members) {
            self.members = members;
            Ok(())
        } else {
            Err(DataError::LastOwner)
        }
    }

    /// A user's entry under `groups` of the profile.
    pub(crate) fn membership_of(&self, user: &str) -> Option<Value> {
        let member = self.member_of(user)?;
        Some(json!({ "group": self.to_json(), "member": member.to_json(&self.id) }))
    }
}

impl Member {
    pub(crate) fn new(user: &str, roles: Vec<String>) -> Self {
        Self {
            id: ids::rownd("member"),
            user_id: user.to_owned(),
            roles,
            state: MemberState::Active,
            invited_by: None,
            added_by: None,
        }
    }

    pub(crate) fn is_owner(&self) -> bool {
        self.roles.iter().any(|role| role == OWNER)
    }

    /// Whether the member is an owner, and not one who is only invited or has said no.
    pub(crate) fn is_active_owner(&self) -> bool {
        self.is_owner() && self.state == MemberState::Active
    }

    pub(crate) fn to_json(&self, group: &str) -> Value {
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
