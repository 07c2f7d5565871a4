//! The additions of the steps after a permit to an allowed request, as Envoy reads them.

use envoy_types::pb::envoy::{
    config::core::v3::header_value_option::HeaderAppendAction,
    service::auth::v3::check_response::HttpResponse,
};

use super::{
    answers::{allow_with, encode, encoder, headers_of, identity_edits},
    outer,
};
use crate::{
    authz::RequestEdits,
    model::{QueryEdits, ResponseEdits},
};

/// Every change that the injector and the steps after a permit can make.
pub(super) fn edits_of_everything() -> (RequestEdits, ResponseEdits) {
    let request = RequestEdits {
        headers: vec![("x-rownd-token".into(), "signed".into())],
        query: QueryEdits {
            set: vec![("page".into(), "1".into())],
            remove: vec!["access_token".into()],
        },
        remove: vec!["x-plan".into()],
        ..identity_edits()
    };
    let response = ResponseEdits {
        headers: vec![("x-session".into(), "renewed".into())],
        cookies: vec!["a=1".to_owned(), "b=2".to_owned()],
    };
    (request, response)
}

#[test]
#[expect(deprecated, reason = "released Envoys obey `append`, later ones `append_action`")]
fn an_allow_carries_what_the_steps_after_the_permit_add() {
    let answer = encode(&encoder(), &allow_with(edits_of_everything()));
    assert_eq!(outer(&answer), 0);
    let Some(HttpResponse::OkResponse(ok)) = &answer.http_response else { panic!("{answer:?}") };
    let set = headers_of(&ok.headers);
    assert_eq!(set["x-rownd-token"], "signed");
    assert_eq!(set["x-rownd-user-id"], "user_1");
    assert_eq!(set.len(), 3);
    let query = &ok.query_parameters_to_set;
    let query: Vec<_> = query.iter().map(|one| (one.key.as_str(), one.value.as_str())).collect();
    assert_eq!(query, [("page", "1")]);
    assert_eq!(ok.query_parameters_to_remove, ["access_token"]);
    assert!(ok.headers_to_remove.iter().any(|name| name == "x-plan"), "{answer:?}");
    let told = ok.response_headers_to_add.iter().map(|option| {
        let header = option.header.as_ref().unwrap();
        let append = option.append.as_ref().unwrap().value;
        (header.key.as_str(), header.value.as_str(), append, option.append_action())
    });
    let told = told.collect::<Vec<_>>();
    let overwrite = HeaderAppendAction::OverwriteIfExistsOrAdd;
    let append = HeaderAppendAction::AppendIfExistsOrAdd;
    assert_eq!(
        told,
        [
            ("x-session", "renewed", false, overwrite),
            ("set-cookie", "a=1", true, append),
            ("set-cookie", "b=2", true, append),
        ]
    );
}
