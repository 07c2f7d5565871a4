//! A token in `Authorization` without the word `Bearer`, or with one that is not quite the word.

use super::{
    FoundToken, HeaderLines, JOINED, MANY, NONE, RAW, assert_found, cookie, extractor, header,
    headers, with_headers,
};
use crate::model::DenyReason;

const REFUSED: FoundToken = Err(DenyReason::AuthorizationMalformed);
const JWS: &str = "eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJhIn0.c2ln";

#[test]
fn a_token_without_its_scheme_is_refused() {
    let sources = [header("authorization")];
    for before in [
        "",
        " ",
        "\"",
        "'",
        "=",
        ":",
        ": ",
        "Bearer:",
        "Bearer: ",
        "bearer=",
        "BEARER-",
        "Bearer_",
        "Bearer",
        "\"Bearer ",
        "'Bearer ",
        "\"Bearer\" ",
        "<Bearer> ",
        "Bearer\u{a0}",
        "Bearer%20",
        "Bearer+",
        "Authorization: Bearer ",
        "authorization: ",
        "Authorization=\"Bearer ",
        "{",
        "token:<",
    ] {
        for after in ["", " ", "\"", "'", "\" ", " more", ">"] {
            let value = format!("{before}{JWS}{after}");
            let lines: HeaderLines<'_> = &[("authorization", &value)];
            let expected = if before.starts_with("token") { NONE } else { REFUSED };
            assert_found(
                &sources,
                &[(&value, lines, RAW, expected), (&value, lines, JOINED, expected)],
            );
        }
    }
}

#[test]
fn every_form_of_a_token_is_known_by_its_shape() {
    let part = |json: &str| {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        URL_SAFE_NO_PAD.encode(json)
    };
    let header_of = |json: &str| format!("{}.e30.c2ln", part(json));
    for (name, value, expected) in [
        ("a blank in the header", header_of("{ \"alg\": \"none\" }"), REFUSED),
        ("a line break in the header", header_of("{\n \"alg\": \"none\"}"), REFUSED),
        ("a tab in the header", header_of("{\t\"alg\":\"none\"}"), REFUSED),
        ("without a signature", format!("{}.e30.", part("{\"alg\":\"none\"}")), REFUSED),
        ("without a body", format!("{}..c2ln", part("{\"alg\":\"none\"}")), REFUSED),
        ("encrypted, in five parts", format!("{}.a.b.c.d", part("{\"alg\":\"dir\"}")), REFUSED),
        ("with padding", format!("{}==.e30=.c2ln=", part("{\"alg\":\"x\"}")), REFUSED),
        ("with the other alphabet", format!("{}.a+/b.c+/d", part("{\"alg\":\"x\"}")), REFUSED),
        ("in two parts", format!("{}.e30", part("{\"alg\":\"none\"}")), NONE),
        ("no JSON", "abcdefghij.klm.nop".to_owned(), NONE),
        ("a host name", "eyes.example.com".to_owned(), NONE),
        ("an odd byte", format!("{}.e30.a!b", part("{\"alg\":\"x\"}")), REFUSED),
    ] {
        let lines: HeaderLines<'_> = &[("authorization", &value)];
        assert_found(&[header("authorization")], &[(name, lines, RAW, expected)]);
    }
}

#[test]
fn another_scheme_keeps_its_value() {
    for value in [
        format!("DPoP {JWS}"),
        format!("JWT {JWS}"),
        format!("Token {JWS}"),
        format!("BearerToken {JWS}"),
        format!("Bearer-Token {JWS}"),
        format!("Basic {JWS}"),
        format!("Digest username=\"{JWS}\", uri=\"/\""),
        format!("Signature keyId=\"{JWS}\",signature=\"{JWS}\""),
        format!("PoP token={JWS}"),
        format!("key={JWS}"),
        "Bearer:t".to_owned(),
        "\"Basic dXNlcjpwYXNz\"".to_owned(),
    ] {
        let lines: HeaderLines<'_> = &[("authorization", &value)];
        assert_found(&[header("authorization")], &[(&value, lines, RAW, NONE)]);
    }
}

#[test]
fn beside_anything_else_it_is_a_second_credential() {
    let bearer = format!("Bearer {JWS}");
    let joined = [
        format!("{JWS},{JWS}"),
        format!("{JWS},"),
        format!("Basic a,{JWS}"),
        format!("{bearer},{JWS}"),
    ];
    for value in &joined {
        let lines: HeaderLines<'_> = &[("authorization", value)];
        assert_found(&[header("authorization")], &[(value, lines, JOINED, MANY)]);
    }
    for other in [JWS, &bearer, "Basic a", ""] {
        let lines: HeaderLines<'_> = &[("authorization", JWS), ("authorization", other)];
        assert_found(&[header("authorization")], &[(other, lines, RAW, MANY)]);
    }
    let cookie_line = format!("tok={JWS}");
    let lines: HeaderLines<'_> = &[("authorization", JWS), ("cookie", &cookie_line)];
    let sources = [header("authorization"), cookie("tok")];
    assert_found(&sources, &[("the same token in a cookie", lines, RAW, MANY)]);
    let lines: HeaderLines<'_> = &[("authorization", JWS), ("cookie", "tok=")];
    assert_found(&sources, &[("an emptied cookie", lines, RAW, REFUSED)]);
}

#[test]
fn where_authorization_is_no_source_it_is_left_alone() {
    let lines = headers(&[("authorization", JWS)], RAW);
    assert_eq!(extractor(&[cookie("tok")]).find(&with_headers(lines)), Ok(None));
}
