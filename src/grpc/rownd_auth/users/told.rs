//! The events about users that are changed through this service.
//!
//! In: a change that the issuer has made. Out: an event, if somebody wants it. It has the fields of
//! the profile that the configuration names, and no other.

use serde_json::{Map, Value};

use super::target::UsersOfApp;
use crate::{
    authz::Authorizer,
    model::{Event, EventRecorder, EventType, Profile},
};

/// The largest value of a field that an event tells, in bytes of JSON.
const MAX_VALUE: usize = 1024;

/// A change that the issuer has made.
#[derive(Debug, Clone, Copy)]
pub(super) enum UserChanged<'a> {
    /// There is a new user.
    Created(&'a Profile),
    /// Fields were written.
    Updated(&'a Profile),
    /// A file was written.
    File,
    /// The user was created or overwritten, together with others.
    Upserted,
    /// The account was enabled.
    Enabled(&'a Profile),
    /// The account was disabled.
    Disabled(&'a Profile),
    /// The user was deleted.
    Deleted,
    /// The user was signed out everywhere.
    SignedOut,
}

impl<'a> UserChanged<'a> {
    /// The type of the event, the word for the change of an update, and the profile.
    const fn parts(self) -> (EventType, Option<&'static str>, Option<&'a Profile>) {
        match self {
            Self::Created(profile) => (EventType::UserCreated, None, Some(profile)),
            Self::Updated(profile) => (EventType::UserUpdated, Some("profile"), Some(profile)),
            Self::File => (EventType::UserUpdated, Some("file"), None),
            Self::Upserted => (EventType::UserUpdated, Some("upserted"), None),
            Self::Enabled(profile) => (EventType::UserUpdated, Some("enabled"), Some(profile)),
            Self::Disabled(profile) => (EventType::UserUpdated, Some("disabled"), Some(profile)),
            Self::Deleted => (EventType::UserDeleted, None, None),
            Self::SignedOut => (EventType::UserSignedOut, None, None),
        }
    }
}

/// Where a user was changed, and by which caller.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChangedAt<'a> {
    pub(super) issuer: &'a str,
    /// The app; `None` at an issuer without apps.
    pub(super) app: Option<&'a str>,
    pub(super) caller: &'a str,
}

impl UsersOfApp {
    /// Tells of a change of this user.
    pub(super) fn tell(&self, authorizer: &Authorizer, user: &str, changed: UserChanged<'_>) {
        let (issuer, app, caller) = (&self.issuer, Some(self.app.as_str()), &self.caller);
        ChangedAt { issuer, app, caller }.tell(authorizer, user, changed);
    }
}

impl ChangedAt<'_> {
    /// Tells of a change of this user.
    pub(super) fn tell(self, authorizer: &Authorizer, user: &str, changed: UserChanged<'_>) {
        let events = authorizer.events();
        let (kind, change, profile) = changed.parts();
        if !events.wants(kind) {
            return;
        }
        let fields = profile.map_or_else(Map::new, |profile| picked(&**events, profile));
        let mut event = Event::new(kind)
            .at_issuer(self.issuer.into())
            .of_app(self.app)
            .of_user(Some(user))
            .text("caller", Some(self.caller))
            .fields("profile", fields);
        if let Some(change) = change {
            event = event.word("change", change);
        }
        events.record(event);
    }
}

/// The fields that the configuration names, as far as the profile has them and they are not large.
fn picked(events: &dyn EventRecorder, profile: &Profile) -> Map<String, Value> {
    let found = events.profile_fields().iter().filter_map(|name| {
        let value = profile.data.get(name)?;
        (value.to_string().len() <= MAX_VALUE).then(|| (name.clone(), value.clone()))
    });
    found.collect()
}
