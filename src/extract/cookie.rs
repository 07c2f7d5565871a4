//! A credential from a cookie, and the proof that the browser sent it from our own site.

use bytes::Bytes;

use crate::model::{
    CookieProof, Credential, CredentialSource, DenyReason, Headers, RequestContext,
};

/// From the cookie of this name. Where a proxy joined several `Cookie` lines with a comma, a
/// comma parts two cookies as well as a semicolon does.
pub(super) fn find(headers: &Headers, name: &str) -> Result<Option<Credential>, DenyReason> {
    let joined = headers.joined();
    let mut found = None;
    for line in headers.all("cookie") {
        for pair in line.split(|&b| b == b';' || (joined && b == b',')) {
            let Some(value) = value_of(pair, name.as_bytes()) else { continue };
            if found.is_some() {
                return Err(DenyReason::CredentialsAmbiguous);
            }
            found = Some(Credential::new(line.slice_ref(value), CredentialSource::Cookie));
        }
    }
    Ok(found)
}

fn value_of<'a>(pair: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let rest = pair.trim_ascii().strip_prefix(name)?.trim_ascii_start();
    let value = rest.strip_prefix(b"=")?.trim_ascii();
    let inner = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
    Some(inner.unwrap_or(value))
}

/// A cookie credential may be used for this method and origin. Methods that change nothing
/// always may; others need `Sec-Fetch-Site: same-origin` or an `Origin` of this host.
#[must_use]
pub fn same_site(request: &RequestContext) -> bool {
    if matches!(request.method.as_ref(), b"GET" | b"HEAD" | b"OPTIONS") {
        return true;
    }
    let headers = &request.headers;
    let site = present(headers, "sec-fetch-site").map(|value| value == Some(b"same-origin"));
    let origin = present(headers, "origin").map(|value| value.is_some_and(|it| ours(it, request)));
    match (site, origin) {
        (None, None) => false,
        (site, origin) => site.unwrap_or(true) && origin.unwrap_or(true),
    }
}

/// The request shows a header that no other site can set without a preflight: a plain `rid`, or
/// `anti-csrf` (SuperTokens). `None` stands for a session whose own value is not known yet.
#[must_use]
pub fn anti_csrf(request: &RequestContext, proof: Option<&CookieProof>) -> bool {
    let shows = |name: &'static str| {
        present(&request.headers, name).flatten().filter(|value| !value.is_empty())
    };
    match proof {
        Some(CookieProof::SameOrigin) => false,
        Some(CookieProof::AntiCsrf(Some(value))) => {
            shows("rid").is_some() || shows("anti-csrf") == Some(value.as_bytes())
        }
        Some(CookieProof::AntiCsrf(None)) | None => {
            shows("rid").is_some() || shows("anti-csrf").is_some()
        }
    }
}

/// `None`: absent. `Some(None)`: there several times.
fn present<'a>(headers: &'a Headers, name: &'a str) -> Option<Option<&'a [u8]>> {
    headers.all(name).next()?;
    Some(headers.single(name).map(Bytes::as_ref))
}

/// The origin (RFC 6454) is the request's own. A page that came by `http` has no say where
/// requests come by `https`: anybody on the way could have written it. The other way round, a
/// proxy in front may have ended TLS.
fn ours(origin: &[u8], request: &RequestContext) -> bool {
    let (authority, port): (&[u8], &[u8]) = match origin.strip_prefix(b"https://") {
        Some(rest) => (rest, b":443"),
        None if request.scheme.eq_ignore_ascii_case(b"https") => return false,
        None => match origin.strip_prefix(b"http://") {
            Some(rest) => (rest, b":80"),
            None => return false,
        },
    };
    let bare = |name: &[u8]| name.strip_suffix(port).unwrap_or(name).to_ascii_lowercase();
    !authority.is_empty() && !authority.contains(&b'/') && bare(authority) == bare(&request.host)
}
