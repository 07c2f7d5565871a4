//! The callers of `GroupService`: without rights, outside their apps and issuers, and nobody.

#![allow(clippy::too_many_lines, reason = "a table is long, and simple")]

use rownd_authz::grpc::pb::rownd::auth::v1::{
    AcceptGroupInviteRequest, CreateGroupInviteRequest, CreateGroupRequest,
    DeleteGroupInviteRequest, DeleteGroupRequest, GetGroupInviteRequest, GetGroupMemberRequest,
    GetGroupRequest, Group, GroupInvite, GroupMember, ListGroupInvitesRequest,
    ListGroupMembersRequest, ListGroupsRequest, RemoveGroupMemberRequest, UpdateGroupInviteRequest,
    UpdateGroupMemberRequest, UpdateGroupRequest, group_service_client::GroupServiceClient,
};
use rownd_emulator::Endpoint;
use serde_json::json;
use tonic::{Code, Status, body::Body, client::GrpcService, codegen::StdError};

use super::{add, invite, texts, with_keeper};
use crate::it::rownd_auth::{APP, APP_KEY, APP_SECRET, BLOG, Rig, TRADER, assert_field, said};

/// The end of every method about this issuer and app, and whether it changes something. `None`: it is
/// about the user of a token.
#[expect(clippy::needless_update, reason = "some requests have no other field")]
async fn every_method<T>(
    groups: &mut GroupServiceClient<T>,
    issuer: Option<&str>,
    app: Option<&str>,
) -> Vec<(&'static str, bool, Result<(), Status>)>
where
    T: GrpcService<Body>,
    T::Error: Into<StdError>,
    T::ResponseBody: tonic::codegen::Body<Data = bytes::Bytes> + Send + 'static,
    <T::ResponseBody as tonic::codegen::Body>::Error: Into<StdError> + Send,
{
    let text = |text: Option<&str>| text.map(str::to_owned);
    let id = || "group_staff".to_owned();
    macro_rules! about {
        ($request:ident { $($field:ident: $value:expr),* $(,)? }) => {
            $request {
                issuer: text(issuer), app_id: text(app), $($field: $value,)* ..Default::default()
            }
        };
    }
    let group = Some(Group { id: id(), name: "N".to_owned(), ..Group::default() });
    let new = Some(Group { name: "N".to_owned(), ..Group::default() });
    let member =
        Some(GroupMember { group_id: id(), id: "m".to_owned(), state: 1, ..Default::default() });
    let roles = texts(&["a"]);
    let invited =
        Some(GroupInvite { group_id: id(), id: "i".to_owned(), roles, ..Default::default() });
    let mut adding = add("group_staff", "greg", &[]);
    (adding.issuer, adding.app_id) = (text(issuer), text(app));
    let inviting = CreateGroupInviteRequest {
        issuer: text(issuer),
        app_id: text(app),
        ..invite("group_staff", "greg", &[])
    };
    let (m, i) = (|| "m".to_owned(), || "i".to_owned());
    vec![
        ("ListGroups", false, groups.list_groups(about!(ListGroupsRequest {})).await.map(drop)),
        (
            "GetGroup",
            false,
            groups.get_group(about!(GetGroupRequest { group_id: id() })).await.map(drop),
        ),
        (
            "CreateGroup",
            true,
            groups.create_group(about!(CreateGroupRequest { group: new })).await.map(drop),
        ),
        (
            "UpdateGroup",
            true,
            groups.update_group(about!(UpdateGroupRequest { group: group })).await.map(drop),
        ),
        (
            "DeleteGroup",
            true,
            groups
                .delete_group(about!(DeleteGroupRequest { group_id: "g".to_owned() }))
                .await
                .map(drop),
        ),
        (
            "ListGroupMembers",
            false,
            groups
                .list_group_members(about!(ListGroupMembersRequest { group_id: id() }))
                .await
                .map(drop),
        ),
        (
            "GetGroupMember",
            false,
            groups
                .get_group_member(about!(GetGroupMemberRequest { group_id: id(), member_id: m() }))
                .await
                .map(drop),
        ),
        ("AddGroupMember", true, groups.add_group_member(adding).await.map(drop)),
        (
            "UpdateGroupMember",
            true,
            groups
                .update_group_member(about!(UpdateGroupMemberRequest { member: member }))
                .await
                .map(drop),
        ),
        (
            "RemoveGroupMember",
            true,
            groups
                .remove_group_member(about!(RemoveGroupMemberRequest {
                    group_id: id(),
                    member_id: m()
                }))
                .await
                .map(drop),
        ),
        (
            "ListGroupInvites",
            false,
            groups
                .list_group_invites(about!(ListGroupInvitesRequest { group_id: id() }))
                .await
                .map(drop),
        ),
        (
            "GetGroupInvite",
            false,
            groups
                .get_group_invite(about!(GetGroupInviteRequest { group_id: id(), invite_id: i() }))
                .await
                .map(drop),
        ),
        ("CreateGroupInvite", true, groups.create_group_invite(inviting).await.map(drop)),
        (
            "UpdateGroupInvite",
            true,
            groups
                .update_group_invite(about!(UpdateGroupInviteRequest { invite: invited }))
                .await
                .map(drop),
        ),
        (
            "DeleteGroupInvite",
            true,
            groups
                .delete_group_invite(about!(DeleteGroupInviteRequest {
                    group_id: id(),
                    invite_id: i()
                }))
                .await
                .map(drop),
        ),
    ]
}

fn is_refused(answer: &Result<(), Status>) -> bool {
    answer.as_ref().is_err_and(|status| status.code() == Code::PermissionDenied)
}

fn secret(name: &str) -> String {
    format!("the-secret-of-the-caller-{name}")
}

/// Each with one right, or within one bound.
async fn with_callers() -> Rig {
    Rig::with(|settings| {
        with_keeper(settings);
        settings["issuers"][0]["apps"] = json!([
            { "id": APP, "key": APP_KEY, "secret": APP_SECRET },
            { "id": BLOG, "key": "key_blog", "secret": "ras_blog" },
        ]);
        let both = json!(["read_groups", "write_groups"]);
        for (name, allow, bound) in [
            ("reader", json!(["read_groups"]), json!({})),
            ("writer", json!(["write_groups"]), json!({})),
            ("blogger", both.clone(), json!({ "apps": [BLOG] })),
            ("shopper", both.clone(), json!({ "apps": [APP] })),
            ("elsewhere", both.clone(), json!({ "issuers": ["sessions", "provider"] })),
        ] {
            let mut caller = bound;
            caller["name"] = json!(name);
            caller["secret"] = json!(secret(name));
            caller["allow"] = allow;
            settings["rownd_auth"]["callers"].as_array_mut().unwrap().push(caller);
        }
    })
    .await
}

#[tokio::test]
async fn each_method_needs_its_right() {
    let rig = with_callers().await;
    for (name, reads, writes) in [("reader", true, false), ("writer", false, true)] {
        let mut groups = rig.groups_as(&secret(name));
        for (method, changes, answer) in every_method(&mut groups, None, Some(APP)).await {
            let may = if changes { writes } else { reads };
            assert_eq!(is_refused(&answer), !may, "{name} {method}: {answer:?}");
        }
    }
    rig.controls.clear_hits();
    let mut local = GroupServiceClient::new(rig.app.channel());
    let mut trader = rig.groups_as(TRADER);
    let mut all = every_method(&mut local, None, Some(APP)).await;
    all.extend(every_method(&mut trader, None, Some(APP)).await);
    for (method, _, answer) in all {
        assert!(is_refused(&answer), "{method}: {answer:?}");
        said(answer).is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
    }
    assert_eq!(rig.controls.hits(Endpoint::Groups), 0);
}

#[tokio::test]
async fn a_caller_stays_within_its_apps_and_issuers() {
    let rig = with_callers().await;
    rig.controls.clear_hits();
    for (name, app) in
        [("blogger", Some(APP)), ("shopper", Some(BLOG)), ("shopper", Some("app_none"))]
    {
        let mut groups = rig.groups_as(&secret(name));
        for issuer in [None, Some("rownd")] {
            for (method, _, answer) in every_method(&mut groups, issuer, app).await {
                assert!(is_refused(&answer), "{name} {app:?} {method}: {answer:?}");
            }
        }
    }
    let mut groups = rig.groups_as(&secret("elsewhere"));
    for (issuer, app) in [(None, None), (Some("rownd"), Some(APP)), (Some("rownd"), None)] {
        for (method, _, answer) in every_method(&mut groups, issuer, app).await {
            assert!(is_refused(&answer), "{issuer:?} {method}: {answer:?}");
        }
    }
    assert_eq!(rig.controls.hits(Endpoint::Groups), 0, "nothing is sent");
    // The only app within the bounds need not be named.
    let mut groups = rig.groups_as(&secret("shopper"));
    for (method, _, answer) in every_method(&mut groups, None, None).await {
        assert!(!is_refused(&answer), "{method}: {answer:?}");
    }
    let found = groups.list_groups(ListGroupsRequest::default()).await.unwrap().into_inner();
    assert!(found.groups.iter().all(|group| group.app_id == APP), "{found:?}");
}

#[tokio::test]
async fn an_issuer_without_groups_is_unimplemented() {
    let rig = with_callers().await;
    let mut groups = rig.groups_as(&secret("elsewhere"));
    for issuer in ["sessions", "provider"] {
        for (method, _, answer) in every_method(&mut groups, Some(issuer), None).await {
            let said = said(answer).is(Code::Unimplemented, "ISSUER_UNSUPPORTED");
            assert_eq!(said.told.get("issuer").map(String::as_str), Some(issuer), "{method}");
        }
    }
    let mut keeper = rig.groups();
    for (issuer, app, field) in [
        (Some("nobody"), None, "issuer"),
        (None, None, "app_id"),
        (None, Some("app_none"), "app_id"),
    ] {
        for (method, _, answer) in every_method(&mut keeper, issuer, app).await {
            assert!(answer.is_err(), "{method}");
            assert_field(answer, field);
        }
    }
}

#[tokio::test]
async fn an_app_without_a_secret_has_no_groups_to_change() {
    let rig = Rig::with(|settings| {
        with_keeper(settings);
        settings["issuers"][0]["apps"] = json!([{ "id": APP, "key": APP_KEY }]);
    })
    .await;
    for (_, _, answer) in every_method(&mut rig.groups(), None, None).await {
        said(answer).is(Code::FailedPrecondition, "APP_SECRET_MISSING");
    }
    let wrong = Rig::with(|settings| {
        with_keeper(settings);
        settings["issuers"][0]["apps"] = json!([{ "id": APP, "key": APP_KEY, "secret": "ras_no" }]);
    })
    .await;
    for (_, _, answer) in every_method(&mut wrong.groups(), None, None).await {
        said(answer).is(Code::FailedPrecondition, "APP_CREDENTIALS_REFUSED");
    }
}

/// The token of a user entitles to accept: by default on this machine, elsewhere by `get_own_user`.
#[tokio::test]
async fn an_invite_is_accepted_by_callers_that_may_read_the_user() {
    let rig = Rig::with(|settings| {
        with_keeper(settings);
        let callers = settings["rownd_auth"]["callers"].as_array_mut().unwrap();
        callers.push(json!({ "name": "blogger", "secret": secret("blogger"),
            "allow": ["get_own_user"], "issuers": ["provider"] }));
    })
    .await;
    let group = rig.group("Crew").await.id;
    rig.member(&group, "ann", &[]).await;
    let invite = rig.invite(&group, "greg", &[]).await.invite.unwrap();
    let accept = AcceptGroupInviteRequest {
        token: rig.token("greg"),
        group_id: group.clone(),
        invite_id: invite.id,
    };
    let bounded = rig.groups_as(&secret("blogger")).accept_group_invite(accept.clone()).await;
    said(bounded).is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
    let session = AcceptGroupInviteRequest { token: session(&rig).await, ..accept.clone() };
    let answer = rig.groups().accept_group_invite(session).await;
    said(answer).is(Code::Unimplemented, "ISSUER_UNSUPPORTED").tells("issuer", "sessions");
    let mut local = GroupServiceClient::new(rig.app.channel());
    assert_eq!(local.accept_group_invite(accept).await.unwrap().into_inner().accepted_by, "greg");
}

/// A SuperTokens session of greg.
async fn session(rig: &Rig) -> String {
    use rownd_authz::grpc::pb::rownd::auth::v1::{MigrationGrant, exchange_request::Grant};
    let migration = Grant::Migration(MigrationGrant { token: rig.token("greg") });
    rig.tokens(migration).await.access_token
}
