//! Groups themselves: list, get, create, update, delete.

use prost_types::FieldMask;
use serde_json::{Map, Value as Json, json};
use tonic::Status;

use super::{
    checks,
    listing::{self, Asked, fitting},
    place::{GroupCall, Place},
    refused, wire,
};
use crate::{
    config::Right,
    grpc::{
        pb::rownd::auth::v1::{
            CreateGroupRequest, CreateGroupResponse, DeleteGroupRequest, DeleteGroupResponse,
            GetGroupRequest, GetGroupResponse, Group, ListGroupsRequest, ListGroupsResponse,
            UpdateGroupRequest, UpdateGroupResponse,
        },
        rownd_auth::{
            convert::from_struct,
            etag,
            fault::Fault,
            output_only::{check_kept, check_unset},
            structure::Structures,
            update_mask::{DottedNames, Updatable, UpdateMask},
            writes::Write,
        },
    },
    issuer_api::administration::groups::{
        GroupChange, GroupDocument, GroupEntry, GroupList, Members,
    },
};

/// The fields that an update can change.
const UPDATABLE: Updatable =
    Updatable { fields: &["name", "admission_policy", "meta"], with_members: &["meta"] };
const META: &str = "group.meta";

pub(super) async fn list(
    call: &GroupCall,
    request: ListGroupsRequest,
) -> Result<ListGroupsResponse, Fault> {
    let ListGroupsRequest { issuer, app_id, lookup_filter, page_size, page_token } = request;
    let place = Place::of(call, Right::ReadGroups, issuer.as_ref(), app_id.as_ref())?;
    let asked = Asked {
        list: GroupList::Groups,
        lookup: &lookup_filter,
        ensured_user: None,
        page_size,
        page_token: &page_token,
    };
    let found = listing::find(&place, asked).await?;
    let mut structures = Structures::default();
    let each = found.entries.iter().enumerate();
    let groups = each
        .map(|(index, group)| wire::group(group, &format!("groups[{index}]."), &mut structures))
        .collect();
    fitting(ListGroupsResponse {
        groups,
        next_page_token: found.next_page_token,
        total_size: found.total,
        omitted: structures.omitted(),
    })
}

pub(super) async fn get(
    call: &GroupCall,
    request: GetGroupRequest,
) -> Result<GetGroupResponse, Fault> {
    let GetGroupRequest { issuer, app_id, group_id } = request;
    let place = Place::of(call, Right::ReadGroups, issuer.as_ref(), app_id.as_ref())?;
    checks::id("group_id", &group_id)?;
    let (group, omitted) = shown(&place.read(GroupEntry::Group(&group_id)).await?);
    fitting(GetGroupResponse { group, omitted })
}

pub(super) async fn create(
    call: &GroupCall,
    request: CreateGroupRequest,
) -> Result<CreateGroupResponse, Status> {
    let place =
        Place::of(call, Right::WriteGroups, request.issuer.as_ref(), request.app_id.as_ref())?;
    let members = new_group(request.group.as_ref())?;
    let write = Write {
        method: "CreateGroup",
        subject: format!("app {}: a new group", place.app),
        request_id: &request.request_id,
        request: &request,
    };
    call.write(write, async move {
        let created =
            place.api.create(place.credentials(), GroupList::Groups, members, place.timeout());
        let (group, omitted) = shown(&created.await.map_err(refused::change)?);
        fitting(CreateGroupResponse { group, omitted })
    })
    .await
}

