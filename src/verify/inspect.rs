//! The steps of a verification, shown to people: nothing is fetched, waited for, cached or counted.
//!
//! In: a token and a time. Out: the unverified facts of the token, and each issuer's answer. The
//! steps are the verifier's own; where the key is not in memory, the claims are judged anyway.

use std::time::SystemTime;

use super::{
    choice::ChosenIssuer,
    claims::profile::marks,
    faults::UnreadableToken,
    issuer::Issuer,
    key_ring::{KeyRing, KeyStoreId},
    signature::{check_at_once, record_no_key},
    token::{self, Token, Typ},
    unix_time::unix_seconds,
    verifier::Verifier,
};
use crate::model::{DenialClass, DenyReason, IdentityFacts, Step, StepRecorder};

/// The result of an inspection.
#[derive(Debug)]
pub struct Inspection {
    /// The facts that the token states, none of them verified; or why it cannot be read.
    pub token: Result<TokenFacts, UnreadableToken>,
    /// One finding for each issuer, in the order of the configuration; none where the token cannot
    /// be read.
    pub issuers: Vec<IssuerFinding>,
    /// The index of the issuer that the token's `iss` names.
    pub picked: Option<usize>,
}

/// The facts that a token states. Nothing of them is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFacts {
    /// Header: the algorithm.
    pub alg: String,
    /// Header: the key's name.
    pub kid: Option<String>,
    /// Header: `at+jwt`, or nothing more than `JWT`.
    pub typ: Option<&'static str>,
    /// The issuer (`iss`).
    pub iss: String,
    /// The subject (`sub`).
    pub sub: Option<String>,
    /// The audiences (`aud`).
    pub aud: Vec<String>,
    /// Its end (`exp`), Unix seconds.
    pub exp: Option<u64>,
    /// Its beginning (`nbf`), Unix seconds.
    pub nbf: Option<u64>,
    /// The time of issue (`iat`), Unix seconds.
    pub iat: Option<u64>,
    /// The claims that distinguish one profile of token from another, some with their value.
    pub marks: Vec<(&'static str, Option<String>)>,
}

/// One issuer's answer.
#[derive(Debug)]
pub struct IssuerFinding {
    /// The configured name.
    pub name: String,
    /// The `iss` of its tokens; of an issuer with tenants, that of the token if it is one of them.
    pub iss: String,
    /// The store of the keys for the `iss` of the token, where that is the issuer's.
    pub store: Option<KeyStoreId>,
    /// Its answer.
    pub answer: IssuerAnswer,
    /// The finding about the signature.
    pub signature: SignatureFinding,
    /// The claims that the claim map names and the token does not have, as they are written, each
    /// with the part of the identity that it is for. None of an issuer that is not picked.
    pub absent: Vec<(&'static str, String)>,
}

/// Whether the issuers were asked for their keys just before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeysAsked {
    /// They were not: a key that is not in memory may be at the issuer.
    No,
    /// They were: a key that is not in memory is not at the issuer.
    Yes,
}

/// The facts that a token states, without any issuer to judge them by. `max_bytes` is the longest
/// token that is read.
///
/// # Errors
///
/// The faults of a token that cannot be read.
pub fn read_facts(token: &[u8], max_bytes: usize) -> Result<TokenFacts, UnreadableToken> {
    if token.len() > max_bytes {
        return Err(UnreadableToken::too_long(token.len(), max_bytes));
    }
    let mut scratch = Vec::new();
    match token::parse(token, &mut scratch) {
        Ok(parsed) => Ok(TokenFacts::of(&parsed)),
        Err(reason) => Err(UnreadableToken::of(token, reason)),
    }
}

/// Whether an issuer would take a token.
#[derive(Debug)]
pub enum IssuerAnswer {
    /// The token is good and states these facts.
    Taken(Box<IdentityFacts>),
    /// The token is refused for this reason.
    Refused(DenyReason),
    /// The token is good if its signature is, and states these facts.
    IfSigned(Box<IdentityFacts>),
    /// It cannot be decided here for this reason, which is not about the signature.
    Undecided(DenyReason),
}

/// The finding about a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureFinding {
    /// The signature is the issuer's.
    Good,
    /// The signature is not the issuer's.
    Bad,
    /// No key of the issuer is in memory.
    NoKeys,
    /// Keys are in memory, but none of this name and algorithm.
    NoSuchKey,
    /// The token was refused before its signature was checked.
    NotReached,
}

