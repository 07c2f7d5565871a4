//! The administration of users by Rownd's API: each operation is a request with the app's key and
//! secret.

mod account;
mod batch;
mod files;
mod links;
mod list;
mod page;
mod verified;
mod write;
mod written;

use std::time::Duration;

use bytes::Bytes;

use super::{
    client::{APP_KEY, APP_SECRET, RowndClient},
    user_id::segment,
};
use crate::{
    issuer_api::{
        administration::users::{
            BatchEntry, BatchOutcome, FieldContent, FieldOfUser, MissingUser, NewUserId,
            PreviewSize, SignInLink, SignInLinkOrder, UserAdministration, UserFile, UserPage,
            UserQuery, UserReply, UserWrite, WrittenUser,
        },
        api::{ApiCall, Target},
        error::ApiError,
        grants::AppCredentials,
        operation::Operation,
    },
    upstream::HttpAnswer,
};

/// A request with the key and secret of an app.
struct AppRequest<'a> {
    operation: Operation,
    app: AppCredentials<'a>,
    path: &'a str,
    body: Bytes,
    timeout: Duration,
}

impl RowndClient {
    /// Sends the request. A 404 stays a rejection, because its meaning depends on the request.
    async fn send_as_app<T>(
        &self,
        request: AppRequest<'_>,
        read: impl Fn(&HttpAnswer) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let app = request.app.id;
        let answer = self.send_with_secret(request, read).await.map_err(ApiError::of_secret);
        self.api.apps.note(app, answer)
    }

    /// Sends the request. A 401 and a 403 stay rejections too.
    async fn send_with_secret<T>(
        &self,
        request: AppRequest<'_>,
        read: impl Fn(&HttpAnswer) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let AppRequest { operation, app, path, body, timeout } = request;
        let call = ApiCall {
            operation,
            app: Some(app.id),
            target: Target::Path(path),
            headers: &[(APP_KEY, app.key.expose()), (APP_SECRET, app.secret.expose())],
            body,
            timeout,
        };
        self.api.call(call, read).await
    }

    /// Sends a request about one user: a 404 says that there is none.
    async fn send_about_user<T>(
        &self,
        request: AppRequest<'_>,
        read: impl Fn(&HttpAnswer) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        self.send_as_app(request, read).await.map_err(ApiError::of_user)
    }
}

/// The path of something of one user.
fn path_of(app: AppCredentials<'_>, user: &str, rest: &str) -> Result<String, ApiError> {
    Ok(format!("/applications/{}/users/{}/{rest}", segment(app.id)?, segment(user)?))
}

impl UserAdministration for RowndClient {
    fn list<'a>(
        &'a self,
        app: AppCredentials<'a>,
        query: UserQuery<'a>,
        timeout: Duration,
    ) -> UserReply<'a, Box<dyn UserPage>> {
        Box::pin(self.list_users(app, query, timeout))
    }

    fn create<'a>(
        &'a self,
        app: AppCredentials<'a>,
        id: NewUserId<'a>,
        write: &'a UserWrite,
        timeout: Duration,
    ) -> UserReply<'a, WrittenUser> {
        Box::pin(self.create_user(app, id, write, timeout))
    }

    fn update<'a>(
        &'a self,
        app: AppCredentials<'a>,
        user: &'a str,
        write: &'a UserWrite,
        missing: MissingUser,
        timeout: Duration,
    ) -> UserReply<'a, WrittenUser> {
        Box::pin(self.update_user(app, user, write, missing, timeout))
    }

    fn delete<'a>(
        &'a self,
        app: AppCredentials<'a>,
        user: &'a str,
        timeout: Duration,
    ) -> UserReply<'a, ()> {
        Box::pin(self.delete_user(app, user, timeout))
    }

    fn set_enabled<'a>(
        &'a self,
        app: AppCredentials<'a>,
        user: &'a str,
        enabled: bool,
        timeout: Duration,
    ) -> UserReply<'a, WrittenUser> {
        Box::pin(self.set_user_enabled(app, user, enabled, timeout))
    }

    fn sign_out<'a>(
        &'a self,
        app: AppCredentials<'a>,
        user: &'a str,
        timeout: Duration,
    ) -> UserReply<'a, ()> {
        Box::pin(self.sign_out_user(app, user, timeout))
    }

    fn upsert_many<'a>(
        &'a self,
        app: AppCredentials<'a>,
        users: &'a [BatchEntry],
        timeout: Duration,
    ) -> UserReply<'a, Vec<BatchOutcome>> {
        Box::pin(self.upsert_users(app, users, timeout))
    }

    fn delete_many<'a>(
        &'a self,
        app: AppCredentials<'a>,
        users: &'a [String],
        timeout: Duration,
    ) -> UserReply<'a, Vec<BatchOutcome>> {
        Box::pin(self.delete_users(app, users, timeout))
    }

    fn file<'a>(
        &'a self,
        app: AppCredentials<'a>,
        place: FieldOfUser<'a>,
        preview: Option<PreviewSize>,
        timeout: Duration,
    ) -> UserReply<'a, FieldContent> {
        Box::pin(self.user_file(app, place, preview, timeout))
    }

    fn write_file<'a>(
        &'a self,
        app: AppCredentials<'a>,
        place: FieldOfUser<'a>,
        file: &'a UserFile,
        timeout: Duration,
    ) -> UserReply<'a, ()> {
        Box::pin(self.write_user_file(app, place, file, timeout))
    }

    fn sign_in_link<'a>(
        &'a self,
        app: AppCredentials<'a>,
        order: &'a SignInLinkOrder,
        timeout: Duration,
    ) -> UserReply<'a, SignInLink> {
        Box::pin(self.make_sign_in_link(app, order, timeout))
    }
}
