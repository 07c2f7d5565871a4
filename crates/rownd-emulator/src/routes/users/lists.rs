//! Several users at once: lists, bulk writes and actions.
//!
//! In: key and secret, filters or a list of changes. Out: a page of profiles, or a result for each
//! change; one that fails does not undo the others.

use std::sync::Arc;

use axum::{extract::State as Shared, http::HeaderMap};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    data::{
        DataError, lookup,
        profile::{OmittedFields, ProfileWrite, upsert},
        records::AppRecords,
        users::User,
    },
    routes::{
        access,
        request::{ApiError, ApiResult, JsonBody, PathParams, QueryParams, ok},
    },
    state::State,
};

const MAX_PAGE: usize = 1_000;

#[derive(Deserialize)]
pub(crate) struct ListQuery {
    fields: Option<String>,
    /// E-mail addresses, phone numbers and ids at providers, separated by commas: users who have one
    /// of them, proved or not.
    lookup_filter: Option<String>,
    /// User ids, separated by commas.
    id_filter: Option<String>,
    page_size: Option<usize>,
    /// The last id of the previous page.
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
    PathParams(app): PathParams<String>,
    query: QueryParams<ListQuery>,
) -> ApiResult {
    access::for_app(&state, &headers, &app)?;
    let query = query.read()?;
    let page_size = query.page_size.unwrap_or(MAX_PAGE);
    if page_size == 0 || page_size > MAX_PAGE {
        let why = format!("`page_size` is from 1 to {MAX_PAGE}");
        return Err(ApiError::bad_request("E_BAD_REQUEST", why));
    }
    let records = state.records();
    let app_records = records.app(&app)?;
    let wanted = Wanted::of(&query);
    let mut found: Vec<&User> =
        app_records.users.values().filter(|user| wanted.has(user)).collect();
    let total = found.len();
    if query.sort == Sort::Desc {
        found.reverse();
    }
    let after = query.after.as_deref();
    let results: Result<Vec<Value>, DataError> = found
        .into_iter()
        .filter(|user| {
            after.is_none_or(|after| match query.sort {
                Sort::Asc => user.id.as_str() > after,
                Sort::Desc => user.id.as_str() < after,
            })
        })
        .take(page_size)
        .map(|user| app_records.profile(&user.id, query.fields.as_deref()))
        .collect();
    ok(json!({ "total_results": total, "results": results? }))
}

/// The filters of a list. A filter that is left out or empty lets every user through.
struct Wanted {
    values: Option<Vec<String>>,
    ids: Option<Vec<String>>,
}

impl Wanted {
    fn of(query: &ListQuery) -> Self {
        let given = |list: &Option<String>| list.clone().filter(|list| !list.trim().is_empty());
        let ids = |list: String| list.split(',').map(|id| id.trim().to_owned()).collect();
        Self {
            values: given(&query.lookup_filter).map(|list| lookup::wanted(&list)),
            ids: given(&query.id_filter).map(ids),
        }
    }

    fn has(&self, user: &User) -> bool {
        let found = |value: &String| user.is_identified_by(value);
        self.values.as_ref().is_none_or(|values| values.iter().any(found))
            && self.ids.as_ref().is_none_or(|ids| ids.contains(&user.id))
    }
}

#[derive(Deserialize)]
pub(crate) struct BulkWrite {
    users: Vec<BulkUser>,
}

#[derive(Deserialize)]
struct BulkUser {
    user_id: String,
    #[serde(flatten)]
    written: ProfileWrite,
}

pub(crate) async fn put_many(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams(app): PathParams<String>,
    body: JsonBody<BulkWrite>,
) -> ApiResult {
    access::for_app(&state, &headers, &app)?;
    let bulk = body.read()?;
    let mut records = state.records_mut();
    let app_records = records.app_mut(&app)?;
    let results: Vec<Value> = bulk
        .users
        .iter()
        .map(|user| {
            match upsert(app_records, &user.user_id, &user.written, OmittedFields::Removed) {
                Ok(id) => {
                    let data = app_records.user(&id).map(User::shown_data).unwrap_or_default();
                    json!({ "status": "success", "result": { "user_id": id, "data": data } })
                }
                Err(error) => json!({
                    "status": "failure",
                    "result": { "user_id": user.user_id, "data": user.written.data },
                    "error": ApiError::from(error).body(),
                }),
            }
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
pub(crate) struct ActionList {
    actions: Vec<Action>,
}

#[derive(Deserialize)]
struct Action {
    action: Verb,
    user: ActionUser,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verb {
    Delete,
}

#[derive(Deserialize)]
struct ActionUser {
    data: Map<String, Value>,
}

pub(crate) async fn act(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams(app): PathParams<String>,
    body: JsonBody<ActionList>,
) -> ApiResult {
    access::for_app(&state, &headers, &app)?;
    let order = body.read()?;
    let mut records = state.records_mut();
    let app_records = records.app_mut(&app)?;
    let results: Vec<Value> = order
        .actions
        .iter()
        .map(|Action { action: Verb::Delete, user }| {
            let deleted =
                user_of_action(app_records, &user.data).and_then(|id| app_records.remove_user(&id));
            match deleted {
                Ok(user) => json!({ "status": "fulfilled", "value": { "user_id": user.id } }),
                Err(error) => {
                    json!({ "status": "rejected", "reason": ApiError::from(error).body() })
                }
            }
        })
        .collect();
    ok(json!({ "results": results }))
}

/// The user with this id, or who proved one of the values.
fn user_of_action(
    app_records: &AppRecords,
    data: &Map<String, Value>,
) -> Result<String, DataError> {
    if let Some(id) = data.get("user_id").and_then(Value::as_str) {
        return app_records.user(id).map(|user| user.id.clone());
    }
    data.values()
        .filter_map(Value::as_str)
        .find_map(|value| app_records.find_by_proved_value(value))
        .map(|user| user.id.clone())
        .ok_or(DataError::NoSuchUser)
}