impl Verifier {
    /// Inspects a token as of this time, with the keys that are in memory.
    #[must_use]
    pub fn inspect(&self, token: &[u8], now: SystemTime, asked: KeysAsked) -> Inspection {
        let unreadable =
            |fault| Inspection { token: Err(fault), issuers: Vec::new(), picked: None };
        if self.check_length(token).is_err() {
            return unreadable(UnreadableToken::too_long(token.len(), self.max_token_bytes));
        }
        let mut scratch = Vec::new();
        let raw = token;
        let token = match token::parse(raw, &mut scratch) {
            Ok(token) => token,
            Err(reason) => return unreadable(UnreadableToken::of(raw, reason)),
        };
        let chosen = self.issuers.choose(&token).ok();
        let picked = chosen.map(|chosen| chosen.index.issuer.place());
        let issuers = self.issuers().iter().enumerate().map(|(index, issuer)| {
            let mut steps = Vec::new();
            let mut places = self.issuers.places_of(token.claims.iss.as_ref()).iter();
            let own = places.find(|own| own.issuer.place() == index);
            let own = own.and_then(|own| self.issuers.ring_at(*own));
            let answer = match (own, chosen) {
                (Some(_), Some(ChosenIssuer { ambiguous: true, .. })) => {
                    IssuerAnswer::Refused(DenyReason::TokenKindAmbiguous)
                }
                (Some((issuer, ring)), _) => {
                    issuer.inspect(&token, ring, (unix_seconds(now), asked), &mut steps)
                }
                (None, _) => IssuerAnswer::Refused(DenyReason::IssuerUntrusted),
            };
            let is_picked = picked == Some(index);
            IssuerFinding {
                name: issuer.name().to_owned(),
                iss: own.map_or(&issuer.settings().iss, |(_, ring)| &ring.iss).clone(),
                store: own.map(|(_, ring)| KeyStoreId::of(&ring.keys)),
                answer,
                signature: SignatureFinding::of(&steps),
                absent: if is_picked { issuer.absent_claims(&token) } else { Vec::new() },
            }
        });
        Inspection { issuers: issuers.collect(), picked, token: Ok(TokenFacts::of(&token)) }
    }
}

impl Issuer {
    /// The steps of [`Issuer::verify`], without waiting for a key. They are recorded as those are.
    fn inspect(
        &self,
        token: &Token<'_>,
        ring: &KeyRing,
        (now, asked): (u64, KeysAsked),
        record: &mut impl StepRecorder,
    ) -> IssuerAnswer {
        record.detail(|| Step::IssuerChosen(self.shared_name()));
        let algorithm = match self.algorithm(token) {
            Ok(algorithm) => algorithm,
            Err(reason) => return IssuerAnswer::Refused(reason),
        };
        let no_key = match ring.keys.find_in_memory(token.kid.as_deref(), algorithm) {
            Ok(keys) => match check_at_once(token, algorithm, &keys, ring, record) {
                Ok(_) => None,
                Err(reason) => return IssuerAnswer::Refused(reason),
            },
            Err(denial) => {
                record_no_key(token, &denial, ring, record);
                // The issuer has no other keys: nothing would be fetched. Nor would it be where there
                // are too many.
                if !ring.keys.fetches || denial.reason() == DenyReason::KidMissing {
                    return IssuerAnswer::Refused(denial.reason());
                }
                Some(denial.reason())
            }
        };
        match (self.claims(token, ring, now, record), no_key, asked) {
            (Ok((facts, _)), None, _) => IssuerAnswer::Taken(facts.into()),
            (Ok((facts, _)), Some(_), KeysAsked::No) => IssuerAnswer::IfSigned(facts.into()),
            (Ok(_), Some(reason), KeysAsked::Yes) => IssuerAnswer::denied(reason),
            (Err(denial), ..) => IssuerAnswer::denied(denial.reason()),
        }
    }
}

impl IssuerAnswer {
    /// The answer by the class of a denial: whether the token is bad, or cannot be judged now.
    const fn denied(reason: DenyReason) -> Self {
        match reason.class() {
            DenialClass::Pending | DenialClass::Unavailable => Self::Undecided(reason),
            DenialClass::Anonymous
            | DenialClass::BadCredential
            | DenialClass::Conflict
            | DenialClass::BadRequest
            | DenialClass::Forbidden
            | DenialClass::StepUp => Self::Refused(reason),
        }
    }
}

impl SignatureFinding {
    /// The finding in the recorded steps.
    fn of(steps: &[Step]) -> Self {
        let known = steps.iter().find_map(|step| match step {
            Step::SignatureChecked { good: true, .. } => Some(Self::Good),
            Step::SignatureChecked { good: false, .. } => Some(Self::Bad),
            Step::KeyAbsent { others_known: true, .. } => Some(Self::NoSuchKey),
            Step::KeyAbsent { others_known: false, .. } => Some(Self::NoKeys),
            Step::RuleSkipped { .. }
            | Step::RuleChosen(_)
            | Step::Preflight
            | Step::CredentialNotWanted
            | Step::CredentialAbsent
            | Step::CredentialFound(_)
            | Step::ExpiredCookieIgnored
            | Step::ClaimsCached
            | Step::RefusalCached(_)
            | Step::IssuerChosen(_)
            | Step::ClaimsJudged(_)
            | Step::Identified { .. }
            | Step::Decided(_)
            | Step::ProfileAsked(_)
            | Step::HeadersMade { .. } => None,
        });
        known.unwrap_or(Self::NotReached)
    }
}

impl TokenFacts {
    fn of(token: &Token<'_>) -> Self {
        let claims = &token.claims;
        Self {
            alg: token.alg.to_string(),
            kid: token.kid.as_deref().map(str::to_owned),
            typ: match token.typ {
                Typ::Plain => None,
                Typ::Access => Some("at+jwt"),
                Typ::SecurityEvent => Some("secevent+jwt"),
                Typ::Logout => Some("logout+jwt"),
            },
            iss: claims.iss.to_string(),
            sub: claims.sub.as_deref().map(str::to_owned),
            aud: claims.aud.iter().map(|aud| aud.to_string()).collect(),
            exp: claims.exp,
            nbf: claims.nbf,
            iat: claims.iat,
            marks: marks(&claims.other),
        }
    }
}
