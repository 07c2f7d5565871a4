//! The groups of an app: members with roles, and invites.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{error::DataError, ids, time::timestamp};

/// The most invites of one group.
const MAX_INVITES: usize = 1_000;

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

/// The membership of a user in a group.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) id: String,
    pub(crate) user_id: String,
    pub(crate) roles: Vec<String>,
    pub(crate) state: &'static str,
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

    /// Whether the user is one of the owners.
    pub(crate) fn is_owned_by(&self, user: &str) -> bool {
        self.members.iter().any(|member| member.user_id == user && member.is_owner())
    }

    /// Adds a member, the first one as an owner, and returns the id of the membership.
    pub(crate) fn admit(
        &mut self,
        user: &str,
        mut roles: Vec<String>,
        by: Option<String>,
    ) -> Result<String, DataError> {
        if self.members.iter().any(|member| member.user_id == user) {
            return Err(DataError::AlreadyMember);
        }
        if self.members.is_empty() && !roles.iter().any(|role| role == OWNER) {
            roles.push(OWNER.to_owned());
        }
        let mut member = Member::new(user, roles);
        member.added_by = by;
        let id = member.id.clone();
        self.members.push(member);
        Ok(id)
    }

    /// Changes the members. A group with members has to keep an owner.
    pub(crate) fn set_members(&mut self, members: Vec<Member>) -> Result<(), DataError> {
        if members.is_empty() || members.iter().any(Member::is_owner) {
            self.members = members;
            Ok(())
        } else {
            Err(DataError::LastOwner)
        }
    }

    /// Fails if the group holds as many invites as the emulator keeps.
    pub(crate) fn check_room_for_invite(&self) -> Result<(), DataError> {
        if self.invites.len() >= MAX_INVITES {
            return Err(DataError::TooManyInvites(MAX_INVITES));
        }
        Ok(())
    }

    /// Adds an invite.
    pub(crate) fn add_invite(&mut self, invite: Invite) -> Result<(), DataError> {
        self.check_room_for_invite()?;
        self.invites.insert(invite.id.clone(), invite);
        Ok(())
    }

    /// Accepts an invite as this user, and returns the invite.
    pub(crate) fn accept(&mut self, invite: &str, user: &str) -> Result<Invite, DataError> {
        let mut invite = self.invites.get(invite).cloned().ok_or(DataError::NoSuchGroup)?;
        if invite.ensured_user_id != user {
            return Err(DataError::InviteForAnotherUser);
        }
        if invite.state != "pending" {
            return Err(DataError::InviteAccepted);
        }
        self.admit(user, invite.roles.clone(), None)?;
        if let Some(member) = self.members.last_mut() {
            member.invited_by.clone_from(&invite.created_by);
        }
        invite.state = "accepted";
        invite.accepted_by = Some(user.to_owned());
        self.invites.insert(invite.id.clone(), invite.clone());
        Ok(invite)
    }

    /// A user's entry under `groups` of the profile.
    pub(crate) fn membership_of(&self, user: &str) -> Option<Value> {
        let member = self.members.iter().find(|member| member.user_id == user)?;
        Some(json!({ "group": self.to_json(), "member": member.to_json(&self.id) }))
    }
}

impl Member {
    pub(crate) fn new(user: &str, roles: Vec<String>) -> Self {
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

/// An invite to a group.
#[derive(Clone)]
pub(crate) struct Invite {
    pub(crate) id: String,
    pub(crate) roles: Vec<String>,
    pub(crate) state: &'static str,
    /// `email`, `phone` or `user_id`, and its value: it says which user is invited.
    pub(crate) by: (&'static str, String),
    pub(crate) redirect_url: String,
    pub(crate) variant: Option<String>,
    pub(crate) created_at: String,
    pub(crate) created_by: Option<String>,
    pub(crate) accepted_by: Option<String>,
    /// The id of the invited user, who is found or made with the invite.
    pub(crate) ensured_user_id: String,
}

impl Invite {
    pub(crate) fn to_json(&self, group: &Group) -> Value {
        let (by, value) = &self.by;
        json!({
            "id": self.id,
            "group_id": group.id,
            "roles": self.roles,
            "state": self.state,
            *by: value,
            "user_lookup_value": value,
            "redirect_url": self.redirect_url,
            "app_variant_id": self.variant,
            "created_at": self.created_at,
            "created_by": self.created_by,
            "accepted_by": self.accepted_by,
            "ensured_user_id": self.ensured_user_id,
        })
    }
}
