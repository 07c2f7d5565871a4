//! Checks what the shape of a seed file does not show: ids that stand twice, groups and fields
//! that do not exist, clients and validators that lack something.

use std::collections::BTreeMap;

use super::document::readable;
use crate::data::{
    apps::{App, FieldType},
    clients::STANDARD_SCOPES,
    fields,
    oidc_config::is_page,
};

/// The problems that the shape does not show: JSON pointer and message of each.
pub(super) fn problems(apps: &[App]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut ids = Unique::default();
    let mut keys = Unique::default();
    let served = apps.iter().enumerate().filter(|(_, app)| app.supertokens_plugin);
    for (index, _) in served.skip(1) {
        let why = "the plugin serves one app; another one has it already".to_owned();
        found.push((format!("/apps/{index}/supertokens_plugin"), why));
    }
    for (index, app) in apps.iter().enumerate() {
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
        let clients = client_problems(app).into_iter();
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
                    "`{}` is not a group of this app; add it under `groups` of the app",
                    membership.group
                );
                found.push((format!("{at}/groups/{index}/group"), why));
            }
        }
        for (field, value) in &person.data {
            let kind = app.schema.get(field).map(|spec| spec.kind);
            if kind.is_some_and(|kind| !value.is_null() && !kind.fits(value)) {
                let wanted = kind.map(FieldType::wanted).unwrap_or_default();
                found.push((
                    format!("{at}/data/{field}"),
                    format!("{wanted}, by the schema of the app"),
                ));
            } else if !fields::known(app, field) {
                let why = "is in no schema; add it under `schema` of the app".to_owned();
                found.push((format!("{at}/data/{field}"), why));
            }
        }
    }
}

/// Values that must differ, each with the place where it stands first.
#[derive(Default)]
struct Unique(BTreeMap<String, String>);

impl Unique {
    fn see(&mut self, value: &str, at: String, found: &mut Vec<(String, String)>) {
        match self.0.get(value) {
            Some(first) => {
                let first = readable(first);
                found.push((
                    at,
                    format!("`{value}` stands here and at `{first}`; it may stand only once"),
                ));
            }
            None => {
                self.0.insert(value.to_owned(), at);
            }
        }
    }
}

/// The problems of an app's OpenID clients: path below the app and message of each.
fn client_problems(app: &App) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    for (index, client) in app.oidc_clients.iter().enumerate() {
        let at = format!("/oidc_clients/{index}");
        for name in std::iter::once(&client.id).chain(&client.client_id) {
            if names.contains(&name.as_str()) {
                found.push((format!("{at}/id"), format!("`{name}` is another client's name")));
            }
            names.push(name);
        }
        if client.redirect_uris.is_empty() {
            found.push((format!("{at}/redirect_uris"), "is empty".to_owned()));
        }
        let pages = client.interaction_endpoint.iter();
        for page in pages.filter(|page| !is_page(page)) {
            let why = format!("`{page}` is not a full http or https address, or has a fragment");
            found.push((format!("{at}/interaction_endpoint"), why));
        }
        for (list, uris) in [
            ("redirect_uris", &client.redirect_uris),
            ("post_logout_uris", &client.post_logout_uris),
        ] {
            for (index, uri) in uris.iter().enumerate() {
                let fits = url::Url::parse(uri).is_ok_and(|url| url.fragment().is_none());
                if !fits {
                    let why = format!("`{uri}` is not a full address, or has a fragment");
                    found.push((format!("{at}/{list}/{index}"), why));
                }
            }
        }
        for (index, scope) in client.allowed_scopes.iter().enumerate() {
            if !STANDARD_SCOPES.contains(&scope.as_str()) && !app.schema.contains_key(scope) {
                let why = format!(
                    "`{scope}` is not a scope; known: {}, and the fields of the schema",
                    STANDARD_SCOPES.join(", ")
                );
                found.push((format!("{at}/allowed_scopes/{index}"), why));
            }
        }
    }
    found
}
