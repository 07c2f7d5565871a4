//! The service for backends over the real `app::build`, before the emulator: Rownd with a token
//! validator, its OpenID provider, SuperTokens.
//!
//! In: calls as a stub makes them, faults of the upstreams. Out: outcomes, and statuses with their
//! details.

mod apps;
mod bounds;
mod callers;
mod compression;
mod drain;
mod errors;
mod exchange;
mod foreign_refresh;
mod groups;
mod hooks;
mod hurry;
mod oidc_clients;
mod openid;
mod passports;
mod permissions;
pub(super) mod refresh;
mod refusals;
mod sessions;
pub(super) mod tokens;
pub(super) mod user_service;
mod users;
mod variants;
mod verify;

use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use rownd_authz::grpc::pb::rownd::auth::v1::{
    ExchangeRequest, ExchangeResponse, Tokens, exchange_request::Grant, exchange_response::Outcome,
    rownd_auth_client::RowndAuthClient,
};
use rownd_emulator::{Controls, Endpoint, Minter, Seed, Settings, TokenOrder};
use serde_json::{Value, json};
use tokio::task::AbortHandle;
use tonic::{
    Code, Request, Status,
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};
use tonic_types::StatusExt as _;

use crate::support::{Key, TestApp};

pub(super) const APP: &str = "app_shop";
/// Another one, which few configurations here name.
const BLOG: &str = "app_blog";
const APP_KEY: &str = "key_shop";
const APP_SECRET: &str = "ras_shop";
/// The issuer of somebody else's tokens, which the app's validator takes.
const IDP: &str = "https://idp.test";
/// May do everything.
pub(in crate::it) const ADMIN: &str = "an-admin-secret-of-this-test";
/// May exchange only.
pub(in crate::it) const TRADER: &str = "a-trader-secret-of-this-test";

/// The apps of the emulator.
fn seed(idp: &Key, change: impl FnOnce(&mut Value)) -> Seed {
    let mut seed = json!({ "apps": [{
        "id": APP, "key": APP_KEY, "secret": APP_SECRET, "name": "Shop",
        "supertokens_plugin": true,
        "schema": { "email": {}, "plan": {}, "score": { "type": "number" },
                    "picture": { "type": "image" }, "contract": { "type": "document" } },
        "variants": [
            { "id": "variant_kids", "key": "key_kids", "name": "Kids" },
            { "id": "variant_outlet", "key": "key_outlet", "name": "Outlet" },
        ],
        "token_validators": [
            { "kind": "jwks", "issuer": IDP, "jwks": { "keys": [idp.jwk()] },
              "verified_field": "email", "verification_type": "email" },
        ],
        "oidc_clients": [
            { "id": "oc_shop", "client_id": "key_shop_web", "secret": "a-secret", "name": "Web",
              "redirect_uris": [CALLBACK],
              "allowed_scopes": ["openid", "email", "offline_access"] },
            { "id": "oc_phone", "client_id": "key_shop_phone", "name": "Phone",
              "redirect_uris": [CALLBACK], "allowed_scopes": ["openid", "offline_access"] },
        ],
        "groups": [
            { "id": "group_staff", "name": "Staff", "admission_policy": "open" },
            { "id": "group_board", "name": "Board", "admission_policy": "invite_only" },
        ],
        "users": [
            { "id": "ann", "auth_level": "verified",
              "data": { "email": "ann@example.com", "plan": "pro" },
              "attributes": { "shop:tags": ["vip"] },
              "groups": [{ "group": "group_staff", "roles": ["owner", "editor"] }] },
            { "id": "greg", "auth_level": "guest" },
            { "id": "banned", "state": "disabled" },
        ],
    }, {
        "id": BLOG, "key": "key_blog", "secret": "ras_blog", "name": "Blog",
        "schema": { "email": {} },
        "token_validators": [
            { "kind": "jwks", "issuer": IDP, "jwks": { "keys": [idp.jwk()] },
              "verified_field": "email", "verification_type": "email" },
        ],
        "users": [{ "id": "ann", "auth_level": "verified" }],
    }] });
    change(&mut seed);
    Seed::parse("seed", &seed.to_string()).unwrap_or_else(|problems| panic!("{problems}"))
}

