//! The loopback Rownd that the server under test learns its keys from. Comes
//! in: a key set. Goes out: the base URL under which it is served.

use std::net::SocketAddr;

use axum::{Router, http::header::CONTENT_TYPE, routing::get};
use serde_json::json;
use tokio::net::TcpListener;

use crate::{
    Result,
    mint::{self, Algorithm, Signer},
};

/// Where the keys of an algorithm are.
pub(crate) const fn keys(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::EdDSA => "/hub/auth/keys",
        Algorithm::ES256 => "/es256/keys",
        Algorithm::RS256 => "/rs256/keys",
    }
}

const METADATA: &str = "/hub/auth/.well-known/oauth-authorization-server";
const APP_CONFIG: &str = "/hub/app-config";

/// Serves until the bench ends.
pub(crate) async fn serve(signers: &[Signer]) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let metadata = {
        let keys = keys(Algorithm::EdDSA);
        json!({ "issuer": Algorithm::EdDSA.issuer(), "jwks_uri": format!("http://{address}{keys}") })
    };
    let app = json!({ "config_type": "app", "app": { "id": mint::APP, "name": "bench" } });
    let router = Router::new()
        .route(METADATA, document(metadata.to_string()))
        .route(APP_CONFIG, document(app.to_string()));
    let router = signers.iter().fold(router, |router, signer| {
        router.route(keys(signer.algorithm), document(signer.key_set()))
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

fn document(body: String) -> axum::routing::MethodRouter {
    get(move || async move { ([(CONTENT_TYPE, "application/json")], body) })
}
