//! The metadata of a user who has several ids, as Rownd's plugin puts them together.
//!
//! In: the record of a user. Out: one set of metadata. The core's own id counts most; of the imported
//! profiles the one of the user's id in Rownd counts.

use serde_json::{Map, Value};

use super::{
    fields::{authoritative, is_identity, is_internal},
    record::{Metadata, ORIGINAL, UserRecord, object},
};

/// The attribute with the variants of the app that a user belongs to.
const VARIANTS: &str = "rownd:app_variants";

/// All metadata of the user.
pub(super) fn combined(record: &UserRecord) -> Map<String, Value> {
    let UserRecord { primary, external_id, linked, .. } = record;
    let is_of_rownd = |metadata: &Metadata| {
        external_id.is_some() && metadata.original_id().as_deref() == external_id.as_deref()
    };
    let mut linked: Vec<&Metadata> = linked.iter().collect();
    linked.sort_by_key(|metadata| (!is_of_rownd(metadata), metadata.id.clone()));
    let mut all = primary.members.clone();
    let own = authoritative(&primary.members);
    for metadata in &linked {
        for (name, value) in &metadata.members {
            if !is_internal(name) && !own.contains(name) {
                add_missing(&mut all, name, value);
            }
        }
    }
    let is_source = primary.original_id().is_some()
        && (external_id.is_none()
            || is_of_rownd(primary)
            || !linked.iter().any(|l| is_of_rownd(l)));
    let source = if is_source {
        primary
    } else {
        let of_rownd = linked.iter().find(|metadata| is_of_rownd(metadata));
        let any = || linked.iter().find(|metadata| metadata.original_id().is_some());
        of_rownd.or_else(any).copied().unwrap_or(primary)
    };
    let each: Vec<&Metadata> =
        [source, primary].into_iter().chain(linked.iter().copied()).collect();
    let original = original(source, &each);
    if !original.is_empty() {
        all.insert(ORIGINAL.to_owned(), Value::Object(original));
    }
    all
}

/// Adds a member that is missing, and the missing members of one that is there.
fn add_missing(to: &mut Map<String, Value>, name: &str, value: &Value) {
    match (to.get_mut(name), value) {
        (None, value) => drop(to.insert(name.to_owned(), value.clone())),
        (Some(Value::Object(known)), Value::Object(more)) => {
            for (name, value) in more {
                add_missing(known, name, value);
            }
        }
        (Some(_), _) => {}
    }
}

/// The imported profile, with the fields that other copies of the same profile have, and with the
/// variants of all.
fn original(source: &Metadata, each: &[&Metadata]) -> Map<String, Value> {
    let mut original = source.original();
    if original.is_empty() {
        return original;
    }
    if let Some(id) = source.original_id() {
        let mut data = object(original.get("data"));
        for copy in each.iter().filter(|metadata| metadata.original_id().as_ref() == Some(&id)) {
            for (name, value) in object(copy.original().get("data")) {
                if !is_identity(&name) {
                    data.entry(name).or_insert(value);
                }
            }
        }
        original.insert("data".to_owned(), Value::Object(data));
    }
    let mut variants: Vec<Value> = Vec::new();
    for metadata in each {
        let attributes = object(metadata.original().get("attributes"));
        let named = match attributes.get(VARIANTS) {
            Some(Value::String(one)) => vec![Value::String(one.clone())],
            Some(Value::Array(some)) => some.clone(),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {
                vec![]
            }
        };
        for variant in named.into_iter().filter(Value::is_string) {
            if !variants.contains(&variant) {
                variants.push(variant);
            }
        }
    }
    if !variants.is_empty() {
        let mut attributes = object(original.get("attributes"));
        attributes.insert(VARIANTS.to_owned(), Value::Array(variants));
        original.insert("attributes".to_owned(), Value::Object(attributes));
    }
    original
}