const CALLBACK: &str = "http://localhost:3000/callback";

/// A service, and what it asks.
pub(super) struct Rig {
    pub(super) app: TestApp,
    pub(super) minter: Minter,
    pub(super) controls: Controls,
    pub(super) emulator: SocketAddr,
    idp: Key,
    running: AbortHandle,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// The configuration before an emulator at this URL.
pub(super) fn settings(base: &str) -> Value {
    json!({
        "listeners": {
            "grpc": { "address": "127.0.0.1:0", "workers": 1 },
            "ops": { "address": "127.0.0.1:0" },
        },
        "issuers": [
            { "name": "rownd", "kind": "rownd", "base_url": base,
              "apps": [{ "id": APP, "key": APP_KEY, "secret": APP_SECRET }],
              "keys": { "cooldown": "100ms" } },
            { "name": "sessions", "kind": "supertokens", "base_url": format!("{base}/auth"),
              "apps": [{ "id": APP }], "keys": { "cooldown": "100ms" } },
            { "name": "provider", "kind": "oidc", "issuer": format!("{base}/oidc/{APP}"),
              "audiences": [format!("app:{APP}")], "keys": { "cooldown": "100ms" } },
        ],
        "rownd_auth": {
            "callers": [
                { "name": "admin", "secret": ADMIN,
                  "allow": ["verify", "get_own_user", "get_user", "exchange", "create_guest"] },
                { "name": "trader", "secret": TRADER, "allow": ["exchange"] },
            ],
            "oidc_clients": [
                { "name": "web", "issuer": "provider", "client_id": "key_shop_web",
                  "client_secret": "a-secret", "redirect_uris": [CALLBACK],
                  "scopes": ["openid", "email", "offline_access"] },
                { "name": "web-post", "issuer": "provider", "client_id": "key_shop_web",
                  "client_secret": "a-secret", "auth_method": "post", "pkce": false,
                  "redirect_uris": [CALLBACK], "scopes": ["openid"] },
                { "name": "phone", "issuer": "provider", "client_id": "key_shop_phone",
                  "redirect_uris": [CALLBACK], "scopes": ["openid", "offline_access"] },
                { "name": "wrong", "issuer": "provider", "client_id": "key_shop_web",
                  "client_secret": "not-the-secret", "redirect_uris": [CALLBACK] },
            ],
            "timeout": "20s",
        },
        "check": { "timeout": "20s" },
        "shutdown": { "drain_delay": "0s", "grace": "5s" },
    })
}

impl Rig {
    pub(super) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// With another configuration.
    pub(super) async fn with(change: impl FnOnce(&mut Value)) -> Self {
        Self::with_seed(|_| {}, change).await
    }

    /// With other data of the emulator, and another configuration.
    pub(super) async fn with_seed(
        change_seed: impl FnOnce(&mut Value),
        change: impl FnOnce(&mut Value),
    ) -> Self {
        let idp = Key::new("idp-1");
        let demo = Settings::demo("127.0.0.1:0".parse().unwrap());
        let emulator =
            rownd_emulator::bind(Settings { seed: seed(&idp, change_seed), ..demo }).await.unwrap();
        let mut settings = settings(emulator.base_url());
        change(&mut settings);
        let (minter, controls) = (emulator.minter(), emulator.controls());
        let address = emulator.address();
        let running = tokio::spawn(emulator.run(std::future::pending())).abort_handle();
        let app = TestApp::ready(&settings).await;
        Self { app, minter, controls, emulator: address, idp, running }
    }

    pub(super) fn order(user: &str) -> TokenOrder {
        TokenOrder { app: Some(APP.to_owned()), ..TokenOrder::of(user) }
    }

    /// A good access token of this user.
    pub(super) fn token(&self, user: &str) -> String {
        self.mint(&Self::order(user))
    }

    pub(super) fn mint(&self, order: &TokenOrder) -> String {
        self.minter.mint(order).unwrap()
    }

    /// A token of somebody else's about this subject.
    pub(in crate::it) fn foreign(&self, sub: &str, email: &str) -> String {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let claims = json!({
            "iss": IDP, "sub": sub, "email": email, "iat": now.as_secs(), "exp": now.as_secs() + 600,
        });
        self.idp.sign(self.idp.header().to_string(), claims.to_string())
    }

