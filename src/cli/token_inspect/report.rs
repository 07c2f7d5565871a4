//! The answer of `token inspect` in words and as JSON.
//!
//! In: the verifier's findings. Out: text for a terminal, in which every text of the token is escaped,
//! or a JSON document. Neither holds the token or its signature.

use std::{
    fmt::Write as _,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use super::identity::{escaped, identity_json, identity_text, joined};
use crate::{
    app::{InspectedKeys, InspectedToken},
    config::{Config, Issuer, IssuerKind},
    model::{DenyReason, IdentityFacts},
    verify::{
        Inspection, IssuerAnswer, IssuerFinding, KeysAsked, SignatureFinding, TokenFacts,
        UnreadableToken,
    },
};

/// The parts of a judgement that need a configuration.
const NOT_JUDGED: [&str; 6] =
    ["issuer", "signature", "audience", "times", "kind of token", "identity"];

/// The result in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenVerdict {
    Taken,
    Refused,
    Undecided,
}

impl TokenVerdict {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Refused => "refused",
            Self::Undecided => "undecided",
        }
    }

    const fn of(answer: &IssuerAnswer) -> Self {
        match answer {
            IssuerAnswer::Taken(_) => Self::Taken,
            IssuerAnswer::Refused(_) => Self::Refused,
            IssuerAnswer::IfSigned(_) | IssuerAnswer::Undecided(_) => Self::Undecided,
        }
    }
}

/// An inspection with the settings and the time that it was made by.
pub(super) struct Report {
    inspected: InspectedToken,
    /// The settings of the issuers; `None` if there is no configuration to judge by.
    issuers: Option<Vec<Issuer>>,
    at: SystemTime,
}

impl Report {
    pub(super) fn new(config: &Config, inspected: InspectedToken, at: SystemTime) -> Self {
        Self { inspected, issuers: Some(config.issuers.clone()), at }
    }

    /// Of a token that no issuer has judged.
    pub(super) fn without_configuration(
        token: Result<TokenFacts, UnreadableToken>,
        at: SystemTime,
    ) -> Self {
        let inspection = Inspection { token, issuers: Vec::new(), picked: None };
        let inspected = InspectedToken { inspection, asked: KeysAsked::No, keys: Vec::new() };
        Self { inspected, issuers: None, at }
    }

    /// The finding that decides: of the issuer that the token's `iss` picked.
    fn picked(&self) -> Option<&IssuerFinding> {
        let inspection = &self.inspected.inspection;
        inspection.picked.and_then(|index| inspection.issuers.get(index))
    }

    /// The result that a server would come to, as far as it can be known.
    pub(super) fn verdict(&self) -> TokenVerdict {
        match (&self.inspected.inspection.token, &self.issuers, self.picked()) {
            (Ok(_), None, _) => TokenVerdict::Undecided,
            (Ok(_), Some(_), Some(finding)) => TokenVerdict::of(&finding.answer),
            (Ok(_), Some(_), None) | (Err(_), ..) => TokenVerdict::Refused,
        }
    }

