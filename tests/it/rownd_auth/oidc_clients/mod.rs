//! `OidcClientService` before the emulator: clients, their secrets, their logos.

mod answers;
mod changes;
mod failures;
mod logos;
mod mistakes;
mod rights;

use rownd_authz::grpc::pb::rownd::auth::v1::{
    CreateOidcClientRequest, GetOidcClientRequest, ListOidcClientsRequest, ListOidcClientsResponse,
    OidcClient, OidcClientConfig, OidcHubDarkMode, OidcTokenEndpointAuthMethod,
    UpdateOidcClientRequest, oidc_client_service_client::OidcClientServiceClient,
};
use rownd_emulator::Endpoint;
use serde_json::{Value, json};
use tonic::{Status, service::interceptor::InterceptedService, transport::Channel};

use super::{APP, BLOG, Bearer, Rig};

/// May manage the OpenID clients of all apps.
const MANAGER: &str = "a-manager-secret-of-this-test";
/// May manage those of the app of the blog alone.
const BLOGGER: &str = "a-blogger-secret-of-this-test";

type Clients = OidcClientServiceClient<InterceptedService<Channel, Bearer>>;

/// The callers of these tests, and the second app.
fn callers(settings: &mut Value) {
    let callers = settings["rownd_auth"]["callers"].as_array_mut().unwrap();
    callers.push(json!({ "name": "manager", "secret": MANAGER, "allow": ["manage_oidc_clients"] }));
    callers.push(json!({ "name": "blogger", "secret": BLOGGER, "allow": ["manage_oidc_clients"],
        "apps": [BLOG] }));
    let apps = settings["issuers"][0]["apps"].as_array_mut().unwrap();
    apps.push(json!({ "id": BLOG, "key": "key_blog", "secret": "ras_blog" }));
}

async fn rig() -> Rig {
    Rig::with(callers).await
}

fn stub(rig: &Rig, secret: &str) -> Clients {
    OidcClientServiceClient::with_interceptor(rig.app.channel(), Bearer(secret.into()))
        .max_decoding_message_size(4 << 20)
}

fn manager(rig: &Rig) -> Clients {
    stub(rig, MANAGER)
}

/// A client with every setting.
fn web() -> OidcClient {
    let other = json!({ "a_setting_of_tomorrow": { "deep": ["a", 1.5, null] } });
    let config = OidcClientConfig {
        allowed_origins: vec!["https://shop.test".into(), "http://localhost:3000".into()],
        redirect_uris: vec!["https://shop.test/callback".into(), "com.shop.app:/cb".into()],
        post_logout_uris: vec!["https://shop.test/bye".into()],
        logo_uri: Some("https://shop.test/light.png".into()),
        logo_dark_mode_uri: Some("https://shop.test/dark.png".into()),
        allowed_scopes: vec!["openid".into(), "email".into(), "plan".into()],
        hub_title: Some("Shöp \u{1f6d2}".into()),
        hub_dark_mode: OidcHubDarkMode::Auto.into(),
        hub_show_logos: Some(true),
        is_pkce_supported: Some(true),
        is_pkce_required: Some(false),
        interaction_endpoint: Some("https://shop.test/sign-in".into()),
        token_endpoint_auth_method: OidcTokenEndpointAuthMethod::ClientSecretPost.into(),
        application_type: 1,
        device_flow_enabled: Some(false),
        other: Some(structure(&other)),
    };
    OidcClient {
        name: "Web".into(),
        description: Some("The web shop".into()),
        config: Some(config),
        ..OidcClient::default()
    }
}

fn structure(json: &Value) -> prost_types::Struct {
    use prost_types::{ListValue, Struct, Value as Wire, value::Kind};
    fn value(json: &Value) -> Wire {
        let kind = match json {
            Value::Null => Kind::NullValue(0),
            Value::Bool(flag) => Kind::BoolValue(*flag),
            Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap()),
            Value::String(text) => Kind::StringValue(text.clone()),
            Value::Array(all) => {
                Kind::ListValue(ListValue { values: all.iter().map(value).collect() })
            }
            Value::Object(_) => Kind::StructValue(structure(json)),
        };
        Wire { kind: Some(kind) }
    }
    let members = json.as_object().unwrap();
    Struct { fields: members.iter().map(|(name, json)| (name.clone(), value(json))).collect() }
}

/// Of the app of the shop: two apps are configured.
fn create(client: OidcClient) -> CreateOidcClientRequest {
    CreateOidcClientRequest {
        app_id: Some(APP.into()),
        oidc_client: Some(client),
        ..CreateOidcClientRequest::default()
    }
}

fn named(name: &str) -> OidcClient {
    OidcClient { name: name.into(), ..OidcClient::default() }
}

/// Makes a client of this name.
async fn made(rig: &Rig, client: OidcClient) -> OidcClient {
    let answer = manager(rig).create_oidc_client(create(client)).await;
    answer.unwrap_or_else(|status| panic!("{status:?}")).into_inner().oidc_client.unwrap()
}

async fn read(rig: &Rig, id: &str) -> Result<OidcClient, Status> {
    let request = GetOidcClientRequest {
        app_id: Some(APP.into()),
        id: id.into(),
        ..GetOidcClientRequest::default()
    };
    Ok(manager(rig).get_oidc_client(request).await?.into_inner().oidc_client.unwrap())
}

async fn update(rig: &Rig, client: OidcClient, paths: &[&str]) -> Result<OidcClient, Status> {
    let request = UpdateOidcClientRequest {
        app_id: Some(APP.into()),
        oidc_client: Some(client),
        update_mask: Some(mask(paths)),
        ..UpdateOidcClientRequest::default()
    };
    Ok(manager(rig).update_oidc_client(request).await?.into_inner().oidc_client.unwrap())
}

fn mask(paths: &[&str]) -> prost_types::FieldMask {
    prost_types::FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() }
}

async fn list(
    rig: &Rig,
    page_size: i32,
    page_token: &str,
    order_by: &str,
) -> Result<ListOidcClientsResponse, Status> {
    let request = ListOidcClientsRequest {
        app_id: Some(APP.into()),
        page_size,
        page_token: page_token.into(),
        order_by: order_by.into(),
        ..ListOidcClientsRequest::default()
    };
    Ok(manager(rig).list_oidc_clients(request).await?.into_inner())
}

fn asked(rig: &Rig) -> u64 {
    rig.hits(Endpoint::OidcClients)
}
