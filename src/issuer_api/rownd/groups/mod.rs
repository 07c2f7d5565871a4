//! The groups of an app: below `/applications/{app}/groups` by key and secret, and the acceptance of
//! an invite below `/me/groups` by a user's token.
//!
//! In: places among the groups, and members of documents. Out: Rownd's documents. A write is sent
//! once; a read that tells which part of a path does not exist may follow a 404.

mod documents;
mod path;
mod put;
mod refusal;

use std::time::Duration;

use bytes::Bytes;

use super::client::{APP_KEY, APP_SECRET, RowndClient};
use crate::{
    config::Secret,
    issuer_api::{
        administration::groups::{
            AcceptedInvite, GroupAdministration, GroupChange, GroupDocument, GroupEntry,
            GroupError, GroupList, GroupPage, GroupRefusal, ListPart, Members, NewInvite,
        },
        api::{ApiCall, Target, bearer, done, json},
        capabilities::Asked,
        error::ApiError,
        grants::AppCredentials,
        operation::Operation,
        rejection::Rejection,
    },
    upstream::HttpAnswer,
};
use refusal::{GroupWork, Missing};

/// A request by the key and secret of an app.
struct AppRequest<'a> {
    app: AppCredentials<'a>,
    operation: Operation,
    path: String,
    body: Bytes,
    timeout: Duration,
}

impl RowndClient {
    async fn ask_groups<T>(
        &self,
        request: &AppRequest<'_>,
        read: impl Fn(&HttpAnswer) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let AppRequest { app, operation, path, body, timeout } = request;
        let call = ApiCall {
            operation: *operation,
            app: Some(app.id),
            target: Target::Path(path),
            headers: &[(APP_KEY, app.key.expose()), (APP_SECRET, app.secret.expose())],
            body: body.clone(),
            timeout: *timeout,
        };
        self.api.call(call, read).await
    }

    /// The error of a request. After a 404 Rownd is asked for the group, because its answer does not
    /// say which part of the path does not exist.
    async fn group_error(
        &self,
        (app, timeout): (AppCredentials<'_>, Duration),
        work: GroupWork<'_>,
        error: ApiError,
    ) -> GroupError {
        let error = refusal::of(work, error);
        let missing = match (&error, work.missing()) {
            (GroupError::Refused { refusal: GroupRefusal::NoGroup, status, code }, Some(below)) => {
                (below, *status, code.clone())
            }
            _ => return error,
        };
        let (Missing { group, refusal }, status, code) = missing;
        match self.group_entry(app, GroupEntry::Group(group), timeout).await {
            Ok(_) => GroupError::Refused { refusal, status, code },
            Err(ApiError::Rejected(Rejection { status: 404, .. })) => error,
            // The answer does not say that the group is missing.
            Err(unknown) => refusal::of(GroupWork::Read(GroupEntry::Group(group)), unknown),
        }
    }

    async fn group_entry(
        &self,
        app: AppCredentials<'_>,
        entry: GroupEntry<'_>,
        timeout: Duration,
    ) -> Result<GroupDocument, ApiError> {
        let request = AppRequest {
            app,
            operation: Operation::RowndGroupRead,
            path: path::entry(app.id, entry)?,
            body: Bytes::new(),
            timeout,
        };
        self.ask_groups(&request, |answer| documents::entry(app.id, entry, answer)).await
    }
}

impl RowndClient {
    /// The entry after a write whose answer is not the entry: what is there now tells whether the write
    /// has taken effect.
    async fn read_back(
        &self,
        (app, timeout): (AppCredentials<'_>, Duration),
        entry: GroupEntry<'_>,
        change: GroupChange<'_>,
    ) -> Result<GroupDocument, GroupError> {
        let is_it = |found: &GroupDocument| {
            documents::has(found, change.changed) && documents::is_of_user(found, change.known)
        };
        match self.group_entry(app, entry, timeout).await {
            Ok(found) if is_it(&found) => Ok(found),
            Ok(_) | Err(_) => Err(GroupError::Api(ApiError::Shape)),
        }
    }
}

impl GroupAdministration for RowndClient {
    fn list<'a>(
        &'a self,
        app: AppCredentials<'a>,
        list: GroupList<'a>,
        part: ListPart<'a>,
        timeout: Duration,
    ) -> Asked<'a, GroupPage, GroupError> {
        Box::pin(async move {
            let request = AppRequest {
                app,
                operation: Operation::RowndGroupList,
                path: path::part(app.id, list, part)?,
                body: Bytes::new(),
                timeout,
            };
            let of = (app.id, list);
            let page = self.ask_groups(&request, |answer| documents::page(of, part, answer)).await;
            page.map_err(|error| refusal::of(GroupWork::List(list), error))
        })
    }