    /// The parts of a judgement that were left out.
    fn not_judged(&self) -> &'static [&'static str] {
        let is_left_out = self.issuers.is_none() && self.inspected.inspection.token.is_ok();
        if is_left_out { &NOT_JUDGED } else { &[] }
    }

    /// The faults of a token that cannot be read.
    fn faults(&self) -> &[String] {
        self.inspected.inspection.token.as_ref().err().map_or(&[], |token| token.faults.as_slice())
    }

    /// The reason of a refusal, where there is one.
    fn reason(&self) -> Option<DenyReason> {
        match (&self.inspected.inspection.token, self.picked()) {
            (Err(token), _) => Some(token.reason),
            (Ok(_), None) => self.issuers.is_some().then_some(DenyReason::IssuerUntrusted),
            (Ok(_), Some(finding)) => reason(&finding.answer),
        }
    }

    fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let parts = self.inspected.inspection.issuers.iter().zip(&self.inspected.keys);
        let asked = self.inspected.asked;
        parts.zip(self.issuers.iter().flatten()).map(move |((finding, keys), settings)| Row {
            finding,
            keys,
            settings,
            asked,
        })
    }

    /// For a program.
    pub(super) fn json(&self) -> String {
        let token = self.inspected.inspection.token.as_ref();
        let issuers: Vec<Value> = self.rows().map(|row| row.json()).collect();
        let identity = self.picked().and_then(|finding| identity(&finding.answer));
        let value = json!({
            "verdict": self.verdict().as_str(),
            "reason": self.reason().map(DenyReason::code),
            "message": self.reason().map(DenyReason::message),
            "faults": self.faults(),
            "not_judged": self.not_judged(),
            "at": rfc3339(self.at),
            "issuer": self.picked().map(|finding| &finding.name),
            "token": token.ok().map(token_json),
            "identity": identity.map(identity_json),
            "issuers": issuers,
        });
        format!("{value:#}")
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{}\n", self.summary());
        field_line(&mut text, "at", &rfc3339(self.at));
        match &self.inspected.inspection.token {
            Ok(token) => self.token_text(token, &mut text),
            // The meaning of the reason lists what may be wrong; here it is known.
            Err(token) => {
                for fault in &token.faults {
                    field_line(&mut text, "wrong", &escaped(fault));
                }
            }
        }
        if !self.not_judged().is_empty() {
            let _ = write!(
                text,
                "\nWithout a configuration (--config) the signature is not checked, and nothing says \
                 which issuers, audiences and kinds of tokens are accepted. Not judged: {}.\n",
                self.not_judged().join(", ")
            );
        }
        for row in self.rows() {
            text.push('\n');
            row.text(self.picked(), &mut text);
        }
        text.trim_end().to_owned()
    }

    fn summary(&self) -> String {
        match (self.picked(), self.verdict(), self.reason()) {
            (Some(finding), TokenVerdict::Taken, _) => format!("taken, by issuer {}", finding.name),
            (None, TokenVerdict::Undecided, None) => {
                "undecided: there is no configuration to judge by".to_owned()
            }
            (Some(finding), TokenVerdict::Undecided, None) => {
                format!("undecided: issuer {} takes it if its signature is good", finding.name)
            }
            (_, verdict, Some(reason)) => {
                format!("{}: {}, {}", verdict.as_str(), reason.code(), reason.message())
            }
            (_, verdict, None) => verdict.as_str().to_owned(),
        }
    }

    fn token_text(&self, token: &TokenFacts, text: &mut String) {
        field_line(text, "alg", &escaped(&token.alg));
        field_line(text, "kid", &optional(token.kid.as_deref()));
        field_line(text, "typ", token.typ.unwrap_or("JWT, or none"));
        field_line(text, "iss", &escaped(&token.iss));
        field_line(text, "aud", &joined(&token.aud));
        for (name, seconds) in [("iat", token.iat), ("nbf", token.nbf), ("exp", token.exp)] {
            field_line(text, name, &seconds.map_or("none".to_owned(), |at| self.moment(at)));
        }
        for (name, word) in &token.marks {
            let word = word.as_deref().map_or("is there".to_owned(), escaped);
            field_line(text, "kind", &format!("{name}: {word}"));
        }
    }

    /// A time and how far away it is.
    fn moment(&self, seconds: u64) -> String {
        let Some(then) = UNIX_EPOCH.checked_add(Duration::from_secs(seconds)) else {
            return seconds.to_string();
        };
        let whole =
            |apart: Duration| humantime::format_duration(Duration::from_secs(apart.as_secs()));
        match then.duration_since(self.at) {
            Ok(ahead) => format!("{} (in {})", rfc3339(then), whole(ahead)),
            Err(error) => format!("{} ({} ago)", rfc3339(then), whole(error.duration())),
        }
    }
}

