//! Single claims, read strictly: a claim of the wrong JSON type is an error, never an absent one.
//!
//! In: the claims of a token. Out: texts, flags, audiences and ids, or the reason of a denial.

use crate::{
    model::DenyReason,
    verify::{
        json::{Json, Object},
        token::Claims,
    },
};

/// An audience that begins so names an app.
pub(in crate::verify) const APP: &str = "app:";
/// An audience that begins so names an app variant.
const VARIANT: &str = "app_variant:";

/// One app whose tokens are taken. `id` is `None` until it is known.
#[derive(Debug, Clone, Copy)]
pub(in crate::verify) struct AcceptedApp<'a> {
    pub(in crate::verify) id: Option<&'a str>,
    pub(in crate::verify) variants: &'a [String],
}

/// The app variant that an audience names, if it is one that the app allows.
pub(in crate::verify) fn app_variant(
    claims: &Claims<'_>,
    allowed: &[String],
) -> Result<Option<String>, DenyReason> {
    let mut found = claims.aud.iter().filter_map(|aud| aud.strip_prefix(VARIANT));
    let variant = found.next();
    if found.next().is_some() {
        return Err(DenyReason::ClaimsInvalid);
    }
    match variant {
        Some(variant) if !allowed.is_empty() && !allowed.iter().any(|known| known == variant) => {
            Err(DenyReason::VariantRefused)
        }
        variant => Ok(variant.map(str::to_owned)),
    }
}

/// A user id: any text that a customer may have chosen, except one that could be mistaken for
/// another.
pub(in crate::verify) fn user_id(id: &str) -> Result<String, DenyReason> {
    let ambiguous = id.is_empty()
        || id.trim() != id
        || id.chars().any(char::is_control)
        || matches!(id, "." | "..");
    if ambiguous { Err(DenyReason::ClaimsInvalid) } else { Ok(id.to_owned()) }
}

/// A claim that is text; absent and `null` are `None`.
pub(in crate::verify) fn optional_text<'a>(
    claims: &'a Object<'_>,
    name: &str,
) -> Result<Option<&'a str>, DenyReason> {
    match claims.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(value) => value.text().map(Some).ok_or(DenyReason::ClaimsInvalid),
    }
}

/// A claim that is true or false; an absent one is false.
pub(in crate::verify) fn flag(claims: &Object<'_>, name: &str) -> Result<bool, DenyReason> {
    match claims.get(name) {
        None => Ok(false),
        Some(value) => value.boolean().ok_or(DenyReason::ClaimsInvalid),
    }
}
