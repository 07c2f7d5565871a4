//! The value of the cookie that Rownd's server-side rendering writes: URI-encoded JSON
//! `{"accessToken":"TOKEN"}`.
//!
//! In: the value as it was sent. Out: the token, or that there is none.

use bytes::Bytes;
use percent_encoding::percent_decode;
use serde::Deserialize;

/// The token that stands there after a sign-out.
const SIGNED_OUT: &str = "invalid";

/// The value of a cookie in Rownd's form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RowndCookie {
    /// The user is signed out.
    SignedOut,
    /// A token, good or bad.
    Token(Bytes),
}

/// The members that are read. Any other is ignored; a member that stands twice is an error.
#[derive(Deserialize)]
struct Session {
    #[serde(rename = "accessToken")]
    access_token: String,
}

impl RowndCookie {
    /// Reads a value, whose escapes are decoded once. `None` if it has not that form.
    pub(super) fn read(value: &[u8]) -> Option<Self> {
        if !has_whole_escapes(value) {
            return None;
        }
        let json: Vec<u8> = percent_decode(value).collect();
        // A list of one text is no session, though it would be read as one.
        if json.trim_ascii_start().first() != Some(&b'{') {
            return None;
        }
        let Session { access_token } = serde_json::from_slice(&json).ok()?;
        Some(if access_token.is_empty() || access_token == SIGNED_OUT {
            Self::SignedOut
        } else {
            Self::Token(access_token.into())
        })
    }
}

/// Every `%` stands before two hexadecimal digits, as in JavaScript's `decodeURIComponent`.
fn has_whole_escapes(value: &[u8]) -> bool {
    let mut parts = value.split(|&byte| byte == b'%');
    parts.next();
    parts.all(|part| part.get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)))
}

#[cfg(test)]
mod tests {
    use super::RowndCookie;

    fn token(text: &str) -> Option<RowndCookie> {
        Some(RowndCookie::Token(text.to_owned().into()))
    }

    #[test]
    fn the_token_is_read_and_nothing_else_counts_as_one() {
        let signed_out = Some(RowndCookie::SignedOut);
        for (value, expected) in [
            ("%7B%22accessToken%22%3A%22a.b.c%22%7D", token("a.b.c")),
            ("%7b%22accessToken%22%3a%22a.b.c%22%7d", token("a.b.c")),
            ("{\"accessToken\":\"a.b.c\"}", token("a.b.c")),
            ("%7B%22%61ccessToken%22%3A%22%61.b.c%22%7D", token("a.b.c")),
            ("%20%7B%20%22accessToken%22%20%3A%20%22a%22%20%7D%0A", token("a")),
            (r#"{"accessToken":"\u0061.b"}"#, token("a.b")),
            (r#"{"refreshToken":"x","accessToken":"a","user":{"a":[1,{"b":null}]}}"#, token("a")),
            (r#"{"user":1,"user":2,"accessToken":"a"}"#, token("a")),
            // Encoded twice inside: the token keeps its escapes, with which it is malformed.
            ("%7B%22accessToken%22%3A%22a%252Eb%22%7D", token("a%2Eb")),
            (r#"{"accessToken":"a+b c"}"#, token("a+b c")),
            (r#"{"accessToken":" invalid"}"#, token(" invalid")),
            (r#"{"accessToken":"Invalid"}"#, token("Invalid")),
            ("%7B%22accessToken%22%3A%22invalid%22%7D", signed_out.clone()),
            (r#"{"accessToken":"\u0069nvalid"}"#, signed_out.clone()),
            (r#"{"accessToken":""}"#, signed_out),
            ("%257B%2522accessToken%2522%253A%2522a%2522%257D", None),
            ("a.b.c", None),
            ("invalid", None),
            ("%22a.b.c%22", None),
            (r#"["a.b.c"]"#, None),
            (r#"[{"accessToken":"a"}]"#, None),
            ("{}", None),
            ("%7B%7D", None),
            (r#"{"accesstoken":"a"}"#, None),
            (r#"{"access_token":"a"}"#, None),
            (r#"{"accessToken":null}"#, None),
            (r#"{"accessToken":5}"#, None),
            (r#"{"accessToken":true}"#, None),
            (r#"{"accessToken":["a"]}"#, None),
            (r#"{"accessToken":{"accessToken":"a"}}"#, None),
            (r#"{"accessToken":"a","accessToken":"a"}"#, None),
            (r#"{"accessToken":"a","accessToken":"b"}"#, None),
            (r#"{"accessToken":"a","\u0061ccessToken":"b"}"#, None),
            (r#"{"accessToken":"a"}x"#, None),
            (r#"{"accessToken":"a"}{"accessToken":"a"}"#, None),
            (r#"{"accessToken":"a""#, None),
            (r#"{"accessToken":"a",}"#, None),
            (r#"{"accessToken":"\ud800"}"#, None),
            ("%7B%22accessToken%22%3A%22%ff%22%7D", None),
            ("%7B%22accessToken%22%3A%22a%22%7D%", None),
            ("%7B%22accessToken%22%3A%22a%2%22%7D", None),
            ("%7B%22accessToken%22%3A%22a%zz%22%7D", None),
            ("j:{\"accessToken\":\"a\"}", None),
            ("\u{feff}{\"accessToken\":\"a\"}", None),
        ] {
            assert_eq!(RowndCookie::read(value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn deep_nesting_beside_the_token_costs_no_stack() {
        let depth = 200_000;
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let nested = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let value = format!("{{\"x\":{nested},\"accessToken\":\"a\"}}");
            let read = RowndCookie::read(value.as_bytes());
            assert!(read.is_none() || read == token("a"));
        }
    }
}
