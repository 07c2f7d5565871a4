//! Identity headers: what we say replaces what a client says, in every spelling; what
//! we do not say is gone.

use serde_json::json;

use super::stack::{GATES, No, stack};
use crate::support::{echo::Echoed, raw::Raw, rownd::USER};

/// Spellings of reserved names that some server reads as the reserved name.
const SPOOFED: [&str; 18] = [
    "x-rownd-user-id",
    "X-Rownd-User-Id",
    "X-ROWND-USER-ID",
    "x_rownd_user_id",
    "X_Rownd_User_Id",
    "x.rownd.user.id",
    "x-rownd_user.id",
    "x_rownd-user-id",
    "x-rownd.user_id",
    "x-rownd-verified",
    "x_rownd_auth_level",
    "x-rownd-roles",
    "x-rownd-tenant",
    "x_rownd_tenant",
    "X-Rownd-Scopes",
    "x.rownd.scopes",
    "x-rownd-anything-new",
    "X.Rownd_anything-New",
];

/// The vendor's own request headers, exactly spelled.
const VENDOR: [&str; 4] =
    ["x-rownd-app-key", "x-rownd-app-secret", "x-rownd-filename", "x-rownd-magic-allow-exp"];

fn spoofed(path: &str) -> Raw {
    let mut request = Raw::get(path);
    for name in SPOOFED {
        request = request.header(name, "evil");
    }
    for name in VENDOR {
        request = request.header(name, "vendor").header(name.replace('-', "_"), "evil");
    }
    request
}

#[track_caller]
fn nothing_evil(echoed: &Echoed, context: &str) {
    let evil: Vec<_> = echoed.headers.iter().filter(|(_, value)| value.contains("evil")).collect();
    assert!(evil.is_empty(), "{context}: {evil:?} reached the service");
    for name in VENDOR {
        assert_eq!(echoed.all(name), ["vendor"], "{context}: {name}");
    }
}

#[tokio::test]
async fn a_spoofed_identity_is_replaced_by_the_real_one() {
    let stack = stack().await;
    let token = stack.issuer.token("guest").sign();
    for gate in GATES {
        let echoed = stack.pass(gate, &spoofed("/orders").bearer(&token)).await;
        nothing_evil(&echoed, gate);
        assert_eq!(echoed.all("x-rownd-user-id"), [USER], "@ {gate}");
        assert_eq!(echoed.all("x-rownd-auth-level"), ["guest"], "@ {gate}");
    }
}

#[tokio::test]
async fn a_spoofed_identity_is_removed_where_nobody_is_known() {
    let stack = stack().await;
    for gate in GATES {
        for path in ["/optional", "/public", "/judged"] {
            let echoed = stack.pass(gate, &spoofed(path)).await;
            let context = format!("{path} @ {gate}");
            nothing_evil(&echoed, &context);
            let left = echoed.names(|name| name.starts_with("x-rownd-") && !VENDOR.contains(&name));
            assert!(left.is_empty(), "{context}: {left:?}");
        }
    }
}

#[tokio::test]
async fn envoy_can_drop_underscores_before_we_see_them() {
    let stack = stack().await;
    let echoed = stack.pass("underscores", &spoofed("/optional")).await;
    nothing_evil(&echoed, "underscores");
}

#[tokio::test]
async fn a_header_that_only_looks_like_ours_passes() {
    let stack = stack().await;
    for gate in GATES {
        let request = Raw::get("/public")
            .header("x-rownder-id", "1")
            .header("xx-rownd-user-id", "2")
            .header("rownd-id", "3");
        let echoed = stack.pass(gate, &request).await;
        for (name, value) in [("x-rownder-id", "1"), ("xx-rownd-user-id", "2"), ("rownd-id", "3")] {
            assert_eq!(echoed.all(name), [value], "@ {gate}");
        }
    }
}

#[tokio::test]
async fn a_hop_by_hop_trick_does_not_remove_the_identity() {
    let stack = stack().await;
    let token = stack.issuer.token("verified").sign();
    let request = Raw::get("/").bearer(&token).header("connection", "x-rownd-user-id, keep-alive");
    for gate in GATES {
        let echoed = stack.pass(gate, &request).await;
        assert_eq!(echoed.all("x-rownd-user-id"), [USER], "@ {gate}");
    }
}

#[tokio::test]
async fn a_value_of_any_text_reaches_the_service_as_visible_ascii() {
    let stack = stack().await;
    for (id, expected) in [
        ("user name", "user%20name"),
        ("a\r\nx-rownd-verified: true", "a%0D%0Ax-rownd-verified:%20true"),
        ("nul\0tab\t", "nul%00tab%09"),
        ("ünï✓", "%C3%BCn%C3%AF%E2%9C%93"),
        ("auth0|abc", "auth0|abc"),
        ("50%", "50%25"),
    ] {
        let token =
            stack.issuer.token("verified").claim("https://auth.rownd.io/app_user_id", id).sign();
        for gate in GATES {
            let answer = stack.ask(gate, &Raw::get("/").bearer(&token)).await;
            if answer.status != 200 {
                // Refusing such a user is as good as encoding; splitting the header is not.
                No::BadCredential.check(&answer, "claims_invalid", &format!("{id:?} @ {gate}"));
                continue;
            }
            let echoed = answer.echo();
            assert_eq!(echoed.all("x-rownd-user-id"), [expected], "{id:?} @ {gate}");
            assert_eq!(echoed.all("x-rownd-verified"), ["true"], "{id:?} @ {gate}");
        }
    }
}

#[tokio::test]
async fn an_identity_that_is_too_long_is_denied_and_not_cut() {
    let stack = stack().await;
    let token = stack
        .issuer
        .token("verified")
        .claim("https://auth.rownd.io/app_user_id", "u".repeat(2000))
        .sign();
    for gate in GATES {
        let answer = stack.ask(gate, &Raw::get("/").bearer(&token)).await;
        assert_eq!(answer.status, 403, "@ {gate}: {}", answer.text());
        assert_eq!(answer.json()["reason"], "identity_too_large", "@ {gate}");
    }
}

/// A token of Entra with as many groups as it can hold, and two certificates in its header, is within
/// the limits of Envoy and of the configuration, and all of it reaches the service.
#[tokio::test]
async fn two_hundred_groups_a_tenant_and_scopes_reach_the_service_whole() {
    let stack = stack().await;
    let groups: Vec<String> =
        (0..200).map(|index| format!("{index:08x}-0000-4000-8000-0123456789ab")).collect();
    let certificate = "MIIC".repeat(683);
    let token = stack
        .issuer
        .token("verified")
        .header("x5c", json!([certificate, certificate]))
        .claim("groups", json!(groups))
        .claim("tenant", "night shift, north")
        .claim("scp", "read write:all")
        .sign();
    assert!(token.len() > 16 << 10, "{}", token.len());
    for gate in GATES {
        let request = spoofed("/orders").bearer(&token);
        let echoed = stack.pass(gate, &request).await;
        nothing_evil(&echoed, gate);
        assert_eq!(echoed.all("x-rownd-groups"), [groups.join(",")], "@ {gate}");
        assert_eq!(echoed.all("x-rownd-tenant"), ["night%20shift,%20north"], "@ {gate}");
        assert_eq!(echoed.all("x-rownd-scopes"), ["read,write:all"], "@ {gate}");
    }
}
