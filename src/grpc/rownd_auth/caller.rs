//! The caller of a call: by the connection and by the secret in the `authorization` header.

use http::{HeaderMap, header::AUTHORIZATION};

use crate::{
    authz::{BackendService, Caller, CallerError},
    model::{Origin, Peer},
};

/// The caller, as the log shows it.
pub(super) struct LoggedCaller<'a> {
    pub(super) name: &'a str,
    pub(super) peer: Option<&'a Peer>,
}

impl LoggedCaller<'_> {
    /// Where it calls from.
    pub(super) fn origin(&self) -> String {
        match self.peer.map(|peer| peer.origin) {
            Some(Origin::Loopback) => "loopback".to_owned(),
            Some(Origin::Unix { uid, .. }) => format!("uid {uid}"),
            Some(Origin::Network) | None => "network".to_owned(),
        }
    }
}

/// The caller, by its connection and its secret. A connection of which nothing is known counts as one
/// from another machine.
///
/// # Errors
///
/// Fails where the secret is unknown, or where a caller from another machine shows none.
pub(super) fn identify(
    service: &BackendService,
    peer: Option<&Peer>,
    headers: &HeaderMap,
) -> Result<Caller, CallerError> {
    let unknown = Peer { origin: Origin::Network, names: Vec::new() };
    let mut shown = headers.get_all(AUTHORIZATION).iter();
    let secret = match (shown.next(), shown.next()) {
        (None, _) => None,
        (Some(one), None) => Some(bearer_secret(one.as_bytes()).ok_or(CallerError::Unknown)?),
        (Some(_), Some(_)) => return Err(CallerError::Unknown),
    };
    service.callers().identify(peer.unwrap_or(&unknown), secret)
}

/// The secret of a bearer header. The name of the scheme has no case (RFC 9110 section 11.1).
fn bearer_secret(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked(7)?;
    let secret = rest.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"bearer ") && !secret.is_empty()).then_some(secret)
}
