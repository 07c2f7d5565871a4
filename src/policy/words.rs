//! Words in expressions that the place beside them never has: a level that is misspelt, the name of an
//! issuer that is not there, a method in lower case.
//!
//! In: a condition. Out: a warning, with the words that there are.

use super::matching::canonical_host;
use crate::{
    config::{Config, Issuer, RequirementLeaf, Scalar, ValueTest},
    expression::{IdentityPlace, Place, ProfilePlace, RequestPlace},
    model::{AuthLevel, Warning},
};

/// The warning about the first such word of an expression.
pub(super) fn unknown(config: &Config, place: &str, leaf: &RequirementLeaf) -> Option<Warning> {
    let RequirementLeaf::Cel(expression) = leaf else { return None };
    let texts = expression.compared_texts();
    texts.into_iter().find_map(|(compared, text, differs)| {
        let instead = instead(config, compared, text)?;
        let code = if differs { "condition_always_met" } else { "condition_never_met" };
        let read = compared.written();
        let text: String = text.chars().take(64).collect();
        let message = format!("`{read}` is compared with `{text}`, which it never is; {instead}");
        Some(Warning::of(code, place, message))
    })
}

/// Why a test of a claim that every token has in a known form is never passed: another `iss` than those
/// of the issuers that can reach it, or a text where a time stands. `None`: it may be passed.
pub(super) fn never_a_claim(
    issuers: &[&Issuer],
    claim: &str,
    tests: &[ValueTest],
) -> Option<String> {
    let words = tests.iter().find_map(|test| match test {
        ValueTest::OneOf(words) => Some(words),
        ValueTest::Matches(_)
        | ValueTest::Contains(_)
        | ValueTest::Exists(_)
        | ValueTest::Above(_)
        | ValueTest::Below(_) => None,
    })?;
    match claim {
        "iss" if issuers.iter().all(|issuer| issuer.tenants.is_empty()) => {
            let known: Vec<&str> = issuers.iter().map(|issuer| issuer.iss.as_str()).collect();
            let is_known = |word: &Scalar| matches!(word, Scalar::Text(text) if known.contains(&text.as_str()));
            (!words.iter().any(is_known)).then(|| {
                format!("the `iss` of the issuers that can reach it is: {}", known.join(", "))
            })
        }
        "exp" | "nbf" | "iat" => {
            words.iter().all(|word| !matches!(word, Scalar::Number(_))).then(|| {
                format!("`{claim}` is a number, the seconds since 1970; write one without quotes")
            })
        }
        _ => None,
    }
}

/// The words to write in place of one that the place never has.
fn instead(config: &Config, place: &Place, text: &str) -> Option<String> {
    let one_of = |known: &[&str]| {
        (!known.contains(&text)).then(|| format!("write one of: {}", known.join(", ")))
    };
    match place {
        Place::Identity(IdentityPlace::AuthLevel) | Place::Profile(ProfilePlace::AuthLevel) => {
            one_of(&AuthLevel::ALL.map(AuthLevel::as_str))
        }
        Place::Identity(IdentityPlace::Issuer) => {
            let names: Vec<&str> = config.issuers.iter().map(|i| i.name.as_str()).collect();
            one_of(&names)
        }
        Place::Request(RequestPlace::Scheme) => one_of(&["http", "https"]),
        Place::Request(RequestPlace::Method) => {
            let upper = text.to_ascii_uppercase();
            (upper != text).then(|| format!("methods are in upper case, so write {upper}"))
        }
        Place::Request(RequestPlace::Host) => host(text),
        Place::Request(RequestPlace::Path) => path(text),
        Place::Header(_)
        | Place::Query(_)
        | Place::Claim(_)
        | Place::Path(_)
        | Place::Identity(
            IdentityPlace::UserId
            | IdentityPlace::Anonymous
            | IdentityPlace::Verified
            | IdentityPlace::AppId
            | IdentityPlace::AppVariant
            | IdentityPlace::Tenant
            | IdentityPlace::SessionId
            | IdentityPlace::TokenId
            | IdentityPlace::IssuedAt
            | IdentityPlace::Roles
            | IdentityPlace::Permissions
            | IdentityPlace::Groups
            | IdentityPlace::Scopes,
        )
        | Place::Profile(
            ProfilePlace::UserId
            | ProfilePlace::State
            | ProfilePlace::Data
            | ProfilePlace::VerifiedData
            | ProfilePlace::Attributes
            | ProfilePlace::Groups
            | ProfilePlace::Meta,
        ) => None,
    }
}

/// A host is in lower case, without scheme, port and path.
fn host(text: &str) -> Option<String> {
    const FORM: &str = "hosts are in lower case, without scheme, port and path";
    let (_, bare) = text.split_once("://").unwrap_or(("", text));
    let bare = bare.split('/').next().filter(|bare| !bare.is_empty())?;
    match canonical_host(bare.as_bytes()) {
        Some(name) if *name == *text.as_bytes() => None,
        Some(name) => Some(format!("{FORM}, so write {}", String::from_utf8_lossy(&name))),
        None => Some(FORM.to_owned()),
    }
}

/// A path begins with a slash, and has no query.
fn path(text: &str) -> Option<String> {
    if text == "*" {
        return None;
    }
    if text.contains('?') {
        return Some("the query is no part of the path; ask request.query for it".to_owned());
    }
    (!text.starts_with('/')).then(|| "paths begin with a slash".to_owned())
}
