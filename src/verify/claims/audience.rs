//! The service that a token was made for.
//!
//! In: the audiences of an issuer, and the claim that names the client where tokens have no `aud`;
//! then the claims of a token. Out: whether the token was made for this service.

use super::path::ClaimPath;
use crate::{
    config::AudienceClaim,
    model::DenyReason,
    verify::{
        json::{Json, Object},
        token::Claims,
    },
};

/// The claim of OpenID Connect Core section 2 that names the client a token was made for.
const AUTHORIZED_PARTY: &str = "azp";

/// The audiences of one issuer.
#[derive(Debug)]
pub(in crate::verify) struct Audience {
    /// A token must name one of them in `aud`; without any, a token must have no `aud`.
    listed: Vec<String>,
    client: Option<Client>,
}

/// The claim that names the client, and its values that are taken.
#[derive(Debug)]
struct Client {
    claim: ClaimPath,
    values: Vec<String>,
}

impl Audience {
    pub(in crate::verify) fn build(listed: &[String], client: Option<&AudienceClaim>) -> Self {
        let client = client.map(|client| Client {
            claim: ClaimPath::of_text(&client.claim),
            values: client.values.clone(),
        });
        Self { listed: listed.to_vec(), client }
    }

    /// No audience is configured at all.
    pub(in crate::verify) fn is_unchecked(&self) -> bool {
        self.listed.is_empty() && self.client.is_none()
    }

    /// The token was made for this service, by every setting that there is.
    pub(in crate::verify) fn check(&self, claims: &Claims<'_>) -> Result<(), DenyReason> {
        let by_aud = if self.listed.is_empty() && self.client.is_some() {
            // The claim stands in for `aud` only where a token names nobody in it.
            claims.aud.is_empty()
        } else {
            claims.aud.iter().any(|aud| is_one_of(aud, &self.listed))
        };
        if !by_aud {
            return Err(DenyReason::AudienceMismatch);
        }
        self.client.as_ref().map_or(Ok(()), |client| client.check(&claims.other))
    }

    /// The client in `azp` is one of ours.
    pub(in crate::verify) fn knows_party(&self, azp: &str) -> bool {
        let by_claim = self.client.as_ref().filter(|client| client.claim.is(AUTHORIZED_PARTY));
        is_one_of(azp, &self.listed)
            || by_claim.is_some_and(|client| is_one_of(azp, &client.values))
    }
}

impl Client {
    fn check(&self, claims: &Object<'_>) -> Result<(), DenyReason> {
        let value = self.claim.find(claims).ok_or(DenyReason::AudienceMismatch)?;
        let is_ours = match value.list() {
            None => is_one_of(text(value)?, &self.values),
            Some(items) => {
                let names: Result<Vec<&str>, DenyReason> = items.iter().map(text).collect();
                names?.iter().any(|name| is_one_of(name, &self.values))
            }
        };
        if is_ours { Ok(()) } else { Err(DenyReason::AudienceMismatch) }
    }
}

fn text<'a>(value: &'a Json<'_>) -> Result<&'a str, DenyReason> {
    value.text().ok_or(DenyReason::ClaimsInvalid)
}

fn is_one_of(name: &str, names: &[String]) -> bool {
    names.iter().any(|known| known == name)
}
