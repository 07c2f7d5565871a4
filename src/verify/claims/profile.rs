//! The profile of a token: access, refresh, ID and other tokens of one issuer carry the same keys
//! and often the same claims, and none may stand in for another (RFC 8725 section 3.12).
//!
//! In: a token. Out: whether it is one of a profile, or the claims that tell profiles apart.

use crate::verify::{
    json::{Json, Object},
    token::{Claims, Token, Typ},
};

/// Rownd's word for the profile of a token; only this claim tells its refresh tokens apart.
const JWT_TYPE: &str = "https://auth.rownd.io/jwt_type";
// The nonce and the hashes that only an ID token has (OpenID Connect Core sections 2, 3.3.2.11).
const NONCE: &str = "nonce";
pub(in crate::verify) const AT_HASH: &str = "at_hash";
pub(in crate::verify) const C_HASH: &str = "c_hash";
pub(in crate::verify) const S_HASH: &str = "s_hash";
// The claims that only a token for calling a service has (RFC 9068 section 2.2, RFC 8693
// section 4).
pub(in crate::verify) const SCOPE: &str = "scope";
pub(in crate::verify) const SCP: &str = "scp";
pub(in crate::verify) const CLIENT_ID: &str = "client_id";

/// The claims that name the client of a token.
const CLIENTS: [&str; 4] = [CLIENT_ID, "azp", "cid", "appid"];

/// The claims that distinguish profiles and whose value may be shown.
const SHOWN_MARKS: [&str; 9] =
    [JWT_TYPE, "stt", "token_use", "typ", "azp", CLIENT_ID, "cid", "appid", "sts"];
/// The claims that distinguish profiles and of which only the presence is shown.
const PRESENT_MARKS: [&str; 9] =
    ["sessionHandle", "events", "jwt_type", NONCE, AT_HASH, C_HASH, S_HASH, SCOPE, SCP];

/// The claims of a token that distinguish profiles, some with their value.
pub(in crate::verify) fn marks(claims: &Object<'_>) -> Vec<(&'static str, Option<String>)> {
    let shown = SHOWN_MARKS.iter().filter_map(|name| {
        let value = claims.get(name)?;
        let word = value.text().map(str::to_owned);
        Some((*name, word.or_else(|| value.unsigned().map(|number| number.to_string()))))
    });
    let present =
        PRESENT_MARKS.iter().filter(|name| claims.contains(name)).map(|name| (*name, None));
    shown.chain(present).collect()
}

/// Rownd's own mark does not say that it is another token than an access token.
pub(in crate::verify) fn may_be_rownd_access(claims: &Object<'_>) -> bool {
    matches!(claims.get(JWT_TYPE).map(Json::text), None | Some(Some("access_token")))
}

/// The marks of one kind of token by the standards. Every mark that a token has is judged, so
/// that none alone decides, and a mark of another kind is never overruled by one of this kind.
#[derive(Debug, Clone, Copy)]
pub(in crate::verify) struct KindMarks {
    /// The header may say `at+jwt`: an access token by RFC 9068.
    pub(in crate::verify) may_be_at_jwt: bool,
    /// The claim `typ`.
    pub(in crate::verify) typ: Words,
    /// The claim `token_use`.
    pub(in crate::verify) token_use: Words,
    /// The claims that only tokens of another kind have. Even `null` is there.
    pub(in crate::verify) foreign: &'static [&'static str],
    /// Of each of these groups a token has at least one claim.
    pub(in crate::verify) needed: &'static [&'static [&'static str]],
    /// The client in `azp`.
    pub(in crate::verify) azp: AzpRule,
    /// A mark that no name of a claim can say.
    pub(in crate::verify) further: fn(&Claims<'_>) -> bool,
    /// The token is that of a machine, which got it by credentials of its own and cannot sign in.
    /// Nothing is allowed or denied by that: it decides how a denial is told.
    pub(in crate::verify) is_machine: fn(&Claims<'_>) -> bool,
}

/// The words that a claim may have, in any case.
#[derive(Debug, Clone, Copy)]
pub(in crate::verify) enum Words {
    /// One of them, where the claim is there.
    IfPresent(&'static [&'static str]),
    /// One of them. The claim has to be there.
    Needed(&'static [&'static str]),
}

/// Which client may stand in `azp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::verify) enum AzpRule {
    /// Any: of an access token, `aud` names the service, and any client may call it.
    Any,
    /// One of ours, where `aud` has several names (OpenID Connect Core section 3.1.3.7).
    OursAmongSeveralAudiences,
    /// One of ours, wherever `azp` is there. It has to be there where `aud` has several names.
    OursWherePresent,
}

impl KindMarks {
    /// Access tokens by the standards.
    pub(in crate::verify) const ACCESS: Self = Self {
        may_be_at_jwt: true,
        typ: Words::IfPresent(&["bearer", "jwt", "at+jwt", "access", "access_token"]),
        token_use: Words::IfPresent(&["access"]),
        // `events` is a security event or a logout token (RFC 8417, OpenID Connect Back-Channel
        // Logout).
        foreign: &["events", NONCE, AT_HASH, C_HASH, S_HASH],
        needed: &[],
        azp: AzpRule::Any,
        further: |_| true,
        is_machine: subject_is_client,
    };
    /// ID tokens by the standards.
    pub(in crate::verify) const ID: Self = Self {
        may_be_at_jwt: false,
        typ: Words::IfPresent(&["id", "id_token", "jwt"]),
        token_use: Words::IfPresent(&["id"]),
        foreign: &["events", SCOPE, SCP, CLIENT_ID],
        needed: &[],
        azp: AzpRule::OursAmongSeveralAudiences,
        further: |_| true,
        is_machine: subject_is_client,
    };

    /// The token is of this kind, by all its marks.
    pub(in crate::verify) fn fit(&self, token: &Token<'_>) -> bool {
        let claims = &token.claims.other;
        let has_one =
            |group: &&[&str]| group.iter().any(|name| claims.get(name).is_some_and(says_something));
        let header_fits = match token.typ {
            Typ::Plain => true,
            Typ::Access => self.may_be_at_jwt,
            Typ::SecurityEvent | Typ::Logout => false,
        };
        header_fits
            && self.typ.fit(claims.get("typ"))
            && self.token_use.fit(claims.get("token_use"))
            && !self.foreign.iter().any(|name| claims.contains(name))
            && self.needed.iter().all(has_one)
            && (self.further)(&token.claims)
    }
}

/// The subject is the client itself (RFC 9068 section 2.2), by any of the names that claims have for
/// a client.
pub(in crate::verify) fn subject_is_client(claims: &Claims<'_>) -> bool {
    let subject = claims.sub.as_deref().filter(|subject| !subject.is_empty());
    let client = |name: &&str| claims.other.get(name).and_then(Json::text);
    subject.is_some() && CLIENTS.iter().map(client).any(|client| client == subject)
}

/// Neither `null` nor an empty text or list.
fn says_something(value: &Json<'_>) -> bool {
    *value != Json::Null
        && value.text().is_none_or(|text| !text.is_empty())
        && value.list().is_none_or(|list| !list.is_empty())
}

impl Words {
    fn fit(self, claim: Option<&Json<'_>>) -> bool {
        match (self, claim) {
            (Self::IfPresent(_), None) => true,
            (Self::Needed(_), None) => false,
            (Self::IfPresent(words) | Self::Needed(words), Some(value)) => value
                .text()
                .is_some_and(|said| words.iter().any(|word| said.eq_ignore_ascii_case(word))),
        }
    }
}
