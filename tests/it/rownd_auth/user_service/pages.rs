//! `ListUsers`: pages, filters, masks, and lists that are too large.

use std::collections::BTreeSet;

use prost_types::FieldMask;
use rownd_authz::grpc::pb::rownd::auth::v1::{BatchUpsertUsersRequest, ListUsersRequest, User};
use rownd_emulator::{Endpoint, Fault};
use serde_json::{Value, json};
use tonic::Code;

use super::{Rig, create, ids, keeper, list, rig, rig_with, structure, texts};
use crate::it::rownd_auth::{assert_field, said};

/// 25 users more than the three of the seed.
async fn many(rig: &Rig) {
    let users = (0..25).map(|number| User {
        id: format!("user_{number:02}"),
        data: structure(json!({ "plan": "free" })),
        ..User::default()
    });
    let request = BatchUpsertUsersRequest { users: users.collect(), ..Default::default() };
    keeper(rig).batch_upsert_users(request).await.unwrap();
}

fn size(page_size: i32) -> ListUsersRequest {
    ListUsersRequest { page_size, ..ListUsersRequest::default() }
}

/// The ids of all pages, in order.
async fn all(rig: &Rig, first: ListUsersRequest) -> Vec<String> {
    let (mut found, mut token) = (Vec::new(), String::new());
    for _ in 0..100 {
        let request = ListUsersRequest { page_token: token, ..first.clone() };
        let page = list(rig, request).await.unwrap();
        assert!(page.users.len() <= usize::try_from(first.page_size).unwrap());
        found.extend(ids(&page));
        token = page.next_page_token;
        if token.is_empty() {
            return found;
        }
    }
    panic!("the list does not end: {found:?}");
}

fn rows(ids: &[&str]) -> String {
    let rows: Vec<Value> = ids.iter().map(|id| json!({ "rownd_user": id })).collect();
    json!({ "total_results": 100, "results": rows }).to_string()
}

#[tokio::test]
async fn pages_one_after_the_other_have_every_user_once() {
    for after in ["exclusive", "inclusive"] {
        let rig = rig_with(|settings| {
            settings["issuers"][0]["api_answers"] = json!({ "after": after });
        })
        .await;
        many(&rig).await;
        let whole = list(&rig, size(1000)).await.unwrap();
        assert_eq!((whole.users.len(), whole.total_size), (28, Some(28)), "{after}");
        assert_eq!(whole.next_page_token, "", "{after}");
        let mut expected = ids(&whole);
        for page_size in [1, 4, 7, 27, 28, 29] {
            assert_eq!(all(&rig, size(page_size)).await, expected, "{after} {page_size}");
        }
        expected.reverse();
        let down = ListUsersRequest { order_by: "id desc".to_owned(), ..size(5) };
        assert_eq!(all(&rig, down).await, expected, "{after}, in descending order");
    }
}

/// Without a size, and with one that is too large.
#[tokio::test]
async fn a_page_has_up_to_1000_users() {
    let rig = rig().await;
    let users = (0..1_000).map(|number| User {
        id: format!("u{number:04}"),
        data: structure(json!({ "plan": "free" })),
        ..User::default()
    });
    let request = BatchUpsertUsersRequest { users: users.collect(), ..Default::default() };
    keeper(&rig).batch_upsert_users(request).await.unwrap();
    assert_eq!(list(&rig, size(0)).await.unwrap().users.len(), 100);
    for asked in [1_000, 1_001, i32::MAX] {
        let page = list(&rig, size(asked)).await.unwrap();
        assert_eq!(page.users.len(), 1_000, "{asked}");
        assert!(!page.next_page_token.is_empty(), "three more");
    }
    assert_eq!(all(&rig, size(1_000)).await.len(), 1_003);
    assert_field(list(&rig, size(-1)).await, "page_size");
}

