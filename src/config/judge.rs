//! The whole way from a text to a configuration: every problem and every warning in one pass, each
//! with its place.
//!
//! In: the text, the environment, and the checks of other rooms. Out: the configuration or its
//! problems, and in both cases the warnings.

use std::{collections::BTreeMap, path::Path};

use serde_json::json;

use super::{
    Config, Finding, Problem, Problems, closed,
    document::{YamlDocument, readable},
    environment, file_problems,
    findings::Findings,
    main_file, name_of, no_effect, odd_texts, overlap, partial, placeholder,
    places::{Places, at},
    preset_audience, repeats, secret_texts,
    sections::{NO_APP, WrittenConfig},
    structure, unused, validate,
};
use crate::model::Warning;

/// Warnings that say what the issuers, the roles and the callers of the whole file allow: where one
/// of these sections has a problem, they would say too much.
const OF_THE_WHOLE: [&str; 7] = [
    "caller_unbounded",
    "condition_never_met",
    "permission_unknown",
    "role_sources_missing",
    "role_unknown",
    "role_without_users",
    "user_id_is_address",
];
/// The sections that those warnings are about.
const REFERRED_TO: [&str; 5] =
    ["/issuers", "/credentials", "/roles", "/role_sources", "/rownd_auth"];

/// A configuration and everything that there is to say about it.
#[derive(Debug)]
pub struct Judged {
    /// The configuration, or all of its problems.
    pub outcome: Result<Config, Problems>,
    /// The warnings in the order of the file. Those about sections with a problem are left out.
    pub warnings: Vec<Warning>,
}

/// Loads like [`load`](super::load), with the checks of other rooms, and tells the warnings as well.
#[must_use]
pub fn judge(
    file: Option<&Path>,
    environment: &BTreeMap<String, String>,
    more_problems: impl FnOnce(&Config) -> Vec<Finding>,
    warnings: impl FnOnce(&Config) -> Vec<Warning>,
) -> Judged {
    let text = match main_file::read_settings(file) {
        Ok(text) => text,
        Err(mut problems) => {
            let mut warnings = environment::unknown_names(environment).collect();
            problems.0.extend(environment::problems_alone(environment, &mut warnings));
            return Judged { outcome: Err(problems), warnings };
        }
    };
    let all = |config: &Config| {
        let mut found = file_problems(config);
        found.extend(more_problems(config));
        found
    };
    judge_text(&name_of(file), &text, environment, all, warnings)
}

/// Parses like [`parse`](super::parse), with more checks of the configuration.
///
/// # Errors
///
/// All problems, those of `more_problems` included.
pub(super) fn parse_with(
    name: &str,
    text: &str,
    environment: &BTreeMap<String, String>,
    more_problems: impl FnOnce(&Config) -> Vec<Finding>,
) -> Result<Config, Problems> {
    judge_text(name, text, environment, more_problems, |_| Vec::new()).outcome
}

fn judge_text(
    name: &str,
    text: &str,
    environment: &BTreeMap<String, String>,
    more_problems: impl FnOnce(&Config) -> Vec<Finding>,
    more_warnings: impl FnOnce(&Config) -> Vec<Warning>,
) -> Judged {
    let mut warnings: Vec<_> = environment::unknown_names(environment).collect();
    let mut document = match YamlDocument::parse(text) {
        Ok(document) => document,
        Err(error) => {
            let mut problems = partial::problems(name, text, error);
            problems.extend(environment::problems_alone(environment, &mut warnings));
            return Judged { outcome: Err(Problems(problems)), warnings };
        }
    };
    if document.value.is_null() {
        // A file of `---` alone is as empty as one of comments.
        document.value = json!({});
    }
    let mut problems = environment::apply(&mut document, environment, &mut warnings);
    let mut found = structure::problems(&document);
    // A section of the wrong form is left out, and the rest is still checked: all problems at once.
    let (value, left_out) = structure::without(document.value.clone(), &found);
    found = own_problems(found, &problems);
    let config = match serde_json::from_value::<WrittenConfig>(value) {
        Ok(mut written) => {
            let set =
                environment::complete(&mut written, environment, &mut problems, &mut warnings);
            for (pointer, variable) in set {
                document.note_variable(pointer, variable);
            }
            let mut more = Findings::without(left_out.clone());
            let mut config = validate::check(written, &mut more);
            config.places = Places::of(name, &document);
            warnings.extend(own_warnings(name, &config, &document, &mut more));
            // A section that was left out has a problem already; its defaults may cause others.
            let own = Vec::from(more);
            // One mistake is told once, by the room that finds it first.
            let is_told = |finding: &Finding| own.iter().any(|f| f.pointer == finding.pointer);
            let mut others = more_problems(&config);
            others.retain(|finding| finding.pointer.is_empty() || !is_told(finding));
            let more = own.into_iter().chain(others);
            let more = more.filter(|finding| !is_of_any(&left_out, &finding.pointer));
            let is_unnamed = environment::names_no_app(&problems);
            let more = more.filter(|finding| !(is_unnamed && finding.message.starts_with(NO_APP)));
            found.extend(more.map(|Finding { pointer, message }| (pointer, message)));
            Some(config)
        }
        Err(error) => {
            if found.is_empty() {
                found.push((String::new(), error.to_string()));
            }
            None
        }
    };
    let found = in_order(found, &document);
    let pointers: Vec<String> = found.iter().map(|(pointer, _)| pointer.clone()).collect();
    problems.extend(found.into_iter().map(|(pointer, text)| at(name, &document, &pointer, text)));
    let Some(mut config) = config else {
        return Judged { outcome: Err(Problems(problems)), warnings };
    };
    config.warnings = warnings;
    let mut warnings = more_warnings(&config);
    if !problems.is_empty() {
        warnings.retain(|warning| !is_doubtful(warning, &pointers));
    }
    let warnings = config.places.in_order(warnings);
    let outcome = if problems.is_empty() { Ok(config) } else { Err(Problems(problems)) };
    Judged { outcome, warnings }
}

