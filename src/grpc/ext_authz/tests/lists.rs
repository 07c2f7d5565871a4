//! The tenant and the lists of an identity in the metadata of an allowed request.

use std::sync::Arc;

use envoy_types::pb::{envoy::service::auth::v3::CheckResponse, google::protobuf::value::Kind};

use super::{
    answers::{encode, encoder, facts},
    metadata,
};
use crate::{
    authz::{Allowance, IdentityHeaders, ListHeader, RequestEdits, Verdict},
    model::{
        AllowReason, AuthLevel, CallerProtocol, DenyReason, IdentityFacts, QueryEdits,
        ResponseEdits,
    },
    verify::Identity,
};

fn texts(items: &[&str]) -> Vec<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

fn identity() -> Identity {
    Identity::for_test(IdentityFacts {
        tenant: Some("acme \u{fc}".to_owned()),
        roles: texts(&["a,b", "c d"]),
        groups: texts(&["staff"]),
        scopes: texts(&["read", ""]),
        ..IdentityFacts::new("user_1".to_owned(), "one".into(), AuthLevel::Verified)
    })
}

/// The list of this name in the metadata.
fn list<'a>(answer: &'a CheckResponse, name: &str) -> Option<Vec<&'a str>> {
    let value = answer.dynamic_metadata.as_ref().unwrap().fields.get(name)?;
    let Some(Kind::ListValue(list)) = &value.kind else { panic!("{name}: {value:?}") };
    let texts = list.values.iter().map(|item| match &item.kind {
        Some(Kind::StringValue(text)) => text.as_str(),
        other => panic!("{name}: {other:?}"),
    });
    Some(texts.collect())
}

fn allowed(set: &[&'static str], omitted: Vec<ListHeader>) -> CheckResponse {
    let set = set.iter().map(|name| (*name, "x".into())).collect();
    let mut headers = IdentityHeaders::new(set, Vec::new());
    headers.omitted = omitted;
    let request = RequestEdits {
        identity: Arc::new(headers),
        spoofed: Vec::new(),
        remove: Vec::new(),
        headers: Vec::new(),
        query: QueryEdits::default(),
    };
    let mut facts = facts(CallerProtocol::Http);
    facts.identity = Some(Arc::new(identity()));
    let (reason, response) = (AllowReason::Authenticated, ResponseEdits::default());
    let allowance = Allowance::for_test(reason, request, response, facts);
    encode(&encoder(), &Verdict::Allow(allowance))
}

#[test]
fn the_lists_whose_headers_are_set_are_in_the_metadata_item_by_item() {
    let all = ["x-rownd-roles", "x-rownd-groups", "x-rownd-scopes"];
    let answer = allowed(&all, Vec::new());
    assert_eq!(metadata(&answer, "tenant"), Some("acme%20%C3%BC"));
    assert_eq!(list(&answer, "roles"), Some(vec!["a,b", "c%20d"]));
    assert_eq!(list(&answer, "groups"), Some(vec!["staff"]));
    assert_eq!(list(&answer, "scopes"), Some(vec!["read", ""]));
    assert_eq!(list(&answer, "omitted_headers"), None);
}

#[test]
fn a_list_that_is_left_out_is_named_and_not_repeated() {
    let answer = allowed(&["x-rownd-roles"], vec![ListHeader::Groups, ListHeader::Scopes]);
    assert_eq!(list(&answer, "roles"), Some(vec!["a,b", "c%20d"]));
    for name in ["groups", "scopes"] {
        assert_eq!(list(&answer, name), None, "{name}");
    }
    let names = vec!["x-rownd-groups", "x-rownd-scopes"];
    assert_eq!(list(&answer, "omitted_headers"), Some(names));
}

#[test]
fn a_denial_has_the_tenant_and_no_list() {
    let mut facts = facts(CallerProtocol::Http);
    facts.identity = Some(Arc::new(identity()));
    let answer = encode(&encoder(), &Verdict::denied(DenyReason::AuthLevelTooLow.into(), facts));
    assert_eq!(metadata(&answer, "tenant"), Some("acme%20%C3%BC"));
    for name in ["roles", "groups", "scopes", "omitted_headers"] {
        assert_eq!(list(&answer, name), None, "{name}");
    }
}
