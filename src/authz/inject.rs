//! The headers that the service behind may trust: every spelling of the reserved prefix is removed,
//! then our own are set. A header without a value is removed, so no value is ever a client's.

use std::{borrow::Cow, sync::Arc};

use super::edits::{IdentityHeaders, RequestEdits};
use crate::{
    config::{IdentityHeaders as Settings, VendorHeaders},
    model::{DenyReason, NameValue, QueryEdits, RequestContext, visible, visible_list},
    policy::Permit,
    verify::Identity,
};

/// The reserved prefix, as every spelling of it normalises.
const PREFIX: &[u8] = b"x-rownd-";
/// The vendor's own request headers. Never identity.
pub(super) const VENDOR: [&[u8]; 4] =
    [b"x-rownd-app-key", b"x-rownd-app-secret", b"x-rownd-filename", b"x-rownd-magic-allow-exp"];
/// A header's name and how its value is read off an identity.
pub(super) type Field = (&'static str, fn(&Identity) -> Option<HeaderText<'_>>);

/// A header's value: one of a few fixed words, or a text of the identity.
pub(super) enum HeaderText<'a> {
    Word(&'static str),
    Own(Cow<'a, str>),
}

pub(super) const FIELDS: [Field; 10] = [
    ("x-rownd-user-id", |who| Some(encoded(&who.user_id))),
    ("x-rownd-auth-level", |who| Some(HeaderText::Word(who.auth_level.as_str()))),
    ("x-rownd-verified", |who| Some(flag(who.verified()))),
    ("x-rownd-anonymous", |who| Some(flag(who.anonymous))),
    ("x-rownd-app-id", |who| who.app_id.as_deref().map(encoded)),
    ("x-rownd-app-variant", |who| who.app_variant.as_deref().map(encoded)),
    ("x-rownd-issuer", |who| Some(HeaderText::Own(who.issuer.as_ref().into()))),
    ("x-rownd-session-id", |who| who.session_id.as_deref().map(encoded)),
    ("x-rownd-roles", |who| list(&who.roles)),
    ("x-rownd-groups", |who| list(&who.groups)),
];

impl HeaderText<'_> {
    fn as_str(&self) -> &str {
        match self {
            Self::Word(word) => word,
            Self::Own(text) => text,
        }
    }
}

/// Headers that later releases set, stripped by proxies already.
const LATER: [&str; 2] = ["x-rownd-tenant", "x-rownd-scopes"];

/// Regular expressions (RE2, lower-case names) of the headers that a proxy should remove from every
/// request before anything else sees it. Where the vendor's own headers pass, the identity headers
/// are named one by one, because RE2 has no look-ahead; else one expression is the whole prefix.
#[must_use]
pub fn early_strip(settings: &Settings) -> Vec<String> {
    const SEPARATOR: &str = "[^a-z0-9]";
    let pattern = |name: &str| format!("^{}$", name.replace('-', SEPARATOR));
    match settings.vendor_headers {
        VendorHeaders::Pass => {
            FIELDS.iter().map(|(name, _)| *name).chain(LATER).map(pattern).collect()
        }
        VendorHeaders::Remove => vec![pattern("x-rownd-.*")],
    }
}

/// Sets and strips identity headers.
#[derive(Debug)]
pub(super) struct Injector {
    /// The headers of a caller without an identity: none, and all are removed.
    no_identity: Arc<IdentityHeaders>,
    max_value: usize,
    max_total: usize,
    vendor_passes: bool,
}

impl Injector {
    pub(super) fn build(settings: &Settings) -> Self {
        let remove = FIELDS.map(|(name, _)| name).to_vec();
        Self {
            no_identity: Arc::new(IdentityHeaders::new(Vec::new(), remove)),
            max_value: settings.max_value_bytes,
            max_total: settings.max_total_bytes,
            vendor_passes: matches!(settings.vendor_headers, VendorHeaders::Pass),
        }
    }

