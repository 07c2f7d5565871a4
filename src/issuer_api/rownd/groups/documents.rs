//! Rownd's documents of groups, members and invites.
//!
//! In: an answer. Out: a document, which has to be that of the entry that was asked for: an answer
//! about another one, from a cache or a router on the way, must decide nothing.

use serde::Deserialize;
use serde_json::Value;

use super::path::asked_size;
use crate::{
    config::Secret,
    issuer_api::{
        administration::groups::{
            AcceptedInvite, GroupDocument, GroupEntry, GroupPage, ListPart, Members, NewInvite,
        },
        api::from_json,
        error::ApiError,
    },
    upstream::HttpAnswer,
};

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

/// The document of this entry.
pub(super) fn entry(asked: GroupEntry<'_>, answer: &HttpAnswer) -> Result<GroupDocument, ApiError> {
    let document = new_entry(answer)?;
    let other = |member: &str, id: &str| {
        document.members.get(member).and_then(Value::as_str).is_some_and(|named| named != id)
    };
    let of_other_group = match asked {
        GroupEntry::Group(_) => false,
        GroupEntry::Member(group, _) | GroupEntry::Invite(group, _) => other("group_id", group),
    };
    if document.id == asked.id() && !of_other_group { Ok(document) } else { Err(ApiError::Shape) }
}

/// The document of an entry that was made just now.
pub(super) fn new_entry(answer: &HttpAnswer) -> Result<GroupDocument, ApiError> {
    document(from_json(answer)?)
}

/// A new invite with its link.
pub(super) fn new_invite(answer: &HttpAnswer) -> Result<NewInvite, ApiError> {
    let Invited { link, invitation } = from_json(answer)?;
    let fits = !link.is_empty() && link.bytes().all(|byte| byte.is_ascii_graphic());
    if !fits {
        return Err(ApiError::Shape);
    }
    Ok(NewInvite { invite: document(invitation)?, link: Secret::new(&link) })
}

/// The group of an invite that was accepted.
pub(super) fn accepted(group: &str, answer: &HttpAnswer) -> Result<AcceptedInvite, ApiError> {
    let found: Accepted = from_json(answer)?;
    let document = document(found.group)?;
    if document.id != group {
        return Err(ApiError::Shape);
    }
    let by = found.accepted_by.as_ref().and_then(Value::as_str).map(str::to_owned);
    Ok(AcceptedInvite { group: document, by })
}

/// A part of a list, without the entry that it was to begin behind. Rownd does not say whether that
/// is one of them.
pub(super) fn page(part: ListPart<'_>, answer: &HttpAnswer) -> Result<GroupPage, ApiError> {
    let Listed { total_results, results } = from_json(answer)?;
    let full = results.len() >= asked_size(part);
    let entries: Vec<_> = results.into_iter().map(document).collect::<Result<_, _>>()?;
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

fn document(members: Members) -> Result<GroupDocument, ApiError> {
    let id = members.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
    let id = id.ok_or(ApiError::Shape)?.to_owned();
    Ok(GroupDocument { id, members })
}
