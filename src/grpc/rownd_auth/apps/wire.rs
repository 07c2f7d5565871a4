//! The description of an app by its issuer, as a message.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

use super::claims;
use crate::{
    grpc::{
        pb::rownd::auth::v1::{AppConfig, AppVariant, SchemaField},
        rownd_auth::structure::Structures,
    },
    issuer_api::administration::apps::{AppDocument, VariantDocument, claims_of},
};

/// The members of a field that have a place of their own in a message.
const OF_FIELD: [&str; 3] = ["display_name", "type", "required"];

/// The configuration of an app. Of a variant whose document did not come there is only the id.
pub(super) fn config(
    id: &str,
    document: &AppDocument,
    variants: Vec<(String, Option<VariantDocument>)>,
    structures: &mut Structures,
) -> AppConfig {
    let custom_claims = claims_of(&document.config);
    AppConfig {
        app_id: id.to_owned(),
        name: document.name.clone(),
        icon: document.icon.clone(),
        schema: schema(&document.schema, structures),
        verification_fields: document.verification_fields.clone(),
        custom_claims_etag: claims::etag_of(&custom_claims),
        custom_claims: claims::wire(&custom_claims, structures),
        variants: variants
            .into_iter()
            .map(|(id, document)| variant(id, document, structures))
            .collect(),
        config: Some(structures.make("config", &document.config)),
    }
}

fn schema(fields: &Map<String, Json>, structures: &mut Structures) -> HashMap<String, SchemaField> {
    let mut shown = HashMap::with_capacity(fields.len());
    for (name, field) in fields {
        let Some(field) = field.as_object() else {
            structures.leave_out(format!("schema.{name}"));
            continue;
        };
        let text = |member: &str| field.get(member).and_then(Json::as_str).unwrap_or_default();
        let more = field.iter().filter(|(member, _)| !OF_FIELD.contains(&member.as_str()));
        shown.insert(
            name.clone(),
            SchemaField {
                display_name: text("display_name").to_owned(),
                r#type: text("type").to_owned(),
                required: field.get("required").and_then(Json::as_bool).unwrap_or_default(),
                more: Some(structures.make(&format!("schema.{name}"), more)),
            },
        );
    }
    shown
}

fn variant(
    id: String,
    document: Option<VariantDocument>,
    structures: &mut Structures,
) -> AppVariant {
    match document {
        Some(VariantDocument { name, config, .. }) => {
            let config = structures.make(&format!("variants.{id}.config"), &config);
            AppVariant { id, name, config: Some(config) }
        }
        None => {
            structures.leave_out(format!("variants.{id}"));
            AppVariant { id, ..AppVariant::default() }
        }
    }
}
