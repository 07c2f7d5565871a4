//! The members of a group: list, get, add, update, remove.

use serde_json::json;
use tonic::Status;

use super::{
    checks,
    listing::{self, Asked, fitting},
    place::{GroupCall, Place},
    refused,
    user::NamedUser,
    wire,
};
use crate::{
    config::Right,
    grpc::{
        pb::rownd::auth::v1::{
            AddGroupMemberRequest, AddGroupMemberResponse, GetGroupMemberRequest,
            GetGroupMemberResponse, GroupMember, ListGroupMembersRequest, ListGroupMembersResponse,
            RemoveGroupMemberRequest, RemoveGroupMemberResponse, UpdateGroupMemberRequest,
            UpdateGroupMemberResponse,
        },
        rownd_auth::{
            etag,
            fault::Fault,
            output_only::check_kept,
            structure::Structures,
            update_mask::{Updatable, UpdateMask},
            writes::Write,
        },
    },
    issuer_api::administration::groups::{
        GroupChange, GroupDocument, GroupEntry, GroupList, Members,
    },
};

/// The fields that an update can change.
const UPDATABLE: Updatable = Updatable { fields: &["roles", "state"], with_members: &[] };

pub(super) async fn list(
    call: &GroupCall,
    request: ListGroupMembersRequest,
) -> Result<ListGroupMembersResponse, Fault> {
    let ListGroupMembersRequest { issuer, app_id, group_id, lookup_filter, page_size, page_token } =
        request;
    let place = Place::of(call, Right::ReadGroups, issuer.as_ref(), app_id.as_ref())?;
    checks::id("group_id", &group_id)?;
    let asked = Asked {
        list: GroupList::Members(&group_id),
        lookup: &lookup_filter,
        ensured_user: None,
        page_size,
        page_token: &page_token,
    };
    let found = listing::find(&place, asked).await?;
    let mut structures = Structures::default();
    let each = found.entries.iter().enumerate();
    let members = each
        .map(|(index, member)| wire::member(member, &format!("members[{index}]."), &mut structures))
        .collect();
    fitting(ListGroupMembersResponse {
        members,
        next_page_token: found.next_page_token,
        total_size: found.total,
        omitted: structures.omitted(),
    })
}

pub(super) async fn get(
    call: &GroupCall,
    request: GetGroupMemberRequest,
) -> Result<GetGroupMemberResponse, Fault> {
    let GetGroupMemberRequest { issuer, app_id, group_id, member_id } = request;
    let place = Place::of(call, Right::ReadGroups, issuer.as_ref(), app_id.as_ref())?;
    checks::id("group_id", &group_id)?;
    checks::id("member_id", &member_id)?;
    let (member, omitted) = shown(&place.read(GroupEntry::Member(&group_id, &member_id)).await?);
    fitting(GetGroupMemberResponse { member, omitted })
}

pub(super) async fn add(
    call: &GroupCall,
    request: AddGroupMemberRequest,
) -> Result<AddGroupMemberResponse, Status> {
    let place =
        Place::of(call, Right::WriteGroups, request.issuer.as_ref(), request.app_id.as_ref())?;
    checks::id("group_id", &request.group_id)?;
    let user = NamedUser::try_from(&request.user)?;
    let members = new_member(user, &request)?;
    let group = request.group_id.clone();
    let write = Write {
        method: "AddGroupMember",
        subject: format!("app {}: group {group}: {}", place.app, user.shown()),
        request_id: &request.request_id,
        request: &request,
    };
    let user = user.id();
    call.write(write, async move {
        let list = GroupList::Members(&group);
        let added = place.api.create(place.credentials(), list, members, place.timeout()).await;
        forget(&place, user.as_deref(), added.as_ref().ok());
        let (member, omitted) = shown(&added.map_err(refused::change)?);
        fitting(AddGroupMemberResponse { member, omitted })
    })
    .await
}

