//! A client as the proto has it.

use prost_types::Timestamp;
use serde_json::{Map, Value as Json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::settings;
use crate::{
    config::Secret,
    grpc::{
        pb::rownd::auth::v1::{OidcClient, OidcClientCredential},
        rownd_auth::{etag, structure::Structures},
    },
    issuer_api::administration::oidc_clients::{NewOidcClient, OidcClientDocument},
};

/// A client without secrets. `at` is the place of it in the answer, to name what is left out:
/// `oidc_clients[3].`, or nothing.
pub(super) fn client(
    document: &OidcClientDocument,
    at: &str,
    structures: &mut Structures,
) -> OidcClient {
    let OidcClientDocument { id, members } = document;
    let text = |name: &str| members.get(name).and_then(Json::as_str);
    let config = members.get("config").and_then(Json::as_object);
    let config = config.map(|config| {
        settings::shown(config, &format!("{at}config.{}", settings::OTHER), structures)
    });
    let credentials = members.get("credentials").and_then(Json::as_array);
    let credentials = credentials.into_iter().flatten().map(credential).collect();
    OidcClient {
        id: id.clone(),
        name: text("name").unwrap_or_default().to_owned(),
        description: text("description").filter(|text| !text.is_empty()).map(str::to_owned),
        config,
        credentials,
        app_id: text("app_id").or_else(|| text("application")).unwrap_or_default().to_owned(),
        create_time: time_of(members, "created_at"),
        update_time: time_of(members, "updated_at"),
        etag: etag_of(document),
    }
}

/// A new client, with its secrets.
pub(super) fn new_client(made: &NewOidcClient, structures: &mut Structures) -> OidcClient {
    let mut client = client(&made.client, "", structures);
    for (credential, secret) in client.credentials.iter_mut().zip(&made.secrets) {
        credential.secret = secret.as_ref().map(Secret::expose).map(str::to_owned);
    }
    client
}

/// The etag of a client. The document has no secret, so it is the same for the answer that makes the
/// client as for later ones.
pub(super) fn etag_of(document: &OidcClientDocument) -> String {
    etag::of_json(&Json::Object(document.members.clone()))
}

fn credential(json: &Json) -> OidcClientCredential {
    let empty = Map::new();
    let members = json.as_object().unwrap_or(&empty);
    let text = |name: &str| members.get(name).and_then(Json::as_str).map(str::to_owned);
    OidcClientCredential {
        client_id: text("client_id").unwrap_or_default(),
        name: text("name").unwrap_or_default(),
        secret: None,
        expire_time: time_of(members, "expires"),
        app_variant_id: text("app_variant_id"),
        create_time: time_of(members, "created_at"),
        update_time: time_of(members, "updated_at"),
    }
}

/// A date with a time; one that cannot be read is left out.
fn time_of(members: &Map<String, Json>, name: &str) -> Option<Timestamp> {
    let text = members.get(name)?.as_str()?;
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    let nanos = i32::try_from(time.nanosecond()).ok()?;
    Some(Timestamp { seconds: time.unix_timestamp(), nanos })
}
