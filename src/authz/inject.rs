//! The headers that the service behind may trust: every spelling of the reserved prefix is removed,
//! then our own are set. A header without a value is removed, so no value is ever a client's.

use std::{borrow::Cow, sync::Arc};

use super::{
    edits::{IdentityHeaders, ListHeader, RequestEdits},
    outputs::Told,
    spelling::OwnedNames,
};
use crate::{
    config::{IdentityHeaders as Settings, OnTooLarge, TooLarge, VendorHeaders},
    model::{
        Denial, DenyReason, NameValue, QueryEdits, RequestContext, SharedText, is_spelling,
        spelled, visible, visible_list,
    },
    policy::Permit,
    verify::Identity,
};

/// The reserved prefix, as every spelling of it normalises.
const PREFIX: &[u8] = b"x-rownd-";
/// The vendor's own request headers. Never identity.
pub(super) const VENDOR: [&[u8]; 4] =
    [b"x-rownd-app-key", b"x-rownd-app-secret", b"x-rownd-filename", b"x-rownd-magic-allow-exp"];
/// An identity header: its name, and how its value is read off an identity.
pub(super) struct Field {
    pub(super) name: &'static str,
    read: fn(&Identity) -> Option<HeaderText<'_>>,
    /// It holds a list.
    list: Option<ListHeader>,
}

impl Field {
    /// A header with one value.
    const fn one(name: &'static str, read: fn(&Identity) -> Option<HeaderText<'_>>) -> Self {
        Self { name, read, list: None }
    }

    /// The header of a list.
    const fn of_list(
        name: &'static str,
        list: ListHeader,
        read: fn(&Identity) -> Option<HeaderText<'_>>,
    ) -> Self {
        Self { name, read, list: Some(list) }
    }
}

/// A header's value: one of a few fixed words, or a text of the identity.
pub(super) enum HeaderText<'a> {
    Word(&'static str),
    Own(Cow<'a, str>),
}

pub(super) const FIELDS: [Field; 12] = [
    Field::one("x-rownd-user-id", |who| Some(encoded(&who.user_id))),
    Field::one("x-rownd-auth-level", |who| Some(HeaderText::Word(who.auth_level.as_str()))),
    Field::one("x-rownd-verified", |who| Some(flag(who.verified()))),
    Field::one("x-rownd-anonymous", |who| Some(flag(who.anonymous))),
    Field::one("x-rownd-app-id", |who| who.app_id.as_deref().map(encoded)),
    Field::one("x-rownd-app-variant", |who| who.app_variant.as_deref().map(encoded)),
    Field::one("x-rownd-issuer", |who| Some(HeaderText::Own(who.issuer.as_ref().into()))),
    Field::one("x-rownd-session-id", |who| who.session_id.as_deref().map(encoded)),
    Field::one("x-rownd-tenant", |who| who.tenant.as_deref().map(encoded)),
    Field::of_list("x-rownd-roles", ListHeader::Roles, |who| list(&who.roles)),
    Field::of_list("x-rownd-groups", ListHeader::Groups, |who| list(&who.groups)),
    Field::of_list("x-rownd-scopes", ListHeader::Scopes, |who| list(&who.scopes)),
];

impl HeaderText<'_> {
    fn as_str(&self) -> &str {
        match self {
            Self::Word(word) => word,
            Self::Own(text) => text,
        }
    }

    fn into_text(self) -> Cow<'static, str> {
        match self {
            Self::Word(word) => Cow::Borrowed(word),
            Self::Own(text) => Cow::Owned(text.into_owned()),
        }
    }
}

/// Regular expressions (RE2, lower-case names) of the headers that a proxy should remove from every
/// request before anything else sees it. Where the vendor's own headers pass, the identity headers
/// are named one by one, because RE2 has no look-ahead; else one expression is the whole prefix.
/// `configured` are the names of the headers that rules set.
#[must_use]
pub fn early_strip(settings: &Settings, configured: &[String]) -> Vec<String> {
    const SEPARATOR: &str = "[^a-z0-9]";
    let pattern = |name: &str| format!("^{}$", name.replace('-', SEPARATOR));
    let mut patterns: Vec<String> = match settings.vendor_headers {
        VendorHeaders::Pass => FIELDS.iter().map(|field| pattern(field.name)).collect(),
        VendorHeaders::Remove => vec![pattern("x-rownd-.*")],
    };
    patterns.extend(configured.iter().map(|name| pattern(name)));
    patterns
}

/// Sets and strips identity headers.
#[derive(Debug)]
pub(super) struct Injector {
    /// The headers of a caller without an identity: none, and all are removed.
    no_identity: Arc<IdentityHeaders>,
    max_value: usize,
    max_list: usize,
    max_total: usize,
    on_too_large: OnTooLarge,
    vendor_passes: bool,
    owned: OwnedNames,
}

impl Injector {
    pub(super) fn build(settings: &Settings) -> Self {
        let remove = FIELDS.iter().map(|field| field.name).collect();
        Self {
            no_identity: Arc::new(IdentityHeaders::new(Vec::new(), remove)),
            max_value: settings.max_value_bytes,
            // A list that was small enough while there was one limit for all still is.
            max_list: settings.max_list_bytes.max(settings.max_value_bytes),
            max_total: settings.max_total_bytes,
            on_too_large: settings.on_too_large,
            vendor_passes: matches!(settings.vendor_headers, VendorHeaders::Pass),
            owned: OwnedNames::default(),
        }
    }

