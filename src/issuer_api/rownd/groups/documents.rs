//! Rownd's documents of groups, members and invites.
//!
//! In: an answer. Out: a document, which has to be that of the entry that was asked for: an answer
//! about another one, from a cache or a router on the way, must decide nothing.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::path::asked_size;
use crate::{
    config::Secret,
    issuer_api::{
        administration::groups::{
            AcceptedInvite, GroupChange, GroupDocument, GroupEntry, GroupList, GroupPage, ListPart,
            Members, NewInvite,
        },
        api::from_json,
        error::ApiError,
    },
    upstream::HttpAnswer,
};

/// The id of the user, and that of the user of an invite.
const USER: &str = "user_id";
const ENSURED_USER: &str = "ensured_user_id";
/// The role that Rownd gives by itself.
const OWNER: &str = "owner";

#[derive(Deserialize)]
struct Listed {
    total_results: Option<Value>,
    results: Vec<Members>,
}

#[derive(Deserialize)]
struct Invited {
    link: String,
    invitation: Members,
}

#[derive(Deserialize)]
struct Accepted {
    accepted_by: Option<Value>,
    group: Members,
}

/// The document of this entry of an app.
pub(super) fn entry(
    app: &str,
    asked: GroupEntry<'_>,
    answer: &HttpAnswer,
) -> Result<GroupDocument, ApiError> {
    let found = document(from_json(answer)?)?;
    let list = match asked {
        GroupEntry::Group(_) => GroupList::Groups,
        GroupEntry::Member(group, _) => GroupList::Members(group),
        GroupEntry::Invite(group, _) => GroupList::Invites(group),
    };
    if found.id == asked.id() { in_list(app, list, found) } else { Err(ApiError::OtherEntry) }
}

/// The document of an entry that was changed just now. It has the user of before, and the roles that
/// were written.
pub(super) fn changed_entry(
    app: &str,
    asked: GroupEntry<'_>,
    change: GroupChange<'_>,
    answer: &HttpAnswer,
) -> Result<GroupDocument, ApiError> {
    let found = entry(app, asked, answer)?;
    let has_roles = match (roles(change.changed), roles(&found.members)) {
        (Some(written), Some(there)) => written == there,
        (None, _) | (_, None) => true,
    };
    if has_roles && is_of_user(&found, change.known) {
        Ok(found)
    } else {
        Err(ApiError::OtherEntry)
    }
}

/// Whether a document names the user of another one, or none.
pub(super) fn is_of_user(document: &GroupDocument, known: &GroupDocument) -> bool {
    is_of(document, USER, text(&known.members, USER))
}

/// The document of an entry that was made just now with these members.
pub(super) fn new_entry(
    app: &str,
    list: GroupList<'_>,
    sent: &Members,
    answer: &HttpAnswer,
) -> Result<GroupDocument, ApiError> {
    made(app, list, sent, from_json(answer)?)
}

/// A new invite with its link.
pub(super) fn new_invite(
    app: &str,
    group: &str,
    sent: &Members,
    answer: &HttpAnswer,
) -> Result<NewInvite, ApiError> {
    let Invited { link, invitation } = from_json(answer)?;
    let fits = !link.is_empty() && link.bytes().all(|byte| byte.is_ascii_graphic());
    if !fits {
        return Err(ApiError::Shape);
    }
    let invite = made(app, GroupList::Invites(group), sent, invitation)?;
    // The user of an invite by address stands there too, and is not known before.
    if sent.contains_key(USER) && !is_of(&invite, ENSURED_USER, text(sent, USER)) {
        return Err(ApiError::OtherEntry);
    }
    Ok(NewInvite { invite, link: Secret::new(&link) })
}

/// The group of an invite that was accepted.
pub(super) fn accepted(group: &str, answer: &HttpAnswer) -> Result<AcceptedInvite, ApiError> {
    let found: Accepted = from_json(answer)?;
    let document = document(found.group)?;
    if document.id != group {
        return Err(ApiError::OtherEntry);
    }
    let by = found.accepted_by.as_ref().and_then(Value::as_str).map(str::to_owned);
    Ok(AcceptedInvite { group: document, by })
}

