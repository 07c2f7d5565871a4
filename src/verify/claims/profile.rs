//! The profile of a token: access, refresh, ID and other tokens of one issuer carry the same keys
//! and often the same claims, and none may stand in for another (RFC 8725 section 3.12).
//!
//! In: a token. Out: whether it is one of a profile, or the claims that tell profiles apart.

use crate::{
    config::Accepts,
    verify::{
        json::{Json, Object},
        token::{Token, Typ},
    },
};

/// Rownd's word for the profile of a token; only this claim tells its refresh tokens apart.
const JWT_TYPE: &str = "https://auth.rownd.io/jwt_type";
/// The hashes and the nonce that only an ID token has (OpenID Connect Core sections 2, 3.3.2.11).
const ID_MARKS: [&str; 4] = ["nonce", "at_hash", "c_hash", "s_hash"];
/// The claims that only a token for calling a service has (RFC 9068 section 2.2, RFC 8693
/// section 4).
const ACCESS_MARKS: [&str; 3] = ["scope", "scp", "client_id"];

/// The claims that distinguish profiles and whose value may be shown.
const SHOWN_MARKS: [&str; 5] = [JWT_TYPE, "stt", "token_use", "typ", "azp"];
/// The claims that distinguish profiles and of which only the presence is shown.
const PRESENT_MARKS: [&str; 2] = ["sessionHandle", "events"];

/// The claims of a token that distinguish profiles, some with their value.
pub(in crate::verify) fn marks(claims: &Object<'_>) -> Vec<(&'static str, Option<String>)> {
    let shown = SHOWN_MARKS.iter().filter_map(|name| {
        let value = claims.get(name)?;
        let word = value.text().map(str::to_owned);
        Some((*name, word.or_else(|| value.unsigned().map(|number| number.to_string()))))
    });
    let present = PRESENT_MARKS.iter().chain(&ID_MARKS).chain(&ACCESS_MARKS);
    let present = present.filter(|name| claims.contains(name)).map(|name| (*name, None));
    shown.chain(present).collect()
}

/// Rownd's own mark does not say that it is another token than an access token.
pub(in crate::verify) fn may_be_rownd_access(claims: &Object<'_>) -> bool {
    matches!(claims.get(JWT_TYPE).map(Json::text), None | Some(Some("access_token")))
}

/// A token by the standards, of the profile that the issuer's settings ask for.
pub(in crate::verify) fn is_standard(token: &Token<'_>, accepts: Accepts) -> bool {
    let claims = &token.claims.other;
    match accepts {
        Accepts::Access => is_access(claims),
        Accepts::Id => token.typ == Typ::Plain && is_id(claims),
    }
}

fn is_access(claims: &Object<'_>) -> bool {
    let words = ["bearer", "jwt", "at+jwt", "access", "access_token"];
    is_absent_or_one_of(claims, "token_use", &["access"])
        && is_absent_or_one_of(claims, "typ", &words)
        // A security event or a logout token (RFC 8417, OpenID Connect Back-Channel Logout).
        && !claims.contains("events")
        && !ID_MARKS.iter().any(|mark| claims.contains(mark))
}

fn is_id(claims: &Object<'_>) -> bool {
    is_absent_or_one_of(claims, "token_use", &["id"])
        && is_absent_or_one_of(claims, "typ", &["id", "id_token", "jwt"])
        && !claims.contains("events")
        && !ACCESS_MARKS.iter().any(|mark| claims.contains(mark))
}

/// The claim is absent, or one of these words in any case.
fn is_absent_or_one_of(claims: &Object<'_>, name: &str, words: &[&str]) -> bool {
    claims.get(name).is_none_or(|value| {
        value.text().is_some_and(|said| words.iter().any(|word| said.eq_ignore_ascii_case(word)))
    })
}
