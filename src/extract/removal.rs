//! The request without its credentials, for rules with `strip_credential`.
//!
//! In: a request. Out: headers to set and to remove, and parameters of the query to remove. Everything
//! that is taken for a credential goes, good or bad; the rest stays as it was sent.

use super::{CredentialPlace, Extractor, cookie, finding::Finding};
use crate::model::{Headers, NameValue, Query, RequestContext, is_spelling};

/// The changes that take the credentials out of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CredentialRemoval {
    /// Headers to set: those that hold more than a credential.
    pub set: Vec<NameValue>,
    /// Names of headers to remove.
    pub remove: Vec<String>,
    /// Names of parameters to remove, as they were sent.
    pub parameters: Vec<String>,
}

impl Extractor {
    /// The changes that take the credentials out of a request, at every place where one is looked
    /// for.
    #[must_use]
    pub fn removal(&self, request: &RequestContext) -> CredentialRemoval {
        let mut removal = CredentialRemoval::default();
        let mut cookies = Vec::new();
        for place in &self.places {
            match place {
                CredentialPlace::Authorization => {
                    // Another scheme, such as Basic, belongs to the service behind.
                    if place.find(request) != Finding::Absent {
                        removal.remove.push("authorization".to_owned());
                    }
                }
                CredentialPlace::Header(name) => {
                    removal.remove.extend(names_read_as(&request.headers, name));
                }
                CredentialPlace::Cookie(place) => cookies.push(place.name.as_str()),
                CredentialPlace::Query(name) => {
                    removal.parameters.extend(spellings(request.query(), name));
                }
                // Taken out of the list for every rule that reads a credential, and here for others.
                CredentialPlace::WebsocketProtocol(_) => {}
            }
        }
        removal.set.extend(self.header_without_token(request));
        match without_cookies(&request.headers, &cookies) {
            Rest::AsSent => {}
            Rest::Nothing => removal.remove.push("cookie".to_owned()),
            Rest::Cookies(rest) => removal.set.push(("cookie".into(), rest.into())),
        }
        removal
    }
}

/// The names of the headers that some server reads as this one, as they were sent.
fn names_read_as(headers: &Headers, name: &str) -> Vec<String> {
    let read_so = headers.iter().filter(|(sent, _)| is_spelling(sent, name.as_bytes()));
    let mut sent: Vec<String> =
        read_so.map(|(sent, _)| String::from_utf8_lossy(sent).into_owned()).collect();
    sent.sort_unstable();
    sent.dedup();
    sent
}

/// The names of the parameters that are read as this one, as they were sent.
fn spellings(query: Query<'_>, name: &str) -> Vec<String> {
    let mut sent: Vec<String> = query
        .as_sent()
        .split(|&b| b == b'&')
        .filter_map(|pair| pair.split(|&b| b == b'=').next())
        .filter(|sent| percent_encoding::percent_decode(sent).eq(name.bytes()))
        .map(|sent| String::from_utf8_lossy(sent).into_owned())
        .collect();
    sent.sort_unstable();
    sent.dedup();
    sent
}

/// The cookies that are left.
#[derive(Debug, PartialEq, Eq)]
enum Rest {
    /// None of the names is there.
    AsSent,
    /// There was nothing else, or the rest cannot be a text.
    Nothing,
    /// The rest.
    Cookies(String),
}

