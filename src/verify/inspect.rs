//! What would become of a token, step by step, for people: nothing is fetched, waited for, cached
//! or counted.
//!
//! In: a token and a time. Out: what it says of itself, and each issuer's answer. The steps are
//! the verifier's own; where the key is not at hand, the claims are judged all the same.

use std::time::SystemTime;

use super::{
    Issuer, Verifier,
    claims::profile::marks,
    token::{self, Token, Typ},
    unix_seconds,
};
use crate::model::{DenialClass, DenyReason, IdentityFacts, Step, StepRecorder};

/// What was found out about a token.
#[derive(Debug)]
pub struct Inspection {
    /// What it says of itself; none of it is verified. Or why it is not read at all.
    pub token: Result<TokenFacts, DenyReason>,
    /// One for each issuer, in the order of the configuration; none where the token is not read.
    pub issuers: Vec<Finding>,
    /// Which of them the token's `iss` picked.
    pub picked: Option<usize>,
}

/// What a token says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFacts {
    /// Header: the algorithm.
    pub alg: String,
    /// Header: the key's name.
    pub kid: Option<String>,
    /// Header: `at+jwt`, or nothing more than `JWT`.
    pub typ: Option<&'static str>,
    /// Who issued it.
    pub iss: String,
    /// Whom it is about.
    pub sub: Option<String>,
    /// For whom it is.
    pub aud: Vec<String>,
    /// Its end, Unix seconds.
    pub exp: Option<u64>,
    /// Its beginning.
    pub nbf: Option<u64>,
    /// When it was issued.
    pub iat: Option<u64>,
    /// The claims by which kinds of token are told apart, some with what they say.
    pub marks: Vec<(&'static str, Option<String>)>,
}

/// One issuer's answer.
#[derive(Debug)]
pub struct Finding {
    /// The configured name.
    pub name: String,
    /// The `iss` of its tokens.
    pub iss: String,
    /// Yes, no, or neither.
    pub answer: Answer,
    /// What is known of the signature.
    pub signature: Signature,
}

/// Whether an issuer would take a token.
#[derive(Debug)]
pub enum Answer {
    /// Yes, and this is what it states.
    Taken(Box<IdentityFacts>),
    /// No.
    Refused(DenyReason),
    /// Yes if the signature is good, and this is what it states.
    IfSigned(Box<IdentityFacts>),
    /// Something else than the signature cannot be judged here.
    Undecided(DenyReason),
}

/// What is known of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signature {
    /// It is the issuer's.
    Good,
    /// It is not.
    Bad,
    /// There is no key of the issuer here.
    NoKeys,
    /// There are some, but none of this name and algorithm.
    NoSuchKey,
    /// It did not come to that.
    NotReached,
}

impl Verifier {
    /// What would become of this token at this time, with the keys that are here.
    #[must_use]
    pub fn inspect(&self, token: &[u8], now: SystemTime) -> Inspection {
        let mut scratch = Vec::new();
        let parsed = self.fits(token).and_then(|()| token::parse(token, &mut scratch));
        let token = match parsed {
            Ok(token) => token,
            Err(reason) => {
                return Inspection { token: Err(reason), issuers: Vec::new(), picked: None };
            }
        };
        let picked = self.picked(&token).ok().map(|(index, _)| index);
        let issuers = self.issuers.iter().enumerate().map(|(index, issuer)| {
            let mut steps = Vec::new();
            let answer = if picked == Some(index) {
                issuer.inspect(&token, unix_seconds(now), &mut steps)
            } else {
                Answer::Refused(DenyReason::IssuerUntrusted)
            };
            let signature = Signature::of(&steps);
            Finding { name: issuer.name().to_owned(), iss: issuer.iss.clone(), answer, signature }
        });
        Inspection { issuers: issuers.collect(), picked, token: Ok(TokenFacts::of(&token)) }
    }
}

impl Issuer {
    /// The steps of [`Issuer::verify`], without waiting for a key. They are recorded as those are.
    fn inspect(&self, token: &Token<'_>, now: u64, record: &mut impl StepRecorder) -> Answer {
        record.detail(|| Step::IssuerChosen(self.shared_name()));
        let algorithm = match self.algorithm(token) {
            Ok(algorithm) => algorithm,
            Err(reason) => return Answer::Refused(reason),
        };
        let signed = match self.keys.at_hand(token.kid.as_deref(), algorithm) {
            Ok(key) => match self.signed(token, &key, record) {
                Ok(_) => true,
                Err(reason) => return Answer::Refused(reason),
            },
            Err(denial) => {
                self.record_no_key(token, record);
                // There are no others: none would be fetched.
                if !self.keys.fetches {
                    return Answer::Refused(denial.reason());
                }
                false
            }
        };
        match self.claims(token, now, record) {
            Ok((facts, _)) if signed => Answer::Taken(facts.into()),
            Ok((facts, _)) => Answer::IfSigned(facts.into()),
            Err(denial) => match denial.reason().class() {
                DenialClass::Pending | DenialClass::Unavailable => {
                    Answer::Undecided(denial.reason())
                }
                DenialClass::Anonymous
                | DenialClass::BadCredential
                | DenialClass::Conflict
                | DenialClass::BadRequest
                | DenialClass::Forbidden
                | DenialClass::StepUp => Answer::Refused(denial.reason()),
            },
        }
    }
}

impl Signature {
    /// What the recorded steps say of the signature.
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
