//! `GetAppConfig`: the configuration of an app, by its key, and its variants by theirs.

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, stream};
use prost::Message as _;

use super::{refused, wire};
use crate::{
    config::{Right, Secret},
    grpc::{
        pb::rownd::auth::v1::{GetAppConfigRequest, GetAppConfigResponse},
        rownd_auth::{
            administered::{choose, named},
            call::ServiceCall,
            fault::{Fault, MAX_RESPONSE_BYTES},
            reason::ErrorReason,
            structure::Structures,
            target::choose_app,
        },
    },
    issuer_api::administration::apps::{AppAdministration, KeyOfApp, VariantDocument},
    verify::AppSlot,
};

/// The most requests about variants at the same time.
const AT_ONCE: usize = 8;

pub(super) async fn get(
    call: &ServiceCall,
    request: &GetAppConfigRequest,
) -> Result<GetAppConfigResponse, Fault> {
    let (issuer, app) = (request.issuer.as_deref(), request.app_id.as_deref());
    let right = Right::ReadApps;
    let (issuer, api) = choose(call, right, issuer.unwrap_or_default(), |api| api.apps.as_ref())?;
    let (id, slots) = choose_app(call, right, issuer, named(app.unwrap_or_default()))?;
    let key = key_of(&slots).ok_or_else(|| {
        let message = "the app has no key in the configuration";
        Fault::Unsupported(ErrorReason::AppKeyMissing, message)
    })?;
    let app = KeyOfApp { id, key };
    let document = api.app(app, call.issuer_timeout()).await;
    let document = document.map_err(|error| refused::of(false, error.into()))?;
    let variants = variants(call, api.as_ref(), id, &slots).await;
    let mut structures = Structures::default();
    let answer = GetAppConfigResponse {
        app_config: Some(wire::config(id, &document, variants, &mut structures)),
        omitted: structures.omitted(),
    };
    if answer.encoded_len() > MAX_RESPONSE_BYTES {
        let message = "the answer would have more than 4 MiB, which libraries refuse";
        return Err(Fault::Told(ErrorReason::ResponseTooLarge, message, Vec::new()));
    }
    Ok(answer)
}

/// A key of the app: its own, or else that of one of its variants.
fn key_of<'a>(slots: &[&'a AppSlot]) -> Option<&'a Secret> {
    let own = slots.iter().filter(|slot| slot.variant().is_none());
    own.chain(slots).find_map(|slot| slot.key())
}

/// The variants whose keys are in the configuration, in the order of their ids. One that its key does not
/// show is left out of the answer, and named there.
async fn variants(
    call: &ServiceCall,
    api: &dyn AppAdministration,
    id: &str,
    slots: &[&AppSlot],
) -> Vec<(String, Option<VariantDocument>)> {
    let keys: BTreeMap<&str, &Secret> =
        slots.iter().filter_map(|slot| Some((slot.variant()?, slot.key()?))).collect();
    let mut each = Vec::with_capacity(keys.len());
    for (variant, key) in keys {
        let answer = api.app(KeyOfApp { id, key }, call.issuer_timeout());
        each.push(async move {
            let document = answer.await.ok().and_then(|app| app.variant);
            (variant.to_owned(), document.filter(|document| document.id == variant))
        });
    }
    stream::iter(each).buffered(AT_ONCE).collect().await
}