fn without_cookies(headers: &Headers, names: &[&str]) -> Rest {
    let mut found = false;
    let mut kept: Vec<Vec<u8>> = Vec::new();
    let mut keep = |cookies: &[u8], separator: u8| -> Vec<u8> {
        let mut rest: Vec<&[u8]> = Vec::new();
        for pair in cookies.split(|&b| b == separator) {
            if names.iter().any(|name| cookie::value_of(pair, name.as_bytes()).is_some()) {
                found = true;
            } else {
                rest.push(pair);
            }
        }
        rest.join(&separator)
    };
    for line in headers.all("cookie") {
        for pair in line.split(|&b| b == b';') {
            // A comma is a part of a value, unless the proxy has joined two lines with it.
            let rest = if headers.joined() { keep(pair, b',') } else { keep(pair, b';') };
            kept.push(rest);
        }
    }
    if !found {
        return Rest::AsSent;
    }
    let kept: Vec<&[u8]> =
        kept.iter().map(|pair| pair.trim_ascii()).filter(|pair| !pair.is_empty()).collect();
    match String::from_utf8(kept.join(&b"; "[..])) {
        Ok(rest) if !rest.is_empty() => Rest::Cookies(rest),
        Ok(_) | Err(_) => Rest::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{Extractor, Headers, RequestContext};
    use crate::config::{CookieFormat, TokenSource};

    fn extractor() -> Extractor {
        let cookie =
            |name: &str| TokenSource::Cookie { name: name.to_owned(), format: CookieFormat::Plain };
        let sources = [
            TokenSource::Header("authorization".to_owned()),
            TokenSource::Header("x-token".to_owned()),
            cookie("s"),
            cookie("t"),
            TokenSource::Query("access_token".to_owned()),
        ];
        Extractor::new(&sources, false, 1000)
    }

    /// The headers to set, the headers to remove and the parameters to remove, each as one text.
    fn removed(target: &str, lines: &[(&str, &str)], joined: bool) -> [String; 3] {
        let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
        let entries = lines.iter().map(|(name, value)| (bytes(name), bytes(value))).collect();
        let headers = Headers::new(entries, joined);
        let request = RequestContext { headers, ..RequestContext::for_test(target) };
        let removal = extractor().removal(&request);
        let set = removal.set.iter().map(|(name, value)| format!("{name}: {value}"));
        let set = set.collect::<Vec<_>>().join("|");
        [set, removal.remove.join("|"), removal.parameters.join("|")]
    }

    #[test]
    fn a_credential_goes_and_the_rest_stays() {
        for (name, lines, set, remove) in [
            ("bearer", &[("authorization", "Bearer t")][..], "", "authorization"),
            ("a malformed one", &[("authorization", "Bearer: a.b.c")], "", ""),
            ("two", &[("authorization", "Bearer t, Basic x")], "", "authorization"),
            ("basic", &[("authorization", "Basic x")], "", ""),
            ("a bare header", &[("x-token", "t"), ("x-token", "u")], "", "x-token"),
            (
                "its spellings",
                &[("x_token", "t"), ("x.token", "u"), ("xtoken", "v")],
                "",
                "x.token|x_token",
            ),
            ("the only cookie", &[("cookie", "s=1")], "", "cookie"),
            ("one of three", &[("cookie", "a=1; s=2;b=3")], "cookie: a=1; b=3", ""),
            ("both", &[("cookie", "s=2; a=1;t=3 ")], "cookie: a=1", ""),
            (
                "over lines",
                &[("cookie", "a=1"), ("cookie", "s=2"), ("cookie", "b")],
                "cookie: a=1; b",
                "",
            ),
            ("similar names", &[("cookie", "ss=1; s2=2; xs=3")], "", ""),
            ("repeated", &[("cookie", "s=1; a=\"x,y\"; s=2")], "cookie: a=\"x,y\"", ""),
            ("in quotes", &[("cookie", "s=\"1\"; a=1")], "cookie: a=1", ""),
            ("nothing", &[("accept", "*/*")], "", ""),
        ] {
            let [set_is, remove_is, _] = removed("/", lines, false);
            assert_eq!([set_is.as_str(), &remove_is], [set, remove], "{name}");
        }
    }

    #[test]
    fn cookies_that_a_proxy_has_joined_are_taken_out() {
        let [set, remove, _] = removed("/", &[("cookie", "a=1,s=2; b=3,t=4")], true);
        assert_eq!([set.as_str(), &remove], ["cookie: a=1; b=3", ""]);
        let [set, remove, _] = removed("/", &[("cookie", "a=1,b=2; s=3")], true);
        assert_eq!([set.as_str(), &remove], ["cookie: a=1,b=2", ""]);
    }

    #[test]
    fn a_parameter_goes_in_each_spelling_that_is_read() {
        let target = "/?a=1&access_token=t&%61ccess_token=u&access_token=v&access_token2=w";
        assert_eq!(removed(target, &[], false)[2], "%61ccess_token|access_token");
        assert_eq!(removed("/?a=1", &[], false)[2], "");
    }
}
