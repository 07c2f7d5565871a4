//! The parts that the group endpoints share: the caller, the group of the path, pages of lists.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    data::{DataError, groups::Group, lookup, records::Records},
    routes::{
        access,
        request::{ApiError, ApiResult, PathParams, bad_request, ok},
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

    /// The group as the caller sees it: a user sees their own membership with it.
    pub(crate) fn shown(&self, group: &Group) -> Result<Value, ApiError> {
        match &self.user {
            None => Ok(group.to_json()),
            Some(user) => Ok(group.membership_of(user).ok_or(DataError::NoSuchGroup)?),
        }
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

/// An entry of a list: its id, the values by which `lookup_filter` finds it, and what is shown.
pub(crate) struct Listed {
    pub(crate) id: String,
    pub(crate) lookup_values: Vec<String>,
    pub(crate) shown: Value,
}

/// The part of a list that a request asks for.
#[derive(Deserialize)]
pub(crate) struct PageQuery {
    page_size: Option<usize>,
    after: Option<String>,
    /// Values, separated by commas: entries that have one of them.
    lookup_filter: Option<String>,
    /// Invites for this user.
    pub(crate) ensured_user_id: Option<String>,
}

impl PageQuery {
    /// The page of a list, in the order of ids. The total counts every entry that the filter lets
    /// through.
    pub(crate) fn page(&self, mut all: Vec<Listed>) -> ApiResult {
        let size = self.page_size.unwrap_or(MAX_PAGE);
        if size == 0 || size > MAX_PAGE {
            return Err(bad_request(format!("`page_size` is from 1 to {MAX_PAGE}")));
        }
        if let Some(filter) = &self.lookup_filter {
            let wanted = lookup::wanted(filter);
            all.retain(|entry| {
                let mut values = entry.lookup_values.iter().map(|value| lookup::canonical(value));
                values.any(|value| wanted.contains(&value))
            });
        }
        all.sort_by(|one, other| one.id.cmp(&other.id));
        let total = all.len();
        let later =
            |entry: &Listed| self.after.as_deref().is_none_or(|after| entry.id.as_str() > after);
        let page = all.into_iter().filter(later).take(size).map(|entry| entry.shown);
        ok(json!({ "total_results": total, "results": page.collect::<Vec<_>>() }))
    }
}