    /// The changes to the request before it goes on. A permit without an identity sets no identity
    /// header and removes all. `headers` and `query` are what the steps after the permit add.
    ///
    /// # Errors
    ///
    /// [`DenyReason::IdentityTooLarge`], if a value is above the limits; [`DenyReason::Internal`],
    /// if a step adds an identity header: those are the injector's own.
    pub(super) fn edits(
        &self,
        request: &RequestContext,
        permit: &Permit,
        headers: Vec<NameValue>,
        query: QueryEdits,
    ) -> Result<RequestEdits, DenyReason> {
        let identity = match permit.identity() {
            None => self.no_identity.clone(),
            Some(who) => who.derived.get_or_make(|| self.headers(who))?,
        };
        let is_field = |name: &[u8]| {
            FIELDS.iter().any(|(field, _)| field.as_bytes().eq_ignore_ascii_case(name))
        };
        // A server may read any spelling of a name as the name itself.
        let reads_as_field =
            |name: &[u8]| FIELDS.iter().any(|(field, _)| is_spelling(name, field.as_bytes()));
        if headers.iter().any(|(name, _)| reads_as_field(name.as_bytes())) {
            return Err(DenyReason::Internal);
        }
        let mut spoofed: Vec<String> = Vec::new();
        for (name, _) in request.headers.iter() {
            // Our own names are set or removed already, whatever their case: never both.
            let is_added = |name: &[u8]| {
                headers.iter().any(|(added, _)| added.as_bytes().eq_ignore_ascii_case(name))
            };
            let imitates_added =
                || headers.iter().any(|(added, _)| is_spelling(name, added.as_bytes()));
            if (self.is_spoof(name) || imitates_added()) && !is_field(name) && !is_added(name) {
                let name = String::from_utf8_lossy(name);
                if !spoofed.iter().any(|known| *known == name) {
                    spoofed.push(name.into_owned());
                }
            }
        }
        Ok(RequestEdits { identity, spoofed, headers, query })
    }

    /// The headers of an identity, and those that it has no value for.
    fn headers(&self, identity: &Identity) -> Result<IdentityHeaders, DenyReason> {
        let mut headers = IdentityHeaders::new(Vec::with_capacity(FIELDS.len()), Vec::new());
        let mut total = 0;
        for (name, read) in FIELDS {
            // An empty value is none: a proxy may leave an empty header out, and what the client
            // sent in its place would stay.
            match read(identity).filter(|value| !value.as_str().is_empty()) {
                None => headers.remove.push(name),
                Some(value) => {
                    let value = match value {
                        HeaderText::Word(word) => Cow::Borrowed(word),
                        HeaderText::Own(text) => Cow::Owned(text.into_owned()),
                    };
                    total += value.len();
                    if value.len() > self.max_value || total > self.max_total {
                        return Err(DenyReason::IdentityTooLarge);
                    }
                    headers.set.push((name, value));
                }
            }
        }
        Ok(headers)
    }

    /// The name lies in the reserved prefix and is not one the vendor's clients send.
    fn is_spoof(&self, name: &[u8]) -> bool {
        name.len() >= PREFIX.len()
            && name.iter().zip(PREFIX).all(|(byte, wanted)| normalised(*byte) == *wanted)
            && !(self.vendor_passes && VENDOR.contains(&name))
    }
}

/// A byte of a name as servers that speak CGI see it: in lower case, and `-` for every byte that is
/// no letter or digit. Most turn `-` alone into `_`, some `.` too, and some (lighttpd) every such byte.
/// Some server reads `name` as `wanted`.
fn is_spelling(name: &[u8], wanted: &[u8]) -> bool {
    name.len() == wanted.len()
        && name.iter().zip(wanted).all(|(byte, other)| normalised(*byte) == normalised(*other))
}

const fn normalised(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' }
}

const fn flag(flag: bool) -> HeaderText<'static> {
    HeaderText::Word(if flag { "true" } else { "false" })
}

fn encoded(value: &str) -> HeaderText<'_> {
    HeaderText::Own(visible(value))
}

/// Items with "," between them; a comma inside an item is encoded. No items: no header.
fn list(items: &[String]) -> Option<HeaderText<'_>> {
    (!items.is_empty()).then(|| HeaderText::Own(visible_list(items).into()))
}
