//! The answer of `token inspect` in words and as JSON.
//!
//! In: what the verifier found out. Out: text for a terminal, in which whatever the token says is
//! escaped, or a JSON document. Neither holds the token or its signature.

use std::{
    fmt::Write as _,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use crate::{
    app::{InspectedToken, OfflineKeys},
    config::{Config, Issuer, IssuerKind},
    model::{DenyReason, IdentityFacts},
    verify::{Answer, Finding, Signature, TokenFacts},
};

/// The answer in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Taken,
    Refused,
    Undecided,
}

impl Verdict {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Refused => "refused",
            Self::Undecided => "undecided",
        }
    }

    const fn of(answer: &Answer) -> Self {
        match answer {
            Answer::Taken(_) => Self::Taken,
            Answer::Refused(_) => Self::Refused,
            Answer::IfSigned(_) | Answer::Undecided(_) => Self::Undecided,
        }
    }
}

/// An inspection with everything that is said about it.
pub(super) struct Report {
    inspected: InspectedToken,
    issuers: Vec<Issuer>,
    at: SystemTime,
}

impl Report {
    pub(super) fn new(config: &Config, inspected: InspectedToken, at: SystemTime) -> Self {
        Self { inspected, issuers: config.issuers.clone(), at }
    }

    /// The finding that decides: of the issuer that the token's `iss` picked.
    fn picked(&self) -> Option<&Finding> {
        let inspection = &self.inspected.inspection;
        inspection.picked.and_then(|index| inspection.issuers.get(index))
    }

    /// What a server would say, as far as that can be told.
    pub(super) fn verdict(&self) -> Verdict {
        self.picked().map_or(Verdict::Refused, |finding| Verdict::of(&finding.answer))
    }

    /// Why not, where there is one reason.
    fn reason(&self) -> Option<DenyReason> {
        match (&self.inspected.inspection.token, self.picked()) {
            (Err(reason), _) => Some(*reason),
            (Ok(_), None) => Some(DenyReason::IssuerUntrusted),
            (Ok(_), Some(finding)) => reason(&finding.answer),
        }
    }

    fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let parts = self.inspected.inspection.issuers.iter().zip(&self.inspected.keys);
        parts.zip(&self.issuers).map(|((finding, keys), settings)| Row { finding, keys, settings })
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
            "at": time(self.at),
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
        line(&mut text, "at", &time(self.at));
        match &self.inspected.inspection.token {
            Ok(token) => self.token_text(token, &mut text),
            Err(reason) => {
                explain(*reason, &mut text);
            }
        }
        for row in self.rows() {
            text.push('\n');
            row.text(self.picked(), &mut text);
        }
        text.trim_end().to_owned()
    }

    fn summary(&self) -> String {
        match (self.picked(), self.verdict(), self.reason()) {
            (Some(finding), Verdict::Taken, _) => format!("taken, by issuer {}", finding.name),
            (Some(finding), Verdict::Undecided, None) => {
                format!("undecided: issuer {} takes it if its signature is good", finding.name)
            }
            (_, verdict, Some(reason)) => {
                format!("{}: {}, {}", verdict.as_str(), reason.code(), reason.message())
            }
            (_, verdict, None) => verdict.as_str().to_owned(),
        }
    }

    fn token_text(&self, token: &TokenFacts, text: &mut String) {
        line(text, "alg", &shown(&token.alg));
        line(text, "kid", &optional(token.kid.as_deref()));
        line(text, "typ", token.typ.unwrap_or("JWT, or none"));
        line(text, "iss", &shown(&token.iss));
        line(text, "aud", &list(&token.aud));
        for (name, seconds) in [("iat", token.iat), ("nbf", token.nbf), ("exp", token.exp)] {
            line(text, name, &seconds.map_or("none".to_owned(), |at| self.moment(at)));
        }
        for (name, word) in &token.marks {
            let word = word.as_deref().map_or("is there".to_owned(), shown);
            line(text, "kind", &format!("{name}: {word}"));
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
            Ok(ahead) => format!("{} (in {})", time(then), whole(ahead)),
            Err(error) => format!("{} ({} ago)", time(then), whole(error.duration())),
        }
    }
}

/// One issuer's part.
struct Row<'a> {
    finding: &'a Finding,
    keys: &'a OfflineKeys,
    settings: &'a Issuer,
}

