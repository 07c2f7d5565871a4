//! Where a credential is found and where it is refused: forms of headers and cookies, several
//! sources at once, and the same-origin proof that a cookie needs.

mod cookies;
mod site;
mod unannounced;
mod websocket;

use bytes::Bytes;
use proptest::prelude::*;

use super::{CookieSites, Extractor, shows_anti_csrf};
use crate::{
    config::{CookieFormat, TokenSource},
    model::{CookieProof, CredentialSource, DenyReason, Headers, RequestContext},
};

type HeaderLines<'a> = &'a [(&'a str, &'a str)];
type FoundToken = Result<Option<&'static str>, DenyReason>;

/// No credential of ours.
const NONE: FoundToken = Ok(None);
/// More than one.
const MANY: FoundToken = Err(DenyReason::CredentialsAmbiguous);
/// Duplicates apart, as `encode_raw_headers` sends them; or already joined with a comma.
const RAW: bool = false;
const JOINED: bool = true;

fn headers(lines: &[(&str, &str)], joined: bool) -> Headers {
    let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    Headers::new(lines.iter().map(|(name, value)| (bytes(name), bytes(value))).collect(), joined)
}

fn header(name: &str) -> TokenSource {
    TokenSource::Header(name.to_owned())
}

fn cookie(name: &str) -> TokenSource {
    TokenSource::Cookie { name: name.to_owned(), format: CookieFormat::Plain }
}

/// The longest token that these tests read.
const MAX_TOKEN: usize = 100;

/// For these sources, without an issuer of sessions.
fn extractor(sources: &[TokenSource]) -> Extractor {
    Extractor::new(sources, false, MAX_TOKEN)
}

/// The token that these sources find.
fn find(
    sources: &[TokenSource],
    lines: HeaderLines<'_>,
    joined: bool,
) -> Result<Option<String>, DenyReason> {
    let found = extractor(sources).find(&with_headers(headers(lines, joined)))?;
    Ok(found.map(|found| String::from_utf8(found.token().to_vec()).unwrap()))
}

