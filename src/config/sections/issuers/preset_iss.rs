//! The `iss` of each well-known provider, as its documents show it.
//!
//! In: an `iss` and a preset. Out: whether the one can be the other's, or what to write instead; and
//! where the keys are. An address of this machine may be any provider's: an emulator, or a test.

use url::Url;

use super::words::{Accepts, Preset};
use crate::config::web_address::is_loopback;

/// The `iss` of Google's ID tokens.
pub(super) const GOOGLE: &str = "https://accounts.google.com";
/// The `iss` of Google's ID tokens as old libraries see it.
const GOOGLE_WITHOUT_SCHEME: &str = "accounts.google.com";
/// Google's key set. The discovery document names the `iss` with a scheme only.
const GOOGLE_KEY_SET: &str = "https://www.googleapis.com/oauth2/v3/certs";
/// The `iss` of service account tokens that never expire, before Kubernetes 1.24.
const LEGACY_KUBERNETES: &str = "kubernetes/serviceaccount";

/// The hosts of Entra's tokens of version 2: of the world, the US government, and China.
const ENTRA_V2_HOSTS: [&str; 3] =
    ["login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn"];
/// Below this domain each tenant of Entra External ID has a host.
const ENTRA_EXTERNAL_ID: &str = ".ciamlogin.com";
/// The hosts of Entra's tokens of version 1: of the world with the US government, and China.
const ENTRA_V1_HOSTS: [&str; 2] = ["sts.windows.net", "sts.chinacloudapi.cn"];
/// The words that stand for several tenants in Entra's addresses, and in no token.
const ENTRA_NO_TENANTS: [&str; 3] = ["common", "organizations", "consumers"];
/// The domains of the clouds of AWS.
const AWS_DOMAINS: [&str; 3] = [".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu"];

/// Whether this `iss` can be the provider's, or what to write instead.
pub(super) fn check(preset: Preset, accepts: Accepts, iss: &str) -> Result<(), String> {
    let said = match (preset, Url::parse(iss)) {
        (Preset::Google, _) if iss == GOOGLE || iss == GOOGLE_WITHOUT_SCHEME => return Ok(()),
        (Preset::Kubernetes, _) if iss == LEGACY_KUBERNETES => {
            "the tokens of this `iss` never expire and are not taken; write the one of \
             `kubectl get --raw /.well-known/openid-configuration`"
        }
        (_, Ok(url)) if is_loopback(&url) => return Ok(()),
        // The URL is checked elsewhere.
        (Preset::Kubernetes, _) => return Ok(()),
        (Preset::Google, _) => "is not Google's; write https://accounts.google.com",
        (_, Err(_)) => "is no URL, and that of this preset is one; write https://...",
        (preset, Ok(url)) => match shape(preset, accepts, &url, iss) {
            None => return Ok(()),
            Some(said) => said,
        },
    };
    Err(said.to_owned())
}

/// The problem of the shape of the URL, if it has one.
fn shape(preset: Preset, accepts: Accepts, url: &Url, iss: &str) -> Option<&'static str> {
    let good = match preset {
        Preset::Keycloak => {
            let path = url.path().trim_start_matches('/');
            let mut parts = path.rsplit('/');
            let realm = parts.next().is_some_and(|realm| !realm.is_empty());
            // The address of the console, `/admin/realms/NAME`, leads to its API.
            realm && parts.next() == Some("realms") && parts.next() != Some("admin")
        }
        Preset::Entra => is_entra(url, iss),
        Preset::Cognito => is_cognito(url),
        Preset::Auth0 => iss.ends_with('/') && url.path() == "/",
        Preset::Okta => accepts == Accepts::Id || url.path().starts_with("/oauth2/"),
        Preset::Clerk | Preset::Zitadel | Preset::Google | Preset::Kubernetes => true,
    };
    if good {
        let never = matches!(preset, Preset::Okta | Preset::Clerk | Preset::Zitadel);
        return (never && iss.ends_with('/'))
            .then_some("has a slash at its end, and this provider's never has; leave it out");
    }
    Some(match preset {
        Preset::Keycloak => {
            "names no realm; write https://HOST/realms/NAME, without a slash at its end"
        }
        Preset::Entra => {
            "is none of Entra's; write https://login.microsoftonline.com/TENANT_ID/v2.0, or for \
             tokens of version 1 https://sts.windows.net/TENANT_ID/ (`iss` and `ver` in a token \
             show which)"
        }
        Preset::Cognito => {
            "is none of Cognito's; write https://cognito-idp.REGION.amazonaws.com/USER_POOL_ID"
        }
        Preset::Auth0 => "Auth0's `iss` has no path and ends with a slash; write https://HOST/",
        Preset::Okta => {
            "is that of the org authorization server, whose access tokens are for Okta alone; \
             write https://HOST/oauth2/default, or that of another custom authorization server"
        }
        Preset::Clerk | Preset::Zitadel | Preset::Google | Preset::Kubernetes => return None,
    })
}

fn is_entra(url: &Url, iss: &str) -> bool {
    let host = url.host_str().unwrap_or_default();
    let path: Vec<&str> = url.path().split('/').skip(1).collect();
    let is_tenant =
        |text: &str| !text.is_empty() && !text.contains('.') && !ENTRA_NO_TENANTS.contains(&text);
    let of_version_2 = ENTRA_V2_HOSTS.contains(&host) || host.ends_with(ENTRA_EXTERNAL_ID);
    url.scheme() == "https"
        && match path.as_slice() {
            [tenant, "v2.0"] => of_version_2 && is_tenant(tenant),
            [tenant, ""] => {
                ENTRA_V1_HOSTS.contains(&host) && is_tenant(tenant) && iss.ends_with('/')
            }
            _ => false,
        }
}

fn is_cognito(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let service = host.starts_with("cognito-idp.") || host.starts_with("issuer-cognito-idp.");
    let pool = url.path().trim_start_matches('/');
    url.scheme() == "https"
        && service
        && AWS_DOMAINS.iter().any(|domain| host.ends_with(domain))
        && !pool.is_empty()
        && !pool.contains('/')
}

/// The base URL of the discovery document that names an `iss` of version 1.
pub(super) fn entra_base_url(iss: &str) -> Option<String> {
    let tenant = iss.strip_prefix("https://sts.windows.net/")?.trim_end_matches('/');
    Some(format!("https://login.microsoftonline.com/{tenant}"))
}

/// Google's key set, for the `iss` that no discovery document names.
pub(super) fn google_key_set(iss: &str) -> Option<String> {
    (iss == GOOGLE_WITHOUT_SCHEME).then(|| GOOGLE_KEY_SET.to_owned())
}

/// The key set of a Clerk instance.
pub(super) fn clerk_key_set(iss: &str) -> Option<String> {
    Url::parse(iss).ok()?;
    Some(format!("{}/.well-known/jwks.json", iss.trim_end_matches('/')))
}
