//! The methods of `OidcClientService`.

use crate::{
    config::Right,
    grpc::rownd_auth::rpc::{Rpc, Service},
};

const RIGHTS: &[Right] = &[Right::ManageOidcClients];
/// The most bytes of a request that names a client, or a page.
const NAME_BYTES: usize = 16 << 10;
/// The most bytes of a request with the settings of a client.
const SETTINGS_BYTES: usize = 256 << 10;
/// The most bytes of a request with a logo: somewhat more than a logo may have has to arrive, so that
/// the answer says why it is refused.
const LOGO_BYTES: usize = (5 << 20) + (64 << 10);

/// A method that reads.
const fn reads(name: &'static str) -> Rpc {
    Rpc { name, rights: RIGHTS, max_request_bytes: NAME_BYTES, asks_issuer: true, repeatable: true }
}

/// A method that changes something.
const fn changes(name: &'static str, max_request_bytes: usize) -> Rpc {
    Rpc { name, rights: RIGHTS, max_request_bytes, asks_issuer: true, repeatable: false }
}

/// The service for the OpenID clients of apps.
pub(in crate::grpc::rownd_auth) const OIDC_CLIENTS: Service = Service {
    name: "OidcClientService",
    rpcs: &[
        reads("ListOidcClients"),
        reads("GetOidcClient"),
        changes("CreateOidcClient", SETTINGS_BYTES),
        changes("UpdateOidcClient", SETTINGS_BYTES),
        changes("DeleteOidcClient", NAME_BYTES),
        changes("UploadOidcClientLogo", LOGO_BYTES),
    ],
};
