//! From claims to an identity: the shapes that Rownd writes, and those it never would.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{APP, access, kinds::settings, parse, unsigned, with};
use crate::{
    model::{AuthLevel, DenyReason, IdentityFacts},
    verify::{
        claims::{lifetime::Lifetime, read::AcceptedApp},
        rules::Rules,
        token::Token,
    },
};

const KNOWN: AcceptedApp<'_> = AcceptedApp { id: Some(APP), variants: &[] };
const UNKNOWN: AcceptedApp<'_> = AcceptedApp { id: None, variants: &[] };

fn token(json: &Value) -> Token<'static> {
    let text = format!("{}.c2ln", unsigned(r#"{"alg":"EdDSA"}"#, &json.to_string()));
    parse(text.as_bytes()).unwrap()
}

fn judge(json: &Value, apps: &[AcceptedApp<'_>]) -> Result<IdentityFacts, DenyReason> {
    let rules = Rules::build(&settings("kind: rownd, apps: [{ id: x }]"));
    rules.facts(&token(json), &"one".into(), apps)
}

/// Short names for Rownd's claims.
fn rownd_claims(changes: &Value) -> Value {
    let names = changes.as_object().unwrap().iter().map(|(name, value)| {
        let full = match name.as_str() {
            "id" => "https://auth.rownd.io/app_user_id",
            "level" => "https://auth.rownd.io/auth_level",
            "anonymous" => "https://auth.rownd.io/is_anonymous",
            "verified" => "https://auth.rownd.io/is_verified_user",
            "type" => "https://auth.rownd.io/jwt_type",
            other => other,
        };
        (full.to_owned(), value.clone())
    });
    Value::Object(names.collect())
}

/// The access token of a verified user with these changes.
fn changed(changes: &Value) -> Result<IdentityFacts, DenyReason> {
    judge(&with(access(), &rownd_claims(changes)), &[KNOWN])
}

#[test]
fn each_shape_that_rownd_writes_is_read_right() {
    let older = json!({
        "jti": "00000000-0000-4000-8000-000000000004",
        "aud": ["app:284600000000000000", "https://api.rownd.io"],
        "sub": "google-oauth2|100000000000000000000",
        "iat": 1_649_304_669,
        "https://auth.rownd.io/app_user_id": "00000000-0000-4000-8000-00000000aaaa",
        "https://auth.rownd.io/is_verified_user": true,
        "iss": "https://api.rownd.io",
        "exp": 1_649_308_269,
    });
    let guest = with(access(), &rownd_claims(&json!({"level": "guest", "anonymous": true})));
    let variant =
        with(access(), &json!({"aud": [format!("app:{APP}"), "app_variant:cmtestvariant"]}));
    let of_2022 = AcceptedApp { id: Some("284600000000000000"), variants: &[] };
    #[rustfmt::skip] // one case a line
    let cases = [
        ("verified", access(), KNOWN, "user_test0000000000000000001", AuthLevel::Verified, false, true, None),
        ("guest", guest, KNOWN, "user_test0000000000000000001", AuthLevel::Guest, true, false, None),
        ("variant", variant, KNOWN, "user_test0000000000000000001", AuthLevel::Verified, false, true, Some("cmtestvariant")),
        ("2022", older, of_2022, "00000000-0000-4000-8000-00000000aaaa", AuthLevel::Verified, false, true, None),
    ];
    for (name, json, app, user, level, anonymous, verified, app_variant) in cases {
        let found = judge(&json, &[app]).unwrap();
        assert_eq!(found.user_id, user, "{name}");
        assert_eq!(
            (found.auth_level, found.anonymous, found.verified()),
            (level, anonymous, verified),
            "{name}"
        );
        assert_eq!(
            (found.app_id.as_deref(), found.app_variant.as_deref()),
            (app.id, app_variant),
            "{name}"
        );
        assert_eq!((&*found.issuer, found.session_id.as_deref()), ("one", None), "{name}");
        assert!(found.roles.is_empty() && found.groups.is_empty(), "{name}");
        let end = found.expires_at.unwrap().duration_since(std::time::UNIX_EPOCH).unwrap();
        assert_eq!(json["exp"], end.as_secs(), "{name}");
    }
}

/// (auth_level, is_anonymous, is_verified_user, level, anonymous); `null` is an absent claim.
#[test]
fn the_level_is_derived_where_it_is_absent_and_guests_are_never_verified() {
    use AuthLevel::{Guest, Instant, Unverified, Verified};
    let n = Value::Null;
    for (level, anonymous, verified, expected, is_anonymous) in [
        (json!("verified"), n.clone(), json!(true), Verified, false),
        (json!("verified"), json!(false), json!(false), Verified, false),
        (json!("unverified"), n.clone(), json!(true), Unverified, false),
        (json!("guest"), n.clone(), json!(true), Guest, true),
        (json!("guest"), json!(true), json!(true), Guest, true),
        (json!("instant"), n.clone(), json!(true), Instant, false),
        (json!("instant"), json!(true), n.clone(), Instant, true),
        // An anonymous user is a guest at most, whatever the level says.
        (json!("verified"), json!(true), json!(true), Guest, true),
        (json!("unverified"), json!(true), json!(true), Guest, true),
        // A level that we do not know proves nothing.
        (json!("unknown"), n.clone(), json!(true), Instant, false),
        (json!("super_verified"), n.clone(), json!(true), Instant, false),
        (json!("Verified"), n.clone(), json!(true), Instant, false),
        (json!(" verified"), n.clone(), json!(true), Instant, false),
        (json!(""), n.clone(), json!(true), Instant, false),
        // Derived.
        (n.clone(), n.clone(), json!(true), Verified, false),
        (n.clone(), json!(false), json!(true), Verified, false),
        (n.clone(), n.clone(), json!(false), Unverified, false),
        (n.clone(), n.clone(), n.clone(), Unverified, false),
        (n.clone(), json!(true), json!(true), Guest, true),
        (n.clone(), json!(true), n, Guest, true),
    ] {
        let changes = json!({"level": level, "anonymous": anonymous, "verified": verified});
        let found = changed(&changes).unwrap();
        assert_eq!((found.auth_level, found.anonymous), (expected, is_anonymous), "{changes}");
        assert_eq!(found.verified(), expected == Verified, "{changes}");
    }
}

#[test]
fn a_claim_of_the_wrong_type_is_not_guessed_at() {
    for (name, values) in [
        ("level", vec![json!(1), json!(true), json!(["verified"]), json!({})]),
        ("anonymous", vec![json!("true"), json!("false"), json!(1), json!(0), json!([])]),
        ("verified", vec![json!("true"), json!(1), json!({})]),
        ("id", vec![json!(1), json!(true), json!(["user"]), json!({})]),
    ] {
        for value in values {
            let found = changed(&json!({name: value.clone()}));
            assert_eq!(found, Err(DenyReason::ClaimsInvalid), "{name}: {value}");
        }
    }
    // An explicit null is not an absent claim.
    for name in ["level", "anonymous", "verified", "id"] {
        let mut json = access();
        let full = rownd_claims(&json!({name: 0}));
        let full = full.as_object().unwrap().keys().next().unwrap().clone();
        json.as_object_mut().unwrap().insert(full, Value::Null);
        assert_eq!(judge(&json, &[KNOWN]), Err(DenyReason::ClaimsInvalid), "{name}");
    }
}

#[test]
fn only_access_tokens_are_taken() {
    for (kind, expected) in [
        (json!("access_token"), Ok(())),
        (json!("refresh_token"), Err(DenyReason::TokenKindRefused)),
        (json!("id_token"), Err(DenyReason::TokenKindRefused)),
        (json!("Access_Token"), Err(DenyReason::TokenKindRefused)),
        (json!(""), Err(DenyReason::TokenKindRefused)),
        (json!(["access_token"]), Err(DenyReason::TokenKindRefused)),
        (json!(1), Err(DenyReason::TokenKindRefused)),
        (json!(false), Err(DenyReason::TokenKindRefused)),
    ] {
        assert_eq!(changed(&json!({"type": kind.clone()})).map(|_| ()), expected, "{kind}");
    }
    let mut json = access();
    json["https://auth.rownd.io/jwt_type"] = Value::Null;
    assert_eq!(judge(&json, &[KNOWN]), Err(DenyReason::TokenKindRefused), "null");
}

#[test]
fn a_refresh_token_is_refused_for_what_it_is_whatever_else_is_wrong() {
    for changes in [
        json!({"type": "refresh_token", "aud": ["app:other"]}),
        json!({"type": "refresh_token", "id": "", "sub": ""}),
        json!({"type": "refresh_token", "level": 1}),
    ] {
        assert_eq!(changed(&changes), Err(DenyReason::TokenKindRefused), "{changes}");
    }
}

/// (aud, judgement)
#[test]
fn the_audience_names_our_app_exactly() {
    let ours = format!("app:{APP}");
    let good = Ok(Some(APP.to_owned()));
    let other = Err(DenyReason::AudienceMismatch);
    for (aud, expected) in [
        (json!([ours]), good.clone()),
        (json!(ours), good.clone()),
        (json!(["https://api.rownd.io", ours]), good.clone()),
        (json!([ours, ours]), good.clone()),
        (json!([ours, "app:other"]), good),
        (Value::Null, other.clone()),
        (json!([]), other.clone()),
        (json!(""), other.clone()),
        (json!(["app:other"]), other.clone()),
        (json!([APP]), other.clone()),
        (json!(["app:"]), other.clone()),
        (json!([format!("app: {APP}")]), other.clone()),
        (json!([format!("APP:{APP}")]), other.clone()),
        (json!([format!("app:app:{APP}")]), other.clone()),
        (json!([format!("{ours}x")]), other.clone()),
        (json!([ours.trim_end_matches('1')]), other.clone()),
        (json!([ours.to_uppercase()]), other.clone()),
        (json!([format!("{ours} ")]), other.clone()),
        (json!([format!("{ours},app:other")]), other.clone()),
        (json!([format!("app_variant:{APP}")]), other.clone()),
        (json!(["https://api.rownd.io"]), other),
    ] {
        let found = changed(&json!({"aud": aud.clone()})).map(|found| found.app_id);
        assert_eq!(found, expected, "{aud}");
    }
}

#[test]
fn while_an_app_is_unknown_the_fault_may_be_ours() {
    let another = with(access(), &json!({"aud": ["app:other"]}));
    let no_app = with(access(), &json!({"aud": ["https://api.rownd.io"]}));
    let second = AcceptedApp { id: Some("other"), variants: &[] };
    #[rustfmt::skip] // one case a line
    let cases = [
        ("nothing is known", access(), vec![UNKNOWN], Err(DenyReason::AppUnknown)),
        ("the known one is meant", access(), vec![UNKNOWN, KNOWN], Ok(APP)),
        ("perhaps the unknown one is meant", another.clone(), vec![KNOWN, UNKNOWN], Err(DenyReason::AppUnknown)),
        ("no app is meant", no_app, vec![UNKNOWN], Err(DenyReason::AudienceMismatch)),
        ("the second one is meant", another.clone(), vec![KNOWN, second], Ok("other")),
        ("all are known", another, vec![KNOWN], Err(DenyReason::AudienceMismatch)),
        ("no app is configured", access(), vec![], Err(DenyReason::AudienceMismatch)),
    ];
    for (name, json, apps, expected) in cases {
        let found = judge(&json, &apps).map(|found| found.app_id.unwrap());
        assert_eq!(found, expected.map(str::to_owned), "{name}");
    }
}

#[test]
fn a_variant_is_named_and_may_be_limited() {
    let (a, b) = (["a".to_owned()], ["a".to_owned(), "b".to_owned()]);
    #[rustfmt::skip] // one case a line
    let cases = [
        ("none, free", json!([]), &[][..], Ok(None)),
        ("none, limited", json!([]), &a[..], Ok(None)),
        ("any, free", json!(["app_variant:x"]), &[], Ok(Some("x"))),
        ("the allowed one", json!(["app_variant:a"]), &a, Ok(Some("a"))),
        ("one of the allowed ones", json!(["app_variant:b"]), &b, Ok(Some("b"))),
        ("another", json!(["app_variant:b"]), &a, Err(DenyReason::VariantRefused)),
        ("an empty one", json!(["app_variant:"]), &a, Err(DenyReason::VariantRefused)),
        ("another case", json!(["app_variant:A"]), &a, Err(DenyReason::VariantRefused)),
        ("two", json!(["app_variant:a", "app_variant:b"]), &b, Err(DenyReason::ClaimsInvalid)),
        ("the same twice", json!(["app_variant:a", "app_variant:a"]), &a, Err(DenyReason::ClaimsInvalid)),
    ];
    for (name, aud, allowed, expected) in cases {
        let mut aud: Vec<Value> = aud.as_array().unwrap().clone();
        aud.insert(0, json!(format!("app:{APP}")));
        let app = AcceptedApp { id: Some(APP), variants: allowed };
        let found = judge(&with(access(), &json!({"aud": aud})), &[app]);
        let found = found.map(|found| found.app_variant);
        assert_eq!(found, expected.map(|variant| variant.map(str::to_owned)), "{name}");
    }
}

#[test]
fn the_allow_list_of_one_app_is_not_that_of_another() {
    let list = ["only".to_owned()];
    let strict = AcceptedApp { id: Some("strict"), variants: &list };
    let json = with(access(), &json!({"aud": [format!("app:{APP}"), "app_variant:any"]}));
    assert_eq!(
        judge(&json, &[strict, KNOWN]).map(|found| found.app_variant),
        Ok(Some("any".to_owned()))
    );
    // Made for both, through a variant that the first refuses: it is the second's.
    let json =
        with(access(), &json!({"aud": ["app:strict", format!("app:{APP}"), "app_variant:any"]}));
    let found = judge(&json, &[strict, KNOWN]).map(|found| (found.app_id, found.app_variant));
    assert_eq!(found, Ok((Some(APP.to_owned()), Some("any".to_owned()))));
    let json = with(access(), &json!({"aud": ["app:strict", "app_variant:any"]}));
    assert_eq!(judge(&json, &[strict, KNOWN]).err(), Some(DenyReason::VariantRefused));
}

#[test]
fn the_user_id_is_any_text_that_cannot_be_mistaken() {
    for id in [
        "user_abc",
        "auth0|12 3",
        "a@b.example",
        "../etc",
        "日本語",
        "...",
        "a b",
        "%2e%2e",
        "null",
        "<script>",
        "\u{202e}abc",
    ] {
        assert_eq!(
            changed(&json!({"id": id})).map(|found| found.user_id),
            Ok(id.to_owned()),
            "{id:?}"
        );
    }
    #[rustfmt::skip] // one case a line
    let cases = [
        "", " ", " a", "a ", "\ta", "a\n", "a\r\nb", "a\0b", "a\u{7f}", "a\u{85}b", "\u{a0}a", "a\u{2028}", ".", "..",
        "\u{1b}[31mred", "a\nfake log line",
    ];
    for id in cases {
        assert_eq!(changed(&json!({"id": id})), Err(DenyReason::ClaimsInvalid), "{id:?}");
    }
    assert_eq!(changed(&json!({"id": null})), Err(DenyReason::ClaimsInvalid), "absent");
}

#[test]
fn the_subject_is_there_and_is_not_the_user_id() {
    assert_eq!(changed(&json!({"sub": null})), Err(DenyReason::ClaimsInvalid), "absent");
    assert_eq!(changed(&json!({"sub": ""})), Err(DenyReason::ClaimsInvalid), "empty");
    let found = changed(&json!({"sub": "google-oauth2|1"})).unwrap();
    assert_eq!(found.user_id, "user_test0000000000000000001");
}

type Seconds = Option<u64>;
type Lived = (Seconds, Seconds, Seconds, u64, u64, Result<(), DenyReason>);

/// (not before, issued at, end, now, leeway, judgement)
#[rustfmt::skip] // one case a line
const LIFETIMES: &[Lived] = &[
    (None, None, None, 0, 0, Ok(())),
    (None, None, None, u64::MAX, 30, Ok(())),
    // The end, a second before, at and behind it, with leeway.
    (None, None, Some(1_000), 999, 0, Ok(())),
    (None, None, Some(1_000), 1_000, 0, Err(DenyReason::TokenExpired)),
    (None, None, Some(1_000), 1_001, 0, Err(DenyReason::TokenExpired)),
    (None, None, Some(1_000), 1_029, 30, Ok(())),
    (None, None, Some(1_000), 1_030, 30, Err(DenyReason::TokenExpired)),
    (None, None, Some(1_000), 1_031, 30, Err(DenyReason::TokenExpired)),
    (None, None, Some(0), 0, 0, Err(DenyReason::TokenExpired)),
    (None, None, Some(0), 29, 30, Ok(())),
    // The start.
    (Some(1_000), None, None, 999, 0, Err(DenyReason::TokenNotYetValid)),
    (Some(1_000), None, None, 1_000, 0, Ok(())),
    (Some(1_000), None, None, 969, 30, Err(DenyReason::TokenNotYetValid)),
    (Some(1_000), None, None, 970, 30, Ok(())),
    (None, Some(1_000), None, 969, 30, Err(DenyReason::TokenNotYetValid)),
    (None, Some(1_000), None, 970, 30, Ok(())),
    (Some(1_000), Some(2_000), None, 1_500, 0, Err(DenyReason::TokenNotYetValid)),
    (Some(2_000), Some(1_000), None, 1_500, 0, Err(DenyReason::TokenNotYetValid)),
    // Both.
    (Some(1_000), Some(1_000), Some(2_000), 1_500, 0, Ok(())),
    (Some(3_000), None, Some(1_000), 2_000, 0, Err(DenyReason::TokenExpired)),
    (Some(2_000), None, Some(1_000), 1_500, 0, Err(DenyReason::TokenExpired)),
    // The ends of the numbers.
    (None, None, Some(u64::MAX - 1), u64::MAX - 2, 30, Ok(())),
    (Some(u64::MAX), None, None, u64::MAX - 30, 30, Ok(())),
];

#[test]
fn a_token_holds_from_its_start_to_its_end() {
    for (not_before, issued_at, end, now, leeway, expected) in LIFETIMES {
        let lifetime = Lifetime::new(*not_before, *issued_at, *end);
        assert_eq!(lifetime.check(*now, *leeway), *expected, "{lifetime:?} at {now} with {leeway}");
    }
}

#[test]
fn the_lifetime_is_that_of_the_claims() {
    let lifetime =
        Lifetime::of(&token(&json!({"iss": "i", "nbf": 1, "iat": 2.5, "exp": 3})).claims);
    assert_eq!(lifetime, Lifetime::new(Some(1), Some(2), Some(3)));
}

proptest! {
    #[test]
    fn an_anonymous_user_is_never_above_guest(
        level in prop::option::of("(instant|guest|unverified|verified|[a-z]{0,9})"),
        anonymous in prop::option::of(any::<bool>()),
        verified in prop::option::of(any::<bool>()),
    ) {
        let found = changed(&json!({"level": level, "anonymous": anonymous, "verified": verified})).unwrap();
        if anonymous == Some(true) || level.as_deref() == Some("guest") {
            prop_assert!(found.auth_level <= AuthLevel::Guest && found.anonymous && !found.verified());
        }
        if let Some(level) = &level {
            prop_assert!(found.auth_level.as_str() <= level.as_str() || found.auth_level <= AuthLevel::Guest);
        }
    }
}