/// A server whose pages begin with the row of `after`, while the setting says that they do not.
#[tokio::test]
async fn a_repeated_row_is_left_out() {
    let rig = rig().await;
    let body = |ids: &[&str]| {
        let fault = Fault::body(Endpoint::UserList, rows(ids)).times(1);
        rig.controls.inject(fault).unwrap();
    };
    body(&["a", "b"]);
    let first = list(&rig, size(2)).await.unwrap();
    let second = ListUsersRequest { page_token: first.next_page_token, ..size(2) };
    body(&["b", "c"]);
    let page = list(&rig, second.clone()).await.unwrap();
    assert_eq!(ids(&page), ["c"]);
    // One that never comes further says so, instead of a list without an end.
    body(&["b"]);
    let first = ListUsersRequest { page_size: 1, ..second };
    said(list(&rig, first).await).is(Code::Internal, "ROWND_ANSWER_INVALID");
}

#[tokio::test]
async fn a_page_token_is_for_the_same_list() {
    let rig = rig().await;
    many(&rig).await;
    let token = list(&rig, size(2)).await.unwrap().next_page_token;
    let with = |change: fn(&mut ListUsersRequest)| {
        let mut request = ListUsersRequest { page_token: token.clone(), ..size(2) };
        change(&mut request);
        request
    };
    type Change = fn(&mut ListUsersRequest);
    let changes: [(&str, Change); 4] = [
        ("another order", |request| request.order_by = "id desc".to_owned()),
        ("a filter by ids", |request| request.user_ids = vec!["ann".to_owned()]),
        ("a filter by values", |request| request.verified_values = vec!["ann".to_owned()]),
        ("another token", |request| request.page_token.insert(0, 'A')),
    ];
    for (name, change) in changes {
        println!("{name}");
        assert_field(list(&rig, with(change)).await, "page_token");
    }
    for token in ["x", "user_01", "\u{e4}", " ", &"A".repeat(10_000)] {
        let request = ListUsersRequest { page_token: token.to_owned(), ..size(2) };
        assert_field(list(&rig, request).await, "page_token");
    }
    // Another size, another mask and the issuer by its name are the same list.
    let same = with(|request| {
        request.page_size = 3;
        request.issuer = "rownd".to_owned();
        request.read_mask = Some(FieldMask { paths: vec!["id".to_owned()] });
    });
    assert_eq!(list(&rig, same).await.unwrap().users.len(), 3);
}

#[tokio::test]
async fn filters_name_users_and_proved_values() {
    let rig = rig().await;
    create(&rig, "claimer", json!({ "email": "ann@example.com" })).await;
    create(&rig, "\u{65e5}\u{672c} & co", json!({})).await;
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    for (name, user_ids, verified_values, expected) in [
        ("one id", texts(&["ann"]), vec![], vec!["ann"]),
        ("two ids", texts(&["greg", "ann"]), vec![], vec!["ann", "greg"]),
        ("nobody", texts(&["nobody"]), vec![], vec![]),
        ("an odd id", texts(&["\u{65e5}\u{672c} & co"]), vec![], vec!["\u{65e5}\u{672c} & co"]),
        ("a proved address", vec![], texts(&["Ann@example.com"]), vec!["ann"]),
        ("two values", vec![], texts(&["x@y.test", "ann@example.com"]), vec!["ann"]),
        ("both", texts(&["greg"]), texts(&["ann@example.com"]), vec![]),
    ] {
        let is_by_value = !verified_values.is_empty();
        let request = ListUsersRequest { user_ids, verified_values, ..size(10) };
        let page = list(&rig, request).await.unwrap();
        assert_eq!(ids(&page), expected, "{name}");
        assert_eq!(page.total_size.is_none(), is_by_value, "{name}");
    }
    for odd in ["", " ", "a,b", ",", "a ", "a\nb", "\0"] {
        let request = ListUsersRequest { user_ids: texts(&["ann", odd]), ..size(10) };
        assert_field(list(&rig, request).await, "user_ids");
        let request = ListUsersRequest { verified_values: texts(&[odd]), ..size(10) };
        assert_field(list(&rig, request).await, "verified_values");
    }
    let many = ListUsersRequest { user_ids: vec!["x".to_owned(); 101], ..size(10) };
    assert_field(list(&rig, many).await, "user_ids");
    let long = ListUsersRequest { verified_values: vec!["x".repeat(4_097)], ..size(10) };
    assert_field(list(&rig, long).await, "verified_values");
    let order = ListUsersRequest { order_by: "email".to_owned(), ..size(10) };
    assert_field(list(&rig, order).await, "order_by");
}

