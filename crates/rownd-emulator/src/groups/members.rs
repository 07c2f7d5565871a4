//! The members of a group and their roles.
//!
//! In: who belongs to it. Out: members with what their profile says of them. The first
//! member becomes an owner, and a group with members keeps one.

use std::sync::Arc;

use axum::{extract::State as Shared, http::HeaderMap};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Group, Member, OWNER,
    api::{Entry, PageQuery, Segments},
};
use crate::{
    request::{Answer, Asked, Refusal, Sent, done, ok},
    state::State,
    world::Tenant,
};

/// A member with their profile's fields.
pub(super) fn document(tenant: &Tenant, group: &Group, member: &Member) -> Value {
    let mut document = member.document(&group.id);
    if let (Some(document), Some(user)) =
        (document.as_object_mut(), tenant.users.get(&member.user_id))
    {
        document.insert("profile".to_owned(), json!(user.data));
    }
    document
}

/// One owner has to be left among those who are left.
fn keeps_an_owner(members: &[Member]) -> Result<(), Refusal> {
    if members.is_empty() || members.iter().any(Member::is_owner) {
        Ok(())
    } else {
        Err(Refusal::bad_request("E_LAST_OWNER", "a group has to keep an owner"))
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
    let tenant = world.tenant(&entry.app)?;
    let mut members: Vec<&Member> = group.members.iter().collect();
    members.sort_by(|a, b| a.id.cmp(&b.id));
    query.cut(members.into_iter().map(|member| document(tenant, group, member)).collect())
}

#[derive(Deserialize)]
pub(super) struct MemberWritten {
    user_id: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
}

pub(super) async fn add(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: Segments,
    Sent(written): Sent<MemberWritten>,
) -> Answer {
    let entry = Entry::open(&state, &headers, segments)?;
    let mut world = state.world_mut();
    let user = written.user_id.unwrap_or_default();
    world.tenant(&entry.app)?.user(&user)?;
    let group = entry.group_mut(&mut world)?;
    let id = group.admit(&user, written.roles, entry.user.clone())?;
    shown(&entry, &world, &id)
}

pub(super) async fn read(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: Segments,
) -> Answer {
    let entry = Entry::open(&state, &headers, segments)?;
    let id = entry.segment("member").to_owned();
    shown(&entry, &state.world(), &id)
}

fn shown(entry: &Entry, world: &crate::world::World, member: &str) -> Answer {
    let group = entry.group(world)?;
    let known = group.members.iter().find(|known| known.id == member);
    let member = known.ok_or_else(Refusal::group_not_found)?;
    ok(document(world.tenant(&entry.app)?, group, member))
}

pub(super) async fn change(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: Segments,
    Sent(written): Sent<MemberWritten>,
) -> Answer {
    let entry = Entry::open(&state, &headers, segments)?;
    let id = entry.segment("member").to_owned();
    let mut world = state.world_mut();
    let group = entry.group_mut(&mut world)?;
    let mut members = group.members.clone();
    let member = members.iter_mut().find(|member| member.id == id);
    member.ok_or_else(Refusal::group_not_found)?.roles = written.roles;
    keeps_an_owner(&members)?;
    group.members = members;
    shown(&entry, &world, &id)
}

pub(super) async fn remove(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: Segments,
) -> Answer {
    let entry = Entry::open(&state, &headers, segments)?;
    let mut world = state.world_mut();
    let group = entry.group_mut(&mut world)?;
    let mut members = group.members.clone();
    members.retain(|member| member.id != entry.segment("member"));
    if members.len() == group.members.len() {
        return Err(Refusal::group_not_found());
    }
    keeps_an_owner(&members)?;
    group.members = members;
    done()
}

impl Group {
    /// Takes a user in, the first one as an owner; says under which member id.
    pub(super) fn admit(
        &mut self,
        user: &str,
        mut roles: Vec<String>,
        by: Option<String>,
    ) -> Result<String, Refusal> {
        if self.members.iter().any(|member| member.user_id == user) {
            let why = "the user is a member already";
            return Err(Refusal::bad_request("E_ALREADY_MEMBER", why));
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
}