/// One issuer's part.
struct Row<'a> {
    finding: &'a IssuerFinding,
    keys: &'a InspectedKeys,
    settings: &'a Issuer,
    asked: KeysAsked,
}

impl Row<'_> {
    fn text(&self, picked: Option<&IssuerFinding>, text: &mut String) {
        let IssuerFinding { name, answer, .. } = self.finding;
        let said = match answer {
            IssuerAnswer::Taken(_) => "takes it".to_owned(),
            IssuerAnswer::IfSigned(_) => "takes it if its signature is good".to_owned(),
            IssuerAnswer::Refused(reason) => format!("no: {}, {}", reason.code(), reason.message()),
            IssuerAnswer::Undecided(reason) => {
                format!("undecided: {}, {}", reason.code(), reason.message())
            }
        };
        let _ = writeln!(text, "{name} ({}): {said}", self.settings.kind().as_str());
        if picked.is_none_or(|picked| picked.name != *name) {
            let tenants = self.settings.tenants.len();
            let one_of = if tenants > 0 && self.finding.store.is_none() {
                format!(", with one of its {tenants} tenants")
            } else {
                String::new()
            };
            let _ = writeln!(text, "  its tokens say iss {}{one_of}", escaped(&self.finding.iss));
            return;
        }
        let _ = writeln!(text, "  {}", self.signature());
        if let Some(reason) = reason(answer) {
            write_explanation(reason, text);
            if let Some(wanted) = self.wanted(reason) {
                let _ = writeln!(text, "  this issuer wants {wanted}");
            }
        }
        if let Some(who) = identity(answer) {
            identity_text(who, text);
        }
        for (part, claim) in &self.finding.absent {
            let part = part.replace('_', " ");
            let _ =
                writeln!(text, "  {part:<12} absent: the token has no claim {}", escaped(claim));
        }
    }

    /// The state of the signature, and the keys that it was checked with.
    fn signature(&self) -> String {
        let by = match &self.keys.snapshot {
            Ok(Some(age)) => {
                let age = humantime::format_duration(Duration::from_secs(age.as_secs()));
                format!("of the key snapshot, {age} old")
            }
            _ if self.keys.status.age_seconds.is_some() => "that the issuer publishes".to_owned(),
            _ => "in place".to_owned(),
        };
        let refused = match &self.keys.snapshot {
            Err(reason) => format!(" (the key snapshot is refused: {})", escaped(reason)),
            Ok(_) => String::new(),
        };
        let said = match self.finding.signature {
            SignatureFinding::Good => format!("signature good, by a key {by}"),
            SignatureFinding::Bad => format!("signature bad, by a key {by}"),
            SignatureFinding::NoKeys => match self.asked {
                KeysAsked::No => "signature not checked: no keys offline".to_owned(),
                KeysAsked::Yes => {
                    let error = self.keys.status.last_error.as_deref();
                    let error =
                        error.map_or(String::new(), |error| format!(": {}", escaped(error)));
                    format!("signature not checked: the issuer's keys could not be fetched{error}")
                }
            },
            SignatureFinding::NoSuchKey => {
                format!("signature not checked: none of the keys {by} is of this name and alg")
            }
            SignatureFinding::NotReached => "signature not checked: refused before".to_owned(),
        };
        format!("{said}{refused}")
    }

    /// The setting that a token was held against.
    fn wanted(&self, reason: DenyReason) -> Option<String> {
        let settings = self.settings;
        match reason {
            DenyReason::AudienceMismatch => {
                let apps = settings.apps().iter().filter_map(|app| app.id());
                let apps = apps.map(|id| format!("app:{id}"));
                let listed = settings.audiences().iter().cloned();
                let apps = apps.filter(|_| settings.kind() == IssuerKind::Rownd);
                let aud: Vec<String> = apps.chain(listed).collect();
                let client = settings.accepted_tokens().and_then(|it| it.audience.as_ref());
                Some(match client {
                    None => format!("aud {}", joined(&aud)),
                    Some(client) => {
                        let aud = if aud.is_empty() {
                            "no aud".into()
                        } else {
                            format!("aud {}", joined(&aud))
                        };
                        let claim = escaped(&client.claim);
                        format!("{aud}, and in {claim} {}", joined(&client.values))
                    }
                })
            }
            DenyReason::AlgorithmRefused => {
                let names = settings.algorithms.iter().map(|known| format!("{known:?}"));
                Some(format!("alg {}", joined(&names.collect::<Vec<_>>())))
            }
            _ => None,
        }
    }

    fn json(&self) -> Value {
        let IssuerFinding { name, iss, store: _, answer, signature, absent } = self.finding;
        let absent = absent.iter().map(|(part, claim)| json!({ "for": part, "claim": claim }));
        let signature = match signature {
            SignatureFinding::Good => "good",
            SignatureFinding::Bad => "bad",
            SignatureFinding::NoKeys => "no_keys",
            SignatureFinding::NoSuchKey => "no_such_key",
            SignatureFinding::NotReached => "not_reached",
        };
        json!({
            "name": name,
            "kind": self.settings.kind().as_str(),
            "iss": iss,
            "verdict": TokenVerdict::of(answer).as_str(),
            "reason": reason(answer).map(DenyReason::code),
            "message": reason(answer).map(DenyReason::message),
            "signature": signature,
            "absent_claims": absent.collect::<Vec<_>>(),
            "keys": self.keys.status.keys,
            "snapshot": match &self.keys.snapshot {
                Ok(age) => json!({ "age_seconds": age.map(|age| age.as_secs()) }),
                Err(reason) => json!({ "refused": reason }),
            },
        })
    }
}