    /// The same, which strips these headers as well; see [`Self::strip`].
    pub(super) fn stripping<'a>(mut self, headers: impl Iterator<Item = &'a str>) -> Self {
        self.strip(headers);
        self
    }

    /// From now on a client's own values of these headers are removed, in every spelling and on every
    /// route. Names in lower case.
    pub(super) fn strip(&mut self, headers: impl IntoIterator<Item = impl Into<String>>) {
        headers.into_iter().for_each(|name| self.owned.add(name.into()));
    }

    /// The changes to the request before it goes on. A permit without an identity sets no identity
    /// header and removes all. `headers` and `query` are what the rules and the steps after the permit
    /// add, and `told` what the rules remove.
    ///
    /// # Errors
    ///
    /// [`DenyReason::IdentityTooLarge`], if a value is above the limits and may not be left out;
    /// [`DenyReason::Internal`], if a step adds an identity header: those are the injector's own.
    pub(super) fn edits(
        &self,
        request: &RequestContext,
        permit: &Permit,
        headers: Vec<NameValue>,
        query: QueryEdits,
        told: Told,
    ) -> Result<RequestEdits, Denial> {
        let identity = match permit.identity() {
            None => self.no_identity.clone(),
            Some(who) => who.derived.get_or_make(|| self.headers(who))?,
        };
        let is_field = |name: &[u8]| {
            FIELDS.iter().any(|field| field.name.as_bytes().eq_ignore_ascii_case(name))
        };
        // A server may read any spelling of a name as the name itself.
        let reads_as_field = |name: &[u8]| {
            has_prefix(name) && FIELDS.iter().any(|field| is_spelling(name, field.name.as_bytes()))
        };
        // A name of another shape than all of these needs no closer look.
        let mut shapes = self.owned.shapes();
        for (name, _) in &headers {
            shapes.add(name.as_bytes());
            if reads_as_field(name.as_bytes()) {
                return Err(DenyReason::Internal.into());
            }
        }
        let is_set = |owned: &str| headers.iter().any(|(added, _)| *added == *owned);
        // Removed even if the proxy does not show them.
        let unset = self.owned.names().filter(|owned| !is_set(owned));
        let mut spoofed: Vec<SharedText> = unset.map(SharedText::from).collect();
        for (name, _) in request.headers.iter() {
            // Our own names are set or removed already, whatever their case: never both.
            let is_added = |name: &[u8]| {
                headers.iter().any(|(added, _)| added.as_bytes().eq_ignore_ascii_case(name))
            };
            let imitates = || {
                shapes.may_hold(name)
                    && (headers.iter().any(|(added, _)| is_spelling(name, added.as_bytes()))
                        || self.owned.are_imitated_by(name))
            };
            if (self.is_spoof(name) || imitates()) && !is_field(name) && !is_added(name) {
                let name = String::from_utf8_lossy(name);
                if !spoofed.iter().any(|known| *known == *name) {
                    spoofed.push(name.into_owned().into());
                }
            }
        }
        let mut remove = told.remove;
        remove.retain(|name| !spoofed.contains(name));
        Ok(RequestEdits { identity, spoofed, remove, headers, query })
    }

    /// The headers of an identity, and those that it has no value for.
    fn headers(&self, identity: &Identity) -> Result<IdentityHeaders, Denial> {
        let mut made = IdentityHeaders::new(Vec::with_capacity(FIELDS.len()), Vec::new());
        let (mut total, mut largest) = (0, ("", 0));
        // Headers that may be left out get the room that the others leave.
        let stays = FIELDS.iter().filter(|field| self.omits(field).is_none());
        for field in stays.chain(FIELDS.iter().filter(|field| self.omits(field).is_some())) {
            let name = field.name;
            // An empty value is none: a proxy may leave an empty header out, and what the client
            // sent in its place would stay.
            let value = (field.read)(identity).filter(|value| !value.as_str().is_empty());
            let Some(value) = value.map(HeaderText::into_text) else {
                made.remove.push(name);
                continue;
            };
            let length = value.len();
            let too_long =
                length > if field.list.is_some() { self.max_list } else { self.max_value };
            if length > largest.1 {
                largest = (name, length);
            }
            if too_long || total + length > self.max_total {
                let Some(list) = self.omits(field) else {
                    // Where the sum is too large, the largest of them is to blame.
                    let blamed = if too_long { name } else { largest.0 };
                    return Err(Denial::identity_too_large(blamed));
                };
                made.remove.push(name);
                made.omitted.push(list);
            } else {
                total += length;
                made.set.push((name, value));
            }
        }
        Ok(made)
    }

    /// The list of this header, if the settings leave it out where it is too large.
    const fn omits(&self, field: &Field) -> Option<ListHeader> {
        let Some(list) = field.list else { return None };
        let wanted = match list {
            ListHeader::Roles => self.on_too_large.roles,
            ListHeader::Groups => self.on_too_large.groups,
            ListHeader::Scopes => self.on_too_large.scopes,
        };
        match wanted {
            TooLarge::Omit => Some(list),
            TooLarge::Deny => None,
        }
    }

    /// The name lies in the reserved prefix and is not one the vendor's clients send.
    fn is_spoof(&self, name: &[u8]) -> bool {
        has_prefix(name) && !(self.vendor_passes && VENDOR.contains(&name))
    }
}

/// Some server reads the beginning of the name as the reserved prefix.
fn has_prefix(name: &[u8]) -> bool {
    name.len() >= PREFIX.len()
        && name.iter().zip(PREFIX).all(|(byte, wanted)| spelled(*byte) == *wanted)
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
