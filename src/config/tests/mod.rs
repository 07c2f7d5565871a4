//! Configuration: every problem at once with its place, the environment over the file, secrets
//! that are never shown, and a schema that says the same as the reader.

mod asked_headers;
mod callbacks;
mod claims;
mod cures;
mod denials;
mod environment;
mod events;
mod hooks;
mod http;
mod inbound;
mod matches;
mod mistakes;
mod mutated;
mod odd_texts;
mod one_iss;
mod outbound;
mod outputs;
mod overlap;
mod partial;
mod passport;
mod placeholder;
mod preset_audience;
mod presets;
mod problems;
mod public_http;
mod read_headers;
mod references;
mod reload;
mod repeats;
mod requirements;
mod rights;
mod rownd_auth;
mod schema;
mod schema_share;
mod secrets;
mod shared;
mod silence;
mod tenants;
mod variants;
mod vendor_variables;
mod warned;
mod yaml_errors;

use std::{collections::BTreeMap, fs, path::PathBuf};

use tempfile::TempDir;

use super::{Config, Problem, parse};

pub(super) type Variables<'a> = &'a [(&'a str, &'a str)];

/// The lines that complete a configuration without an app.
pub(super) const APP: (&str, &str) = ("ROWND_APP_ID", "app_test");

fn environment(variables: Variables<'_>) -> BTreeMap<String, String> {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn read(yaml: &str, variables: Variables<'_>) -> Result<Config, Vec<Problem>> {
    parse("test.yaml", yaml, &environment(variables)).map_err(|problems| problems.0)
}

pub(super) fn good(yaml: &str, variables: Variables<'_>) -> Config {
    // Other variables may complete what the file lacks.
    if variables.iter().all(|(name, _)| !name.starts_with("ROWND_AUTHZ__")) {
        mistakes::assert_schema_takes(yaml);
    }
    read(yaml, variables).unwrap_or_else(|problems| panic!("{yaml}\n{problems:#?}"))
}

pub(super) fn bad(yaml: &str, variables: Variables<'_>) -> Vec<Problem> {
    match read(yaml, variables) {
        Ok(_) => panic!("no problem in\n{yaml}"),
        Err(problems) => problems,
    }
}

/// Place and setting of each problem.
fn places(problems: &[Problem]) -> Vec<(&str, &str)> {
    problems.iter().map(|problem| (problem.place.as_str(), problem.setting.as_str())).collect()
}

/// A file with this text, gone with the directory.
fn file(text: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    fs::write(&path, text).unwrap();
    (directory, path)
}
