//! Subjects of events, their types, and tokens that come again.

use serde_json::json;

use super::{
    event::{EventEffect, effect},
    replays::Replays,
    subject::{Subject, SubjectProblem, read},
};

const ISS: &str = "https://idp.example";

fn user(id: &str) -> Subject {
    Subject::User(id.to_owned())
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn a_subject_is_of_the_issuer_that_signed_or_none() {
    let iss_sub = |iss: &str| json!({ "format": "iss_sub", "iss": iss, "sub": "u1" });
    let opaque = |id: &str| json!({ "format": "opaque", "id": id });
    let email = json!({ "format": "email", "email": "a@b.c" });
    let session = |user: Option<&str>| Subject::Session("s1".to_owned(), user.map(str::to_owned));
    let own = iss_sub(ISS);
    let other = iss_sub("https://idp.example/");
    for (name, id, expected) in [
        ("a user", own.clone(), Ok(vec![user("u1")])),
        ("a user of another issuer", other.clone(), Err(SubjectProblem::OtherIssuer)),
        (
            "as it was before",
            json!({ "subject_type": "iss-sub", "iss": ISS, "sub": "u1" }),
            Ok(vec![user("u1")]),
        ),
        (
            "a token",
            json!({ "format": "jwt_id", "iss": ISS, "jti": "t1" }),
            Ok(vec![Subject::Token("t1".to_owned())]),
        ),
        (
            "a token of another",
            json!({ "format": "jwt_id", "iss": "x", "jti": "t1" }),
            Err(SubjectProblem::OtherIssuer),
        ),
        ("opaque", opaque("x"), Ok(vec![Subject::Opaque("x".to_owned())])),
        ("an address", email.clone(), Err(SubjectProblem::Unknown)),
        ("an unknown format", json!({ "format": "moon" }), Err(SubjectProblem::Unknown)),
        (
            "both words",
            json!({ "format": "iss_sub", "subject_type": "iss-sub", "iss": ISS,
            "sub": "u1" }),
            Err(SubjectProblem::Malformed),
        ),
        ("no format", json!({ "iss": ISS, "sub": "u1" }), Err(SubjectProblem::Malformed)),
        ("a text", json!("u1"), Err(SubjectProblem::Malformed)),
        ("no subject", json!({ "format": "iss_sub", "iss": ISS }), Err(SubjectProblem::Malformed)),
        (
            "an empty one",
            json!({ "format": "iss_sub", "iss": ISS, "sub": "" }),
            Err(SubjectProblem::Malformed),
        ),
        (
            "a number",
            json!({ "format": "iss_sub", "iss": ISS, "sub": 7 }),
            Err(SubjectProblem::Malformed),
        ),
        (
            "a long one",
            json!({ "format": "opaque", "id": "x".repeat(6145) }),
            Err(SubjectProblem::Malformed),
        ),
        (
            "aliases",
            json!({ "format": "aliases", "identifiers": [email, own] }),
            Ok(vec![user("u1")]),
        ),
        (
            "aliases of another",
            json!({ "format": "aliases", "identifiers": [own, other] }),
            Err(SubjectProblem::OtherIssuer),
        ),
        (
            "aliases that nothing names",
            json!({ "format": "aliases", "identifiers": [email] }),
            Err(SubjectProblem::Unknown),
        ),
        (
            "no aliases",
            json!({ "format": "aliases", "identifiers": [] }),
            Err(SubjectProblem::Malformed),
        ),
        (
            "aliases in aliases",
            json!({ "format": "aliases", "identifiers": [
            { "format": "aliases", "identifiers": [own] }] }),
            Err(SubjectProblem::Unknown),
        ),
        (
            "a session of a user",
            json!({ "format": "complex", "user": own, "session": opaque("s1") }),
            Ok(vec![session(Some("u1"))]),
        ),
        (
            "a session alone",
            json!({ "format": "complex", "session": opaque("s1") }),
            Ok(vec![session(None)]),
        ),
        (
            "before there was a format",
            json!({ "user": own, "session": opaque("s1") }),
            Ok(vec![session(Some("u1"))]),
        ),
        (
            "a user on a device",
            json!({ "format": "complex", "user": own, "device": opaque("d") }),
            Ok(vec![user("u1")]),
        ),
        (
            "a whole tenant",
            json!({ "format": "complex", "tenant": opaque("t") }),
            Err(SubjectProblem::Unknown),
        ),
        (
            "the session of another issuer's user",
            json!({ "format": "complex", "user": other, "session": opaque("s1") }),
            Err(SubjectProblem::OtherIssuer),
        ),
    ] {
        assert_eq!(read(&id, ISS), expected, "{name}");
    }
}

#[test]
fn every_type_has_the_effect_that_the_page_says() {
    let page = include_str!("../../../../docs/webhooks.md");
    for (uri, expected) in [
        ("caep/event-type/session-revoked", EventEffect::Revoke),
        ("caep/event-type/credential-change", EventEffect::Revoke),
        ("caep/event-type/token-claims-change", EventEffect::Revoke),
        ("risc/event-type/account-disabled", EventEffect::Revoke),
        ("risc/event-type/account-purged", EventEffect::Revoke),
        ("risc/event-type/account-enabled", EventEffect::None),
        ("ssf/event-type/verification", EventEffect::Verification),
        ("caep/event-type/session-established", EventEffect::None),
        ("caep/event-type/session-revoked/", EventEffect::None),
    ] {
        let name = uri.rsplit('/').next().unwrap();
        assert_eq!(
            effect(&format!("https://schemas.openid.net/secevent/{uri}")),
            expected,
            "{uri}"
        );
        let is_told = expected == EventEffect::None || page.contains(&format!("`{name}`"));
        assert!(is_told, "{name} is not in the page");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_is_new_once_and_the_memory_of_tokens_is_bounded() {
    let replays = Replays::new(None);
    // Asked about is not obeyed: a request that ended half way leaves nothing behind.
    assert!(!replays.has("a", "1").await && !replays.has("a", "1").await);
    replays.note("a", "1").await;
    replays.note("a", "1").await;
    assert!(replays.has("a", "1").await);
    // Of another source, however the two are put together.
    assert!(!replays.has("b", "1").await && !replays.has("", "a1").await);
    assert_eq!(replays.len(), 1);
    for number in 0..70_000 {
        replays.note("c", &number.to_string()).await;
    }
    assert!(replays.len() <= 65_536, "{}", replays.len());
    assert!(replays.has("c", "69999").await && !replays.has("c", "0").await);
    tokio::time::advance(std::time::Duration::from_secs(601)).await;
    assert!(!replays.has("c", "69999").await);
    assert_eq!(replays.len(), 0);
}
