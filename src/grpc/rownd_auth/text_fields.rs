//! The checks of texts that a call brings: secrets that are to be sent on, plain texts, scopes.

use super::fault::Fault;
use crate::{config::Secret, issuer_api::user_id_problem};

/// The longest text of a request beside its tokens, in bytes.
const MAX_TEXT: usize = 2048;
/// The longest token or code: it may have to travel in a header.
const MAX_SECRET: usize = 16 * 1024;

/// The longest user id, in bytes. It stands in a URL, percent-encoded.
const MAX_USER_ID: usize = 512;

/// Checks an id that a caller has named, before anything is sent. The message does not repeat it.
///
/// # Errors
///
/// Fails for an id that is too long, or that would ask for something else than this user.
pub(super) fn user_id(at: &'static str, user: &str) -> Result<(), Fault> {
    match user_id_fault(user) {
        Some(why) => Err(Fault::field(at, why)),
        None => Ok(()),
    }
}

/// Why this text is not used as the id of a user. `None`: it is.
pub(super) fn user_id_fault(user: &str) -> Option<String> {
    if user.len() > MAX_USER_ID {
        return Some(format!("must have 1 to {MAX_USER_ID} bytes"));
    }
    user_id_problem(user).map(|problem| problem.to_string())
}

/// A secret text of a request. It must not be empty, and must fit into a header.
///
/// # Errors
///
/// Fails for a text that is empty, too long, or not in visible ASCII.
pub(super) fn secret_text(at: &'static str, text: &str) -> Result<Secret, Fault> {
    if text.is_empty() {
        Err(Fault::field(at, "is empty"))
    } else if text.len() > MAX_SECRET {
        Err(Fault::field(at, "is too long"))
    } else if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Err(Fault::field(at, "has characters other than visible ASCII"))
    } else {
        Ok(Secret::new(text))
    }
}

/// A text that may be left out.
///
/// # Errors
///
/// Fails for a text that is empty or too long.
pub(super) fn plain_text(at: &'static str, text: Option<String>) -> Result<Option<String>, Fault> {
    match text {
        Some(text) if text.is_empty() => {
            Err(Fault::field(at, "is empty; leave the field out instead"))
        }
        Some(text) if text.len() > MAX_TEXT => Err(Fault::field(at, "is too long")),
        text => Ok(text),
    }
}

/// Checks scopes by RFC 6749 section 3.3.
///
/// # Errors
///
/// Fails for a text that is no scope, and for too many.
pub(super) fn check_scopes(at: &'static str, scopes: &[String]) -> Result<(), Fault> {
    let odd = |scope: &String| {
        scope.is_empty()
            || !scope.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
    };
    let length: usize = scopes.iter().map(|scope| scope.len() + 1).sum();
    if length > MAX_TEXT || scopes.iter().any(odd) {
        return Err(Fault::field(
            at,
            "has a value that is not a scope (RFC 6749 section 3.3), or too many",
        ));
    }
    Ok(())
}
