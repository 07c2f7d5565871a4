//! The loopback Rownd that the server under test learns its keys from. Comes
//! in: a key set. Goes out: the base URL under which it is served.

use std::net::SocketAddr;

use axum::{Router, http::header::CONTENT_TYPE, routing::get};
use serde_json::json;
use tokio::net::TcpListener;

use crate::{Result, mint};

pub(crate) const KEYS: &str = "/hub/auth/keys";
const METADATA: &str = "/hub/auth/.well-known/oauth-authorization-server";
const APP_CONFIG: &str = "/hub/app-config";

/// Serves until the bench ends.
pub(crate) async fn serve(key_set: String) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let metadata = json!({ "issuer": mint::ISSUER, "jwks_uri": format!("http://{address}{KEYS}") });
    let app = json!({ "config_type": "app", "app": { "id": mint::APP, "name": "bench" } });
    let router = Router::new()
        .route(KEYS, document(key_set))
        .route(METADATA, document(metadata.to_string()))
        .route(APP_CONFIG, document(app.to_string()));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

fn document(body: String) -> axum::routing::MethodRouter {
    get(move || async move { ([(CONTENT_TYPE, "application/json")], body) })
}
