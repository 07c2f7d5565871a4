//! `AppService` before the emulator: the configuration of an app, and its custom claims.

mod claims;
mod config;

use rownd_authz::grpc::pb::rownd::auth::v1::{
    AppConfig, GetAppConfigRequest, GetAppConfigResponse, app_service_client::AppServiceClient,
};
use rownd_emulator::{PLATFORM_APP, TokenOrder};
use serde_json::{Value, json};
use tonic::{Status, service::interceptor::InterceptedService, transport::Channel};

use super::{APP, APP_KEY, APP_SECRET, Bearer, Rig, settings};
use crate::support::TestApp;

/// May read and change apps.
const MANAGER: &str = "the-secret-of-the-manager-of-apps";

type Apps = AppServiceClient<InterceptedService<Channel, Bearer>>;

/// A service whose app has the token of an operator, before the emulator of a rig.
struct Stage {
    app: TestApp,
    rig: Rig,
}

impl Stage {
    async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// With another configuration.
    async fn with(change: impl FnOnce(&mut Value)) -> Self {
        let rig = Rig::start().await;
        let mut settings = settings(&format!("http://{}", rig.emulator));
        let operator = rig.mint(&operator());
        settings["issuers"][0]["apps"] = json!([
            { "id": APP, "key": APP_KEY, "secret": APP_SECRET, "operator_token": operator },
        ]);
        let callers = settings["rownd_auth"]["callers"].as_array_mut().unwrap();
        callers.push(json!({ "name": "manager", "secret": MANAGER,
            "allow": ["read_apps", "manage_app"] }));
        change(&mut settings);
        Self { app: TestApp::ready(&settings).await, rig }
    }

    fn apps(&self) -> Apps {
        self.apps_as(MANAGER)
    }

    fn apps_as(&self, secret: &str) -> Apps {
        AppServiceClient::with_interceptor(self.app.channel(), Bearer(secret.into()))
    }

    async fn read(&self) -> Result<GetAppConfigResponse, Status> {
        Ok(self.apps().get_app_config(GetAppConfigRequest::default()).await?.into_inner())
    }

    async fn config(&self) -> AppConfig {
        let answer = self.read().await.unwrap_or_else(|status| panic!("{status:?}"));
        answer.app_config.unwrap()
    }
}

/// A token of an operator of the platform.
fn operator() -> TokenOrder {
    TokenOrder { app: Some(PLATFORM_APP.to_owned()), ..TokenOrder::of("operator") }
}
