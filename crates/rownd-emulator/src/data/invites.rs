//! Invites to a group, and their state.

use serde::Serialize;
use serde_json::{Value, json};

/// The state of an invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum InviteState {
    /// The invited user has not answered.
    Pending,
    /// The invited user is a member.
    Accepted,
    /// The invited user does not want to be a member, or the pending member was removed.
    Rejected,
}

/// An invite to a group.
#[derive(Clone)]
pub(crate) struct Invite {
    pub(crate) id: String,
    pub(crate) roles: Vec<String>,
    pub(crate) state: InviteState,
    /// `email`, `phone` or `user_id`, and its value as the caller wrote it.
    pub(crate) by: (&'static str, Value),
    /// The value by which the invited user was found or made.
    pub(crate) lookup_value: String,
    pub(crate) redirect_url: String,
    pub(crate) variant: Option<String>,
    pub(crate) created_at: String,
    pub(crate) created_by: Option<String>,
    pub(crate) accepted_by: Option<String>,
    /// The id of the invited user, who is found or made with the invite.
    pub(crate) ensured_user_id: String,
}

impl Invite {
    pub(crate) fn to_json(&self, group: &str) -> Value {
        let (by, value) = &self.by;
        json!({
            "id": self.id,
            "group_id": group,
            "roles": self.roles,
            "state": self.state,
            *by: value,
            "user_lookup_value": self.lookup_value,
            "redirect_url": self.redirect_url,
            "app_variant_id": self.variant,
            "created_at": self.created_at,
            "created_by": self.created_by,
            "accepted_by": self.accepted_by,
            "ensured_user_id": self.ensured_user_id,
        })
    }

    /// Whether the user may still accept the invite.
    pub(crate) fn is_pending_for(&self, user: &str) -> bool {
        self.state == InviteState::Pending && self.ensured_user_id == user
    }
}