#[tokio::test]
async fn a_mask_says_how_much_of_each_user() {
    let rig = rig().await;
    let masked = |paths: &[&str]| ListUsersRequest {
        user_ids: vec!["ann".to_owned()],
        read_mask: Some(FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() }),
        ..size(10)
    };
    let one = async |paths: &[&str]| list(&rig, masked(paths)).await.unwrap().users.remove(0);
    assert_eq!(one(&["id"]).await, User { id: "ann".to_owned(), ..User::default() });
    let some = one(&["data.plan", "state"]).await;
    assert_eq!(texts(some.data.as_ref()).into_keys().collect::<Vec<_>>(), ["plan"]);
    assert_eq!((some.id.as_str(), some.meta, some.etag.as_str()), ("", None, ""));
    let whole = one(&[]).await;
    assert!(whole.etag.starts_with("W/\"") && whole.data.is_some() && whole.meta.is_some());
    // The etag is that of the whole user, however little of it is shown.
    assert_eq!(one(&["etag", "data.plan"]).await.etag, whole.etag);
    for path in ["*.x", "email", "data.", "", "id.x", "users"] {
        assert_field(list(&rig, masked(&[path])).await, "read_mask");
    }
}

/// The most that gRPC's libraries take is 4 MiB, and 8 MiB is the most that is read of an answer.
#[tokio::test]
async fn a_page_that_is_too_large_says_what_to_do() {
    let rig = rig().await;
    let answer = |users: usize, bytes: usize| {
        let row = |number| json!({ "rownd_user": format!("u{number:04}"), "data": { "bio": "x".repeat(bytes) } });
        let rows: Vec<Value> = (0..users).map(row).collect();
        rig.controls.clear_faults();
        let body = json!({ "total_results": users, "results": rows }).to_string();
        rig.controls.inject(Fault::body(Endpoint::UserList, body)).unwrap();
    };
    answer(1_000, 4_000);
    assert_eq!(list(&rig, size(1_000)).await.unwrap().users.len(), 1_000);
    answer(1_000, 5_000);
    let error = list(&rig, size(1_000)).await;
    let text = error.as_ref().unwrap_err().message().to_owned();
    said(error).is(Code::FailedPrecondition, "RESPONSE_TOO_LARGE");
    assert!(text.contains("page_size") && text.contains("read_mask"), "{text}");
    let few = ListUsersRequest {
        read_mask: Some(FieldMask { paths: vec!["id".to_owned(), "data.plan".to_owned()] }),
        ..size(1_000)
    };
    assert_eq!(list(&rig, few.clone()).await.unwrap().users.len(), 1_000);
    // Larger than what is read, whatever the mask says; and one user of more than 1 MiB.
    for (users, bytes) in [(1_000, 9_000), (2, 1 << 20)] {
        answer(users, bytes);
        said(list(&rig, few.clone()).await).is(Code::FailedPrecondition, "RESPONSE_TOO_LARGE");
    }
}

#[tokio::test]
async fn an_answer_of_another_shape_is_no_page() {
    let rig = rig().await;
    for body in [
        "[]",
        "{}",
        r#"{"results":{}}"#,
        r#"{"results":[{"state":"enabled"}]}"#,
        r#"{"results":[{"rownd_user":"a","state":7}]}"#,
        r#"{"results":[null]}"#,
        r#"{"results":["#,
    ] {
        rig.controls.inject(Fault::body(Endpoint::UserList, body).times(1)).unwrap();
        said(list(&rig, size(5)).await).is(Code::Internal, "ROWND_ANSWER_INVALID");
    }
    let deep = (0..11).fold(json!("x"), |inner, _| json!([{ "a": inner }]));
    let body = json!({ "results": [
        { "rownd_user": "a" },
        { "rownd_user": "b", "data": { "deep": deep, "plan": "pro" } },
    ] });
    rig.controls.inject(Fault::body(Endpoint::UserList, body.to_string()).times(1)).unwrap();
    let page = list(&rig, size(5)).await.unwrap();
    assert_eq!((page.omitted, page.total_size), (vec!["users[1].data.deep".to_owned()], None));
    let shown: BTreeSet<_> = texts(page.users[1].data.as_ref()).into_keys().collect();
    assert_eq!(shown, BTreeSet::from(["plan".to_owned()]));
}