const fn reason(answer: &IssuerAnswer) -> Option<DenyReason> {
    match answer {
        IssuerAnswer::Refused(reason) | IssuerAnswer::Undecided(reason) => Some(*reason),
        IssuerAnswer::Taken(_) | IssuerAnswer::IfSigned(_) => None,
    }
}

const fn identity(answer: &IssuerAnswer) -> Option<&IdentityFacts> {
    match answer {
        IssuerAnswer::Taken(who) | IssuerAnswer::IfSigned(who) => Some(who),
        IssuerAnswer::Refused(_) | IssuerAnswer::Undecided(_) => None,
    }
}

/// Writes the meaning of a reason, and what to do about it.
fn write_explanation(reason: DenyReason, text: &mut String) {
    for part in reason.documentation() {
        let _ = writeln!(text, "  {}", part.trim());
    }
    let _ = writeln!(text, "  {}", reason.cure());
}

fn token_json(token: &TokenFacts) -> Value {
    let seconds = |at: Option<u64>| {
        let then = at.and_then(|at| UNIX_EPOCH.checked_add(Duration::from_secs(at)));
        json!({ "seconds": at, "time": then.map(rfc3339) })
    };
    let marks: serde_json::Map<String, Value> = token
        .marks
        .iter()
        .map(|(name, word)| ((*name).to_owned(), word.as_ref().map_or(json!(true), |w| json!(w))))
        .collect();
    json!({
        "alg": token.alg, "kid": token.kid, "typ": token.typ,
        "iss": token.iss, "sub": token.sub, "aud": token.aud,
        "iat": seconds(token.iat), "nbf": seconds(token.nbf), "exp": seconds(token.exp),
        "kind": marks,
    })
}

fn field_line(text: &mut String, name: &str, value: &str) {
    let _ = writeln!(text, "  {name:<6} {value}");
}

fn optional(text: Option<&str>) -> String {
    text.map_or("none".to_owned(), escaped)
}

fn rfc3339(at: SystemTime) -> String {
    humantime::format_rfc3339_seconds(at).to_string()
}
