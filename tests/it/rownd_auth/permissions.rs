//! Roles and permissions of `Verify`: the policy of the configuration, asked by a backend.

use std::sync::LazyLock;

use rownd_authz::grpc::pb::rownd::auth::v1::{
    DenialKind, Identity, VerifyRequest, VerifyResponse, verify_response::Outcome,
};
use rownd_emulator::{Endpoint, Fault};
use serde_json::{Value, json};
use tonic::{Code, Status};

use super::{Rig, assert_field, said};
use crate::support::{Claims, Key, forge::Algorithm};

/// The `iss` of the sessions.
const SESSIONS: &str = "https://st.test/auth";
/// The key that signs the sessions.
static KEY: LazyLock<Key> = LazyLock::new(|| Key::of(Algorithm::Rs256, "d-1"));

/// Roles, and where they are written: in the groups of Rownd's profiles, in claims of its tokens and
/// of SuperTokens sessions.
fn with_roles(settings: &mut Value) {
    settings["issuers"][1] = json!({
        "name": "sessions", "kind": "supertokens", "base_url": SESSIONS, "keys": { "fetch": false },
        "key_set": json!({ "keys": [KEY.jwk()] }).to_string(),
    });
    settings["roles"] = json!({
        "viewer": { "permissions": ["orders:read"] },
        "editor": { "permissions": ["orders:write"], "inherits": ["viewer"] },
        "owner": { "permissions": ["users:*"], "inherits": ["editor"] },
        "group_staff/owner": { "inherits": ["owner"] },
    });
    settings["role_sources"] = json!([
        { "issuers": ["rownd"], "group_roles": true },
        { "issuers": ["rownd"], "claim": "shop_role" },
        { "issuers": ["rownd"], "users": { "@example.com": ["colleague"] } },
        { "issuers": ["sessions"], "st_role": true },
        { "issuers": ["sessions"], "st_perm": true },
    ]);
}

async fn ask(rig: &Rig, token: &str, permissions: &[&str]) -> Result<VerifyResponse, Status> {
    let required_permissions = permissions.iter().map(ToString::to_string).collect();
    let request =
        VerifyRequest { token: token.to_owned(), required_permissions, ..VerifyRequest::default() };
    rig.stub().verify(request).await.map(tonic::Response::into_inner)
}

/// The identity of an answer, and the parts that are left out.
#[track_caller]
fn identity(answer: Result<VerifyResponse, Status>) -> (Identity, Vec<String>) {
    let answer = answer.unwrap_or_else(|status| panic!("{status:?}"));
    match answer.outcome {
        Some(Outcome::Identity(identity)) => (identity, answer.omitted),
        other => panic!("{other:?}"),
    }
}

/// `None`: allowed; else the reason of the denial.
#[track_caller]
fn denied(answer: Result<VerifyResponse, Status>) -> Option<String> {
    match answer.unwrap_or_else(|status| panic!("{status:?}")).outcome {
        Some(Outcome::Identity(_)) => None,
        Some(Outcome::Denial(denial)) => {
            assert_eq!(denial.kind(), DenialKind::Forbidden, "{denial:?}");
            Some(denial.reason)
        }
        None => panic!("an outcome is always set"),
    }
}

/// A session with these roles and permissions.
fn session(roles: &[&str], permissions: &[&str]) -> String {
    let list = |values: &[&str]| json!({ "v": values, "t": 1 });
    let claims = Claims::of(SESSIONS)
        .user("ann")
        .without("aud")
        .with("sessionHandle", "handle-1")
        .with("tId", "public")
        .with("st-role", list(roles))
        .with("st-perm", list(permissions));
    KEY.token(&claims)
}

#[tokio::test]
async fn verify_answers_the_roles_and_permissions_of_the_configuration() {
    let rig = Rig::with(with_roles).await;
    let (ann, omitted) = identity(ask(&rig, &rig.token("ann"), &[]).await);
    let roles =
        ["colleague", "editor", "group_staff/editor", "group_staff/owner", "owner", "viewer"];
    assert_eq!(ann.roles, roles);
    assert_eq!(ann.permissions, ["orders:read", "orders:write", "users:*"]);
    assert_eq!((omitted, rig.hits(Endpoint::UserData)), (Vec::new(), 1));

    let greg = rig.mint(&Rig::order("greg").claim("shop_role", "viewer"));
    let (greg, _) = identity(ask(&rig, &greg, &[]).await);
    assert_eq!(greg.roles, ["viewer"]);
    assert_eq!(greg.permissions, ["orders:read"]);

    let token = session(&["editor", "owner"], &["items:read", "items:*"]);
    let (of_session, omitted) = identity(ask(&rig, &token, &[]).await);
    assert_eq!(of_session.issuer, "sessions");
    assert_eq!(of_session.roles, ["editor", "owner", "viewer"]);
    assert_eq!(of_session.permissions, ["items:read", "orders:read", "orders:write", "users:*"]);
    assert!(omitted.is_empty(), "{omitted:?}");
}

