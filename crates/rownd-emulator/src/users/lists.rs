//! Many users at once: the list, the bulk write and the actions.
//!
//! In: key and secret, filters or a list of orders. Out: a page of profiles, or one
//! result per order; one that fails does not undo the others.

use std::sync::Arc;

use axum::{extract::State as Shared, http::HeaderMap};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    User,
    data::{Rest, Written, upsert},
};
use crate::{
    access,
    request::{Answer, Asked, At, Refusal, Sent, ok},
    state::State,
    world::Tenant,
};

const MAX_PAGE: usize = 1_000;

#[derive(Deserialize)]
pub(crate) struct ListQuery {
    fields: Option<String>,
    /// Proved values, any of which will do.
    lookup_filter: Option<String>,
    /// User ids, any of which will do.
    id_filter: Option<String>,
    page_size: Option<usize>,
    /// The last id of the page before.
    after: Option<String>,
    #[serde(default)]
    sort: Sort,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Sort {
    #[default]
    Asc,
    Desc,
}

pub(crate) async fn list(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    At(app): At<String>,
    Asked(query): Asked<ListQuery>,
) -> Answer {
    access::for_app(&state, &headers, &app)?;
    let page_size = query.page_size.unwrap_or(MAX_PAGE);
    if page_size == 0 || page_size > MAX_PAGE {
        let why = format!("`page_size` is from 1 to {MAX_PAGE}");
        return Err(Refusal::bad_request("E_BAD_REQUEST", why));
    }
    let world = state.world();
    let tenant = world.tenant(&app)?;
    let mut found: Vec<&User> =
        tenant.users.values().filter(|user| matches(user, &query)).collect();
    let total = found.len();
    if query.sort == Sort::Desc {
        found.reverse();
    }
    let after = query.after.as_deref();
    let results: Result<Vec<Value>, Refusal> = found
        .into_iter()
        .filter(|user| {
            after.is_none_or(|after| match query.sort {
                Sort::Asc => user.id.as_str() > after,
                Sort::Desc => user.id.as_str() < after,
            })
        })
        .take(page_size)
        .map(|user| tenant.profile(&user.id, query.fields.as_deref()))
        .collect();
    ok(json!({ "total_results": total, "results": results? }))
}

fn matches(user: &User, query: &ListQuery) -> bool {
    let among = |list: &Option<String>, test: &dyn Fn(&str) -> bool| {
        list.as_deref().is_none_or(|list| list.split(',').map(str::trim).any(test))
    };
    among(&query.lookup_filter, &|value| user.proved(value))
        && among(&query.id_filter, &|id| user.id == id)
}

#[derive(Deserialize)]
pub(crate) struct Bulk {
    users: Vec<BulkUser>,
}

#[derive(Deserialize)]
struct BulkUser {
    user_id: String,
    #[serde(flatten)]
    written: Written,
}

pub(crate) async fn put_many(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    At(app): At<String>,
    Sent(bulk): Sent<Bulk>,
) -> Answer {
    access::for_app(&state, &headers, &app)?;
    let mut world = state.world_mut();
    let tenant = world.tenant_mut(&app)?;
    let results: Vec<Value> = bulk
        .users
        .iter()
        .map(|user| match upsert(tenant, &user.user_id, &user.written, Rest::Removed) {
            Ok(id) => {
                let data = tenant.user(&id).map(User::shown_data).unwrap_or_default();
                json!({ "status": "success", "result": { "user_id": id, "data": data } })
            }
            Err(refusal) => json!({
                "status": "failure",
                "result": { "user_id": user.user_id, "data": user.written.data },
                "error": refusal.body(),
            }),
        })
        .collect();
    let has_failures = results.iter().any(|result| result["status"] == "failure");
    ok(json!({
        "total_results": results.len(),
        "has_failures": has_failures,
        "results": results,
    }))
}

#[derive(Deserialize)]
pub(crate) struct Actions {
    actions: Vec<Action>,
}

#[derive(Deserialize)]
struct Action {
    action: Verb,
    user: Meant,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verb {
    Delete,
}

#[derive(Deserialize)]
struct Meant {
    data: Map<String, Value>,
}

pub(crate) async fn act(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    At(app): At<String>,
    Sent(order): Sent<Actions>,
) -> Answer {
    access::for_app(&state, &headers, &app)?;
    let mut world = state.world_mut();
    let tenant = world.tenant_mut(&app)?;
    let results: Vec<Value> = order
        .actions
        .iter()
        .map(|Action { action: Verb::Delete, user }| {
            let deleted = meant(tenant, &user.data).and_then(|id| tenant.remove(&id));
            match deleted {
                Ok(user) => json!({ "status": "fulfilled", "value": { "user_id": user.id } }),
                Err(refusal) => json!({ "status": "rejected", "reason": refusal.body() }),
            }
        })
        .collect();
    ok(json!({ "results": results }))
}

/// The user with this id, or who proved one of the values.
fn meant(tenant: &Tenant, data: &Map<String, Value>) -> Result<String, Refusal> {
    if let Some(id) = data.get("user_id").and_then(Value::as_str) {
        return tenant.user(id).map(|user| user.id.clone());
    }
    data.values()
        .filter_map(Value::as_str)
        .find_map(|value| tenant.who_proved(value))
        .map(|user| user.id.clone())
        .ok_or_else(Refusal::user_not_found)
}