    /// A stub that shows no secret.
    pub(super) fn stub(&self) -> RowndAuthClient<Channel> {
        RowndAuthClient::new(self.app.channel())
    }

    /// A stub that shows this secret.
    pub(super) fn known(&self, secret: &str) -> Stub {
        RowndAuthClient::with_interceptor(self.app.channel(), Bearer(secret.into()))
    }

    pub(super) fn admin(&self) -> Stub {
        self.known(ADMIN)
    }

    pub(super) async fn exchange(&self, grant: Grant) -> Result<Outcome, Status> {
        let request = ExchangeRequest { grant: Some(grant), ..ExchangeRequest::default() };
        self.trade(request).await
    }

    async fn trade(&self, request: ExchangeRequest) -> Result<Outcome, Status> {
        let answer: Result<_, Status> = self.admin().exchange(request).await;
        let ExchangeResponse { outcome } = answer?.into_inner();
        Ok(outcome.expect("an outcome is always set"))
    }

    pub(super) async fn tokens(&self, grant: Grant) -> Tokens {
        match self.exchange(grant).await.unwrap_or_else(|status| panic!("{status:?}")) {
            Outcome::Tokens(tokens) => tokens,
            Outcome::NoTokens(nothing) => panic!("{nothing:?}"),
        }
    }

    pub(super) fn hits(&self, endpoint: Endpoint) -> u64 {
        self.controls.hits(endpoint)
    }
}

pub(super) type Stub = RowndAuthClient<InterceptedService<Channel, Bearer>>;

/// Shows a caller's secret.
#[derive(Clone)]
pub(super) struct Bearer(pub(super) Arc<str>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let value = format!("Bearer {}", self.0).parse().unwrap();
        request.metadata_mut().insert("authorization", value);
        Ok(request)
    }
}

/// The content of a status: its code, the reason, and the rest of its details.
pub(super) struct Said {
    code: Code,
    reason: String,
    told: HashMap<String, String>,
    retry: bool,
    field: Option<String>,
    /// The fields that are at fault, each with a description.
    fields: Vec<(String, String)>,
}

/// Reads a status, which has to be one of ours.
pub(super) fn said<T: std::fmt::Debug>(result: Result<T, Status>) -> Said {
    let status = result.expect_err("an error");
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("no ErrorInfo: {status:?}"));
    assert_eq!(info.domain, "rownd-authz");
    let upper = |c: char| c.is_ascii_uppercase() || c == '_';
    assert!(info.reason.chars().all(upper), "{}", info.reason);
    let bad = details.bad_request();
    Said {
        code: status.code(),
        reason: info.reason.clone(),
        told: info.metadata.clone(),
        retry: details.retry_info().is_some_and(|retry| retry.retry_delay.is_some()),
        field: bad.map(|bad| bad.field_violations[0].field.clone()),
        fields: bad.map_or_else(Vec::new, |bad| {
            let violations = bad.field_violations.iter();
            violations.map(|one| (one.field.clone(), one.description.clone())).collect()
        }),
    }
}

impl Said {
    #[track_caller]
    pub(super) fn is(self, code: Code, reason: &str) -> Self {
        assert_eq!((self.code, self.reason.as_str()), (code, reason));
        // An error that may be retried says when, and no other error does.
        let again = matches!(code, Code::Unavailable | Code::ResourceExhausted);
        assert_eq!(self.retry, again, "{reason}");
        self
    }

    /// The reason alone.
    pub(super) fn reason(&self) -> String {
        self.reason.clone()
    }

    #[track_caller]
    pub(super) fn tells(self, name: &str, value: &str) -> Self {
        assert_eq!(self.told.get(name).map(String::as_str), Some(value), "{:?}", self.told);
        self
    }
}

/// A mistake in the call, in this field.
#[track_caller]
pub(super) fn assert_field<T: std::fmt::Debug>(result: Result<T, Status>, field: &str) {
    let said = said(result).is(Code::InvalidArgument, "BAD_REQUEST");
    assert_eq!(said.field.as_deref(), Some(field));
}
