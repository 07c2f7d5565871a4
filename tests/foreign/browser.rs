//! A user signs in with a real browser, on the page of an app (`interaction_endpoint`) and on the
//! emulator's own.
//!
//! In: the URLs of `BuildAuthorizationUrl`, the page of examples/interaction, Chromium. Out: the pages as
//! a person sees them, and tokens for the codes that come back.

use std::collections::HashMap;

use rownd_authz::grpc::pb::rownd::auth::v1::{
    AuthorizationCodeGrant, BuildAuthorizationUrlRequest, BuildAuthorizationUrlResponse,
    ExchangeRequest, GetUserInfoRequest, exchange_request::Grant, exchange_response::Outcome,
    rownd_auth_client::RowndAuthClient,
};
use rownd_emulator::{Seed, Settings, TokenOrder};
use serde_json::{Value, json};
use tokio::process::Command;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;
use url::Url;

use super::{
    package,
    talk::{Running, ask, assert_fresh},
    tool,
};
use crate::support::{TestApp, free_port};

const APP: &str = "app_browser";
const CALLER: &str = "a-caller-secret-of-this-test";

/// The provider: a client whose users come to `page`, and one without a page of its own.
fn seed(page: &str) -> Seed {
    let seed = json!({ "apps": [{
        "id": APP, "key": "key_browser", "secret": "ras_browser", "name": "Shop",
        "schema": { "email": {} },
        "oidc_clients": [
            { "id": "oc_page", "client_id": "key_page", "secret": "a-secret", "name": "Shop <b>here</b>",
              "redirect_uris": ["http://127.0.0.1/callback"], "interaction_endpoint": page,
              "allowed_scopes": ["openid", "email"] },
            { "id": "oc_own", "client_id": "key_own", "secret": "a-secret", "name": "Own page",
              "redirect_uris": ["http://127.0.0.1/callback"], "allowed_scopes": ["openid"] },
        ],
        "users": [{ "id": "ann", "auth_level": "verified", "data": { "email": "ann@example.com" } }],
    }] });
    Seed::parse("seed", &seed.to_string()).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The service of a backend that signs users in with both clients.
async fn backend(base: &str, callback: &str) -> TestApp {
    let client = |name: &str, scopes: &[&str]| {
        json!({
            "name": name, "issuer": "provider", "client_id": format!("key_{name}"),
            "client_secret": "a-secret", "redirect_uris": [callback], "scopes": scopes,
        })
    };
    TestApp::ready(&json!({
        "listeners": {
            "grpc": { "address": "127.0.0.1:0", "workers": 1 },
            "ops": { "address": "127.0.0.1:0" },
        },
        "issuers": [{
            "name": "provider", "kind": "oidc", "issuer": format!("{base}/oidc/{APP}"),
            "audiences": [format!("app:{APP}")],
        }],
        "rownd_auth": {
            "callers": [
                { "name": "shop", "secret": CALLER, "allow": ["exchange", "get_own_user"] },
            ],
            "oidc_clients": [client("page", &["openid", "email"]), client("own", &["openid"])],
        },
        "shutdown": { "drain_delay": "0s", "grace": "5s" },
    }))
    .await
}

fn asked<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    let secret = format!("Bearer {CALLER}").parse().unwrap();
    request.metadata_mut().insert("authorization", secret);
    request
}

async fn begin(app: &TestApp, client: &str) -> BuildAuthorizationUrlResponse {
    let request = BuildAuthorizationUrlRequest {
        oidc_client: client.to_owned(),
        ..BuildAuthorizationUrlRequest::default()
    };
    let mut stub = RowndAuthClient::new(app.channel());
    stub.build_authorization_url(asked(request)).await.unwrap().into_inner()
}

/// The query of the URL that the browser came back to.
fn query(back: &Value) -> HashMap<String, String> {
    let url = Url::parse(back.as_str().unwrap_or_else(|| panic!("{back}"))).unwrap();
    assert_eq!(url.path(), "/callback", "{url}");
    url.query_pairs().into_owned().collect()
}

