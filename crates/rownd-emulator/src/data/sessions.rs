//! The sessions of SuperTokens.

use serde_json::{Map, Value};

use super::bounded::BoundedMap;

/// The most sessions that are kept; the oldest one is evicted for a new one.
const MAX_SESSIONS: usize = 5_000;

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

    /// The state of the account in the metadata, if somebody has written it there.
    pub(crate) fn state_of(&self, user: &str) -> Option<&Value> {
        self.metadata.get(user)?.get("original_rownd_user")?.get("state")
    }
}
