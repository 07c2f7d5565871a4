//! What the emulator starts with, and returns to when it is reset: the demo app with its
//! people, and what a YAML file adds to it or puts in its place.
//!
//! In: the text of a seed file. Out: a [`Seed`] that holds together, or every problem at
//! once with its file, line and field.

mod document;
mod problem;
mod shape;

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    apps::App,
    groups::Admission,
    oidc,
    users::{Level, Standing, User},
};
use document::{Document, readable};
pub use problem::{Problem, Problems};

/// The most bytes of a seed file.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// Apps and their people, from a file.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    /// The apps. One with the demo app's id takes its place, the others stand beside it.
    #[serde(default)]
    pub(crate) apps: Vec<App>,
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seed").finish_non_exhaustive()
    }
}

/// A user.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Person {
    /// The user id: any text.
    #[schemars(length(min = 1))]
    pub(crate) id: String,
    /// A short word for it, what `token mint --user` takes.
    #[serde(default)]
    pub(crate) name: Option<String>,
    /// The `sub` of tokens, where that is not the id, as on accounts of 2022.
    #[serde(default)]
    pub(crate) sub: Option<String>,
    /// How strongly the user proved who they are.
    #[serde(default = "verified")]
    pub(crate) auth_level: Level,
    /// Whether the account may be used.
    #[serde(default)]
    pub(crate) state: Standing,
    /// The profile's fields.
    #[serde(default)]
    pub(crate) data: Map<String, Value>,
    /// The proved fields; for a verified user the e-mail address and phone number of
    /// `data` when left out.
    #[serde(default)]
    pub(crate) verified_data: Option<Map<String, Value>>,
    /// `namespace:key`, with a list of strings each.
    #[serde(default)]
    pub(crate) attributes: Map<String, Value>,
    /// Memberships.
    #[serde(default)]
    pub(crate) groups: Vec<Membership>,
    /// Members of `meta` to set, over those made up: `tokens_valid_since` and
    /// `access_token_ttl: never` among them.
    #[serde(default)]
    pub(crate) meta: Map<String, Value>,
}

fn verified() -> Level {
    Level::Verified
}

/// A user's place in a group.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Membership {
    /// The id of the group, which stands under `groups` of the app.
    pub(crate) group: String,
    /// The roles: any text.
    #[serde(default)]
    pub(crate) roles: Vec<String>,
}

/// A group.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupSeed {
    /// The id, `group_...`.
    pub(crate) id: String,
    /// The name for people.
    pub(crate) name: String,
    /// Who may join.
    #[serde(default)]
    pub(crate) admission_policy: Admission,
}

impl Person {
    /// The user this describes.
    pub(crate) fn user(&self) -> User {
        let mut user = User::new(self.id.clone(), self.auth_level);
        user.name.clone_from(&self.name);
        user.state = self.state;
        user.subject.clone_from(&self.sub);
        user.data.clone_from(&self.data);
        user.data.remove("user_id");
        user.attributes.clone_from(&self.attributes);
        user.verified = self.verified_data.clone().unwrap_or_else(|| self.proved());
        let method = if self.auth_level.is_anonymous() { "anonymous" } else { "email" };
        user.signed_in(method);
        user.meta.extend(self.meta.clone());
        user
    }

    fn proved(&self) -> Map<String, Value> {
        if self.auth_level != Level::Verified {
            return Map::new();
        }
        let proved = |field: &str| self.data.get(field).map(|v| (field.to_owned(), v.clone()));
        ["email", "phone_number"].into_iter().filter_map(proved).collect()
    }
}

impl Seed {
    /// Reads a seed file of at most 16 MiB.
    ///
    /// # Errors
    /// A file that cannot be read, or every problem of its text, each with its line and field.
    pub fn load(file: &Path) -> Result<Self, Problems> {
        let name = file.display().to_string();
        match read(file) {
            Ok(text) => Self::parse(&name, &text),
            Err(error) => Err(Problems::one(name, format!("cannot be read: {error}"))),
        }
    }

    /// Reads the text of a seed file. `name` stands for the file in the messages.
    ///
    /// # Errors
    /// Every problem of the text, each with its line and field.
    pub fn parse(name: &str, text: &str) -> Result<Self, Problems> {
        let document = Document::parse(text).map_err(|(line, message)| {
            let place = line.map_or_else(|| name.to_owned(), |line| format!("{name}:{line}"));
            Problems::one(place, message)
        })?;
        let mut found = shape::problems(&shape::schema_of::<Self>(), &document.value);
        let seed = match serde_json::from_value::<Self>(document.value.clone()) {
            Ok(seed) => {
                found.extend(problems(&seed));
                Some(seed)
            }
            Err(error) if found.is_empty() => {
                found.push((String::new(), error.to_string()));
                None
            }
            Err(_) => None,
        };
        // Problems without a line come last.
        found.sort_by_key(|(pointer, _)| document.line(pointer).unwrap_or(u64::MAX));
        match seed {
            Some(seed) if found.is_empty() => Ok(seed),
            _ => {
                let found = found.into_iter();
                let located = |(pointer, message): (String, String)| Problem {
                    place: document
                        .line(&pointer)
                        .map_or_else(|| name.to_owned(), |line| format!("{name}:{line}")),
                    field: readable(&pointer),
                    message,
                };
                Err(Problems(found.map(located).collect()))
            }
        }
    }
}

/// Reads the text of a file, which may be a pipe, up to [`MAX_FILE_BYTES`].
fn read(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(file)?.take(MAX_FILE_BYTES + 1).read_to_string(&mut text)?;
    let fits = u64::try_from(text.len()).is_ok_and(|length| length <= MAX_FILE_BYTES);
    if fits { Ok(text) } else { Err(io::Error::other("it is larger than 16 MiB")) }
}