pub(super) async fn update(
    call: &GroupCall,
    request: UpdateGroupRequest,
) -> Result<UpdateGroupResponse, Status> {
    let place =
        Place::of(call, Right::WriteGroups, request.issuer.as_ref(), request.app_id.as_ref())?;
    let group = request.group.clone().ok_or_else(|| Fault::field("group", "is missing"))?;
    checks::id("group.id", &group.id)?;
    let change = Change::of(&group, request.update_mask.clone())?;
    let write = Write {
        method: "UpdateGroup",
        subject: format!("app {}: group {}", place.app, group.id),
        request_id: "",
        request: &request,
    };
    call.write(write, async move {
        let entry = GroupEntry::Group(&group.id);
        let known = place.read(entry).await?;
        etag::check(&group.etag, &wire::etag_of(&known))?;
        if change.is_whole {
            let now = wire::group(&known, "", &mut Structures::default());
            check_kept("group.app_id", &group.app_id, &now.app_id)?;
            check_kept("group.create_time", &group.create_time, &now.create_time)?;
        }
        let changed = change.members(&known);
        let change = GroupChange { known: &known, changed: &changed };
        let updated = place.api.update(place.credentials(), entry, change, place.timeout()).await;
        place.forget_group(&group.id);
        let (group, omitted) = shown(&updated.map_err(refused::change)?);
        fitting(UpdateGroupResponse { group, omitted })
    })
    .await
}

pub(super) async fn delete(
    call: &GroupCall,
    request: DeleteGroupRequest,
) -> Result<DeleteGroupResponse, Status> {
    let place =
        Place::of(call, Right::WriteGroups, request.issuer.as_ref(), request.app_id.as_ref())?;
    checks::id("group_id", &request.group_id)?;
    let write = Write {
        method: "DeleteGroup",
        subject: format!("app {}: group {}", place.app, request.group_id),
        request_id: "",
        request: &request,
    };
    let (id, tag) = (request.group_id.clone(), request.etag.clone());
    call.write(write, async move {
        let entry = GroupEntry::Group(&id);
        if !tag.is_empty() {
            etag::check(&tag, &wire::etag_of(&place.read(entry).await?))?;
        }
        let deleted = place.api.delete(place.credentials(), entry, place.timeout()).await;
        place.forget_group(&id);
        deleted.map_err(refused::change)?;
        Ok(DeleteGroupResponse {})
    })
    .await
}

/// A group as an answer shows it, and the names of what is left out.
pub(super) fn shown(document: &GroupDocument) -> (Option<Group>, Vec<String>) {
    let mut structures = Structures::default();
    let group = wire::group(document, "", &mut structures);
    (Some(group), structures.omitted())
}

/// The members of a new group.
fn new_group(group: Option<&Group>) -> Result<Members, Fault> {
    let group = group.ok_or_else(|| Fault::field("group", "is missing"))?;
    check_unset(&[
        ("group.id", !group.id.is_empty()),
        ("group.app_id", !group.app_id.is_empty()),
        ("group.create_time", group.create_time.is_some()),
        ("group.update_time", group.update_time.is_some()),
        ("group.etag", !group.etag.is_empty()),
    ])?;
    checks::name("group.name", &group.name)?;
    let mut members = Members::new();
    members.insert("name".to_owned(), json!(group.name));
    if group.admission_policy != 0 {
        let policy = checks::policy("group.admission_policy", group.admission_policy)?;
        members.insert("admission_policy".to_owned(), json!(policy));
    }
    if let Some(meta) = group.meta.clone() {
        members.insert("meta".to_owned(), Json::Object(from_struct(META, meta)?));
    }
    Ok(members)
}

/// A change of a group.
#[derive(Debug)]
struct Change {
    /// Members with their new values.
    changed: Members,
    /// Members of `meta` with their new values; `None` removes one.
    meta: Vec<(String, Option<Json>)>,
    /// There is no mask: all that the request has is meant.
    is_whole: bool,
}