fn assert_found(sources: &[TokenSource], cases: &[(&str, HeaderLines<'_>, bool, FoundToken)]) {
    for (name, lines, joined, expected) in cases {
        let expected = expected.map(|token| token.map(str::to_owned));
        assert_eq!(find(sources, lines, *joined), expected, "{name}");
    }
}

#[test]
fn a_query_parameter_is_found_as_forms_write_it_and_once() {
    let sources = [TokenSource::Query("t".to_owned())];
    for (path, expected) in [
        ("/", NONE),
        ("/?t=one", Ok(Some("one"))),
        ("/?a=b&t=one&c", Ok(Some("one"))),
        ("/?%74=%6fne", Ok(Some("one"))),
        ("/?t", Ok(Some(""))),
        ("/?t=a=b", Ok(Some("a=b"))),
        ("/?t=one?t=two", Ok(Some("one?t=two"))),
        ("/?t=one#&t=two", Ok(Some("one"))),
        ("/#?t=one", NONE),
        ("/t=one", NONE),
        ("/?T=one", NONE),
        ("/?at=one&ta=two", NONE),
        ("/?t=one&t=one", MANY),
        ("/?t&t=one", MANY),
        ("/?t=one&%74=two", MANY),
    ] {
        let found = extractor(&sources).find(&RequestContext::for_test(path));
        let found = found.map(|found| found.map(|it| it.token().clone()));
        assert_eq!(found, expected.map(|token| token.map(Bytes::from)), "{path}");
    }
}

#[rustfmt::skip] // one case a line
const AUTHORIZATION: &[(&str, HeaderLines<'_>, bool, FoundToken)] = &[
    ("no header", &[("x-authorization", "Bearer t")], RAW, NONE),
    ("plain", &[("authorization", "Bearer t")], RAW, Ok(Some("t"))),
    ("lower case", &[("authorization", "bearer t")], JOINED, Ok(Some("t"))),
    ("upper case", &[("authorization", "BEARER t")], RAW, Ok(Some("t"))),
    ("mixed case", &[("authorization", "bEaReR t")], RAW, Ok(Some("t"))),
    ("several blanks", &[("authorization", "Bearer   t")], RAW, Ok(Some("t"))),
    ("a tab", &[("authorization", "Bearer\tt")], RAW, Ok(Some("t"))),
    ("blanks around", &[("authorization", " \tBearer t \t")], JOINED, Ok(Some("t"))),
    ("a dotted token", &[("authorization", "Bearer a.b-_.c")], RAW, Ok(Some("a.b-_.c"))),
    ("two words are one bad token", &[("authorization", "Bearer a b")], RAW, Ok(Some("a b"))),
    ("the scheme alone is an empty token", &[("authorization", "Bearer")], RAW, Ok(Some(""))),
    ("the scheme and a blank", &[("authorization", "Bearer ")], RAW, Ok(Some(""))),
    ("a longer word", &[("authorization", "Bearert")], RAW, NONE),
    ("a colon behind the scheme", &[("authorization", "Bearer:t")], RAW, NONE),
    ("another scheme that ends so", &[("authorization", "NotBearer t")], RAW, NONE),
    ("an empty header", &[("authorization", "")], RAW, NONE),
    ("Basic", &[("authorization", "Basic dXNlcjpwYXNz")], RAW, NONE),
    ("Negotiate", &[("authorization", "Negotiate YIIZ==")], JOINED, NONE),
    ("Digest with commas", &[("authorization", "Digest username=\"u\", realm=\"r\", uri=\"/\"")], JOINED, NONE),
    ("Digest with commas, raw", &[("authorization", "Digest username=\"u\", realm=\"r\"")], RAW, NONE),
    ("a signature scheme with commas", &[("authorization", "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=b")], RAW, NONE),
    ("Basic twice", &[("authorization", "Basic a"), ("authorization", "Basic b")], RAW, NONE),
    ("Basic twice, joined", &[("authorization", "Basic a,Basic b")], JOINED, NONE),
    ("Digest whose user is called bearer", &[("authorization", "Digest username=\"bearer\", uri=\"/\"")], RAW, NONE),
    ("two joined", &[("authorization", "Bearer a,Bearer b")], JOINED, MANY),
    ("two joined with a blank", &[("authorization", "Bearer a, Bearer b")], JOINED, MANY),
    ("two joined that are the same", &[("authorization", "Bearer a,Bearer a")], JOINED, MANY),
    ("two in one raw line", &[("authorization", "Bearer a,Bearer b")], RAW, MANY),
    ("two raw lines", &[("authorization", "Bearer a"), ("authorization", "Bearer b")], RAW, MANY),
    ("two raw lines that are the same", &[("authorization", "Bearer a"), ("authorization", "Bearer a")], RAW, MANY),
    ("a raw line and an empty one", &[("authorization", "Bearer a"), ("authorization", "")], RAW, MANY),
    ("an empty raw line first", &[("authorization", ""), ("authorization", "Bearer a")], RAW, MANY),
    ("hidden behind Basic, joined", &[("authorization", "Basic a,Bearer b")], JOINED, MANY),
    ("hidden behind Basic, raw", &[("authorization", "Basic a"), ("authorization", "Bearer b")], RAW, MANY),
    ("hidden behind Basic, in any case", &[("authorization", "Basic a,\tbEARER\tb")], JOINED, MANY),
    ("hidden behind Digest", &[("authorization", "Digest a=\"b\", c=\"d\", Bearer t")], JOINED, MANY),
    ("before Basic", &[("authorization", "Bearer a,Basic b")], JOINED, MANY),
    ("a comma at the end", &[("authorization", "Bearer a,")], JOINED, MANY),
    ("a comma at the start", &[("authorization", ",Bearer a")], JOINED, MANY),
    ("a comma inside", &[("authorization", "Bearer a,b")], RAW, MANY),
];

#[test]
fn a_bearer_token_is_found_and_another_scheme_is_left_alone() {
    assert_found(&[header("Authorization")], AUTHORIZATION);
}

#[rustfmt::skip] // one case a line
const COOKIES: &[(&str, HeaderLines<'_>, bool, FoundToken)] = &[
    ("no cookie", &[("x", "tok=a")], RAW, NONE),
    ("an empty line", &[("cookie", "")], RAW, NONE),
    ("alone", &[("cookie", "tok=a")], RAW, Ok(Some("a"))),
    ("among others", &[("cookie", "x=1; tok=a; y=2")], RAW, Ok(Some("a"))),
    ("no blank behind the semicolon", &[("cookie", "x=1;tok=a;y=2")], JOINED, Ok(Some("a"))),
    ("blanks around", &[("cookie", "x=1 ;  tok = a  ; y=2")], RAW, Ok(Some("a"))),
    ("in a second line", &[("cookie", "x=1"), ("cookie", "tok=a")], RAW, Ok(Some("a"))),
    ("two lines joined with a comma", &[("cookie", "x=1,tok=a")], JOINED, Ok(Some("a"))),
    ("first of two joined lines", &[("cookie", "tok=a,x=1")], JOINED, Ok(Some("a"))),
    ("a comma in another value, raw", &[("cookie", "x=1,tok=a")], RAW, NONE),
    ("a comma is part of a raw value", &[("cookie", "tok=a,b")], RAW, Ok(Some("a,b"))),
    ("in quotes", &[("cookie", "x=1; tok=\"a\"")], RAW, Ok(Some("a"))),
    ("one quote only", &[("cookie", "tok=\"a")], RAW, Ok(Some("\"a"))),
    ("a quote and nothing else", &[("cookie", "tok=\"")], RAW, Ok(Some("\""))),
    ("an equals sign in the value", &[("cookie", "tok=a=b")], RAW, Ok(Some("a=b"))),
    ("an emptied one is none", &[("cookie", "tok=")], RAW, NONE),
    ("an emptied one among others", &[("cookie", "x=1; tok= ; y=2")], RAW, NONE),
    ("emptied, in quotes", &[("cookie", "tok=\"\"")], RAW, NONE),
    ("the word by which PHP empties", &[("cookie", "tok=deleted")], JOINED, NONE),
    ("that word in quotes", &[("cookie", "tok=\"deleted\"")], RAW, NONE),
    ("that word in another case", &[("cookie", "tok=Deleted")], RAW, Ok(Some("Deleted"))),
    ("the sign-out word of another form", &[("cookie", "tok=invalid")], RAW, Ok(Some("invalid"))),
    ("two that hold nothing", &[("cookie", "tok=; tok=deleted")], RAW, NONE),
    ("an emptied one before a full one", &[("cookie", "tok=; tok=a")], RAW, MANY),
    ("an emptied one behind a full one", &[("cookie", "tok=a; tok=deleted")], RAW, MANY),
    ("the name without a value", &[("cookie", "tok")], RAW, NONE),
    ("a longer name", &[("cookie", "tok2=a; token=b")], RAW, NONE),
    ("a name that ends so", &[("cookie", "mytok=a; my-tok=b; my.tok=c")], RAW, NONE),
    ("another case", &[("cookie", "Tok=a; TOK=b")], RAW, NONE),
    ("a prefix of browsers", &[("cookie", "__Host-tok=a")], RAW, NONE),
    ("twice in a line", &[("cookie", "tok=a; tok=b")], RAW, MANY),
    ("twice the same", &[("cookie", "tok=a; tok=a")], RAW, MANY),
    ("twice, once quoted", &[("cookie", "tok=a; tok=\"a\"")], RAW, MANY),
    ("in two lines", &[("cookie", "tok=a"), ("cookie", "tok=b")], RAW, MANY),
    ("in two joined lines", &[("cookie", "tok=a,tok=b")], JOINED, MANY),
    ("mixed separators", &[("cookie", "x=1; tok=a,y=2; tok=b")], JOINED, MANY),
];

#[test]
fn a_cookie_is_found_by_its_whole_name_and_only_once() {
    assert_found(&[cookie("tok")], COOKIES);
}

#[rustfmt::skip] // one case a line
const BARE: &[(&str, HeaderLines<'_>, bool, FoundToken)] = &[
    ("absent", &[("authorization", "Bearer a")], RAW, NONE),
    ("the bare token", &[("x-token", "a.b.c")], RAW, Ok(Some("a.b.c"))),
    ("blanks around", &[("x-token", "  a ")], JOINED, Ok(Some("a"))),
    ("a scheme is no part of it", &[("x-token", "Bearer a")], RAW, Ok(Some("Bearer a"))),
    ("empty is an empty token", &[("x-token", "")], RAW, Ok(Some(""))),
    ("twice", &[("x-token", "a"), ("x-token", "a")], RAW, MANY),
    ("joined", &[("x-token", "a,b")], JOINED, MANY),
];

#[test]
fn another_header_holds_the_bare_token() {
    assert_found(&[header("X-Token")], BARE);
}

#[rustfmt::skip] // one case a line
const SEVERAL: &[(&str, HeaderLines<'_>, bool, FoundToken)] = &[
    ("neither", &[("cookie", "x=1")], RAW, NONE),
    ("the header alone", &[("authorization", "Bearer a"), ("cookie", "x=1")], RAW, Ok(Some("a"))),
    ("the cookie alone", &[("cookie", "tok=b")], RAW, Ok(Some("b"))),
    ("the cookie beside Basic", &[("authorization", "Basic x"), ("cookie", "tok=b")], RAW, Ok(Some("b"))),
    ("the same token in both", &[("authorization", "Bearer a"), ("cookie", "tok=a")], RAW, Ok(Some("a"))),
    ("two that differ", &[("authorization", "Bearer a"), ("cookie", "tok=b")], RAW, MANY),
    ("an empty header and a full cookie", &[("authorization", "Bearer"), ("cookie", "tok=b")], RAW, MANY),
    ("a full header and an emptied cookie", &[("authorization", "Bearer a"), ("cookie", "tok=")], RAW, Ok(Some("a"))),
    ("a conflict in the second source", &[("authorization", "Bearer a"), ("cookie", "tok=a; tok=a")], RAW, MANY),
    ("a conflict in the first source", &[("authorization", "Bearer a,Bearer a"), ("cookie", "tok=a")], JOINED, MANY),
];

#[test]
fn two_sources_agree_or_the_request_is_denied() {
    assert_found(&[header("authorization"), cookie("tok")], SEVERAL);
    assert_found(&[cookie("tok"), header("authorization")], SEVERAL);
}

#[test]
fn the_first_source_that_finds_it_says_where_the_credential_came_from() {
    let both = headers(&[("authorization", "Bearer a"), ("cookie", "tok=a")], RAW);
    for (sources, expected) in [
        ([header("authorization"), cookie("tok")], CredentialSource::Header),
        ([cookie("tok"), header("authorization")], CredentialSource::Cookie),
    ] {
        let found = extractor(&sources).find(&with_headers(both.clone())).unwrap().unwrap();
        assert_eq!(found.source(), expected);
    }
}

#[test]
fn only_a_configured_source_is_looked_at() {
    let everything =
        headers(&[("authorization", "Bearer a"), ("cookie", "tok=b"), ("x-token", "c")], RAW);
    for (source, expected) in
        [(header("authorization"), "a"), (cookie("tok"), "b"), (header("x-token"), "c")]
    {
        let found = extractor(&[source]).find(&with_headers(everything.clone())).unwrap().unwrap();
        assert_eq!(found.token().as_ref(), expected.as_bytes());
    }
}

#[test]
fn a_preflight_with_anything_like_a_credential_is_none() {
    let extractor = extractor(&[header("authorization"), cookie("tok")]);
    let cases: [(&str, HeaderLines<'_>, bool); 7] = [
        ("nothing", &[("origin", "https://a"), ("cookie", "x=1")], false),
        ("a bearer token", &[("authorization", "Bearer a")], true),
        ("another scheme", &[("authorization", "Basic a")], true),
        ("an empty header", &[("authorization", "")], true),
        ("the cookie", &[("cookie", "tok=a")], true),
        ("the emptied cookie", &[("cookie", "tok=")], false),
        ("a conflict", &[("cookie", "tok=a; tok=b")], true),
    ];
    for (name, lines, expected) in cases {
        assert_eq!(extractor.finds_any(&with_headers(headers(lines, RAW))), expected, "{name}");
    }
}

#[test]
fn a_credential_never_shows_its_token() {
    let lines = headers(&[("authorization", "Bearer secret-token")], RAW);
    let found = extractor(&[header("authorization")]).find(&with_headers(lines)).unwrap().unwrap();
    let shown = format!("{found:?}");
    assert!(!shown.contains("secret-token"), "{shown}");
    assert!(shown.contains("12 bytes"), "{shown}");
}

/// (name, what the session asks for, headers, expected)
#[rustfmt::skip] // one case a line
const ANTI_CSRF: &[(&str, Option<CookieProof>, HeaderLines<'_>, bool)] = &[
    ("not known yet, nothing", None, &[], false),
    ("not known yet, rid", None, &[("rid", "session")], true),
    ("not known yet, any value", None, &[("anti-csrf", "x")], true),
    ("not known yet, empty", None, &[("rid", ""), ("anti-csrf", "")], false),
    ("no value, nothing", Some(CookieProof::AntiCsrf(None)), &[], false),
    ("no value, rid", Some(CookieProof::AntiCsrf(None)), &[("rid", "anti-csrf")], true),
    ("no value, any value", Some(CookieProof::AntiCsrf(None)), &[("anti-csrf", "x")], true),
    ("no value, twice", Some(CookieProof::AntiCsrf(None)), &[("rid", "a"), ("rid", "a")], false),
    ("another cookie's way", Some(CookieProof::SameOrigin), &[("rid", "a"), ("anti-csrf", "x")], false),
];

#[test]
fn a_session_cookie_is_proved_by_a_header_no_other_site_can_set() {
    let shown = |lines| request("POST", "https", b"a.com", headers(lines, RAW));
    for (name, proof, lines, expected) in ANTI_CSRF {
        assert_eq!(shows_anti_csrf(&shown(lines), proof.as_ref()), *expected, "{name}");
    }
    let own = CookieProof::AntiCsrf(Some("own".into()));
    let rows: [(HeaderLines<'_>, bool); 5] = [
        (&[], false),
        (&[("anti-csrf", "own")], true),
        (&[("anti-csrf", "another")], false),
        (&[("anti-csrf", "own"), ("anti-csrf", "own")], false),
        (&[("rid", "anti-csrf")], true),
    ];
    for (lines, expected) in rows {
        assert_eq!(shows_anti_csrf(&shown(lines), Some(&own)), expected, "{lines:?}");
    }
}

fn request(method: &str, scheme: &str, host: &[u8], headers: Headers) -> RequestContext {
    RequestContext {
        method: Bytes::copy_from_slice(method.as_bytes()),
        host: Bytes::copy_from_slice(host),
        scheme: Bytes::copy_from_slice(scheme.as_bytes()),
        ..with_headers(headers)
    }
}

fn with_headers(headers: Headers) -> RequestContext {
    RequestContext { headers, ..RequestContext::for_test("/") }
}

proptest! {
    #[test]
    fn a_bearer_token_never_holds_a_comma_or_outer_blanks(
        values in prop::collection::vec("[Bb]?(earer|asic)?[ ,\t]{0,2}[a-z., ]{0,6}(,? ?[Bb]earer x)?", 0..3),
        joined: bool,
    ) {
        let lines: Vec<(&str, &str)> =
            values.iter().map(|value| ("authorization", value.as_str())).collect();
        let headers = headers(&lines, joined);
        let found = extractor(&[header("authorization")]).find(&with_headers(headers));
        let bearers = values
            .iter()
            .flat_map(|value| value.split(','))
            .filter(|part| part.split_whitespace().next().is_some_and(|s| s.eq_ignore_ascii_case("bearer")))
            .count();
        match found {
            Ok(None) => prop_assert_eq!(bearers, 0),
            Ok(Some(credential)) => {
                let token = credential.token();
                prop_assert!(!token.contains(&b','));
                prop_assert_eq!(token.trim_ascii(), token.as_ref());
                prop_assert_eq!((bearers, values.len()), (1, 1));
            }
            Err(reason) => {
                prop_assert_eq!(reason, DenyReason::CredentialsAmbiguous);
                prop_assert!(bearers > 0);
            }
        }
    }

    #[test]
    fn no_bytes_make_the_search_panic(
        cookies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..24), 0..3),
        authorization in prop::collection::vec(any::<u8>(), 0..24),
        joined: bool,
    ) {
        let line = |name: &'static str, value: &[u8]| (Bytes::from(name), Bytes::copy_from_slice(value));
        let mut lines = vec![line("authorization", &authorization)];
        lines.extend(cookies.iter().map(|value| line("cookie", value)));
        let headers = Headers::new(lines, joined);
        let extractor = extractor(&[header("authorization"), cookie("t")]);
        let request = request("POST", "http", &authorization, headers);
        let found = extractor.find(&request);
        prop_assert!(matches!(found, Ok(_) | Err(DenyReason::CredentialsAmbiguous)));
        prop_assert!(extractor.finds_any(&request));
        let _ = CookieSites::default().accept_cookie(&request);
    }
}
