//! Verdict to answer: each reason in both protocols, and no denial that Envoy could take for
//! an allow.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock},
};

use bytes::Bytes;
use envoy_types::pb::envoy::{
    config::core::v3::{HeaderValueOption, header_value_option::HeaderAppendAction},
    service::auth::v3::{CheckResponse, check_response::HttpResponse},
};
use prost::Message as _;
use serde_json::Value;

use super::{denied, metadata, outer};
use crate::{
    authz::{Allowance, EncodingDoor, IdentityHeaders, RequestEdits, Verdict, VerdictFacts},
    config::DenialSettings,
    grpc::ext_authz::response::Encoder,
    model::{
        AllowReason, AuthLevel, CallerProtocol, Denial, DenialClass, DenyReason, IdentityFacts,
        QueryEdits, ResponseEdits, SharedText,
    },
    response::statuses,
    verify::Identity,
};

pub(super) const PROTOCOLS: [CallerProtocol; 3] =
    [CallerProtocol::Http, CallerProtocol::Grpc, CallerProtocol::GrpcWeb];

/// The settings of a configuration with this `check.realm`, with or without error responses.
pub(super) fn settings(error_response: bool) -> DenialSettings {
    DenialSettings {
        realm: "the realm".to_owned(),
        retry_after: 7,
        error_response,
        explain: false,
        resource_metadata: None,
        form: Arc::default(),
        secret_parameters: Vec::new(),
    }
}

pub(super) fn encoder() -> Encoder<'static> {
    static SETTINGS: LazyLock<DenialSettings> = LazyLock::new(|| settings(false));
    Encoder::new(&SETTINGS)
}

fn identity() -> IdentityFacts {
    let user_id = "user \u{fc} <script>".to_owned();
    IdentityFacts {
        anonymous: true,
        app_id: Some("app_1".to_owned()),
        ..IdentityFacts::new(user_id, "one".into(), AuthLevel::Guest)
    }
}

pub(super) fn facts(protocol: CallerProtocol) -> VerdictFacts {
    VerdictFacts {
        rule: "the-rule".into(),
        identity: Some(Arc::new(Identity::for_test(identity()))),
        request_id: Bytes::from("request-1"),
        trace_id: Some(Bytes::from("4bf92f3577b34da6a3ce929d0e0e4736")),
        protocol,
        omitted: Vec::new(),
        denial_form: None,
        shadows: Vec::new(),
        verified_anew: false,
    }
}

/// The part of an allowed response that is kept beside the identity; it was encoded before.
fn kept(verdict: &Verdict) -> Bytes {
    let Verdict::Allow(allowance) = verdict else { panic!("{verdict:?}") };
    let headers = &allowance.request().identity;
    headers.encoded(EncodingDoor::ExtAuthz, || panic!("nothing was kept"))
}

/// The answer as Envoy reads it.
pub(super) fn encode(encoder: &Encoder<'_>, verdict: &Verdict) -> CheckResponse {
    let answer = encoder.encode(verdict, None);
    if let Verdict::Allow(_) = verdict {
        // The part that was encoded earlier can add to a response and never decide one.
        let kept = kept(verdict);
        assert_eq!(CheckResponse::decode(kept.clone()).unwrap().status, None);
        assert!(answer.message().ends_with(&kept));
    }
    CheckResponse::decode(answer.message()).unwrap()
}

fn deny(denial: impl Into<Denial>, protocol: CallerProtocol) -> CheckResponse {
    encode(&encoder(), &Verdict::denied(denial.into(), facts(protocol)))
}

pub(super) fn headers_of(headers: &[HeaderValueOption]) -> BTreeMap<String, String> {
    let pairs = headers.iter().map(|option| {
        let header = option.header.as_ref().unwrap();
        assert!(header.raw_value.is_empty(), "Envoy sets an empty header for a raw value");
        (header.key.clone(), header.value.clone())
    });
    let all: BTreeMap<String, String> = pairs.collect();
    assert_eq!(all.len(), headers.len(), "a name stands once");
    all
}

/// HTTP status, gRPC code, `error` of the body, and the error of the challenge.
const fn expected(class: DenialClass) -> (i32, i32, &'static str, Option<&'static str>) {
    match class {
        DenialClass::Anonymous => (401, 16, "unauthenticated", Some("")),
        DenialClass::BadCredential => (401, 16, "invalid_token", Some("invalid_token")),
        DenialClass::Conflict => (400, 16, "invalid_request", Some("invalid_request")),
        DenialClass::BadRequest => (400, 3, "invalid_request", None),
        DenialClass::Forbidden => (403, 7, "insufficient_scope", Some("insufficient_scope")),
        DenialClass::StepUp => {
            (401, 16, "insufficient_user_authentication", Some("insufficient_user_authentication"))
        }
        DenialClass::Pending | DenialClass::Unavailable => {
            (503, 14, "temporarily_unavailable", None)
        }
    }
}