impl Change {
    fn of(group: &Group, mask: Option<FieldMask>) -> Result<Self, Fault> {
        let mask = UpdateMask::of(mask, UPDATABLE)?;
        let mut changed = Members::new();
        let mut put = |name: &str, value: Json| changed.insert(name.to_owned(), value);
        if mask.writes("name", !group.name.is_empty()) {
            checks::name("group.name", &group.name)?;
            put("name", json!(group.name));
        }
        if mask.writes("admission_policy", group.admission_policy != 0) {
            let policy = checks::policy("group.admission_policy", group.admission_policy)?;
            put("admission_policy", json!(policy));
        }
        let given = from_struct(META, group.meta.clone().unwrap_or_default())?;
        mask.check_whole("meta", &given, DottedNames::Rare)?;
        let mut meta = Vec::new();
        if mask.writes("meta", group.meta.is_some()) {
            put("meta", Json::Object(given));
        } else {
            let named = mask.members("meta");
            meta.extend(named.map(|name| (name.to_owned(), given.get(name).cloned())));
        }
        if changed.is_empty() && meta.is_empty() {
            return Err(Fault::field("group", "has no field that changes anything"));
        }
        Ok(Self { changed, meta, is_whole: mask.is_absent() })
    }

    /// The members to write, by the group as it is now.
    fn members(self, known: &GroupDocument) -> Members {
        let Self { mut changed, meta: edits, is_whole: _ } = self;
        if edits.is_empty() {
            return changed;
        }
        let now = known.members.get("meta").and_then(Json::as_object);
        let mut meta: Map<String, Json> = now.cloned().unwrap_or_default();
        for (name, value) in edits {
            match value {
                Some(value) => meta.insert(name, value),
                None => meta.remove(&name),
            };
        }
        changed.insert("meta".to_owned(), Json::Object(meta));
        changed
    }
}

#[cfg(test)]
mod tests {
    use prost_types::{FieldMask, Struct, Value, value::Kind};
    use serde_json::{Value as Json, json};

    use super::{Change, Group};
    use crate::issuer_api::administration::groups::GroupDocument;

    fn text(text: &str) -> Value {
        Value { kind: Some(Kind::StringValue(text.to_owned())) }
    }

    /// The members that are sent for this change of a group with `meta: {a: 1, b: 2}`.
    fn changed(group: &Group, mask: Option<&[&str]>) -> Option<Json> {
        let paths = |paths: &[&str]| FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        };
        let known = json!({ "meta": { "a": 1, "b": 2 } }).as_object().unwrap().clone();
        let known = GroupDocument { id: "g".to_owned(), members: known };
        let change = Change::of(group, mask.map(paths)).ok()?;
        Some(Json::Object(change.members(&known)))
    }

    #[test]
    fn a_mask_and_a_message_say_what_changes() {
        let meta = Struct { fields: [("a".to_owned(), text("x"))].into() };
        let named = Group { name: "N".to_owned(), ..Group::default() };
        let with_meta = Group { meta: Some(meta), admission_policy: 2, ..Group::default() };
        for (group, mask, expected) in [
            (&named, None, Some(json!({ "name": "N" }))),
            (&named, Some(&["name"][..]), Some(json!({ "name": "N" }))),
            (&named, Some(&["meta"]), Some(json!({ "meta": {} }))),
            (&named, Some(&["meta.b"]), Some(json!({ "meta": { "a": 1 } }))),
            (&with_meta, None, Some(json!({ "admission_policy": "open", "meta": { "a": "x" } }))),
            (&with_meta, Some(&["meta.a"]), Some(json!({ "meta": { "a": "x", "b": 2 } }))),
            (&with_meta, Some(&["meta.a", "meta"]), Some(json!({ "meta": { "a": "x" } }))),
            (&with_meta, Some(&["meta.a.b"]), None),
            (&with_meta, Some(&["meta.b.c"]), None),
            (&with_meta, Some(&["name"]), None),
            (&named, Some(&["admission_policy"]), None),
            (&named, Some(&["*"]), None),
            (&named, Some(&["id"]), None),
            (&Group::default(), None, None),
            (&Group { admission_policy: 9, ..Group::default() }, None, None),
        ] {
            assert_eq!(changed(group, mask), expected, "{group:?} {mask:?}");
        }
    }
}
