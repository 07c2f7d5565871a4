//! The sessions of SuperTokens.

use serde_json::{Map, Value};

use super::bounded::BoundedMap;

/// The most sessions that are kept; the oldest one is evicted for a new one.
const MAX_SESSIONS: usize = 5_000;

/// The member of the metadata that names the fields that were written since the import.
const WRITTEN: &str = "rownd_profile_authoritative_fields";

/// A session of SuperTokens.
#[derive(Clone)]
pub(crate) struct Session {
    /// The id of the app.
    pub(crate) app: String,
    /// The id of the user.
    pub(crate) user: String,
    /// The id of the SuperTokens tenant, the claim `tId`.
    pub(crate) tenant: String,
    /// The refresh token that is valid now. An older one is a sign of theft.
    pub(crate) refresh: String,
    /// Whether the session was made from a token of Rownd.
    pub(crate) migrated: bool,
    /// Whether the session has ended.
    pub(crate) revoked: bool,
}

/// The sessions, and what SuperTokens keeps of the users.
pub(crate) struct SessionRecords {
    /// By handle.
    pub(crate) sessions: BoundedMap<Session>,
    /// The metadata that were written, by user id.
    pub(crate) metadata: BoundedMap<Map<String, Value>>,
}

impl SessionRecords {
    /// No sessions.
    pub(crate) fn new() -> Self {
        Self { sessions: BoundedMap::new(MAX_SESSIONS), metadata: BoundedMap::new(MAX_SESSIONS) }
    }

    /// Ends every session of a user, and returns the handles.
    pub(crate) fn end_of(&mut self, app: &str, user: &str) -> Vec<String> {
        let handles = self.handles_of(app, user);
        for handle in &handles {
            if let Some(session) = self.sessions.get_mut(handle) {
                session.revoked = true;
            }
        }
        handles
    }

    /// The handles of the sessions of a user that have not ended.
    pub(crate) fn handles_of(&self, app: &str, user: &str) -> Vec<String> {
        let of_user =
            |session: &Session| session.app == app && session.user == user && !session.revoked;
        let sessions = self.sessions.iter().filter(|(_, session)| of_user(session));
        sessions.map(|(handle, _)| handle.clone()).collect()
    }

    /// The fields that count as the metadata have them, and no more as the imported profile has them.
    pub(crate) fn written_fields(&self, user: &str) -> Vec<(&str, Option<&Value>)> {
        let Some(metadata) = self.metadata.get(user) else { return Vec::new() };
        let names = metadata.get(WRITTEN).and_then(Value::as_array).into_iter().flatten();
        names.filter_map(Value::as_str).map(|name| (name, metadata.get(name))).collect()
    }

    /// Writes fields into the metadata too, if the core has some of the user: they would count more.
    pub(crate) fn write_fields(&mut self, user: &str, fields: &Map<String, Value>) {
        let Some(metadata) = self.metadata.get_mut(user) else { return };
        let known = metadata.get(WRITTEN).and_then(Value::as_array).cloned().unwrap_or_default();
        let mut names: Vec<Value> = known;
        for (name, value) in fields {
            metadata.insert(name.clone(), value.clone());
            let name = Value::from(name.as_str());
            if !names.contains(&name) {
                names.push(name);
            }
        }
        metadata.retain(|_, value| !value.is_null());
        metadata.insert(WRITTEN.to_owned(), Value::Array(names));
    }

    /// The state of the account in the metadata, if somebody has written it there.
    pub(crate) fn state_of(&self, user: &str) -> Option<&Value> {
        self.metadata.get(user)?.get("original_rownd_user")?.get("state")
    }
}
