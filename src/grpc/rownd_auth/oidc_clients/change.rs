//! `CreateOidcClient`, `UpdateOidcClient` and `DeleteOidcClient`.

use std::sync::Arc;

use serde_json::{Map, Value as Json};
use tonic::Status;

use super::{
    check,
    read::{not_read, target},
    settings::{self, OTHER, PATHS, WrittenSettings},
    wire,
};
use crate::{
    grpc::{
        pb::rownd::auth::v1::{
            CreateOidcClientRequest, CreateOidcClientResponse, DeleteOidcClientRequest,
            DeleteOidcClientResponse, OidcClient, OidcClientConfig, UpdateOidcClientRequest,
            UpdateOidcClientResponse,
        },
        rownd_auth::{
            administration::{Request, Subject},
            call::ServiceCall,
            etag,
            fault::Fault,
            structure::Structures,
            update_mask::{DottedNames, Updatable, UpdateMask},
            writes::Write,
        },
    },
    issuer_api::{
        ApiError,
        administration::oidc_clients::{ChangedMembers, OidcClientChange},
    },
};

/// The field of the requests that holds a client.
const CLIENT: &str = "oidc_client";
/// The fields that an update can change.
const UPDATABLE: Updatable =
    Updatable { fields: &["name", "description", "config"], with_members: &["config"] };

/// The fault of a request that changes something.
pub(super) fn not_changed(error: ApiError) -> Fault {
    Fault::Administration(Request::Change(Subject::OidcClient), error)
}

/// The client as the log names it.
pub(super) fn subject(id: &str) -> String {
    format!("OpenID client {id}")
}

pub(super) async fn create(
    call: &Arc<ServiceCall>,
    request: CreateOidcClientRequest,
) -> Result<CreateOidcClientResponse, Status> {
    let members = new_members(request.oidc_client.clone())?;
    target(call, request.issuer.as_deref(), request.app_id.as_deref())?;
    let write = Write {
        method: "CreateOidcClient",
        subject: "new OpenID client".to_owned(),
        request_id: &request.request_id,
        request: &request,
    };
    let (call, named) = (call.clone(), (request.issuer.clone(), request.app_id.clone()));
    let work = {
        let call = call.clone();
        async move {
            let target = target(&call, named.0.as_deref(), named.1.as_deref())?;
            let made = target.api.create(target.app, members, call.issuer_timeout()).await;
            let mut structures = Structures::default();
            let client = wire::new_client(&made.map_err(not_changed)?, &mut structures);
            Ok(CreateOidcClientResponse {
                oidc_client: Some(client),
                omitted: structures.omitted(),
            })
        }
    };
    call.write(write, work).await
}

/// The members of a new client.
fn new_members(client: Option<OidcClient>) -> Result<Map<String, Json>, Fault> {
    let client = client.ok_or_else(|| Fault::field(CLIENT, "is missing"))?;
    let OidcClient { id, name, description, config, etag, .. } = set_by_rownd_refused(client)?;
    if !id.is_empty() {
        return Err(Fault::field("oidc_client.id", "is made by Rownd; leave it out"));
    }
    if !etag.is_empty() {
        return Err(Fault::field("oidc_client.etag", "is for changes; leave it out"));
    }
    check::name(&name)?;
    check::text("oidc_client.description", description.as_ref())?;
    let mut members = Map::from_iter([("name".to_owned(), Json::String(name))]);
    members.extend(description.map(|text| ("description".to_owned(), Json::String(text))));
    if let Some(config) = config {
        let WrittenSettings { known, other } = settings::written(config)?;
        let known = known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let config: Map<String, Json> = known.chain(other).collect();
        members.insert("config".to_owned(), Json::Object(config));
    }
    Ok(members)
}

/// The same client, if it has none of the fields that Rownd sets.
fn set_by_rownd_refused(client: OidcClient) -> Result<OidcClient, Fault> {
    let set = [
        ("oidc_client.credentials", !client.credentials.is_empty()),
        ("oidc_client.app_id", !client.app_id.is_empty()),
        ("oidc_client.create_time", client.create_time.is_some()),
        ("oidc_client.update_time", client.update_time.is_some()),
    ];
    match set.into_iter().find(|(_, is_set)| *is_set) {
        Some((field, _)) => Err(Fault::field(field, "is set by Rownd; leave it out")),
        None => Ok(client),
    }
}

