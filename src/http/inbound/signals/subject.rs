//! The subject of an event: which tokens of the issuer it is about.
//!
//! In: a subject identifier (RFC 9493), also in the form that it had before. Out: a user, a session or
//! a token of the issuer that signed, or why there is none. A subject that a wider one holds, as a
//! user on one device, is the wider one: too much is revoked rather than too little.

use serde_json::{Map, Value};

/// The tokens that an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Subject {
    /// Those of a user.
    User(String),
    /// Those of a session, and the user where one is named.
    Session(String, Option<String>),
    /// One token.
    Token(String),
    /// The id of a user or of a session: the transmitter does not say which.
    Opaque(String),
}

/// Why a subject is not obeyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SubjectProblem {
    /// There is none.
    Missing,
    /// It does not have the form of its format.
    Malformed,
    /// The token names another user by `sub`.
    Contradiction,
    /// It is a subject of another issuer.
    OtherIssuer,
    /// Tokens do not name it, as an e-mail address.
    Unknown,
}

/// The longest id, in bytes: the longest that a token can hold.
const MAX_ID: usize = 6144;
/// The most identifiers of one subject.
const MAX_ALIASES: usize = 16;
/// The parts of a complex subject.
const PARTS: [&str; 7] =
    ["user", "session", "device", "application", "tenant", "org_unit", "group"];

/// The subjects that an identifier names, of the issuer with this `iss`. All of them are meant.
///
/// # Errors
///
/// Fails where no token of this issuer can be meant.
pub(super) fn read(id: &Value, iss: &str) -> Result<Vec<Subject>, SubjectProblem> {
    let id = id.as_object().ok_or(SubjectProblem::Malformed)?;
    match format(id)?.as_str() {
        "aliases" => aliases(id, iss),
        "complex" => complex(id, iss).map(|subject| vec![subject]),
        _ => simple(id, iss).map(|subject| vec![subject]),
    }
}

/// The format; before RFC 9493 it was called `subject_type`, and a complex subject had none.
fn format(id: &Map<String, Value>) -> Result<String, SubjectProblem> {
    match (id.get("format"), id.get("subject_type")) {
        (Some(Value::String(format)), None) => Ok(format.clone()),
        (None, Some(Value::String(before))) => Ok(before.replace('-', "_")),
        (None, None) if PARTS.iter().any(|part| id.contains_key(*part)) => Ok("complex".to_owned()),
        (_, _) => Err(SubjectProblem::Malformed),
    }
}

fn simple(id: &Map<String, Value>, iss: &str) -> Result<Subject, SubjectProblem> {
    match format(id)?.as_str() {
        "iss_sub" => {
            check_iss(id, iss)?;
            text(id, "sub").map(Subject::User)
        }
        "jwt_id" => {
            check_iss(id, iss)?;
            text(id, "jti").map(Subject::Token)
        }
        "opaque" => text(id, "id").map(Subject::Opaque),
        _ => Err(SubjectProblem::Unknown),
    }
}

fn aliases(id: &Map<String, Value>, iss: &str) -> Result<Vec<Subject>, SubjectProblem> {
    let all = id.get("identifiers").and_then(Value::as_array).ok_or(SubjectProblem::Malformed)?;
    if all.is_empty() || all.len() > MAX_ALIASES {
        return Err(SubjectProblem::Malformed);
    }
    let mut found = Vec::new();
    for alias in all {
        let alias = alias.as_object().ok_or(SubjectProblem::Malformed)?;
        match simple(alias, iss) {
            Ok(subject) => found.push(subject),
            // Another identifier of the same subject.
            Err(SubjectProblem::Unknown) => {}
            Err(problem) => return Err(problem),
        }
    }
    if found.is_empty() { Err(SubjectProblem::Unknown) } else { Ok(found) }
}

fn complex(id: &Map<String, Value>, iss: &str) -> Result<Subject, SubjectProblem> {
    let part = |name: &str| match id.get(name) {
        None => Ok(None),
        Some(part) => {
            let part = part.as_object().ok_or(SubjectProblem::Malformed)?;
            match simple(part, iss) {
                Ok(subject) => Ok(Some(subject)),
                Err(SubjectProblem::Unknown) => Ok(None),
                Err(problem) => Err(problem),
            }
        }
    };
    let user = match part("user")? {
        Some(Subject::User(id) | Subject::Opaque(id)) => Some(id),
        Some(Subject::Session(..) | Subject::Token(_)) => return Err(SubjectProblem::Malformed),
        None => None,
    };
    let session = match part("session")? {
        // A token stands for its session where nothing else does.
        Some(Subject::Token(id)) if user.is_none() => return Ok(Subject::Token(id)),
        Some(Subject::Token(_)) | None => None,
        Some(Subject::Opaque(id) | Subject::User(id) | Subject::Session(id, _)) => Some(id),
    };
    match (session, user) {
        (Some(session), user) => Ok(Subject::Session(session, user)),
        (None, Some(user)) => Ok(Subject::User(user)),
        (None, None) => Err(SubjectProblem::Unknown),
    }
}

fn check_iss(id: &Map<String, Value>, iss: &str) -> Result<(), SubjectProblem> {
    if text(id, "iss")? == iss { Ok(()) } else { Err(SubjectProblem::OtherIssuer) }
}

fn text(id: &Map<String, Value>, name: &str) -> Result<String, SubjectProblem> {
    match id.get(name) {
        Some(Value::String(text)) if !text.is_empty() && text.len() <= MAX_ID => Ok(text.clone()),
        _ => Err(SubjectProblem::Malformed),
    }
}
