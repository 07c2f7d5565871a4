//! A credential from a cookie, and the header by which a page shows that it may use one.
//!
//! In: the headers of a request. Out: at most one credential, or a denial.

use crate::model::{
    CookieProof, Credential, CredentialSource, DenyReason, Headers, Occurrence, RequestContext,
};

/// From the cookie of this name. If a proxy joined several `Cookie` lines with a comma, a comma
/// separates two cookies as a semicolon does.
///
/// # Errors
///
/// The denial, if the cookie stands there several times.
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

/// The request shows a header that no other site can set without a preflight: a plain `rid`, or
/// `anti-csrf` (SuperTokens). `None` stands for a session whose own value is not known yet.
#[must_use]
pub fn shows_anti_csrf(request: &RequestContext, proof: Option<&CookieProof>) -> bool {
    let shows = |name: &'static str| match request.headers.occurrence(name) {
        Occurrence::Once(value) if !value.is_empty() => Some(value),
        Occurrence::Once(_) | Occurrence::Absent | Occurrence::Repeated => None,
    };
    match proof {
        Some(CookieProof::SameOrigin) => false,
        Some(CookieProof::AntiCsrf(Some(value))) => {
            shows("rid").is_some()
                || shows("anti-csrf").is_some_and(|shown| shown.as_ref() == value.as_bytes())
        }
        Some(CookieProof::AntiCsrf(None)) | None => {
            shows("rid").is_some() || shows("anti-csrf").is_some()
        }
    }
}