/// The change that an update asks for.
#[derive(Debug, Default)]
struct Changes {
    members: ChangedMembers,
    config: ChangedMembers,
}

pub(super) async fn update(
    call: &Arc<ServiceCall>,
    request: UpdateOidcClientRequest,
) -> Result<UpdateOidcClientResponse, Status> {
    let missing = || Fault::field(CLIENT, "is missing");
    let mut client = request.oidc_client.clone().ok_or_else(missing)?;
    if request.update_mask.as_ref().is_none_or(|mask| mask.paths.is_empty()) {
        client = set_by_rownd_refused(client)?;
    }
    let (id, etag) = (std::mem::take(&mut client.id), std::mem::take(&mut client.etag));
    check::id("oidc_client.id", &id)?;
    let changes = changes(client, &UpdateMask::of(request.update_mask.clone(), UPDATABLE)?)?;
    target(call, request.issuer.as_deref(), request.app_id.as_deref())?;
    let write = Write {
        method: "UpdateOidcClient",
        subject: subject(&id),
        request_id: "",
        request: &request,
    };
    let named = (request.issuer.clone(), request.app_id.clone());
    let own = call.clone();
    let work = async move {
        let target = target(&own, named.0.as_deref(), named.1.as_deref())?;
        let timeout = own.issuer_timeout();
        let known = target.api.read(target.app, &id, timeout).await.map_err(not_read)?;
        etag::check(&etag, &wire::etag_of(&known))?;
        let change =
            OidcClientChange { known: &known, members: &changes.members, config: &changes.config };
        let changed = target.api.update(target.app, change, timeout).await;
        let mut structures = Structures::default();
        let client = wire::client(&changed.map_err(not_changed)?, "", &mut structures);
        Ok(UpdateOidcClientResponse { oidc_client: Some(client), omitted: structures.omitted() })
    };
    call.write(write, work).await
}

/// The members that change. A field of the mask that is not set is cleared.
fn changes(client: OidcClient, mask: &UpdateMask) -> Result<Changes, Fault> {
    let OidcClient { name, description, config, .. } = client;
    let mut changes = Changes::default();
    if mask.writes("name", !name.is_empty()) {
        check::name(&name)?;
        changes.members.insert("name".to_owned(), Some(Json::String(name)));
    }
    if mask.writes("description", description.is_some()) {
        check::text("oidc_client.description", description.as_ref())?;
        changes.members.insert("description".to_owned(), description.map(Json::String));
    }
    changes.config = changed_settings(config, mask)?;
    if changes.members.is_empty() && changes.config.is_empty() {
        return Err(Fault::field("update_mask", "names nothing to change, and no field is set"));
    }
    Ok(changes)
}

fn changed_settings(
    config: Option<OidcClientConfig>,
    mask: &UpdateMask,
) -> Result<ChangedMembers, Fault> {
    let has_config = config.is_some();
    let WrittenSettings { mut known, mut other } = settings::written(config.unwrap_or_default())?;
    mask.check_whole("config.other", &other, DottedNames::Usual)?;
    let named: Vec<&str> = mask.members("config").collect();
    let mut changed = ChangedMembers::new();
    for path in &named {
        let inner = path.split_once('.');
        if let Some((OTHER, member)) = inner
            && !member.is_empty()
            && !known.contains_key(member)
        {
            changed.insert(member.to_owned(), other.remove(member));
        } else if let Some((name, value)) = known.remove_entry(*path) {
            changed.insert(name.to_owned(), value);
        } else {
            let why = format!(
                "has a path of `config` that is not a setting: {}; or config.{OTHER}.NAME",
                PATHS.join(", ")
            );
            return Err(Fault::field("update_mask", why));
        }
    }
    if mask.writes("config", has_config) {
        // Without a mask, those that are set; with `config` in the mask, all of them.
        let all = mask.writes("config", false);
        let settings = known.into_iter().filter(|(_, value)| all || value.is_some());
        changed.extend(settings.map(|(name, value)| (name.to_owned(), value)));
        changed.extend(other.into_iter().map(|(name, value)| (name, Some(value))));
    }
    Ok(changed)
}

