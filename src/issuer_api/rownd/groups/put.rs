//! The body of a PUT of a group, a member or an invite.
//!
//! Rownd does not document whether PUT replaces an entry or merges into it. This module alone knows
//! the answer, by a setting of the issuer.

use crate::{
    config::PutEffect,
    issuer_api::administration::groups::{GroupChange, GroupEntry, Members},
};

/// Members that Rownd writes, of every kind of entry.
const OF_ROWND: [&str; 7] =
    ["id", "app_id", "group_id", "created_at", "created_by", "updated_at", "updated_by"];
/// Those of a group, a member and an invite alone.
const OF_GROUP: &[&str] = &["member_count"];
const OF_MEMBER: &[&str] = &["user_id", "profile", "invited_by", "added_by"];
const OF_INVITE: &[&str] = &["state", "accepted_by", "ensured_user_id", "user_lookup_value"];

/// The members to send for this change.
pub(super) fn body(put: PutEffect, entry: GroupEntry<'_>, change: GroupChange<'_>) -> Members {
    let GroupChange { known, changed } = change;
    match put {
        PutEffect::Merges => changed.clone(),
        PutEffect::Replaces => {
            let own = match entry {
                GroupEntry::Group(_) => OF_GROUP,
                GroupEntry::Member(..) => OF_MEMBER,
                GroupEntry::Invite(..) => OF_INVITE,
            };
            let is_ours = |name: &&String| {
                !OF_ROWND.contains(&name.as_str()) && !own.contains(&name.as_str())
            };
            let kept =
                known.members.iter().filter(|(name, value)| is_ours(name) && !value.is_null());
            let kept = kept.map(|(name, value)| (name.clone(), value.clone()));
            kept.chain(changed.clone()).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{GroupChange, GroupEntry, PutEffect, body};
    use crate::issuer_api::administration::groups::GroupDocument;

    #[test]
    fn the_whole_is_sent_without_what_rownd_writes() {
        let documents = [
            (
                GroupEntry::Group("g"),
                json!({ "id": "g", "name": "Old", "admission_policy": "open", "meta": { "a": 1 },
                    "member_count": 0, "app_id": "a", "created_at": "x", "plan": "pro", "gone": null }),
                json!({ "name": "New" }),
                json!({ "name": "New", "admission_policy": "open", "meta": { "a": 1 }, "plan": "pro" }),
            ),
            (
                GroupEntry::Member("g", "m"),
                json!({ "id": "m", "group_id": "g", "user_id": "ann", "roles": ["owner"],
                    "state": "active", "profile": { "email": "x" }, "added_by": null }),
                json!({ "roles": [] }),
                json!({ "roles": [], "state": "active" }),
            ),
            (
                GroupEntry::Invite("g", "i"),
                json!({ "id": "i", "group_id": "g", "roles": ["a"], "state": "pending",
                    "email": "x@example.com", "redirect_url": "/", "ensured_user_id": "u" }),
                json!({ "redirect_url": "/in" }),
                json!({ "roles": ["a"], "email": "x@example.com", "redirect_url": "/in" }),
            ),
        ];
        for (entry, known, changed, whole) in documents {
            let members = known.as_object().unwrap().clone();
            let known = GroupDocument { id: "x".to_owned(), members };
            let changed = changed.as_object().unwrap();
            let change = GroupChange { known: &known, changed };
            let sent = body(PutEffect::Replaces, entry, change);
            assert_eq!(serde_json::Value::Object(sent), whole, "{entry:?}");
            assert_eq!(&body(PutEffect::Merges, entry, change), changed, "{entry:?}");
        }
    }
}
