//! Writes of one user: `PUT` and `PATCH` of `/applications/{app}/users/{user}/data`.
//!
//! In: fields to write and to clear. Out: the user after the write.

use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    AppRequest, path_of,
    written::{written_anew, written_of},
};
use crate::issuer_api::{
    administration::users::{MissingUser, NewUserId, UserWrite, WrittenUser},
    api::json,
    capabilities::UserProfiles as _,
    error::ApiError,
    grants::AppCredentials,
    operation::Operation,
    rownd::{
        answers::{
            clear::{clearing, clearing_attributes, not_cleared},
            patch::needs_lookup,
            put::{UpdateBy, update_by},
        },
        client::RowndClient,
        user_id::segment,
    },
};

/// The query that hands the data to the app's integrations too.
const INTEGRATIONS: &str = "?write_data_to_integrations=true";

#[derive(Serialize)]
struct WriteBody {
    data: Map<String, Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    attributes: Map<String, Value>,
}

impl RowndClient {
    pub(super) async fn create_user(
        &self,
        app: AppCredentials<'_>,
        id: NewUserId<'_>,
        write: &UserWrite,
        timeout: Duration,
    ) -> Result<WrittenUser, ApiError> {
        let word = match id {
            NewUserId::Given(user) => return self.put_user(app, user, write, timeout).await,
            NewUserId::Default => "__default__",
            NewUserId::Uuid => "__uuid__",
            NewUserId::ObjectId => "__objectid__",
            NewUserId::RowndId => "__rowndid__",
        };
        let rest = query_of(write);
        let path = format!("/applications/{}/users/{word}/data{rest}", segment(app.id)?);
        let request = AppRequest {
            operation: Operation::RowndUserPut,
            app,
            path: &path,
            body: self.body_of(write)?,
            timeout,
        };
        self.send_as_app(request, written_anew).await
    }

    pub(super) async fn update_user(
        &self,
        app: AppCredentials<'_>,
        user: &str,
        write: &UserWrite,
        missing: MissingUser,
        timeout: Duration,
    ) -> Result<WrittenUser, ApiError> {
        if needs_lookup(self.answers.patch_of_missing_user, missing) {
            self.user(app, user, timeout).await?;
        }
        let written = match update_by(self.answers.user_put, missing) {
            UpdateBy::Put => self.put_user(app, user, write, timeout).await,
            UpdateBy::Patch => self.patch_user(app, user, write, timeout).await,
            UpdateBy::PatchThenPut => match self.patch_user(app, user, write, timeout).await {
                Err(ApiError::NotFound) => self.put_user(app, user, write, timeout).await,
                answer => answer,
            },
        };
        let mut written = written?;
        written.not_cleared = not_cleared(&write.cleared, &written.profile.data);
        Ok(written)
    }

    async fn put_user(
        &self,
        app: AppCredentials<'_>,
        user: &str,
        write: &UserWrite,
        timeout: Duration,
    ) -> Result<WrittenUser, ApiError> {
        self.write_user(Operation::RowndUserPut, app, user, write, timeout).await
    }

    async fn patch_user(
        &self,
        app: AppCredentials<'_>,
        user: &str,
        write: &UserWrite,
        timeout: Duration,
    ) -> Result<WrittenUser, ApiError> {
        self.write_user(Operation::RowndUserPatch, app, user, write, timeout).await
    }

    async fn write_user(
        &self,
        operation: Operation,
        app: AppCredentials<'_>,
        user: &str,
        write: &UserWrite,
        timeout: Duration,
    ) -> Result<WrittenUser, ApiError> {
        let path = path_of(app, user, &format!("data{}", query_of(write)))?;
        let body = self.body_of(write)?;
        let request = AppRequest { operation, app, path: &path, body, timeout };
        self.send_about_user(request, |answer| written_of(user, answer)).await
    }

    fn body_of(&self, write: &UserWrite) -> Result<Bytes, ApiError> {
        let mut body = WriteBody { data: write.data.clone(), attributes: write.attributes.clone() };
        body.data.extend(clearing(self.answers.user_clear, &write.cleared));
        body.attributes.extend(clearing_attributes(&write.cleared_attributes));
        json(&body)
    }
}

const fn query_of(write: &UserWrite) -> &'static str {
    if write.integrations { INTEGRATIONS } else { "" }
}