pub(super) async fn delete(
    call: &Arc<ServiceCall>,
    request: DeleteOidcClientRequest,
) -> Result<DeleteOidcClientResponse, Status> {
    check::id("id", &request.id)?;
    target(call, request.issuer.as_deref(), request.app_id.as_deref())?;
    let write = Write {
        method: "DeleteOidcClient",
        subject: subject(&request.id),
        request_id: "",
        request: &request,
    };
    let (own, asked) = (call.clone(), request.clone());
    let work = async move {
        let DeleteOidcClientRequest { issuer, app_id, id, etag } = asked;
        let target = target(&own, issuer.as_deref(), app_id.as_deref())?;
        let timeout = own.issuer_timeout();
        if !etag.is_empty() {
            let known = target.api.read(target.app, &id, timeout).await.map_err(not_read)?;
            etag::check(&etag, &wire::etag_of(&known))?;
        }
        target.api.delete(target.app, &id, timeout).await.map_err(not_changed)?;
        Ok(DeleteOidcClientResponse {})
    };
    call.write(write, work).await
}

#[cfg(test)]
mod tests {
    use prost_types::FieldMask;
    use serde_json::json;

    use super::{Changes, UPDATABLE, changes, new_members};
    use crate::grpc::{
        pb::rownd::auth::v1::{OidcClient, OidcClientConfig, OidcClientCredential},
        rownd_auth::{fault::Fault, update_mask::UpdateMask},
    };

    fn client() -> OidcClient {
        let config = OidcClientConfig {
            redirect_uris: vec!["https://a.test/cb".to_owned()],
            hub_show_logos: Some(true),
            ..OidcClientConfig::default()
        };
        OidcClient { name: "Web".to_owned(), config: Some(config), ..OidcClient::default() }
    }

    fn with(client: OidcClient, paths: &[&str]) -> Result<Changes, Fault> {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        changes(client, &UpdateMask::of(Some(FieldMask { paths }), UPDATABLE)?)
    }

    #[test]
    fn a_mask_says_what_is_set_and_what_is_cleared() {
        let plain = with(client(), &[]).unwrap();
        assert_eq!(plain.members.len(), 1, "the name");
        let names: Vec<&String> = plain.config.keys().collect();
        assert_eq!(names, ["hub_show_logos", "redirect_uris"]);

        let paths = ["description", "config.hub_title", "config.hub_show_logos", "config.other.x"];
        let some = with(client(), &paths).unwrap();
        assert_eq!(some.members.get("description"), Some(&None));
        assert_eq!(some.members.get("name"), None, "it is not in the mask");
        let expected = [("hub_show_logos", Some(json!(true))), ("hub_title", None), ("x", None)];
        let config: Vec<_> =
            some.config.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        assert_eq!(config, expected);

        let all = with(client(), &["config"]).unwrap();
        assert_eq!(all.config.len(), super::PATHS.len());
        assert_eq!(all.config.get("hub_title"), Some(&None));
    }

    #[test]
    fn a_mask_or_a_client_that_can_only_be_a_mistake_is_refused() {
        for paths in [
            &["config.nothing"][..],
            &["config.other"],
            &["config.other."],
            &["config.other.hub_title"],
            &["config.redirect_uris.0"],
            &["credentials"],
            &["id"],
            &["*"],
            &["config.*"],
        ] {
            assert!(with(client(), paths).is_err(), "{paths:?}");
        }
        assert!(with(OidcClient::default(), &["name"]).is_err(), "a name cannot be cleared");
        assert!(with(OidcClient::default(), &[]).is_err(), "nothing to change");
        for bad in [
            OidcClient { id: "oc_1".to_owned(), ..client() },
            OidcClient { name: " ".to_owned(), ..client() },
            OidcClient { name: "x".repeat(257), ..client() },
            OidcClient { etag: "W/\"x\"".to_owned(), ..client() },
            OidcClient { app_id: "app".to_owned(), ..client() },
            OidcClient { credentials: vec![OidcClientCredential::default()], ..client() },
            OidcClient { description: Some("x".repeat(2049)), ..client() },
        ] {
            assert!(new_members(Some(bad.clone())).is_err(), "{bad:?}");
        }
        assert!(new_members(None).is_err() && new_members(Some(client())).is_ok());
    }
}