    fn read<'a>(
        &'a self,
        app: AppCredentials<'a>,
        entry: GroupEntry<'a>,
        timeout: Duration,
    ) -> Asked<'a, GroupDocument, GroupError> {
        Box::pin(async move {
            match self.group_entry(app, entry, timeout).await {
                Ok(document) => Ok(document),
                Err(error) => {
                    Err(self.group_error((app, timeout), GroupWork::Read(entry), error).await)
                }
            }
        })
    }

    fn create<'a>(
        &'a self,
        app: AppCredentials<'a>,
        list: GroupList<'a>,
        members: Members,
        timeout: Duration,
    ) -> Asked<'a, GroupDocument, GroupError> {
        Box::pin(async move {
            let request = AppRequest {
                app,
                operation: Operation::RowndGroupCreate,
                path: path::list(app.id, list)?,
                body: json(&members)?,
                timeout,
            };
            let read = |answer: &_| documents::new_entry(app.id, list, &members, answer);
            match self.ask_groups(&request, read).await {
                Ok(document) => Ok(document),
                Err(error) => {
                    let by_id = members.contains_key("user_id");
                    let work = GroupWork::Create { list, by_id };
                    Err(self.group_error((app, timeout), work, error).await)
                }
            }
        })
    }

    fn invite<'a>(
        &'a self,
        app: AppCredentials<'a>,
        group: &'a str,
        members: Members,
        timeout: Duration,
    ) -> Asked<'a, NewInvite, GroupError> {
        Box::pin(async move {
            let list = GroupList::Invites(group);
            let request = AppRequest {
                app,
                operation: Operation::RowndGroupCreate,
                path: path::list(app.id, list)?,
                body: json(&members)?,
                timeout,
            };
            let read = |answer: &_| documents::new_invite(app.id, group, &members, answer);
            match self.ask_groups(&request, read).await {
                Ok(invite) => Ok(invite),
                Err(error) => {
                    let by_id = members.contains_key("user_id");
                    let work = GroupWork::Create { list, by_id };
                    Err(self.group_error((app, timeout), work, error).await)
                }
            }
        })
    }

    fn update<'a>(
        &'a self,
        app: AppCredentials<'a>,
        entry: GroupEntry<'a>,
        change: GroupChange<'a>,
        timeout: Duration,
    ) -> Asked<'a, GroupDocument, GroupError> {
        Box::pin(async move {
            let request = AppRequest {
                app,
                operation: Operation::RowndGroupUpdate,
                path: path::entry(app.id, entry)?,
                body: json(&put::body(self.answers.group_put, entry, change))?,
                timeout,
            };
            let read = |answer: &_| Ok(documents::changed_entry(app.id, entry, change, answer));
            match self.ask_groups(&request, read).await {
                Ok(Ok(document)) => Ok(document),
                Ok(Err(_)) => self.read_back((app, timeout), entry, change).await,
                Err(error) => {
                    Err(self.group_error((app, timeout), GroupWork::Update(entry), error).await)
                }
            }
        })
    }

    fn delete<'a>(
        &'a self,
        app: AppCredentials<'a>,
        entry: GroupEntry<'a>,
        timeout: Duration,
    ) -> Asked<'a, (), GroupError> {
        Box::pin(async move {
            let request = AppRequest {
                app,
                operation: Operation::RowndGroupDelete,
                path: path::entry(app.id, entry)?,
                body: Bytes::new(),
                timeout,
            };
            match self.ask_groups(&request, done).await {
                Ok(()) => Ok(()),
                Err(error) => {
                    Err(self.group_error((app, timeout), GroupWork::Delete(entry), error).await)
                }
            }
        })
    }

    fn accept<'a>(
        &'a self,
        app: Option<AppCredentials<'a>>,
        token: &'a Secret,
        (group, invite): (&'a str, &'a str),
        timeout: Duration,
    ) -> Asked<'a, AcceptedInvite, GroupError> {
        Box::pin(async move {
            let path = path::acceptance(group, invite)?;
            let bearer = bearer(token);
            let call = ApiCall {
                operation: Operation::RowndInviteAccept,
                // A claim may have named the app, so it has no breaker of its own.
                app: None,
                target: Target::Path(&path),
                headers: &[("authorization", bearer.expose())],
                body: Bytes::new(),
                timeout,
            };
            let answer = self.api.call(call, |answer| documents::accepted(group, answer)).await;
            match (answer, app) {
                (Ok(accepted), _) => Ok(accepted),
                (Err(error), Some(app)) => {
                    let work = GroupWork::Accept(group);
                    Err(self.group_error((app, timeout), work, error).await)
                }
                (Err(error), None) => Err(refusal::of(GroupWork::Accept(group), error)),
            }
        })
    }
}
