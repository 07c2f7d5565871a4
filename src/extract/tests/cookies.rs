//! Cookies of sessions: repeated ones, emptied ones, and Rownd's own form.

use super::{
    Extractor, FoundToken, HeaderLines, JOINED, MANY, MAX_TOKEN, NONE, RAW, cookie, header,
    headers, with_headers,
};
use crate::{
    config::{CookieFormat, TokenSource},
    model::{CredentialSource, DenyReason},
};

/// A session cookie twice.
const TWICE: FoundToken = Err(DenyReason::SessionCookieRepeated);
/// A cookie without the form that it has to have.
const BAD: FoundToken = Err(DenyReason::TokenMalformed);

fn rownd(name: &str) -> TokenSource {
    TokenSource::Cookie { name: name.to_owned(), format: CookieFormat::Rownd }
}

/// `sources` with an issuer of sessions or without.
fn assert_found(
    sources: &[TokenSource],
    has_sessions: bool,
    cases: &[(&str, HeaderLines<'_>, bool, FoundToken)],
) {
    let extractor = Extractor::new(sources, has_sessions, MAX_TOKEN);
    for (name, lines, joined, expected) in cases {
        let found = extractor.find(&with_headers(headers(lines, *joined)));
        let found = found.map(|it| it.map(|it| String::from_utf8(it.token().to_vec()).unwrap()));
        assert_eq!(found, expected.map(|it| it.map(str::to_owned)), "{name}");
    }
}

#[rustfmt::skip] // one case a line
const SESSIONS: &[(&str, HeaderLines<'_>, bool, FoundToken)] = &[
    ("once", &[("cookie", "sAccessToken=a")], RAW, Ok(Some("a"))),
    ("twice with different values", &[("cookie", "sAccessToken=a; sAccessToken=b")], RAW, TWICE),
    ("in two lines", &[("cookie", "sAccessToken=a"), ("cookie", "sAccessToken=b")], RAW, TWICE),
    ("in two joined lines", &[("cookie", "sAccessToken=a,sAccessToken=b")], JOINED, TWICE),
    ("the last of three", &[("cookie", "sAccessToken=a; x=1; sAccessToken=a; sAccessToken=b")], RAW, TWICE),
    ("a bad one behind", &[("cookie", "sAccessToken=a; sAccessToken=garbage")], RAW, TWICE),
    ("a bad one before", &[("cookie", "sAccessToken=garbage; sAccessToken=a")], RAW, TWICE),
    ("an emptied one behind", &[("cookie", "sAccessToken=a; sAccessToken=")], RAW, TWICE),
    ("an emptied one before", &[("cookie", "sAccessToken=\"\"; sAccessToken=a")], RAW, TWICE),
    ("a deleted one before", &[("cookie", "sAccessToken=deleted; sAccessToken=a")], RAW, TWICE),
    ("an escape makes another value", &[("cookie", "sAccessToken=a; sAccessToken=%61")], RAW, TWICE),
    ("twice the same", &[("cookie", "sAccessToken=a; sAccessToken=a")], RAW, Ok(Some("a"))),
    ("the same in two lines", &[("cookie", "sAccessToken=a"), ("cookie", "sAccessToken=a")], RAW, Ok(Some("a"))),
    ("the same in quotes", &[("cookie", "sAccessToken=a; sAccessToken=\"a\"")], RAW, Ok(Some("a"))),
    ("the same five times", &[("cookie", "sAccessToken=a,sAccessToken=a; sAccessToken=a;sAccessToken=a ,sAccessToken=a")], JOINED, Ok(Some("a"))),
    ("emptied twice", &[("cookie", "sAccessToken=; sAccessToken=deleted")], RAW, NONE),
    ("another case is another cookie", &[("cookie", "sAccessToken=a; saccesstoken=b; SACCESSTOKEN=c")], RAW, Ok(Some("a"))),
];

#[test]
fn a_session_cookie_that_differs_from_its_twin_is_a_reason_to_refresh() {
    assert_found(&[cookie("sAccessToken")], true, SESSIONS);
}

#[test]
fn without_an_issuer_of_sessions_or_under_another_name_it_is_a_conflict() {
    let twice = |name: &str| format!("{name}=a; {name}=b");
    for (has_sessions, name) in
        [(false, "sAccessToken"), (true, "session"), (true, "sIdRefreshToken")]
    {
        let line = twice(name);
        let lines: HeaderLines<'_> = &[("cookie", &line)];
        assert_found(&[cookie(name)], has_sessions, &[(name, lines, RAW, MANY)]);
    }
}

#[rustfmt::skip] // one case a line
const ROWND: &[(&str, HeaderLines<'_>, bool, FoundToken)] = &[
    ("as the SDK writes it", &[("cookie", "rownd-session=%7B%22accessToken%22%3A%22a.b.c%22%7D")], RAW, Ok(Some("a.b.c"))),
    ("in quotes", &[("cookie", "x=1; rownd-session=\"%7B%22accessToken%22%3A%22a%22%7D\"")], JOINED, Ok(Some("a"))),
    ("not encoded", &[("cookie", r#"rownd-session={"accessToken":"a"}"#)], RAW, Ok(Some("a"))),
    ("signed out", &[("cookie", "rownd-session=%7B%22accessToken%22%3A%22invalid%22%7D")], RAW, NONE),
    ("emptied", &[("cookie", "rownd-session=")], RAW, NONE),
    ("emptied, in quotes", &[("cookie", "rownd-session=\"\"; x=1")], RAW, NONE),
    ("deleted", &[("cookie", "rownd-session=deleted")], RAW, NONE),
    ("the token alone", &[("cookie", "rownd-session=a.b.c")], RAW, BAD),
    ("encoded twice", &[("cookie", "rownd-session=%257B%2522accessToken%2522%253A%2522a%2522%257D")], RAW, BAD),
    ("no text", &[("cookie", "rownd-session=%7B%22accessToken%22%3A1%7D")], RAW, BAD),
    ("twice with different tokens", &[("cookie", r#"rownd-session={"accessToken":"a"}; rownd-session={"accessToken":"b"}"#)], RAW, TWICE),
    ("the same token in two spellings", &[("cookie", r#"rownd-session={"accessToken":"a"}; rownd-session=%7B%22accessToken%22%3A%22%61%22%7D"#)], RAW, Ok(Some("a"))),
    ("signed out, and signed in", &[("cookie", r#"rownd-session={"accessToken":"invalid"}; rownd-session={"accessToken":"a"}"#)], RAW, TWICE),
    ("signed in, and emptied", &[("cookie", r#"rownd-session={"accessToken":"a"}; rownd-session="#)], RAW, TWICE),
    ("signed out in two ways", &[("cookie", r#"rownd-session={"accessToken":"invalid"}; rownd-session=; rownd-session=deleted"#)], RAW, NONE),
    ("a bad one, and a good one", &[("cookie", r#"rownd-session=x; rownd-session={"accessToken":"a"}"#)], RAW, TWICE),
    ("a good one, and a bad one", &[("cookie", r#"rownd-session={"accessToken":"a"}; rownd-session=x"#)], RAW, TWICE),
    ("two bad ones that differ", &[("cookie", "rownd-session=x; rownd-session=y")], RAW, TWICE),
    ("two bad ones that are the same", &[("cookie", "rownd-session=x; rownd-session=x")], RAW, BAD),
];

#[test]
fn the_cookie_of_rownds_server_side_rendering_is_read() {
    for has_sessions in [false, true] {
        assert_found(&[rownd("rownd-session")], has_sessions, ROWND);
    }
}

#[test]
fn a_value_far_longer_than_a_token_is_not_parsed() {
    let value =
        |length: usize| format!("rownd-session={{\"accessToken\":\"{}\"}}", "a".repeat(length));
    let found = |length: usize| {
        let line = value(length);
        let lines = headers(&[("cookie", &line)], RAW);
        let found =
            Extractor::new(&[rownd("rownd-session")], false, MAX_TOKEN).find(&with_headers(lines));
        found.map(|found| found.map(|found| found.token().len()))
    };
    // A token that is a little too long is the verifier's to refuse.
    assert_eq!(found(MAX_TOKEN), Ok(Some(MAX_TOKEN)));
    assert_eq!(found(MAX_TOKEN + 1), Ok(Some(MAX_TOKEN + 1)));
    assert_eq!(found(4 * (MAX_TOKEN + 1024)), Err(DenyReason::TokenTooLarge));
    // Every byte of a token of the full length may be escaped.
    let escaped =
        format!("rownd-session=%7B%22accessToken%22%3A%22{}%22%7D", "%61".repeat(MAX_TOKEN));
    let lines: HeaderLines<'_> = &[("cookie", &escaped)];
    let token = "a".repeat(MAX_TOKEN);
    let extractor = Extractor::new(&[rownd("rownd-session")], false, MAX_TOKEN);
    let read = extractor.find(&with_headers(headers(lines, RAW))).unwrap().unwrap();
    assert_eq!(read.token().as_ref(), token.as_bytes());
    assert_eq!(read.source(), CredentialSource::Cookie);
}

#[rustfmt::skip] // one case a line
const BESIDE: &[(&str, HeaderLines<'_>, bool, FoundToken)] = &[
    ("the same in header and cookie", &[("authorization", "Bearer a"), ("cookie", r#"rownd-session={"accessToken":"a"}"#)], RAW, Ok(Some("a"))),
    ("different ones", &[("authorization", "Bearer a"), ("cookie", r#"rownd-session={"accessToken":"b"}"#)], RAW, MANY),
    ("a header, and a signed-out cookie", &[("authorization", "Bearer a"), ("cookie", r#"rownd-session={"accessToken":"invalid"}"#)], RAW, Ok(Some("a"))),
    ("a header, and a bad cookie", &[("authorization", "Bearer a"), ("cookie", "rownd-session=x")], RAW, MANY),
    ("an empty header, and a bad cookie", &[("authorization", "Bearer"), ("cookie", "rownd-session=x")], RAW, MANY),
    ("a refresh would not end this", &[("authorization", "Bearer a"), ("cookie", "sAccessToken=a; sAccessToken=b")], RAW, MANY),
    ("nor this", &[("cookie", r#"sAccessToken=a; sAccessToken=b; rownd-session={"accessToken":"a"}"#)], RAW, MANY),
    ("nor two repeated ones", &[("cookie", r#"sAccessToken=a; sAccessToken=b; rownd-session=x; rownd-session=y"#)], RAW, MANY),
    ("but this", &[("authorization", "Basic a"), ("cookie", "sAccessToken=a; sAccessToken=b; rownd-session=")], RAW, TWICE),
    ("two cookies of two names that agree", &[("cookie", r#"sAccessToken=a; rownd-session={"accessToken":"a"}"#)], RAW, Ok(Some("a"))),
    ("two cookies of two names that differ", &[("cookie", r#"sAccessToken=a; rownd-session={"accessToken":"b"}"#)], RAW, MANY),
];

#[test]
fn a_cookie_beside_another_source_agrees_or_the_request_is_denied() {
    let [one, two, three] =
        [header("authorization"), cookie("sAccessToken"), rownd("rownd-session")];
    assert_found(&[one.clone(), two.clone(), three.clone()], true, BESIDE);
    assert_found(&[three, two, one], true, BESIDE);
}

#[test]
fn a_cookie_beside_a_query_parameter_agrees_or_the_request_is_denied() {
    let sources = [rownd("rownd-session"), TokenSource::Query("t".to_owned())];
    for (line, expected) in [
        (r#"rownd-session={"accessToken":"a"}"#, Ok(Some("a"))),
        (r#"rownd-session={"accessToken":"invalid"}"#, Ok(Some("a"))),
        ("rownd-session=deleted", Ok(Some("a"))),
        (r#"rownd-session={"accessToken":"b"}"#, MANY),
        ("rownd-session=a", MANY),
        (r#"rownd-session={"accessToken":"a"}; rownd-session=x"#, MANY),
    ] {
        let mut request = with_headers(headers(&[("cookie", line)], RAW));
        request.target = "/?t=a".into();
        let found = Extractor::new(&sources, false, MAX_TOKEN).find(&request);
        let found = found.map(|it| it.map(|it| String::from_utf8(it.token().to_vec()).unwrap()));
        assert_eq!(found, expected.map(|it| it.map(str::to_owned)), "{line}");
    }
}
