//! The invites to a group: list, get, create, update, delete. The link of an invite signs its user in: it
//! is in the answer to its creation, and nowhere else.

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
            CreateGroupInviteRequest, CreateGroupInviteResponse, DeleteGroupInviteRequest,
            DeleteGroupInviteResponse, GetGroupInviteRequest, GetGroupInviteResponse, GroupInvite,
            ListGroupInvitesRequest, ListGroupInvitesResponse, UpdateGroupInviteRequest,
            UpdateGroupInviteResponse,
        },
        rownd_auth::{
            etag,
            fault::Fault,
            output_only::check_kept,
            text_fields::plain_text,
            update_mask::{Updatable, UpdateMask},
            writes::Write,
        },
    },
    issuer_api::administration::groups::{
        GroupChange, GroupDocument, GroupEntry, GroupList, Members,
    },
};

/// The fields that an update can change.
const UPDATABLE: Updatable = Updatable { fields: &["roles", "redirect_url"], with_members: &[] };

pub(super) async fn list(
    call: &GroupCall,
    request: ListGroupInvitesRequest,
) -> Result<ListGroupInvitesResponse, Fault> {
    let place =
        Place::of(call, Right::ReadGroups, request.issuer.as_ref(), request.app_id.as_ref())?;
    checks::id("group_id", &request.group_id)?;
    if let Some(user) = &request.ensured_user_id {
        checks::user_id("ensured_user_id", user)?;
    }
    let asked = Asked {
        list: GroupList::Invites(&request.group_id),
        lookup: &request.lookup_filter,
        ensured_user: request.ensured_user_id.as_deref(),
        page_size: request.page_size,
        page_token: &request.page_token,
    };
    let found = listing::find(&place, asked).await?;
    fitting(ListGroupInvitesResponse {
        invites: found.entries.iter().map(wire::invite).collect(),
        next_page_token: found.next_page_token,
        total_size: found.total,
    })
}

pub(super) async fn get(
    call: &GroupCall,
    request: GetGroupInviteRequest,
) -> Result<GetGroupInviteResponse, Fault> {
    let GetGroupInviteRequest { issuer, app_id, group_id, invite_id } = request;
    let place = Place::of(call, Right::ReadGroups, issuer.as_ref(), app_id.as_ref())?;
    checks::id("group_id", &group_id)?;
    checks::id("invite_id", &invite_id)?;
    let document = place.read(GroupEntry::Invite(&group_id, &invite_id)).await?;
    fitting(GetGroupInviteResponse { invite: Some(wire::invite(&document)) })
}

pub(super) async fn create(
    call: &GroupCall,
    request: CreateGroupInviteRequest,
) -> Result<CreateGroupInviteResponse, Status> {
    let place =
        Place::of(call, Right::WriteGroups, request.issuer.as_ref(), request.app_id.as_ref())?;
    checks::id("group_id", &request.group_id)?;
    let user = NamedUser::try_from(&request.user)?;
    let members = new_invite(user, &request)?;
    let group = request.group_id.clone();
    let write = Write {
        method: "CreateGroupInvite",
        subject: format!("app {}: group {group}: {}", place.app, user.shown()),
        request_id: &request.request_id,
        request: &request,
    };
    call.write(write, async move {
        let invited = place.api.invite(place.credentials(), &group, members, place.timeout());
        let made = invited.await.map_err(refused::change)?;
        forget(&place, &made.invite);
        fitting(CreateGroupInviteResponse {
            invite: Some(wire::invite(&made.invite)),
            link: made.link.expose().to_owned(),
        })
    })
    .await
}

