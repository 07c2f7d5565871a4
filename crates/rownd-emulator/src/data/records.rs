//! Everything that changes while the emulator runs, except keys and faults.
//!
//! In: the apps of the seed, then what the routes write. Out: what the routes read. Each
//! collection is bounded: an entry too many is refused, or evicts the oldest one.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    apps::{App, Variant},
    bounded::BoundedMap,
    error::DataError,
    grants::GrantRecords,
    groups::{Admission, Group, Member, MemberState},
    links::Link,
    oidc_clients::OidcClient,
    sessions::SessionRecords,
    users::User,
};

/// The most users of one app; one more is refused.
const MAX_USERS: usize = 5_000;
/// The most groups of one app; one more is refused.
const MAX_GROUPS: usize = 1_000;
/// The most OpenID clients of one app; one more is refused.
const MAX_CLIENTS: usize = 500;
/// The most bytes of the files of one app: logos, and large values of profiles.
const MAX_FILE_BYTES: usize = 128 * 1024 * 1024;
/// The size from which a value of a profile counts as a file, in bytes.
const LARGE_VALUE: usize = 64 * 1024;
/// The most used refresh tokens that are remembered; the oldest one is evicted.
const MAX_USED_TOKENS: usize = 20_000;
/// The most magic links; the oldest one is evicted.
const MAX_LINKS: usize = 1_000;

/// An app with its users, groups and OpenID clients.
pub(crate) struct AppRecords {
    pub(crate) app: App,
    /// By id.
    pub(crate) users: BTreeMap<String, User>,
    /// By id.
    pub(crate) groups: BTreeMap<String, Group>,
    /// By id.
    pub(crate) clients: BTreeMap<String, OidcClient>,
}

impl AppRecords {
    fn new(app: App) -> Self {
        let users = app.users.iter().map(|seed| (seed.id.clone(), seed.user())).collect();
        let group = |seed: &super::people::SeedGroup| {
            Group::new(seed.id.clone(), seed.name.clone(), &app.id, seed.admission_policy)
        };
        let mut groups: BTreeMap<String, Group> =
            app.groups.iter().map(|seed| (seed.id.clone(), group(seed))).collect();
        for user in &app.users {
            for membership in &user.groups {
                if let Some(group) = groups.get_mut(&membership.group) {
                    group.members.push(Member::new(&user.id, membership.roles.clone()));
                }
            }
        }
        let clients = app.oidc_clients.iter();
        let clients =
            clients.map(|seed| (seed.id.clone(), OidcClient::of_seed(&app.id, seed))).collect();
        Self { app, users, groups, clients }
    }

    /// The user with this id.
    pub(crate) fn user(&self, id: &str) -> Result<&User, DataError> {
        self.users.get(id).ok_or(DataError::NoSuchUser)
    }

    /// The user with this id, to change it.
    pub(crate) fn user_mut(&mut self, id: &str) -> Result<&mut User, DataError> {
        self.users.get_mut(id).ok_or(DataError::NoSuchUser)
    }

    /// The user with this id, else the one with this short name.
    pub(crate) fn find_user(&self, name_or_id: &str) -> Option<&User> {
        self.users
            .get(name_or_id)
            .or_else(|| self.users.values().find(|user| user.name.as_deref() == Some(name_or_id)))
    }

    /// Adds a user, or replaces the one with the same id.
    pub(crate) fn put_user(&mut self, user: User) -> Result<(), DataError> {
        if self.users.len() >= MAX_USERS && !self.users.contains_key(&user.id) {
            return Err(DataError::TooManyUsers(MAX_USERS));
        }
        self.users.insert(user.id.clone(), user);
        Ok(())
    }

    /// Removes a user from the app and from its groups.
    pub(crate) fn remove_user(&mut self, id: &str) -> Result<User, DataError> {
        let user = self.users.remove(id).ok_or(DataError::NoSuchUser)?;
        for group in self.groups.values_mut() {
            group.members.retain(|member| member.user_id != id);
            group.invites.retain(|_, invite| invite.ensured_user_id != id);
        }
        Ok(user)
    }

    /// The group with this id.
    pub(crate) fn group(&self, id: &str) -> Result<&Group, DataError> {
        self.groups.get(id).ok_or(DataError::NoSuchGroup)
    }

    /// The group with this id, to change it.
    pub(crate) fn group_mut(&mut self, id: &str) -> Result<&mut Group, DataError> {
        self.groups.get_mut(id).ok_or(DataError::NoSuchGroup)
    }

    /// Adds a group.
    pub(crate) fn add_group(&mut self, group: Group) -> Result<(), DataError> {
        if self.groups.len() >= MAX_GROUPS {
            return Err(DataError::TooManyGroups(MAX_GROUPS));
        }
        self.groups.insert(group.id.clone(), group);
        Ok(())
    }

