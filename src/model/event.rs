//! Events: what has happened to tokens, users and this service, for the programs of others.
//!
//! In: a room that has done something. Out: an [`Event`], handed to an [`EventRecorder`]. Nothing in
//! an event is a token. A room asks [`EventRecorder::wants`] first, so that an event that nobody
//! wants is not even made.

use std::{fmt::Debug, sync::Arc, time::SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strum::{IntoStaticStr, VariantArray};

/// The longest id or text in an event, in bytes. A longer one is left out: a part of an id would be
/// the id of somebody else.
const MAX_TEXT: usize = 512;
/// The most texts of a list.
const MAX_TEXTS: usize = 64;

/// The type of an event.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
    IntoStaticStr,
    VariantArray,
)]
pub enum EventType {
    /// The signature of a token was checked and is good; once for each token that this process meets,
    /// as long as it is in the cache of claims.
    #[serde(rename = "token.verified")]
    #[strum(serialize = "token.verified")]
    TokenVerified,
    /// A token was refused.
    #[serde(rename = "token.refused")]
    #[strum(serialize = "token.refused")]
    TokenRefused,
    /// An issuer gave tokens for a credential, by `Exchange`.
    #[serde(rename = "token.exchanged")]
    #[strum(serialize = "token.exchanged")]
    TokenExchanged,
    /// An issuer gave tokens for a refresh token, by `Exchange`.
    #[serde(rename = "token.refreshed")]
    #[strum(serialize = "token.refreshed")]
    TokenRefreshed,
    /// A user was created through this service.
    #[serde(rename = "user.created")]
    #[strum(serialize = "user.created")]
    UserCreated,
    /// A user was changed through this service.
    #[serde(rename = "user.updated")]
    #[strum(serialize = "user.updated")]
    UserUpdated,
    /// A user was deleted through this service.
    #[serde(rename = "user.deleted")]
    #[strum(serialize = "user.deleted")]
    UserDeleted,
    /// A user was signed out everywhere through this service.
    #[serde(rename = "user.signed_out")]
    #[strum(serialize = "user.signed_out")]
    UserSignedOut,
    /// A token, a session or all tokens of a user were revoked here.
    #[serde(rename = "session.revoked")]
    #[strum(serialize = "session.revoked")]
    SessionRevoked,
    /// A check of the proxy was denied.
    #[serde(rename = "check.denied")]
    #[strum(serialize = "check.denied")]
    CheckDenied,
    /// The keys of an issuer that are in use are other ones than before.
    #[serde(rename = "keys.changed")]
    #[strum(serialize = "keys.changed")]
    KeysChanged,
    /// Another configuration came into force.
    #[serde(rename = "config.reloaded")]
    #[strum(serialize = "config.reloaded")]
    ConfigReloaded,
}

impl EventType {
    /// All types.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The word in the configuration and in metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.into()
    }

    /// Clients cause as many of these as they like, so they give way where room is scarce, and only
    /// these may be sampled.
    #[must_use]
    pub const fn is_frequent(self) -> bool {
        match self {
            Self::TokenVerified
            | Self::TokenRefused
            | Self::TokenExchanged
            | Self::TokenRefreshed
            | Self::CheckDenied => true,
            Self::UserCreated
            | Self::UserUpdated
            | Self::UserDeleted
            | Self::UserSignedOut
            | Self::SessionRevoked
            | Self::KeysChanged
            | Self::ConfigReloaded => false,
        }
    }

    /// The bit of this type in a set of types.
    #[must_use]
    pub const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// The value of one field of an event.
#[derive(Debug, Clone, PartialEq)]
pub enum EventValue {
    /// A word of this program.
    Word(&'static str),
    /// A text that is known already.
    Shared(Arc<str>),
    /// Another text.
    Text(Box<str>),
    /// A number.
    Number(u64),
    /// A list of texts.
    Texts(Vec<Box<str>>),
    /// Fields of a profile.
    Map(Map<String, Value>),
}

/// Something that has happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its type.
    pub kind: EventType,
    /// When it happened.
    pub at: SystemTime,
    /// The configured name of the issuer that it is about.
    pub issuer: Option<Arc<str>>,
    /// The id of the app that it is about.
    pub app_id: Option<Box<str>>,
    /// The id of the user that it is about.
    pub user_id: Option<Box<str>>,
    /// All other fields.
    pub more: Vec<(&'static str, EventValue)>,
}

impl Event {
    /// An event of this type, now.
    #[must_use]
    pub fn new(kind: EventType) -> Self {
        Self {
            kind,
            at: SystemTime::now(),
            issuer: None,
            app_id: None,
            user_id: None,
            more: Vec::new(),
        }
    }