/// A part of a list, without the entry that it was to begin behind. Rownd does not say whether that
/// is one of them.
pub(super) fn page(
    (app, list): (&str, GroupList<'_>),
    part: ListPart<'_>,
    answer: &HttpAnswer,
) -> Result<GroupPage, ApiError> {
    let Listed { total_results, results } = from_json(answer)?;
    let full = results.len() >= asked_size(part);
    let read = |members| in_list(app, list, document(members)?);
    let entries: Vec<_> = results.into_iter().map(read).collect::<Result<_, _>>()?;
    let repeated = entries.first().is_some_and(|first| part.after == Some(first.id.as_str()));
    let mut entries: Vec<_> = entries.into_iter().skip(usize::from(repeated)).collect();
    let beyond = entries.len() > part.size;
    entries.truncate(part.size);
    let more = (full || beyond) && !entries.is_empty();
    Ok(GroupPage { entries, more, total: total_results.as_ref().and_then(Value::as_u64) })
}

/// Whether the document has these members. One that is left out is the same as an empty one.
pub(super) fn has(document: &GroupDocument, members: &Members) -> bool {
    let is_there = |(name, value): (&String, &Value)| match document.members.get(name) {
        Some(found) if !is_empty(found) => found == value,
        Some(_) | None => is_empty(value),
    };
    members.iter().all(is_there)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The document, if it is of this app or of this group, as far as it says so.
fn in_list(
    app: &str,
    list: GroupList<'_>,
    found: GroupDocument,
) -> Result<GroupDocument, ApiError> {
    let fits = match list {
        GroupList::Groups => is_of(&found, "app_id", Some(app)),
        GroupList::Members(group) | GroupList::Invites(group) => {
            is_of(&found, "group_id", Some(group))
        }
    };
    if fits { Ok(found) } else { Err(ApiError::OtherEntry) }
}

/// The document of an entry that was made with these members.
fn made(
    app: &str,
    list: GroupList<'_>,
    sent: &Members,
    members: Members,
) -> Result<GroupDocument, ApiError> {
    let found = in_list(app, list, document(members)?)?;
    let has_roles = match (roles(sent), roles(&found.members)) {
        (Some(sent), Some(there)) => are_granted(&sent, &there),
        (None, _) | (_, None) => true,
    };
    let has_user = !sent.contains_key(USER) || is_of(&found, USER, text(sent, USER));
    if has_roles && has_user { Ok(found) } else { Err(ApiError::OtherEntry) }
}

/// Whether these are the roles that were sent. Rownd makes the first one in a group an owner, whatever
/// was sent.
fn are_granted(sent: &BTreeSet<&str>, there: &BTreeSet<&str>) -> bool {
    let with_owner: BTreeSet<&str> = sent.iter().copied().chain([OWNER]).collect();
    there == sent || *there == with_owner || *there == BTreeSet::from([OWNER])
}

/// The roles of a document; `None` where it names none that can be read.
fn roles(members: &Members) -> Option<BTreeSet<&str>> {
    members.get("roles")?.as_array()?.iter().map(Value::as_str).collect()
}

/// Whether the document names this id, or none.
fn is_of(document: &GroupDocument, member: &str, id: Option<&str>) -> bool {
    text(&document.members, member).is_none_or(|named| Some(named) == id)
}

/// A text that is not empty.
fn text<'a>(members: &'a Members, name: &str) -> Option<&'a str> {
    members.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn document(members: Members) -> Result<GroupDocument, ApiError> {
    let id = text(&members, "id").ok_or(ApiError::Shape)?.to_owned();
    Ok(GroupDocument { id, members })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{ApiError, GroupList, Members, made};

    fn members(value: &Value) -> Members {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_new_entry_is_of_the_group_and_user_and_has_the_roles_that_were_sent() {
        let list = GroupList::Members("g");
        let sent = members(&json!({ "user_id": "ann", "roles": ["editor", "viewer"] }));
        for (name, document, good) in [
            ("the same", json!({ "group_id": "g", "user_id": "ann" }), true),
            ("without ids", json!({}), true),
            ("empty ids", json!({ "group_id": "", "user_id": null }), true),
            ("another order", json!({ "roles": ["viewer", "editor"] }), true),
            ("the first member", json!({ "roles": ["owner", "editor", "viewer"] }), true),
            ("an owner alone", json!({ "roles": ["owner"] }), true),
            ("another group", json!({ "group_id": "z", "user_id": "ann" }), false),
            ("another user", json!({ "group_id": "g", "user_id": "bob" }), false),
            ("a role less", json!({ "roles": ["editor"] }), false),
            ("no role", json!({ "roles": [] }), false),
            ("another role", json!({ "roles": ["editor", "admin"] }), false),
            ("a role more", json!({ "roles": ["editor", "viewer", "admin"] }), false),
        ] {
            let mut document = members(&document);
            document.insert("id".to_owned(), json!("m_1"));
            let read = made("app", list, &sent, document).map(drop);
            assert_eq!(read, if good { Ok(()) } else { Err(ApiError::OtherEntry) }, "{name}");
        }
        for (app, good) in [("app", true), ("another", false)] {
            let group = members(&json!({ "id": "g", "app_id": app }));
            assert_eq!(made("app", GroupList::Groups, &sent, group).is_ok(), good, "{app}");
        }
    }
}
