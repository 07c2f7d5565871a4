//! The parts that the group endpoints share: the caller, the group of the path, pages of lists.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    data::{groups::Group, records::Records},
    routes::{
        access,
        request::{ApiError, ApiResult, PathParams, ok},
    },
    state::State,
};

/// The largest page of any list below groups.
const MAX_PAGE: usize = 100;

/// The parameters of the path by name.
pub(crate) type PathSegments = PathParams<BTreeMap<String, String>>;

/// The caller of a group endpoint, and the parameters of the path.
pub(crate) struct GroupRequest {
    /// The id of the app.
    pub(crate) app: String,
    /// The id of the user who asks; `None` for the app itself.
    pub(crate) user: Option<String>,
    segments: BTreeMap<String, String>,
}

impl GroupRequest {
    /// Authenticates a backend by key and secret, or a user by bearer token.
    pub(crate) fn open(
        state: &State,
        headers: &HeaderMap,
        PathParams(segments): PathSegments,
    ) -> Result<Self, ApiError> {
        let (app, user) = match segments.get("app") {
            Some(app) => (access::for_app(state, headers, app)?.app, None),
            None => {
                let caller = access::by_bearer(state, headers)?;
                (caller.app, Some(caller.user))
            }
        };
        Ok(Self { app, user, segments })
    }

    /// A parameter of the path; empty if the path has none of the name.
    pub(crate) fn segment(&self, name: &str) -> &str {
        self.segments.get(name).map_or("", String::as_str)
    }

    /// The group of the path, if the caller is the app or an owner of the group.
    pub(crate) fn group<'a>(&self, records: &'a Records) -> Result<&'a Group, ApiError> {
        let group = records.app(&self.app)?.group(self.segment("group"))?;
        self.check_access(group)?;
        Ok(group)
    }

    /// The same, to change it.
    pub(crate) fn group_mut<'a>(
        &self,
        records: &'a mut Records,
    ) -> Result<&'a mut Group, ApiError> {
        let group = records.app_mut(&self.app)?.group_mut(self.segment("group"))?;
        self.check_access(group)?;
        Ok(group)
    }

    fn check_access(&self, group: &Group) -> Result<(), ApiError> {
        match &self.user {
            Some(user) if !group.is_owned_by(user) => {
                Err(ApiError::forbidden("only an owner of the group may do that"))
            }
            _ => Ok(()),
        }
    }
}

/// The part of a list that a request asks for.
#[derive(Deserialize)]
pub(crate) struct PageQuery {
    page_size: Option<usize>,
    after: Option<String>,
}

impl PageQuery {
    /// The page of a list that is sorted by id.
    pub(crate) fn page(&self, all: Vec<Value>) -> ApiResult {
        let size = self.page_size.unwrap_or(MAX_PAGE);
        if size == 0 || size > MAX_PAGE {
            let why = format!("`page_size` is from 1 to {MAX_PAGE}");
            return Err(ApiError::bad_request("E_BAD_REQUEST", why));
        }
        let total = all.len();
        let later = |item: &Value| {
            let id = item.get("id").and_then(Value::as_str).unwrap_or_default();
            self.after.as_deref().is_none_or(|after| id > after)
        };
        let results: Vec<Value> = all.into_iter().filter(later).take(size).collect();
        ok(json!({ "total_results": total, "results": results }))
    }
}