/// These problems and those of entries that repeat others, as they stand in the file.
fn in_order(mut found: Vec<(String, String)>, document: &YamlDocument) -> Vec<(String, String)> {
    let told: Vec<String> = found.iter().map(|(pointer, _)| pointer.clone()).collect();
    let is_told = |pointer: &str| told.iter().any(|known| known == pointer);
    found.extend(repeats::problems(document).into_iter().filter(|(at, _)| !is_told(at)));
    for (pointer, message) in &mut found {
        if let Some(instead) = placeholder::instead_of_secret(document, pointer) {
            *message = instead;
        }
    }
    found.sort_by_key(|(pointer, _)| document.order(pointer));
    found.dedup();
    found
}

/// Whether the problems of the settings at these JSON pointers may be the cause of a warning.
fn is_doubtful(warning: &Warning, pointers: &[String]) -> bool {
    let referred_to = REFERRED_TO.map(str::to_owned);
    !warning.pointer.is_empty() && is_of_any(pointers, &warning.pointer)
        || OF_THE_WHOLE.contains(&warning.code)
            && pointers.iter().any(|pointer| is_of_any(&referred_to, pointer))
}

/// Whether a JSON pointer is one of these, or leads to something inside or around one.
fn is_of_any(pointers: &[String], pointer: &str) -> bool {
    pointers
        .iter()
        .any(|known| known == pointer || is_below(known, pointer) || is_below(pointer, known))
}

/// Whether a JSON pointer leads to something inside another.
fn is_below(pointer: &str, ancestor: &str) -> bool {
    pointer.strip_prefix(ancestor).is_some_and(|rest| rest.starts_with('/'))
}

/// The warnings of this room.
fn own_warnings(
    name: &str,
    config: &Config,
    document: &YamlDocument,
    found: &mut Findings,
) -> Vec<Warning> {
    let place = |pointer: &str| at(name, document, pointer, String::new()).place;
    let mut warnings = overlap::warnings(&config.routes, place);
    warnings.extend(overlap::repeated_guards(&config.guards, place));
    warnings.extend(closed::sign_in_loops(config));
    warnings.extend(repeats::warnings(document, place));
    warnings.extend(no_effect::check(config, document, found));
    warnings.extend(unused::warnings(config, document));
    warnings.extend(preset_audience::warnings(config));
    let secrets = secret_texts::secrets(document);
    warnings.extend(placeholder::warnings(config, document, &secrets));
    warnings.extend(secret_texts::repeated(&secrets));
    warnings.extend(odd_texts::warnings(document));
    warnings
}

/// The problems of form without those that a variable which cannot be read has caused: its setting is
/// not there.
fn own_problems(found: Vec<(String, String)>, of_variables: &[Problem]) -> Vec<(String, String)> {
    let is_caused = |pointer: &str, message: &str| {
        let missing = message.strip_prefix('`').and_then(|rest| rest.split_once("` is missing"));
        missing.is_some_and(|(name, _)| {
            let setting = format!("{}.{name}", readable(pointer));
            of_variables.iter().any(|problem| problem.setting == setting)
        })
    };
    found.into_iter().filter(|(pointer, message)| !is_caused(pointer, message)).collect()
}