#[test]
fn no_denial_can_be_taken_for_an_allow() {
    for reason in DenyReason::ALL {
        for protocol in PROTOCOLS {
            for denial in [Denial::from(*reason), Denial::for_everybody(*reason)] {
                for error_response in [false, true] {
                    let settings = settings(error_response);
                    let encoder = Encoder::new(&settings);
                    let verdict = Verdict::denied(denial.clone(), facts(protocol));
                    let answer = encode(&encoder, &verdict);
                    assert!(matches!(outer(&answer), 7 | 16), "{reason:?}");
                    let status = denied(&answer).status.as_ref().unwrap().code;
                    assert!((400..600).contains(&status), "{reason:?}: {status}");
                }
            }
        }
    }
}

#[test]
fn every_reason_has_its_status_in_both_protocols() {
    for reason in DenyReason::ALL {
        let (http, grpc, error, _) = expected(reason.class());
        let statuses = statuses(*reason);
        assert_eq!((i32::from(statuses.http), statuses.grpc), (http, grpc), "{reason:?}");
        let answer = deny(*reason, CallerProtocol::Http);
        assert_eq!(outer(&answer), if http == 403 { 7 } else { 16 }, "{reason:?}");
        assert_eq!(denied(&answer).status.as_ref().unwrap().code, http, "{reason:?}");
        let body: Value = serde_json::from_str(&denied(&answer).body).unwrap();
        let body = body.as_object().unwrap();
        assert_eq!(body.len(), 4, "{reason:?}");
        assert_eq!(body["error"], error, "{reason:?}");
        assert_eq!(body["reason"], reason.code(), "{reason:?}");
        assert_eq!(body["message"], reason.message(), "{reason:?}");
        assert_eq!(body["request_id"], "request-1", "{reason:?}");
        let headers = headers_of(&denied(&answer).headers);
        assert_eq!(headers["cache-control"], "no-store", "{reason:?}");
        assert_eq!(headers["content-type"], "application/json", "{reason:?}");
        assert_eq!(
            headers.get("retry-after").map(String::as_str),
            (http == 503).then_some("7"),
            "{reason:?}"
        );
        assert!(!headers.contains_key("grpc-status"), "{reason:?}");
    }
}

#[test]
fn a_challenge_says_no_more_than_the_protocol_has_it() {
    let realm = "Bearer realm=\"the realm\"";
    for reason in DenyReason::ALL {
        for protocol in PROTOCOLS {
            let answer = deny(*reason, protocol);
            let found = headers_of(&denied(&answer).headers).remove("www-authenticate");
            let expected = expected(reason.class()).3.map(|error| match error {
                "" => realm.to_owned(),
                error => format!(
                    "{realm}, error=\"{error}\", error_description=\"{}\"",
                    reason.message()
                ),
            });
            assert_eq!(found, expected, "{reason:?}");
        }
    }
}

#[test]
fn a_step_up_names_the_level_that_would_do() {
    let challenge = |step_up| {
        let answer =
            deny(Denial::level_too_low(AuthLevel::Verified, step_up), CallerProtocol::Http);
        headers_of(&denied(&answer).headers).remove("www-authenticate").unwrap()
    };
    assert_eq!(
        challenge(true),
        "Bearer realm=\"the realm\", error=\"insufficient_user_authentication\", \
         error_description=\"sign in again with a higher authentication level\", acr_values=\"verified\""
    );
    assert!(!challenge(false).contains("acr_values"));
    assert!(challenge(false).contains("error=\"insufficient_scope\""));
}

#[test]
fn what_is_said_fits_into_a_header() {
    for reason in DenyReason::ALL {
        let message = reason.message();
        assert!(
            message.bytes().all(|b| (0x20..0x7f).contains(&b) && b != b'"' && b != b'\\'),
            "{reason:?}"
        );
        assert!(message.len() < 100, "{reason:?}");
    }
}

#[test]
fn grpc_callers_get_plain_text_and_a_status() {
    for reason in DenyReason::ALL {
        let (http, grpc, _, _) = expected(reason.class());
        for protocol in [CallerProtocol::Grpc, CallerProtocol::GrpcWeb] {
            let answer = deny(*reason, protocol);
            let denied = denied(&answer);
            assert_eq!(denied.status.as_ref().unwrap().code, http, "{reason:?}");
            assert_eq!(
                denied.body,
                format!("{}: {}", reason.code(), reason.message()),
                "{reason:?}"
            );
            let headers = headers_of(&denied.headers);
            assert_eq!(headers["grpc-status"], grpc.to_string(), "{reason:?}");
            assert_eq!(headers["content-type"], "text/plain", "{reason:?}");
            assert_eq!(headers["cache-control"], "no-store", "{reason:?}");
        }
    }
}

