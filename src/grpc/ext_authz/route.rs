//! The route that the operator's proxy names, if it names one.
//!
//! In: the `context_extensions` of a check, and the metadata of the proxy's own route, where
//! Envoy Gateway writes the annotations of an HTTPRoute. Out: an id, or that what was said is
//! not clear. Every name counts, and two that differ are none: each of the two was meant.
//!
//! The metadata is read along the one way that leads to the annotation. Everything beside it
//! stays bytes, so a sender gains nothing by its depth or size.

use bytes::Bytes;
use prost::{DecodeError, Message};

use crate::{grpc::pb::attribute_context::ContextExtensionsEntry, model::NamedRoute};

/// The `context_extensions` key that names a route.
const ROUTE: &[u8] = b"route";

/// Envoy Gateway's namespace in the metadata of a route, what it lists there, and the
/// annotation that names a route, without the prefix `gateway.envoyproxy.io/`, which Envoy
/// Gateway asks for and takes off.
const NAMESPACE: &[u8] = b"envoy-gateway";
const RESOURCES: &[u8] = b"resources";
const ANNOTATIONS: &[u8] = b"annotations";
const ANNOTATION: &[u8] = b"rownd-authz-route";

/// Larger metadata is not read. All annotations of an object are 256 KiB at most, and only
/// those with Envoy Gateway's prefix arrive.
const MAX_METADATA_BYTES: usize = 64 * 1024;

/// The route that the check names.
pub(super) fn named_route(
    extensions: Vec<ContextExtensionsEntry>,
    metadata: Bytes,
) -> Option<NamedRoute> {
    let mut names = Names::default();
    for entry in extensions {
        if entry.key.as_ref() == ROUTE {
            names.add(entry.value);
        }
    }
    if add_annotated(metadata, &mut names).is_err() {
        return Some(NamedRoute::Unclear);
    }
    names.0
}

#[derive(Default)]
struct Names(Option<NamedRoute>);

impl Names {
    fn add(&mut self, id: Bytes) {
        let id = NamedRoute::Id(id);
        self.0 = match self.0.take() {
            None => Some(id),
            Some(known) if known == id => Some(known),
            Some(_) => Some(NamedRoute::Unclear),
        };
    }
}

/// The metadata has another shape than that of Envoy Gateway.
struct Unreadable;

impl From<DecodeError> for Unreadable {
    fn from(_: DecodeError) -> Self {
        Self
    }
}

/// Adds the names under `envoy-gateway: {resources: [{annotations: {rownd-authz-route: ID}}]}`. A
/// part that is absent names nothing; one of another type may have been meant to.
fn add_annotated(metadata: Bytes, names: &mut Names) -> Result<(), Unreadable> {
    if metadata.is_empty() {
        return Ok(());
    }
    if metadata.len() > MAX_METADATA_BYTES {
        return Err(Unreadable);
    }
    for namespace in values_of(metadata, NAMESPACE)? {
        for resources in values_of(namespace, RESOURCES)? {
            let resources = AnnotationValue::decode(resources)?.list.ok_or(Unreadable)?;
            for resource in List::decode(resources)?.values {
                let resource = AnnotationValue::decode(resource)?.fields.ok_or(Unreadable)?;
                for annotations in values_of(resource, ANNOTATIONS)? {
                    let annotations =
                        AnnotationValue::decode(annotations)?.fields.ok_or(Unreadable)?;
                    for id in values_of(annotations, ANNOTATION)? {
                        names.add(AnnotationValue::decode(id)?.text.ok_or(Unreadable)?);
                    }
                }
            }
        }
    }
    Ok(())
}

/// The values of this name in a map.
fn values_of(map: Bytes, name: &'static [u8]) -> Result<impl Iterator<Item = Bytes>, DecodeError> {
    let entries = Map::decode(map)?.entries.into_iter();
    Ok(entries.filter(move |entry| entry.name == name).map(|entry| entry.value))
}

/// `Metadata` (`filter_metadata`) and `Struct` (`fields`) have their map under the same number.
#[derive(Clone, PartialEq, Message)]
struct Map {
    #[prost(message, repeated, tag = "1")]
    entries: Vec<Entry>,
}

#[derive(Clone, PartialEq, Message)]
struct Entry {
    #[prost(bytes = "bytes", tag = "1")]
    name: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    value: Bytes,
}

/// Of `google.protobuf.Value`, the kinds that are on the way.
#[derive(Clone, PartialEq, Message)]
struct AnnotationValue {
    #[prost(bytes = "bytes", optional, tag = "3")]
    text: Option<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "5")]
    fields: Option<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "6")]
    list: Option<Bytes>,
}

/// `google.protobuf.ListValue`.
#[derive(Clone, PartialEq, Message)]
struct List {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    values: Vec<Bytes>,
}