/// The user whose tokens come for the code of this URL.
async fn user_of(
    app: &TestApp,
    client: &str,
    begun: &BuildAuthorizationUrlResponse,
    back: &Value,
) -> Result<String, Status> {
    let query = query(back);
    assert_eq!(query["state"], begun.state, "{client}");
    let grant = Grant::AuthorizationCode(AuthorizationCodeGrant {
        oidc_client: client.to_owned(),
        code: query["code"].clone(),
        redirect_uri: None,
        code_verifier: begun.code_verifier.clone(),
        nonce: Some(begun.nonce.clone()),
    });
    let mut stub = RowndAuthClient::new(app.channel());
    let request = ExchangeRequest { grant: Some(grant), ..ExchangeRequest::default() };
    let outcome = stub.exchange(asked(request)).await?.into_inner().outcome.unwrap();
    let Outcome::Tokens(tokens) = outcome else { panic!("{client}: no tokens") };
    let request = GetUserInfoRequest { token: tokens.access_token, issuer: None };
    Ok(stub.get_user_info(asked(request)).await?.into_inner().subject)
}

#[tokio::test]
async fn a_user_signs_in_with_a_real_browser() {
    let chromium = tool("browser/chromium");
    let lock = "package-lock.json";
    assert_fresh(
        &tool(&format!("browser/{lock}")),
        &package(&format!("tests/foreign/browser/{lock}")),
    );
    let port = free_port().port();
    // Another site than the provider's, as in production.
    let demo = Settings::demo("127.0.0.1:0".parse().unwrap());
    let seed = seed(&format!("http://localhost:{port}/"));
    let running = Running::with(Settings { seed, ..demo }).await;
    let app = backend(&running.base_url, &format!("http://127.0.0.1:{port}/callback")).await;
    let order = TokenOrder { app: Some(APP.to_owned()), ..TokenOrder::of("ann") };
    let (allow, deny) = (begin(&app, "page").await, begin(&app, "page").await);
    let (second, other_site) = (begin(&app, "page").await, begin(&app, "page").await);
    let own = begin(&app, "own").await;
    let question = json!({
        "chromium": chromium,
        "page": package("examples/interaction/index.html"),
        "provider": running.base_url,
        "port": port,
        "token": running.minter.mint(&order).unwrap(),
        "urls": {
            "allow": allow.url, "deny": deny.url, "second": second.url,
            "other_site": other_site.url, "own": own.url,
        },
    });
    let mut node = Command::new("node");
    node.arg(package("tests/foreign/browser/flow.cjs"));
    let said = ask(node.env("NODE_PATH", tool("browser/node_modules")), &question).await;

    // The page shows who asks for what, as text.
    let seen = &said["allow"];
    assert_eq!(seen["at"], format!("localhost:{port}"), "{said}");
    assert_eq!(seen["client"], "Shop <b>here</b> wants to sign you in");
    assert_eq!(seen["scopes"], json!(["openid", "email"]));
    // The provider says why it refuses a token.
    assert!(seen["refused"].as_str().is_some_and(|text| text.contains("token")), "{seen}");
    assert_eq!(user_of(&app, "page", &allow, &seen["back"]).await.unwrap(), "ann");
    let again = user_of(&app, "page", &allow, &seen["back"]).await.unwrap_err();
    assert_eq!(again.code(), Code::FailedPrecondition);
    assert_eq!(again.get_error_details().error_info().unwrap().reason, "CODE_REFUSED");

    let denied = query(&said["deny"]["back"]);
    assert_eq!((denied["error"].as_str(), &denied["state"]), ("access_denied", &deny.state));
    assert!(!denied.contains_key("code"), "{denied:?}");

    assert_eq!(said["second"]["other"]["status"], 403, "{said}");
    assert_ne!(said["second"]["other"]["at"], "/callback");
    let back = &said["second"]["back"];
    assert_eq!(user_of(&app, "page", &second, back).await.unwrap(), "ann");

    let thief = &said["thief"];
    assert_eq!(thief["first"], "that is not the provider");
    assert_eq!(thief["then"], "that is not the provider");
    assert_eq!(thief["stolen"], json!([]), "the token goes nowhere");
    assert_eq!(said["other_site"], json!({ "read": "refused", "decided": "refused" }));

    assert_eq!(said["own"]["client"], "Own page");
    assert_eq!(said["own"]["scopes"], json!(["openid"]));
    assert_eq!(user_of(&app, "own", &own, &said["own"]["back"]).await.unwrap(), "ann");
    running.end().await;
}
