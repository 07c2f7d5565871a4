//! The strict parse: which shapes, headers and registered claims are refused before any
//! cryptography (RFC 8725, and the gaps of the libraries).

use base64::{
    Engine as _,
    alphabet::URL_SAFE,
    engine::{
        GeneralPurpose, GeneralPurposeConfig,
        general_purpose::{STANDARD, URL_SAFE_NO_PAD},
    },
};
use proptest::prelude::*;
use serde_json::json;

use super::{parse, unsigned};
use crate::{model::DenyReason, verify::token::verified_claims};

const MALFORMED: Result<(), DenyReason> = Err(DenyReason::TokenMalformed);
const REFUSED: Result<(), DenyReason> = Err(DenyReason::TokenHeaderRefused);
const GOOD: Result<(), DenyReason> = Ok(());

const HEADER: &str = r#"{"alg":"EdDSA","kid":"k"}"#;
const CLAIMS: &str = r#"{"iss":"i"}"#;
const SIGNATURE: &str = "c2ln";

/// How a token with this header and these claims is judged.
fn judge(header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> Result<(), DenyReason> {
    let part = |json: &[u8]| URL_SAFE_NO_PAD.encode(json);
    let token = format!("{}.{}.{SIGNATURE}", part(header.as_ref()), part(claims.as_ref()));
    parse(token.as_bytes()).map(|_| ())
}

#[test]
fn a_token_has_three_parts_of_unpadded_base64url() {
    let (h, c) = (URL_SAFE_NO_PAD.encode(HEADER), URL_SAFE_NO_PAD.encode(CLAIMS));
    let good = format!("{h}.{c}.{SIGNATURE}");
    assert_eq!(parse(good.as_bytes()).map(|_| ()), GOOD);
    let standard = STANDARD.encode(r#"{"alg":"EdDSA","kid":"???>>>"}"#);
    assert!(standard.contains(['+', '/']), "{standard}");
    for (name, token) in [
        ("empty", String::new()),
        ("no dot", h.clone()),
        ("two parts", format!("{h}.{c}")),
        ("four parts", format!("{good}.x")),
        ("five parts, as an encrypted token", format!("{h}.e.i.{c}.t")),
        ("dots alone", "..".to_owned()),
        ("many dots", ".".repeat(8_000)),
        ("no header", format!(".{c}.{SIGNATURE}")),
        ("no claims", format!("{h}..{SIGNATURE}")),
        ("no signature", format!("{h}.{c}.")),
        ("a blank before", format!(" {good}")),
        ("a blank behind", format!("{good} ")),
        ("a line end inside", format!("{h}.\n{c}.{SIGNATURE}")),
        ("padding on the header", format!("{h}=.{c}.{SIGNATURE}")),
        ("padding on the claims", format!("{h}.{c}=.{SIGNATURE}")),
        ("padding on the signature", format!("{h}.{c}.c2k=")),
        ("the other alphabet", format!("{}.{c}.{SIGNATURE}", standard.trim_end_matches('='))),
        ("one character too many", format!("{h}.{c}.{SIGNATURE}A")),
        ("an exclamation mark, as Envoy writes bytes that are no text", format!("{h}.{c}.c2!n")),
        ("a scheme", format!("Bearer {good}")),
        ("quotes", format!("\"{good}\"")),
        (
            "the JSON serialisation",
            json!({"payload": c, "protected": h, "signature": SIGNATURE}).to_string(),
        ),
        ("the general JSON serialisation", json!({"payload": c, "signatures": []}).to_string()),
    ] {
        assert_eq!(parse(token.as_bytes()).map(|_| ()), MALFORMED, "{name}");
    }
    assert_eq!(parse(b"\xff\xfe.a.b").map(|_| ()), MALFORMED, "no UTF-8");
}

#[test]
fn the_signed_part_is_the_received_one() {
    let text = format!("{}.{SIGNATURE}", unsigned(HEADER, CLAIMS));
    let token = parse(text.as_bytes()).unwrap();
    assert_eq!(token.signed, unsigned(HEADER, CLAIMS).as_bytes());
    assert_eq!((token.signature, token.alg.as_ref()), (&b"sig"[..], "EdDSA"));
    assert_eq!((token.kid.as_deref(), token.claims.iss.as_ref()), (Some("k"), "i"));
}

/// A token has one spelling: another last character with the same bits is not taken.
#[test]
fn no_last_character_can_be_exchanged() {
    let lenient = GeneralPurpose::new(
        &URL_SAFE,
        GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
    );
    let parts = [
        URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA"}"#.to_owned() + "  "),
        URL_SAFE_NO_PAD.encode(r#"{"iss":"i"} "#.to_owned() + " "),
        URL_SAFE_NO_PAD.encode([7; 64]),
    ];
    for index in 0..3 {
        let original = &parts[index];
        let mut variants = 0;
        for last in URL_SAFE.as_str().chars() {
            let mut part = original.clone();
            part.pop();
            part.push(last);
            if part == *original || lenient.decode(&part) != lenient.decode(original) {
                continue;
            }
            variants += 1;
            let mut changed = parts.clone();
            changed[index] = part;
            assert_eq!(parse(changed.join(".").as_bytes()).map(|_| ()), MALFORMED, "{changed:?}");
        }
        assert!(variants >= 3, "part {index} has {variants} variants");
    }
    assert_eq!(parse(parts.join(".").as_bytes()).map(|_| ()), GOOD);
}

#[test]
fn both_parts_are_one_strict_json_object() {
    let utf16: Vec<u8> = HEADER.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf32: Vec<u8> = HEADER.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect();
    let deep = |member: &str| format!("{{{member}:{}{}}}", "[".repeat(500), "]".repeat(500));
    let bad: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("an array", b"[]".to_vec()),
        ("text", b"\"x\"".to_vec()),
        ("null", b"null".to_vec()),
        ("two objects", b"{}{}".to_vec()),
        ("a tail", b"{}x".to_vec()),
        ("a comma too many", br#"{"iss":"i","alg":"EdDSA",}"#.to_vec()),
        ("single quotes", b"{'iss':'i','alg':'EdDSA'}".to_vec()),
        ("a comment", br#"{"iss":"i","alg":"EdDSA"/**/}"#.to_vec()),
        (
            "a byte order mark",
            [b"\xef\xbb\xbf", br#"{"iss":"i","alg":"EdDSA"}"#.as_slice()].concat(),
        ),
        ("UTF-16", utf16),
        ("UTF-32", utf32),
        ("no UTF-8", b"{\"iss\":\"\xff\",\"alg\":\"EdDSA\"}".to_vec()),
        ("a lone surrogate", br#"{"iss":"\ud800","alg":"EdDSA"}"#.to_vec()),
        ("a lone surrogate in a name", br#"{"iss":"i","alg":"EdDSA","\udc00":1}"#.to_vec()),
        ("a control character in text", b"{\"iss\":\"i\n\",\"alg\":\"EdDSA\"}".to_vec()),
        ("NaN", br#"{"iss":"i","alg":"EdDSA","x":NaN}"#.to_vec()),
        ("infinity", br#"{"iss":"i","alg":"EdDSA","x":1e999}"#.to_vec()),
        ("a leading zero", br#"{"iss":"i","alg":"EdDSA","x":01}"#.to_vec()),
        ("a member twice", br#"{"iss":"i","alg":"EdDSA","x":1,"x":1}"#.to_vec()),
        ("iss twice", br#"{"iss":"a","alg":"EdDSA","iss":"i"}"#.to_vec()),
        ("alg twice", br#"{"alg":"none","iss":"i","alg":"EdDSA"}"#.to_vec()),
        ("alg twice, once escaped", br#"{"\u0061lg":"none","iss":"i","alg":"EdDSA"}"#.to_vec()),
        ("twice one level down", br#"{"iss":"i","alg":"EdDSA","x":{"y":1,"y":2}}"#.to_vec()),
        ("twice in a list", br#"{"iss":"i","alg":"EdDSA","x":[1,{"y":1,"y":2}]}"#.to_vec()),
        (
            "twice far down",
            br#"{"iss":"i","alg":"EdDSA","a":{"b":[{"c":{"d":1,"d":1}}]}}"#.to_vec(),
        ),
        ("an empty name twice", br#"{"iss":"i","alg":"EdDSA","":1,"":2}"#.to_vec()),
        ("deep nesting", deep(r#""iss":"i","alg":"EdDSA","x""#).into_bytes()),
        ("deep nesting never closed", format!(r#"{{"x":{}"#, "[".repeat(1_500)).into_bytes()),
    ];
    for (name, json) in &bad {
        assert_eq!(judge(json, CLAIMS), MALFORMED, "header: {name}");
        assert_eq!(judge(HEADER, json), MALFORMED, "claims: {name}");
    }
    assert_eq!(judge(HEADER, br#" {"iss" : "i", "x" : {"y":1}, "z" : {"y":1}} "#), GOOD);
}

/// (header, judgement)
#[rustfmt::skip] // one case a line
const HEADERS: &[(&str, Result<(), DenyReason>)] = &[
    (r#"{"alg":"EdDSA"}"#, GOOD),
    (r#"{"alg":"EdDSA","kid":"sig-1","typ":"JWT"}"#, GOOD),
    (r#"{"alg":"EdDSA","typ":"jwt"}"#, GOOD),
    (r#"{"alg":"EdDSA","typ":"at+jwt"}"#, GOOD),
    (r#"{"alg":"EdDSA","typ":"AT+JWT"}"#, GOOD),
    (r#"{"alg":"EdDSA","typ":"application/at+jwt"}"#, GOOD),
    (r#"{"alg":"EdDSA","typ":"application/jwt"}"#, GOOD),
    (r#"{"alg":"EdDSA","x":{"y":[1,null]}}"#, GOOD),
    // Another kind of token.
    (r#"{"alg":"EdDSA","typ":"dpop+jwt"}"#, REFUSED),
    (r#"{"alg":"EdDSA","typ":"logout+jwt"}"#, REFUSED),
    (r#"{"alg":"EdDSA","typ":"secevent+jwt"}"#, REFUSED),
    (r#"{"alg":"EdDSA","typ":"oauth-authz-req+jwt"}"#, REFUSED),
    (r#"{"alg":"EdDSA","typ":"JWE"}"#, REFUSED),
    (r#"{"alg":"EdDSA","typ":""}"#, REFUSED),
    (r#"{"alg":"EdDSA","typ":" JWT"}"#, REFUSED),
    (r#"{"alg":"EdDSA","typ":"application/"}"#, REFUSED),
    (r#"{"alg":"EdDSA","typ":"application/application/jwt"}"#, REFUSED),
    (r#"{"alg":"EdDSA","typ":"text/jwt"}"#, REFUSED),
    (r#"{"alg":"EdDSA","typ":"application-jwt"}"#, REFUSED),
    (r#"{"alg":"EdDSA","typ":["JWT"]}"#, MALFORMED),
    (r#"{"alg":"EdDSA","typ":null}"#, MALFORMED),
    (r#"{"alg":"EdDSA","typ":1}"#, MALFORMED),
    // Headers that ask for what is never done.
    (r#"{"alg":"EdDSA","crit":["exp"]}"#, REFUSED),
    (r#"{"alg":"EdDSA","crit":["unknown"],"unknown":1}"#, REFUSED),
    (r#"{"alg":"EdDSA","crit":[]}"#, REFUSED),
    (r#"{"alg":"EdDSA","crit":null}"#, REFUSED),
    (r#"{"alg":"EdDSA","crit":["b64"],"b64":false}"#, REFUSED),
    (r#"{"alg":"EdDSA","b64":false}"#, REFUSED),
    (r#"{"alg":"EdDSA","b64":true}"#, REFUSED),
    (r#"{"alg":"EdDSA","zip":"DEF"}"#, REFUSED),
    (r#"{"alg":"EdDSA","cnf":{"jkt":"x"}}"#, REFUSED),
    (r#"{"alg":"EdDSA","enc":"A256GCM"}"#, REFUSED),
    (r#"{"alg":"dir","enc":"A256GCM","zip":"DEF"}"#, REFUSED),
    (r#"{"alg":"ECDH-ES","epk":{}}"#, REFUSED),
    (r#"{"alg":"EdDSA","cty":"JWT"}"#, REFUSED),
    (r#"{"alg":"EdDSA","cty":""}"#, REFUSED),
    // Keys that a token brings along are not looked at.
    (r#"{"alg":"EdDSA","jku":"https://evil.test/jwks"}"#, GOOD),
    (r#"{"alg":"EdDSA","x5u":"file:///etc/passwd","x5c":["AAAA"],"x5t":"x"}"#, GOOD),
    (r#"{"alg":"EdDSA","jwk":{"kty":"OKP","crv":"Ed25519","x":"AAAA"}}"#, GOOD),
    // The algorithm is text; which ones are taken is the issuer's to say.
    (r#"{"alg":"none"}"#, GOOD),
    (r#"{}"#, MALFORMED),
    (r#"{"kid":"k"}"#, MALFORMED),
    (r#"{"alg":null}"#, MALFORMED),
    (r#"{"alg":["EdDSA"]}"#, MALFORMED),
    (r#"{"alg":{"EdDSA":1}}"#, MALFORMED),
    (r#"{"alg":8}"#, MALFORMED),
    (r#"{"alg":true}"#, MALFORMED),
    // A key's name is text.
    (r#"{"alg":"EdDSA","kid":"../../etc/passwd\u0000' OR 1=1 --"}"#, GOOD),
    (r#"{"alg":"EdDSA","kid":""}"#, MALFORMED),
    (r#"{"alg":"EdDSA","kid":null}"#, MALFORMED),
    (r#"{"alg":"EdDSA","kid":1}"#, MALFORMED),
    (r#"{"alg":"EdDSA","kid":["k"]}"#, MALFORMED),
    (r#"{"alg":"EdDSA","kid":{"k":1}}"#, MALFORMED),
    (r#"{"alg":"EdDSA","kid":true}"#, MALFORMED),
];

#[test]
fn a_header_asks_for_nothing_that_is_never_done() {
    for (header, expected) in HEADERS {
        assert_eq!(judge(header, CLAIMS), *expected, "{header}");
    }
}

#[test]
fn a_kid_is_bounded_and_a_header_and_claims_only_by_the_whole_token() {
    let kid = |length: usize| json!({"alg": "EdDSA", "kid": "k".repeat(length)}).to_string();
    assert_eq!(judge(kid(256), CLAIMS), GOOD);
    assert_eq!(judge(kid(257), CLAIMS), MALFORMED);
    let padded = |json: &str, length: usize| format!("{json}{}", " ".repeat(length - json.len()));
    for length in [2_049, 6_145, 40_000] {
        assert_eq!(judge(padded(HEADER, length), CLAIMS), GOOD);
        assert_eq!(judge(HEADER, padded(CLAIMS, length)), GOOD);
    }
}

/// (claims besides `iss`, judgement)
#[rustfmt::skip] // one case a line
const REGISTERED: &[(&str, Result<(), DenyReason>)] = &[
    (r#""sub":"s","jti":"j","aud":["a","b"],"exp":1,"nbf":1,"iat":1"#, GOOD),
    (r#""aud":"a""#, GOOD),
    (r#""aud":[]"#, GOOD),
    (r#""aud":5"#, MALFORMED),
    (r#""aud":null"#, MALFORMED),
    (r#""aud":true"#, MALFORMED),
    (r#""aud":{}"#, MALFORMED),
    (r#""aud":{"good":1}"#, MALFORMED),
    (r#""aud":[["good"]]"#, MALFORMED),
    (r#""aud":["good",5]"#, MALFORMED),
    (r#""aud":["good",null]"#, MALFORMED),
    (r#""sub":null"#, MALFORMED),
    (r#""sub":1"#, MALFORMED),
    (r#""sub":["s"]"#, MALFORMED),
    (r#""jti":1"#, MALFORMED),
    (r#""jti":null"#, MALFORMED),
    // A token that is bound to a key of the client.
    (r#""cnf":{"jkt":"x"}"#, Err(DenyReason::ClaimsInvalid)),
    (r#""cnf":null"#, Err(DenyReason::ClaimsInvalid)),
    // Other members may be anything.
    (r#""x":1e300,"y":-1,"z":18446744073709551616,"list":[{"a":1},{"a":1}]"#, GOOD),
];

#[test]
fn registered_claims_have_their_types() {
    for (claims, expected) in REGISTERED {
        assert_eq!(judge(HEADER, format!(r#"{{"iss":"i",{claims}}}"#)), *expected, "{claims}");
    }
    for (claims, expected) in [
        (r#"{}"#, Err(DenyReason::IssuerUntrusted)),
        (r#"{"iss":["https://evil","i"]}"#, MALFORMED),
        (r#"{"iss":5}"#, MALFORMED),
        (r#"{"iss":{}}"#, MALFORMED),
        (r#"{"iss":null}"#, MALFORMED),
        (r#"{"iss":true}"#, MALFORMED),
        (r#"{"iss":""}"#, GOOD),
    ] {
        assert_eq!(judge(HEADER, claims), expected, "{claims}");
    }
}

/// (a time as JSON, what is read)
#[rustfmt::skip] // one case a line
const TIMES: &[(&str, Option<u64>)] = &[
    ("0", Some(0)),
    ("1", Some(1)),
    ("1.5", Some(1)),
    ("1.999999", Some(1)),
    ("1e3", Some(1_000)),
    ("1.8e9", Some(1_800_000_000)),
    ("0.1", Some(0)),
    ("253402300799", Some(253_402_300_799)),
    ("253402300799.0", Some(253_402_300_799)),
    ("253402300800", None),
    ("253402300799.5", None),
    ("-1", None),
    ("-0.5", None),
    ("-1e300", None),
    ("1e300", None),
    ("9223372036854775807", None),
    ("9223372036854775808", None),
    ("18446744073709551615", None),
    ("18446744073709551616", None),
    ("\"1\"", None),
    ("\"\"", None),
    ("true", None),
    ("null", None),
    ("[]", None),
    ("[1]", None),
    ("{}", None),
];

#[test]
fn times_are_whole_seconds_in_range() {
    for (time, expected) in TIMES {
        for name in ["exp", "nbf", "iat"] {
            let claims = format!(r#"{{"iss":"i","{name}":{time}}}"#);
            let text = format!("{}.{SIGNATURE}", unsigned(HEADER, &claims));
            let read = parse(text.as_bytes()).map(|token| match name {
                "exp" => token.claims.exp,
                "nbf" => token.claims.nbf,
                _ => token.claims.iat,
            });
            assert_eq!(read, expected.map(Some).ok_or(DenyReason::TokenMalformed), "{claims}");
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(raw in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = parse(&raw);
        let dotted = raw.iter().map(|b| if *b > 250 { b'.' } else { b"aZ9-_"[usize::from(b % 5)] });
        let _ = parse(&dotted.collect::<Vec<_>>());
    }

    #[test]
    fn no_json_makes_the_parser_panic(header in ".{0,40}", claims in prop::collection::vec(any::<u8>(), 0..40)) {
        let _ = judge(&header, &claims);
        let _ = judge(HEADER, [br#"{"iss":"i","x":"#.as_slice(), &claims, b"}"].concat());
    }

    #[test]
    fn one_changed_character_is_never_the_same_token(at in any::<prop::sample::Index>(), to in "[A-Za-z0-9_-]") {
        let text = format!("{}.{}", unsigned(HEADER, CLAIMS), URL_SAFE_NO_PAD.encode([9; 64]));
        let at = at.index(text.len());
        let changed = format!("{}{to}{}", &text[..at], &text[at + 1..]);
        prop_assume!(changed != text);
        if let Ok(token) = parse(changed.as_bytes()) {
            let original = parse(text.as_bytes()).unwrap();
            prop_assert!(token.signed != original.signed || token.signature != original.signature);
        }
    }
}

/// A caller that asks for all claims gets the middle part as it is, and nothing of anything else.
#[test]
fn all_claims_are_those_that_were_sent() {
    let claims = json!({"iss": "i", "aud": ["a", "b"], "nested": {"number": 1}});
    let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
    let token = format!("{}.{}.{SIGNATURE}", part(HEADER), part(&claims.to_string()));
    assert_eq!(verified_claims(token.as_bytes()).as_ref(), claims.as_object());
    for other in ["", "no-dot", "a.!.c", &format!("a.{}.c", part("[]"))] {
        assert_eq!(verified_claims(other.as_bytes()), None, "{other}");
    }
}
