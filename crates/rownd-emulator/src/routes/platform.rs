//! An app as a platform operator sees it: its configuration, which key and secret cannot write, and its
//! variants.
//!
//! In: the access token of an operator, who is a user of Rownd's own app. Out: the app. A change of
//! custom claims, audience and refresh tokens is in the tokens that are issued afterwards; other
//! members of `config` are kept and shown.

use std::{collections::BTreeMap, sync::Arc};

use axum::{extract::State as Shared, http::HeaderMap};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    access, public,
    request::{ApiError, ApiResult, JsonBody, PathParams, bad_request, ok},
};
use crate::{
    data::{
        apps::{App, ClaimSource, CustomClaim, Variant},
        fields,
        merge::merge,
    },
    state::State,
};

/// The members below `config` that change the tokens. Rownd's specification writes them below `hub`,
/// some of its tools without it.
const AUTH: [&[&str]; 2] = [&["hub", "auth"], &["auth"]];

pub(super) async fn read(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams(app): PathParams<String>,
) -> ApiResult {
    access::by_operator(&state, &headers)?;
    ok(public::app_json(&state.records().app(&app)?.app))
}

/// A change of an app.
#[derive(Deserialize)]
pub(super) struct AppPatch {
    name: Option<String>,
    #[serde(default)]
    config: Map<String, Value>,
}

pub(super) async fn patch(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams(app): PathParams<String>,
    body: JsonBody<AppPatch>,
) -> ApiResult {
    access::by_operator(&state, &headers)?;
    let patch = body.read()?;
    let mut records = state.records_mut();
    let app = &mut records.app_mut(&app)?.app;
    // All or nothing: a patch with a mistake changes no member.
    let mut changed = app.clone();
    apply(&mut changed, patch)?;
    let shown = public::app_json(&changed);
    *app = changed;
    ok(shown)
}

fn apply(app: &mut App, patch: AppPatch) -> Result<(), ApiError> {
    if let Some(name) = patch.name {
        if name.trim().is_empty() {
            return Err(bad_request("`name` is empty"));
        }
        app.name = name;
    }
    let mut config = Value::Object(patch.config);
    for path in AUTH {
        let Some(auth) = path.iter().try_fold(&mut config, |node, name| node.get_mut(*name)) else {
            continue;
        };
        let Some(auth) = auth.as_object_mut() else {
            return Err(bad_request(format!("`config.{}` is not an object", path.join("."))));
        };
        if let Some(audience) = auth.remove("audience") {
            app.audience = serde_json::from_value(audience)
                .map_err(|_| bad_request("`audience` is a list of strings"))?;
        }
        if let Some(Value::Object(rules)) = auth.remove("refresh_tokens") {
            let mut all = json!(app.refresh_tokens);
            merge(&mut all, Value::Object(rules));
            app.refresh_tokens = serde_json::from_value(all)
                .map_err(|error| bad_request(format!("`refresh_tokens`: {error}")))?;
        }
        let claims = auth
            .get_mut("access_tokens")
            .and_then(Value::as_object_mut)
            .and_then(|tokens| tokens.remove("custom_claims"));
        if let Some(claims) = claims {
            app.custom_claims = custom_claims(app, claims)?;
        }
    }
    let mut kept = Value::Object(std::mem::take(&mut app.patched_config));
    merge(&mut kept, config);
    if let Value::Object(kept) = kept {
        app.patched_config = kept;
    }
    Ok(())
}

/// The new map of custom claims, which replaces the former one. A claim that is `null` is left out.
fn custom_claims(app: &App, written: Value) -> Result<BTreeMap<String, CustomClaim>, ApiError> {
    let Value::Object(written) = written else {
        return Err(bad_request("`custom_claims` is a map of claims by name"));
    };
    let given = written.into_iter().filter(|(_, claim)| !claim.is_null());
    given
        .map(|(name, claim)| {
            let claim: CustomClaim = serde_json::from_value(claim)
                .map_err(|error| bad_request(format!("`custom_claims.{name}`: {error}")))?;
            let fits = match claim.source {
                ClaimSource::UserProfile => {
                    claim.value.as_str().is_some_and(|field| fields::known(app, field))
                }
                ClaimSource::StaticValue => {
                    claim.value.is_string() || claim.value.is_number() || claim.value.is_boolean()
                }
            };
            if fits {
                return Ok((name, claim));
            }
            let wanted = match claim.source {
                ClaimSource::UserProfile => "the name of a field of the schema",
                ClaimSource::StaticValue => "text, a number, true or false",
            };
            Err(bad_request(format!("`custom_claims.{name}.value` has to be {wanted}")))
        })
        .collect()
}

/// The variants. Key and secret do not show them.
pub(super) async fn variants(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams(app): PathParams<String>,
) -> ApiResult {
    access::by_operator(&state, &headers)?;
    let records = state.records();
    let variants: Vec<Value> = records.app(&app)?.app.variants.iter().map(variant_json).collect();
    ok(json!({ "total_results": variants.len(), "results": variants }))
}

fn variant_json(variant: &Variant) -> Value {
    json!({ "id": variant.id, "name": variant.name, "config": {} })
}
