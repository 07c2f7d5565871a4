//! A credential from the query (RFC 6750 section 2.3): off unless configured, as addresses end
//! up in logs and histories.
//!
//! In: the query of a request. Out: at most one credential, or a denial.

use crate::model::{Credential, CredentialSource, DenyReason, Query};

/// From the parameter of this name.
///
/// # Errors
///
/// The denial, if the parameter stands there several times: each is a credential.
pub(super) fn find(query: Query<'_>, name: &str) -> Result<Option<Credential>, DenyReason> {
    let mut values = query.values(name);
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(token), None) => {
            Ok(Some(Credential::new(token.into_owned().into(), CredentialSource::Query)))
        }
        (Some(_), Some(_)) => Err(DenyReason::CredentialsAmbiguous),
    }
}