#[test]
fn no_denial_repeats_what_the_client_sent() {
    for reason in DenyReason::ALL {
        for protocol in PROTOCOLS {
            let answer = deny(*reason, protocol);
            let denied = denied(&answer);
            let said = format!("{} {:?}", denied.body, headers_of(&denied.headers));
            for input in ["\u{fc}", "<script>", "4bf92f35", "app_1", "the-rule"] {
                assert!(!said.contains(input), "{reason:?}: {said}");
            }
        }
    }
}

#[test]
fn an_error_response_is_told_only_for_what_holds_for_everybody() {
    let answer = |denial: Denial, setting| {
        let settings = settings(setting);
        let encoder = Encoder::new(&settings);
        encode(&encoder, &Verdict::denied(denial, facts(CallerProtocol::Http)))
    };
    for reason in DenyReason::ALL {
        for (denial, setting, error) in [
            (Denial::from(*reason), false, false),
            (Denial::from(*reason), true, false),
            (Denial::for_everybody(*reason), false, false),
            (Denial::for_everybody(*reason), true, reason.class() == DenialClass::Unavailable),
        ] {
            let answer = answer(denial.clone(), setting);
            let is_error = matches!(answer.http_response, Some(HttpResponse::ErrorResponse(_)));
            assert_eq!(is_error, error, "{denial:?} {setting}");
            assert_ne!(outer(&answer), 0, "{denial:?} {setting}");
        }
    }
    let level = Denial::level_too_low(AuthLevel::Verified, false);
    assert!(matches!(answer(level, true).http_response, Some(HttpResponse::DeniedResponse(_))));
}

fn edits(identity: IdentityHeaders, spoofed: Vec<SharedText>) -> RequestEdits {
    let (headers, query, remove) = (Vec::new(), QueryEdits::default(), Vec::new());
    RequestEdits { identity: Arc::new(identity), spoofed, remove, headers, query }
}

pub(super) fn identity_edits() -> RequestEdits {
    let set = vec![("x-rownd-user-id", "user_1".into()), ("x-rownd-verified", "true".into())];
    let identity = IdentityHeaders::new(set, vec!["x-rownd-roles"]);
    edits(identity, vec!["x_rownd_user_id".into()])
}

pub(super) fn allow_with((request, response): (RequestEdits, ResponseEdits)) -> Verdict {
    let facts = facts(CallerProtocol::Http);
    let reason = AllowReason::Authenticated;
    Verdict::Allow(Allowance::for_test(reason, request, response, facts))
}

fn allow() -> Verdict {
    allow_with((identity_edits(), ResponseEdits::default()))
}

fn allowed() -> CheckResponse {
    encode(&encoder(), &allow())
}

#[test]
fn an_allow_sets_and_removes_headers_and_nothing_else() {
    let answer = allowed();
    assert_eq!(outer(&answer), 0);
    let Some(HttpResponse::OkResponse(ok)) = &answer.http_response else { panic!("{answer:?}") };
    let set = headers_of(&ok.headers);
    let set: Vec<(&str, &str)> = set.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(set, [("x-rownd-user-id", "user_1"), ("x-rownd-verified", "true")]);
    let removed: BTreeSet<&str> = ok.headers_to_remove.iter().map(String::as_str).collect();
    assert_eq!(removed, BTreeSet::from(["x-rownd-roles", "x_rownd_user_id"]));
    assert_eq!(ok.headers_to_remove.len(), 2);
    assert!(ok.response_headers_to_add.is_empty());
    assert!(ok.query_parameters_to_set.is_empty() && ok.query_parameters_to_remove.is_empty());
    #[expect(deprecated, reason = "Envoy would replace the outer metadata by it")]
    let inner = &ok.dynamic_metadata;
    assert!(inner.is_none());
    // On the wire the status is there, although its code is zero.
    let answer = encoder().encode(&allow(), None);
    let wire = answer.message();
    assert!(wire.starts_with(&[0x0a, 0x00]), "{:?}", &wire[..4]);
}

