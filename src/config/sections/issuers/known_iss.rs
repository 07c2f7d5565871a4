//! The issuers that have one `iss`: one, or two that take different kinds of token.
//!
//! In: the issuers, one after the other. Out: for each, whether it may stand beside those before.

use std::collections::{BTreeSet, HashMap, hash_map::Entry};

use super::{
    tenant_place::put_tenant,
    words::{Accepts, IssuerKind},
    written::WrittenIssuer,
};

const SAME: &str = "another issuer has the same `iss`, so that a token would belong to both; write \
                    one issuer, or, for two of one kind that take different tokens, `accepts: \
                    access` in one and `accepts: id` in the other";
const THIRD: &str = "two issuers have the same `iss`, for access tokens and for ID tokens; leave \
                     this one out";

/// The issuer that came first with an `iss`.
#[derive(Debug)]
struct FirstIssuer {
    kind: IssuerKind,
    accepts: Option<Accepts>,
    /// There is a second one already.
    paired: bool,
}

/// Each `iss` that was written so far.
#[derive(Debug, Default)]
pub(super) struct KnownIss(HashMap<String, FirstIssuer>);

impl KnownIss {
    /// Adds an issuer, with the `iss` of each of its tenants.
    ///
    /// # Errors
    ///
    /// Its tokens would belong to another issuer too.
    pub(super) fn add(&mut self, issuer: &WrittenIssuer) -> Result<(), &'static str> {
        let Some(iss) = &issuer.issuer else { return Ok(()) };
        if issuer.tenants.is_empty() {
            return self.add_iss(iss.clone(), issuer);
        }
        let each = issuer.tenants.iter().collect::<BTreeSet<_>>().into_iter();
        let added = each.map(|tenant| self.add_iss(put_tenant(iss, tenant), issuer));
        // All of them are added, whatever came of the one before.
        added.collect::<Vec<_>>().into_iter().collect()
    }

    fn add_iss(&mut self, iss: String, issuer: &WrittenIssuer) -> Result<(), &'static str> {
        let (kind, accepts) = (issuer.kind, issuer.accepts);
        match self.0.entry(iss) {
            Entry::Vacant(place) => {
                place.insert(FirstIssuer { kind, accepts, paired: false });
                Ok(())
            }
            Entry::Occupied(mut first) => {
                let first = first.get_mut();
                let differ = first.kind == kind
                    && matches!((first.accepts, accepts), (Some(a), Some(b)) if a != b);
                if first.paired {
                    return Err(THIRD);
                }
                first.paired = differ;
                if differ { Ok(()) } else { Err(SAME) }
            }
        }
    }
}
