//! Is it the kind of token that is taken here? Access, refresh, ID and other tokens of one issuer
//! carry the same keys and often the same claims; none may stand in for another (RFC 8725
//! section 3.12).

use crate::{
    config::{Accepts, IssuerKind},
    model::DenyReason,
    verify::{
        json::{Json, Object},
        token::{Token, Typ},
    },
};

/// Rownd's word for the kind of a token; the one thing that tells its refresh tokens apart.
const JWT_TYPE: &str = "https://auth.rownd.io/jwt_type";
/// The hashes and the nonce that only an ID token has (OpenID Connect Core sections 2, 3.3.2.11).
const ID_MARKS: [&str; 4] = ["nonce", "at_hash", "c_hash", "s_hash"];
/// What only a token for calling a service has (RFC 9068 section 2.2, RFC 8693 section 4).
const ACCESS_MARKS: [&str; 3] = ["scope", "scp", "client_id"];

/// The claims by which kinds are told apart, those whose words may be shown first.
const WORDS: [&str; 5] = [JWT_TYPE, "stt", "token_use", "typ", "azp"];
const PRESENCE: [&str; 2] = ["sessionHandle", "events"];

/// What the token has of them: a word as it is, of the rest only that they are there.
pub(in crate::verify) fn marks(claims: &Object<'_>) -> Vec<(&'static str, Option<String>)> {
    let word = |value: &Json<'_>| match value {
        Json::Text(text) => Some(text.to_string()),
        Json::Unsigned(number) => Some(number.to_string()),
        _ => None,
    };
    let said = WORDS.iter().filter_map(|name| Some((*name, word(claims.get(name)?))));
    let there = PRESENCE.iter().chain(&ID_MARKS).chain(&ACCESS_MARKS);
    let there = there.filter(|name| claims.contains(name)).map(|name| (*name, None));
    said.chain(there).collect()
}

/// Refuses another kind of token than is taken.
pub(super) fn check(
    token: &Token<'_>,
    kind: IssuerKind,
    accepts: Accepts,
) -> Result<(), DenyReason> {
    let claims = &token.claims.other;
    let good = matches!(claims.get(JWT_TYPE).map(Json::text), None | Some(Some("access_token")))
        && match kind {
            // Their own claims may have any name, so no other is a mark.
            IssuerKind::Rownd => true,
            IssuerKind::Supertokens => is_session(claims),
            IssuerKind::Oidc | IssuerKind::Firebase | IssuerKind::Static => match accepts {
                Accepts::Access => is_access(claims),
                Accepts::Id => token.typ == Typ::Plain && is_id(claims),
            },
        };
    if good { Ok(()) } else { Err(DenyReason::TokenKindRefused) }
}

/// `stt` 1 is an OAuth2 token of SuperTokens, and a session names itself.
fn is_session(claims: &Object<'_>) -> bool {
    matches!(claims.get("stt"), None | Some(Json::Unsigned(0)))
        && claims.get("sessionHandle").and_then(Json::text).is_some_and(|text| !text.is_empty())
}

fn is_access(claims: &Object<'_>) -> bool {
    let words = ["bearer", "jwt", "at+jwt", "access", "access_token"];
    says(claims, "token_use", &["access"]) && says(claims, "typ", &words)
        // A security event or a logout token (RFC 8417, OpenID Connect Back-Channel Logout).
        && !claims.contains("events")
        && !ID_MARKS.iter().any(|mark| claims.contains(mark))
}

fn is_id(claims: &Object<'_>) -> bool {
    says(claims, "token_use", &["id"])
        && says(claims, "typ", &["id", "id_token", "jwt"])
        && !claims.contains("events")
        && !ACCESS_MARKS.iter().any(|mark| claims.contains(mark))
}

/// The claim is absent, or one of these words in any case.
fn says(claims: &Object<'_>, name: &str, words: &[&str]) -> bool {
    match claims.get(name) {
        None => true,
        Some(Json::Text(said)) => words.iter().any(|word| said.eq_ignore_ascii_case(word)),
        Some(_) => false,
    }
}
