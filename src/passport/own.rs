//! Is a token one of our own passports? A passport is for the services behind, and never a credential.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

use super::{
    Passports,
    key::{JWT_TYP, TXN_TOKEN_TYP},
};

/// The member of a header that says what kind of token it is.
#[derive(Deserialize)]
struct Header {
    typ: Option<String>,
}

/// The claim that says who signed.
#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
}

impl Passports {
    /// Whether a token says that it is a passport, by its `typ` or its `iss`. Nothing is verified: a
    /// token that only pretends to be one is refused as well.
    #[must_use]
    pub fn is_own(&self, token: &str) -> bool {
        let mut parts = token.trim().split('.');
        let typ = parts.next().and_then(part::<Header>).and_then(|header| header.typ);
        let iss = parts.next().and_then(part::<Claims>).and_then(|claims| claims.iss);
        let is_typ = |typ: String| {
            let typ = typ.to_ascii_lowercase();
            let bare = typ.strip_prefix("application/").unwrap_or(&typ);
            bare == JWT_TYP || bare == TXN_TOKEN_TYP
        };
        typ.is_some_and(is_typ) || iss.is_some_and(|iss| iss == self.fixed.issuer)
    }
}

fn part<T: for<'de> Deserialize<'de>>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?).ok()
}
