//! Browsers that navigate: the only clients that are sent to a sign-in page.
//!
//! In: a request, and the sign-in page. Out: the redirect, if the request is a navigation. The host is
//! always that of the configuration; of the request only the path and query to come back to are
//! used, and only where no reading of them leads elsewhere.

use std::{fmt::Write as _, str};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};

use super::accept::prefers_html;
use crate::model::{
    Denial, DenialClass, Occurrence, Redirect, RedirectKind, RequestContext, SignInPage,
};

/// The most bytes of a path and query to come back to: twice as many still fit into the headers of
/// every browser when each is encoded.
const MAX_RETURN: usize = 2048;
/// Where a browser comes back to if not to the path of the request.
const START: &str = "/";
/// All but the unreserved characters of RFC 3986 section 2.3.
const ENCODED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The redirect to the sign-in page in place of a denial that a sign-in can mend.
pub(super) fn sign_in(
    page: &SignInPage,
    denial: &Denial,
    request: &RequestContext,
    secret_parameters: &[String],
) -> Option<Redirect> {
    let mendable = match denial.reason().class() {
        DenialClass::Anonymous | DenialClass::BadCredential | DenialClass::StepUp => true,
        DenialClass::Conflict
        | DenialClass::BadRequest
        | DenialClass::Forbidden
        | DenialClass::Pending
        | DenialClass::Unavailable => false,
    };
    if !mendable || !is_navigation(request) {
        return None;
    }
    let mut location = page.url().to_owned();
    location.push(if location.contains('?') { '&' } else { '?' });
    let back = return_path(&request.target, secret_parameters);
    let _ = write!(location, "{}={}", page.parameter(), utf8_percent_encode(&back, &ENCODED));
    add_step_up(&mut location, denial);
    Some(Redirect { kind: RedirectKind::SeeOther, location })
}

/// The sign-in that would be enough, by the names of OpenID Connect (Core section 3.1.2.1): a page
/// that takes the user for signed in would send the browser back at once, and so on for ever.
fn add_step_up(location: &mut String, denial: &Denial) {
    if denial.reason().class() != DenialClass::StepUp {
        return;
    }
    if let Some(level) = denial.required_level() {
        let _ = write!(location, "&acr_values={}", level.as_str());
    }
    if let Some(max_age) = denial.max_age() {
        let _ = write!(location, "&max_age={}", max_age.as_secs());
    }
}

/// The client prefers HTML.
pub(super) fn accepts_html(request: &RequestContext) -> bool {
    prefers_html(request.headers.all("accept").map(AsRef::as_ref))
}

/// A browser asked for a page to show: by GET or HEAD, and neither by a script nor for a WebSocket.
fn is_navigation(request: &RequestContext) -> bool {
    let headers = &request.headers;
    if !matches!(request.method.as_ref(), b"GET" | b"HEAD") {
        return false;
    }
    let by_script = |value: &[u8]| value.trim_ascii().eq_ignore_ascii_case(b"xmlhttprequest");
    if headers.all("x-requested-with").any(|value| by_script(value))
        || headers.all("upgrade").next().is_some()
        || headers.all("sec-websocket-key").next().is_some()
    {
        return false;
    }
    // No script can set a header whose name begins with `Sec-` (Fetch Metadata).
    match headers.occurrence("sec-fetch-mode") {
        Occurrence::Once(mode) => mode.trim_ascii() == b"navigate",
        Occurrence::Absent => accepts_html(request),
        Occurrence::Repeated => false,
    }
}

/// The path and query to come back to. `/`, if some reader could take the path for one of another
/// host, or for more than a path, or if it is too long.
fn return_path(target: &[u8], secret_parameters: &[String]) -> String {
    let kept = str::from_utf8(target).ok().filter(|target| is_safe(target));
    kept.map_or_else(|| START.to_owned(), |target| without_secrets(target, secret_parameters))
}

fn is_safe(target: &str) -> bool {
    if target.len() > MAX_RETURN || !target.bytes().all(|byte| byte.is_ascii_graphic()) {
        return false;
    }
    let path = target.split(['?', '#']).next().unwrap_or_default();
    // A page may decode the parameter one time too often.
    let once: Vec<u8> = percent_decode(path.as_bytes()).collect();
    let twice: Vec<u8> = percent_decode(&once).collect();
    [path.as_bytes(), &once, &twice].into_iter().all(is_plain_path)
}

/// Begins with one `/`, and nothing in it makes it another path: dot segments could leave a `//` at
/// the beginning, and URL parsers leave out control characters and read `\` as `/`.
fn is_plain_path(path: &[u8]) -> bool {
    let Some(rest) = path.strip_prefix(b"/") else { return false };
    !rest.starts_with(b"/")
        && !path.iter().any(|&byte| byte == b'\\' || byte.is_ascii_control())
        && !path.split(|&byte| byte == b'/').any(|segment| matches!(segment, b"." | b".."))
}

/// Without the parameters that hold credentials, and without a fragment.
fn without_secrets(target: &str, secret_parameters: &[String]) -> String {
    let target = target.split('#').next().unwrap_or_default();
    let Some((path, query)) = target.split_once('?') else { return target.to_owned() };
    let is_secret = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        secret_parameters.iter().any(|secret| percent_decode(name.as_bytes()).eq(secret.bytes()))
    };
    let kept: Vec<&str> = query.split('&').filter(|pair| !is_secret(pair)).collect();
    if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) }
}
