//! The groups of an app: listed, made, changed and deleted, by a backend or by a user.
//!
//! In: below `/applications/{app}/groups` key and secret; below `/me/groups` a user's
//! token, who sees their own groups and changes those they own. Out: groups, or who may
//! not.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    extract::State as Shared,
    http::HeaderMap,
    routing::{MethodRouter, get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Admission, Group, Member, OWNER, invites, members};
use crate::{
    access,
    request::{Answer, Asked, At, Refusal, Sent, done, ok},
    state::State,
    users::{ids, now},
    world::{Tenant, World},
};

/// The largest page of any list below groups.
const MAX_PAGE: usize = 100;

/// Groups of one app; making one more is refused.
const MAX_GROUPS: usize = 1_000;

type Routes = MethodRouter<Arc<State>>;

/// The same routes for a backend and for a user.
pub(crate) fn routes(on: &dyn Fn(Routes) -> Routes) -> Router<Arc<State>> {
    let below = |base: &str| {
        let group = format!("{base}/{{group}}");
        Router::new()
            .route(base, on(get(list).post(create)))
            .route(&group, on(get(read).put(change).delete(delete)))
            .route(&format!("{group}/members"), on(get(members::list).post(members::add)))
            .route(
                &format!("{group}/members/{{member}}"),
                on(get(members::read).put(members::change).delete(members::remove)),
            )
            .route(&format!("{group}/invites"), on(get(invites::list).post(invites::create)))
            .route(
                &format!("{group}/invites/{{invite}}"),
                on(get(invites::read).put(invites::change).delete(invites::delete)),
            )
    };
    below("/applications/{app}/groups")
        .merge(below("/me/groups"))
        .route("/me/groups/{group}/invites/{invite}/accept", on(post(invites::accept)))
}

/// The segments of the path by name.
pub(super) type Segments = At<BTreeMap<String, String>>;

/// Who asks, and where.
pub(super) struct Entry {
    pub(super) app: String,
    /// `None` is the app itself.
    pub(super) user: Option<String>,
    segments: BTreeMap<String, String>,
}

impl Entry {
    /// A backend by key and secret, or a user by token.
    pub(super) fn open(
        state: &State,
        headers: &HeaderMap,
        At(segments): Segments,
    ) -> Result<Self, Refusal> {
        let (app, user) = match segments.get("app") {
            Some(app) => (access::for_app(state, headers, app)?.app, None),
            None => {
                let caller = access::by_bearer(state, headers)?;
                (caller.app, Some(caller.user))
            }
        };
        Ok(Self { app, user, segments })
    }

    pub(super) fn segment(&self, name: &str) -> &str {
        self.segments.get(name).map_or("", String::as_str)
    }

    /// The group of the path, for those who may see it: the app, and the group's owners.
    pub(super) fn group<'a>(&self, world: &'a World) -> Result<&'a Group, Refusal> {
        let groups = &world.tenant(&self.app)?.groups;
        let group = groups.get(self.segment("group")).ok_or_else(Refusal::group_not_found)?;
        self.judge(group)?;
        Ok(group)
    }

    pub(super) fn group_mut<'a>(&self, world: &'a mut World) -> Result<&'a mut Group, Refusal> {
        let groups = &mut world.tenant_mut(&self.app)?.groups;
        let group = groups.get_mut(self.segment("group")).ok_or_else(Refusal::group_not_found)?;
        self.judge(group)?;
        Ok(group)
    }

    fn judge(&self, group: &Group) -> Result<(), Refusal> {
        match &self.user {
            Some(user) if !group.is_owned_by(user) => {
                Err(Refusal::forbidden("only an owner of the group may"))
            }
            _ => Ok(()),
        }
    }
}

/// A page of a list.
#[derive(Deserialize)]
pub(super) struct PageQuery {
    page_size: Option<usize>,
    after: Option<String>,
}

impl PageQuery {
    /// Cuts the page out of documents that are in the order of their ids.
    pub(super) fn cut(&self, all: Vec<Value>) -> Answer {
        let size = self.page_size.unwrap_or(MAX_PAGE);
        if size == 0 || size > MAX_PAGE {
            let why = format!("`page_size` is from 1 to {MAX_PAGE}");
            return Err(Refusal::bad_request("E_BAD_REQUEST", why));
        }
        let total = all.len();
        let later = |entry: &Value| {
            let id = entry.get("id").and_then(Value::as_str).unwrap_or_default();
            self.after.as_deref().is_none_or(|after| id > after)
        };
        let results: Vec<Value> = all.into_iter().filter(later).take(size).collect();
        ok(json!({ "total_results": total, "results": results }))
    }
}

async fn list(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: Segments,
    Asked(query): Asked<PageQuery>,
) -> Answer {
    let entry = Entry::open(&state, &headers, segments)?;
    let world = state.world();
    let seen =
        |group: &&Group| entry.user.as_deref().is_none_or(|user| group.place_of(user).is_some());
    let groups = world.tenant(&entry.app)?.groups.values().filter(seen);
    query.cut(groups.map(Group::document).collect())
}

#[derive(Deserialize)]
struct GroupWritten {
    name: Option<String>,
    admission_policy: Option<Admission>,
    meta: Option<Value>,
}

async fn create(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: Segments,
    Sent(written): Sent<GroupWritten>,
) -> Answer {
    let entry = Entry::open(&state, &headers, segments)?;
    let name = written
        .name
        .filter(|name| !name.trim().is_empty())
        .ok_or_else(|| Refusal::bad_request("E_BAD_REQUEST", "a group needs a `name`"))?;
    let mut world = state.world_mut();
    let Tenant { groups, .. } = world.tenant_mut(&entry.app)?;
    if groups.len() >= MAX_GROUPS {
        let why = format!("the emulator keeps at most {MAX_GROUPS} groups per app");
        return Err(Refusal::bad_request("E_BAD_REQUEST", why));
    }
    let policy = written.admission_policy.unwrap_or_default();
    let mut group = Group::new(ids::rownd("group"), name, &entry.app, policy);
    group.meta = written.meta.unwrap_or_default();
    if let Some(user) = &entry.user {
        group.members.push(Member::new(user, vec![OWNER.to_owned()]));
    }
    let document = group.document();
    groups.insert(group.id.clone(), group);
    ok(document)
}

async fn read(Shared(state): Shared<Arc<State>>, headers: HeaderMap, segments: Segments) -> Answer {
    let entry = Entry::open(&state, &headers, segments)?;
    ok(entry.group(&state.world())?.document())
}

async fn change(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: Segments,
    Sent(written): Sent<GroupWritten>,
) -> Answer {
    let entry = Entry::open(&state, &headers, segments)?;
    let mut world = state.world_mut();
    let group = entry.group_mut(&mut world)?;
    if let Some(name) = written.name {
        group.name = name;
    }
    if let Some(policy) = written.admission_policy {
        group.admission_policy = policy;
    }
    if let Some(meta) = written.meta {
        group.meta = meta;
    }
    group.updated_at = now();
    ok(group.document())
}

async fn delete(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: Segments,
) -> Answer {
    let entry = Entry::open(&state, &headers, segments)?;
    let mut world = state.world_mut();
    let id = entry.group(&world)?.id.clone();
    world.tenant_mut(&entry.app)?.groups.remove(&id);
    done()
}