impl Row<'_> {
    fn text(&self, picked: Option<&Finding>, text: &mut String) {
        let Finding { name, answer, .. } = self.finding;
        let said = match answer {
            Answer::Taken(_) => "takes it".to_owned(),
            Answer::IfSigned(_) => "takes it if its signature is good".to_owned(),
            Answer::Refused(reason) => format!("no: {}, {}", reason.code(), reason.message()),
            Answer::Undecided(reason) => {
                format!("undecided: {}, {}", reason.code(), reason.message())
            }
        };
        let _ = writeln!(text, "{name} ({}): {said}", self.settings.kind().as_str());
        if picked.is_none_or(|picked| picked.name != *name) {
            let _ = writeln!(text, "  its tokens say iss {}", shown(&self.finding.iss));
            return;
        }
        let _ = writeln!(text, "  {}", self.signature());
        if let Some(reason) = reason(answer) {
            explain(reason, text);
            if let Some(wanted) = self.wanted(reason) {
                let _ = writeln!(text, "  this issuer wants {wanted}");
            }
        }
        if let Some(who) = identity(answer) {
            identity_text(who, text);
        }
    }

    /// What is known of the signature, and by which keys.
    fn signature(&self) -> String {
        let by = match &self.keys.snapshot {
            Ok(Some(age)) => {
                let age = humantime::format_duration(Duration::from_secs(age.as_secs()));
                format!("of the key snapshot, {age} old")
            }
            _ => "in place".to_owned(),
        };
        let refused = match &self.keys.snapshot {
            Err(reason) => format!(" (the key snapshot is refused: {})", shown(reason)),
            Ok(_) => String::new(),
        };
        let said = match self.finding.signature {
            Signature::Good => format!("signature good, by a key {by}"),
            Signature::Bad => format!("signature bad, by a key {by}"),
            Signature::NoKeys => "signature not checked: no keys offline".to_owned(),
            Signature::NoSuchKey => {
                format!("signature not checked: none of the keys {by} is of this name and alg")
            }
            Signature::NotReached => "signature not checked: refused before".to_owned(),
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
                Some(format!("aud {}", list(&apps.chain(listed).collect::<Vec<_>>())))
            }
            DenyReason::AlgorithmRefused => {
                let names = settings.algorithms.iter().map(|known| format!("{known:?}"));
                Some(format!("alg {}", list(&names.collect::<Vec<_>>())))
            }
            _ => None,
        }
    }

    fn json(&self) -> Value {
        let Finding { name, iss, answer, signature } = self.finding;
        let signature = match signature {
            Signature::Good => "good",
            Signature::Bad => "bad",
            Signature::NoKeys => "no_keys",
            Signature::NoSuchKey => "no_such_key",
            Signature::NotReached => "not_reached",
        };
        json!({
            "name": name,
            "kind": self.settings.kind().as_str(),
            "iss": iss,
            "verdict": Verdict::of(answer).as_str(),
            "reason": reason(answer).map(DenyReason::code),
            "message": reason(answer).map(DenyReason::message),
            "signature": signature,
            "keys": self.keys.status.keys,
            "snapshot": match &self.keys.snapshot {
                Ok(age) => json!({ "age_seconds": age.map(|age| age.as_secs()) }),
                Err(reason) => json!({ "refused": reason }),
            },
        })
    }
}

const fn reason(answer: &Answer) -> Option<DenyReason> {
    match answer {
        Answer::Refused(reason) | Answer::Undecided(reason) => Some(*reason),
        Answer::Taken(_) | Answer::IfSigned(_) => None,
    }
}

const fn identity(answer: &Answer) -> Option<&IdentityFacts> {
    match answer {
        Answer::Taken(who) | Answer::IfSigned(who) => Some(who),
        Answer::Refused(_) | Answer::Undecided(_) => None,
    }
}

/// What a reason means, and what to do about it.
fn explain(reason: DenyReason, text: &mut String) {
    for part in reason.documentation() {
        let _ = writeln!(text, "  {}", part.trim());
    }
    let _ = writeln!(text, "  {}", reason.cure());
}

fn identity_text(who: &IdentityFacts, text: &mut String) {
    let mut part = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<12} {value}");
    };
    part("user id", &shown(&who.user_id));
    part("auth level", who.auth_level.as_str());
    part("anonymous", if who.anonymous { "yes" } else { "no" });
    for (name, value) in [
        ("app", &who.app_id),
        ("app variant", &who.app_variant),
        ("session", &who.session_id),
        ("tenant", &who.tenant),
    ] {
        if let Some(value) = value {
            part(name, &shown(value));
        }
    }
    for (name, values) in [("roles", &who.roles), ("groups", &who.groups), ("scopes", &who.scopes)]
    {
        if !values.is_empty() {
            part(name, &list(values));
        }
    }
}

fn identity_json(who: &IdentityFacts) -> Value {
    json!({
        "user_id": who.user_id,
        "issuer": who.issuer,
        "auth_level": who.auth_level.as_str(),
        "anonymous": who.anonymous,
        "verified": who.verified(),
        "app_id": who.app_id,
        "app_variant": who.app_variant,
        "session_id": who.session_id,
        "token_id": who.token_id,
        "tenant": who.tenant,
        "roles": who.roles,
        "groups": who.groups,
        "scopes": who.scopes,
    })
}

fn token_json(token: &TokenFacts) -> Value {
    let seconds = |at: Option<u64>| {
        let then = at.and_then(|at| UNIX_EPOCH.checked_add(Duration::from_secs(at)));
        json!({ "seconds": at, "time": then.map(time) })
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

fn line(text: &mut String, name: &str, value: &str) {
    let _ = writeln!(text, "  {name:<6} {value}");
}

/// Somebody else's text: it draws nothing on a terminal.
fn shown(text: &str) -> String {
    text.escape_debug().to_string()
}

fn optional(text: Option<&str>) -> String {
    text.map_or("none".to_owned(), shown)
}

fn list(texts: &[String]) -> String {
    if texts.is_empty() {
        return "none".to_owned();
    }
    texts.iter().map(|text| shown(text)).collect::<Vec<_>>().join(", ")
}

fn time(at: SystemTime) -> String {
    humantime::format_rfc3339_seconds(at).to_string()
}
