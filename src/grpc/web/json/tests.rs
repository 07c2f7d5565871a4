//! Requests and responses in JSON, by the messages of RowndAuth.

use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde_json::{Value, json};

use super::{to_json, to_message};
use crate::grpc::DESCRIPTORS;

fn described(name: &str) -> MessageDescriptor {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    pool.get_message_by_name(&format!("rownd.auth.v1.{name}")).expect(name)
}

/// The canonical JSON of the message that this text is.
fn read(of: &str, text: &str) -> Result<Value, (String, String)> {
    let of = described(of);
    let bytes = to_message(&of, text.as_bytes()).map_err(|fault| (fault.field, fault.why))?;
    Ok(serde_json::from_slice(&to_json(&of, &bytes).unwrap()).unwrap())
}

#[test]
fn a_request_is_read_by_the_names_of_json_and_of_the_proto() {
    for (name, text, expected) in [
        ("empty", "{}", json!({})),
        ("a field", r#"{"token": "x"}"#, json!({ "token": "x" })),
        ("a JSON name", r#"{"appId": "a"}"#, json!({ "appId": "a" })),
        ("a name of the proto", r#"{"app_id": "a"}"#, json!({ "appId": "a" })),
        ("null", r#"{"appId": null}"#, json!({})),
        ("an empty text of an optional field", r#"{"appId": ""}"#, json!({ "appId": "" })),
        (
            "an enum",
            r#"{"minimumAuthLevel": "AUTH_LEVEL_GUEST"}"#,
            json!({ "minimumAuthLevel": "AUTH_LEVEL_GUEST" }),
        ),
        (
            "an enum's number",
            r#"{"minimumAuthLevel": 2}"#,
            json!({ "minimumAuthLevel": "AUTH_LEVEL_GUEST" }),
        ),
        (
            "a list",
            r#"{"requiredPermissions": ["a:b", "\u0000\u00fc\ud83d\ude00"]}"#,
            json!({ "requiredPermissions": ["a:b", "\0ü😀"] }),
        ),
    ] {
        assert_eq!(read("VerifyRequest", text).unwrap(), expected, "{name}");
    }
}

#[test]
fn well_known_messages_have_their_own_form() {
    let user =
        r#"{"userId": "a/b", "readMask": "id,data.first_name,data.lastName", "maxAge": "1.5s"}"#;
    let bytes = to_message(&described("GetUserRequest"), user.as_bytes()).unwrap();
    let message = crate::grpc::pb::rownd::auth::v1::GetUserRequest::decode(&*bytes).unwrap();
    let mask = message.read_mask.unwrap();
    assert_eq!(mask.paths, ["id", "data.first_name", "data.last_name"]);
    let age = message.max_age.unwrap();
    assert_eq!((age.seconds, age.nanos), (1, 500_000_000));
    let data = json!({ "a": [1, "x", null, true, { "b": {} }], "n": 1e300, "": -0.5 });
    let text = json!({ "thirdPartyToken": { "token": "t", "userData": data } });
    assert_eq!(read("ExchangeRequest", &text.to_string()).unwrap(), text);
    // Whole numbers stay whole, as far as a double is exact.
    let numbers = json!([0, -7, 9_007_199_254_740_992_i64, 1e16, 0.5]);
    let text = json!({ "thirdPartyToken": { "userData": { "n": numbers } } });
    let of = described("ExchangeRequest");
    let bytes = to_message(&of, text.to_string().as_bytes()).unwrap();
    let back = String::from_utf8(to_json(&of, &bytes).unwrap()).unwrap();
    assert!(back.contains("[0,-7,9007199254740992,1e+16,0.5]"), "{back}");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn a_mistake_is_told_by_its_field_and_never_by_its_value() {
    for (name, of, text, field, why) in [
        ("no object", "VerifyRequest", r#""a-secret""#, "", "the body is not an object"),
        ("a list", "VerifyRequest", r#"["a-secret"]"#, "", "the body is not an object"),
        ("null", "VerifyRequest", "null", "", "the body is not an object"),
        (
            "unknown",
            "VerifyRequest",
            r#"{"tokn": "a-secret"}"#,
            "tokn",
            "is no field of rownd.auth.v1.VerifyRequest, which has: token, appId",
        ),
        ("case", "VerifyRequest", r#"{"Token": "a-secret"}"#, "Token", "is no field"),
        (
            "twice by two names",
            "VerifyRequest",
            r#"{"appId": "a-secret", "app_id": "b"}"#,
            "app_id",
            "stands twice",
        ),
        (
            "twice, one of them null",
            "VerifyRequest",
            r#"{"appId": null, "app_id": "b"}"#,
            "app_id",
            "stands twice",
        ),
        ("a number for text", "VerifyRequest", r#"{"token": 7}"#, "token", "cannot have"),
        (
            "text for a flag",
            "VerifyRequest",
            r#"{"includeMemberships": "a-secret"}"#,
            "includeMemberships",
            "cannot have",
        ),
        (
            "an unknown word",
            "VerifyRequest",
            r#"{"minimumAuthLevel": "a-secret"}"#,
            "minimumAuthLevel",
            "cannot have",
        ),
        (
            "a number that is too large",
            "VerifyRequest",
            r#"{"minimumAuthLevel": 1e20}"#,
            "minimumAuthLevel",
            "cannot have",
        ),
        (
            "an object for a list",
            "VerifyRequest",
            r#"{"requiredPermissions": {"a": "a-secret"}}"#,
            "requiredPermissions",
            "cannot have",
        ),
        (
            "an item",
            "VerifyRequest",
            r#"{"requiredPermissions": ["a", 7]}"#,
            "requiredPermissions[1]",
            "cannot have",
        ),
        (
            "an item that is null",
            "VerifyRequest",
            r#"{"requiredPermissions": [null]}"#,
            "requiredPermissions[0]",
            "cannot have",
        ),
        (
            "two of a choice",
            "ExchangeRequest",
            r#"{"guest": {}, "refreshToken": {"refreshToken": "a-secret"}}"#,
            "",
            "two members of one choice",
        ),
        (
            "unknown further in",
            "ExchangeRequest",
            r#"{"refreshToken": {"token": "a-secret"}}"#,
            "refreshToken.token",
            "is no field of rownd.auth.v1.RefreshTokenGrant",
        ),
        (
            "no object further in",
            "ExchangeRequest",
            r#"{"refreshToken": "a-secret"}"#,
            "refreshToken",
            "the value is not an object",
        ),
        ("a duration", "GetUserRequest", r#"{"maxAge": "a-secret"}"#, "maxAge", "cannot have"),
        ("a duration in a number", "GetUserRequest", r#"{"maxAge": 7}"#, "maxAge", "cannot have"),
        (
            "a mask in a list",
            "GetUserRequest",
            r#"{"readMask": ["a-secret"]}"#,
            "readMask",
            "cannot have",
        ),
        (
            "a structure of text",
            "ExchangeRequest",
            r#"{"thirdPartyToken": {"userData": "a-secret"}}"#,
            "thirdPartyToken.userData",
            "cannot have",
        ),
    ] {
        let (at, said) = read(of, text).expect_err(name);
        assert_eq!(at, field, "{name}: {said}");
        assert!(said.contains(why) && !said.contains("a-secret"), "{name}: {said}");
    }
}

#[test]
fn a_name_that_a_client_made_up_is_repeated_in_part_only() {
    let text = json!({ "n".repeat(10_000): 1 }).to_string();
    let (at, why) = read("VerifyRequest", &text).unwrap_err();
    assert_eq!(at, "n".repeat(64));
    assert!(why.len() < 400, "{why}");
    let (at, _) = read("VerifyRequest", r#"{"a\u0000\u001b[31m": 1}"#).unwrap_err();
    assert_eq!(at, "a\u{fffd}\u{fffd}[31m");
}

/// The deepest structure that is read is one that every protobuf library reads.
#[test]
fn a_structure_is_read_as_deep_as_a_message_may_be() {
    let nested = |levels: usize| {
        let (open, close) = (r#"{"a":"#.repeat(levels), "}".repeat(levels));
        format!(r#"{{"thirdPartyToken": {{"userData": {open}1{close}}}}}"#)
    };
    let of = described("ExchangeRequest");
    let bytes = to_message(&of, nested(30).as_bytes()).unwrap();
    let message = crate::grpc::pb::rownd::auth::v1::ExchangeRequest::decode(&*bytes);
    assert!(message.is_ok(), "{message:?}");
    let fault = to_message(&of, nested(31).as_bytes()).unwrap_err();
    assert!(fault.why.contains("more than 32 levels"), "{fault:?}");
}

#[test]
fn a_response_leaves_out_the_fields_without_a_value() {
    let of = described("VerifyResponse");
    let text = json!({ "identity": {
        "userId": "u", "authLevel": "AUTH_LEVEL_VERIFIED", "verified": true,
        "expireTime": "2100-01-01T00:00:00Z", "claims": { "n": 3, "deep": [[{}]] },
    } });
    let bytes = to_message(&of, text.to_string().as_bytes()).unwrap();
    let back: Value = serde_json::from_slice(&to_json(&of, &bytes).unwrap()).unwrap();
    assert_eq!(back, text);
    assert!(to_json(&of, b"\xff\xff").is_err());
    let empty = DynamicMessage::new(of.clone()).encode_to_vec();
    assert_eq!(to_json(&of, &empty).unwrap(), b"{}");
}
