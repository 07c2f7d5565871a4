//! Lists, page by page: sizes, tokens, filters, and an issuer that repeats a row.

use rownd_authz::grpc::pb::rownd::auth::v1::{
    Group, ListGroupInvitesRequest, ListGroupMembersRequest, ListGroupsRequest, ListGroupsResponse,
};
use rownd_emulator::{Endpoint, Fault};
use serde_json::json;
use tonic::{Code, Status};

use super::{start, texts};
use crate::it::rownd_auth::{Rig, assert_field, said};

async fn list(rig: &Rig, request: ListGroupsRequest) -> Result<ListGroupsResponse, Status> {
    Ok(rig.groups().list_groups(request).await?.into_inner())
}

/// All groups, in pages of this size; and the number of pages.
async fn walk(rig: &Rig, page_size: i32) -> (Vec<Group>, usize) {
    let (mut all, mut pages, mut page_token) = (Vec::new(), 0, String::new());
    loop {
        let request = ListGroupsRequest { page_size, page_token, ..Default::default() };
        let page = list(rig, request).await.unwrap();
        assert!(
            page.groups.len()
                <= match page_size {
                    1.. => usize::try_from(page_size).unwrap(),
                    _ => 100,
                }
        );
        pages += 1;
        all.extend(page.groups);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return (all, pages);
        }
        assert!(pages < 100, "no end");
    }
}

#[tokio::test]
async fn every_group_is_on_one_page() {
    let rig = start().await;
    for number in 0..5 {
        rig.group(&format!("Group {number}")).await;
    }
    // Those of the seed, too.
    let (whole, pages) = walk(&rig, 0).await;
    assert_eq!((whole.len(), pages), (7, 1));
    for (size, least) in [(1, 7), (2, 4), (3, 3), (6, 2), (7, 1), (100, 1)] {
        let (all, pages) = walk(&rig, size).await;
        assert_eq!(all, whole, "pages of {size}");
        assert!(pages >= least && pages <= least + 1, "pages of {size}: {pages}");
    }
    let large = ListGroupsRequest { page_size: i32::MAX, ..Default::default() };
    let page = list(&rig, large).await.unwrap();
    assert_eq!((page.groups.len(), page.total_size), (7, Some(7)));
    let negative = ListGroupsRequest { page_size: -1, ..Default::default() };
    assert_field(list(&rig, negative).await, "page_size");
}

/// Rownd does not say whether `after` is on its page.
#[tokio::test]
async fn an_issuer_that_repeats_a_row_is_no_loop() {
    let rig = start().await;
    let group = |id: &str| json!({ "id": id, "name": id });
    let page = |ids: &[&str]| {
        let results: Vec<_> = ids.iter().map(|id| group(id)).collect();
        json!({ "total_results": 3, "results": results }).to_string()
    };
    for (size, bodies) in [
        (1, [&["a"][..], &["a", "b"], &["b", "c"], &["c"]]),
        (2, [&["a", "b"][..], &["b", "c"], &[], &[]]),
    ] {
        for body in bodies.iter().filter(|ids| !ids.is_empty()) {
            rig.controls.inject(Fault::body(Endpoint::Groups, page(body)).times(1)).unwrap();
        }
        let (all, _) = walk(&rig, size).await;
        let ids: Vec<_> = all.iter().map(|group| group.id.as_str()).collect();
        assert_eq!(ids, ["a", "b", "c"], "pages of {size}");
        rig.controls.clear_faults();
    }
}

