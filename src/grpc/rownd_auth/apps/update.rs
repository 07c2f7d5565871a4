//! `UpdateCustomClaims`: a change of the claims that an app adds to access tokens.

use std::sync::Arc;

use serde_json::{Map, Value as Json};
use tonic::Status;

use super::{claims, refused};
use crate::{
    config::{Right, Secret},
    grpc::{
        pb::rownd::auth::v1::{UpdateCustomClaimsRequest, UpdateCustomClaimsResponse},
        rownd_auth::{
            administered::{choose, named},
            call::ServiceCall,
            etag,
            fault::Fault,
            reason::ErrorReason,
            structure::Structures,
            target::choose_app,
            update_mask::{DottedNames, Updatable, UpdateMask},
            writes::Write,
        },
    },
    issuer_api::administration::apps::{
        AppAdministration, ClaimsChange, OperatedApp, OperatorOfApp, claims_of,
    },
};

const CLAIMS: &str = "custom_claims";
const UPDATABLE: Updatable = Updatable { fields: &[CLAIMS], with_members: &[CLAIMS] };
const NO_OPERATOR: &str = "the key and the secret of an app can read its configuration and not change \
                           it: write the token of an operator of Rownd's platform as operator_token \
                           of the app (issuers[].apps[])";

pub(super) async fn update(
    call: &Arc<ServiceCall>,
    request: UpdateCustomClaimsRequest,
) -> Result<UpdateCustomClaimsResponse, Status> {
    let place = Operated::of(call, &request)?;
    let change = Change::of(&request)?;
    let write = Write {
        method: "UpdateCustomClaims",
        subject: format!("app {}: custom claims", place.app),
        request_id: "",
        request: &request,
    };
    let (tag, timeout) = (request.etag.clone(), call.issuer_timeout());
    call.write(write, async move {
        let operator = OperatorOfApp { id: &place.app, token: &place.token };
        let known = place.api.operated(operator, timeout).await;
        let known = known.map_err(|error| refused::of(false, error))?;
        let now = claims_of(&known.config);
        etag::check(&tag, &claims::etag_of(&now))?;
        let changed = change.members(&now);
        let change = ClaimsChange { known: &known.config, changed: &changed };
        let after = place.api.change_claims(operator, change, timeout).await;
        Ok(answer(&after.map_err(|error| refused::of(true, error))?))
    })
    .await
}

fn answer(app: &OperatedApp) -> UpdateCustomClaimsResponse {
    let mut structures = Structures::default();
    let claims = claims_of(&app.config);
    UpdateCustomClaimsResponse {
        custom_claims_etag: claims::etag_of(&claims),
        custom_claims: claims::wire(&claims, &mut structures),
        omitted: structures.omitted(),
    }
}

/// An app, and the operator who may change it. It owns what it needs, because a change outlives its
/// call.
#[derive(Debug)]
struct Operated {
    api: Arc<dyn AppAdministration>,
    app: String,
    token: Secret,
}

impl Operated {
    fn of(call: &ServiceCall, request: &UpdateCustomClaimsRequest) -> Result<Self, Fault> {
        let (issuer, app) = (request.issuer.as_deref(), request.app_id.as_deref());
        let right = Right::ManageApp;
        let (issuer, api) =
            choose(call, right, issuer.unwrap_or_default(), |api| api.apps.as_ref())?;
        let (id, slots) = choose_app(call, right, issuer, named(app.unwrap_or_default()))?;
        let token = slots
            .iter()
            .find_map(|slot| slot.operator_token())
            .ok_or(Fault::Unsupported(ErrorReason::OperatorTokenMissing, NO_OPERATOR))?;
        Ok(Self { api: api.clone(), app: id.to_owned(), token: token.clone() })
    }
}

/// A change of the claims of an app.
#[derive(Debug)]
struct Change {
    /// Claims with their new values; `null` removes one.
    changed: Map<String, Json>,
    /// All other claims are removed.
    all: bool,
}

impl Change {
    fn of(request: &UpdateCustomClaimsRequest) -> Result<Self, Fault> {
        let mask = UpdateMask::of(request.update_mask.clone(), UPDATABLE)?;
        let given = claims::written(&request.custom_claims)?;
        mask.check_whole(CLAIMS, &given, DottedNames::Usual)?;
        let named: Vec<&str> = mask.members(CLAIMS).collect();
        let all = mask.writes(CLAIMS, false);
        if all || (named.is_empty() && mask.writes(CLAIMS, true)) {
            if given.is_empty() && !all {
                return Err(Fault::field(CLAIMS, "has no claim that changes anything"));
            }
            return Ok(Self { changed: given, all });
        }
        let one = |name: &str| (name.to_owned(), given.get(name).cloned().unwrap_or_default());
        Ok(Self { changed: named.into_iter().map(one).collect(), all: false })
    }

    /// The claims to write, by those that are there now.
    fn members(self, now: &Map<String, Json>) -> Map<String, Json> {
        let Self { changed, all } = self;
        let gone = now.keys().filter(|name| all && !changed.contains_key(*name));
        let gone: Vec<_> = gone.map(|name| (name.clone(), Json::Null)).collect();
        changed.into_iter().chain(gone).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use prost_types::FieldMask;
    use serde_json::{Value as Json, json};

    use super::{Change, UpdateCustomClaimsRequest};
    use crate::grpc::pb::rownd::auth::v1::{CustomClaim, custom_claim::Source};

    /// The claims that are sent for this mask, with the claim `a` in the message, where `a` and `b` are there.
    fn changed(mask: Option<&[&str]>, given: &[&str]) -> Option<Json> {
        let claim = |name: &&str| {
            let source = Some(Source::UserProfileField("plan".to_owned()));
            ((*name).to_owned(), CustomClaim { source })
        };
        let paths = |paths: &[&str]| FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        };
        let request = UpdateCustomClaimsRequest {
            custom_claims: given.iter().map(claim).collect::<HashMap<_, _>>(),
            update_mask: mask.map(paths),
            ..UpdateCustomClaimsRequest::default()
        };
        let now = json!({ "a": 1, "b": 2 }).as_object().unwrap().clone();
        Some(Json::Object(Change::of(&request).ok()?.members(&now)))
    }

    #[test]
    fn a_mask_says_which_claims_change() {
        let claim = json!({ "source": "user_profile", "value": "plan" });
        for (mask, given, expected) in [
            (None, &["a"][..], Some(json!({ "a": claim }))),
            (None, &["c"], Some(json!({ "c": claim }))),
            (None, &[], None),
            (Some(&["custom_claims"][..]), &["a"], Some(json!({ "a": claim, "b": null }))),
            (Some(&["custom_claims"]), &[], Some(json!({ "a": null, "b": null }))),
            (Some(&["custom_claims.b"]), &["a"], Some(json!({ "b": null }))),
            (Some(&["custom_claims.a"]), &["a", "c"], Some(json!({ "a": claim }))),
            (Some(&["custom_claims.https://x.y/z"]), &[], Some(json!({ "https://x.y/z": null }))),
            // A claim that should never have been there can be removed, and not be set.
            (Some(&["custom_claims.sub"]), &[], Some(json!({ "sub": null }))),
            (Some(&["custom_claims.sub"]), &["sub"], None),
            (Some(&["custom_claims.a.value"]), &["a"], None),
            (Some(&["*"]), &["a"], None),
            (Some(&["config"]), &["a"], None),
            (None, &["sub"], None),
            (None, &["https://auth.rownd.io/x"], None),
        ] {
            assert_eq!(changed(mask, given), expected, "{mask:?} {given:?}");
        }
    }
}
