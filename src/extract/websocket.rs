//! A credential from the list of protocols that a WebSocket handshake offers (RFC 6455
//! section 11.3.4): pages can set no other header of a handshake.
//!
//! In: a request. Out: at most one credential or a denial; and the list without the token.

use bytes::Bytes;

use super::{finding::Finding, jws_shape::is_jws};
use crate::model::{Credential, CredentialSource, DenyReason, RequestContext};

/// The name of the header, in lower case.
pub(super) const PROTOCOLS: &str = "sec-websocket-protocol";

const WEBSOCKET: &[u8] = b"websocket";

/// An element of the list, and the line that it stands in.
type Element<'a> = (&'a Bytes, &'a [u8]);

/// From the element after this name. A handshake with two tokens is refused, and so is one in which
/// some element could not be a protocol's name: the service behind may read its list in another way.
pub(super) fn find(request: &RequestContext, name: &str) -> Finding {
    if !is_handshake(request) {
        return Finding::Absent;
    }
    let elements = elements(request);
    let mut tokens = after(&elements, name);
    let Some(place) = tokens.next() else { return Finding::Absent };
    let others = || elements.iter().enumerate().filter(|(index, _)| *index != place);
    let is_clear = others().all(|(_, (_, other))| is_name(other) && !is_jws(other));
    match elements.get(place) {
        Some((line, token)) if is_clear && tokens.next().is_none() => {
            let token = line.slice_ref(token);
            Finding::One(Credential::new(token, CredentialSource::WebsocketProtocol))
        }
        Some(_) | None => Finding::Refused(DenyReason::CredentialsAmbiguous),
    }
}

/// The list without the one token after this name; `None` if there is no such token. The names keep
/// their order and spelling, because a browser fails a handshake whose answer names no protocol that
/// it offered.
pub(super) fn without_token(request: &RequestContext, name: &str) -> Option<String> {
    let Finding::One(_) = find(request, name) else { return None };
    let elements = elements(request);
    let place = after(&elements, name).next()?;
    let others = elements.iter().enumerate().filter(|(index, _)| *index != place);
    let names: Option<Vec<&str>> =
        others.map(|(_, (_, other))| std::str::from_utf8(other).ok()).collect();
    Some(names?.join(", "))
}

/// The request opens a WebSocket: HTTP/1.1 says so by `Upgrade` (RFC 6455 section 4.1), HTTP/2 and
/// HTTP/3 by `CONNECT` with `:protocol` (RFC 8441).
fn is_handshake(request: &RequestContext) -> bool {
    let says = |name: &str| {
        let words = request.headers.all(name).flat_map(|line| line.split(|&b| b == b','));
        words.into_iter().any(|word| word.trim_ascii().eq_ignore_ascii_case(WEBSOCKET))
    };
    match request.method.as_ref() {
        b"GET" => says("upgrade"),
        b"CONNECT" => says(":protocol"),
        _ => false,
    }
}

/// The elements of the list in their order. Several lines are one list, and empty elements count for
/// nothing (RFC 9110 section 5.6.1).
fn elements(request: &RequestContext) -> Vec<Element<'_>> {
    let lines = request.headers.all(PROTOCOLS);
    let elements = lines.flat_map(|line| line.split(|&b| b == b',').map(move |it| (line, it)));
    let trimmed = elements.map(|(line, element)| (line, element.trim_ascii()));
    trimmed.filter(|(_, element)| !element.is_empty()).collect()
}

/// The places of the elements that stand after this name, in any case.
fn after(elements: &[Element<'_>], name: &str) -> impl Iterator<Item = usize> {
    let is_name = |(_, element): &Element<'_>| element.eq_ignore_ascii_case(name.as_bytes());
    let pairs = elements.windows(2).enumerate();
    pairs.filter_map(move |(index, pair)| pair.first().is_some_and(is_name).then_some(index + 1))
}

/// The element is a token as HTTP has them (RFC 9110 section 5.6.2), as every protocol's name is.
fn is_name(element: &[u8]) -> bool {
    element.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}