pub(super) async fn update(
    call: &GroupCall,
    request: UpdateGroupMemberRequest,
) -> Result<UpdateGroupMemberResponse, Status> {
    let place =
        Place::of(call, Right::WriteGroups, request.issuer.as_ref(), request.app_id.as_ref())?;
    let member = request.member.clone().ok_or_else(|| Fault::field("member", "is missing"))?;
    checks::id("member.group_id", &member.group_id)?;
    checks::id("member.id", &member.id)?;
    let mask = UpdateMask::of(request.update_mask.clone(), UPDATABLE)?;
    let mut changed = Members::new();
    if mask.writes("roles", !member.roles.is_empty()) {
        changed.insert("roles".to_owned(), checks::roles("member.roles", &member.roles)?);
    }
    if mask.writes("state", member.state != 0) {
        let state = checks::state("member.state", member.state)?;
        changed.insert("state".to_owned(), json!(state));
    }
    let is_whole = mask.is_absent();
    if changed.is_empty() {
        return Err(Fault::field("member", "has no field that changes anything").into());
    }
    let write = Write {
        method: "UpdateGroupMember",
        subject: format!("app {}: group {}: member {}", place.app, member.group_id, member.id),
        request_id: "",
        request: &request,
    };
    call.write(write, async move {
        let entry = GroupEntry::Member(&member.group_id, &member.id);
        let known = place.read(entry).await?;
        etag::check(&member.etag, &wire::etag_of(&known))?;
        if is_whole {
            let now = wire::member(&known, "", &mut Structures::default());
            check_kept("member.user_id", &member.user_id, &now.user_id)?;
            check_kept("member.invited_by", &member.invited_by, &now.invited_by)?;
            check_kept("member.added_by", &member.added_by, &now.added_by)?;
        }
        let change = GroupChange { known: &known, changed: &changed };
        let updated = place.api.update(place.credentials(), entry, change, place.timeout()).await;
        forget(&place, None, Some(&known));
        let (member, omitted) = shown(&updated.map_err(refused::change)?);
        fitting(UpdateGroupMemberResponse { member, omitted })
    })
    .await
}

pub(super) async fn remove(
    call: &GroupCall,
    request: RemoveGroupMemberRequest,
) -> Result<RemoveGroupMemberResponse, Status> {
    let place =
        Place::of(call, Right::WriteGroups, request.issuer.as_ref(), request.app_id.as_ref())?;
    checks::id("group_id", &request.group_id)?;
    checks::id("member_id", &request.member_id)?;
    let (group, id) = (request.group_id.clone(), request.member_id.clone());
    let write = Write {
        method: "RemoveGroupMember",
        subject: format!("app {}: group {group}: member {id}", place.app),
        request_id: "",
        request: &request,
    };
    let tag = request.etag.clone();
    call.write(write, async move {
        let entry = GroupEntry::Member(&group, &id);
        // It tells whose roles end.
        let known = place.read(entry).await?;
        etag::check(&tag, &wire::etag_of(&known))?;
        let removed = place.api.delete(place.credentials(), entry, place.timeout()).await;
        forget(&place, None, Some(&known));
        removed.map_err(refused::change)?;
        Ok(RemoveGroupMemberResponse {})
    })
    .await
}

/// Drops the cached profile of a member, by the id in the request or in a document of Rownd.
fn forget(place: &Place, user: Option<&str>, document: Option<&GroupDocument>) {
    let told = document.and_then(|document| wire::text(&document.members, "user_id"));
    for user in user.into_iter().chain(told.as_deref()) {
        place.forget_user(user);
    }
}

/// A member as an answer shows it, and the names of what is left out.
fn shown(document: &GroupDocument) -> (Option<GroupMember>, Vec<String>) {
    let mut structures = Structures::default();
    let member = wire::member(document, "", &mut structures);
    (Some(member), structures.omitted())
}

fn new_member(user: NamedUser<'_>, request: &AddGroupMemberRequest) -> Result<Members, Fault> {
    let mut members = user.members()?;
    if !request.roles.is_empty() {
        members.insert("roles".to_owned(), checks::roles("roles", &request.roles)?);
    }
    if request.state != 0 {
        members.insert("state".to_owned(), json!(checks::state("state", request.state)?));
    }
    Ok(members)
}
