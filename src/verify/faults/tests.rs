//! Each way to break a token, and the sentence about it; and that no broken token is without one.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::{MAX_FAULTS, UnreadableToken};
use crate::{model::DenyReason, verify::token};

const HEADER: &str = r#"{"alg":"EdDSA","kid":"k"}"#;
const CLAIMS: &str = r#"{"iss":"a","exp":1800000000}"#;

fn part(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn with(header: &str, claims: &str) -> String {
    format!("{}.{}.c2ln", part(header), part(claims))
}

fn header(header: &str) -> String {
    with(header, CLAIMS)
}

fn claims(claims: &str) -> String {
    with(HEADER, claims)
}

/// The faults of a token that the parser refuses.
fn faults(text: impl AsRef<[u8]>) -> (DenyReason, Vec<String>) {
    let mut scratch = Vec::new();
    let reason = token::parse(text.as_ref(), &mut scratch).map(|_| ()).expect_err("a broken token");
    (reason, UnreadableToken::of(text.as_ref(), reason).faults)
}

#[track_caller]
fn assert_faults(name: &str, text: impl AsRef<[u8]>, reason: DenyReason, expected: &[&str]) {
    let (given, said) = faults(text);
    assert_eq!(given, reason, "{name}");
    assert_eq!(said.len(), expected.len(), "{name}: {said:?}");
    for (sentence, part) in said.iter().zip(expected) {
        assert!(sentence.contains(part), "{name}: {part:?} in {sentence:?}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table, a row for each fault")]
fn every_fault_of_the_form_has_its_sentence() {
    let good = with(HEADER, CLAIMS);
    let [head, body] = [part(HEADER), part(CLAIMS)];
    for (name, text, expected) in [
        ("empty", String::new(), &["is empty"][..]),
        ("an opaque token", "gho_16C7e42F292c6912E7".to_owned(), &["no dot"]),
        ("two parts", format!("{head}.{body}"), &["2 parts: the signature is missing"]),
        ("four parts", format!("{good}.x"), &["4 parts"]),
        ("five parts", format!("{good}.x.y"), &["encrypted token (JWE)"]),
        ("six parts", format!("{good}.x.y.z"), &["6 parts"]),
        ("no header", format!(".{body}.c2ln"), &["the header is empty"]),
        ("no claims", format!("{head}..c2ln"), &["the claims are empty"]),
        (
            "no signature",
            format!("{head}.{body}."),
            &["the signature is empty: the token is not signed"],
        ),
        (
            "nothing but dots",
            "..".to_owned(),
            &["header is empty", "claims are empty", "signature is empty"],
        ),
        ("in quotes", format!("\"{good}\""), &["a quote (\") stands around it"]),
        ("in single quotes", format!("'{good}'"), &["a quote (') stands around it"]),
        ("a quote before", format!("\"{good}"), &["stands before it"]),
        ("a quote behind", format!("{good}'"), &["stands behind it"]),
        (
            "the word before",
            format!("Bearer {good}"),
            &["`Bearer` stands before it", "byte 7 is a blank"],
        ),
        ("the word with a colon", format!("bearer:{good}"), &["`Bearer` stands before it"]),
        (
            "the header's name",
            format!("Authorization: {good}"),
            &["`Authorization` stands before it", "a blank"],
        ),
        ("a line break inside", format!("{head}.\n{body}.c2ln"), &["is a line break"]),
        ("a line break behind", format!("{good}\r\n"), &["is a line break"]),
        ("a tab", format!("\t{good}"), &["byte 1 is a tab"]),
        ("a zero byte", format!("{good}\0"), &["is a zero byte"]),
        ("a blank of another alphabet", format!("{good}\u{a0}"), &["a blank that is not ASCII"]),
        ("JSON", "{\"access_token\":\"x\"}".to_owned(), &["it is JSON: a token in compact form"]),
        ("Rownd's cookie", "{\"accessToken\":\"x\"}".to_owned(), &["format: rownd"]),
        (
            "Rownd's cookie, encoded",
            "%7B%22accessToken%22%3A%22x%22%7D".to_owned(),
            &["URI-encoded JSON, as in the cookie"],
        ),
        ("padding", format!("{head}.{body}==.c2ln"), &["the claims have padding"]),
        (
            "padding everywhere",
            format!("{head}=.{body}=.c2k="),
            &["the header has padding", "the claims have padding", "the signature has padding"],
        ),
        (
            "the other alphabet",
            format!("{head}.{body}.a+b/"),
            &["the signature is in base64 with + and /"],
        ),
        (
            "an odd character",
            format!("{head}.{body}.c2!n"),
            &["the signature is not base64url: character 3 is `!`"],
        ),
        ("cut off", format!("{head}.{body}.c2lnx"), &["the signature is cut off: 5 characters"]),
        (
            "a changed last character",
            format!("{head}.{body}.c2k1c2l"),
            &["the last character of the signature"],
        ),
        (
            "a signature of 1025 bytes",
            format!("{head}.{body}.{}", part([0; 1025])),
            &["the signature has 1025 bytes"],
        ),
    ] {
        assert_faults(name, text, DenyReason::TokenMalformed, expected);
    }
    assert_faults(
        "a letter",
        format!("{good}\u{e4}"),
        DenyReason::TokenMalformed,
        &["is not ASCII"],
    );
    assert_faults("bytes", b"eyJ\xff.a.b", DenyReason::TokenMalformed, &["byte 4 is not ASCII"]);
    let said = UnreadableToken::too_long(9000, 8192);
    assert_eq!(said.reason, DenyReason::TokenTooLarge);
    assert!(said.faults[0].contains("9000 bytes"), "{said:?}");
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table, a row for each fault")]
fn every_fault_of_the_json_has_its_sentence() {
    use DenyReason::{ClaimsInvalid, IssuerUntrusted, TokenHeaderRefused, TokenMalformed};
    let long = format!(r#"{{"alg":"EdDSA","kid":"{}"}}"#, "k".repeat(257));
    for (name, text, reason, expected) in [
        ("no JSON", header("x"), TokenMalformed, "the header is not JSON: expected value"),
        (
            "JSON that ends early",
            header("{\"alg\":"),
            TokenMalformed,
            "the header is not JSON: EOF",
        ),
        (
            "something behind it",
            header("{\"alg\":\"x\"}y"),
            TokenMalformed,
            "the header is not JSON: trailing",
        ),
        ("a list", header("[1]"), TokenMalformed, "the header is a list, no JSON object"),
        ("a text", header("\"x\""), TokenMalformed, "the header is a text, no JSON object"),
        (
            "a member twice",
            header(r#"{"alg":"EdDSA","alg":"x"}"#),
            TokenMalformed,
            "in the header, the member `alg` stands twice",
        ),
        ("no algorithm", header("{}"), TokenMalformed, "no `alg`"),
        (
            "an algorithm that is a number",
            header(r#"{"alg":5}"#),
            TokenMalformed,
            "`alg` of the header is a number, no text",
        ),
        (
            "an algorithm that is null",
            header(r#"{"alg":null}"#),
            TokenMalformed,
            "`alg` of the header is null",
        ),
        (
            "an empty key name",
            header(r#"{"alg":"EdDSA","kid":""}"#),
            TokenMalformed,
            "`kid` of the header is empty",
        ),
        (
            "a key name that is a number",
            header(r#"{"alg":"EdDSA","kid":1}"#),
            TokenMalformed,
            "`kid` of the header is a number",
        ),
        ("a long key name", header(&long), TokenMalformed, "257 bytes"),
        (
            "a type that is a list",
            header(r#"{"alg":"EdDSA","typ":[]}"#),
            TokenMalformed,
            "`typ` of the header is a list",
        ),
        (
            "another type",
            header(r#"{"alg":"EdDSA","typ":"dpop+jwt"}"#),
            TokenHeaderRefused,
            "neither JWT nor at+jwt",
        ),
        (
            "an extension",
            header(r#"{"alg":"EdDSA","crit":["x"]}"#),
            TokenHeaderRefused,
            "the header has `crit`",
        ),
        (
            "compressed",
            header(r#"{"alg":"EdDSA","zip":"DEF"}"#),
            TokenHeaderRefused,
            "`zip`: compressed",
        ),
        (
            "encrypted",
            header(r#"{"alg":"dir","enc":"A128GCM"}"#),
            TokenHeaderRefused,
            "`enc`: encrypted",
        ),
        (
            "nested",
            header(r#"{"alg":"EdDSA","cty":"JWT"}"#),
            TokenHeaderRefused,
            "`cty`: tokens inside tokens",
        ),
        (
            "no UTF-8",
            format!("{}.{}.c2ln", part(HEADER), part(b"{\"iss\":\"\xff\"}")),
            TokenMalformed,
            "the claims are not UTF-8",
        ),
        ("claims that are no JSON", claims("iss=a"), TokenMalformed, "the claims are not JSON"),
        (
            "claims that are null",
            claims("null"),
            TokenMalformed,
            "the claims are null, no JSON object",
        ),
        (
            "a claim twice",
            claims(r#"{"iss":"a","sub":"x","sub":"y"}"#),
            TokenMalformed,
            "the member `sub` stands twice",
        ),
        (
            "a member twice inside",
            claims(r#"{"iss":"a","x":[{"y":1,"y":2}]}"#),
            TokenMalformed,
            "the member `y` stands twice",
        ),
        ("no issuer", claims("{}"), IssuerUntrusted, "no `iss`"),
        (
            "an issuer that is a list",
            claims(r#"{"iss":["a"]}"#),
            TokenMalformed,
            "`iss` is a list, no text",
        ),
        (
            "a subject that is a number",
            claims(r#"{"iss":"a","sub":7}"#),
            TokenMalformed,
            "`sub` is a number",
        ),
        (
            "an audience that is a number",
            claims(r#"{"iss":"a","aud":7}"#),
            TokenMalformed,
            "`aud` is a number",
        ),
        (
            "an audience with a number",
            claims(r#"{"iss":"a","aud":["x",7]}"#),
            TokenMalformed,
            "`aud` holds a number",
        ),
        (
            "an end in a text",
            claims(r#"{"iss":"a","exp":"1800000000"}"#),
            TokenMalformed,
            "`exp` is a text, no number of seconds",
        ),
        (
            "an end that is null",
            claims(r#"{"iss":"a","exp":null}"#),
            TokenMalformed,
            "`exp` is null",
        ),
        (
            "an end in milliseconds",
            claims(r#"{"iss":"a","exp":1800000000000}"#),
            TokenMalformed,
            "`exp` is after the year 9999",
        ),
        (
            "a float in milliseconds",
            claims(r#"{"iss":"a","exp":1.8e12}"#),
            TokenMalformed,
            "perhaps this one milliseconds",
        ),
        (
            "a time before 1970",
            claims(r#"{"iss":"a","nbf":-1}"#),
            TokenMalformed,
            "`nbf` is before 1970",
        ),
        (
            "a time of another type",
            claims(r#"{"iss":"a","iat":true}"#),
            TokenMalformed,
            "`iat` is true or false",
        ),
        ("bound to a key", claims(r#"{"iss":"a","cnf":{}}"#), ClaimsInvalid, "`cnf`"),
    ] {
        assert_faults(name, text, reason, &[expected]);
    }
    let deep = format!("{{\"iss\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    assert_faults(
        "too deep",
        claims(&deep),
        TokenMalformed,
        &["the claims are not JSON: recursion limit"],
    );
    let several = with(r#"{"alg":1,"crit":[]}"#, r#"{"exp":"x"}"#);
    assert_faults(
        "several",
        several,
        TokenHeaderRefused,
        &["`crit`", "`alg`", "no `iss`", "`exp`"],
    );
}

proptest! {
    #[test]
    fn no_broken_token_is_without_a_sentence_and_none_repeats_its_values(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..60),
            "[a-zA-Z0-9_.=+/ -]{0,60}".prop_map(String::into_bytes),
            ("\\{\"alg\":(\"EdDSA\"|1|null)[,}]{0,2}", "\\{\"(iss|exp|aud)\":(\"a\"|1|-1|null|\\[\\])\\}?", "[a-z]{0,9}")
                .prop_map(|(h, c, s)| format!("{}.{}.{s}", part(h), part(c)).into_bytes()),
        ],
    ) {
        let mut scratch = Vec::new();
        if let Err(reason) = token::parse(&bytes, &mut scratch) {
            let said = UnreadableToken::of(&bytes, reason);
            prop_assert!(!said.faults.is_empty() && said.faults.len() <= MAX_FAULTS);
            // The sentence that stands in where nothing was found.
            prop_assert_ne!(said.faults.first().map(String::as_str), Some(reason.message()));
            if let Ok(text) = std::str::from_utf8(&bytes) {
                for part in text.split('.').filter(|part| part.len() > 12) {
                    prop_assert!(!said.faults.iter().any(|fault| fault.contains(part)));
                }
            }
        }
    }
}
