//! Everything that changes while the emulator runs, but the keys: users, groups, what was
//! used up and what is pending.
//!
//! In: the seed, then what the endpoints write. Out: what they read. All of it is
//! bounded, the oldest going first where nothing else decides.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::{
    Settings,
    apps::App,
    groups::{Admission, Group, Member},
    links::Link,
    oidc,
    request::Refusal,
    seed, supertokens,
    users::User,
};

/// Users of one app; writing one more is refused.
const MAX_USERS: usize = 5_000;

/// The refresh tokens that are remembered as used.
const MAX_CONSUMED: usize = 20_000;

/// The magic links that wait.
const MAX_LINKS: usize = 1_000;

/// An app and who is in it.
pub(super) struct Tenant {
    pub(super) app: App,
    pub(super) users: BTreeMap<String, User>,
    pub(super) groups: BTreeMap<String, Group>,
}

impl Tenant {
    fn new(app: App) -> Self {
        let users = app.users.iter().map(|person| (person.id.clone(), person.user())).collect();
        let mut groups: BTreeMap<String, Group> =
            app.groups.iter().map(|seed| (seed.id.clone(), Group::seeded(&app.id, seed))).collect();
        for person in &app.users {
            for place in &person.groups {
                if let Some(group) = groups.get_mut(&place.group) {
                    group.members.push(Member::new(&person.id, place.roles.clone()));
                }
            }
        }
        Self { app, users, groups }
    }

    pub(super) fn user(&self, id: &str) -> Result<&User, Refusal> {
        self.users.get(id).ok_or_else(Refusal::user_not_found)
    }

    pub(super) fn user_mut(&mut self, id: &str) -> Result<&mut User, Refusal> {
        self.users.get_mut(id).ok_or_else(Refusal::user_not_found)
    }

    /// Finds a user by id, else by the short name.
    pub(super) fn find(&self, name_or_id: &str) -> Option<&User> {
        self.users
            .get(name_or_id)
            .or_else(|| self.users.values().find(|user| user.name.as_deref() == Some(name_or_id)))
    }

    /// Finds the user who proved this value.
    pub(super) fn who_proved(&self, value: &str) -> Option<&User> {
        self.users.values().find(|user| user.proved(value))
    }

    /// Adds a user, or puts another in their place.
    pub(super) fn put(&mut self, user: User) -> Result<(), Refusal> {
        if self.users.len() >= MAX_USERS && !self.users.contains_key(&user.id) {
            let why = format!("the emulator keeps at most {MAX_USERS} users per app");
            return Err(Refusal::bad_request("E_USER_UPDATE_FAILED", why));
        }
        self.users.insert(user.id.clone(), user);
        Ok(())
    }

    /// Takes a user out, and out of the groups.
    pub(super) fn remove(&mut self, id: &str) -> Result<User, Refusal> {
        let user = self.users.remove(id).ok_or_else(Refusal::user_not_found)?;
        for group in self.groups.values_mut() {
            group.members.retain(|member| member.user_id != id);
        }
        Ok(user)
    }

    /// Puts a user into a group that is open, where they may be already.
    pub(super) fn join_open(&mut self, group: &str, user: &str) -> Result<(), Refusal> {
        let group = self.groups.get_mut(group).ok_or_else(Refusal::group_not_found)?;
        if group.admission_policy == Admission::InviteOnly {
            return Err(Refusal::forbidden("the group takes only who is invited"));
        }
        if !group.members.iter().any(|member| member.user_id == user) {
            group.members.push(Member::new(user, Vec::new()));
        }
        Ok(())
    }

    /// The profile of a user.
    pub(super) fn profile(
        &self,
        id: &str,
        fields: Option<&str>,
    ) -> Result<serde_json::Value, Refusal> {
        let user = self.user(id)?;
        let groups = self.groups.values().filter_map(|group| group.place_of(&user.id)).collect();
        Ok(user.profile(&serde_json::Value::Array(groups), fields))
    }
}

/// All of it.
pub(super) struct World {
    pub(super) tenants: BTreeMap<String, Tenant>,
    /// The `jti` of each refresh token that was used.
    pub(super) consumed: Recent<()>,
    /// Magic links by id.
    pub(super) links: Recent<Link>,
    /// What SuperTokens' core remembers.
    pub(super) core: supertokens::Memory,
    /// What the OpenID provider remembers.
    pub(super) provider: oidc::Memory,
}

impl World {
    /// The world as the seed has it.
    pub(super) fn new(settings: &Settings) -> Self {
        let mut demo = App::plain(&settings.app_id, &settings.app_key, &settings.app_secret);
        demo.variants.push(settings.variant.clone());
        demo.oidc_clients = oidc::Client::demo(&settings.app_secret);
        demo.users = seed::demo_people();
        demo.groups = seed::demo_groups();
        let mut tenants = BTreeMap::from([(demo.id.clone(), Tenant::new(demo))]);
        for app in &settings.seed.apps {
            tenants.insert(app.id.clone(), Tenant::new(app.clone()));
        }
        Self {
            tenants,
            consumed: Recent::new(MAX_CONSUMED),
            links: Recent::new(MAX_LINKS),
            core: supertokens::Memory::new(),
            provider: oidc::Memory::new(),
        }
    }

    pub(super) fn tenant(&self, app: &str) -> Result<&Tenant, Refusal> {
        self.tenants.get(app).ok_or_else(no_app)
    }

    pub(super) fn tenant_mut(&mut self, app: &str) -> Result<&mut Tenant, Refusal> {
        self.tenants.get_mut(app).ok_or_else(no_app)
    }

    /// The app of a publishable key, with the variant whose key it is.
    pub(super) fn by_key(&self, key: &str) -> Option<(&Tenant, Option<&super::Variant>)> {
        self.tenants.values().find_map(|tenant| {
            if tenant.app.key == key {
                return Some((tenant, None));
            }
            let variant = tenant.app.variants.iter().find(|variant| variant.key == key)?;
            Some((tenant, Some(variant)))
        })
    }
}

fn no_app() -> Refusal {
    Refusal::not_found("E_APP_NOT_FOUND", "there is no app with that id")
}

/// A map that forgets what came first once it is full.
pub(super) struct Recent<V> {
    most: usize,
    order: VecDeque<String>,
    entries: HashMap<String, V>,
}

impl<V> Recent<V> {
    pub(super) fn new(most: usize) -> Self {
        Self { most, order: VecDeque::new(), entries: HashMap::new() }
    }

    /// Puts an entry in; `false` if the key was there, whose value is then replaced.
    pub(super) fn insert(&mut self, key: String, value: V) -> bool {
        if self.entries.insert(key.clone(), value).is_some() {
            return false;
        }
        self.order.push_back(key);
        if self.order.len() > self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.entries.remove(&oldest);
        }
        true
    }

    pub(super) fn get(&self, key: &str) -> Option<&V> {
        self.entries.get(key)
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut V> {
        self.entries.get_mut(key)
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.values_mut()
    }

    pub(super) fn remove(&mut self, key: &str) {
        if self.entries.remove(key).is_some() {
            self.order.retain(|known| known != key);
        }
    }
}
