//! The loopback issuers that the server under test learns its keys from. In: a key of each
//! algorithm. Out: a running server; it ends when it is dropped.

use serde_json::json;
use test_support::{
    forge::Algorithm,
    issuer::{APP_CONFIG, Issuer, KEYS, METADATA, Reply},
};

use crate::mint::{self, Signer};

/// The path of the keys of an algorithm.
pub(crate) const fn keys(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::EdDsa => KEYS,
        Algorithm::Es256 => "/es256/keys",
        Algorithm::Es384 => "/es384/keys",
        Algorithm::Es512 => "/es512/keys",
        Algorithm::Rs256 => "/rs256/keys",
        Algorithm::Rs384 => "/rs384/keys",
        Algorithm::Rs512 => "/rs512/keys",
        Algorithm::Ps256 => "/ps256/keys",
        Algorithm::Ps384 => "/ps384/keys",
        Algorithm::Ps512 => "/ps512/keys",
    }
}

/// Serves the key set of each signer, and Rownd's two documents.
pub(crate) fn serve(signers: &[Signer]) -> Issuer {
    let issuer = Issuer::start();
    let jwks = format!("{}{}", issuer.url(), keys(Algorithm::EdDsa));
    let metadata = json!({ "issuer": mint::issuer(Algorithm::EdDsa), "jwks_uri": jwks });
    issuer.set(METADATA, Reply::json(&metadata));
    let app = json!({ "config_type": "app", "app": { "id": mint::APP, "name": "bench" } });
    issuer.set(APP_CONFIG, Reply::json(&app));
    for signer in signers {
        issuer.set(keys(signer.algorithm), Reply::keys(&[&signer.key]));
    }
    issuer
}
