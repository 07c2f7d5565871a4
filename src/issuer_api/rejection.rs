//! The refusal of an API that understood a request.
//!
//! In: the status and the JSON body of an answer. Out: a code, the fields that are at fault, and the
//! part of the request that the answer is about. The texts of the answer go no further than here:
//! they could repeat anything that was sent.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The longest code of an error that is passed on, in bytes.
const MAX_CODE: usize = 64;
/// The most fields that are passed on, the longest name of one, and the longest message, in bytes.
const MAX_FIELDS: usize = 32;
const MAX_FIELD_NAME: usize = 128;
const MAX_FIELD_MESSAGE: usize = 256;
/// A longer word of a message could be a token or a secret.
const MAX_WORD: usize = 40;

/// The API understood the request and refused it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// The HTTP status of the answer; 200 if the body alone says that the request was refused.
    pub status: u16,
    /// The API's own code for the reason, if it sent one: letters, digits and `_`, at most 64.
    pub code: Option<String>,
    /// The part of the request that is refused, where that is certain.
    pub part: Option<RefusedPart>,
    /// The fields of a profile that are refused; at most 32.
    pub fields: Vec<RefusedField>,
    /// The parts of a request that the answer speaks of.
    pub(super) mentions: Mentions,
}

/// The part of an exchange that the API refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefusedPart {
    /// The fields of the profile.
    UserData,
    /// There is no group of this id.
    UnknownGroup,
    /// The group is not open to this user.
    ClosedGroup,
    /// The instant user is none.
    InstantUser,
    /// The token of the other issuer.
    Token,
    /// The account of the user is disabled.
    DisabledUser,
}

/// A field of a profile that the API refuses.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedField {
    /// The name of the field.
    pub name: String,
    /// The problem with it, in the words of the API.
    pub message: String,
}

/// The parts of a request that an answer speaks of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mentions {
    pub(super) app: bool,
    pub(super) group: bool,
    pub(super) instant_user: bool,
    pub(super) token: bool,
    pub(super) disabled: bool,
    pub(super) user_data: bool,
    pub(super) owner: bool,
    pub(super) member: bool,
    pub(super) invite: bool,
    /// Another user than the one who asks.
    pub(super) another: bool,
    /// It was done before.
    pub(super) before: bool,
}

/// The name of a field may be a person's, and so may the message.
impl fmt::Debug for RefusedField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefusedField").finish_non_exhaustive()
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP status {}", self.status)?;
        self.code.iter().try_for_each(|code| write!(f, ", {code}"))
    }
}

impl Rejection {
    /// A refusal of which nothing else is known.
    pub(super) fn new(status: u16, code: Option<String>) -> Self {
        Self { status, code, part: None, fields: Vec::new(), mentions: Mentions::default() }
    }

    /// The refusal that this body tells.
    pub(super) fn of_body(status: u16, body: &Map<String, Value>) -> Self {
        let word = |name: &str| body.get(name).and_then(Value::as_str).and_then(error_code);
        // OAuth's `error` is a code (RFC 6749 section 5.2), Rownd's is the status in words.
        let code = word("code").or_else(|| word("reason")).or_else(|| word("error"));
        let fields = fields(body);
        Self { mentions: mentions(code.as_deref(), body), fields, ..Self::new(status, code) }
    }

    /// The same refusal, of this part of the request.
    pub(super) fn of(self, part: RefusedPart) -> Self {
        Self { part: Some(part), ..self }
    }

    /// Whether it is about fields of the profile.
    pub(super) fn names_fields(&self) -> bool {
        !self.fields.is_empty() || self.mentions.user_data
    }
}

/// A code of letters, digits and `_`. A sentence is none: it could hold anything that was sent.
pub(super) fn error_code(word: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let good = !word.is_empty() && word.len() <= MAX_CODE && word.bytes().all(plain);
    good.then(|| word.to_owned())
}

/// Rownd has published few of its codes, so its words are read as well: `message`, or `messages`.
fn mentions(code: Option<&str>, body: &Map<String, Value>) -> Mentions {
    let messages = body.get("messages").and_then(Value::as_array).into_iter().flatten();
    let message = body.get("message").into_iter().chain(messages).filter_map(Value::as_str);
    let said = code.into_iter().chain(message).map(str::to_ascii_lowercase);
    let mut found = Mentions::default();
    for text in said {
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        found.app |= has(&["app_id", "app id", "app_key", "app key", "e_app_", "hub-key"]);
        found.group |= has(&["group"]);
        found.instant_user |= has(&["instant"]);
        found.token |= has(&["token", "validator"]);
        found.disabled |= has(&["disabled"]);
        found.user_data |= has(&["e_user_update", "user_data"]);
        found.owner |= has(&["owner"]);
        found.member |= has(&["member"]);
        found.invite |= has(&["invit"]);
        found.another |= has(&["another user", "other user", "different user"]);
        found.before |=
            has(&["already", "been used", "is used", "accepted", "rejected", "expired", "exists"]);
    }
    found
}

/// `field_errors` of a refused profile: lists of messages by field. Anything else is left out.
fn fields(body: &Map<String, Value>) -> Vec<RefusedField> {
    let Some(Value::Object(by_field)) = body.get("field_errors") else { return Vec::new() };
    let messages = |said: &Value| match said {
        Value::Array(all) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Value::String(one) => vec![one.clone()],
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    };
    by_field
        .iter()
        .filter(|(name, _)| is_plain(name, MAX_FIELD_NAME))
        .take(MAX_FIELDS)
        .map(|(name, said)| RefusedField {
            name: name.clone(),
            message: message(&messages(said).join("; ")),
        })
        .collect()
}

/// A message that can be passed on: a short text of short words.
fn message(text: &str) -> String {
    let is_long = |word: &str| word.len() > MAX_WORD;
    if is_plain(text, MAX_FIELD_MESSAGE) && !text.split_whitespace().any(is_long) {
        text.to_owned()
    } else {
        "is refused".to_owned()
    }
}

fn is_plain(text: &str, most: usize) -> bool {
    !text.is_empty() && text.len() <= most && !text.chars().any(char::is_control)
}