#[test]
fn an_identitys_part_is_encoded_once_and_belongs_to_it_alone() {
    let encoder = encoder();
    let verdict = allow();
    encoder.encode(&verdict, None);
    let first = kept(&verdict);
    encoder.encode(&verdict, None);
    assert_eq!(first.as_ptr(), kept(&verdict).as_ptr());
    let other = IdentityFacts { user_id: "another".to_owned(), ..identity() };
    let mut facts = facts(CallerProtocol::Http);
    facts.identity = Some(Arc::new(Identity::for_test(other)));
    let set = vec![("x-rownd-user-id", "another".into())];
    let headers = IdentityHeaders::new(set, Vec::new());
    let request = edits(headers, Vec::new());
    let answer =
        Allowance::for_test(AllowReason::Authenticated, request, ResponseEdits::default(), facts);
    let answer = encode(&encoder, &Verdict::Allow(answer));
    let Some(HttpResponse::OkResponse(ok)) = &answer.http_response else { panic!("{answer:?}") };
    assert_eq!(
        headers_of(&ok.headers),
        BTreeMap::from([("x-rownd-user-id".to_owned(), "another".to_owned())])
    );
    assert_eq!(metadata(&answer, "user_id"), Some("another"));
}

#[test]
#[expect(deprecated, reason = "released Envoys obey `append`, later ones `append_action`")]
fn every_header_replaces_whatever_was_there() {
    let ok = match allowed().http_response {
        Some(HttpResponse::OkResponse(ok)) => ok.headers,
        other => panic!("{other:?}"),
    };
    let no = deny(DenyReason::KeysUnavailable, CallerProtocol::Grpc);
    for option in ok.iter().chain(&denied(&no).headers) {
        assert_eq!(option.append.as_ref().map(|append| append.value), Some(false), "{option:?}");
        assert_eq!(
            option.append_action,
            i32::from(HeaderAppendAction::OverwriteIfExistsOrAdd),
            "{option:?}"
        );
        assert!(!option.keep_empty_value, "{option:?}");
    }
}

#[test]
fn access_logs_can_read_what_was_decided() {
    let level = deny(Denial::level_too_low(AuthLevel::Verified, false), CallerProtocol::Http);
    let down = deny(DenyReason::KeysUnavailable, CallerProtocol::Http);
    for (answer, outcome, reason) in [
        (&allowed(), "allow", "authenticated"),
        (&level, "deny", "auth_level_too_low"),
        (&down, "unavailable", "keys_unavailable"),
    ] {
        for (name, expected) in [
            ("outcome", outcome),
            ("reason", reason),
            ("rule", "the-rule"),
            ("request_id", "request-1"),
            // Encoded like the header: a text log writes the value as it is.
            ("user_id", "user%20%C3%BC%20<script>"),
            ("auth_level", "guest"),
            ("app_id", "app_1"),
            ("issuer", "one"),
        ] {
            assert_eq!(metadata(answer, name), Some(expected), "{name}");
        }
        assert_eq!(answer.dynamic_metadata.as_ref().unwrap().fields.len(), 8);
    }
}

#[test]
fn an_unknown_caller_has_no_identity_in_the_metadata() {
    let facts = VerdictFacts { identity: None, ..facts(CallerProtocol::Http) };
    let answer = encode(&encoder(), &Verdict::denied(DenyReason::CredentialMissing.into(), facts));
    for name in ["user_id", "auth_level", "app_id", "issuer"] {
        assert_eq!(metadata(&answer, name), None, "{name}");
    }
    assert_eq!(metadata(&answer, "outcome"), Some("deny"));
}

#[test]
fn a_denial_names_its_issuer_also_where_the_caller_is_unknown() {
    let denial = || Denial::from(DenyReason::TokenExpired);
    let two = Some("two".into());
    for (name, denial, known, expected) in [
        ("known", denial(), true, Some("one")),
        ("judged", two.iter().fold(denial(), Denial::judged_by), false, Some("two")),
        ("neither", denial(), false, None),
    ] {
        let mut facts = facts(CallerProtocol::Http);
        facts.identity = facts.identity.filter(|_| known);
        let answer = encode(&encoder(), &Verdict::denied(denial, facts));
        assert_eq!(metadata(&answer, "issuer"), expected, "{name}");
    }
}

#[test]
fn an_id_that_is_no_text_breaks_no_answer() {
    // An id is checked to be visible ASCII before; the encoder does not rely on it.
    let facts =
        VerdictFacts { request_id: Bytes::from_static(b"\xff\"\n"), ..facts(CallerProtocol::Http) };
    let answer = encode(&encoder(), &Verdict::denied(DenyReason::Internal.into(), facts));
    let body: Value = serde_json::from_str(&denied(&answer).body).unwrap();
    assert_eq!(body["request_id"], "\u{fffd}\"\n");
}
