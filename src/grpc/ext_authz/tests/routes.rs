//! The name of a route, by `context_extensions` and by an annotation: what counts, what is no
//! name, and that what cannot be read is never taken for nothing.

use bytes::Bytes;
use envoy_types::pb::{
    envoy::config::core::v3::Metadata,
    google::protobuf::{ListValue, Struct, Value, value::Kind},
};
use proptest::prelude::*;
use prost::Message as _;

use super::{check, http};
use crate::{
    grpc::{ext_authz::request::context, pb},
    model::NamedRoute,
};

const NAMESPACE: &str = "envoy-gateway";
const ANNOTATION: &str = "rownd-authz-route";

/// The route that a check with these names.
fn named(extensions: &[&str], metadata: impl Into<Bytes>) -> Option<NamedRoute> {
    let mut check = pb::CheckRequest::decode(check(http()).encode_to_vec().as_slice()).unwrap();
    let attributes = check.attributes.as_mut().unwrap();
    let entry = |id: &&str| pb::attribute_context::ContextExtensionsEntry {
        key: Bytes::from_static(b"route"),
        value: Bytes::copy_from_slice(id.as_bytes()),
    };
    attributes.context_extensions = extensions.iter().map(entry).collect();
    attributes.route_metadata_context = metadata.into();
    context(check).unwrap().named_route
}

fn id(id: &'static str) -> Option<NamedRoute> {
    Some(NamedRoute::Id(Bytes::from_static(id.as_bytes())))
}

fn value(kind: Kind) -> Value {
    Value { kind: Some(kind) }
}

fn text(text: &str) -> Value {
    value(Kind::StringValue(text.to_owned()))
}

fn number() -> Value {
    value(Kind::NumberValue(1.0))
}

fn fields<const N: usize>(fields: [(&str, Value); N]) -> Value {
    value(Kind::StructValue(Struct { fields: fields.map(|(k, v)| (k.to_owned(), v)).into() }))
}

fn list<const N: usize>(values: [Value; N]) -> Value {
    value(Kind::ListValue(ListValue { values: values.into() }))
}

/// A resource, as Envoy Gateway writes it.
fn resource(annotations: Value) -> Value {
    fields([
        ("kind", text("HTTPRoute")),
        ("name", text("shop")),
        ("namespace", text("edge")),
        ("annotations", annotations),
    ])
}

fn route(name: &str) -> Value {
    resource(fields([("color", text("red")), (ANNOTATION, text(name))]))
}

fn of(namespace: &str, resources: Value) -> Vec<u8> {
    let Some(Kind::StructValue(content)) =
        fields([("policies", list([])), ("resources", resources)]).kind
    else {
        unreachable!()
    };
    let other = Struct { fields: [(ANNOTATION.to_owned(), text("elsewhere"))].into() };
    let filter_metadata = [(namespace.to_owned(), content), ("envoy.lb".to_owned(), other)].into();
    Metadata { filter_metadata, ..Metadata::default() }.encode_to_vec()
}

#[test]
fn an_annotation_names_a_route_as_an_extension_does() {
    let unclear = Some(NamedRoute::Unclear);
    let ours = |resources| of(NAMESPACE, resources);
    for (name, extensions, metadata, expected) in [
        ("neither", &[][..], Vec::new(), None),
        ("an annotation", &[], ours(list([route("admin")])), id("admin")),
        ("an empty one", &[], ours(list([route("")])), id("")),
        ("both, alike", &["admin"], ours(list([route("admin")])), id("admin")),
        ("both, and they differ", &["public"], ours(list([route("admin")])), unclear.clone()),
        ("an empty extension counts", &[""], ours(list([route("admin")])), unclear.clone()),
        ("two extensions, alike", &["a", "a"], Vec::new(), id("a")),
        ("two extensions that differ", &["a", "b"], Vec::new(), unclear.clone()),
        ("and a third like one of them", &["a", "b", "a"], Vec::new(), unclear.clone()),
        ("two resources, alike", &[], ours(list([route("a"), route("a")])), id("a")),
        ("two that differ", &[], ours(list([route("a"), route("b")])), unclear.clone()),
        ("one of two has a name", &[], ours(list([fields([]), route("b")])), id("b")),
        ("another namespace", &[], of("other", list([route("admin")])), None),
        ("no resource", &[], ours(list([])), None),
        ("no annotations", &["a"], ours(list([fields([("kind", text("HTTPRoute"))])])), id("a")),
        ("others alone", &[], ours(list([resource(fields([("a", text("b"))]))])), None),
        ("its place is in annotations", &[], ours(list([fields([(ANNOTATION, text("a"))])])), None),
    ] {
        assert_eq!(named(extensions, metadata), expected, "{name}");
    }
}

#[test]
fn what_cannot_be_read_is_no_route_instead_of_no_name() {
    let annotated = |id| of(NAMESPACE, list([resource(fields([(ANNOTATION, id)]))]));
    let long = "x".repeat(64 * 1024);
    for (name, metadata) in [
        ("a number", annotated(number())),
        ("nothing", annotated(Value { kind: None })),
        ("a list of names", annotated(list([text("admin")]))),
        ("a map", annotated(fields([("id", text("admin"))]))),
        ("resources are a map", of(NAMESPACE, route("admin"))),
        ("resources are text", of(NAMESPACE, text("admin"))),
        ("a resource is text", of(NAMESPACE, list([text("admin")]))),
        ("one of them is", of(NAMESPACE, list([route("admin"), number()]))),
        ("annotations are text", of(NAMESPACE, list([resource(text("admin"))]))),
        ("too large", annotated(text(&long))),
        ("not a message", vec![0xff; 8]),
        ("cut off", annotated(text("admin")).split_last().unwrap().1.to_vec()),
    ] {
        assert_eq!(named(&[], metadata.clone()), Some(NamedRoute::Unclear), "{name}");
        assert_eq!(named(&["admin"], metadata), Some(NamedRoute::Unclear), "{name}, and a name");
    }
}