    /// Makes a user a member of an open group. A member stays one.
    pub(crate) fn join_open_group(&mut self, group: &str, user: &str) -> Result<(), DataError> {
        let group = self.group_mut(group)?;
        if group.admission_policy == Admission::InviteOnly {
            return Err(DataError::InviteNeeded);
        }
        match group.members.iter_mut().find(|member| member.user_id == user) {
            // An open group needs no invite: a pending member has joined.
            Some(member) => member.state = MemberState::Active,
            None => {
                group.admit(Member::new(user, Vec::new()))?;
            }
        }
        Ok(())
    }

    /// The OpenID client with this id or `client_id`.
    pub(crate) fn client(&self, name: &str) -> Option<&OidcClient> {
        self.clients
            .get(name)
            .or_else(|| self.clients.values().find(|client| client.answers_to(name)))
    }

    /// The OpenID client with this id.
    pub(crate) fn client_of(&self, id: &str) -> Result<&OidcClient, DataError> {
        self.clients.get(id).ok_or(DataError::NoSuchClient)
    }

    /// Removes the OpenID client with this id.
    pub(crate) fn remove_client(&mut self, id: &str) -> Result<(), DataError> {
        self.clients.remove(id).map(drop).ok_or(DataError::NoSuchClient)
    }

    /// The OpenID client with this id, to change it.
    pub(crate) fn client_mut(&mut self, id: &str) -> Result<&mut OidcClient, DataError> {
        self.clients.get_mut(id).ok_or(DataError::NoSuchClient)
    }

    /// Adds an OpenID client.
    pub(crate) fn add_client(&mut self, client: OidcClient) -> Result<(), DataError> {
        if self.clients.len() >= MAX_CLIENTS {
            return Err(DataError::TooManyClients(MAX_CLIENTS));
        }
        self.clients.insert(client.id.clone(), client);
        Ok(())
    }

    /// Whether the app may keep a file of so many bytes more.
    pub(crate) fn check_room(&self, more: usize) -> Result<(), DataError> {
        if more < LARGE_VALUE {
            return Ok(());
        }
        let logos: usize = self.clients.values().map(OidcClient::logo_bytes).sum();
        let values = self.users.values().flat_map(|user| user.data.values());
        let files = values.filter_map(|value| value.as_str().map(str::len));
        let files: usize = files.filter(|length| *length >= LARGE_VALUE).sum();
        if logos.saturating_add(files).saturating_add(more) > MAX_FILE_BYTES {
            return Err(DataError::TooManyBytes(MAX_FILE_BYTES));
        }
        Ok(())
    }

    /// The answer to a write: the profile without `rownd_user`, which Rownd leaves out there.
    pub(crate) fn written_profile(&self, id: &str) -> Result<Value, DataError> {
        let mut profile = self.profile(id, None)?;
        if let Some(members) = profile.as_object_mut() {
            members.remove("rownd_user");
        }
        Ok(profile)
    }

    /// The profile of a user, with `data` cut down to `fields` (separated by commas) if given.
    pub(crate) fn profile(&self, id: &str, fields: Option<&str>) -> Result<Value, DataError> {
        let user = self.user(id)?;
        let groups = self.groups.values().filter_map(|group| group.membership_of(&user.id));
        Ok(user.profile(&groups.collect(), fields))
    }
}

/// Everything that the emulator keeps.
pub(crate) struct Records {
    /// By id of the app.
    pub(crate) apps: BTreeMap<String, AppRecords>,
    /// The `jti` of each refresh token that was used.
    pub(crate) used_tokens: BoundedMap<()>,
    /// Magic links by id.
    pub(crate) links: BoundedMap<Link>,
    /// The sessions of SuperTokens.
    pub(crate) sessions: SessionRecords,
    /// The grants of the OpenID providers.
    pub(crate) grants: GrantRecords,
}

impl Records {
    /// The records of these apps at the start. Of two apps with one id the last one stays.
    pub(crate) fn new(apps: impl IntoIterator<Item = App>) -> Self {
        let apps = apps.into_iter().map(|app| (app.id.clone(), AppRecords::new(app)));
        Self {
            apps: apps.collect(),
            used_tokens: BoundedMap::new(MAX_USED_TOKENS),
            links: BoundedMap::new(MAX_LINKS),
            sessions: SessionRecords::new(),
            grants: GrantRecords::new(),
        }
    }

    /// The app with this id.
    pub(crate) fn app(&self, id: &str) -> Result<&AppRecords, DataError> {
        self.apps.get(id).ok_or(DataError::NoSuchApp)
    }

    /// The app with this id, to change it.
    pub(crate) fn app_mut(&mut self, id: &str) -> Result<&mut AppRecords, DataError> {
        self.apps.get_mut(id).ok_or(DataError::NoSuchApp)
    }

    /// The app of a publishable key, and the variant if the key is a variant's.
    pub(crate) fn find_by_key(&self, key: &str) -> Option<(&AppRecords, Option<&Variant>)> {
        self.apps.values().find_map(|records| {
            if records.app.key == key {
                return Some((records, None));
            }
            let variant = records.app.variants.iter().find(|variant| variant.key == key)?;
            Some((records, Some(variant)))
        })
    }
}