/// What the shape alone does not tell: JSON pointer and message.
fn problems(seed: &Seed) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut ids = Unique::default();
    let mut keys = Unique::default();
    for (index, app) in seed.apps.iter().enumerate() {
        let at = format!("/apps/{index}");
        ids.see(&app.id, format!("{at}/id"), &mut found);
        keys.see(&app.key, format!("{at}/key"), &mut found);
        for (index, variant) in app.variants.iter().enumerate() {
            keys.see(&variant.key, format!("{at}/variants/{index}/key"), &mut found);
        }
        for (field, value) in [("id", &app.id), ("key", &app.key), ("secret", &app.secret)] {
            if value.trim().is_empty() || value.contains(char::is_control) {
                found.push((format!("{at}/{field}"), "is empty or not plain text".to_owned()));
            }
        }
        for (index, validator) in app.token_validators.iter().enumerate() {
            let at = format!("{at}/token_validators/{index}");
            let problems = validator.problems().into_iter();
            found.extend(problems.map(|(name, why)| (format!("{at}/{name}"), why)));
        }
        let clients = oidc::seed_problems(app).into_iter();
        found.extend(clients.map(|(below, why)| (format!("{at}{below}"), why)));
        people(app, &at, &mut found);
    }
    found
}

fn people(app: &App, at: &str, found: &mut Vec<(String, String)>) {
    let mut groups = Unique::default();
    for (index, group) in app.groups.iter().enumerate() {
        groups.see(&group.id, format!("{at}/groups/{index}/id"), found);
    }
    let mut ids = Unique::default();
    let mut names = Unique::default();
    for (index, person) in app.users.iter().enumerate() {
        let at = format!("{at}/users/{index}");
        ids.see(&person.id, format!("{at}/id"), found);
        if let Some(name) = &person.name {
            names.see(name, format!("{at}/name"), found);
        }
        for (index, membership) in person.groups.iter().enumerate() {
            if !groups.0.contains_key(&membership.group) {
                let why = format!(
                    "`{}` is no group of this app; add it under `groups` of the app",
                    membership.group
                );
                found.push((format!("{at}/groups/{index}/group"), why));
            }
        }
        for (field, value) in &person.data {
            let kind = app.schema.get(field).map(|spec| spec.kind);
            if kind.is_some_and(|kind| !value.is_null() && !kind.fits(value)) {
                let wanted = kind.map(crate::apps::FieldType::wanted).unwrap_or_default();
                found.push((format!("{at}/data/{field}"), format!("{wanted}, says the schema")));
            } else if !crate::users::fields::known(app, field) {
                let why = "is in no schema; add it under `schema` of the app".to_owned();
                found.push((format!("{at}/data/{field}"), why));
            }
        }
    }
}

/// Values that must not stand twice.
#[derive(Default)]
struct Unique(BTreeMap<String, String>);

impl Unique {
    fn see(&mut self, value: &str, at: String, found: &mut Vec<(String, String)>) {
        match self.0.get(value) {
            Some(first) => {
                let first = readable(first);
                found.push((at, format!("`{value}` stands here and at `{first}`; once is enough")));
            }
            None => {
                self.0.insert(value.to_owned(), at);
            }
        }
    }
}

/// The people of the demo app: one per auth level, and one who was disabled.
pub(crate) fn demo_people() -> Vec<Person> {
    let person = |name: &str, level: Level, email: Option<&str>| {
        let mut data = Map::new();
        if let Some(email) = email {
            data.insert("email".to_owned(), json!(email));
            data.insert("first_name".to_owned(), json!("Demo"));
            data.insert("last_name".to_owned(), json!(name));
        }
        if level.is_anonymous() {
            data.insert("anonymous_id".to_owned(), json!(format!("anon_{name}")));
        }
        Person {
            id: format!("user_{name}"),
            name: Some(name.to_owned()),
            sub: None,
            auth_level: level,
            state: Standing::Enabled,
            data,
            verified_data: None,
            attributes: Map::new(),
            groups: Vec::new(),
            meta: demo_meta(level),
        }
    };
    let mut vera = person("verified", Level::Verified, Some("vera@example.com"));
    vera.attributes.insert("demo:tags".to_owned(), json!(["premium"]));
    vera.groups.push(Membership {
        group: "group_demo".to_owned(),
        roles: vec!["owner".to_owned(), "editor".to_owned()],
    });
    let mut dora = person("disabled", Level::Verified, Some("dora@example.com"));
    dora.state = Standing::Disabled;
    vec![
        vera,
        person("unverified", Level::Unverified, Some("uma@example.com")),
        person("guest", Level::Guest, None),
        person("instant", Level::Instant, None),
        dora,
    ]
}

/// The one group of the demo app, in which the verified user has two roles.
pub(crate) fn demo_groups() -> Vec<GroupSeed> {
    vec![GroupSeed {
        id: "group_demo".to_owned(),
        name: "Demo group".to_owned(),
        admission_policy: Admission::InviteOnly,
    }]
}

fn demo_meta(level: Level) -> Map<String, Value> {
    const CREATED: &str = "2026-01-05T09:00:00.000Z";
    const SEEN: &str = "2026-06-01T12:30:00.000Z";
    let method = if level.is_anonymous() { "anonymous" } else { "email" };
    let meta = [
        ("created", CREATED),
        ("modified", SEEN),
        ("first_sign_in", CREATED),
        ("first_sign_in_method", method),
        ("last_sign_in", SEEN),
        ("last_sign_in_method", method),
        ("last_active", SEEN),
    ];
    meta.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect()
}
