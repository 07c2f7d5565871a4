//! The account of a user: deletion, state, and sign-out on every device.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use super::{AppRequest, path_of, written::written_of};
use crate::issuer_api::{
    administration::users::WrittenUser,
    api::{self, done},
    capabilities::UserProfiles as _,
    error::ApiError,
    grants::AppCredentials,
    operation::Operation,
    rownd::client::RowndClient,
};

impl RowndClient {
    pub(super) async fn delete_user(
        &self,
        app: AppCredentials<'_>,
        user: &str,
        timeout: Duration,
    ) -> Result<(), ApiError> {
        let path = path_of(app, user, "data")?;
        let (operation, body) = (Operation::RowndUserDelete, Bytes::new());
        let request = AppRequest { operation, app, path: &path, body, timeout };
        self.send_about_user(request, done).await
    }

    pub(super) async fn set_user_enabled(
        &self,
        app: AppCredentials<'_>,
        user: &str,
        enabled: bool,
        timeout: Duration,
    ) -> Result<WrittenUser, ApiError> {
        let path = path_of(app, user, "state")?;
        let state = if enabled { "enabled" } else { "disabled" };
        let body = api::json(&json!({ "state": state }))?;
        let operation = Operation::RowndUserState;
        let request = AppRequest { operation, app, path: &path, body, timeout };
        let written = self.send_about_user(request, |answer| written_of(user, answer)).await?;
        if enabled || written.profile.state.is_some() {
            return Ok(written);
        }
        // A profile without a state is enabled, and an answer to a write may lack parts.
        let profile = self.user(app, user, timeout).await.map_err(|_| ApiError::Shape)?;
        Ok(WrittenUser { profile, ..written })
    }

    pub(super) async fn sign_out_user(
        &self,
        app: AppCredentials<'_>,
        user: &str,
        timeout: Duration,
    ) -> Result<(), ApiError> {
        let path = path_of(app, user, "signout")?;
        let body = api::json(&json!({ "sign_out_all": true }))?;
        let operation = Operation::RowndSignOut;
        let request = AppRequest { operation, app, path: &path, body, timeout };
        self.send_about_user(request, done).await
    }
}