/// Read as a whole, this is refused for its depth or takes a stack that no deadline bounds.
#[test]
fn what_is_beside_the_way_is_not_read_however_deep_it_is() {
    let frame = |number: u8, content: &[u8]| {
        let mut framed = vec![number << 3 | 2];
        prost::encoding::encode_varint(content.len() as u64, &mut framed);
        framed.extend_from_slice(content);
        framed
    };
    let mut deep = frame(3, b"admin");
    for _ in 0..2_000 {
        deep = frame(6, &frame(1, &deep));
    }
    let entry = [frame(1, b"deep"), frame(2, &deep)].concat();
    let beside = frame(1, &[frame(1, b"other"), frame(2, &frame(1, &entry))].concat());
    assert!(Metadata::decode(beside.as_slice()).is_err(), "the full decoder refuses it");
    assert_eq!(named(&["admin"], beside.clone()), id("admin"));
    let both = [beside, of(NAMESPACE, list([route("admin")]))].concat();
    assert_eq!(named(&[], both), id("admin"));
    let on_the_way = frame(
        1,
        &[
            frame(1, NAMESPACE.as_bytes()),
            frame(2, &frame(1, &[frame(1, b"resources"), frame(2, &deep)].concat())),
        ]
        .concat(),
    );
    assert_eq!(named(&[], on_the_way), Some(NamedRoute::Unclear));
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value { kind: None }),
        Just(number()),
        any::<bool>().prop_map(|flag| value(Kind::BoolValue(flag))),
        "[ab]{0,1}".prop_map(|id| text(&id)),
    ];
    leaf.prop_recursive(5, 24, 3, |inner| {
        let name = prop::sample::select(vec!["resources", "annotations", ANNOTATION, "kind"]);
        let name = name.prop_map(str::to_owned);
        let map = prop::collection::hash_map(name, inner.clone(), 0..3);
        prop_oneof![
            map.prop_map(|fields| value(Kind::StructValue(Struct { fields }))),
            prop::collection::vec(inner, 0..3)
                .prop_map(|values| value(Kind::ListValue(ListValue { values }))),
        ]
    })
}

/// Mostly of the right shape.
fn any_metadata() -> impl Strategy<Value = Metadata> {
    let odd = |strategy: BoxedStrategy<Value>| prop_oneof![9 => strategy, 1 => any_value()].boxed();
    let map = |name: &'static str, inner: BoxedStrategy<Value>| {
        prop::option::weighted(0.8, inner).prop_map(move |inner| {
            let fields = inner.map(|inner| (name.to_owned(), inner)).into_iter().collect();
            value(Kind::StructValue(Struct { fields }))
        })
    };
    let annotations = map(ANNOTATION, odd("[ab]{0,1}".prop_map(|id| text(&id)).boxed()));
    let resource = map("annotations", odd(annotations.boxed()));
    let resources = prop::collection::vec(odd(resource.boxed()), 0..4)
        .prop_map(|values| value(Kind::ListValue(ListValue { values })));
    let namespace = map("resources", odd(resources.boxed()));
    let name = prop::sample::select(vec![NAMESPACE, "other"]).prop_map(str::to_owned);
    prop::collection::hash_map(name, namespace, 0..3).prop_map(|namespaces| Metadata {
        filter_metadata: namespaces
            .into_iter()
            .filter_map(|(name, namespace)| match namespace.kind {
                Some(Kind::StructValue(namespace)) => Some((name, namespace)),
                _ => None,
            })
            .collect(),
        ..Metadata::default()
    })
}

/// The names in it by the full decoder; `None` where something is of a wrong kind.
fn oracle(metadata: &Metadata) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let Some(namespace) = metadata.filter_metadata.get(NAMESPACE) else { return Some(names) };
    let Some(resources) = namespace.fields.get("resources") else { return Some(names) };
    let Some(Kind::ListValue(resources)) = &resources.kind else { return None };
    for resource in &resources.values {
        let Some(Kind::StructValue(resource)) = &resource.kind else { return None };
        let Some(annotations) = resource.fields.get("annotations") else { continue };
        let Some(Kind::StructValue(annotations)) = &annotations.kind else { return None };
        let Some(id) = annotations.fields.get(ANNOTATION) else { continue };
        let Some(Kind::StringValue(id)) = &id.kind else { return None };
        names.push(id.clone());
    }
    Some(names)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_way_through_the_metadata_is_that_of_the_full_decoder(
        metadata in any_metadata(),
        extension in prop::option::of("[ab]{0,1}"),
    ) {
        let found = named(extension.as_deref().as_slice(), metadata.encode_to_vec());
        let expected = oracle(&metadata).map(|names| {
            let mut names: Vec<_> = names.into_iter().chain(extension).collect();
            names.sort();
            names.dedup();
            names
        });
        match expected.as_deref() {
            Some([]) => prop_assert_eq!(found, None),
            Some([name]) => prop_assert_eq!(found, Some(NamedRoute::Id(name.clone().into()))),
            _ => prop_assert_eq!(found, Some(NamedRoute::Unclear)),
        }
    }

    #[test]
    fn damaged_metadata_never_panics(metadata in any_metadata(), at: prop::sample::Index, to: u8) {
        let mut wire = metadata.encode_to_vec();
        if !wire.is_empty() {
            let at = at.index(wire.len());
            wire[at] = to;
        }
        let _ = named(&[], wire);
    }
}