#[tokio::test]
async fn a_token_suffices_only_with_every_permission() {
    let rig = Rig::with(with_roles).await;
    let greg = |role: Value| rig.mint(&Rig::order("greg").claim("shop_role", role));
    let (ann, viewer, odd) = (rig.token("ann"), greg(json!("viewer")), greg(json!(["viewer", 1])));
    let (missing, unknown) = (Some("permission_missing"), Some("requirement_unknown"));
    #[rustfmt::skip] // one case a line
    let rows: [(&str, &str, &[&str], Option<&str>); 12] = [
        ("by a group", &ann, &["orders:write", "users:ban"], None),
        ("one of two", &ann, &["orders:write", "other:write"], missing),
        ("by a claim", &viewer, &["orders:read"], None),
        ("not by that claim", &viewer, &["orders:write"], missing),
        ("below a permission", &viewer, &["orders:read:all"], missing),
        ("without any role", &rig.token("greg"), &["orders:read"], missing),
        ("a list with a number", &odd, &["orders:read"], unknown),
        ("a list with a number, nothing asked", &odd, &[], None),
        ("of a session", &session(&["viewer"], &[]), &["orders:read"], None),
        ("the groups of another issuer", &session(&[], &[]), &["orders:write"], missing),
        ("a wildcard of a token", &session(&[], &["orders:*"]), &["orders:read"], missing),
        ("a permission of a token", &session(&[], &["orders:read"]), &["orders:read"], None),
    ];
    for (name, token, permissions, expected) in rows {
        let found = denied(ask(&rig, token, permissions).await);
        assert_eq!(found.as_deref(), expected, "{name}");
    }
    let counted = [("api", "rownd_auth"), ("reason", "permission_missing")];
    assert_eq!(rig.app.metric("rownd_authz_checks_total", &counted), 6.0);
}

#[tokio::test]
async fn the_profile_is_read_for_permissions_only_where_it_can_give_them() {
    let rig = Rig::with(with_roles).await;
    let token = session(&["viewer"], &[]);
    assert_eq!(denied(ask(&rig, &token, &["orders:read"]).await), None);
    // No role at all has it.
    assert_eq!(
        denied(ask(&rig, &rig.token("ann"), &["other:read"]).await).as_deref(),
        Some("permission_missing")
    );
    assert_eq!(rig.hits(Endpoint::UserData), 0);
    assert_eq!(denied(ask(&rig, &rig.token("ann"), &["orders:read"]).await), None);
    assert_eq!(denied(ask(&rig, &rig.token("ann"), &["orders:write"]).await), None);
    assert_eq!(rig.hits(Endpoint::UserData), 1);
    // A profile that is read is obeyed.
    let banned = rig.mint(&Rig::order("banned").claim("shop_role", "viewer"));
    let answer = ask(&rig, &banned, &["orders:read"]).await.unwrap();
    let Some(Outcome::Denial(denial)) = answer.outcome else { panic!("{answer:?}") };
    assert_eq!(denial.reason, "user_disabled");
}

#[tokio::test]
async fn without_the_profile_the_lists_are_unknown_and_its_permissions_undecided() {
    let rig = Rig::with(with_roles).await;
    rig.controls.inject(Fault::status(Endpoint::UserData, 503)).unwrap();
    let token = rig.mint(&Rig::order("ann").claim("shop_role", "viewer"));
    let (ann, omitted) = identity(ask(&rig, &token, &[]).await);
    assert_eq!((ann.user_id.as_str(), ann.roles.len(), ann.permissions.len()), ("ann", 0, 0));
    assert_eq!(omitted, ["roles", "permissions"]);
    // The token alone gives this one.
    assert_eq!(denied(ask(&rig, &token, &["orders:read"]).await), None);
    let undecided = ask(&rig, &token, &["orders:write"]).await;
    said(undecided).is(Code::Unavailable, "PROFILE_UNAVAILABLE");
}

#[tokio::test]
async fn without_roles_in_the_configuration_the_claim_map_says_them() {
    let rig = Rig::with(|settings| {
        settings["issuers"][0]["claims"] = json!({ "roles": "shop_role" });
    })
    .await;
    let token = rig.mint(&Rig::order("ann").claim("shop_role", json!(["b", "a"])));
    let (ann, omitted) = identity(ask(&rig, &token, &[]).await);
    assert_eq!((ann.roles, ann.permissions), (vec!["b".to_owned(), "a".to_owned()], Vec::new()));
    assert!(omitted.is_empty() && rig.hits(Endpoint::UserData) == 0, "{omitted:?}");
    // Several issuers, and nobody has said whose roles count.
    let found = denied(ask(&rig, &token, &["orders:read"]).await);
    assert_eq!(found.as_deref(), Some("requirement_unknown"));
}

#[tokio::test]
async fn permissions_that_cannot_be_asked_for_are_a_mistake_of_the_call() {
    let rig = Rig::with(with_roles).await;
    let token = rig.token("ann");
    let long = "x".repeat(129);
    for permission in ["", "*", "orders:*", "orders:", "a b", "orders:re\u{430}d", "a\u{0}", &long]
    {
        assert_field(ask(&rig, &token, &["orders:read", permission]).await, "required_permissions");
    }
    let many = |count: usize| vec!["orders:read"; count];
    assert_field(ask(&rig, &token, &many(65)).await, "required_permissions");
    assert_eq!(denied(ask(&rig, &token, &many(64)).await), None);
}
