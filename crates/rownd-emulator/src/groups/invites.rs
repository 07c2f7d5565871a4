//! Invites to a group: made by a backend or an owner, accepted by who is meant.
//!
//! In: an e-mail address, a phone number or a user id, and roles. Out: an invitation with
//! a link that signs in who is invited, and in the end a member.

use std::{sync::Arc, time::SystemTime};

use axum::{extract::State as Shared, http::HeaderMap};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Group,
    api::{Entry, PageQuery, Segments},
};
use crate::{
    links::{self, Link},
    request::{Answer, Asked, Refusal, Sent, done, ok},
    state::State,
    users::{
        data::{Rest, Written, upsert},
        ids, now,
    },
    world::Tenant,
};

/// Invites of one group; making one more is refused.
const MAX_INVITES: usize = 1_000;

/// Somebody is asked to join.
#[derive(Clone)]
pub(super) struct Invite {
    id: String,
    roles: Vec<String>,
    state: &'static str,
    /// `email`, `phone` or `user_id`, and its value.
    by: (&'static str, String),
    redirect_url: String,
    variant: Option<String>,
    created_at: String,
    created_by: Option<String>,
    accepted_by: Option<String>,
    /// Who that is, found or made when the invite was.
    ensured_user_id: String,
}

impl Invite {
    fn document(&self, group: &Group) -> Value {
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

pub(super) async fn list(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: Segments,
    Asked(query): Asked<PageQuery>,
) -> Answer {
    let entry = Entry::open(&state, &headers, segments)?;
    let world = state.world();
    let group = entry.group(&world)?;
    query.cut(group.invites.values().map(|invite| invite.document(group)).collect())
}

#[derive(Deserialize)]
pub(super) struct InviteWritten {
    email: Option<String>,
    phone: Option<String>,
    user_id: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
    redirect_url: Option<String>,
    app_variant_id: Option<String>,
}

impl InviteWritten {
    fn by(&self) -> Result<(&'static str, String), Refusal> {
        let given = [("email", &self.email), ("phone", &self.phone), ("user_id", &self.user_id)];
        let mut given = given.into_iter().filter_map(|(by, value)| Some((by, value.clone()?)));
        match (given.next(), given.next()) {
            (Some(by), None) => Ok(by),
            _ => {
                let why = "an invite needs one of `email`, `phone` and `user_id`";
                Err(Refusal::bad_request("E_BAD_REQUEST", why))
            }
        }
    }
}

pub(super) async fn create(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: Segments,
    Sent(written): Sent<InviteWritten>,
) -> Answer {
    let entry = Entry::open(&state, &headers, segments)?;
    let by = written.by()?;
    let redirect_url = written.redirect_url.unwrap_or_else(|| "/".to_owned());
    // A path leads to the app's own pages, of which the emulator has none but its own.
    let target = if redirect_url.starts_with('/') {
        format!("{}{redirect_url}", state.base_url)
    } else {
        redirect_url.clone()
    };
    let mut world = state.world_mut();
    if entry.group(&world)?.invites.len() >= MAX_INVITES {
        let why = format!("the emulator keeps at most {MAX_INVITES} invites per group");
        return Err(Refusal::bad_request("E_BAD_REQUEST", why));
    }
    let user = invited(world.tenant_mut(&entry.app)?, &by)?;
    let proves = match by.0 {
        "email" => Some(("email", by.1.clone())),
        "phone" => Some(("phone_number", by.1.clone())),
        _ => None,
    };
    let link = Link {
        app: entry.app.clone(),
        variant: written.app_variant_id.clone(),
        user: Some(user.clone()),
        proves,
        redirect_url: links::checked(&target)?,
        expires: SystemTime::now() + links::LONGEST,
        link_data: Value::Null,
    };
    let invite = Invite {
        id: ids::random_hex(12),
        roles: written.roles,
        state: "pending",
        by,
        redirect_url,
        variant: written.app_variant_id,
        created_at: now(),
        created_by: entry.user.clone(),
        accepted_by: None,
        ensured_user_id: user,
    };
    let group = entry.group_mut(&mut world)?;
    let invitation = invite.document(group);
    group.invites.insert(invite.id.clone(), invite);
    let link_id = ids::random_hex(16);
    world.links.insert(link_id.clone(), link);
    ok(json!({ "link": links::address(&state, &link_id), "invitation": invitation }))
}

/// The user who is meant, who may have to be made.
fn invited(tenant: &mut Tenant, (by, value): &(&'static str, String)) -> Result<String, Refusal> {
    let field = match *by {
        "user_id" => return tenant.user(value).map(|user| user.id.clone()),
        "phone" => "phone_number",
        other => other,
    };
    if let Some(user) = tenant.who_proved(value) {
        return Ok(user.id.clone());
    }
    let data = Map::from_iter([(field.to_owned(), json!(value))]);
    upsert(tenant, "__default__", &Written { data, attributes: Map::new() }, Rest::Kept)
}

pub(super) async fn read(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: Segments,
) -> Answer {
    let entry = Entry::open(&state, &headers, segments)?;
    let world = state.world();
    let group = entry.group(&world)?;
    let invite = group.invites.get(entry.segment("invite")).ok_or_else(Refusal::group_not_found)?;
    ok(invite.document(group))
}

#[derive(Deserialize)]
pub(super) struct InviteChanged {
    roles: Option<Vec<String>>,
    redirect_url: Option<String>,
}

pub(super) async fn change(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: Segments,
    Sent(changed): Sent<InviteChanged>,
) -> Answer {
    let entry = Entry::open(&state, &headers, segments)?;
    let mut world = state.world_mut();
    let group = entry.group_mut(&mut world)?;
    let known = group.invites.get_mut(entry.segment("invite"));
    let invite = known.ok_or_else(Refusal::group_not_found)?;
    if let Some(roles) = changed.roles {
        invite.roles = roles;
    }
    if let Some(url) = changed.redirect_url {
        invite.redirect_url = url;
    }
    let invite = invite.clone();
    ok(invite.document(group))
}

pub(super) async fn delete(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: Segments,
) -> Answer {
    let entry = Entry::open(&state, &headers, segments)?;
    let mut world = state.world_mut();
    let group = entry.group_mut(&mut world)?;
    group.invites.remove(entry.segment("invite")).ok_or_else(Refusal::group_not_found)?;
    done()
}

/// By the user who is meant, who need not own anything.
pub(super) async fn accept(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: Segments,
) -> Answer {
    let entry = Entry::open(&state, &headers, segments)?;
    let user = entry.user.clone().unwrap_or_default();
    let mut world = state.world_mut();
    let groups = &mut world.tenant_mut(&entry.app)?.groups;
    let group = groups.get_mut(entry.segment("group")).ok_or_else(Refusal::group_not_found)?;
    let known = group.invites.get(entry.segment("invite"));
    let mut invite = known.cloned().ok_or_else(Refusal::group_not_found)?;
    if invite.ensured_user_id != user {
        return Err(Refusal::forbidden("the invite is for somebody else"));
    }
    if invite.state != "pending" {
        let why = "the invite has been answered already";
        return Err(Refusal::bad_request("E_BAD_REQUEST", why));
    }
    group.admit(&user, invite.roles.clone(), None)?;
    if let Some(member) = group.members.last_mut() {
        member.invited_by.clone_from(&invite.created_by);
    }
    invite.state = "accepted";
    invite.accepted_by = Some(user);
    let document = invite.document(group);
    group.invites.insert(invite.id.clone(), invite);
    ok(document)
}