#[tokio::test]
async fn a_page_token_belongs_to_its_list_and_filter() {
    let rig = start().await;
    let first = ListGroupsRequest { page_size: 1, ..Default::default() };
    let token = list(&rig, first.clone()).await.unwrap().next_page_token;
    assert!(!token.is_empty() && !token.contains("group"), "opaque: {token}");
    let next = ListGroupsRequest { page_token: token.clone(), ..first.clone() };
    assert_eq!(list(&rig, next.clone()).await.unwrap().groups.len(), 1);
    for lookup_filter in [texts(&["Staff"]), texts(&["", "x"])] {
        let request = ListGroupsRequest { lookup_filter: lookup_filter.clone(), ..next.clone() };
        let answer = list(&rig, request).await;
        let field = if lookup_filter.len() == 1 { "page_token" } else { "lookup_filter" };
        assert_field(answer, field);
    }
    for odd in ["x", "AAAA", &"A".repeat(4096), "..", &token[1..], &format!("{token}AAAA=")] {
        let request = ListGroupsRequest { page_token: odd.to_owned(), ..first.clone() };
        assert_field(list(&rig, request).await, "page_token");
    }
    let members = ListGroupMembersRequest {
        group_id: "group_staff".to_owned(),
        page_token: token.clone(),
        ..Default::default()
    };
    assert_field(rig.groups().list_group_members(members).await, "page_token");
    let invites = ListGroupInvitesRequest {
        group_id: "group_staff".to_owned(),
        page_token: token,
        ..Default::default()
    };
    assert_field(rig.groups().list_group_invites(invites).await, "page_token");
}

#[tokio::test]
async fn a_filter_finds_by_id_name_and_address_and_is_never_two() {
    let rig = start().await;
    let odd = rig.group("a&lookup_filter=Staff#%2C").await;
    for (filter, found) in [
        (&["Staff"][..], &["group_staff"][..]),
        (&["group_staff", "Board"], &["group_board", "group_staff"]),
        (&["a&lookup_filter=Staff#%2C"], &[&odd.id]),
        (&["nobody"], &[]),
        (&["%"], &[]),
    ] {
        let request =
            ListGroupsRequest { lookup_filter: texts(filter), ..ListGroupsRequest::default() };
        let page = list(&rig, request).await.unwrap();
        let ids: Vec<_> = page.groups.iter().map(|group| group.id.as_str()).collect();
        assert_eq!(ids, found, "{filter:?}");
    }
    let hits = rig.controls.hits(Endpoint::Groups);
    for bad in [&["Staff,Board"][..], &["Staff", ","], &[""], &["a\n"], &["a"; 101]] {
        let request =
            ListGroupsRequest { lookup_filter: texts(bad), ..ListGroupsRequest::default() };
        assert_field(list(&rig, request).await, "lookup_filter");
    }
    assert_eq!(rig.controls.hits(Endpoint::Groups), hits, "refused before anything is sent");
    let members = ListGroupMembersRequest {
        group_id: "group_staff".to_owned(),
        lookup_filter: texts(&["ann@example.com"]),
        ..Default::default()
    };
    let members = rig.groups().list_group_members(members).await.unwrap().into_inner().members;
    assert_eq!((members.len(), members[0].user_id.as_str()), (1, "ann"));
}

/// Large data of an app are left out by name, and a page that libraries refuse is an error.
#[tokio::test]
async fn large_pages_are_bounded() {
    let rig = start().await;
    let group =
        |id: usize, meta: serde_json::Value| json!({ "id": format!("g{id}"), "meta": meta });
    let page = |groups: Vec<serde_json::Value>| json!({ "results": groups }).to_string();
    let many = || json!(vec![1; 60_000]);
    let groups = (0..5).map(|id| group(id, json!({ "small": 1, "large": many() }))).collect();
    rig.controls.inject(Fault::body(Endpoint::Groups, page(groups)).times(1)).unwrap();
    let found = list(&rig, ListGroupsRequest::default()).await.unwrap();
    assert_eq!((found.groups.len(), found.total_size), (5, None));
    assert!(found.omitted.contains(&"groups[4].meta.large".to_owned()), "{:?}", found.omitted);
    assert!(
        found.groups.iter().all(|group| group.meta.as_ref().unwrap().fields.contains_key("small"))
    );

    let name = "n".repeat(1 << 20);
    let groups = (0..5).map(|id| json!({ "id": format!("g{id}"), "name": name })).collect();
    rig.controls.inject(Fault::body(Endpoint::Groups, page(groups)).times(1)).unwrap();
    said(list(&rig, ListGroupsRequest::default()).await)
        .is(Code::FailedPrecondition, "RESPONSE_TOO_LARGE");
    let groups = (0..9).map(|id| json!({ "id": format!("g{id}"), "name": name })).collect();
    rig.controls.inject(Fault::body(Endpoint::Groups, page(groups)).times(1)).unwrap();
    said(list(&rig, ListGroupsRequest::default()).await)
        .is(Code::FailedPrecondition, "RESPONSE_TOO_LARGE");
}
