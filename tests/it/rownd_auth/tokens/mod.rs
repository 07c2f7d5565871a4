//! The methods about a token that is there already, and the grant of a magic link, before the
//! emulator's OpenID provider and its Rownd.

mod introspection;
mod logout;
mod magic_link;
mod revocation;
mod user_info;

use rownd_authz::grpc::pb::rownd::auth::v1::{Tokens, exchange_request::Grant};
use serde_json::{Value, json};

use super::{Rig, openid};

/// May verify and read own users; may do nothing at an issuer.
const READER: &str = "a-reader-secret-of-this-test";
/// Has every right here, for the app of the blog alone.
const BLOGGER: &str = "a-blogger-secret-of-this-test";

fn callers(settings: &mut Value) {
    let callers = settings["rownd_auth"]["callers"].as_array_mut().unwrap();
    callers
        .push(json!({ "name": "reader", "secret": READER, "allow": ["verify", "get_own_user"] }));
    callers.push(json!({ "name": "blogger", "secret": BLOGGER,
        "allow": ["verify", "get_own_user", "exchange"], "apps": ["app_blog"] }));
    settings["rownd_auth"]["oidc_clients"][0]["post_logout_redirect_uris"] =
        json!(["http://localhost:3000/bye", "https://shop.test/bye"]);
    let apps = settings["issuers"][0]["apps"].as_array_mut().unwrap();
    apps.push(json!({ "id": "app_blog", "key": "key_blog", "secret": "ras_blog" }));
}

async fn rig() -> Rig {
    Rig::with(callers).await
}

/// Where the provider's access tokens are JWTs.
async fn rig_with_jwts() -> Rig {
    rig_with_jwts_and(|_| {}).await
}

/// The same with another configuration.
pub(in crate::it) async fn rig_with_jwts_and(change: impl FnOnce(&mut Value)) -> Rig {
    let jwts = |seed: &mut Value| seed["apps"][0]["oidc_access_tokens"] = json!("jwt");
    let settings = |settings: &mut Value| {
        callers(settings);
        change(settings);
    };
    Rig::with_seed(jwts, settings).await
}

/// The tokens of ann, who signs in through this client.
pub(in crate::it) async fn signed_in(rig: &Rig, client: &str) -> Tokens {
    let grant = openid::sign_in(rig, client).await;
    rig.tokens(Grant::AuthorizationCode(grant)).await
}
