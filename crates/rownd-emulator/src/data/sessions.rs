//! The sessions of SuperTokens.

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

/// The sessions, by handle.
pub(crate) struct SessionRecords {
    pub(crate) sessions: BoundedMap<Session>,
}

impl SessionRecords {
    /// No sessions.
    pub(crate) fn new() -> Self {
        Self { sessions: BoundedMap::new(MAX_SESSIONS) }
    }

    /// Ends every session of the user whose session this is.
    pub(crate) fn end_all(&mut self, of: &Session) {
        for session in self.sessions.values_mut() {
            if session.app == of.app && session.user == of.user {
                session.revoked = true;
            }
        }
    }
}