    /// About this issuer.
    #[must_use]
    pub fn at_issuer(mut self, name: Arc<str>) -> Self {
        self.issuer = Some(name);
        self
    }

    /// About this app.
    #[must_use]
    pub fn of_app(mut self, id: Option<&str>) -> Self {
        self.app_id = id.and_then(bounded);
        self
    }

    /// About this user.
    #[must_use]
    pub fn of_user(mut self, id: Option<&str>) -> Self {
        self.user_id = id.and_then(bounded);
        self
    }

    /// With this word of the program.
    #[must_use]
    pub fn word(mut self, name: &'static str, word: &'static str) -> Self {
        self.more.push((name, EventValue::Word(word)));
        self
    }

    /// With this text, where there is one and it is not too long.
    #[must_use]
    pub fn text(mut self, name: &'static str, text: Option<&str>) -> Self {
        if let Some(text) = text.and_then(bounded) {
            self.more.push((name, EventValue::Text(text)));
        }
        self
    }

    /// With this text.
    #[must_use]
    pub fn shared(mut self, name: &'static str, text: Arc<str>) -> Self {
        self.more.push((name, EventValue::Shared(text)));
        self
    }

    /// With this number.
    #[must_use]
    pub fn number(mut self, name: &'static str, number: u64) -> Self {
        self.more.push((name, EventValue::Number(number)));
        self
    }

    /// With this list, of which the first 64 are kept.
    #[must_use]
    pub fn texts<'a>(mut self, name: &'static str, texts: impl Iterator<Item = &'a str>) -> Self {
        let texts = texts.filter_map(bounded).take(MAX_TEXTS).collect();
        self.more.push((name, EventValue::Texts(texts)));
        self
    }

    /// With these fields of a profile, where there are any.
    #[must_use]
    pub fn fields(mut self, name: &'static str, fields: Map<String, Value>) -> Self {
        if !fields.is_empty() {
            self.more.push((name, EventValue::Map(fields)));
        }
        self
    }
}

fn bounded(text: &str) -> Option<Box<str>> {
    (!text.is_empty() && text.len() <= MAX_TEXT).then(|| text.into())
}

/// Takes events. It is called within checks, so it must neither wait nor fail.
pub trait EventRecorder: Debug + Send + Sync {
    /// Whether anybody wants events of this type.
    fn wants(&self, kind: EventType) -> bool;

    /// Takes an event.
    fn record(&self, event: Event);

    /// The fields of profiles that events may tell.
    fn profile_fields(&self) -> &[String] {
        &[]
    }
}

/// No sink wants an event.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoEvents;

impl EventRecorder for NoEvents {
    fn wants(&self, _: EventType) -> bool {
        false
    }

    fn record(&self, _: Event) {}
}

#[cfg(test)]
mod tests {
    use super::{Event, EventType, EventValue, MAX_TEXT};

    #[test]
    fn the_types_have_a_bit_each() {
        let all = EventType::ALL.iter().fold(0, |set, kind| set | kind.bit());
        assert_eq!(all.count_ones() as usize, EventType::ALL.len());
    }

    #[test]
    fn an_id_is_whole_or_left_out() {
        let long = "x".repeat(MAX_TEXT + 1);
        let event = |id: &str| {
            let event = Event::new(EventType::CheckDenied).of_user(Some(id)).of_app(Some(id));
            event.text("request_id", Some(id)).texts("keys", [id, "a"].into_iter())
        };
        let fits = event(&long[1..]);
        assert_eq!(fits.user_id.as_deref(), Some(&long[1..]));
        assert_eq!(fits.more.len(), 2);
        let cut = event(&long);
        assert_eq!((cut.user_id, cut.app_id), (None, None));
        assert_eq!(cut.more, [("keys", EventValue::Texts(vec!["a".into()]))]);
        assert!(event("").user_id.is_none());
    }
}