pub(super) async fn update(
    call: &GroupCall,
    request: UpdateGroupInviteRequest,
) -> Result<UpdateGroupInviteResponse, Status> {
    let place =
        Place::of(call, Right::WriteGroups, request.issuer.as_ref(), request.app_id.as_ref())?;
    let invite = request.invite.clone().ok_or_else(|| Fault::field("invite", "is missing"))?;
    checks::id("invite.group_id", &invite.group_id)?;
    checks::id("invite.id", &invite.id)?;
    let mask = UpdateMask::of(request.update_mask.clone(), UPDATABLE)?;
    let mut changed = Members::new();
    if mask.writes("roles", !invite.roles.is_empty()) {
        changed.insert("roles".to_owned(), checks::roles("invite.roles", &invite.roles)?);
    }
    if mask.writes("redirect_url", invite.redirect_url.is_some()) {
        let target = invite.redirect_url.clone().unwrap_or_default();
        checks::redirect_url("invite.redirect_url", &target)?;
        changed.insert("redirect_url".to_owned(), json!(target));
    }
    let is_whole = mask.is_absent();
    if changed.is_empty() {
        return Err(Fault::field("invite", "has no field that changes anything").into());
    }
    let write = Write {
        method: "UpdateGroupInvite",
        subject: format!("app {}: group {}: invite {}", place.app, invite.group_id, invite.id),
        request_id: "",
        request: &request,
    };
    call.write(write, async move {
        let entry = GroupEntry::Invite(&invite.group_id, &invite.id);
        let known = place.read(entry).await?;
        etag::check(&invite.etag, &wire::etag_of(&known))?;
        if is_whole {
            check_rest_kept(&invite, &wire::invite(&known))?;
        }
        let change = GroupChange { known: &known, changed: &changed };
        let updated = place.api.update(place.credentials(), entry, change, place.timeout()).await;
        forget(&place, &known);
        let document = updated.map_err(refused::change)?;
        fitting(UpdateGroupInviteResponse { invite: Some(wire::invite(&document)) })
    })
    .await
}

pub(super) async fn delete(
    call: &GroupCall,
    request: DeleteGroupInviteRequest,
) -> Result<DeleteGroupInviteResponse, Status> {
    let place =
        Place::of(call, Right::WriteGroups, request.issuer.as_ref(), request.app_id.as_ref())?;
    checks::id("group_id", &request.group_id)?;
    checks::id("invite_id", &request.invite_id)?;
    let (group, id) = (request.group_id.clone(), request.invite_id.clone());
    let write = Write {
        method: "DeleteGroupInvite",
        subject: format!("app {}: group {group}: invite {id}", place.app),
        request_id: "",
        request: &request,
    };
    let tag = request.etag.clone();
    call.write(write, async move {
        let entry = GroupEntry::Invite(&group, &id);
        // It tells whose membership ends.
        let known = place.read(entry).await?;
        etag::check(&tag, &wire::etag_of(&known))?;
        let deleted = place.api.delete(place.credentials(), entry, place.timeout()).await;
        forget(&place, &known);
        deleted.map_err(refused::change)?;
        Ok(DeleteGroupInviteResponse {})
    })
    .await
}

/// Checks that the fields that no update can change are left out, or as they are.
fn check_rest_kept(given: &GroupInvite, now: &GroupInvite) -> Result<(), Fault> {
    check_kept("invite.state", &given.state, &now.state)?;
    check_kept("invite.invited", &given.invited, &now.invited)?;
    let texts = [
        ("invite.user_lookup_value", &given.user_lookup_value, &now.user_lookup_value),
        ("invite.ensured_user_id", &given.ensured_user_id, &now.ensured_user_id),
        ("invite.app_variant_id", &given.app_variant_id, &now.app_variant_id),
        ("invite.accepted_by", &given.accepted_by, &now.accepted_by),
        ("invite.created_by", &given.created_by, &now.created_by),
    ];
    texts.into_iter().try_for_each(|(field, given, now)| check_kept(field, given, now))?;
    check_kept("invite.create_time", &given.create_time, &now.create_time)
}

/// Drops the cached profile of the invited user, who is a member in the state of an invitation.
fn forget(place: &Place, document: &GroupDocument) {
    if let Some(user) = wire::text(&document.members, "ensured_user_id") {
        place.forget_user(&user);
    }
}

fn new_invite(user: NamedUser<'_>, request: &CreateGroupInviteRequest) -> Result<Members, Fault> {
    let mut members = user.members()?;
    members.insert("roles".to_owned(), checks::roles("roles", &request.roles)?);
    if let Some(target) = &request.redirect_url {
        checks::redirect_url("redirect_url", target)?;
        members.insert("redirect_url".to_owned(), json!(target));
    }
    if let Some(variant) = plain_text("app_variant_id", request.app_variant_id.clone())? {
        members.insert("app_variant_id".to_owned(), json!(variant));
    }
    Ok(members)
}
