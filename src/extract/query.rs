//! A credential from the query (RFC 6750 section 2.3): off unless configured, as addresses end
//! up in logs and histories.
//!
//! In: the query of a request. Out: at most one credential, or a denial.

use super::finding::Finding;
use crate::model::{Credential, CredentialSource, DenyReason, Query};

/// From the parameter of this name. It may not stand there several times: each is a credential.
pub(super) fn find(query: Query<'_>, name: &str) -> Finding {
    let mut values = query.values(name);
    match (values.next(), values.next()) {
        (None, _) => Finding::Absent,
        (Some(token), None) => {
            Finding::One(Credential::new(token.into_owned().into(), CredentialSource::Query))
        }
        (Some(_), Some(_)) => Finding::Refused(DenyReason::CredentialsAmbiguous),
    }
}
