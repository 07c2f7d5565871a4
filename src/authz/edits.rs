//! The changes to a request on its way to the service behind.
//!
//! Plain types: the injector and the steps after a permit fill them, the doors encode them.

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use strum::{IntoStaticStr, VariantArray};

use crate::model::{NameValue, QueryEdits, SharedText};

/// A header with a list, which the settings may leave out where it is too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
pub enum ListHeader {
    /// The roles.
    #[strum(serialize = "x-rownd-roles")]
    Roles,
    /// The groups.
    #[strum(serialize = "x-rownd-groups")]
    Groups,
    /// The scopes.
    #[strum(serialize = "x-rownd-scopes")]
    Scopes,
}

impl ListHeader {
    /// The name of the header.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The identity headers of one identity, or of no identity. No name is in both lists.
#[derive(Debug, Default)]
pub struct IdentityHeaders {
    /// Set, replacing whatever was there. Values are visible ASCII.
    pub set: Vec<(&'static str, Cow<'static, str>)>,
    /// Removed: what this identity has no value for.
    pub remove: Vec<&'static str>,
    /// Those of the removed headers that the identity has a list for, which is too large.
    pub omitted: Vec<ListHeader>,
    /// Made once, used for every check of the identity.
    ext_authz: OnceLock<Bytes>,
}

/// A door that keeps its encoding of identity headers beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncodingDoor {
    /// Envoy's external authorization over gRPC.
    ExtAuthz,
}

impl IdentityHeaders {
    /// Headers to set, and names to remove.
    #[must_use]
    pub const fn new(
        set: Vec<(&'static str, Cow<'static, str>)>,
        remove: Vec<&'static str>,
    ) -> Self {
        Self { set, remove, omitted: Vec::new(), ext_authz: OnceLock::new() }
    }

    /// The door's encoding of these headers: the one that it made before, or that of `encode`.
    pub fn encoded(&self, door: EncodingDoor, encode: impl FnOnce() -> Bytes) -> Bytes {
        let slot = match door {
            EncodingDoor::ExtAuthz => &self.ext_authz,
        };
        slot.get_or_init(encode).clone()
    }
}

/// The encodings follow from the headers.
impl PartialEq for IdentityHeaders {
    fn eq(&self, other: &Self) -> bool {
        let Self { set, remove, omitted, ext_authz: _ } = self;
        *set == other.set && *remove == other.remove && *omitted == other.omitted
    }
}

impl Eq for IdentityHeaders {}

/// The changes to a request on its way to the service behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestEdits {
    /// The identity headers, set and removed.
    pub identity: Arc<IdentityHeaders>,
    /// Names the client sent that could be mistaken for headers of ours, as they were spelled. To
    /// be removed; none of them is a name that is set.
    pub spoofed: Vec<SharedText>,
    /// More names to remove: configured headers without a value here, and headers with a credential.
    /// None of them is a name that is set.
    pub remove: Vec<SharedText>,
    /// More headers to set, each replacing whatever was there. Names in lower case.
    pub headers: Vec<NameValue>,
    /// The changes to the query.
    pub query: QueryEdits,
}
